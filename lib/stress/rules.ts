import type { LeftBehind } from "../pytest/events.ts";
import { type Outcome, RED, type TestResult } from "../pytest/results.ts";
import type { Failure } from "../pytest/failure.ts";
import { median } from "../base/median.ts";
import { rateOf, type Tries } from "../base/rates.ts";

/** One run of one test in one copy. */
export interface Trial {
  readonly id: string;
  /** From 1. */
  readonly round: number;
  readonly copy: number;
  readonly outcome: Outcome;
  readonly seconds: number;
  readonly failure: Failure | null;
  readonly leaked: readonly LeftBehind[];
}

/** What {@linkcode trialsOf} is told of a copy. */
export interface CopyEnd {
  readonly round: number;
  readonly copy: number;
  /**
   * Tests that were running when the copy was ended at its time limit, with how long that was,
   * seconds.
   */
  readonly hung: readonly { readonly id: string; readonly seconds: number }[];
}

/**
 * The trials of one copy. A test that was cut short by somebody is none, nor is one that was
 * skipped.
 */
export function trialsOf(tests: Iterable<TestResult>, { round, copy, hung }: CopyEnd): Trial[] {
  const trials: Trial[] = [];
  for (const { id, attempts, finished, outcome, seconds, failure, leaked } of tests) {
    if (attempts.length === 0) continue;
    const stuck = hung.find((one) => one.id === id);
    if (stuck !== undefined) {
      const message = `it still ran when its copy was ended after ${stuck.seconds} s`;
      const hangs: Failure = {
        id,
        phase: "call",
        message,
        where: null,
        traceback: "",
        errors: [],
      };
      trials.push({
        id,
        round,
        copy,
        outcome: "timeout",
        seconds: stuck.seconds,
        failure: hangs,
        leaked,
      });
    } else if (finished && outcome !== "skipped") {
      trials.push({ id, round, copy, outcome, seconds, failure, leaked });
    }
  }
  return trials;
}

/** What many trials of a test come to. */
export interface Stressed extends Tries {
  readonly id: string;
  /** The first that failed. */
  readonly first: Trial | null;
  /** First lines of the failures' messages and how often each came, the most frequent first. */
  readonly messages: readonly { readonly message: string; readonly times: number }[];
  /** Trials that left processes behind, and the first processes of these. */
  readonly leaking: number;
  readonly leaked: readonly LeftBehind[];
  /** Seconds. */
  readonly slowest: number;
  readonly median: number | null;
}

/** All trials by test, in the order in which the tests came first. */
export function stressed(trials: readonly Trial[]): Stressed[] {
  return [...Map.groupBy(trials, (trial) => trial.id)].map(([id, own]) => {
    const red = own.filter((trial) => RED.has(trial.outcome));
    const messages = Map.groupBy(
      red,
      (trial) => (trial.failure?.message ?? trial.outcome).split("\n", 1)[0]!,
    );
    const leaking = own.filter((trial) => trial.leaked.length > 0);
    const seconds = own.map((trial) => trial.seconds);
    return {
      id,
      failures: red.length,
      trials: own.length,
      first: red[0] ?? null,
      messages: [...messages].map(([message, { length }]) => ({ message, times: length })).sort((
        a,
        b,
      ) => b.times - a.times),
      leaking: leaking.length,
      leaked: leaking[0]?.leaked ?? [],
      slowest: seconds.reduce((most, one) => Math.max(most, one), 0),
      median: median(seconds),
    };
  });
}

/**
 * Whether a test fails more often beside others than alone: true or false where the intervals of
 * the two rates tell, null where they overlap, so that more rounds are needed.
 */
export function fromContention(beside: Tries, alone: Tries): boolean | null {
  const [among, by] = [rateOf(beside), rateOf(alone)];
  if (among === null || by === null) return null;
  if (among.low > by.high) return true;
  return among.high < by.low ? false : null;
}
