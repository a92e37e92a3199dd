import type { PytestEvent } from "../pytest/events.ts";
import { type Outcome, RED } from "../pytest/results.ts";
import type { Cut } from "../pytest/run_exit_code.ts";
import type { Failure } from "../pytest/failure.ts";
import type { RunModel } from "../pytest/run_model.ts";
import { fileOf } from "../pytest/lastfailed.ts";
import { isWithin } from "../project/rules_targets.ts";

/** What an earlier test makes a later one do: fail, exceed its time limit, leave processes. */
export type Symptom = "fail" | "hang" | "leak";

/** Each symptom as a verb. */
export const WORDS: Readonly<Record<Symptom, string>> = {
  fail: "fails",
  hang: "hangs",
  leak: "leaks",
};

/** The symptoms of one attempt of a test. */
export function symptomsOf(
  { outcome, leaked }: { readonly outcome: Outcome; readonly leaked: readonly unknown[] },
): Symptom[] {
  return [
    ...(outcome === "timeout" ? ["hang" as const] : RED.has(outcome) ? ["fail" as const] : []),
    ...(leaked.length > 0 ? ["leak" as const] : []),
  ];
}

/** A recorded run in which a test went wrong. */
export interface Recorded {
  readonly symptom: Symptom;
  /** The tests that ran before it in the same pytest, in order. */
  readonly before: readonly string[];
  /** Duration of the longest of them, seconds. */
  readonly longest: number;
  /** The limit at which the test was ended, seconds; null if it was not. */
  readonly limit: number | null;
}

/**
 * Reads from a recorded run how a test went wrong; null if it did not.
 *
 * @param wanted the only symptom of interest; null: any
 */
export function recordedIn(
  events: readonly PytestEvent[],
  results: RunModel,
  test: string,
  wanted: Symptom | null,
): Recorded | null {
  const result = results.tests.get(test);
  const attempt = result?.attempts.find((one) => RED.has(one.outcome)) ?? result?.attempts[0];
  if (!result || !attempt) return null;
  const symptom = symptomsOf({ outcome: attempt.outcome, leaked: result.leaked }).find((one) =>
    wanted === null || one === wanted
  );
  if (symptom === undefined) return null;
  const before: string[] = [];
  for (const event of events) {
    if (event.event !== "test-start" || (event.session ?? "") !== attempt.session) continue;
    if (event.id !== test) before.push(event.id);
    else if (event.time >= attempt.began) break;
  }
  const limit =
    events.flatMap((event) =>
      event.event === "timeout" && event.id === test ? [event.limit] : []
    )[0] ?? null;
  const seconds = before.map((id) => results.tests.get(id)?.seconds ?? 0);
  return { symptom, before: [...new Set(before)], longest: Math.max(0, ...seconds), limit };
}

/** Whether the symptom shows after only these tests, given by their ascending places. */
export type Reproduces = (places: readonly number[]) => Promise<boolean>;

/** The most steps of a search for one culprit; each further culprit takes about as many. */
export function stepsFor(count: number): number {
  return count <= 1 ? 0 : Math.ceil(Math.log2(count)) + 1;
}

/**
 * Finds a minimal set that reproduces the symptom: no member can be left out. All tests together
 * reproduce it, none do not.
 *
 * Bisects for the shortest beginning of the list that reproduces it: its last test is a culprit,
 * which is kept while the search continues in the shorter list. So k culprits among n take about
 * k·(log2 n + 1) steps.
 *
 * @param reproduces called once for each set
 */
export async function findCulprits(count: number, reproduces: Reproduces): Promise<number[]> {
  const known = new Map<string, boolean>([["", false], [range(count).join(), true]]);
  const test = async (places: readonly number[]): Promise<boolean> => {
    const key = places.join();
    const before = known.get(key);
    if (before !== undefined) return before;
    const answer = await reproduces(places);
    known.set(key, answer);
    return answer;
  };

  let kept: number[] = [];
  // The first `enough` tests and those kept reproduce the symptom.
  let enough = count;
  while (!await test(kept)) {
    let few = 0;
    while (enough - few > 1) {
      const middle = (few + enough) >> 1;
      if (await test([...range(middle), ...kept])) enough = middle;
      else few = middle;
    }
    enough--;
    kept = [enough, ...kept];
  }
  // A test that was needed at first may not be needed with all that are kept.
  for (let index = 0; index < kept.length && kept.length > 1;) {
    const without = kept.filter((_, other) => other !== index);
    if (await test(without)) {
      kept = without;
      index = 0;
    } else index++;
  }
  return kept;
}

function range(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index);
}

/**
 * The id of the collected test that a word names, with or without its parameters.
 *
 * @returns all candidates if there is not exactly one
 */
export function testNamed(word: string, ids: readonly string[]): string | readonly string[] {
  if (ids.includes(word)) return word;
  const near = ids.filter((id) => id.startsWith(`${word}[`));
  return near.length === 1 ? near[0]! : near;
}

/**
 * Adds a test to targets unless they include it: given a directory and a file in it, pytest
 * ignores the rest of the directory.
 */
export function including(targets: readonly string[], test: string): string[] {
  const file = fileOf(test);
  const covers = (target: string) =>
    target === test || target === file ||
    (target.endsWith("/") && isWithin(file, target.slice(0, -1)));
  if (targets.some(covers)) return [...targets];
  return [...targets, targets.some((target) => fileOf(target) === file) ? test : file];
}

/** The result of a bisection. */
export type BisectionVerdict =
  /** These tests cause the symptom. */
  | "polluter"
  /** Importing these files causes it, whichever of their tests run. */
  | "import"
  /** The test shows it alone. */
  | "by-itself"
  /** It did not show after all tests before it. */
  | "not-reproduced"
  /** It shows only sometimes: the culprits are not certain. */
  | "not-deterministic"
  | "interrupted";

/** How often a step ran, and how often the symptom showed. */
export interface Shown {
  readonly runs: number;
  readonly shown: number;
}

/** What a bisection found. */
export interface Bisected {
  readonly test: string;
  readonly verdict: BisectionVerdict;
  /** Null: none has shown. */
  readonly symptom: Symptom | null;
  /** The tests that cause it, in order; for `import` files; if interrupted, the suspects. */
  readonly culprits: readonly string[];
  /** The runs that verified the culprits: with them, and without. */
  readonly with: Shown;
  readonly without: Shown;
  readonly scope: string | null;
  /** How many tests ran before it in that scope. */
  readonly before: number;
  /** How many pytests ran. */
  readonly steps: number;
  readonly failure: Failure | null;
  readonly cut: Cut | null;
  /** Why steps had no result, a sentence each. */
  readonly notes: readonly string[];
}

/** A step as shown. */
export interface StepShown {
  readonly number: number;
  /** The predicted number of steps; null: unknown. */
  readonly of: number | null;
  /** `alone`, `after 33 of 66`. */
  readonly what: string;
  /** `passes`, `fails`, `hangs`, `leaks`, or why there is no result. */
  readonly came: string;
  readonly seconds: number;
}
