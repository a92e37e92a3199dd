import { QUIET_SECONDS } from "../../tables/defaults.ts";
import { UsageError } from "../../errors.ts";

/** What a run's time limit depends on. All times in seconds. */
export interface TimeLimitInput {
  /** `--timeout`, as typed. */
  readonly given: string | undefined;
  /** A debugger may hold the terminal: whoever debugs has all the time there is. */
  readonly debugging: boolean;
  readonly scope: "full" | "file" | "many";
  readonly limits: { readonly full: number; readonly file: number };
  /** The longest full run on record; null when there is none. */
  readonly longestFull: number | null;
}

/**
 * Seconds that a run may take; 0 for no limit. A suite that is known to take longer than the limit gets twice what it took.
 *
 * @throws {UsageError} if `--timeout` is not a number of seconds
 */
export function timeLimit(input: TimeLimitInput): number {
  if (input.given !== undefined) return parseSeconds("timeout", input.given);
  if (input.debugging) return 0;
  if (input.scope === "file") return input.limits.file;
  return Math.max(input.limits.full, 2 * (input.longestFull ?? 0));
}

/** When a run is cut. Times in seconds. */
export interface RunLimit {
  /** Nothing is cut before; 0: never. */
  readonly seconds: number;
  /** From then on it is cut when nothing has ended for so long; 0: at once. */
  readonly quiet: number;
}

/**
 * Whether what runs at a limit looks stuck, rather than just being the one that ran then.
 *
 * @param idle seconds since something ended
 */
export function looksStuck(idle: number, { seconds, quiet }: RunLimit): boolean {
  return idle >= Math.min(quiet > 0 ? quiet : QUIET_SECONDS, seconds / 2);
}

/** Seconds that a timer can count: longer ones end at once. */
const MOST_SECONDS = 1_000_000;

/**
 * A number of seconds, from 0 to a million.
 *
 * @throws {UsageError} for anything else
 */
export function parseSeconds(option: string, text: string): number {
  const value = /^\d+(\.\d+)?$/.test(text) ? Number(text) : NaN;
  if (!(value <= MOST_SECONDS)) throw new UsageError(`Option "--${option}" does not take "${text}"`, `it takes seconds, from 0 to ${MOST_SECONDS}`);
  return value;
}

/**
 * A count, from 0 to a thousand unless told otherwise.
 *
 * @throws {UsageError} for anything else
 */
export function parseCount(option: string, text: string, { least = 0, most = 1000 } = {}): number {
  const count = /^\d{1,4}$/.test(text) ? Number(text) : NaN;
  if (!(count >= least && count <= most)) {
    throw new UsageError(`Option "--${option}" does not take "${text}"`, `it takes a count, from ${least} to ${most}`);
  }
  return count;
}

/** Full runs that are remembered, the newest last. */
const REMEMBERED = 20;

/** The seconds of full runs on record; what can't be read counts as none. */
export function readDurations(text: string | null): number[] {
  try {
    const value: unknown = JSON.parse(text ?? "[]");
    return Array.isArray(value) ? value.filter((item) => typeof item === "number" && item > 0) : [];
  } catch {
    return [];
  }
}

/** The record with one more run. */
export function withDuration(durations: readonly number[], seconds: number): number[] {
  return [...durations, Math.round(seconds * 10) / 10].slice(-REMEMBERED);
}
