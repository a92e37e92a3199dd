import { judgeHang } from "../../lib/hang/rules.ts";
import { closedWait } from "../../lib/hang/rules_closed_wait.ts";
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
    ["an alarm may wake it", {
      threads: [{ ...read, catches: { alarm: true, child: false, other: false } }],
    }],
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
  const waits = (args: readonly number[], catches = { alarm: false, child: false, other: false }) =>
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
  const handles = waits([7, 0], { alarm: false, child: true, other: false });
  assertEquals(isClosed([handles, worker, sleeper], { pipes }), false);
  assert(isClosed([handles, worker], { pipes }));
  // One that could not be read may be a child, or have ended.
  assertEquals(isClosed([waits([7, 0]), worker, process(6, { ppid: 8 })], { pipes }), false);
});

/** A numbered way to wait, and the processes that can end it. */
interface Wait {
  readonly number: number;
  readonly kind: "read" | "pair" | "poll" | "epoll" | "semaphore" | "own";
  readonly enders: readonly number[];
}

const KINDS = ["read", "pair", "poll", "epoll", "semaphore", "own"] as const;
const PAGE = 4096;

/** A thread in this wait, with the files and semaphores of its process that belong to it. */
function waitOf(tid: number, { number, kind, enders }: Wait) {
  const file = (fd: number, target: string) => ({ fd, reads: true, writes: false, target });
  const [pipe, socket] = [
    file(2 * number, `pipe:[${number}]`),
    file(2 * number, `socket:[${number}]`),
  ];
  const set = file(2 * number + 1, "anon_inode:[eventpoll]");
  const [endless, address] = [2 ** 32 - 1, number * PAGE];
  const parts = {
    read: { thread: thread(tid, CALL.read, [pipe.fd, 0, 1]), files: [pipe] },
    pair: { thread: thread(tid, CALL.read, [socket.fd, 0, 1]), files: [socket] },
    poll: { thread: thread(tid, CALL.poll, [0, 1, endless]), files: [socket] },
    epoll: { thread: thread(tid, CALL.epoll_wait, [set.fd, 0, 9, endless]), files: [pipe, set] },
    semaphore: { thread: thread(tid, CALL.futex, [address, SHARED, 0, 0]), files: [] },
    own: { thread: thread(tid, CALL.futex, [0, WAIT, 0, 0]), files: [] },
  }[kind];
  const key = String(number);
  return {
    ...parts,
    polled: [tid, [2 * number]] as const,
    pipe: [pipe.target, enders.map((pid) => ({ pid, reads: false, writes: true }))] as const,
    socket: [socket.target, { isPair: true, holders: enders }] as const,
    semaphore: { from: address, to: address + PAGE, key },
    sharers: [key, enders] as const,
  };
}

/** A tree by its seed, whether its root is closed by a simulation, and by the rule. */
function generated(seed: number): { readonly expected: boolean; readonly judged: boolean } {
  let state = seed;
  const next = (below: number) => {
    state = (state * 48271) % 2147483647;
    return Math.floor(state / 2147483647 * below);
  };
  const pids = Array.from({ length: 2 + next(5) }, (_, index) => 10 + index);
  // The last one was not inspected: it may do anything.
  const [awake, stranger] = [new Set(pids.filter(() => next(8) === 0)), 99];
  const waits = new Map(pids.map((pid, index): [number, Wait[]] => {
    const kinds = [KINDS[next(5)]!, ...(next(3) === 0 ? [KINDS[next(6)]!] : [])];
    return [
      pid,
      kinds.map((kind, place) => ({
        number: 2 * index + place + 1,
        kind,
        enders: [
          pids[next(pids.length)]!,
          ...pids.filter(() => next(5) === 0),
          ...(next(40) === 0 ? [stranger] : []),
        ],
      })),
    ];
  }));
  const parts = new Map([...waits].map(([pid, own]) => [
    pid,
    own.map((wait, place) => waitOf(place === 0 ? pid : 100 + pid, wait)),
  ]));
  const processes = pids.map((pid) => {
    const own = parts.get(pid)!;
    const threads = own.map(({ thread }) => ({
      ...thread,
      siblings: own.length,
      ran: awake.has(pid),
    }));
    return processOf(pid, own, { threads });
  });
  const running = simulated(waits, awake, stranger);
  const judged = closedWait(sceneOf(processes, [...parts.values()].flat())) !== null;
  return { expected: !running.has(pids[0]!), judged };
}

/** Whoever runs may end the waits that it can end, and so on. */
function simulated(
  waits: ReadonlyMap<number, readonly Wait[]>,
  awake: ReadonlySet<number>,
  stranger: number,
): ReadonlySet<number> {
  const running = new Set([...awake, stranger]);
  for (const one of running) {
    for (const [pid, own] of waits) {
      const isEnded = own.some(({ kind, enders }) =>
        kind !== "own" && (enders.includes(one) || (kind === "semaphore" && one !== stranger))
      );
      if (isEnded) running.add(pid);
    }
  }
  return running;
}

type Part = ReturnType<typeof waitOf>;

function processOf(pid: number, parts: readonly Part[], more: Partial<SeenProcess> = {}) {
  return process(pid, {
    files: parts.flatMap(({ files }) => files),
    threads: parts.map((part) => part.thread),
    polled: new Map(parts.map(({ polled }) => polled)),
    semaphores: parts.map(({ semaphore }) => semaphore),
    ...more,
  });
}

function sceneOf(
  processes: readonly SeenProcess[],
  parts: readonly Part[],
  more: Partial<HangScene> = {},
): HangScene {
  return scene(processes, {
    pipes: new Map(parts.map(({ pipe }) => pipe)),
    sockets: new Map(parts.map(({ socket }) => socket)),
    semaphores: new Map(parts.map(({ sharers }) => sharers)),
    ...more,
  });
}

Deno.test("in generated trees it is closed where no process that can run reaches the root", () => {
  let closed = 0;
  for (let seed = 1; seed <= 3_000; seed++) {
    const { expected, judged } = generated(seed);
    if (expected) closed++;
    assertEquals(judged, expected, `seed ${seed}`);
  }
  assert(closed > 300, `${closed} of them were closed`);
});

/** Whether a process is closed that alone can end its wait, after a change. */
function closes(
  kind: Wait["kind"],
  change: Partial<HangScene> = {},
  more: Partial<SeenProcess> = {},
): boolean {
  const part = waitOf(8, { number: 1, kind, enders: [8] });
  return closedWait(sceneOf([processOf(8, [part], more)], [part], change)) !== null;
}

Deno.test("a wait at files, sockets and semaphores is closed only where all of it is known", () => {
  for (const kind of KINDS.slice(0, 5)) assert(closes(kind), kind);
  const call = (number: number, args: readonly number[]) => ({
    threads: [thread(8, number, args)],
  });
  const named: HangScene["sockets"] = new Map([["socket:[1]", { isPair: false, holders: [8] }]]);
  const catches = { alarm: false, child: false, other: true };
  const handler = { threads: [thread(8, CALL.read, [2, 0, 1], { catches })] };
  const opened: readonly [string, boolean][] = [
    ["it is unknown what is polled", closes("poll", {}, { polled: new Map() })],
    ["a polled file is gone", closes("poll", {}, { files: [] })],
    ["a polled socket has an unknown other end", closes("poll", { sockets: new Map() })],
    ["no process has the other end of a polled pipe", closes("epoll", { pipes: new Map() })],
    ["the poll ends by itself", closes("poll", {}, call(CALL.poll, [0, 1, 60_000]))],
    ["the loop has a timer", closes("epoll", {}, call(CALL.epoll_wait, [3, 0, 9, 60_000]))],
    ["the lock has a limit", closes("semaphore", {}, call(CALL.futex, [PAGE, SHARED, 0, 1]))],
    ["the lock is no semaphore", closes("semaphore", {}, { semaphores: [] })],
    ["its semaphores are unknown", closes("semaphore", {}, { semaphores: null })],
    ["a socket may have a limit of its own", closes("pair", {}, call(CALL.recvfrom, [2, 0, 1]))],
    ["a socket with a name may, too", closes("pair", { sockets: named })],
    ["a handler of signals may do anything", closes("pair", {}, handler)],
  ];
  assertEquals(opened.filter(([, isClosed]) => isClosed), []);
  // A child may change the epoll set that it has inherited.
  const part = waitOf(8, { number: 1, kind: "epoll", enders: [8] });
  const child = process(9, {
    files: part.files,
    threads: [thread(9, CALL.clock_nanosleep, [0, 0])],
  });
  assertEquals(closedWait(sceneOf([processOf(8, [part]), child], [part])), null);
});
