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

/** The groups of the collected tests, in the order of their first tests. */
export function groupsOf(items: readonly Item[]): Group[] {
  const groups = Map.groupBy(items, ({ group }) => group);
  return [...groups.values()].map((group) => group.map(({ id }) => id));
}
