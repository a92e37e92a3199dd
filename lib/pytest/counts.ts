/** How many tests ended in which way, by pytest's words. */
export interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  readonly errors: number;
  readonly xfailed: number;
  readonly xpassed: number;
  readonly subtestsPassed: number;
  /** Tests that were to run and have no result. */
  readonly notRun: number;
}

/** What pytest's words count as. */
const COUNTED: ReadonlyMap<string, keyof Counts> = new Map([
  ["passed", "passed"],
  ["failed", "failed"],
  ["skipped", "skipped"],
  ["error", "errors"],
  ["xfailed", "xfailed"],
  ["xpassed", "xpassed"],
  ["subtests passed", "subtestsPassed"],
]);

/** Counts the words of pytest's summary; unknown words are ignored. */
export class Counter {
  readonly #counts: { -readonly [Key in keyof Counts]: number } = {
    passed: 0,
    failed: 0,
    skipped: 0,
    errors: 0,
    xfailed: 0,
    xpassed: 0,
    subtestsPassed: 0,
    notRun: 0,
  };

  /** Counts some words instead of others. */
  replace(before: readonly string[], words: readonly string[]): void {
    for (const word of before) this.#add(word, -1);
    for (const word of words) this.#add(word, 1);
  }

  /** The counts so far, with so many tests that did not run. */
  counts(notRun: number): Counts {
    return { ...this.#counts, notRun };
  }

  #add(word: string, times: number): void {
    const key = COUNTED.get(word);
    if (key !== undefined) this.#counts[key] += times;
  }
}

/** What else a line of counts may name. */
export interface OtherCounts {
  readonly deselected?: number;
  readonly warnings?: number;
  readonly listed?: readonly string[];
}

/** The counts on one line, in pytest's words and order: `1 failed, 12 passed, 2 skipped`. */
export function countsLine(
  counts: Counts,
  { deselected = 0, warnings = 0, listed = [] }: OtherCounts = {},
): string {
  const { failed, passed, skipped, xfailed, xpassed, errors, subtestsPassed, notRun } = counts;
  const words: string[] = [];
  const say = (count: number, word: string) => count > 0 && words.push(`${count} ${word}`);
  say(listed.length, listed.length === 1 ? "test collected" : "tests collected");
  say(failed, "failed");
  say(passed, "passed");
  say(skipped, "skipped");
  say(deselected, "deselected");
  say(xfailed, "xfailed");
  say(xpassed, "xpassed");
  say(warnings, warnings === 1 ? "warning" : "warnings");
  say(errors, errors === 1 ? "error" : "errors");
  say(subtestsPassed, "subtests passed");
  say(notRun, "not run");
  return words.length > 0 ? words.join(", ") : "no tests ran";
}
