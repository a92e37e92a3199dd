import type { Interpreter } from "../system/programs/python.ts";
import type { SigintMethod } from "../system/programs/env.ts";
import type { LeakReport } from "../leaks/leak_report.ts";

/**
 * How sure a check is that nothing stands in the way. `warn`: go on, but know it. `unknown`: it
 * could not be looked at.
 */
export type CheckStatus = "ok" | "warn" | "fail" | "unknown" | "skipped";

/** One row of `doctor` and of the preflight. */
export interface CheckResult {
  /** Stable; listed in the README. */
  readonly id: string;
  readonly status: CheckStatus;
  /** What was found: the evidence. Not escaped. */
  readonly detail: string;
  /** A command to paste, or what to do; null when nothing is to be done. */
  readonly fix: string | null;
}

/** What the preflight came to. */
export interface PreflightResult {
  readonly checks: readonly CheckResult[];
  /**
   * 0 to go on, 80 when the environment stands in the way, 81 when only leaks, a held registry or
   * stale sockets do.
   */
  readonly exitCode: 0 | 80 | 81;
  /** Null when there is none to use. */
  readonly interpreter: Interpreter | null;
  /** `3.13.0`; null when it did not start. */
  readonly pythonVersion: string | null;
  /** The environment that pytest inherits, less git's and the starter's variables. */
  readonly inherited: ReadonlyMap<string, string>;
  /** How pytest is to be started, so that Ctrl-C reaches it. */
  readonly sigint: SigintMethod;
  /** Null when it was not looked for. */
  readonly leaks: LeakReport | null;
}

/** The checks that look for what earlier runs left behind; their failure alone is 81, not 80. */
const LEAK_CHECKS: readonly string[] = ["registry", "actors", "sockets"];

/**
 * The exit code of some checks: 80 for a failed one, 81 when only those about leaks failed, else 0.
 * `liveRun` is a run that holds the registry rightly.
 */
export function exitCodeOf(checks: readonly CheckResult[], liveRun: boolean): 0 | 80 | 81 {
  const failed = checks.filter((check) => check.status === "fail");
  if (
    failed.some((check) => !LEAK_CHECKS.includes(check.id) || (liveRun && check.id === "registry"))
  ) return 80;
  return failed.length > 0 ? 81 : 0;
}

/** Characters of what was found that the closing line repeats. */
const SHOWN = 120;

/**
 * The last line of checks that stop a run: what stopped it, that no test was started, and the
 * command that helps.
 */
export function stopText(checks: readonly CheckResult[]): string | null {
  const stop = checks.find((check) => check.status === "fail");
  if (!stop) return null;
  const [found = ""] = stop.detail.split("\n");
  const help = stop.fix === null ? "tractest doctor" : stop.fix.split("\n")[0]!;
  const cut = found.length > SHOWN ? `${found.slice(0, SHOWN)}…` : found;
  return `stopped by "${stop.id}": ${cut}. No test was started. Next: ${help}`;
}
