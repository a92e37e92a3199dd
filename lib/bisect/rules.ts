import type { PytestEvent } from "../pytest/events.ts";
import { type Outcome, RED } from "../pytest/results.ts";
import type { Cut } from "../pytest/verdict.ts";
import type { Failure } from "../pytest/failure.ts";
import type { RunModel } from "../pytest/run_model.ts";
import { fileOf } from "../pytest/lastfailed.ts";
import { isWithin } from "../project/rules_targets.ts";

/**
 * What an earlier test makes a later one do: fail, not end within its limit, leave processes
 * behind.
 */
export type Symptom = "fail" | "hang" | "leak";

/** Each symptom as what a test does. */
export const WORDS: Readonly<Record<Symptom, string>> = {
  fail: "fails",
  hang: "hangs",
  leak: "leaks",
};

/** What is wrong with one run of a test; nothing when it is well. */
export function symptomsOf(
  { outcome, leaked }: { readonly outcome: Outcome; readonly leaked: readonly unknown[] },
): Symptom[] {
  return [
    ...(outcome === "timeout" ? ["hang" as const] : RED.has(outcome) ? ["fail" as const] : []),
    ...(leaked.length > 0 ? ["leak" as const] : []),
  ];
}

/** What a recorded run says about a test that went wrong in it. */
export interface Recorded {
  readonly symptom: Symptom;
  /** The tests that ran before it in the same process, in their order. */
  readonly before: readonly string[];
  /**
   * Seconds that the longest of them took, and the limit at which the test was ended; null when it
   * was not.
   */
  readonly longest: number;
  readonly limit: number | null;
}

/**
 * What a recorded run says about a test, if it went wrong in it; null if it did not. What ran
 * before it is what ran in the same pytest.
 *
 * @param wanted only this symptom; null for any
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

/**
 * Says whether the symptom shows when only these run before the test; places in the order of all.
 */
export type Reproduces = (places: readonly number[]) => Promise<boolean>;

/**
 * Steps that the search for one culprit among so many takes at most; each further culprit takes
 * about as many again.
 */
export function stepsFor(count: number): number {
  return count <= 1 ? 0 : Math.ceil(Math.log2(count)) + 1;
}

/**
 * Finds a smallest set that brings the symptom about: none of it can be left out. All together are
 * known to, nothing is known not to.
 *
 * It halves for the shortest beginning that is enough: the last of that is a culprit. Kept, it
 * shortens what has to be searched for the next one. So k culprits among n take about k·(log2 n +
 * 1) steps, one alone log2 n + 1.
 *
 * @param reproduces is asked once for each set; kept in the order of all
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
  // The first `enough` with what is kept are known to bring it about.
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
  // One that was needed beside others may not be needed beside all that is kept.
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
 * The id of the collected test that a word names: itself, or the only one with parameters that has
 * this name.
 *
 * @returns all that it may mean when that is not one
 */
export function testNamed(word: string, ids: readonly string[]): string | readonly string[] {
  if (ids.includes(word)) return word;
  const near = ids.filter((id) => id.startsWith(`${word}[`));
  return near.length === 1 ? near[0]! : near;
}

/**
 * Targets that also collect a test: pytest drops the rest of a directory that is named beside
 * something in it, so that nothing is named twice.
 */
export function including(targets: readonly string[], test: string): string[] {
  const file = fileOf(test);
  const covers = (target: string) =>
    target === test || target === file ||
    (target.endsWith("/") && isWithin(file, target.slice(0, -1)));
  if (targets.some(covers)) return [...targets];
  return [...targets, targets.some((target) => fileOf(target) === file) ? test : file];
}

/** What it came to. */
export type BisectionVerdict =
  /** These tests do it. */
  | "polluter"
  /** The import of these files does it, whatever of them runs. */
  | "import"
  /** The test alone shows it. */
  | "by-itself"
  /** It did not show after all that ran before it. */
  | "not-reproduced"
  /** It shows sometimes: what was found does not hold. */
  | "not-deterministic"
  | "interrupted";

/** How often something was run and the symptom showed. */
export interface Shown {
  readonly runs: number;
  readonly shown: number;
}

/** What a bisection found. */
export interface Bisected {
  readonly test: string;
  readonly verdict: BisectionVerdict;
  /** Null as long as none has shown. */
  readonly symptom: Symptom | null;
  /**
   * The tests, or for `import` the files, that bring it about, in their order; when it is not over,
   * those that are left.
   */
  readonly culprits: readonly string[];
  /** The search's last word is verified by fresh runs with the culprits, and without. */
  readonly with: Shown;
  readonly without: Shown;
  readonly scope: string | null;
  /** How many tests ran before it there. */
  readonly before: number;
  /** How many pytests it took. */
  readonly steps: number;
  readonly failure: Failure | null;
  readonly cut: Cut | null;
  /** What kept steps from saying anything, a sentence each. */
  readonly notes: readonly string[];
}

/** A step as it is shown. */
export interface StepShown {
  readonly number: number;
  /** How many there will be, as far as that can be told; null before. */
  readonly of: number | null;
  /** `alone`, `after 33 of 66`. */
  readonly what: string;
  /** `passes`, `fails`, `hangs`, `leaks`, or why nothing is known. */
  readonly came: string;
  readonly seconds: number;
}
