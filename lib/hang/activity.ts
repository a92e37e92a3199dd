import type { ThreadState } from "../system/programs/proc_threads.ts";
import type { OpenFile } from "../system/programs/proc_files.ts";
import { type SyscallRow, SYSCALLS, WAIT_CHANNELS } from "./syscalls.ts";

/** What a thread does: mostly the system call that it is in. */
export interface Activity {
  readonly does: SyscallRow["does"] | "run" | "stopped" | "other" | "unknown";
  /** The call's name, or what stands for it. */
  readonly name: string;
  /** The descriptor that the call works on; null when it has none, or that is unknown. */
  readonly fd: number | null;
  readonly args: readonly number[];
  /** Whether the call itself could be read, and not only where the kernel sleeps. */
  readonly isProven: boolean;
}

/** Calls whose first argument is a descriptor. */
const WITH_DESCRIPTOR: readonly string[] = ["read", "write", "connect", "accept", "ioctl"];

/**
 * The activity of a thread, by its system call, else by the kernel function that it sleeps in. A
 * stopped thread has that in which it was stopped.
 */
export function activityOf(thread: ThreadState, readNumber: number | null): Activity {
  const { syscall, state, waitsIn } = thread;
  const proven = { fd: null, args: [], isProven: true };
  if (syscall === "running" || state === "R") return { ...proven, does: "run", name: "running" };
  const architecture = readNumber === 0 ? "x86_64" : readNumber === 63 ? "aarch64" : null;
  if (syscall !== null && architecture !== null) {
    const { number, args } = syscall;
    const row = (SYSCALLS as readonly SyscallRow[]).find((row) => row[architecture] === number);
    if (row) {
      const fd = WITH_DESCRIPTOR.includes(row.does) ? descriptor(args[0]) : null;
      return { ...proven, does: row.does, name: row.name, fd, args };
    }
    if (number >= 0) return { ...proven, does: "other", name: `syscall ${number}`, args };
  }
  if (/[Tt]/.test(state)) return { ...proven, does: "stopped", name: "stopped" };
  const channel = WAIT_CHANNELS.find((row) => row.pattern.test(waitsIn ?? ""));
  return {
    ...proven,
    does: channel?.does ?? (waitsIn === null ? "unknown" : "other"),
    name: channel?.name ?? waitsIn ?? "unknown",
    isProven: false,
  };
}

function descriptor(argument: number | undefined): number | null {
  return argument !== undefined && argument < 2 ** 31 ? argument : null;
}

/** The file behind a descriptor of a process. */
export function fileOf(
  process: { readonly files: readonly OpenFile[] | null },
  fd: number | null,
): OpenFile | null {
  return fd === null ? null : process.files?.find((file) => file.fd === fd) ?? null;
}

/** Whether a file is a terminal. */
export function isTerminal(file: OpenFile | null): boolean {
  return file !== null && /^\/dev\/(pts\/\d+|tty\w*|console)( \(deleted\))?$/.test(file.target);
}

/** An open end of a pipe. */
export type PipeEnd = OpenFile & { readonly target: `pipe:[${string}]` };

/** Whether a file is a pipe. */
export function isPipe(file: OpenFile | null): file is PipeEnd {
  return file !== null && /^pipe:\[\d+\]$/.test(file.target);
}

/**
 * The pipes that threads of a process read from or write to: all of its pipes where the call is
 * unknown.
 */
export function pipesWaitedAt(
  files: readonly OpenFile[],
  threads: readonly ThreadState[],
  readNumber: number | null,
): string[] {
  return threads.map((thread) => activityOf(thread, readNumber))
    .filter(({ does }) => ["read", "write", "unknown"].includes(does))
    .flatMap(({ fd }) => files.filter((file) => (fd === null || file.fd === fd) && isPipe(file)))
    .map((file) => file.target);
}

/** Seconds up to which a wait for several files counts as polling. */
const SHORT_WAIT_SECONDS = 5;

/** Whether a timeout will or may wake the thread up soon: then it may continue by itself. */
export function isTimed({ does, name, args, isProven }: Activity): boolean {
  if (does === "sleep") return true;
  if (!isProven) return false;
  if (name === "epoll_wait" || name === "epoll_pwait") return isShort(args[3]);
  if (name === "poll") return isShort(args[2]);
  // These point to their timeout, which is in the memory of the process and can't be read.
  if (name === "epoll_pwait2" || name === "futex") return (args[3] ?? 0) !== 0;
  if (name === "ppoll") return (args[2] ?? 0) !== 0;
  if (name === "select" || name === "pselect6") return (args[4] ?? 0) !== 0;
  return name === "rt_sigtimedwait" && (args[2] ?? 0) !== 0;
}

/**
 * Milliseconds from which a timeout is no real one: trio waits for a day where nothing is due.
 */
const DAY_MS = 86_400_000;

/** Whether a thread waits for one of several files with no time limit below a day. */
export function isEndlessPoll({ does, name, args, isProven }: Activity): boolean {
  if (does !== "poll" || !isProven) return false;
  const isEndless = (milliseconds = 0) => milliseconds >= DAY_MS;
  if (name === "epoll_wait" || name === "epoll_pwait") return isEndless(args[3]);
  // A negative number is a large one here.
  if (name === "poll") return isEndless(args[2]);
  // The others point to their timeout.
  return (name === "epoll_pwait2" && args[3] === 0) || (name === "ppoll" && args[2] === 0);
}

/** Operations of `futex`, from `include/uapi/linux/futex.h`. */
const FUTEX_WAIT = 0, FUTEX_WAIT_BITSET = 9, FUTEX_PRIVATE = 128, FUTEX_CLOCK_REALTIME = 256;

/** Who shares the lock that a thread waits for without a time limit; null: another wait. */
export function lockOf({ name, args, isProven }: Activity): "own" | "shared" | null {
  const [, operation, , timeout] = args;
  if (!isProven || name !== "futex" || operation === undefined || timeout !== 0) return null;
  const command = operation & ~(FUTEX_PRIVATE | FUTEX_CLOCK_REALTIME);
  if (![FUTEX_WAIT, FUTEX_WAIT_BITSET].includes(command)) return null;
  return (operation & FUTEX_PRIVATE) !== 0 ? "own" : "shared";
}

/** Milliseconds; a negative number means no timeout. */
function isShort(milliseconds: number | undefined): boolean {
  return milliseconds === undefined ||
    (milliseconds < 2 ** 31 && milliseconds <= SHORT_WAIT_SECONDS * 1000);
}

/**
 * Whether a stopped thread is in the background of its terminal, in a call for which the kernel
 * stops such threads (SIGTTIN, SIGTTOU).
 */
export function isStoppedByTerminal(thread: ThreadState, { does }: Activity): boolean {
  const { state, terminal, foreground, group } = thread;
  const isBackground = terminal !== 0 && foreground > 0 && group !== foreground;
  return state === "T" && isBackground && ["read", "ioctl", "write"].includes(does);
}
