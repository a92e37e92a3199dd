import { DisjointSets } from "../base/disjoint_sets.ts";
import type { Block, Group, Item } from "../pytest/work.ts";
import type { Expected } from "./schedule.ts";

/** What is known of collected tests. */
export interface BlockParts {
  /** The tests in the order in which pytest runs them. */
  readonly items: readonly Item[];
  readonly expected: Expected;
  /** Whether the longest block comes first; else the order of the groups decides. */
  readonly byLength: boolean;
  /** Moves the groups that run first to the front; null: none do. */
  readonly arrange: ((groups: readonly Group[]) => readonly Group[]) | null;
}

/**
 * Joins groups that share fixtures of the session. In a block they have pytest's order: with it a
 * fixture is made once for each of its parameters.
 */
export function blocksOf(
  groups: readonly Group[],
  { items, expected, byLength, arrange }: BlockParts,
): Block[] {
  const known = new Map(items.map((item, place) => [item.id, { place, uses: item.uses ?? [] }]));
  const usedBy = (group: Group) => new Set(group.flatMap((id) => known.get(id)?.uses ?? []));
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
  return byLength ? blocks.toSorted((a, b) => sum(b.ms) - sum(a.ms)) : blocks;
}

function compare(one: number, other: number): number {
  return one === other ? 0 : one - other;
}

function blockOf(
  groups: readonly Group[],
  usedBy: (group: Group) => ReadonlySet<number>,
  expected: Expected,
): Block {
  const spans = new Map<number, { readonly first: number; last: number }>();
  for (const [index, group] of groups.length === 1 ? [] : groups.entries()) {
    for (const use of usedBy(group)) {
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
