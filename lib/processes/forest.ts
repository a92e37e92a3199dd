import type { ForestRow } from "./process.ts";

/** The pids above a process, nearest first; stops at what is not in the forest, and at a loop. */
export function ancestorsOf(pid: number, forest: ReadonlyMap<number, ForestRow>): number[] {
  const above: number[] = [];
  for (
    let row = forest.get(pid);
    row && row.ppid > 0 && !above.includes(row.ppid) && row.ppid !== pid;
    row = forest.get(row.ppid)
  ) {
    above.push(row.ppid);
  }
  return above;
}

/** The pids below a process, parents before children. */
export function descendantsOf(pid: number, forest: ReadonlyMap<number, ForestRow>): number[] {
  const children = Map.groupBy(forest.values(), (row) => row.ppid);
  const below: number[] = [];
  const seen = new Set([pid]);
  for (let next = [pid]; next.length > 0;) {
    next = next.flatMap((one) => children.get(one)?.map((row) => row.pid) ?? []).filter((one) =>
      !seen.has(one)
    );
    for (const one of next) seen.add(one);
    below.push(...next);
  }
  return below;
}
