/** What tests add up to. */
export interface Extent {
  readonly tests: number;
  readonly seconds: number;
}

/**
 * What the tests of some targets add up to, each counted once; null where nothing is on record of
 * any.
 *
 * @param durations seconds of each test, by its id
 * @param targets paths, `tests/ipc/` for a directory, or ids, with or without brackets
 */
export function extentOf(
  durations: ReadonlyMap<string, number>,
  targets: readonly string[],
): Extent | null {
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

/** `12 tests, 3.4 s`; empty for nothing. */
export function extentText(extent: Extent | null): string {
  if (extent === null) return "";
  const { tests, seconds } = extent;
  return `${tests} test${tests === 1 ? "" : "s"}, ${secondsText(seconds)}`;
}

/** Seconds as people read them. */
export function secondsText(seconds: number): string {
  return `${seconds.toFixed(seconds < 10 ? 2 : 1)} s`;
}
