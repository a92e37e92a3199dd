import type { KnownSeconds } from "../history/durations_file.ts";
import { median } from "../base/median.ts";
import type { Group } from "../pytest/work.ts";

/**
 * Milliseconds that a test is expected to take: a whole number, so that sums don't depend on their
 * order.
 */
export type Expected = (id: string) => number;

/** Milliseconds that every test costs, however little it does. */
const LEAST_MS = 1;
/** Milliseconds of a test where nothing at all is on record. */
const UNKNOWN_MS = 100;

/**
 * What tests are expected to take: what is on record, else the median of their file, else the
 * median of all.
 */
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

/**
 * The share of tests of which something has to be known for a prediction to mean something: the
 * others are taken for ordinary ones.
 */
export const LEAST_KNOWN = 0.5;

/** The share of these tests of which something is on record; 0 where there are none. */
export function knownShare(ids: readonly string[], known: KnownSeconds): number {
  return ids.length === 0 ? 0 : ids.filter((id) => known(id) !== undefined).length / ids.length;
}

/**
 * The groups in the order in which sessions that share them take them: the longest first, those
 * alike as they were collected.
 */
export function longestFirst(groups: readonly Group[], expected: Expected): Group[] {
  return weigh(groups, expected).sort((a, b) => b.ms - a.ms).map(({ group }) => group);
}

/**
 * Cuts the groups into shards that take about as long: each group, the longest first, goes to the
 * shard that has least so far. Every group is in exactly one of them, and which one depends on
 * nothing but the ids and what they are expected to take. Within a shard they stay in the order in
 * which they were given.
 */
export function partition(groups: readonly Group[], count: number, expected: Expected): Group[][] {
  const weighed = weigh(groups, expected).map(({ group, ms }) => ({
    group,
    ms,
    name: leastOf(group),
  }));
  const loads = new Loads(count);
  const shardOf = new Map<Group, number>();
  for (const { group, ms } of weighed.toSorted((a, b) => b.ms - a.ms || compare(a.name, b.name))) {
    shardOf.set(group, loads.take(ms));
  }
  const shards: Group[][] = Array.from({ length: count }, () => []);
  for (const group of groups) shards[shardOf.get(group)!]!.push(group);
  return shards;
}

/**
 * Milliseconds until sessions that take these groups in this order, each when it is idle, have run
 * all of them.
 */
export function predict(groups: readonly Group[], jobs: number, expected: Expected): number {
  const loads = new Loads(jobs);
  for (const { ms } of weigh(groups, expected)) loads.take(ms);
  return loads.longest;
}

/** Milliseconds that no schedule stays below: an even share of all, or the longest group. */
export function lowerBound(groups: readonly Group[], jobs: number, expected: Expected): number {
  let [total, longest] = [0, 0];
  for (const { ms } of weigh(groups, expected)) {
    total += ms;
    longest = Math.max(longest, ms);
  }
  return Math.max(total / jobs, longest);
}

/**
 * What names a way of cutting: equal texts mean that machines with the same count have cut alike.
 */
export function cutText(groups: readonly Group[], count: number, expected: Expected): string {
  const rows = groups.map((group) =>
    group.map((id) => `${id}\t${expected(id)}`).toSorted(compare).join("\n")
  );
  return `${count}\n${rows.toSorted(compare).join("\n\n")}`;
}

/** How much each of several has to do; the one with least comes next, of those alike the first. */
class Loads {
  readonly #loads: number[];

  constructor(count: number) {
    this.#loads = Array.from({ length: count }, () => 0);
  }

  take(ms: number): number {
    let least = 0;
    for (let index = 1; index < this.#loads.length; index++) {
      if (this.#loads[index]! < this.#loads[least]!) least = index;
    }
    this.#loads[least]! += ms;
    return least;
  }

  get longest(): number {
    return this.#loads.reduce((longest, load) => Math.max(longest, load), 0);
  }
}

function weigh(groups: readonly Group[], expected: Expected): { group: Group; ms: number }[] {
  return groups.map((group) => ({ group, ms: group.reduce((sum, id) => sum + expected(id), 0) }));
}

function leastOf(group: Group): string {
  return group.reduce((least, id) => compare(id, least) < 0 ? id : least, group[0] ?? "");
}

/** By code units: the same on every machine, whatever its language. */
function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function fileOf(id: string): string {
  return id.split("::", 1)[0]!;
}
