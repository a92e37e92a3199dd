import { median } from "../base/median.ts";

/** A pass of a test: which run, by a number that grows with time, and seconds. */
export interface Pass {
  readonly run: number;
  readonly seconds: number;
}

/**
 * A test that takes longer than it did. Seconds are medians, with the pace of their runs taken out.
 */
export interface Regression {
  readonly id: string;
  readonly before: number;
  readonly now: number;
  /** How many passes each of them is the median of. */
  readonly passes: readonly [before: number, now: number];
  /** The probability of a difference like this, or a greater one, if nothing had changed. */
  readonly p: number;
}

/** What {@linkcode findRegressions} found. */
export interface Regressions {
  readonly regressed: readonly Regression[];
  /** Tests with enough passes to be compared, and tests with too few. */
  readonly compared: number;
  readonly tooFew: number;
}

/** Passes that are compared: the latest against those before them. */
const PASSES = { now: { least: 5, most: 10 }, before: { least: 5, most: 30 } } as const;
/** How many passes of a test {@linkcode findRegressions} looks at. */
export const COMPARED_PASSES: number = PASSES.now.most + PASSES.before.most;
/** What is less than this is of no use to know: a factor, and seconds. */
const WORTH = { factor: 1.2, seconds: 0.05 } as const;
/**
 * Of the regressions that are reported this share is false at most, on average, however many tests
 * are compared.
 */
const FALSE_SHARE = 0.05;
/**
 * Tests of a run, each of at least so many seconds, from which the pace of the machine can be told.
 */
const PACE = { tests: 20, seconds: 0.01 } as const;

/**
 * Tests that take longer than they did. A run in which most tests took longer tells of the machine:
 * its pace is taken out. What is left is compared by rank (Mann and Whitney 1947), which a few
 * outliers don't move, and judged with regard to the number of tests that are compared (Benjamini
 * and Hochberg 1995).
 *
 * @param passes of each test, the newest first
 */
export function findRegressions(passes: ReadonlyMap<string, readonly Pass[]>): Regressions {
  const pace = paceOfRuns(passes);
  const compared: Regression[] = [];
  for (const [id, all] of passes) {
    const seconds = all.map((pass) => pass.seconds / (pace.get(pass.run) ?? 1));
    const newest = Math.min(
      PASSES.now.most,
      Math.max(PASSES.now.least, Math.floor(seconds.length / 3)),
    );
    const [now, before] = [
      seconds.slice(0, newest),
      seconds.slice(newest, newest + PASSES.before.most),
    ];
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

/**
 * How much longer than usual the tests of each run took, by the median; runs of few tests are left
 * out.
 */
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
  return new Map(
    [...ratios].filter(([, ofRun]) => ofRun.length >= PACE.tests).map((
      [run, ofRun],
    ) => [run, median(ofRun)!]),
  );
}

/**
 * The one-sided p value of Mann and Whitney's U, exactly: how likely the first numbers are to rank
 * this high among all by chance.
 */
export function probabilityOfLonger(first: readonly number[], second: readonly number[]): number {
  // A tie counts half, and half a step down: in doubt there is no difference.
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
  // ways[k][u]: k ranks are chosen among those so far; choosing one adds how many were passed over
  // below it.
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
