import { catFiles, splitFiles } from "./cat.ts";
import type { Host } from "../host.ts";

const THREAD_FILES = ["stat", "status", "syscall", "wchan"] as const;

/** Threads at one moment, by pid. */
export interface ThreadSnapshot {
  readonly threads: ReadonlyMap<number, readonly ThreadState[]>;
  /** The number of the system call `read`, by which the architecture is known. */
  readonly readNumber: number | null;
  readonly failure: string | null;
}

/** Reads the state of threads in one call. */
export async function readThreads(
  host: Host,
  threads: ReadonlyMap<number, readonly number[]>,
  why: string,
): Promise<ThreadSnapshot> {
  const tasks = [...threads].flatMap(([pid, tids]) => tids.map((tid) => ({ pid, tid })));
  const files = tasks.flatMap(({ pid, tid }) =>
    THREAD_FILES.map((file) => `/proc/${pid}/task/${tid}/${file}`)
  );
  // `cat` first shows its own system call, which is `read`.
  const { text, failure } = await catFiles(host, ["/proc/self/syscall", ...files], why);
  const parsed = text === null ? null : parseThreads(text, tasks);
  if (parsed !== null) return { ...parsed, failure: null };
  return {
    threads: new Map(),
    readNumber: null,
    failure: failure ?? 'the output of "cat" for threads under /proc can\'t be read',
  };
}

/** Parses the output of {@linkcode readThreads}; null if it is malformed. */
export function parseThreads(
  text: string,
  tasks: readonly { readonly pid: number; readonly tid: number }[],
): Omit<ThreadSnapshot, "failure"> | null {
  const [own, ...parts] = splitFiles(text, tasks.length * THREAD_FILES.length + 1) ?? [];
  if (own === undefined) return null;
  const threads = new Map<number, ThreadState[]>();
  for (const [index, { pid, tid }] of tasks.entries()) {
    const at = index * THREAD_FILES.length;
    const thread = parseThread(tid, parts.slice(at, at + THREAD_FILES.length));
    if (thread) threads.set(pid, [...threads.get(pid) ?? [], thread]);
  }
  const call = parseSyscall(own);
  return { threads, readNumber: typeof call === "object" && call !== null ? call.number : null };
}

function parseThread(tid: number, files: readonly string[]): ThreadState | null {
  const [stat = "", status = "", syscall = "", channel = ""] = files;
  const row = /^(\d+) \(([\s\S]{0,64}?)\) ([A-Za-z]) (-?\d+(?: -?\d+){36,60})\n$/.exec(stat);
  if (!row || Number(row[1]) !== tid) return null;
  const numbers = row[4]!.split(" ").map(Number);
  const field = (name: string) =>
    new RegExp(`^${name}:\\t([0-9a-f]+)$`, "m").exec(status)?.[1] ?? null;
  const hasInterrupt = (name: string) => {
    const mask = field(name);
    // SIGINT is 2: the second bit.
    return mask === null ? null : (parseInt(mask.slice(-1), 16) & 2) !== 0;
  };
  const caught = field("SigCgt");
  const switches = field("voluntary_ctxt_switches");
  const forced = field("nonvoluntary_ctxt_switches");
  const pending = [hasInterrupt("SigPnd"), hasInterrupt("ShdPnd")];
  return {
    tid,
    ownTid: Number(/^NSpid:(?:\t\d+)*\t(\d+)$/m.exec(status)?.[1] ?? tid),
    siblings: numbers[16]!,
    state: row[3]!,
    group: numbers[1]!,
    session: numbers[2]!,
    terminal: numbers[3]!,
    foreground: numbers[4]!,
    cpuTicks: numbers[10]! + numbers[11]!,
    switches: switches === null || forced === null ? null : Number(switches) + Number(forced),
    syscall: parseSyscall(syscall),
    waitsIn: /^[a-zA-Z_][\w.]*$/.test(channel) ? channel : null,
    catches: caught === null ? null : {
      alarm: hasSignal(caught, SIGALRM),
      child: hasSignal(caught, SIGCHLD),
      other: (BigInt(`0x${caught}`) & ~USUAL) !== 0n,
    },
    interrupt: {
      ignored: hasInterrupt("SigIgn"),
      caught: hasInterrupt("SigCgt"),
      blocked: hasInterrupt("SigBlk"),
      pending: pending.includes(true) ? true : pending.includes(null) ? null : false,
    },
  };
}

const SIGALRM = 14, SIGCHLD = 17;
/**
 * Signals with handlers in many a Python that starts nothing new: SIGINT, those of errors in the
 * process itself (`faulthandler`), the size of the terminal (`readline`), and two of glibc's own.
 */
const USUAL = [2, 4, 6, 7, 8, 11, SIGALRM, SIGCHLD, 28, 32, 33]
  .reduce((mask, signal) => mask | (1n << BigInt(signal - 1)), 0n);

/** Whether a mask of `/proc/PID/status` has a signal. */
function hasSignal(mask: string, signal: number): boolean {
  return ((BigInt(`0x${mask}`) >> BigInt(signal - 1)) & 1n) === 1n;
}

/** Parses `/proc/PID/syscall`; null if it could not be read. */
function parseSyscall(text: string): RawSyscall | "running" | null {
  if (text === "running\n") return "running";
  const row = /^(-?\d+)((?: 0x[0-9a-f]+)+)\n$/.exec(text);
  if (!row) return null;
  const values = row[2]!.trim().split(" ").map(Number);
  // The last two are the stack pointer and the program counter.
  return { number: Number(row[1]), args: values.slice(0, -2) };
}

/** When a thread last ran, in milliseconds by the clock of its processor. */
export interface LastRun {
  readonly pid: number;
  readonly processor: number;
  readonly ms: number;
}

/** Reads when the main threads of processes last ran; empty if the kernel does not record it. */
export async function readLastRuns(host: Host, pids: readonly number[]): Promise<LastRun[]> {
  if (pids.length === 0) return [];
  const paths = pids.flatMap((pid) => [`/proc/${pid}/stat`, `/proc/${pid}/sched`]);
  const { text } = await catFiles(host, paths, "for how long each has been asleep");
  return text === null ? [] : parseLastRuns(text, pids);
}

/** Parses the output of {@linkcode readLastRuns}; ignores what is malformed. */
export function parseLastRuns(text: string, pids: readonly number[]): LastRun[] {
  const parts = splitFiles(text, pids.length * 2);
  if (parts === null) return [];
  return pids.flatMap((pid, index) => {
    const [stat = "", sched = ""] = parts.slice(index * 2);
    const fields = /\) [A-Za-z] (-?\d+(?: -?\d+){36,60})\n$/.exec(stat)?.[1]?.split(" ");
    const ms = /^se\.exec_start +: +(\d+\.\d+)$/m.exec(sched)?.[1];
    return fields === undefined || ms === undefined
      ? []
      : [{ pid, processor: Number(fields[35]), ms: Number(ms) }];
  });
}

/** When processes were started, in clock ticks from boot; without those that can't be read. */
export async function readStarts(
  host: Host,
  pids: readonly number[],
  why: string,
): Promise<Map<number, number>> {
  const { text } = await catFiles(host, pids.map((pid) => `/proc/${pid}/stat`), why);
  const parts = splitFiles(text ?? "", pids.length) ?? [];
  return new Map(parts.flatMap((part, index) => {
    const fields = /\) [A-Za-z] (-?\d+(?: -?\d+){36,60})\n$/.exec(part)?.[1]?.split(" ");
    return fields === undefined ? [] : [[pids[index]!, Number(fields[18])]];
  }));
}

/** A system call. */
export interface RawSyscall {
  /** Its number on this architecture; -1 outside of any call. */
  readonly number: number;
  readonly args: readonly number[];
}

/** How a thread handles SIGINT. Null: could not be read. */
export interface InterruptMask {
  readonly ignored: boolean | null;
  readonly caught: boolean | null;
  readonly blocked: boolean | null;
  readonly pending: boolean | null;
}

/** A thread at one moment. */
export interface ThreadState {
  readonly tid: number;
  /** Its tid in its own pid namespace, which its system calls use for processes. */
  readonly ownTid: number;
  /** The number of threads of its process, with itself. */
  readonly siblings: number;
  /** State letter: R, S, D, T, t, Z, X, I. */
  readonly state: string;
  readonly group: number;
  readonly session: number;
  /** Device number of the controlling terminal; 0 when there is none. */
  readonly terminal: number;
  /** The foreground process group of that terminal; -1 when there is none. */
  readonly foreground: number;
  /** Processor time used so far, in clock ticks. */
  readonly cpuTicks: number;
  /** Number of context switches so far; null when unknown. */
  readonly switches: number | null;
  /** Null: could not be read. */
  readonly syscall: RawSyscall | "running" | null;
  /** The kernel function that it sleeps in; null when none is shown. */
  readonly waitsIn: string | null;
  /**
   * Whether its process has handlers of SIGALRM, of SIGCHLD, and of others that may start
   * something; null: could not be read.
   */
  readonly catches: {
    readonly alarm: boolean;
    readonly child: boolean;
    readonly other: boolean;
  } | null;
  readonly interrupt: InterruptMask;
}
