import type { Strain } from "../base/strain.ts";
import type { Profile } from "../project/rules_profile.ts";
import type { Prepared } from "./prepared.ts";
import type { Verdict } from "../pytest/run_exit_code.ts";
import type { EngineOutcome } from "./engine/engine_outcome.ts";
import type { Balance } from "./parallel.ts";
import type { LeakReport } from "../leaks/leak_report.ts";
import type { JudgedFailure } from "./show_failures.ts";
import type { VerdictStream } from "./show.ts";
import type { Parallel } from "./rules_parallel.ts";

/** What is kept of the output of a run: that of each of its sessions, or its own. */
export type KeptOutput = "sessions" | "run" | null;

/** What is known when a run is over. */
export interface RunFindings {
  /** The exit code, with its reasons. */
  readonly verdict: Verdict;
  /** Whether the output of each session is kept, or of the run; null: neither. */
  readonly kept: KeptOutput;
  /** As a person would type it. */
  readonly command: readonly string[];
  readonly prepared: Prepared;
  readonly outcome: EngineOutcome;
  readonly failures: readonly JudgedFailure[];
  /** Who holds the ports that failures found in use, a line each. */
  readonly portHolders: readonly string[];
  /** Null: not searched for. */
  readonly leaks: LeakReport | null;
  /** Null: the load of the processors is unknown. */
  readonly strain: Strain | null;
  /** Seconds for the whole run; 0: no limit. */
  readonly limit: number;
  /** How often a test could run. */
  readonly tries: number;
  readonly stream: VerdictStream;
  /** How evenly the tests were distributed; null for a single session. */
  readonly balance: Balance | null;
  readonly parallel: Parallel;
  /** How many sessions ran at once. */
  readonly jobs: number;
  /** The most characters of a report for a coding agent; null: the verdict is for people. */
  readonly agentLimit: number | null;
  readonly profile: Profile;
}
