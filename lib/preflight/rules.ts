import type { Interpreter } from "../system/programs/python.ts";
import type { SigintMethod } from "../system/programs/env.ts";
import type { LeakReport } from "../leaks/leak_report.ts";
import type { CheckId } from "./check_ids.ts";

/** `warn` does not stop a run; `unknown`: it could not be checked. */
export type CheckStatus = "ok" | "warn" | "fail" | "unknown" | "skipped";

/** One row of `doctor` and of the preflight. */
export interface CheckResult {
  /** Stable; listed in docs/reference/checks.md. */
  readonly id: CheckId;
  readonly status: CheckStatus;
  /** The evidence, one or more lines. Not escaped. */
  readonly detail: string;
  /** A command to paste or an instruction, one or more lines; null if nothing has to be done. */
  readonly fix: string | null;
}

/** Makes a {@linkcode CheckResult}. */
export function checkResult(
  id: CheckId,
  status: CheckStatus,
  detail: string,
  fix: string | null = null,
): CheckResult {
  return { id, status, detail, fix };
}

/** The outcome of the preflight. */
export interface PreflightResult {
  readonly checks: readonly CheckResult[];
  /** See {@linkcode exitCodeOf}. */
  readonly exitCode: 0 | 80 | 81;
  /** Null when none can be used. */
  readonly interpreter: Interpreter | null;
  /** `3.13.0`; null when it did not start. */
  readonly pythonVersion: string | null;
  /** The environment that pytest inherits, without variables of git and of tractest's launcher. */
  readonly inherited: ReadonlyMap<string, string>;
  /** How pytest has to be started so that Ctrl-C reaches it. */
  readonly sigint: SigintMethod;
  /** Null when leaks were not checked. */
  readonly leaks: LeakReport | null;
}

/** The checks whose failures are leftovers of earlier runs. */
export const LEAK_CHECKS: readonly CheckId[] = ["registry", "actors", "leaks", "sockets"];

/**
 * The exit code of some checks: 0 if none failed, 81 if only checks for leaks failed, otherwise 80.
 *
 * @param liveRun whether a live run of this project holds the registry, which is not a leak
 */
export function exitCodeOf(checks: readonly CheckResult[], liveRun: boolean): 0 | 80 | 81 {
  const failed = checks.filter((check) => check.status === "fail");
  const isLeak = ({ id }: CheckResult) =>
    LEAK_CHECKS.includes(id) && !(liveRun && id === "registry");
  if (failed.length === 0) return 0;
  return failed.every(isLeak) ? 81 : 80;
}
