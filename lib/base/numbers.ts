import { UsageError } from "../errors.ts";

/** Seconds that a timer can count: longer ones end at once. */
const MOST_SECONDS = 1_000_000;

/**
 * A number of seconds, from 0 to a million.
 *
 * @throws {UsageError} for anything else
 */
export function parseSeconds(option: string, text: string): number {
  const value = /^\d+(\.\d+)?$/.test(text) ? Number(text) : NaN;
  if (!(value <= MOST_SECONDS)) {
    throw new UsageError(
      `Option "--${option}" does not take "${text}"`,
      `it takes seconds, from 0 to ${MOST_SECONDS}`,
    );
  }
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
    throw new UsageError(
      `Option "--${option}" does not take "${text}"`,
      `it takes a count, from ${least} to ${most}`,
    );
  }
  return count;
}
