import { isTestIn, isWithin, type TestTree } from "../project/rules_targets.ts";
import { TargetOrder } from "../project/target_order.ts";
import {
  type Affected,
  type AffectedTarget,
  type Cause,
  type MostOfSuite,
  type Relation,
  RELATIONS,
  type SuggestedOptions,
} from "./affected_targets.ts";

/** Collects targets by relation, distance and order of their first mention. */
export class TargetList {
  readonly #targets = new Map<string, { relation: Relation; distance: number; causes: Cause[] }>();
  readonly #further = new Map<string, { distance: number; causes: Cause[] }>();
  readonly #options: SuggestedOptions[] = [];
  readonly #unmapped: Cause[] = [];
  readonly #missing = new Map<string, { test: string; row: string }>();

  add(relation: Relation, target: string, cause: Cause, distance = 0): void {
    const entry = this.#targets.get(target) ?? { relation, distance, causes: [] };
    if (nearness(entry, { relation, distance }) > 0) Object.assign(entry, { relation, distance });
    const { file, because } = cause;
    const isKnown = entry.causes.some((one) => one.file === file && one.because === because);
    if (!isKnown) entry.causes.push(cause);
    this.#targets.set(target, entry);
  }

  addFurther(target: string, cause: Cause, distance: number): void {
    const entry = this.#further.get(target) ?? { distance, causes: [] };
    this.#further.set(target, {
      distance: Math.min(entry.distance, distance),
      causes: [...entry.causes, cause],
    });
  }

  addOptions(suggested: SuggestedOptions): void {
    this.#options.push(suggested);
  }

  addUnmapped(file: string, because: string): void {
    this.#unmapped.push({ file, because });
  }

  addMissing(test: string, row: string): void {
    this.#missing.set(`${test}\0${row}`, { test, row });
  }

  affected(tree: TestTree): Affected {
    const all = [...this.#targets].sort(([, one], [, other]) => nearness(one, other))
      .map(([target, { relation, distance, causes }]): AffectedTarget => ({
        target,
        relation,
        ...(distance > 0 ? { distance } : {}),
        causes,
      }));
    const most = mostOfSuite(all, tree);
    const targets = withoutNamed(most === null ? all : inOneLine(all, most, tree));
    const order = new TargetOrder(targets.map(({ target }) => target));
    const further = [...this.#further].filter(([target]) => order.placeOf(target) === Infinity)
      .map(([target, entry]): AffectedTarget => ({ target, relation: "through", ...entry }));
    return {
      targets,
      further,
      mostOfSuite: most,
      options: this.#options,
      unmapped: this.#unmapped,
      missing: [...this.#missing.values()],
    };
  }
}

/** Leaves out importers in directories that the change map lists. */
function withoutNamed(targets: readonly AffectedTarget[]): readonly AffectedTarget[] {
  const order = new TargetOrder(
    targets.filter(({ relation }) => relation === "map").map(({ target }) => target),
  );
  return targets.filter(({ target, relation }) =>
    !IMPORTERS.has(relation) || order.placeOf(target) === Infinity
  );
}

/** Relations of targets that are listed one by one. */
const NEARER: ReadonlySet<Relation> = new Set(["itself", "map", "import", "through", "loaded"]);

/** Relations of files that import a change, directly or not. */
const IMPORTERS: ReadonlySet<Relation> = new Set(["import", "through", "loaded"]);

/** Fewer test files than these make a short list. */
const FEW = 5;

function mostOfSuite(targets: readonly AffectedTarget[], tree: TestTree): MostOfSuite | null {
  const near = targets.filter(({ relation }) => NEARER.has(relation));
  // Only a directory can be many files.
  const isFewerThan = (count: number) =>
    near.length < count && near.every(({ target }) => target.endsWith(".py"));
  if (isFewerThan(FEW)) return null;
  const tests = tree.files.filter((file) => isTestIn(tree, file));
  if (isFewerThan(tests.length / 2)) return null;
  const order = new TargetOrder(near.map(({ target }) => target));
  const testFiles = tests.filter((file) => order.placeOf(file) < Infinity).length;
  const isMost = (count: number) => count * 2 > tests.length;
  if (testFiles < FEW || !isMost(testFiles)) return null;
  return {
    testFiles,
    of: tests.length,
    imported: [...importersOf(near, tree)].filter(([, count]) => isMost(count)).map(([file]) =>
      file
    ),
  };
}

/** How many of these test files import each changed file, directly or indirectly. */
function importersOf(
  targets: readonly AffectedTarget[],
  tree: TestTree,
): ReadonlyMap<string, number> {
  const importers = new Map<string, number>();
  for (const { target, causes } of targets.filter(({ target }) => isTestIn(tree, target))) {
    const imported = causes.filter(({ file, chain }) => chain && file !== target);
    for (const file of new Set(imported.map(({ file }) => file))) {
      importers.set(file, (importers.get(file) ?? 0) + 1);
    }
  }
  return importers;
}

function manyImport(file: string, count: number, of: number): Cause {
  const imports = count === 1 ? "imports" : "import";
  const because = `everything: ${count} of ${of} test files ${imports} it, directly or indirectly`;
  return { file, because };
}

/** More direct importers than these are not listed one by one. */
const MOST_LISTED = 15;

/**
 * Lists the tests directories instead of test files, where most of the suite imports a change:
 * instead of indirect importers always, instead of direct ones if they are many.
 */
function inOneLine(
  targets: readonly AffectedTarget[],
  most: MostOfSuite,
  tree: TestTree,
): readonly AffectedTarget[] {
  const isMany = targets.filter(({ relation }) => relation === "import").length >
    Math.min(most.of / 2, MOST_LISTED);
  const isFar = ({ relation }: AffectedTarget) =>
    relation === "through" || relation === "loaded" || (isMany && relation === "import");
  const far = targets.filter(isFar);
  if (far.length < FEW) return targets;
  const importers = importersOf(targets, tree);
  const changed = new Map(
    far.flatMap(({ causes }) =>
      causes.map(({ file }) => [file, manyImport(file, importers.get(file) ?? 0, most.of)] as const)
    ),
  );
  const suite = tree.testsDirectories.map((directory): AffectedTarget => {
    const target = `${directory}/`;
    const known = targets.find((one) => one.target === target);
    const files = far.filter((one) => isWithin(one.target, directory)).map((one) => one.target);
    const causes = [...changed.values(), ...known?.causes ?? []];
    return { target, relation: "all", causes, ...(known === undefined ? { files } : {}) };
  }).filter(({ files }) => files === undefined || files.length > 0);
  const named = new Set(suite.map(({ target }) => target));
  return [...targets.filter((one) => !isFar(one) && !named.has(one.target)), ...suite];
}

interface Near {
  readonly relation: Relation;
  readonly distance: number;
}

/** Below 0 if the first one is nearer to a change. */
function nearness(one: Near, other: Near): number {
  return RELATIONS.indexOf(one.relation) - RELATIONS.indexOf(other.relation) ||
    one.distance - other.distance;
}
