import type { OpenFile, ThreadLook } from "../system/programs/proc_activity.ts";
import { type SyscallRow, SYSCALLS, WAIT_CHANNELS } from "./syscalls.ts";
import type { SeenProcess } from "./hang_scene.ts";

/** What a thread is doing. */
export interface Activity {
  readonly does: SyscallRow["does"] | "run" | "stopped" | "other" | "unknown";
  /** The call's name, or what stands for it. */
  readonly name: string;
  /** The descriptor that it is about; null when it is about none, or that can't be told. */
  readonly fd: number | null;
  readonly args: readonly number[];
  /** Whether the call itself could be read, and not only where the kernel sleeps. */
  readonly isProven: boolean;
}

/** Calls whose first argument is a descriptor. */
const ABOUT_A_FILE: readonly string[] = ["read", "write", "connect", "accept", "ioctl"];

/**
 * What a thread does, by its call into the kernel, else by the kernel function that it sleeps in.
 * One that is stopped does what it was stopped in.
 */
export function activityOf(thread: ThreadLook, readNumber: number | null): Activity {
  const { syscall } = thread;
  if (syscall === "running" || thread.state === "R") {
    return { does: "run", name: "running", fd: null, args: [], isProven: true };
  }
  if (syscall !== null && readNumber !== null) {
    const architecture = readNumber === 0 ? "x86_64" : readNumber === 63 ? "aarch64" : null;
    const row = architecture === null
      ? undefined
      : (SYSCALLS as readonly SyscallRow[]).find((row) => row[architecture] === syscall.number);
    if (row) {
      const fd = ABOUT_A_FILE.includes(row.does) ? descriptor(syscall.args[0]) : null;
      return { does: row.does, name: row.name, fd, args: syscall.args, isProven: true };
    }
    if (architecture !== null && syscall.number >= 0) {
      return {
        does: "other",
        name: `syscall ${syscall.number}`,
        fd: null,
        args: syscall.args,
        isProven: true,
      };
    }
  }
  if (/[Tt]/.test(thread.state)) {
    return { does: "stopped", name: "stopped", fd: null, args: [], isProven: true };
  }
  const channel = WAIT_CHANNELS.find((row) => row.pattern.test(thread.waitsIn ?? ""));
  if (channel) {
    return { does: channel.does, name: channel.name, fd: null, args: [], isProven: false };
  }
  return {
    does: thread.waitsIn === null ? "unknown" : "other",
    name: thread.waitsIn ?? "unknown",
    fd: null,
    args: [],
    isProven: false,
  };
}

function descriptor(argument: number | undefined): number | null {
  return argument !== undefined && argument < 2 ** 31 ? argument : null;
}

/** The file behind a descriptor of a process. */
export function fileOf(process: Pick<SeenProcess, "files">, fd: number | null): OpenFile | null {
  return fd === null ? null : process.files?.find((file) => file.fd === fd) ?? null;
}

/** Whether a file is a terminal. */
export function isTerminal(file: OpenFile | null): boolean {
  return file !== null && /^\/dev\/(pts\/\d+|tty\w*|console)( \(deleted\))?$/.test(file.target);
}

/** Whether a file is a pipe. */
export function isPipe(file: OpenFile | null): boolean {
  return file !== null && /^pipe:\[\d+\]$/.test(file.target);
}

/**
 * The pipes that a thread of a process reads from or writes to: all that the process has where it
 * can't be told which.
 */
export function pipesWaitedAt(
  files: readonly OpenFile[],
  threads: readonly ThreadLook[],
  readNumber: number | null,
): string[] {
  return threads.flatMap((thread) => {
    const activity = activityOf(thread, readNumber);
    if (!["read", "write", "unknown"].includes(activity.does)) return [];
    return (activity.fd === null ? files : files.filter((file) => file.fd === activity.fd)).filter(
      isPipe,
    ).map((file) => file.target);
  });
}

/** Seconds up to which a wait for several files counts as a look that is repeated. */
const SHORT_WAIT_SECONDS = 5;

/** Whether a clock will wake the thread up soon, or may: then it may go on by itself. */
export function isTimed({ does, name, args, isProven }: Activity): boolean {
  if (does === "sleep") return true;
  if (!isProven) return false;
  if (name === "epoll_wait" || name === "epoll_pwait") return isShort(args[3]);
  if (name === "poll") return isShort(args[2]);
  // Where the limit stands in the memory of the process, it can't be read.
  if (name === "epoll_pwait2" || name === "futex") return (args[3] ?? 0) !== 0;
  if (name === "ppoll") return (args[2] ?? 0) !== 0;
  if (name === "select" || name === "pselect6") return (args[4] ?? 0) !== 0;
  return name === "rt_sigtimedwait" && (args[2] ?? 0) !== 0;
}

/** Milliseconds; a negative one is no limit. */
function isShort(milliseconds: number | undefined): boolean {
  return milliseconds === undefined ||
    (milliseconds < 2 ** 31 && milliseconds <= SHORT_WAIT_SECONDS * 1000);
}

/** What a thread does, as it is shown: `write(1 → pipe:[18001])`. */
export function describeActivity(process: SeenProcess, activity: Activity): string {
  if (activity.fd === null) return activity.name;
  const file = fileOf(process, activity.fd);
  return `${activity.name}(${activity.fd}${file === null ? "" : ` → ${file.target}`})`;
}
