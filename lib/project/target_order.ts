import { parent } from "../base/paths.ts";

/**
 * What pytest has to be given to run all targets, without those that lie in another: it would run
 * them twice.
 */
export function withoutContained(targets: readonly string[]): string[] {
  const firsts = new Map(
    targets.map((target, index) => [keyOf(target), index] as const).toReversed(),
  );
  return targets.filter((target, index) => {
    const key = keyOf(target);
    return firsts.get(key) === index &&
      !placesOf(target).some((place) => place !== key && firsts.has(place));
  });
}

function keyOf(target: string): string {
  return target.replace(/\/$/, "");
}

/** What holds a test, a file or a directory, by their keys; it itself is among them. */
function placesOf(target: string): string[] {
  const at = target.indexOf("::");
  const places = ["."];
  for (let key = keyOf(at < 0 ? target : target.slice(0, at)); key !== "."; key = parent(key)) {
    places.push(key);
  }
  if (at < 0) return places;
  places.push(target);
  // Parameters may hold anything: what is in front of them names the function.
  const bracket = target.indexOf("[", at);
  for (
    let node = bracket < 0 ? target : target.slice(0, bracket);
    node.length > at;
    node = node.slice(0, node.lastIndexOf("::"))
  ) places.push(node);
  return places;
}

/** Targets in the order in which they are to run, and the place of each test in it. */
export class TargetOrder {
  readonly #places = new Map<string, number>();

  constructor(targets: readonly string[]) {
    targets.forEach((target, index) => {
      const key = keyOf(target);
      if (!this.#places.has(key)) this.#places.set(key, index);
    });
  }

  /**
   * The place of the first target that holds a test, a file or a directory; Infinity if none does.
   */
  placeOf(target: string): number {
    return placesOf(target).reduce(
      (least, place) => Math.min(least, this.#places.get(place) ?? Infinity),
      Infinity,
    );
  }

  /**
   * Groups of tests in this order; those of no target stay behind, in their own. `only`: they are
   * left out.
   */
  sort(groups: readonly (readonly string[])[], only: boolean): (readonly string[])[] {
    const placed = groups.map((group) => {
      const kept = only ? group.filter((id) => this.placeOf(id) < Infinity) : group;
      return {
        group: kept,
        place: kept.reduce((least, id) => Math.min(least, this.placeOf(id)), Infinity),
      };
    });
    return placed.filter(({ group }) => group.length > 0).sort((one, other) =>
      one.place === other.place ? 0 : one.place - other.place
    )
      .map(({ group }) => group);
  }
}
