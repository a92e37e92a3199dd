import fc from "fast-check";
import { isSettled, judgeHang } from "../../lib/hang/rules.ts";
import { runningByChildren } from "../../lib/hang/rules_running.ts";
import type { HangScene, SeenProcess, Thread } from "../../lib/hang/scene.ts";
import { assert, assertEquals, assertIncludes } from "../assert.ts";
import {
  CALL,
  child,
  ends,
  PIPE,
  process,
  pytest,
  reader,
  scene,
  SIGINT,
  thread,
  writer,
} from "./scenes.ts";

const waiting = thread(8, CALL.wait4, [7, 0, 0]);
const polling = thread(8, CALL.epoll_wait, [5, 0, 9, 500]);

function verdictOf(processes: readonly SeenProcess[], more: Partial<HangScene> = {}): string {
  return judgeHang(scene(processes, more)).verdict;
}

Deno.test("a write is blocked only if every holder of the read end is seen not to read", () => {
  assertEquals(verdictOf([writer(), reader([waiting])], ends), "blocked-write");
  const doubts: readonly [string, readonly SeenProcess[], Partial<HangScene>?][] = [
    ["the writer woke up", [writer({ ran: true }), reader([waiting])]],
    ["whether it woke up is unknown", [writer({ ran: null }), reader([waiting])]],
    ["no process is seen to hold the read end", [writer()], { pipes: new Map(), unreadable: 3 }],
    ["the reader can't be inspected", [writer(), reader([])]],
    ["the reader reads", [writer(), reader([thread(8, CALL.read, [3, 0, 9])])]],
    ["the reader runs", [writer(), reader([{ ...waiting, ran: true }])]],
    [
      "a thread of the reader sleeps for a while",
      [writer(), reader([waiting, thread(9, CALL.clock_nanosleep, [])])],
    ],
    ["the reader's event loop wakes up soon", [writer(), reader([polling])]],
    [
      "the write does not sleep in a pipe",
      [writer({ waitsIn: "balance_dirty_pages" }), reader([waiting])],
    ],
  ];
  for (const [name, processes, more = ends] of doubts) {
    assertEquals(verdictOf(processes, more), "no-verdict", name);
  }
});

Deno.test(
  "a proof is final; otherwise two examinations must agree, without " +
    "an uncertain writer",
  () => {
    const proven = judgeHang(scene([writer(), reader([waiting])], ends));
    const doubtful = judgeHang(scene([writer(), reader([polling])], ends));
    const nothing = judgeHang(scene([reader([waiting])]));
    const isRead = judgeHang(scene([writer({ ran: true }), reader([polling])], ends));
    for (const before of [null, nothing, doubtful]) assertEquals(isSettled(proven, before), true);
    const settled = [null, nothing, doubtful].map((before) => isSettled(nothing, before));
    assertEquals(settled, [false, true, true]);
    assertEquals([isSettled(doubtful, null), isSettled(doubtful, doubtful)], [false, false]);
    assertEquals(isSettled(isRead, isRead), true);
  },
);

Deno.test("without system calls the wait channel counts, if only one pipe can be meant", () => {
  const blind = { syscall: null, waitsIn: "anon_pipe_write" };
  const waits = thread(8, 0, [], { syscall: null, waitsIn: "do_wait" });
  assertEquals(verdictOf([writer(blind), reader([waits])], ends), "blocked-write");
  const files = [PIPE, "pipe:[6]"].map((target, index) => ({
    fd: index + 1,
    reads: false,
    writes: true,
    target,
  }));
  assertEquals(verdictOf([{ ...writer(blind), files }, reader([waits])], ends), "no-verdict");
});

Deno.test("system call numbers are those of the architecture", () => {
  const at = (write: number, wait: number, readNumber: number) => {
    const writes = { ...writer(), threads: [thread(7, write, [1, 0, 9])] };
    return verdictOf([writes, reader([thread(8, wait, [7])])], { ...ends, readNumber });
  };
  assertEquals(at(64, 260, 63), "blocked-write");
  assertEquals(at(1, 61, 63), "no-verdict");
  assertEquals(at(64, 260, 99), "no-verdict");
});

Deno.test(
  "SIGINT that the whole tree ignored from the start gives no " +
    "verdict about a child",
  () => {
    const deaf = { interrupt: { ...SIGINT, ignored: true } };
    const of = (root: Partial<Thread>, other: Partial<Thread>) =>
      judgeHang(scene([
        process(7, { threads: [thread(7, CALL.wait4, [8], root)] }),
        process(8, { ppid: 7, threads: [thread(8, CALL.pause, [], other)] }),
      ]));
    assertEquals(of({}, deaf).verdict, "child-ignores-sigint");
    assertEquals(of({}, {}).verdict, "no-verdict");
    const all = of(deaf, deaf);
    assertEquals(all.verdict, "no-verdict");
    assertIncludes(all.evidence.join("\n"), "env --default-signal=INT");
  },
);

Deno.test("an idle connection waits for the registry only if a stranger holds that", () => {
  const loop = (tid: number) => [thread(tid, CALL.epoll_wait, [5, 0, 9, 86_400_000])];
  const connection = {
    address: "127.0.0.1:1616",
    isRegistry: true,
    pid: 7,
    fd: 9,
    state: "accepted" as const,
    unread: 0,
    holders: [8],
  };
  const of = (inTree: boolean, more = {}) =>
    verdictOf([
      process(7, { watched: [9], threads: loop(7) }),
      process(8, { inTree, threads: loop(8) }),
    ], { connections: [{ ...connection, ...more }] });
  assertEquals(of(true), "no-verdict");
  assertEquals(of(true, { unread: 5 }), "waiting-for-registry");
  assertEquals(of(false), "waiting-for-registry");
  assertEquals(of(false, { fd: 10 }), "no-verdict");
});

/** Any processes: some are outside the tree, can't be read, or have impossible calls. */
const anyProcesses = fc.array(
  fc.record({
    threads: fc.array(
      fc.record({
        tid: fc.integer({ min: 7, max: 9 }),
        state: fc.constantFrom("S", "R", "D", "T", "t", "Z"),
        number: fc.constantFrom(0, 1, 61, 232, 230, 202, 270, 16, 42, -1, 999),
        args: fc.array(fc.constantFrom(0, 1, 3, 7, 8, 2 ** 32 - 1, 2 ** 64), { maxLength: 6 }),
        ran: fc.constantFrom(true, false, null),
        ignored: fc.constantFrom(true, false, null),
      }).map(({ tid, number, args, ignored, ...more }) =>
        thread(tid, number, args, { ...more, interrupt: { ...SIGINT, ignored } })
      ),
      { maxLength: 4 },
    ),
    files: fc.option(fc.array(fc.record({
      fd: fc.integer({ min: 0, max: 4 }),
      reads: fc.boolean(),
      writes: fc.boolean(),
      target: fc.constantFrom(PIPE, "/dev/pts/1", "/tmp/x", "socket:[1]"),
    }))),
    ppid: fc.constantFrom(1, 7),
    inTree: fc.boolean(),
  }),
  { minLength: 1, maxLength: 4 },
).map((list) => list.map((one, index) => process(7 + index, one)));

Deno.test("any scene has one verdict with evidence, or none if everything runs", () => {
  fc.assert(fc.property(anyProcesses, (processes) => {
    const { verdict, evidence } = judgeHang(scene(processes, ends));
    assert(verdict === "no-verdict" || evidence.length > 0, verdict);
    const threads = processes.flatMap((one) => one.threads);
    const allRun = threads.every(({ ran, state }) => ran !== false && state !== "T");
    if (allRun) assertEquals(verdict, "no-verdict");
  }));
});

function finished(leftBy: readonly (readonly [number, string])[] = []) {
  return { session: { exitStatus: 1, leftBy: new Map(leftBy) } };
}

Deno.test("a pytest that waits for a child has a verdict only after its session", () => {
  const waits = pytest([waiting]);
  const { verdict, evidence, pids } = judgeHang(
    scene([waits, child()], finished([[7, "tests/a.py::t"]])),
  );
  assertEquals([verdict, pids], ["exit-waits-for-child", [7]]);
  assertEquals(evidence.slice(0, 2), [
    "pytest (pid 8) has finished with exit status 1 and waits for its child " +
    "pid 7 (sleep 600) in wait4 (by pid)",
    "pid 7: state S, clock_nanosleep; left by tests/a.py::t",
  ]);
  const unrecorded = judgeHang(scene([waits, child()], finished()));
  assertIncludes(unrecorded.evidence[1]!, "the test that left it was not recorded");
  const running = { session: { exitStatus: null, leftBy: new Map() } };
  const none: readonly [string, SeenProcess, Partial<HangScene>][] = [
    ["its session has not finished", waits, running],
    ["no run has recorded it", waits, {}],
    ["it runs", pytest([{ ...waiting, ran: true }]), finished()],
    ["it waits for a lock", pytest([thread(8, CALL.futex, [0, 0, 0, 0])]), finished()],
  ];
  for (const [name, root, more] of none) {
    assertEquals(verdictOf([root, child()], more), "no-verdict", name);
  }
  const locked = judgeHang(scene([none[3]![1], child()], finished())).evidence.join("\n");
  assertIncludes(locked, "pytest (pid 8) has finished with exit status 1 but has not exited");
  assertIncludes(locked, "child still running: pid 7 (sleep 600)");
});

Deno.test("an isolated pytest knows its children by the pids that they have inside", () => {
  const inside = pytest([thread(8, CALL.wait4, [2, 0, 0], { ownTid: 1 })]);
  const isolated = child({ threads: [thread(7, CALL.clock_nanosleep, [0, 0, 0], { ownTid: 2 })] });
  const left = finished([[2, "tests/b.py::t"], [7, "tests/a.py::t"]]);
  assertIncludes(judgeHang(scene([inside, isolated], left)).evidence[1]!, "left by tests/b.py::t");
});

Deno.test("a dead child counts where its parent sleeps and waits for no other child", () => {
  const dead = [{ pid: 5, ownPid: 5, ppid: 8, title: "worker" }];
  const of = (one: Thread, more: Partial<SeenProcess> = {}) =>
    verdictOf([pytest([one], more), child()], { dead });
  const reads = thread(8, CALL.read, [3, 0, 1]);
  const sleeps = thread(8, CALL.clock_nanosleep, [0, 0, 0]);
  assertEquals(of(reads), "child-not-reaped");
  assertEquals(of(sleeps, { asleepSeconds: 30 }), "child-not-reaped");
  assertEquals(of(sleeps, { asleepSeconds: 1 }), "no-verdict");
  assertEquals(of(waiting), "no-verdict");
  assertEquals(of({ ...reads, ran: true }), "no-verdict");
  assertEquals(of(reads, { inTree: false }), "no-verdict");
});

Deno.test("a test that has finished is never shown as running", () => {
  const captured = [{ fd: 1, reads: true, writes: true, target: "/tmp/#77 (deleted)" }];
  const running = (phase: string, call: Thread, files: SeenProcess["files"] = captured) =>
    runningByChildren(scene([pytest([call], { files }), child()], {
      startedIn: new Map([[7, { id: "tests/a.py::t", phase }]]),
    }));
  assertEquals(running("call", waiting), "tests/a.py::t");
  // A fixture's child outlives the test in which it was started.
  assertEquals(running("setup", waiting), null);
  // Without capture it is unknown whether the session has finished.
  assertEquals(running("call", waiting, []), null);
  // It waits for something else: an earlier test may have left that child.
  assertEquals(running("call", thread(8, CALL.read, [3, 0, 1])), null);
});
