import type { ProcessRow } from "../system/programs/ps.ts";

/** Processes by pid, and which is the parent of which. */
export class Forest<Row extends Pick<ProcessRow, "pid" | "ppid"> = ProcessRow>
  extends Map<number, Row> {
  #children: Map<number, Row[]> | null = null;

  constructor(rows: Iterable<Row> = []) {
    super();
    for (const row of rows) this.set(row.pid, row);
  }

  /** The pids above a process, nearest first; stops at an unlisted one, and at a loop. */
  ancestorsOf(pid: number): number[] {
    const above: number[] = [];
    for (
      let row = this.get(pid);
      row && row.ppid > 0 && !above.includes(row.ppid) && row.ppid !== pid;
      row = this.get(row.ppid)
    ) {
      above.push(row.ppid);
    }
    return above;
  }

  /** The pids below a process, parents before children. */
  descendantsOf(pid: number): number[] {
    this.#children ??= Map.groupBy(this.values(), (row) => row.ppid);
    const below = new Set([pid]);
    // A set visits what is added to it on the way.
    for (const one of below) {
      for (const child of this.#children.get(one) ?? []) below.add(child.pid);
    }
    return [...below].slice(1);
  }

  /** These processes and all above them, each once. */
  withAncestors(pids: Iterable<number>): number[] {
    return [...new Set([...pids].flatMap((pid) => [pid, ...this.ancestorsOf(pid)]))];
  }

  /** These processes and all below them, each once. */
  withDescendants(pids: Iterable<number>): number[] {
    return [...new Set([...pids].flatMap((pid) => [pid, ...this.descendantsOf(pid)]))];
  }
}
