import { DisjointSets } from "../base/disjoint_sets.ts";
import type { Block, Group, Item } from "../pytest/work.ts";
import type { Expected } from "./schedule.ts";

/** What is known of collected tests. */
export interface BlockParts {
  /** The tests in the order in which pytest runs them. */
  readonly items: readonly Item[];
  readonly expected: Expected;
  /** How many sessions share the tests. */
  readonly jobs: number;
  /** Whether the longest block comes first; else the order of the groups decides. */
  readonly byLength: boolean;
  /** Moves the groups that run first to the front; null: none do. */
  readonly arrange: ((groups: readonly Group[]) => readonly Group[]) | null;
}

/** Parts that each session gets of tests with pytest's order, as with pytest-xdist. */
const PARTS_EACH = 4;

/**
 * Joins groups that share fixtures of the session, in pytest's order. Those of a fixture with
 * parameters come first, in parts: each session goes through the parameters in pytest's order, and
 * begins near the first, since what tests leave in other fixtures may depend on that.
 */
export function blocksOf(
  groups: readonly Group[],
  { items, expected, jobs, byLength, arrange }: BlockParts,
): Block[] {
  const known = new Map(items.map((item, place) => [item.id, { place, uses: item.uses ?? [] }]));
  const usedBy = (group: Group) => [
    ...new Set(group.flatMap((id) => known.get(id)?.uses ?? [])),
  ];
  const placeOf = (group: Group) => known.get(group[0]!)?.place ?? Infinity;
  const sets = new DisjointSets<Group>();
  const first = new Map<number, Group>();
  for (const group of groups) {
    for (const use of usedBy(group)) {
      if (first.has(use)) sets.join(first.get(use)!, group);
      else first.set(use, group);
    }
  }
  const joined = Map.groupBy(groups, (group) => sets.leaderOf(group));
  const blocks = [...joined.values()].map((members) => {
    const sorted = members.toSorted((a, b) => compare(placeOf(a), placeOf(b)));
    return blockOf(arrange?.(sorted) ?? sorted, usedBy, expected);
  });
  const sorted = byLength ? blocks.toSorted((a, b) => sum(b.ms) - sum(a.ms)) : blocks;
  const isSeries = ({ groups }: Block) => groups.some((group) => usedBy(group).some(isNegative));
  const most = groups.flat().length / jobs / PARTS_EACH;
  const parts = (block: Block) => isSeries(block) ? partsOf(block, most) : [block];
  if (!byLength) return sorted.flatMap(parts);
  return [...sorted.filter(isSeries).flatMap(parts), ...sorted.filter((one) => !isSeries(one))];
}

function isNegative(use: number): boolean {
  return use < 0;
}

/**
 * Cuts a block into parts of at most so many tests, as pytest-xdist counts them, where that costs
 * the fewest fixtures.
 */
function partsOf({ groups, ms, cuts }: Block, most: number): Block[] {
  const parts: Block[] = [];
  for (let start = 0; start < groups.length;) {
    let [end, best, total] = [start + 1, Infinity, groups[start]!.length];
    for (let index = start + 1; index <= groups.length; index++) {
      const cut = cuts[index] ?? 0;
      if (cut <= best && (total >= most / 2 || index === groups.length)) [end, best] = [index, cut];
      total += groups[index]?.length ?? 0;
      if (total > most) break;
    }
    const of = <T>(list: readonly T[]) => list.slice(start, end);
    parts.push({ groups: of(groups), ms: of(ms), cuts: of(cuts) });
    start = end;
  }
  return parts;
}

function compare(one: number, other: number): number {
  return one === other ? 0 : one - other;
}

function blockOf(
  groups: readonly Group[],
  usedBy: (group: Group) => readonly number[],
  expected: Expected,
): Block {
  const spans = new Map<number, { readonly first: number; last: number }>();
  for (const [index, group] of groups.length === 1 ? [] : groups.entries()) {
    for (const use of usedBy(group).filter((one) => !isNegative(one))) {
      const span = spans.get(use);
      if (span === undefined) spans.set(use, { first: index, last: index });
      else span.last = index;
    }
  }
  const cuts = groups.map(() => 0);
  for (const { first, last } of spans.values()) {
    for (let index = first + 1; index <= last; index++) cuts[index]!++;
  }
  return { groups, ms: groups.map((group) => sum(group.map(expected))), cuts };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

/** A block of one group. */
export function singleBlock(group: Group): Block {
  return { groups: [group], ms: [group.length], cuts: [0] };
}
