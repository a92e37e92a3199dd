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
  /** Whether the tests come in pytest's order; else the order of the groups decides. */
  readonly asCollected: boolean;
  /** Moves the groups that run first to the front; null: none do. */
  readonly arrange: ((groups: readonly Group[]) => readonly Group[]) | null;
}

/** Parts that each session gets of tests with one fixture, as with pytest-xdist. */
const PARTS_EACH = 4;
/** The share that a session takes at once of what it has still to run: the rest levels out. */
const SHARE = 1 / 2;
/** Milliseconds by which sessions may end apart. */
const APART_MS = 50;

/**
 * Joins groups that share fixtures of the session. Each session runs its tests in pytest's order,
 * for they may depend on it: it takes the next part of what is left, and the parts become smaller.
 * Only a block that would otherwise end after all others comes earlier. Those of a fixture with
 * parameters come in parts, never earlier: each session goes through the parameters in pytest's
 * order, and begins near the first, since what tests leave in other fixtures may depend on that.
 */
export function blocksOf(
  groups: readonly Group[],
  { items, expected, jobs, asCollected, arrange }: BlockParts,
): Block[] {
  const known = new Map(items.map((item, place) => [item.id, { place, uses: item.uses ?? [] }]));
  const usedBy = (group: Group) => [
    ...new Set(group.flatMap((id) => known.get(id)?.uses ?? [])),
  ];
  const placeOf = (group: Group) => known.get(group[0]!)?.place ?? Infinity;
  const sets = new DisjointSets<Group>();
  const firsts = new Map<number, Group>();
  for (const group of groups) {
    for (const use of usedBy(group)) {
      if (firsts.has(use)) sets.join(firsts.get(use)!, group);
      else firsts.set(use, group);
    }
  }
  const sharing = Map.groupBy(groups, (group) => sets.leaderOf(group));
  const blocks = [...sharing.values()].map((members) => {
    const sorted = members.toSorted((a, b) => compare(placeOf(a), placeOf(b)));
    return blockOf(arrange?.(sorted) ?? sorted, usedBy, expected);
  });
  const isSeries = ({ groups }: Block) => groups.some((group) => usedBy(group).some(isNegative));
  const most = groups.flat().length / jobs / PARTS_EACH;
  const parts = blocks.flatMap((block) => {
    return isSeries(block)
      ? partsOf(block, most).map((part) => ({ ...timed(part), isFixed: true }))
      : [{ ...timed(block), isFixed: false }];
  });
  if (!asCollected) return parts.map(({ block }) => block);
  const placed = parts.toSorted((a, b) =>
    compare(placeOf(a.block.groups[0]!), placeOf(b.block.groups[0]!))
  );
  return inTime(placed, jobs);
}

/** A block and what is known of it. */
interface Timed {
  readonly block: Block;
  readonly total: number;
  /** Whether it comes neither earlier nor together with others. */
  readonly isFixed: boolean;
}

function timed(block: Block): Pick<Timed, "block" | "total"> {
  return { block, total: sum(block.ms) };
}

/**
 * Joins blocks to parts, each at most a share of what a session has still to run. A block that is
 * longer comes as soon as it is: so none ends long after the others.
 */
function inTime(blocks: readonly Timed[], jobs: number): Block[] {
  const longest = blocks.filter(({ isFixed }) => !isFixed).toSorted((a, b) => b.total - a.total);
  const taken = new Set<Timed>();
  const parts: Block[] = [];
  let left = sum(blocks.map(({ total }) => total));
  const take = (one: Timed) => {
    taken.add(one);
    left -= one.total;
    return one.block;
  };
  for (let [next, long] = [0, 0]; next < blocks.length;) {
    while (long < longest.length && taken.has(longest[long]!)) long++;
    const most = Math.max(left / jobs * SHARE, APART_MS);
    const first = longest[long];
    if (first !== undefined && first.total > most) {
      parts.push(take(first));
      continue;
    }
    const part: Block[] = [];
    for (let ms = 0; next < blocks.length; next++) {
      const one = blocks[next]!;
      if (taken.has(one)) continue;
      ms += one.total;
      if (part.length > 0 && (one.isFixed || ms > most)) break;
      part.push(take(one));
      if (one.isFixed) {
        next++;
        break;
      }
    }
    if (part.length > 0) parts.push(joined(part));
  }
  return parts;
}

function joined(blocks: readonly Block[]): Block {
  return {
    groups: blocks.flatMap(({ groups }) => groups),
    ms: blocks.flatMap(({ ms }) => ms),
    cuts: blocks.flatMap(({ cuts }) => cuts),
  };
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
