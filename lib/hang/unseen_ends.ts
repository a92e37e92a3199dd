import type { Host } from "../system/host.ts";
import type { ProcessRow } from "../system/programs/ps.ts";
import type { Files } from "./connections.ts";
import { readStarts } from "../system/programs/proc_threads.ts";

/** What was read of the holders of pipes, and of all processes, between the snapshots. */
export interface HolderSearch {
  readonly root: number;
  readonly inTree: ReadonlySet<number>;
  /** Processes outside of the tree when it was gathered. */
  readonly others: readonly number[];
  /** All processes between the snapshots. */
  readonly now: readonly ProcessRow[];
  /** Those of them that were not there before. */
  readonly newcomers: readonly ProcessRow[];
  readonly files: Files;
  /** Pipes and Unix sockets that the tree waits at. */
  readonly ends: ReadonlySet<string>;
  /** The ends of these that the tree held between the snapshots. */
  readonly again: Files;
  /** What could be read of the memory of processes; null: the tree waits for no semaphore. */
  readonly maps: ReadonlyMap<number, unknown> | null;
}

/** Programs that read this, and have ended before they are read. */
const PROBE = /^(\S*\/)?(ps|cat|ls|dd) /;

/**
 * How many processes may hold an end, or share a semaphore, unseen: those that can't be read and
 * are younger than the tree, so that they may have inherited it, and those that changed meanwhile.
 */
export async function countUnseenEnds(host: Host, search: HolderSearch): Promise<number> {
  const { root, inTree, others, now, newcomers, files, ends } = search;
  const outside = [...new Set([...others, ...newcomers.map(({ pid }) => pid)])];
  const probes = newcomers.filter(({ ppid, args }) => ppid === host.pid && PROBE.test(args));
  const isRead = (pid: number) => files.has(pid) && search.maps?.has(pid) !== false;
  const unread = outside.filter((pid) => !isRead(pid) && !probes.some((row) => row.pid === pid));
  const parents = new Map(now.map(({ pid, ppid }) => [pid, ppid]));
  const above = new Set(chainOf(root, parents).slice(1));
  const tops = new Map(unread.map((pid) => [pid, topOf(pid, parents, above)]));
  const starts = await readStarts(host, [root, ...tops.values()], "which processes are younger");
  const oldest = starts.get(root) ?? 0;
  const mayHold = unread.filter((pid) => {
    const start = starts.get(tops.get(pid)!);
    if (start !== undefined) return start >= oldest;
    // It is gone, and may have started another one since.
    return newcomers.some((row) => row.pid === tops.get(pid));
  });
  // Children of the tree that are no part of it: this program, or started meanwhile.
  const strays = now.filter(({ pid, ppid, state }) =>
    inTree.has(ppid) && !inTree.has(pid) && state !== "Z"
  );
  const changed = [...inTree].filter((pid) => {
    const before = (files.get(pid) ?? []).filter(({ target }) => ends.has(target));
    return JSON.stringify(before) !== JSON.stringify(search.again.get(pid) ?? []);
  });
  // Where others' processes are hidden, the first one is too.
  const hidden = now.some(({ pid }) => pid === 1) ? 0 : 1;
  const ofTree = [...inTree].filter((pid) => !isRead(pid));
  return mayHold.length + strays.length + changed.length + ofTree.length + hidden;
}

/** A process, its parent, and so on. */
function chainOf(pid: number, parents: ReadonlyMap<number, number>): number[] {
  const chain = [pid];
  for (const one of chain) {
    const parent = parents.get(one) ?? 0;
    if (parent > 0 && !chain.includes(parent)) chain.push(parent);
  }
  return chain;
}

/**
 * The process at the top of another one, below what is above the tree. What has left the tree has
 * become a child of the first process, or of one above the tree; any other parent is the real one.
 */
function topOf(
  pid: number,
  parents: ReadonlyMap<number, number>,
  above: ReadonlySet<number>,
): number {
  const chain = chainOf(pid, parents);
  const end = chain.findIndex((one, index) => index > 0 && (one === 1 || above.has(one)));
  return chain[(end === -1 ? chain.length : end) - 1]!;
}
