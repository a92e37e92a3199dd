import { fileOf } from "./lastfailed.ts";
import { DisjointSets } from "../base/disjoint_sets.ts";

/** A test as it was collected. */
export interface Item {
  readonly id: string;
  /** Tests with the same one share a fixture that is made once for all of them. */
  readonly group: string;
  /**
   * Numbers of fixtures of the session that it shares with others: one for each time that pytest
   * makes it, running all tests in its own order; a negative one for a fixture that it makes
   * several times.
   */
  readonly uses?: readonly number[];
  /** The name of its `xdist_group`. */
  readonly together?: string;
}

/** Tests that have to run in one process, in this order. */
export type Group = readonly string[];

/** Groups that share fixtures of the session: a process runs as many of them as it can. */
export interface Block {
  readonly groups: readonly Group[];
  /** Expected milliseconds of each group. */
  readonly ms: readonly number[];
  /** For each group, how many fixtures are made once more if another process runs it and later. */
  readonly cuts: readonly number[];
}

/** A mode of pytest-xdist that keeps tests in one process. */
export type Together = typeof TOGETHER[number];

/** The values of pytest-xdist's `--dist` that keep tests in one process. */
export const TOGETHER = ["loadfile", "loadscope", "loadgroup"] as const;

/** The groups of the collected tests, in the order of their first tests. */
export function groupsOf(items: readonly Item[], together: Together | null = null): Group[] {
  const sets = new DisjointSets<string>();
  const first = new Map<string, string>();
  for (const item of together === null ? [] : items) {
    const name = placeOf(item, together!);
    if (name === null) continue;
    if (first.has(name)) sets.join(first.get(name)!, item.group);
    else first.set(name, item.group);
  }
  const groups = Map.groupBy(items, ({ group }) => sets.leaderOf(group));
  return [...groups.values()].map((group) => group.map(({ id }) => id));
}

/** What a test has in common with those that pytest-xdist runs in the same process. */
function placeOf({ id, together: name }: Item, together: Together): string | null {
  if (together === "loadgroup") return name ?? null;
  if (together === "loadfile") return fileOf(id);
  const bracket = id.indexOf("[");
  return id.slice(0, id.lastIndexOf("::", bracket < 0 ? Infinity : bracket));
}
