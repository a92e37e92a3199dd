import type { KilledProcess } from "../processes/kill_ladder.ts";
import type { ProcessIdentity, Refusal } from "../processes/process.ts";
import type { Listens } from "../system/programs/ss.ts";

/**
 * `leaked`: ours, and no live pytest or application above it. `in-use`: is or is below a live
 * pytest or application. `foreign`: another project's, user's or namespace's. `unknown`: not
 * proven; left alone.
 */
export type Verdict = "leaked" | "in-use" | "foreign" | "unknown";

/** A process with its verdict, and why. */
export interface JudgedProcess extends ProcessIdentity {
  readonly title: string;
  readonly ours: boolean | null;
  readonly verdict: Verdict;
  readonly evidence: readonly string[];
}

/** A process that is listed: an actor, or another process that leaked or may have leaked. */
export interface ListedProcess extends JudgedProcess, Listens {
  /** `helper`: a helper process of multiprocessing or of a similar library. */
  readonly kind: "actor" | "pytest" | "helper" | "process";
  /** The test that started it; null if unknown. */
  readonly test: string | null;
  /** Of an unknown one: the process that may run the test which started it; null: none. */
  readonly runner: number | null;
}

/** A TCP registry address and the processes that listen there. */
export interface RegistryReport {
  /** `host:port`. */
  readonly address: string;
  readonly bound: boolean | null;
  /** Empty although `bound` is true if the holder can't be seen. */
  readonly holders: readonly JudgedProcess[];
}

/** A Unix socket in one of the directories where actors create theirs. */
export interface SocketReport {
  readonly path: string;
  readonly verdict: "stale" | "live" | "unknown";
  readonly evidence: readonly string[];
}

/** A segment of shared memory; only one that is `stale` is ever removed. */
export interface SharedMemoryReport {
  readonly path: string;
  readonly verdict: "stale" | "live" | "unknown";
  readonly evidence: readonly string[];
}

/** The leaked actors, registries and sockets of one project. */
export interface LeakReport {
  /**
   * False if there is a leaked actor, a stale socket, or a registry held by anything but a live run
   * of ours; null if unknown.
   */
  readonly clean: boolean | null;
  readonly registries: readonly RegistryReport[];
  /**
   * Actors that are or may be this project's, and whatever else leaked, such as processes that
   * tests started.
   */
  readonly actors: readonly ListedProcess[];
  readonly sockets: readonly SocketReport[];
  readonly refused: readonly Refusal[];
  /** The process whose pid was given; null if there is none. */
  readonly named?: JudgedProcess | null;
  /** The processes below it that would be ended with it. */
  readonly tree?: readonly JudgedProcess[];
  /**
   * Processes that still run though their tractest was killed: pytests, as a rule.
   */
  readonly abandoned?: readonly {
    readonly pid: number;
    readonly title: string;
    readonly runId: string;
  }[];
  /** If a parent was given: the pids below it, the only ones that a clean-up may touch. */
  readonly below?: readonly number[];
  /** A live pytest of this project that holds a registry, which is no leak. */
  readonly liveRun: { readonly pid: number; readonly title: string } | null;
  /** What could not be checked, one sentence each. */
  readonly unknowns: readonly string[];
}

/** What a clean-up did. */
export interface CleanupReport {
  readonly killed: readonly KilledProcess[];
  readonly removed: readonly string[];
  /** What was left alone or survived, and why. */
  readonly refused: readonly Refusal[];
  /** The state afterwards; its `refused` includes that of the clean-up. */
  readonly after: LeakReport;
  /**
   * True if all is clean now, false if something of ours survived or a foreign holder stays; null
   * if unknown.
   */
  readonly ok: boolean | null;
  /** Whether a process or socket that had to be cleaned up is still there. */
  readonly survivors: boolean;
}
