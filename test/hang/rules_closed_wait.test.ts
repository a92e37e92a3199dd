import { judgeHang } from "../../lib/hang/rules.ts";
import type { HangScene, SeenProcess, Thread } from "../../lib/hang/scene.ts";
import { assert, assertEquals } from "../assert.ts";
import { CALL, process, scene, thread } from "./scenes.ts";

const WAIT = 128, WAKE = 129, SHARED = 0;

/** A process that reads a pipe, by its number. */
function reads(pid: number, pipe: number, more: Partial<SeenProcess> = {}): SeenProcess {
  return process(pid, {
    files: [{ fd: 3, reads: true, writes: false, target: `pipe:[${pipe}]` }],
    threads: [thread(pid, CALL.read, [3, 0, 1])],
    ...more,
  });
}

/** Which processes can write to which pipe. */
function writers(pipes: Readonly<Record<number, readonly number[]>>): HangScene["pipes"] {
  return new Map(
    Object.entries(pipes).map(([pipe, pids]) => [
      `pipe:[${pipe}]`,
      pids.map((pid) => ({ pid, reads: false, writes: true })),
    ]),
  );
}

const isClosed = (processes: readonly SeenProcess[], more: Partial<HangScene> = {}) =>
  judgeHang(scene(processes, more)).verdict === "closed-wait";

const worker = reads(7, 2, { ppid: 8 });
const pipes = writers({ 1: [7, 8], 2: [8] });

Deno.test("two processes that read from each other are closed; what may end it opens them", () => {
  assert(isClosed([reads(8, 1), worker], { pipes }));
  const [read] = reads(8, 1).threads as [Thread];
  const second = (call: number, args: readonly number[]) => ({
    threads: [{ ...read, siblings: 2 }, { ...thread(9, call, args), siblings: 2 }],
  });
  const opened: readonly [string, Partial<SeenProcess>][] = [
    ["it ran", { threads: [{ ...read, ran: true }] }],
    ["it is unknown whether it ran", { threads: [{ ...read, ran: null }] }],
    ["it is stopped", { threads: [{ ...read, state: "T" }] }],
    ["a thread was not seen", { threads: [{ ...read, siblings: 2 }] }],
    ["an alarm may wake it", { threads: [{ ...read, catches: { alarm: true, child: false } }] }],
    ["its signals are unknown", { threads: [{ ...read, catches: null }] }],
    ["the call is unknown", { threads: [{ ...read, syscall: null, waitsIn: "pipe_read" }] }],
    ["its files are unknown", { files: null }],
    ["the kernel sleeps elsewhere", { threads: [{ ...read, waitsIn: "do_sys_poll" }] }],
    ["the kernel may write for it", {
      files: [...reads(8, 1).files!, {
        fd: 9,
        reads: true,
        writes: true,
        target: "anon_inode:[io_uring]",
      }],
    }],
    ["a thread sleeps", second(CALL.clock_nanosleep, [0, 0, 0])],
    ["a thread polls", second(CALL.epoll_wait, [3, 0, 9, 2 ** 64])],
    ["a thread has a time limit", second(CALL.futex, [0, WAIT, 0, 4096])],
    ["a thread waits for a semaphore", second(CALL.futex, [0, SHARED, 0, 0])],
    ["a thread does something else with a futex", second(CALL.futex, [0, WAKE, 0, 0])],
  ];
  for (const [name, more] of opened) {
    assertEquals(isClosed([reads(8, 1, more), worker], { pipes }), false, name);
  }
  assert(isClosed([reads(8, 1, second(CALL.futex, [0, WAIT, 0, 0])), worker], { pipes }));
  assertEquals(isClosed([reads(8, 1), worker], { pipes, unseenEnds: 1 }), false);
  const stranger = writers({ 1: [7, 8, 99], 2: [8] });
  assertEquals(isClosed([reads(8, 1), worker], { pipes: stranger }), false);
  const outside = process(6, { inTree: false, threads: [thread(6, CALL.read, [3, 0, 1])] });
  const held = writers({ 1: [7, 6], 2: [8] });
  assertEquals(isClosed([reads(8, 1), worker, outside], { pipes: held }), false);
  assertEquals(isClosed([reads(8, 1), worker], { pipes: writers({ 2: [8] }) }), false);
});

Deno.test("a wait for a child is as closed as what the child waits for", () => {
  const waits = (args: readonly number[], catches = { alarm: false, child: false }) =>
    process(8, { threads: [thread(8, CALL.wait4, args, { catches })] });
  const sleeper = process(5, { ppid: 8, threads: [thread(5, CALL.clock_nanosleep, [0, 0])] });
  const grandchild = { ...sleeper, ppid: 7 };
  for (const any of [2 ** 32 - 1, 2 ** 64]) {
    assert(isClosed([waits([any, 0]), worker], { pipes }));
    assertEquals(isClosed([waits([any, 0]), worker, sleeper], { pipes }), false);
    assertEquals(isClosed([waits([any, 0]), worker, grandchild], { pipes }), false);
  }
  assert(isClosed([waits([7, 0]), worker, sleeper], { pipes }));
  assertEquals(isClosed([waits([5, 0]), worker, sleeper], { pipes }), false);
  const handles = waits([7, 0], { alarm: false, child: true });
  assertEquals(isClosed([handles, worker, sleeper], { pipes }), false);
  assert(isClosed([handles, worker], { pipes }));
  // One that could not be read may be a child, or have ended.
  assertEquals(isClosed([waits([7, 0]), worker, process(6, { ppid: 8 })], { pipes }), false);
});

Deno.test("in generated trees it is closed where no process that can run reaches the root", () => {
  for (let seed = 1; seed <= 500; seed++) {
    let state = seed;
    const next = (below: number) => {
      state = (state * 48271) % 2147483647;
      return Math.floor(state / 2147483647 * below);
    };
    const pids = Array.from({ length: 2 + next(5) }, (_, index) => 10 + index);
    const awake = new Set(pids.filter(() => next(6) === 0));
    const writing: Record<number, number[]> = {};
    for (const pid of pids) {
      writing[pid] = [pids[next(pids.length)]!, ...pids.filter(() => next(4) === 0)];
    }
    const processes = pids.map((pid) => {
      const read = reads(pid, pid);
      if (!awake.has(pid)) return read;
      return { ...read, threads: [{ ...read.threads[0]!, ran: true }] };
    });
    // Whoever runs may wake up the readers of its pipes, and these others.
    const woken = new Set(awake);
    for (const writer of woken) {
      for (const pid of pids) if (writing[pid]!.includes(writer)) woken.add(pid);
    }
    const expected = !woken.has(pids[0]!);
    assertEquals(isClosed(processes, { pipes: writers(writing) }), expected, `seed ${seed}`);
  }
});
