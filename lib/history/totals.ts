import { plural } from "../base/plural.ts";
import { secondsText } from "../base/durations.ts";

/** How many tests there are, and how long they take together. */
export interface Totals {
  readonly tests: number;
  readonly seconds: number;
}

/**
 * The totals of the tests in some targets, each counted once; null if none of them is on record.
 *
 * @param durations seconds of each test, by its id
 * @param targets paths, `tests/ipc/` for a directory, or ids, with or without brackets
 */
export function totalsOf(
  durations: ReadonlyMap<string, number>,
  targets: readonly string[],
): Totals | null {
  let [tests, seconds] = [0, 0];
  for (const [id, took] of durations) {
    if (!targets.some((target) => isIn(id, target))) continue;
    tests++;
    seconds += took;
  }
  return tests === 0 ? null : { tests, seconds: Math.round(seconds * 1000) / 1000 };
}

function isIn(id: string, target: string): boolean {
  if (target.endsWith("/")) return target === "./" || id.startsWith(target);
  return id === target || id.startsWith(`${target}::`) ||
    (target.includes("::") && id.startsWith(`${target}[`));
}

/** `12 tests, 3.4 s`; empty for null. */
export function totalsText(totals: Totals | null): string {
  if (totals === null) return "";
  const { tests, seconds } = totals;
  return `${plural(tests, "test")}, ${secondsText(seconds)}`;
}
