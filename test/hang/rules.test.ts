import type { HangVerdict } from "../../lib/pytest/hang_event.ts";
import fc from "fast-check";
import { isSettled, judgeHang } from "../../lib/hang/rules.ts";
import {
  confirmLimit,
  confirmWords,
  decideConfirmation,
  type Rerun,
} from "../../lib/hang/rules_confirm.ts";
import { hangRecipe } from "../../lib/hang/recipe.ts";
import { runningByChildren } from "../../lib/hang/rules_endings.ts";
import {
  countTracebacks,
  signatureOf,
  type SignatureScene,
  withConfirmation,
} from "../../lib/hang/rules_signature.ts";
import type { HangScene, SeenProcess, Thread } from "../../lib/hang/hang_scene.ts";
import {
  captureNote,
  capturesOutput,
  logLevelOf,
  pytestCommand,
  runIntent,
} from "../../lib/pytest/pytest_command.ts";
import { parseCommandLine } from "../../lib/command_line/parse.ts";
import { assert, assertEquals, assertIncludes } from "../assert.ts";

const SIGINT = { ignored: false, caught: true, blocked: false, pending: false };

function thread(
  tid: number,
  number: number,
  args: readonly number[],
  more: Partial<Thread> = {},
): Thread {
  return {
    tid,
    ownTid: tid,
    state: "S",
    group: 1,
    session: 1,
    terminal: 0,
    foreground: -1,
    cpuTicks: 0,
    switches: 1,
    syscall: { number, args },
    waitsIn: null,
    interrupt: SIGINT,
    moved: false,
    usedTicks: 0,
    ...more,
  };
}

function process(pid: number, more: Partial<SeenProcess>): SeenProcess {
  return {
    pid,
    ppid: 1,
    title: "w",
    inTree: true,
    files: [],
    threads: [],
    watched: [],
    watchedProcesses: [],
    heldProcesses: [],
    pidfds: [],
    asleepSeconds: null,
    ...more,
  };
}

function scene(processes: readonly SeenProcess[], more: Partial<HangScene> = {}): HangScene {
  return {
    root: processes[0]!.pid,
    processes: new Map(processes.map((one) => [one.pid, one])),
    dead: [],
    session: null,
    startedIn: new Map(),
    pipes: new Map(),
    unreadable: 0,
    connections: [],
    readNumber: 0,
    ticksPerSecond: 100,
    seconds: 0.2,
    stacks: new Map(),
    unknowns: [],
    ...more,
  };
}

const PIPE = "pipe:[5]";
const writer = (more: Partial<Thread> = {}) =>
  process(7, {
    files: [{ fd: 1, reads: false, writes: true, target: PIPE }],
    threads: [thread(7, 1, [1, 0, 9], more)],
  });
const reader = (threads: readonly Thread[]) =>
  process(8, { threads, files: [{ fd: 3, reads: true, writes: false, target: PIPE }] });
const ends = {
  pipes: new Map([[PIPE, [{ pid: 7, reads: false, writes: true }, {
    pid: 8,
    reads: true,
    writes: false,
  }]]]),
};

Deno.test("a write to a pipe is blocked only if who holds the read end is seen not to read", () => {
  const waiting = thread(8, 61, [7, 0, 0]);
  assertEquals(judgeHang(scene([writer(), reader([waiting])], ends)).verdict, "blocked-write");
  const doubts: [string, HangScene][] = [
    ["the writer was woken up", scene([writer({ moved: true }), reader([waiting])], ends)],
    [
      "whether it was woken up is unknown",
      scene([writer({ moved: null }), reader([waiting])], ends),
    ],
    ["nobody is seen to hold the read end", scene([writer()], { pipes: new Map(), unreadable: 3 })],
    ["the reader can't be read", scene([writer(), reader([])], ends)],
    ["the reader reads", scene([writer(), reader([thread(8, 0, [3, 0, 9])])], ends)],
    ["the reader moves", scene([writer(), reader([{ ...waiting, moved: true }])], ends)],
    [
      "a thread of the reader sleeps for a while",
      scene([writer(), reader([waiting, thread(9, 230, [])])], ends),
    ],
    [
      "the reader's event loop wakes up soon",
      scene([writer(), reader([thread(8, 232, [5, 0, 9, 500])])], ends),
    ],
    [
      "the write does not sleep in a pipe",
      scene([writer({ waitsIn: "balance_dirty_pages" }), reader([waiting])], ends),
    ],
  ];
  for (const [name, doubt] of doubts) assertEquals(judgeHang(doubt).verdict, "no-verdict", name);
});

Deno.test("a proof settles it at once; that there is none takes two looks, and no writer of which time will tell", () => {
  const waiting = thread(8, 61, [7, 0, 0]);
  const proven = judgeHang(scene([writer(), reader([waiting])], ends));
  const doubtful = judgeHang(scene([writer(), reader([thread(8, 232, [5, 0, 9, 500])])], ends));
  const nothing = judgeHang(scene([reader([waiting])]));
  // Somebody reads what it writes.
  const read = judgeHang(
    scene([writer({ moved: true }), reader([thread(8, 232, [5, 0, 9, 500])])], ends),
  );
  for (const before of [null, nothing, doubtful]) assertEquals(isSettled(proven, before), true);
  assertEquals([
    isSettled(nothing, null),
    isSettled(nothing, nothing),
    isSettled(nothing, doubtful),
  ], [false, true, true]);
  assertEquals([isSettled(doubtful, null), isSettled(doubtful, doubtful)], [false, false]);
  assertEquals(isSettled(read, read), true);
});

Deno.test("where calls can't be read the wait channel speaks, if there is only one pipe that it can mean", () => {
  const blind = { syscall: null, waitsIn: "anon_pipe_write" };
  const waiting = thread(8, 0, [], { syscall: null, waitsIn: "do_wait" });
  assertEquals(judgeHang(scene([writer(blind), reader([waiting])], ends)).verdict, "blocked-write");
  const both = process(7, {
    files: [{ fd: 1, reads: false, writes: true, target: PIPE }, {
      fd: 2,
      reads: false,
      writes: true,
      target: "pipe:[6]",
    }],
    threads: [thread(7, 0, [], blind)],
  });
  assertEquals(judgeHang(scene([both, reader([waiting])], ends)).verdict, "no-verdict");
});

Deno.test("numbers of calls are those of the architecture", () => {
  const aarch64 = { ...ends, readNumber: 63 };
  const at = (write: number, wait: number, more: Partial<HangScene>) =>
    judgeHang(
      scene([
        process(7, { files: writer().files, threads: [thread(7, write, [1, 0, 9])] }),
        reader([thread(8, wait, [7])]),
      ], more),
    ).verdict;
  assertEquals(at(64, 260, aarch64), "blocked-write");
  assertEquals(at(1, 61, aarch64), "no-verdict");
  assertEquals(at(64, 260, { ...aarch64, readNumber: 99 }), "no-verdict");
});

Deno.test("SIGINT that all of a tree ignores from its start is said, and is no verdict about a child", () => {
  const deaf = { interrupt: { ...SIGINT, ignored: true } };
  const of = (root: Partial<Thread>, child: Partial<Thread>) =>
    judgeHang(
      scene([
        process(7, { threads: [thread(7, 61, [8], root)] }),
        process(8, { ppid: 7, threads: [thread(8, 34, [], child)] }),
      ]),
    );
  assertEquals(of({}, deaf).verdict, "child-ignores-sigint");
  assertEquals(of({}, {}).verdict, "no-verdict");
  const all = of(deaf, deaf);
  assertEquals(all.verdict, "no-verdict");
  assertIncludes(all.evidence.join("\n"), "env --default-signal=INT");
});

Deno.test("an ordinary connection inside of a tree is no wait for the registry; the same to a stranger is", () => {
  const client = process(7, { watched: [9], threads: [thread(7, 232, [5, 0, 9, 86_400_000])] });
  const holder = (inTree: boolean) =>
    process(8, { inTree, threads: [thread(8, 232, [5, 0, 9, 86_400_000])] });
  const connection = {
    address: "127.0.0.1:1616",
    pid: 7,
    fd: 9,
    state: "accepted" as const,
    unread: 0,
    holders: [8],
  };
  const of = (inTree: boolean, more = {}) =>
    judgeHang(scene([client, holder(inTree)], { connections: [{ ...connection, ...more }] }))
      .verdict;
  assertEquals(of(true), "no-verdict");
  assertEquals(of(true, { unread: 5 }), "waiting-for-registry");
  assertEquals(of(false), "waiting-for-registry");
  assertEquals(of(false, { fd: 10 }), "no-verdict");
});

Deno.test("whatever is seen, there is one verdict and it has evidence or nothing is claimed", () => {
  const threads = fc.record({
    tid: fc.integer({ min: 7, max: 9 }),
    state: fc.constantFrom("S", "R", "D", "T", "t", "Z"),
    number: fc.constantFrom(0, 1, 61, 232, 230, 202, 270, 16, 42, -1, 999),
    args: fc.array(fc.constantFrom(0, 1, 3, 7, 8, 2 ** 32 - 1, 2 ** 64), { maxLength: 6 }),
    moved: fc.constantFrom(true, false, null),
    ignored: fc.constantFrom(true, false, null),
  });
  const files = fc.array(
    fc.record({
      fd: fc.integer({ min: 0, max: 4 }),
      reads: fc.boolean(),
      writes: fc.boolean(),
      target: fc.constantFrom(PIPE, "/dev/pts/1", "/tmp/x", "socket:[1]"),
    }),
  );
  const made = fc.record({
    threads: fc.array(threads, { maxLength: 4 }),
    files: fc.option(files),
    ppid: fc.constantFrom(1, 7),
    inTree: fc.boolean(),
  });
  fc.assert(fc.property(fc.array(made, { minLength: 1, maxLength: 4 }), (list) => {
    const processes = list.map((one, index) =>
      process(7 + index, {
        ...one,
        threads: one.threads.map((t) =>
          thread(t.tid, t.number, t.args, {
            state: t.state,
            moved: t.moved,
            interrupt: { ...SIGINT, ignored: t.ignored },
          })
        ),
      })
    );
    const { verdict, evidence } = judgeHang(scene(processes, ends));
    assert(verdict === "no-verdict" || evidence.length > 0, verdict);
    const moves = processes.every((one) =>
      one.threads.every((t) => t.moved !== false && t.state !== "T")
    );
    if (moves) assertEquals(verdict, "no-verdict");
  }));
});

Deno.test("the steps against full capture pipes keep their order; absent notes are named", () => {
  const base = {
    captured: true,
    logLevel: "debug",
    tests: ["tests/test_x.py::test_y"],
    notes: [{ what: "a guard", place: "tests/conftest.py:3" }, { what: "a note", place: null }],
    root: 8,
    asked: { stacks: false, confirm: false },
    hasStacks: false,
  };
  const steps = hangRecipe({
    verdict: "blocked-write",
    isOutput: true,
    isPipeless: false,
    pids: [],
  }, base);
  assertIncludes(steps[0]!, "1. try -s first (tractest run -s tests/test_x.py::test_y)");
  assertIncludes(steps[1]!, "2. lower the log level: --ll debug");
  assertIncludes(steps[2]!, "3. ");
  assertEquals(steps.slice(3), [
    "this checkout knows of it: a guard (tests/conftest.py:3)",
    "not in this checkout: a note",
  ]);
  const quiet = hangRecipe(
    { verdict: "no-verdict", isOutput: false, isPipeless: false, pids: [] },
    { ...base, captured: false, logLevel: "error" },
  );
  assertIncludes(quiet[0]!, "it ran with -s");
  assertIncludes(quiet[1]!, "keep the log level low");
  const pipeless = hangRecipe({
    verdict: "no-verdict",
    isOutput: false,
    isPipeless: true,
    pids: [],
  }, base);
  assertIncludes(pipeless[0]!, "-s changes nothing here");
  const elsewhere = { ...base, notes: base.notes.slice(1) };
  assertEquals(
    hangRecipe({ verdict: "blocked-write", isOutput: true, isPipeless: false, pids: [] }, elsewhere)
      .length,
    3,
  );
});

const VERDICTS: readonly HangVerdict[] = [
  "stopped",
  "blocked-write",
  "waiting-for-registry",
  "exit-waits-for-child",
  "child-ignores-sigint",
  "child-not-reaped",
  "terminal-wanted",
  "no-verdict",
];

Deno.test("no step is what was just typed, and one says how to get py-spy where stacks would help", () => {
  const base = {
    captured: true,
    logLevel: null,
    tests: ["tests/a.py::t"],
    notes: [],
    root: 8,
    hasStacks: false,
  };
  for (const verdict of VERDICTS) {
    for (const isPipeless of [true, false]) {
      for (
        const asked of [{ stacks: true, confirm: false }, { stacks: false, confirm: true }, {
          stacks: false,
          confirm: false,
        }]
      ) {
        const steps = hangRecipe({ verdict, isOutput: true, isPipeless, pids: [7] }, {
          ...base,
          asked,
        }).join("\n");
        if (asked.stacks) assert(!steps.includes("tractest hang --stacks"), steps);
        if (asked.confirm) assert(!steps.includes("tractest hang --confirm"), steps);
        if (/stack/.test(steps)) {
          assert(
            steps.includes("uv pip install py-spy") && steps.includes("uvx py-spy dump --pid 8"),
            steps,
          );
        }
        const read = hangRecipe({ verdict, isOutput: true, isPipeless, pids: [7] }, {
          ...base,
          asked,
          hasStacks: true,
        }).join("\n");
        assert(!read.includes("py-spy"), read);
      }
    }
  }
  const steps = (verdict: HangVerdict) =>
    hangRecipe({ verdict, isOutput: false, isPipeless: true, pids: [7, 9] }, {
      ...base,
      asked: { stacks: false, confirm: false },
    });
  assertEquals(steps("stopped"), ["let it go on: kill -CONT 7 9"]);
  assert(
    ["child-not-reaped", "exit-waits-for-child", "no-verdict"].every((verdict) =>
      /py-spy/.test(steps(verdict as HangVerdict).join())
    ),
  );
});

const root = (threads: readonly Thread[], more: Partial<SeenProcess> = {}) =>
  process(8, { title: "python -m pytest", threads, ...more });
const child = (more: Partial<SeenProcess> = {}) =>
  process(7, {
    ppid: 8,
    title: "sleep 600",
    threads: [thread(7, 230, [0, 0, 0], { switches: 1 })],
    ...more,
  });
const finished = (leftBy: readonly (readonly [number, string])[] = []) => ({
  exitStatus: 1,
  leftBy: new Map(leftBy),
});

Deno.test("a pytest that has finished and waits for a child has a verdict only if both are seen", () => {
  const waits = root([thread(8, 61, [7, 0, 0])]);
  const { verdict, evidence, pids } = judgeHang(
    scene([waits, child()], { session: finished([[7, "tests/a.py::t"]]) }),
  );
  assertEquals([verdict, pids], ["exit-waits-for-child", [7]]);
  assertEquals(evidence.slice(0, 2), [
    "pytest, pid 8, has finished its session (exit status 1), and waits in wait4 for its child pid 7 (sleep 600), which that call names",
    "pid 7: state S, clock_nanosleep; tests/a.py::t left it",
  ]);
  // In an isolation it is known by the pid that it has inside.
  const inside = root([thread(8, 61, [2, 0, 0], { ownTid: 1 })]);
  const isolated = child({ threads: [thread(7, 230, [0, 0, 0], { ownTid: 2 })] });
  const named = judgeHang(
    scene([inside, isolated], { session: finished([[2, "tests/b.py::t"], [7, "tests/a.py::t"]]) }),
  );
  assertIncludes(named.evidence[1]!, "tests/b.py::t left it");
  const unknown = judgeHang(scene([waits, child()], { session: finished() }));
  assertIncludes(unknown.evidence[1]!, "which test left it was not recorded");
  const none: [string, HangScene][] = [
    [
      "its session goes on",
      scene([waits, child()], { session: { exitStatus: null, leftBy: new Map() } }),
    ],
    ["nobody has recorded it", scene([waits, child()])],
    [
      "it moves",
      scene([root([thread(8, 61, [7, 0, 0], { moved: true })]), child()], { session: finished() }),
    ],
    [
      "it waits for a lock",
      scene([root([thread(8, 202, [0, 0, 0, 0])]), child()], { session: finished() }),
    ],
  ];
  for (const [name, other] of none) assertEquals(judgeHang(other).verdict, "no-verdict", name);
  const lock = judgeHang(none[3]![1]).evidence.join("\n");
  assertIncludes(
    lock,
    "pytest, pid 8, has finished its session (exit status 1) and has not exited",
  );
  assertIncludes(lock, "it still has the child pid 7 (sleep 600)");
});

Deno.test("a dead child counts where its parent sleeps and waits for nobody else", () => {
  const dead = [{ pid: 5, ownPid: 5, ppid: 8, title: "worker" }];
  const of = (threads: readonly Thread[], more: Partial<SeenProcess> = {}) =>
    judgeHang(scene([root(threads, more), child()], { dead })).verdict;
  assertEquals(of([thread(8, 0, [3, 0, 1])]), "child-not-reaped");
  assertEquals(of([thread(8, 230, [0, 0, 0])], { asleepSeconds: 30 }), "child-not-reaped");
  assertEquals(of([thread(8, 230, [0, 0, 0])], { asleepSeconds: 1 }), "no-verdict");
  assertEquals(of([thread(8, 61, [7, 0, 0])]), "no-verdict");
  assertEquals(of([thread(8, 0, [3, 0, 1], { moved: true })]), "no-verdict");
  assertEquals(of([thread(8, 0, [3, 0, 1])], { inTree: false }), "no-verdict");
});

Deno.test("a test that has finished is never the one that runs", () => {
  const capture = [{ fd: 1, reads: true, writes: true, target: "/tmp/#77 (deleted)" }];
  const startedIn = (phase: string) => ({
    startedIn: new Map([[7, { id: "tests/a.py::t", phase }]]),
  });
  const waits = [thread(8, 61, [7, 0, 0])];
  assertEquals(
    runningByChildren(scene([root(waits, { files: capture }), child()], startedIn("call"))),
    "tests/a.py::t",
  );
  // A fixture's child outlives the test in which it was started; without capture nobody can say
  // whether the session has finished.
  assertEquals(
    runningByChildren(scene([root(waits, { files: capture }), child()], startedIn("setup"))),
    null,
  );
  assertEquals(runningByChildren(scene([root(waits), child()], startedIn("call"))), null);
  // It waits for something else: that child may be what an earlier test left.
  assertEquals(
    runningByChildren(
      scene([root([thread(8, 0, [3, 0, 1])], { files: capture }), child()], startedIn("call")),
    ),
    null,
  );
});

Deno.test("the signature of full capture pipes is decided point by point, and what can't be is unknown", () => {
  const answers = (
    processes: readonly SeenProcess[],
    more: Partial<SignatureScene> = {},
    facts: Partial<HangScene> = {},
  ) =>
    signatureOf(scene(processes, facts), {
      command: ["pytest"],
      captured: true,
      backend: null,
      output: { texts: [""], unread: [] },
      ...more,
    })
      .map(({ answer }) => answer);
  const waits = root([thread(8, 61, [7, 0, 0])], {
    files: [{ fd: 3, reads: true, writes: false, target: PIPE }],
  });
  const blocked = { ...writer(), ppid: 8 };
  assertEquals(answers([waits, child()]), ["no", "no", "unknown", "no"]);
  assertEquals(answers([waits, blocked], { backend: "subint_forkserver" }, ends), [
    "yes",
    "no",
    "unknown",
    "yes",
  ]);
  assertEquals(answers([waits, child({ title: "python -m pytest" })])[0], "yes");
  assertEquals(answers([waits, child({ title: "subint-forkserver[2]" })])[0], "yes");
  assertEquals(answers([waits, child()], { backend: "trio" })[0], "no");
  assertEquals(answers([waits, child()], { command: null, captured: null })[0], "unknown");
  assertEquals(answers([waits, child()], { captured: false })[2], "no");
  const remote =
    "| tractor._exceptions.RemoteActorError: x\n  + Exception Group Traceback (most recent call last):\n";
  assertEquals(
    answers([waits, child()], { output: { texts: [remote], unread: ["what is in a pipe"] } })[1],
    "yes",
  );
  assertEquals(
    answers([waits, child()], { output: { texts: [""], unread: ["what is in a pipe"] } })[1],
    "unknown",
  );
  assertEquals(
    answers([waits, child()], { output: { texts: [], unread: ["what is at a terminal"] } })[1],
    "unknown",
  );
  assertEquals(
    countTracebacks(
      `${remote}except RemoteActorError:\n"RemoteActorError" is a word\nRemoteActorError('x')\n`,
    ),
    { remote: 2, groups: 1 },
  );
  // A reader may come to it.
  const sleepy = root([thread(8, 230, [0, 0, 0])], { files: waits.files });
  assertEquals(answers([sleepy, blocked], {}, ends)[3], "unknown");
  assertEquals(
    answers([waits, child({ threads: [thread(7, 0, [], { syscall: null })] })])[3],
    "unknown",
  );
  const points = signatureOf(scene([waits]), {
    command: null,
    captured: null,
    backend: null,
    output: { texts: [], unread: [] },
  });
  const confirmation = decideConfirmation({ id: "t", seconds: 60, command: null }, {
    exitCode: 0,
    seconds: 5,
    counts: { passed: 1, failed: 0, errors: 0 },
  });
  assertEquals(withConfirmation(points, confirmation)[2]!.answer, "yes");
  assertEquals(
    withConfirmation(points, { ...confirmation, confirmed: null })[2]!.answer,
    "unknown",
  );
});

Deno.test("a rerun with -s decides: only one that passes in half of the time is a confirmation", () => {
  const hung = {
    id: "tests/a.py::t",
    seconds: 60,
    command: ["python", "-m", "pytest", "--ll", "debug", "--tpt-proto=uds", "-x", "--ll=info"],
  };
  assertEquals(confirmWords(hung), [
    "-s",
    "--wait",
    "--timeout=30",
    "--ll=debug",
    "--tpt-proto=uds",
    "--ll=info",
    "tests/a.py::t",
  ]);
  assertEquals([confirmLimit(null), confirmLimit(3), confirmLimit(1000)], [10, 10, 120]);
  const run = (seconds: number, exitCode = 0, failed = 0): Rerun => ({
    exitCode,
    seconds,
    counts: { passed: 1 - failed, failed, errors: 0 },
  });
  assertEquals(decideConfirmation(hung, run(5)).confirmed, true);
  assertEquals(decideConfirmation(hung, run(31)).confirmed, false);
  assertEquals(decideConfirmation(hung, run(5, 1, 1)).confirmed, false);
  assertEquals(decideConfirmation(hung, run(30, 124)).confirmed, false);
  assertEquals(decideConfirmation(hung, null).confirmed, null);
  assertEquals(decideConfirmation({ ...hung, seconds: null }, run(5)).confirmed, null);
});

Deno.test("a fork server gets --capture=sys and that is said, unless capture was chosen", () => {
  const command = (...words: string[]) => {
    const line = parseCommandLine("run", words);
    const argv = pytestCommand({
      python: ["python"],
      defaultFlags: [],
      line,
      intent: runIntent(line, () => false),
      targets: [],
    });
    return [argv.slice(3).join(" "), captureNote(argv, line) !== null];
  };
  assertEquals(command("--spawn-backend", "mp_forkserver"), [
    "--spawn-backend=mp_forkserver --capture=sys",
    true,
  ]);
  assertEquals(command("--spawn-backend=subint_forkserver"), [
    "--spawn-backend=subint_forkserver --capture=sys",
    true,
  ]);
  assertEquals(command("--spawn-backend=trio"), ["--spawn-backend=trio", false]);
  assertEquals(command("--spawn-backend=mp_forkserver", "-s"), [
    "--spawn-backend=mp_forkserver -s",
    false,
  ]);
  assertEquals(command("--spawn-backend=mp_forkserver", "--capture=sys"), [
    "--spawn-backend=mp_forkserver --capture=sys",
    false,
  ]);
});

Deno.test("what a command of pytest says about capture and the log level is read from it", () => {
  assertEquals(
    [["pytest", "-x"], ["pytest", "-xs"], ["pytest", "--capture=no"], ["pytest", "--capture", "no"]]
      .map(capturesOutput),
    [
      true,
      false,
      false,
      false,
    ],
  );
  assertEquals([["pytest", "--ll=debug"], ["pytest", "--ll", "info"], ["pytest"]].map(logLevelOf), [
    "debug",
    "info",
    null,
  ]);
});
