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

/** How one copy of the tests ended. */
export interface CopyEnd {
  readonly round: number;
  readonly copy: number;
  /** Tests that were running when the copy reached its time limit, with their seconds. */
  readonly hung: readonly { readonly id: string; readonly seconds: number }[];
}

/** The trials of one copy. Tests that were skipped or interrupted are none. */
export function trialsOf(tests: Iterable<TestResult>, { round, copy, hung }: CopyEnd): Trial[] {
  const trials: Trial[] = [];
  for (const { id, attempts, finished, outcome, seconds, failure, leaked } of tests) {
    if (attempts.length === 0) continue;
    const stuck = hung.find((one) => one.id === id);
    if (stuck !== undefined) {
      const failure = stillRunning(id, stuck.seconds);
      const { seconds } = stuck;
      trials.push({ id, round, copy, outcome: "timeout", seconds, failure, leaked });
    } else if (finished && outcome !== "skipped") {
      trials.push({ id, round, copy, outcome, seconds, failure, leaked });
    }
  }
  return trials;
}

function stillRunning(id: string, seconds: number): Failure {
  const message = `still running when its copy was ended after ${seconds} s`;
  return { id, phase: "call", message, where: null, traceback: "", errors: [] };
}

/** Whether a trial failed. */
export function isRed(trial: Trial): boolean {
  return RED.has(trial.outcome);
}

/** How many trials failed. */
export function triesOf(trials: readonly Trial[]): Tries {
  return { failures: trials.filter(isRed).length, trials: trials.length };
}

/** The results of all trials of a test. */
export interface Stressed extends Tries {
  readonly id: string;
  /** The first that failed. */
  readonly first: Trial | null;
  /** The first lines of failure messages with their counts, the most frequent first. */
  readonly messages: readonly { readonly message: string; readonly times: number }[];
  /** How many trials left processes behind, and the processes of the first one. */
  readonly leaking: number;
  readonly leaked: readonly LeftBehind[];
  /** Seconds. */
  readonly slowest: number;
  readonly median: number | null;
}

/** Groups all trials by test, in the order in which the tests first ran. */
export function stressed(trials: readonly Trial[]): Stressed[] {
  return [...Map.groupBy(trials, (trial) => trial.id)].map(([id, own]) => {
    const red = own.filter(isRed);
    const texts = red.map(({ failure, outcome }) => failure?.message ?? outcome);
    const messages = [...Map.groupBy(texts, (text) => text.split("\n", 1)[0]!)]
      .map(([message, { length }]) => ({ message, times: length }));
    const leaking = own.filter((trial) => trial.leaked.length > 0);
    const seconds = own.map((trial) => trial.seconds);
    return {
      id,
      ...triesOf(own),
      first: red[0] ?? null,
      messages: messages.sort((a, b) => b.times - a.times),
      leaking: leaking.length,
      leaked: leaking[0]?.leaked ?? [],
      slowest: seconds.reduce((most, one) => Math.max(most, one), 0),
      median: median(seconds),
    };
  });
}

/**
 * Whether a test fails more often with others than alone. Null: the intervals of the two rates
 * overlap, so that more rounds are needed.
 */
export function fromContention(together: Tries, alone: Tries): boolean | null {
  const [among, by] = [rateOf(together), rateOf(alone)];
  if (among === null || by === null) return null;
  if (among.low > by.high) return true;
  return among.high < by.low ? false : null;
}
