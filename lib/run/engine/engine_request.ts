import type { Profile } from "../../project/rules_profile.ts";
import type { Isolation } from "../../isolation/isolate.ts";
import type { LedgerEntry } from "../../leaks/rules_ledger.ts";
import type { SessionPurpose } from "../../pytest/events.ts";
import type { Cut } from "../../pytest/run_exit_code.ts";
import type { Block, Group, Item } from "../../pytest/work.ts";
import type { RunModel } from "../../pytest/run_model.ts";
import type { SigintMethod } from "../../system/programs/env.ts";
import type { Interpreter } from "../../system/programs/python.ts";
import type { EventLog } from "../event_log.ts";

/** A run of pytest, in one session or in many. */
export interface EngineRequest {
  readonly scene: RunScene;
  readonly sessions: SessionOptions;
  readonly plan: RunPlan;
  readonly limits: RunLimits;
  readonly policy: RunPolicy;
  readonly hooks: RunHooks;
}

/** Where a run happens: the same for all of its sessions. */
export interface RunScene {
  readonly runId: string;
  /** The root of the project, in which every pytest starts. */
  readonly root: string;
  readonly interpreter: Interpreter;
  /** The environment that a session inherits. */
  readonly inherited: ReadonlyMap<string, string>;
  readonly sigint: SigintMethod;
  /** A private directory for logs, events and queues. */
  readonly directory: string;
  readonly log: EventLog;
  /** Gives each session its own namespaces; null: sessions share those of tractest. */
  readonly isolation: Isolation | null;
  /** The same for the sessions of single tests that ask for it, where others are not isolated. */
  readonly isolationOfSome: Isolation | null;
  readonly profile: Profile;
  /** Addresses of the registry as `host:port`: a session that hangs may be waiting for one. */
  readonly registries: readonly string[];
}

/** Which session of a run a command is for. */
export interface SessionKind {
  readonly purpose: SessionPurpose;
  /** The tests it runs; null: all of them. */
  readonly tests: readonly string[] | null;
  /** Its tests are those that run isolated although others don't. */
  readonly isIsolated?: boolean;
}

/** The session that runs all tests. */
export const WHOLE: SessionKind = { purpose: "tests", tests: null };

/** Where the output of a session goes. */
export type OutputMode =
  /**
   * To our own standard output and error: directly if that is a terminal, file or device; if it is
   * a pipe, through a log that is copied to it.
   */
  | "shown"
  /** The same, but all of it to standard error, because standard output carries data. */
  | "stderr"
  /** Only to the log. */
  | "log"
  /** To our own standard output and error, which are a file: a run in the background. */
  | "inherited";

/** How the sessions of a run are started. */
export interface SessionOptions {
  /** The start of each session's name; needed where several engines share a run. */
  readonly prefix?: string;
  /** The command of a session, by its name. */
  readonly command: (kind: SessionKind, session: string) => readonly string[];
  /** Additional variables of a session, by the number of its shard (from 1) and its name. */
  readonly environment?: (shard: number, session: string) => Readonly<Record<string, string>>;
  readonly output: OutputMode;
}

/** Which tests run, in which order, and in how many sessions at once. */
export interface RunPlan {
  readonly jobs: number;
  /** Chooses and orders the collected tests; null: pytest runs all of them in its own order. */
  readonly order: ((items: readonly Item[]) => readonly Group[] | Promise<readonly Group[]>) | null;
  /** Joins groups that are better run in one process; asked only if there are several jobs. */
  readonly blocks: (groups: readonly Group[]) => readonly Block[];
  /** Whether a test runs after all others, alone; asked only if there are several jobs. */
  readonly runsAlone: (id: string) => boolean;
  /** Whether a test runs after all others, isolated from them; missing: none does. */
  readonly runsIsolated?: (id: string) => boolean;
}

/** Time limits in seconds. */
export interface RunLimits {
  /** For the whole run; 0: none. */
  readonly run: number;
  /** The run ends at its limit only once nothing has finished for this long; 0: at once. */
  readonly quiet: number;
  /** For each test; 0: none. */
  readonly test: number;
  /** For one test, where tests differ. */
  readonly ofTest?: (id: string) => number;
  /** After which a test is reported as slow; null: by its record, 0 or missing: never. */
  readonly slow?: number | null;
  /** For pytest to exit after its report. */
  readonly exit: number;
  /** Between SIGINT and SIGKILL. */
  readonly grace: number;
}

/** When a run stops, and which tests run again. */
export interface RunPolicy {
  /** What stopped the run before its first session: then none is started. */
  readonly cut: Cut | null;
  /** A debugger holds the terminal: Ctrl-C is for the debugger, and tests have no limit. */
  readonly debugging: boolean;
  /** The run is in the background, where SIGHUP means nothing. */
  readonly survivesHangup: boolean;
  /** The first failure stops the run. */
  readonly exitFirst: boolean;
  /** After a test that had to be ended, the remaining tests run in a new session. */
  readonly resume: boolean;
  /** How often a failed test runs again, each time in a new session. */
  readonly retries: number;
  /** How often one test does, where tests differ; null: they don't. */
  readonly retriesOf?: ((id: string) => number) | null;
}

/** Seconds that a test may take; 0: no limit. */
export function testLimit({ test, ofTest }: RunLimits, id: string): number {
  return ofTest?.(id) ?? test;
}

/** Functions called as a run progresses. */
export interface RunHooks {
  /** A session was started; null if its process could not be identified. */
  readonly onSessionStart: (child: LedgerEntry | null) => Promise<void>;
  /** The first session was started: the place for work that must not delay it. Called once. */
  readonly onFirstSession?: () => void;
  /** Every pytest has reported and none has exited. Later events may still change the results. */
  readonly onSessionsFinished?: (run: RunModel) => void;
}
