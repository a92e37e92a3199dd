import type { OpenFile, ThreadLook } from "../system/programs/proc_activity.ts";

/** A thread over the whole look. */
export interface Thread extends ThreadLook {
  /** Whether it ran between the two looks; null when that can't be told. */
  readonly moved: boolean | null;
  /** Clock ticks of processor time that it used between the two looks. */
  readonly usedTicks: number;
}

/** A process as it was seen for the verdict. */
export interface SeenProcess {
  readonly pid: number;
  readonly ppid: number;
  readonly title: string;
  /**
   * Whether it belongs to the tree that is stuck; else it holds something that the tree waits for.
   */
  readonly inTree: boolean;
  /** Null: could not be read. */
  readonly files: readonly OpenFile[] | null;
  /** Empty when none could be read. */
  readonly threads: readonly Thread[];
  /** Descriptors that its event loops watch. */
  readonly watched: readonly number[];
  /** Processes whose end it waits for by an event loop. */
  readonly watchedProcesses: readonly number[];
  /** Processes that it holds a pidfd of. */
  readonly heldProcesses: readonly number[];
  /** Its pidfds, and the process that each stands for. */
  readonly pidfds: readonly { readonly fd: number; readonly of: number }[];
  /** Seconds for which its main thread has slept, at least; null when that can't be told. */
  readonly asleepSeconds: number | null;
}

/** A connection to an address of the registry, as its client holds it. */
export interface RegistryConnection {
  readonly address: string;
  readonly pid: number;
  readonly fd: number;
  /**
   * `connecting`: the other side has not answered. `unaccepted`: the kernel has, the process that
   * listens has not.
   */
  readonly state: "connecting" | "unaccepted" | "accepted";
  /** Bytes that wait at the other side to be read. */
  readonly unread: number;
  /**
   * The processes on the other side: who accepted it, else who listens there. Empty: can't be seen.
   */
  readonly holders: readonly number[];
}

/** A process that has ended, and whose end its parent has not taken note of. */
export interface DeadChild {
  readonly pid: number;
  /** What it is called in its own pid namespace. */
  readonly ownPid: number;
  readonly ppid: number;
  /** The kernel's name for it. */
  readonly title: string;
}

/** How far the session of the tree's pytest is, by the record of its run. */
export interface SessionProgress {
  /** Null: it has not finished. */
  readonly exitStatus: number | null;
  /** The test that left a child of pytest behind, by the pid under which pytest knows it. */
  readonly leftBy: ReadonlyMap<number, string>;
}

/** The test in which a process was started, by what it has inherited from pytest. */
export interface StartedIn {
  readonly id: string;
  readonly phase: string;
}

/** All that a verdict rests on: gathered once, judged by plain functions. */
export interface HangScene {
  readonly root: number;
  readonly processes: ReadonlyMap<number, SeenProcess>;
  /** Children of the tree that were dead at both looks. */
  readonly dead: readonly DeadChild[];
  /** Null: no run recorded it. */
  readonly session: SessionProgress | null;
  /** By pid, of processes that have inherited it. */
  readonly startedIn: ReadonlyMap<number, StartedIn>;
  /** Who has which end of which pipe open, by `pipe:[INODE]`, of all processes that can be read. */
  readonly pipes: ReadonlyMap<
    string,
    readonly { readonly pid: number; readonly reads: boolean; readonly writes: boolean }[]
  >;
  /** Processes of which the open files can't be read. */
  readonly unreadable: number;
  /** Connections to the registry that were there at both looks. */
  readonly connections: readonly RegistryConnection[];
  /** The number of `read`: 0 on x86_64, 63 on aarch64; null when unknown. */
  readonly readNumber: number | null;
  /** Clock ticks in a second. */
  readonly ticksPerSecond: number;
  /** Seconds between the two looks. */
  readonly seconds: number;
  /** Python stacks, by pid. */
  readonly stacks: ReadonlyMap<number, string>;
  /** What could not be looked at, a sentence each. */
  readonly unknowns: readonly string[];
}
