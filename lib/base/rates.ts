import { plural } from "./plural.ts";

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
 * The rate of failures with its 95% interval by Wilson (1927), which holds for few trials and for
 * rates near 0 and 1. Null without a trial.
 */
export function rateOf({ failures, trials }: Tries): Rate | null {
  if (trials <= 0) return null;
  const rate = failures / trials;
  const centre = rate + Z * Z / (2 * trials);
  const margin = Z * Math.sqrt(rate * (1 - rate) / trials + Z * Z / (4 * trials * trials));
  const scale = 1 + Z * Z / trials;
  // The rate itself has to stay inside despite rounding.
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

/** Whole percents, but never 0 or 100 unless it is exactly that. */
function percent(share: number): string {
  const value = share * 100;
  if (value > 0 && value < 0.05) return "<0.1";
  return value > 0 && value < 1 || value > 99 && value < 100 ? value.toFixed(1) : value.toFixed(0);
}

/** The recorded results of one test. */
export interface TestRecord extends Tries {
  readonly id: string;
  /** Clean commits at which it passed and failed, with the same transport, backend and Python. */
  readonly contradictions: number;
  /** Runs in which it failed and then passed in a fresh process. */
  readonly recoveries: number;
  /** Number of latest runs in a row in which it failed. */
  readonly streak: number;
  /** Runs of it that were short of CPU; they are not among the trials. */
  readonly strained: number;
}

/** Whether the same sources both passed and failed the test, on record. */
export function isFlaky(record: TestRecord): boolean {
  return record.contradictions + record.recoveries > 0;
}

/** Failures in a row that are less likely than this are not flakiness: the test has changed. */
const UNLIKELY = 0.01;

/**
 * Whether one more failure can be flakiness: the test is flaky on record, and its latest failures
 * in a row, including this one, are likely enough at the upper end of its rate.
 */
export function isFlakyAgain(record: TestRecord): boolean {
  const rate = rateOf(record);
  return rate !== null && isFlaky(record) && rate.high ** (record.streak + 1) >= UNLIKELY;
}

/** `failed 3 of 41 recorded runs, 7% (2-19%)`; null without a record. */
export function recordText(record: TestRecord): string | null {
  const { failures, trials, contradictions, recoveries, streak, strained } = record;
  const runs = (count: number) => plural(count, "recorded run");
  const were = strained === 1 ? "was" : "were";
  if (trials === 0) {
    return strained === 0 ? null : `no rate: the ${runs(strained)} ${were} short of CPU`;
  }
  const parts: string[] = [];
  if (failures === 0) parts.push(`never failed in ${runs(trials)}`);
  else {
    parts.push(`failed ${failures} of ${runs(trials)}, ${rateText(record)}`);
    if (contradictions > 0) {
      const count = contradictions === 1 ? "" : ` (${contradictions} of them)`;
      parts.push(`passed and failed at the same clean commit${count}`);
    }
    if (recoveries > 0) parts.push(`passed when retried, ${plural(recoveries, "time")}`);
    if (streak > 1) parts.push(`failed in each of its last ${streak}`);
  }
  if (strained > 0) parts.push(`${plural(strained, "more run")} ${were} short of CPU`);
  return parts.join("; ");
}

/** The record of a test for JSON: {@linkcode describeTries} and its other counts. */
export function describeRecord(record: TestRecord): Readonly<Record<string, unknown>> {
  const { contradictions, recoveries, streak, strained } = record;
  const flaky = isFlaky(record);
  return { ...describeTries(record), contradictions, recoveries, streak, strained, flaky };
}

/** Tries for JSON, with their rate and its interval as shares; both null without a trial. */
export function describeTries(tries: Tries): Readonly<Record<string, unknown>> {
  const rate = rateOf(tries);
  return {
    trials: tries.trials,
    failures: tries.failures,
    rate: rate?.rate ?? null,
    interval: rate && [rate.low, rate.high],
  };
}
