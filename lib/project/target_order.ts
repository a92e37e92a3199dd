import { parent } from "../base/paths.ts";

/** The targets without duplicates and those inside another, which pytest would run twice. */
export function withoutContained(targets: readonly string[]): string[] {
  const firsts = new Map(
    targets.map((target, index) => [keyOf(target), index] as const).toReversed(),
  );
  return targets.filter((target, index) => {
    const key = keyOf(target);
    return firsts.get(key) === index &&
      !containersOf(target).some((place) => place !== key && firsts.has(place));
  });
}

function keyOf(target: string): string {
  return target.replace(/\/$/, "");
}

/** The keys of everything that contains a test, file or directory, and its own. */
function containersOf(target: string): string[] {
  const at = target.indexOf("::");
  const places = ["."];
  for (let key = keyOf(at < 0 ? target : target.slice(0, at)); key !== "."; key = parent(key)) {
    places.push(key);
  }
  if (at < 0) return places;
  places.push(target);
  // Parameters may contain anything, so only the text before them is split.
  const bracket = target.indexOf("[", at);
  for (
    let node = bracket < 0 ? target : target.slice(0, bracket);
    node.length > at;
    node = node.slice(0, node.lastIndexOf("::"))
  ) places.push(node);
  return places;
}

/** The order in which targets run, and the place of each test in it. */
export class TargetOrder {
  readonly #places = new Map<string, number>();

  constructor(targets: readonly string[]) {
    targets.forEach((target, index) => {
      const key = keyOf(target);
      if (!this.#places.has(key)) this.#places.set(key, index);
    });
  }

  /** The place of the first target that contains a test, file or directory; Infinity if none. */
  placeOf(target: string): number {
    return Math.min(...containersOf(target).map((key) => this.#places.get(key) ?? Infinity));
  }

  /**
   * Sorts groups of tests; those of no target come last, in their own order.
   *
   * @param only whether tests of no target are dropped
   */
  sort(groups: readonly (readonly string[])[], only: boolean): (readonly string[])[] {
    const placed = groups.map((group) => {
      const kept = only ? group.filter((id) => this.placeOf(id) < Infinity) : group;
      const place = kept.reduce((least, id) => Math.min(least, this.placeOf(id)), Infinity);
      return { kept, place };
    }).filter(({ kept }) => kept.length > 0);
    placed.sort((a, b) => a.place === b.place ? 0 : a.place - b.place);
    return placed.map(({ kept }) => kept);
  }
}
