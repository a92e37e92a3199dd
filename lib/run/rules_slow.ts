/** Seconds after which a test without a record is slow. */
export const SLOW_SECONDS = 60;
/** No test is slow before, however quick it was. */
export const LEAST_SLOW_SECONDS = 10;
/** How much longer than ever before a test takes when it is slow. */
const TIMES_LONGER = 10;
/** Seconds between two reports on one test, at most: CI services end jobs that print nothing. */
const MOST_BETWEEN = 300;

/**
 * Seconds after which a test that still runs is reported as slow.
 *
 * @param longest seconds that it took in earlier runs, at most; null: it has no record
 */
export function slowAfter(longest: number | null): number {
  if (longest === null) return SLOW_SECONDS;
  return Math.max(LEAST_SLOW_SECONDS, Math.min(TIMES_LONGER * longest, longest + SLOW_SECONDS));
}

/**
 * Seconds after which it is reported again, after a report that was due at `last`: the first such
 * time that has yet to come.
 */
export function nextReport(last: number, seconds: number): number {
  let next = last;
  while (next <= seconds) next += Math.min(next, MOST_BETWEEN);
  return next;
}
