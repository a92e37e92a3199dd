/** Builders of scenes: threads that sleep, processes of the tree, and what the test changes. */
import type { HangScene, SeenProcess, Thread } from "../../lib/hang/scene.ts";

/** A process handles SIGINT by a function of its own, as Python does. */
export const SIGINT = { ignored: false, caught: true, blocked: false, pending: false };
export const PIPE = "pipe:[5]";

/** System call numbers of x86_64. */
export const CALL = {
  read: 0,
  write: 1,
  poll: 7,
  pause: 34,
  wait4: 61,
  futex: 202,
  clock_nanosleep: 230,
  recvfrom: 45,
  connect: 42,
  accept4: 288,
  epoll_wait: 232,
} as const;

/** A thread that sleeps in a system call. */
export function thread(
  tid: number,
  number: number,
  args: readonly number[],
  more: Partial<Thread> = {},
): Thread {
  return {
    tid,
    ownTid: tid,
    siblings: 1,
    state: "S",
    group: 1,
    session: 1,
    terminal: 0,
    foreground: -1,
    cpuTicks: 0,
    switches: 1,
    syscall: { number, args },
    waitsIn: null,
    catches: { alarm: false, child: false, other: false },
    interrupt: SIGINT,
    ran: false,
    usedTicks: 0,
    ...more,
  };
}

/** A process of the tree. */
export function process(pid: number, more: Partial<SeenProcess>): SeenProcess {
  return {
    pid,
    ppid: 1,
    title: "w",
    inTree: true,
    files: [],
    threads: [],
    polled: new Map(),
    semaphores: null,
    watched: [],
    watchedProcesses: [],
    heldProcesses: [],
    pidfds: [],
    asleepSeconds: null,
    ...more,
  };
}

/** A scene on x86_64; the first process is the root. */
export function scene(
  processes: readonly SeenProcess[],
  more: Partial<HangScene> = {},
): HangScene {
  return {
    root: processes[0]!.pid,
    processes: new Map(processes.map((one) => [one.pid, one])),
    dead: [],
    session: null,
    startedIn: new Map(),
    pipes: new Map(),
    unreadable: 0,
    sockets: new Map(),
    semaphores: new Map(),
    unseenEnds: 0,
    connections: [],
    listeners: [],
    readNumber: 0,
    ticksPerSecond: 100,
    seconds: 0.2,
    stacks: new Map(),
    unknowns: [],
    ...more,
  };
}

/** Process 7, which writes its stdout into {@linkcode PIPE}. */
export function writer(more: Partial<Thread> = {}): SeenProcess {
  return process(7, {
    files: [{ fd: 1, reads: false, writes: true, target: PIPE }],
    threads: [thread(7, CALL.write, [1, 0, 9], more)],
  });
}

/** Process 8, which holds the read end of {@linkcode PIPE}. */
export function reader(threads: readonly Thread[]): SeenProcess {
  return process(8, { threads, files: [{ fd: 3, reads: true, writes: false, target: PIPE }] });
}

/** The ends that {@linkcode writer} and {@linkcode reader} hold. */
export const ends = {
  pipes: new Map([[PIPE, [
    { pid: 7, reads: false, writes: true },
    { pid: 8, reads: true, writes: false },
  ]]]),
};

/** A pytest, process 8. */
export function pytest(
  threads: readonly Thread[],
  more: Partial<SeenProcess> = {},
): SeenProcess {
  return process(8, { title: "python -m pytest", threads, ...more });
}

/** Process 7, a sleeping child of {@linkcode pytest}. */
export function child(more: Partial<SeenProcess> = {}): SeenProcess {
  const threads = [thread(7, CALL.clock_nanosleep, [0, 0, 0])];
  return process(7, { ppid: 8, title: "sleep 600", threads, ...more });
}
