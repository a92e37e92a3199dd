import type { ThreadState } from "../system/programs/proc_threads.ts";
import type { HangProcess } from "../pytest/hang_event.ts";
import type { OpenFile } from "../system/programs/proc_files.ts";
import type { MappedSemaphore } from "../system/programs/proc_maps.ts";
import { SHARED_HELPERS } from "../leaks/actor_signatures.ts";
import { type Activity, activityOf } from "./activity.ts";

/** A thread at the second snapshot, compared with the first. */
export interface Thread extends ThreadState {
  /** Whether it ran between the two snapshots; null when unknown. */
  readonly ran: boolean | null;
  /** Clock ticks of processor time that it used between the two snapshots. */
  readonly usedTicks: number;
}

/** A process at the second snapshot. */
export interface SeenProcess {
  readonly pid: number;
  readonly ppid: number;
  readonly title: string;
  /** Whether it belongs to the stuck tree; else it holds something that the tree waits for. */
  readonly inTree: boolean;
  /** Null: could not be read. */
  readonly files: readonly OpenFile[] | null;
  /** Empty when none could be read. */
  readonly threads: readonly Thread[];
  /**
   * Descriptors for one of which each thread sleeps, by its tid, where it waits in `poll` or at an
   * epoll set without a time limit; missing: unknown.
   */
  readonly polled: ReadonlyMap<number, readonly number[]>;
  /** Semaphores in its memory; null: not asked, or could not be read. */
  readonly semaphores: readonly MappedSemaphore[] | null;
  /** Descriptors that its event loops watch. */
  readonly watched: readonly number[];
  /** Processes whose end its event loops wait for. */
  readonly watchedProcesses: readonly number[];
  /** Processes that it holds a pidfd of. */
  readonly heldProcesses: readonly number[];
  /** Its pidfds, and the process that each stands for. */
  readonly pidfds: readonly { readonly fd: number; readonly of: number }[];
  /** Seconds for which its main thread has slept, at least; null when unknown. */
  readonly asleepSeconds: number | null;
}

/** One end of a connection, held by a process of the tree. */
export interface SeenConnection {
  /** Of the other end; for one of the registry that of the registry. */
  readonly address: string;
  /** Whether the other end is the registry's. */
  readonly isRegistry: boolean;
  readonly pid: number;
  readonly fd: number;
  /** `unaccepted`: the kernel has answered, the listening process has not accepted yet. */
  readonly state: "connecting" | "unaccepted" | "accepted";
  /** Bytes that the other side has not read yet. */
  readonly unread: number;
  /** Who accepted it, else who listens there. Empty: not visible. */
  readonly holders: readonly number[];
}

/** The two ends of a connection between Unix sockets. */
export interface UnixEnds {
  /** Neither has a name. */
  readonly isPair: boolean;
  /** Processes that hold one of them. */
  readonly holders: readonly number[];
}

/** A socket of the tree that waits for connections, the same at both snapshots. */
export interface Listener {
  readonly pid: number;
  readonly fd: number;
  readonly address: string;
  /** Connections that it has not accepted yet. */
  readonly waiting: number;
  /** Connections that were made to it and are not gone. */
  readonly clients: number;
}

/** A process that has ended and was not reaped by its parent. */
export interface DeadChild {
  readonly pid: number;
  /** Its pid in its own pid namespace. */
  readonly ownPid: number;
  readonly ppid: number;
  /** The kernel's name for it. */
  readonly title: string;
}

/** The progress of a session, from the record of its run. */
export interface SessionProgress {
  /** Null: it has not finished. */
  readonly exitStatus: number | null;
  /** The test that left a child of pytest behind, by the pid under which pytest knows it. */
  readonly leftBy: ReadonlyMap<number, string>;
}

/** The test in which a process was started, from the environment that it inherited from pytest. */
export interface StartedIn {
  readonly id: string;
  readonly phase: string;
}

/** All that a verdict rests on: gathered once, judged by pure functions. */
export interface HangScene {
  readonly root: number;
  readonly processes: ReadonlyMap<number, SeenProcess>;
  /** Children of the tree that were dead at both snapshots. */
  readonly dead: readonly DeadChild[];
  /** Null: no run recorded it. */
  readonly session: SessionProgress | null;
  /** By pid, for processes that have inherited it. */
  readonly startedIn: ReadonlyMap<number, StartedIn>;
  /** Who has which end of which pipe open, by `pipe:[INODE]`, of all processes that can be read. */
  readonly pipes: ReadonlyMap<
    string,
    readonly { readonly pid: number; readonly reads: boolean; readonly writes: boolean }[]
  >;
  /**
   * Connected Unix sockets at which the tree waits, by `socket:[INODE]`.
   */
  readonly sockets: ReadonlyMap<string, UnixEnds>;
  /** Who maps which semaphore, by its key, of all processes that can be read. */
  readonly semaphores: ReadonlyMap<string, readonly number[]>;
  /**
   * Processes that may hold an end of a pipe which the tree waits at, and could not be read or
   * changed meanwhile.
   */
  readonly unseenEnds: number;
  /** How many processes have open files that can't be read. */
  readonly unreadable: number;
  /** Connections of the tree that were there at both snapshots. */
  readonly connections: readonly SeenConnection[];
  readonly listeners: readonly Listener[];
  /** The number of `read`: 0 on x86_64, 63 on aarch64; null when unknown. */
  readonly readNumber: number | null;
  /** Clock ticks in a second. */
  readonly ticksPerSecond: number;
  /** Seconds between the two snapshots. */
  readonly seconds: number;
  /** Python stacks, by pid. */
  readonly stacks: ReadonlyMap<number, string>;
  /** What could not be inspected, a sentence each. */
  readonly unknowns: readonly string[];
}

/** The living processes of the tree. */
export function treeOf(scene: HangScene): SeenProcess[] {
  return [...scene.processes.values()].filter((process) =>
    process.inTree && process.threads.length > 0
  );
}

/** The living processes of the tree without its root. */
export function belowRoot(scene: HangScene): SeenProcess[] {
  return treeOf(scene).filter((process) => process.pid !== scene.root);
}

/** The living children of a process. */
export function childrenOf(scene: HangScene, parent: SeenProcess): SeenProcess[] {
  return treeOf(scene).filter((process) => process.ppid === parent.pid);
}

/** Whether a process serves many others and outlives them: waiting for it proves nothing. */
export function isSharedHelper({ title }: SeenProcess): boolean {
  return SHARED_HELPERS.test(title);
}

/** A thread and its activity. */
export interface ActiveThread {
  readonly process: SeenProcess;
  readonly thread: Thread;
  readonly activity: Activity;
}

/** The threads of a process with their activities. */
export function threadsOf(scene: HangScene, process: SeenProcess): ActiveThread[] {
  return process.threads.map((thread) => ({
    process,
    thread,
    activity: activityOf(thread, scene.readNumber),
  }));
}

/** All threads of the tree. */
export function allThreads(scene: HangScene): ActiveThread[] {
  return treeOf(scene).flatMap((process) => threadsOf(scene, process));
}

/** The main thread of a process. */
export function mainThread({ pid, threads }: SeenProcess): Thread | undefined {
  return threads.find((thread) => thread.tid === pid);
}

/** Seconds of processor time that a process used between the two snapshots. */
export function usedSeconds({ ticksPerSecond }: HangScene, { threads }: SeenProcess): number {
  return threads.reduce((sum, thread) => sum + thread.usedTicks, 0) / ticksPerSecond;
}

/** Whether a process slept from one snapshot to the other, or is stopped; false when unknown. */
export function isAsleep({ threads }: SeenProcess): boolean {
  return threads.length > 0 &&
    threads.every((thread) => thread.ran === false && thread.state !== "R");
}

/** Processes that have an end of a pipe open. */
export function holdersOf(scene: HangScene, pipe: string, end: "reads" | "writes"): number[] {
  const ends = scene.pipes.get(pipe) ?? [];
  return [...new Set(ends.filter((one) => one[end]).map(({ pid }) => pid))];
}

/**
 * Whether the tests made a pipe themselves: only processes of the tree read it, and it is not the
 * output of pytest. Then pytest's capture has nothing to do with it.
 */
export function isMadeInTree(scene: HangScene, pipe: string): boolean {
  const readers = holdersOf(scene, pipe, "reads");
  const root = scene.processes.get(scene.root)?.files ?? [];
  return readers.length > 0 && readers.every((pid) => scene.processes.get(pid)?.inTree === true) &&
    !root.some(({ fd, target }) => target === pipe && (fd === 1 || fd === 2));
}

/** How a process handles SIGINT; null when that can't be read. */
export function sigintOf(process: SeenProcess): HangProcess["sigint"] {
  const { threads } = process;
  const main = mainThread(process) ?? threads[0];
  if (main === undefined || main.interrupt.ignored === null) return null;
  const { ignored, caught, pending } = main.interrupt;
  if (ignored) return "ignored";
  // The kernel delivers it to any thread that does not block it.
  const isBlocked = threads.every((thread) => thread.interrupt.blocked === true);
  if (isBlocked) return pending ? "pending" : "blocked";
  return caught ? "caught" : "default";
}

/** Whether SIGINT can't end a process. */
export function isDeafToSigint(process: SeenProcess): boolean {
  return ["ignored", "blocked", "pending"].includes(sigintOf(process) ?? "");
}
