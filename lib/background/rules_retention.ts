import { isRunId, timeOfRunId } from "./rules_run_file.ts";

/** How much of earlier runs is kept. */
export interface RetentionLimits {
  readonly count: number;
  readonly days: number;
  readonly bytes: number;
}

/** A run whose files are kept. */
export interface KeptRun {
  /** Its id, which is the name of its directory. */
  readonly runId: string;
  readonly bytes: number;
}

/**
 * The runs to remove, the oldest first: those beyond the count, older than the days, or beyond the
 * bytes that newer ones leave. The newest stays however large it is, since users read it first.
 *
 * @param now milliseconds since the epoch
 */
export function expiredRuns(
  runs: readonly KeptRun[],
  limits: RetentionLimits,
  now: number,
): string[] {
  const newestFirst = runs.filter(({ runId }) => isRunId(runId))
    .toSorted((a, b) => a.runId < b.runId ? 1 : -1);
  let total = 0;
  const expired = newestFirst.filter(({ runId, bytes }, index) => {
    total += bytes;
    const isTooOld = now - timeOfRunId(runId) > limits.days * 86_400_000;
    return index >= limits.count || isTooOld || (index > 0 && total > limits.bytes);
  });
  return expired.map(({ runId }) => runId).reverse();
}
