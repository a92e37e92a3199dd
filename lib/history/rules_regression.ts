import { median } from "../base/median.ts";

/** A pass of a test: its run, by a number that grows with time, and its seconds. */
export interface Pass {
  readonly run: number;
  readonly seconds: number;
}

/** A test that became slower. Seconds are medians, corrected for the pace of their runs. */
export interface Regression {
  readonly id: string;
  readonly before: number;
  readonly now: number;
  /** The number of passes behind each median. */
  readonly passes: readonly [before: number, now: number];
  /** The probability of such a difference, or a greater one, if nothing had changed. */
  readonly p: number;
}

/** The result of {@linkcode findRegressions}. */
export interface Regressions {
  readonly regressed: readonly Regression[];
  /** Tests with enough passes to be compared, and tests with too few. */
  readonly compared: number;
  readonly tooFew: number;
}

/** Passes that are compared: the latest against those before them. */
const PASSES = { now: { least: 5, most: 10 }, before: { least: 5, most: 30 } } as const;
/** Passes of a test that {@linkcode findRegressions} uses, at most. */
export const COMPARED_PASSES: number = PASSES.now.most + PASSES.before.most;
/** The least difference to report: a factor, and seconds. */
const WORTH = { factor: 1.2, seconds: 0.05 } as const;
/** The share of false reports, on average, at most, however many tests are compared. */
const FALSE_SHARE = 0.05;
/** The tests, each of at least so many seconds, that it takes to know the pace of a run. */
const PACE = { tests: 20, seconds: 0.01 } as const;

/**
 * Finds tests that became slower. A run in which most tests took longer says that the machine was
 * slow, so its pace is divided out. The rest is compared by rank (Mann and Whitney 1947), which
 * resists outliers, and corrected for the number of tests (Benjamini and Hochberg 1995).
 *
 * @param passes of each test, the newest first
 */
export function findRegressions(passes: ReadonlyMap<string, readonly Pass[]>): Regressions {
  const pace = paceOfRuns(passes);
  const compared: Regression[] = [];
  for (const [id, all] of passes) {
    const seconds = all.map((pass) => pass.seconds / (pace.get(pass.run) ?? 1));
    const third = Math.floor(seconds.length / 3);
    const newest = Math.min(PASSES.now.most, Math.max(PASSES.now.least, third));
    const now = seconds.slice(0, newest);
    const before = seconds.slice(newest, newest + PASSES.before.most);
    if (before.length < PASSES.before.least) continue;
    compared.push({
      id,
      before: median(before)!,
      now: median(now)!,
      passes: [before.length, now.length],
      p: probabilityOfLonger(now, before),
    });
  }
  compared.sort((a, b) => a.p - b.p);
  const significant =
    compared.findLastIndex(({ p }, index) => p <= (index + 1) / compared.length * FALSE_SHARE) + 1;
  const regressed = compared.slice(0, significant)
    .filter(({ before, now }) => now >= before * WORTH.factor && now - before >= WORTH.seconds)
    .sort((a, b) => (b.now - b.before) - (a.now - a.before));
  return { regressed, compared: compared.length, tooFew: passes.size - compared.length };
}

/** How much longer than usual the tests of large runs took, by the median. */
function paceOfRuns(passes: ReadonlyMap<string, readonly Pass[]>): Map<number, number> {
  const ratios = new Map<number, number[]>();
  for (const all of passes.values()) {
    const usual = median(all.map((pass) => pass.seconds)) ?? 0;
    if (usual < PACE.seconds) continue;
    for (const { run, seconds } of all) {
      const ofRun = ratios.get(run);
      if (ofRun) ofRun.push(seconds / usual);
      else ratios.set(run, [seconds / usual]);
    }
  }
  const known = [...ratios].filter(([, ofRun]) => ofRun.length >= PACE.tests);
  return new Map(known.map(([run, ofRun]) => [run, median(ofRun)!]));
}

/** The exact one-sided p value of Mann and Whitney's U, small if the first numbers are greater. */
export function probabilityOfLonger(first: readonly number[], second: readonly number[]): number {
  // A tie counts half. Rounding down below makes the difference smaller in doubt.
  let u = 0;
  for (const a of first) for (const b of second) u += a > b ? 1 : a === b ? 0.5 : 0;
  const ways = waysOf(first.length, second.length);
  let atLeast = 0;
  let all = 0;
  for (const [value, count] of ways.entries()) {
    all += count;
    if (value >= Math.floor(u)) atLeast += count;
  }
  return atLeast / all;
}

const cache = new Map<string, readonly number[]>();

/** In how many ways `n` of `n + m` ranks give each U, from 0 to `n * m`. */
function waysOf(n: number, m: number): readonly number[] {
  const key = `${n} ${m}`;
  const known = cache.get(key);
  if (known) return known;
  // ways[k][u]: k ranks are chosen among those so far; choosing one adds the ranks below it that
  // were not chosen.
  const ways = Array.from({ length: n + 1 }, () => new Array<number>(n * m + 1).fill(0));
  ways[0]![0] = 1;
  for (let rank = 0; rank < n + m; rank++) {
    for (let k = Math.min(n, rank + 1); k > 0; k--) {
      const below = rank - (k - 1);
      for (let u = n * m; u >= below; u--) ways[k]![u]! += ways[k - 1]![u - below]!;
    }
  }
  cache.set(key, ways[n]!);
  return ways[n]!;
}
