import { fileOf } from "../pytest/lastfailed.ts";
import { compareTexts } from "../base/compare.ts";
import type { KnownSeconds } from "../history/durations_file.ts";
import { median } from "../base/median.ts";
import type { Group } from "../pytest/work.ts";

/** Expected milliseconds of a test, a whole number: sums must not depend on their order. */
export type Expected = (id: string) => number;

/** The least milliseconds that a test takes. */
const LEAST_MS = 1;
/** Milliseconds of a test if no durations are known. */
const UNKNOWN_MS = 100;

/** Predicts each test's duration: its own, else the median of its file, else of all tests. */
export function expectation(ids: Iterable<string>, known: KnownSeconds): Expected {
  const all: number[] = [];
  const byFile = new Map<string, number[]>();
  for (const id of ids) {
    const seconds = known(id);
    if (seconds === undefined) continue;
    all.push(seconds);
    const file = fileOf(id);
    const ofFile = byFile.get(file);
    if (ofFile) ofFile.push(seconds);
    else byFile.set(file, [seconds]);
  }
  const ofFile = new Map([...byFile].map(([file, seconds]) => [file, median(seconds)!]));
  const ofAll = median(all) ?? UNKNOWN_MS / 1000;
  return (id) =>
    Math.max(LEAST_MS, Math.round((known(id) ?? ofFile.get(fileOf(id)) ?? ofAll) * 1000));
}

/** The share of tests with known durations that a prediction needs. */
export const LEAST_KNOWN = 0.5;

/** The share of these tests with known durations; 0 without tests. */
export function knownShare(ids: readonly string[], known: KnownSeconds): number {
  return ids.length === 0 ? 0 : ids.filter((id) => known(id) !== undefined).length / ids.length;
}

/** Sorts the groups for several sessions, the longest first; equal ones keep their order. */
export function longestFirst(groups: readonly Group[], expected: Expected): Group[] {
  return weigh(groups, expected).sort((a, b) => b.ms - a.ms).map(({ group }) => group);
}

/**
 * Cuts the groups into shards of about equal duration: each group, the longest first, goes to the
 * shortest shard so far. The cut depends only on the ids and their expected durations, so that all
 * machines agree on it. A shard keeps the given order.
 */
export function partition(groups: readonly Group[], count: number, expected: Expected): Group[][] {
  const weighed = weigh(groups, expected).map((one) => ({ ...one, name: leastOf(one.group) }));
  const loads = new Loads(count);
  const shardOf = new Map<Group, number>();
  for (
    const { group, ms } of weighed.toSorted((a, b) => b.ms - a.ms || compareTexts(a.name, b.name))
  ) {
    shardOf.set(group, loads.take(ms));
  }
  const shards: Group[][] = Array.from({ length: count }, () => []);
  for (const group of groups) shards[shardOf.get(group)!]!.push(group);
  return shards;
}

/** Milliseconds that `jobs` sessions need for these groups, each taking the next when idle. */
export function predict(groups: readonly Group[], jobs: number, expected: Expected): number {
  const loads = new Loads(jobs);
  for (const { ms } of weigh(groups, expected)) loads.take(ms);
  return loads.longest;
}

/** The least milliseconds of any schedule: an even share, or the longest group. */
export function lowerBound(groups: readonly Group[], jobs: number, expected: Expected): number {
  let [total, longest] = [0, 0];
  for (const { ms } of weigh(groups, expected)) {
    total += ms;
    longest = Math.max(longest, ms);
  }
  return Math.max(total / jobs, longest);
}

/** Identifies a cut: machines with equal texts have cut the suite alike. */
export function cutText(groups: readonly Group[], count: number, expected: Expected): string {
  const rows = groups.map((group) =>
    group.map((id) => `${id}\t${expected(id)}`).toSorted(compareTexts).join("\n")
  );
  return `${count}\n${rows.toSorted(compareTexts).join("\n\n")}`;
}

/** The load of each session or shard. */
class Loads {
  readonly #loads: number[];

  constructor(count: number) {
    this.#loads = Array.from({ length: count }, () => 0);
  }

  /** Adds to the smallest load, the first of equals, and returns its index. */
  take(ms: number): number {
    const least = this.#loads.indexOf(Math.min(...this.#loads));
    this.#loads[least]! += ms;
    return least;
  }

  get longest(): number {
    return Math.max(0, ...this.#loads);
  }
}

function weigh(groups: readonly Group[], expected: Expected): { group: Group; ms: number }[] {
  return groups.map((group) => ({ group, ms: group.reduce((sum, id) => sum + expected(id), 0) }));
}

function leastOf(group: Group): string {
  return group.reduce((least, id) => compareTexts(id, least) < 0 ? id : least, group[0] ?? "");
}
