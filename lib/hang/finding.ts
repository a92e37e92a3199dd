/** What one rule has proven. */
export interface Finding {
  readonly evidence: readonly string[];
  /** The blocked pipe may be that of pytest's capture: the steps against full pipes may help. */
  readonly isOutput?: boolean;
  /** Processes that something can be done about. */
  readonly pids?: readonly number[];
}

/** A finding with some evidence; null without any. */
export function findingOf(
  evidence: readonly string[],
  more: Omit<Finding, "evidence"> = {},
): Finding | null {
  return evidence.length === 0 ? null : { evidence, ...more };
}
