import type { SharedOptions } from "../command_line/session_options.ts";
import type { Project } from "../project/project.ts";

/** What a run's time limit depends on. All times in seconds. */
export interface TimeLimitInput {
  /** `--timeout`; null when it was not given. */
  readonly given: number | null;
  /** A debugger may hold the terminal: whoever debugs has all the time there is. */
  readonly debugging: boolean;
  readonly scope: "full" | "file" | "many";
  readonly limits: { readonly full: number; readonly file: number };
  /** The longest full run on record; null when there is none. */
  readonly longestFull: number | null;
}

/**
 * Seconds that a run may take; 0 for no limit. A suite that is known to take longer than the limit
 * gets twice what it took.
 */
export function timeLimit(input: TimeLimitInput): number {
  if (input.given !== null) return input.given;
  if (input.debugging) return 0;
  if (input.scope === "file") return input.limits.file;
  return Math.max(input.limits.full, 2 * (input.longestFull ?? 0));
}

/**
 * Seconds without a finished test after which a run ends at its limit; 0: at once, because the
 * limit was typed.
 */
export function quietSeconds(
  { timeout }: Pick<SharedOptions, "timeout">,
  { configuration }: Project,
): number {
  return timeout === null ? configuration.timeLimitQuiet : 0;
}
