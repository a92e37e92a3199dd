import type { KilledProcess } from "../processes/kill_ladder.ts";
import type { ProcessIdentity, Refusal } from "../processes/process.ts";

/**
 * `leaked`: ours, and no live pytest or application above it. `in-use`: a live pytest or
 * application is above it, or it is one. `foreign`: of another project, user or namespace.
 * `unknown`: not proven; left alone.
 */
export type Verdict = "leaked" | "in-use" | "foreign" | "unknown";

/** A process with its verdict, and why. */
export interface JudgedProcess extends ProcessIdentity {
  readonly title: string;
  readonly ours: boolean | null;
  readonly verdict: Verdict;
  readonly evidence: readonly string[];
}

/** A process that is listed: an actor, or anything else that leaked or may have. */
export interface ListedProcess extends JudgedProcess {
  /** `helper`: of multiprocessing or a library like it. */
  readonly kind: "actor" | "pytest" | "helper" | "process";
  /** The test that started it; null if unknown. */
  readonly test: string | null;
  /** TCP ports that it listens on. */
  readonly ports: readonly number[];
}

/** A TCP registry address and who listens there. */
export interface RegistryReport {
  /** `host:port`. */
  readonly address: string;
  readonly bound: boolean | null;
  /** Empty although `bound`: held by a process that can't be seen. */
  readonly holders: readonly JudgedProcess[];
}

/** A Unix socket in one of the directories where actors make theirs. */
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

/** What was found about leaked actors, the registry and sockets of one project. */
export interface LeakReport {
  /**
   * False if there is a leaked actor, a stale socket, or a registry that no live run of ours holds;
   * null if unknown.
   */
  readonly clean: boolean | null;
  readonly registries: readonly RegistryReport[];
  /**
   * Actors of this project (and those that may be), and whatever else leaked: what tests started is
   * among them.
   */
  readonly actors: readonly ListedProcess[];
  readonly sockets: readonly SocketReport[];
  readonly refused: readonly Refusal[];
  /** The process that was asked about by its pid; null if there is none. */
  readonly named?: JudgedProcess | null;
  /** What is below that process and would be ended with it. */
  readonly tree?: readonly JudgedProcess[];
  /**
   * Processes of runs whose tractest was killed, and which still run: pytests,
   * as a rule.
   */
  readonly abandoned?: readonly {
    readonly pid: number;
    readonly title: string;
    readonly runId: string;
  }[];
  /** With a parent given: the pids below it, the only ones that a clean-up may touch. */
  readonly below?: readonly number[];
  /** A live pytest of this project that holds a registry: no leak. */
  readonly liveRun: { readonly pid: number; readonly title: string } | null;
  /** What could not be looked at, a sentence each. */
  readonly unknowns: readonly string[];
}

/** What a clean-up did. */
export interface CleanupReport {
  readonly killed: readonly KilledProcess[];
  readonly removed: readonly string[];
  /** What was left alone or survived during the clean-up, and why. */
  readonly refused: readonly Refusal[];
  /** The state afterwards; its `refused` has those of the clean-up too. */
  readonly after: LeakReport;
  /**
   * True if all is clean now, false if something of ours survived or a foreign holder stays, null
   * if unknown.
   */
  readonly ok: boolean | null;
  /** Whether a process or socket of ours was to be cleaned up and is still there. */
  readonly survivors: boolean;
}
