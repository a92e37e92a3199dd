import type { PytestEvent } from "./events.ts";

/**
 * A test as it was collected: tests with the same group share a fixture that is made once for all
 * of them.
 */
export interface Item {
  readonly id: string;
  readonly group: string;
}

/** Tests that have to run in one process, in this order. */
export type Group = readonly string[];

/**
 * Which tests of a run there are, which have had their chance, and which a session claimed from the
 * queue: from the events of its sessions.
 */
export class Work {
  /** Tests that ended, at their limit or by a crash too. */
  readonly finished = new Set<string>();
  readonly #collected = new Map<string, Item[]>();
  readonly #complete = new Set<string>();
  readonly #claimed = new Map<string, number[]>();

  /** Takes one more event. */
  add(event: PytestEvent): void {
    const session = event.session ?? "";
    switch (event.event) {
      case "items":
        this.#listOf(this.#collected, session).push(...event.items);
        if (event.last) this.#complete.add(session);
        break;
      case "claimed":
        this.#listOf(this.#claimed, session).push(event.index);
        break;
      case "report":
        if (event.phase === "teardown") this.finished.add(event.id);
        break;
      case "timeout":
      case "crash":
        this.finished.add(event.id);
        break;
    }
  }

  /** All that a session collected; null as long as it has not told all of it. */
  itemsOf(session: string): readonly Item[] | null {
    return this.#complete.has(session) ? this.#collected.get(session)! : null;
  }

  /** What a session had claimed of a queue and did not get to. */
  leftoverOf(session: string, groupAt: (index: number) => Group): Group[] {
    const groups = (this.#claimed.get(session) ?? []).map((index) => this.restOf(groupAt(index)));
    return groups.filter((group) => group.length > 0);
  }

  /** The tests of a group that have not had their chance. */
  restOf(group: Group): Group {
    return group.filter((id) => !this.finished.has(id));
  }

  #listOf<Value>(lists: Map<string, Value[]>, session: string): Value[] {
    let list = lists.get(session);
    if (!list) lists.set(session, list = []);
    return list;
  }
}

/** The groups of what was collected, each in the order of its first test. */
export function groupsOf(items: readonly Item[]): Group[] {
  const groups = new Map<string, string[]>();
  for (const { id, group } of items) {
    const ids = groups.get(group);
    if (ids) ids.push(id);
    else groups.set(group, [id]);
  }
  return [...groups.values()];
}
