/** How often something happened, and how often it could have. */
export interface Tries {
  readonly failures: number;
  readonly trials: number;
}

/** A share between 0 and 1, with the interval that holds the true one in 95 of 100 cases. */
export interface Rate {
  readonly rate: number;
  readonly low: number;
  readonly high: number;
}

/** The normal deviate of a two-sided 95% interval. */
const Z = 1.959964;

/**
 * The rate of failures with its 95% interval after Wilson (1927), which stays honest for few trials
 * and for rates near 0 and 1. Null without a trial: nothing is known then.
 */
export function rateOf({ failures, trials }: Tries): Rate | null {
  if (trials <= 0) return null;
  const rate = failures / trials;
  const centre = rate + Z * Z / (2 * trials);
  const margin = Z * Math.sqrt(rate * (1 - rate) / trials + Z * Z / (4 * trials * trials));
  const scale = 1 + Z * Z / trials;
  // Rounding may not put the rate itself outside.
  return {
    rate,
    low: Math.min(rate, Math.max(0, (centre - margin) / scale)),
    high: Math.max(rate, Math.min(1, (centre + margin) / scale)),
  };
}

/** `7% (2-19%)`; null without a trial. */
export function rateText(tries: Tries): string | null {
  const rate = rateOf(tries);
  return rate && `${percent(rate.rate)}% (${percent(rate.low)}-${percent(rate.high)}%)`;
}

/** Whole percents, but never 0 for what happened and never 100 for what did not always. */
function percent(share: number): string {
  const value = share * 100;
  if (value > 0 && value < 0.05) return "<0.1";
  return value > 0 && value < 1 || value > 99 && value < 100 ? value.toFixed(1) : value.toFixed(0);
}

/** What is on record of one test. */
export interface TestRecord extends Tries {
  readonly id: string;
  /**
   * Commits, each with its transport, backend and Python, at which it both passed and failed with
   * nothing changed.
   */
  readonly contradictions: number;
  /** Runs in which it failed, and then passed in a fresh process. */
  readonly recoveries: number;
  /** How many of its latest runs in a row failed. */
  readonly streak: number;
  /** Runs that had it and were short of CPU: none of them is among the trials. */
  readonly strained: number;
}

/** Whether it is on record that the same sources let the test pass and fail. */
export function isFlaky(record: TestRecord): boolean {
  return record.contradictions + record.recoveries > 0;
}

/**
 * Failures in a row that are so unlikely at the recorded rate count as a change of the test's
 * nature.
 */
const UNLIKELY = 0.01;

/**
 * Whether one more failure is what a flaky test does: there is evidence that it is flaky, and its
 * latest failures in a row, this one counted, are no more than what the upper end of its rate makes
 * likely.
 */
export function isFlakyAgain(record: TestRecord): boolean {
  const rate = rateOf(record);
  return rate !== null && isFlaky(record) && rate.high ** (record.streak + 1) >= UNLIKELY;
}

/**
 * What the record says about a test that failed: `failed 3 of 41 recorded runs, 7% (2-19%)`; null
 * without a record.
 */
export function recordText(record: TestRecord): string | null {
  const { failures, trials, contradictions, recoveries, streak, strained } = record;
  const apart = strained === 0
    ? []
    : [`${strained} more run${strained === 1 ? " was" : "s were"} short of CPU`];
  if (trials === 0) {
    return strained === 0
      ? null
      : `no rate: the ${strained} recorded run${strained === 1 ? " was" : "s were"} short of CPU`;
  }
  if (failures === 0) {
    return [`never failed in ${trials} recorded run${trials === 1 ? "" : "s"}`, ...apart].join(
      "; ",
    );
  }
  return [
    `failed ${failures} of ${trials} recorded run${trials === 1 ? "" : "s"}, ${rateText(record)}`,
    ...(contradictions > 0
      ? [
        `passed and failed at the same clean commit${
          contradictions === 1 ? "" : ` (${contradictions} of them)`
        }`,
      ]
      : []),
    ...(recoveries > 0
      ? [`passed when retried, ${recoveries} time${recoveries === 1 ? "" : "s"}`]
      : []),
    ...(streak > 1 ? [`failed in each of its last ${streak}`] : []),
    ...apart,
  ].join("; ");
}

/**
 * What is on record of a test, for JSON. `rate` and `interval` are shares; null when it was never
 * tried.
 */
export function describeRecord(record: TestRecord): Readonly<Record<string, unknown>> {
  const { contradictions, recoveries, streak, strained } = record;
  return {
    ...describeTries(record),
    contradictions,
    recoveries,
    streak,
    strained,
    flaky: isFlaky(record),
  };
}

/** Tries with their rate and its interval, for `--json`; both null without a trial. */
export function describeTries(tries: Tries): Readonly<Record<string, unknown>> {
  const rate = rateOf(tries);
  return {
    trials: tries.trials,
    failures: tries.failures,
    rate: rate?.rate ?? null,
    interval: rate && [rate.low, rate.high],
  };
}
