import { isRunId, timeOfRunId } from "./rules_run_file.ts";

/** How much of earlier runs is kept. */
export interface RetentionLimits {
  readonly count: number;
  readonly days: number;
  readonly bytes: number;
}

/** What a run left. */
export interface KeptRun {
  /** Its id is its directory's name. */
  readonly runId: string;
  readonly bytes: number;
}

/**
 * The runs of which what they left is to go, oldest first: beyond the newest ones, older than the
 * days, or over the size that all newer ones leave. A name that is no run's is never among them.
 *
 * @param now milliseconds since the epoch
 */
export function expiredRuns(
  runs: readonly KeptRun[],
  limits: RetentionLimits,
  now: number,
): string[] {
  const newestFirst = runs.filter((run) => isRunId(run.runId)).toSorted((a, b) =>
    a.runId < b.runId ? 1 : -1
  );
  let bytes = 0;
  const expired = newestFirst.filter((run, index) => {
    bytes += run.bytes;
    // The newest one stays however large it is: it is the one that people look at.
    const isTooLarge = index > 0 && bytes > limits.bytes;
    return index >= limits.count || isTooLarge ||
      now - timeOfRunId(run.runId) > limits.days * 86_400_000;
  });
  return expired.map((run) => run.runId).reverse();
}
