import type { ChangeRow, OptionRow } from "../project/change_map.ts";
import type { ImportGraph, Reached } from "./import_graph.ts";
import { parent } from "../base/paths.ts";
import { TargetOrder } from "../project/target_order.ts";
import { findByName, isTestFile, isWithin, type TestTree } from "../project/rules_targets.ts";

/** A file that differs from what it is compared with. */
export interface Change {
  /** Relative to the project's root. */
  readonly path: string;
  readonly status: "added" | "modified" | "deleted";
  /**
   * Where the latest change of it is: in a commit of this branch, in the index, in the work tree,
   * or in a file that git does not know.
   */
  readonly where: "committed" | "staged" | "unstaged" | "untracked";
  /** It is no file but the commit of a submodule. */
  readonly submodule?: true;
}

/** One changed file, and why a target should run because of it. */
export interface Cause {
  readonly file: string;
  readonly because: string;
  /**
   * By which imports: the changed file, what imports it, and so on, the test (or its conftest.py)
   * last. Only where imports are the reason.
   */
  readonly chain?: readonly string[];
}

/** How near a target is to a change, nearest first: targets are in this order. */
export const RELATIONS = [
  "itself",
  "map",
  "import",
  "through",
  "failed",
  "directory",
  "all",
] as const;

/** One of {@linkcode RELATIONS}. */
export type Relation = typeof RELATIONS[number];

/** A target of pytest to run first, with every reason for it. */
export interface AffectedTarget {
  /** As pytest takes it, relative to the root. */
  readonly target: string;
  /** The nearest of its relations to the changes. */
  readonly relation: Relation;
  /**
   * How many imports it is away from the nearest change: 1 for a direct importer. Only where
   * imports are the nearest reason.
   */
  readonly distance?: number;
  readonly causes: readonly Cause[];
  /**
   * Test files that it stands for, nearest first, where so many import a change that they are not
   * named one by one.
   */
  readonly files?: readonly string[];
}

/** Nearer targets that are more than half of all test files. */
export interface MostOfSuite {
  /** Test files that changed, that the change map names or that import a change. */
  readonly testFiles: number;
  readonly of: number;
  /** The changed files each of which most of the suite imports, directly or through others. */
  readonly imported: readonly string[];
}

/** Options of pytest that make the tests use a changed file. */
export interface SuggestedOptions {
  readonly file: string;
  readonly options: readonly string[];
  readonly because: string;
}

/** What a set of changes asks for. */
export interface Affected {
  /**
   * Changed tests first, then what the change map names in its order, then what imports a changed
   * file, by distance, then what failed before, then whole directories, then the whole suite.
   */
  readonly targets: readonly AffectedTarget[];
  /**
   * What a change may reach too, farther away than the targets that it has: by fixtures or plugins
   * that come to it through others.
   */
  readonly further: readonly AffectedTarget[];
  /** Where the nearer targets are most of the suite; null elsewhere. */
  readonly mostOfSuite: MostOfSuite | null;
  /**
   * Options with which the tests should run as well because of a change: without them the tests do
   * not use it.
   */
  readonly options: readonly SuggestedOptions[];
  /** Changed files that nothing is known about, and why. */
  readonly unmapped: readonly Cause[];
  /** Tests that the change map names for these changes but that exist nowhere today. */
  readonly missing: readonly { readonly test: string; readonly row: string }[];
}

/** What {@linkcode affectedBy} knows about the project. */
export interface Surroundings {
  readonly tree: TestTree;
  /** The package's directory relative to the root; null when there is none. */
  readonly packageDirectory: string | null;
  readonly changeMap: readonly ChangeRow[];
  /** Which changes want options; none unless given. */
  readonly optionMap?: readonly OptionRow[];
  /** Who imports whom; null when it was not read. */
  readonly graph?: ImportGraph | null;
}

/** How often a test failed of late. */
export interface RecentFailures {
  /** A test id relative to the root. */
  readonly test: string;
  readonly runs: number;
  readonly failed: number;
}

/** Files in the root that decide how every test runs. */
const WIDE_FILES =
  /^(conftest\.py|pyproject\.toml|\.?pytest\.(toml|ini)|tox\.ini|setup\.cfg|setup\.py|(uv|poetry|pdm)\.lock|pylock(\.\w+)?\.toml|requirements[^/]*\.txt|\.python-version)$/;

/** What no test reads. */
const DOCUMENTATION = /\.(md|rst|adoc)$|(^|\/)(py\.typed|LICENSE[^/]*)$/i;

/**
 * Whether the import graph has something to say of a change: it does not bear on all tests anyway.
 * What the change map names is asked for too, since it may have more importers than the map knows.
 * Reading the graph takes its time.
 */
export function asksForImports(
  change: Change,
  { tree, packageDirectory, changeMap }: Surroundings,
): boolean {
  const { path } = change;
  if (change.submodule || WIDE_FILES.test(path) || DOCUMENTATION.test(path)) return false;
  const tests = testsAround(path, tree);
  if (!isInPackage(path, packageDirectory, tests)) {
    return tests !== undefined || path.endsWith(".py");
  }
  if (path === `${packageDirectory}/__init__.py`) return false;
  // A row says what a file is for that is no Python.
  return path.endsWith(".py") ||
    rowsFor(path.slice(packageDirectory!.length + 1), changeMap).length === 0;
}

/**
 * The tests to run first for a set of changes: by the tests that changed themselves, by the change
 * map and by imports, and by what all tests share. Orders, and excludes nothing: what it leaves out
 * is to run after.
 */
export function affectedBy(changes: readonly Change[], surroundings: Surroundings): Affected {
  const found = new Found();
  for (const change of changes) new Judged(change, surroundings, found).judge();
  return found.result(surroundings.tree);
}

/**
 * The same with tests that failed before as the last of the nearer targets: those in files that are
 * targets already are not named again.
 *
 * @param lastFailed ids of the tests that failed in the last run, relative to the root; their
 *   files exist
 * @param recent the same for the runs before, as far as they are known
 */
export function withFailures(
  affected: Affected,
  lastFailed: readonly string[],
  recent: readonly RecentFailures[],
): Affected {
  const reasons = new Map(lastFailed.map((test) => [test, "it failed last time"]));
  const often = recent.filter((one) => one.failed > 0).sort((one, other) =>
    other.failed / other.runs - one.failed / one.runs
  );
  for (const { test, runs, failed } of often) {
    const last = runs === 1 ? "its last run" : `its last ${runs} runs`;
    if (!reasons.has(test)) {
      reasons.set(test, `it failed in ${failed === runs ? last : `${failed} of ${last}`}`);
    }
  }
  const wide = affected.targets.findIndex(({ relation }) =>
    relation === "directory" || relation === "all"
  );
  const at = wide < 0 ? affected.targets.length : wide;
  const order = new TargetOrder(affected.targets.slice(0, at).map(({ target }) => target));
  const failed = [...reasons].map(([test, because]): AffectedTarget => ({
    target: test,
    relation: "failed",
    causes: [{ file: test.split("::", 1)[0]!, because }],
  })).filter(({ target }) => order.placeOf(target) === Infinity);
  return {
    ...affected,
    targets: [...affected.targets.slice(0, at), ...failed, ...affected.targets.slice(at)],
  };
}

/** All reasons for a target in one line. */
export function becauseOf(target: AffectedTarget): string {
  const reasons = new Map<string, string[]>();
  for (const { file, because, chain } of target.causes) {
    const own = file === target.target || target.target.startsWith(`${file}::`);
    reasons.set(because, [
      ...reasons.get(because) ?? [],
      ...(own ? [] : [chain?.join(" → ") ?? file]),
    ]);
  }
  return [...reasons].map(([because, files]) => {
    return files.length === 0 ? because : `${someOf(files)}: ${because}`;
  }).join("; ");
}

/** `44 of 47 test files: tractor/log.py is imported by most of the suite; …` */
export function mostText({ testFiles, of, imported }: MostOfSuite): string {
  const why = imported.length === 0
    ? ""
    : `${someOf(imported)} ${imported.length === 1 ? "is" : "are"} imported by most of the suite; `;
  return `${testFiles} of ${of} test files: ${why}the whole suite may be quicker to type: tractest run`;
}

function someOf(files: readonly string[]): string {
  return files.slice(0, 3).join(", ") + (files.length > 3 ? ` and ${files.length - 3} more` : "");
}

const MAP_PAIRS = "the change map pairs";

/** The tests directory that a path lies in. */
function testsAround(path: string, tree: TestTree): string | undefined {
  return tree.testsDirectories.find((directory) => isWithin(path, directory));
}

/**
 * Whether a path is of the package: one of the two may lie in the other, and a suite may be the
 * whole root.
 */
function isInPackage(
  path: string,
  packageDirectory: string | null,
  tests: string | undefined,
): boolean {
  if (
    packageDirectory === null || !isWithin(path, packageDirectory) ||
    (tests !== undefined && isTestFile(path))
  ) return false;
  return tests === undefined || tests === "." ||
    (packageDirectory !== tests && isWithin(packageDirectory, tests));
}

function rowsNaming(path: string, changeMap: readonly ChangeRow[]): readonly ChangeRow[] {
  const isAmong = (entries: readonly string[]) =>
    entries.some((entry) => entry.endsWith("/") ? path.startsWith(entry) : path === entry);
  return changeMap.filter(({ changed, except = [] }: ChangeRow) =>
    isAmong(changed) && !isAmong(except)
  );
}

/**
 * The rows for a file outside of package and tests; of no use where none of their tests is there:
 * many projects have `examples/`.
 */
function rowsOutside(
  path: string,
  changeMap: readonly ChangeRow[],
  tree: TestTree,
): readonly ChangeRow[] {
  return rowsNaming(`/${path}`, changeMap).filter(({ tests }) =>
    tests.some((test) => findByName(test, tree).length > 0)
  );
}

function rowsFor(module: string, changeMap: readonly ChangeRow[]): readonly ChangeRow[] {
  const exact = rowsNaming(module, changeMap);
  if (exact.length > 0) return exact;
  // A module that moved since its row was written is known by its name, unless every package has
  // one of that name.
  const name = module.slice(module.lastIndexOf("/") + 1);
  return name === "__init__.py"
    ? []
    : changeMap.filter((row) =>
      row.changed.some((entry) => !entry.startsWith("/") && entry.endsWith(`/${name}`))
    );
}

/** One change, and what it comes to. */
class Judged {
  readonly #path: string;
  readonly #tests: string | undefined;

  constructor(
    private readonly change: Change,
    private readonly around: Surroundings,
    private readonly found: Found,
  ) {
    this.#path = change.path;
    this.#tests = testsAround(change.path, around.tree);
  }

  judge(): void {
    const { change, around: { packageDirectory }, found } = this;
    const path = this.#path;
    const tests = this.#tests;
    if (change.submodule) this.#all("a submodule: what it brings may be used anywhere");
    else if (tests !== undefined && isTestFile(path)) this.#testFile();
    else if (WIDE_FILES.test(path)) this.#all("it decides how every test runs");
    else if (isInPackage(path, packageDirectory, tests)) {
      this.#module(path.slice(packageDirectory!.length + 1));
    } else if (tests !== undefined && path.endsWith(".py")) this.#helper();
    else if (DOCUMENTATION.test(path)) found.unmapped(path, "documentation: no test reads it");
    else if (tests !== undefined && !path.endsWith(".pyi")) this.#data();
    else this.#outside();
  }

  #testFile(): void {
    if (this.change.status === "deleted") {
      this.found.unmapped(this.#path, "a test file that was deleted: nothing left to run");
    } else this.found.add("itself", this.#path, this.#cause("the test file itself changed"));
    this.#imports();
  }

  #module(module: string): void {
    const { found, around: { changeMap, graph } } = this;
    const path = this.#path;
    this.#options(module);
    if (this.#rows(rowsFor(module, changeMap))) return void this.#imports(true);
    if (module === "__init__.py") return this.#all("every import of the package runs it");
    if (path.endsWith(".pyi")) return found.unmapped(path, "a stub: only type checkers read it");
    if (DOCUMENTATION.test(path)) return found.unmapped(path, "documentation: no test reads it");
    if (!graph) return found.unmapped(path, "no row of the change map names it");
    if (this.#imports()) return;
    if (!path.endsWith(".py")) return this.#all("no Python: any part of the package may use it");
    if (
      !this.#names([
        path.slice(path.lastIndexOf("/") + 1),
        path.replace(/\.py$/, "").replaceAll("/", ".").replace(/^src\./, ""),
      ])
    ) {
      found.unmapped(path, "no test imports it, directly or through others");
    }
  }

  /** With which options the tests use it. */
  #options(module: string): void {
    if (this.change.status === "deleted") return;
    for (const { changed, options, because } of this.around.optionMap ?? []) {
      if (changed.includes(module)) this.found.options({ file: this.#path, options, because });
    }
  }

  /** What rows of the change map pair with it; false if there are none. */
  #rows(rows: readonly ChangeRow[]): boolean {
    const { found, around: { tree } } = this;
    for (const row of rows) {
      const label = row.changed.join(", ");
      const because = `${MAP_PAIRS} ${label} with it${row.note ? ` (${row.note})` : ""}`;
      for (const test of row.tests) {
        const targets = findByName(test, tree);
        if (targets.length === 0) found.missing(test, label);
        for (const target of targets) found.add("map", target, this.#cause(because));
      }
    }
    return rows.length > 0;
  }

  /** A Python file among the tests that holds none. */
  #helper(): void {
    const path = this.#path;
    if (path.endsWith("/conftest.py")) return this.#directory("fixtures of every test below it");
    if (path.endsWith("/__init__.py") || !this.#imports()) {
      this.#directory("shared by the tests beside it");
    }
  }

  /** A file among the tests that is no Python. */
  #data(): void {
    if (!this.#names([this.#path.slice(this.#path.lastIndexOf("/") + 1)])) {
      this.#directory("data beside these tests");
    }
  }

  #outside(): void {
    const { found, around: { packageDirectory, changeMap, tree } } = this;
    const path = this.#path;
    const name = path.slice(path.lastIndexOf("/") + 1);
    if (this.#rows(rowsOutside(path, changeMap, tree))) {
      if (path.endsWith(".py") && !this.#imports(true)) this.#names([name]);
      return;
    }
    if (
      path.endsWith(".py") &&
      (this.#imports() ||
        this.#names([name, name.replace(/\.py$/, "")].filter((word) => word.length > 3)))
    ) return;
    found.unmapped(
      path,
      packageDirectory === null
        ? "the project's package was not found"
        : "neither in the package nor in the tests",
    );
  }

  /**
   * What imports it; false if nothing does.
   *
   * @param isMapped the change map names tests for it: what reaches it only because a package
   *   runs all of itself is farther away
   */
  #imports(isMapped = false): boolean {
    const { found, around: { graph } } = this;
    if (!graph) return false;
    const { reached, isFar } = graph.reach(this.#path);
    if (isFar && this.#isEverything(reached)) {
      const { chain, distance } = reached.find(isWide) ?? reached[0]!;
      if (!isMapped) this.#all(RUN_BY_PACKAGE, chain);
      else {for (const target of this.#allTests()) {
          found.further(target, this.#cause(RUN_BY_PACKAGE, chain), distance);
        }}
      return true;
    }
    const hasTests = isMapped || reached.some((one) => !isWide(one));
    for (const one of reached) {
      const cause = this.#cause(isFar ? RUN_BY_PACKAGE : reasonOf(one), one.chain);
      for (const target of one.target === null ? this.#allTests() : [one.target]) {
        if (isWide(one) ? hasTests && this.#isThroughPackage(one) : isFar && isMapped) {
          found.further(target, cause, one.distance);
        } else if (isWide(one)) this.#addWide(target, cause.because, one.chain, one.distance);
        else {found.add(
            one.distance === 1 && !isFar ? "import" : "through",
            target,
            cause,
            one.distance,
          );}
      }
    }
    return reached.length > 0;
  }

  /**
   * Whether something else than helpers of the tests stands between a change and the fixtures that
   * come to it.
   */
  #isThroughPackage({ chain, distance }: Reached): boolean {
    const { tree, packageDirectory } = this.around;
    return distance > 1 && chain.slice(1, -1).some((file) => {
      const tests = testsAround(file, tree);
      return tests === undefined || isInPackage(file, packageDirectory, tests);
    });
  }

  #allTests(): readonly string[] {
    return this.around.tree.testsDirectories.map((directory) => `${directory}/`);
  }

  #isEverything(reached: readonly Reached[]): boolean {
    const targets = new Set(reached.map((one) => one.target));
    return targets.has(null) ||
      this.around.tree.testsDirectories.every((directory) => targets.has(`${directory}/`)) ||
      (targets.size > 0 &&
        this.around.tree.files.every((file) => !isTestFile(file) || targets.has(file)));
  }

  /** Tests that name it in a string; false if none does. */
  #names(words: readonly string[]): boolean {
    const naming = this.around.graph?.naming(words) ?? [];
    for (const file of naming) {
      if (isTestFile(file)) {
        this.found.add("through", file, this.#cause("its name stands in the test"));
      } else this.#directory("its name stands in fixtures of every test below", file);
    }
    return naming.length > 0;
  }

  /** The nearest directory around it, or around another file, that holds tests. */
  #directory(because: string, file = this.#path): void {
    const { testsDirectories, files } = this.around.tree;
    let directory = parent(file);
    while (
      !testsDirectories.includes(directory) && directory !== "." &&
      !files.some((test) => isTestFile(test) && isWithin(test, directory))
    ) {
      directory = parent(directory);
    }
    this.#addWide(`${directory}/`, because);
  }

  #all(because: string, chain?: readonly string[]): void {
    for (const directory of this.#allTests()) this.#addWide(directory, because, chain);
  }

  #addWide(directory: string, because: string, chain?: readonly string[], distance = 0): void {
    const relation = this.#wide(directory);
    this.found.add(
      relation,
      directory,
      this.#cause(relation === "all" ? `everything: ${because}` : because, chain),
      distance,
    );
  }

  #wide(target: string): Relation {
    return this.around.tree.testsDirectories.includes(target.replace(/\/$/, ""))
      ? "all"
      : "directory";
  }

  #cause(because: string, chain?: readonly string[]): Cause {
    return chain === undefined
      ? { file: this.#path, because }
      : { file: this.#path, because, chain };
  }
}

/** Collects targets by relation, distance and order of their first mention. */
class Found {
  readonly #targets = new Map<string, { relation: Relation; distance: number; causes: Cause[] }>();
  readonly #further = new Map<
    string,
    { readonly distance: number; readonly causes: readonly Cause[] }
  >();
  readonly #options: SuggestedOptions[] = [];
  readonly #unmapped: Cause[] = [];
  readonly #missing = new Map<string, { test: string; row: string }>();

  add(relation: Relation, target: string, cause: Cause, distance = 0): void {
    const entry = this.#targets.get(target) ?? { relation, distance, causes: [] };
    if (nearness(entry, { relation, distance }) > 0) Object.assign(entry, { relation, distance });
    if (
      !entry.causes.some((known) => known.file === cause.file && known.because === cause.because)
    ) entry.causes.push(cause);
    this.#targets.set(target, entry);
  }

  further(target: string, cause: Cause, distance: number): void {
    const entry = this.#further.get(target) ?? { distance, causes: [] };
    this.#further.set(target, {
      distance: Math.min(entry.distance, distance),
      causes: [...entry.causes, cause],
    });
  }

  options(suggested: SuggestedOptions): void {
    this.#options.push(suggested);
  }

  unmapped(file: string, because: string): void {
    this.#unmapped.push({ file, because });
  }

  missing(test: string, row: string): void {
    this.#missing.set(`${test}\0${row}`, { test, row });
  }

  result(tree: TestTree): Affected {
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

/** Leaves out what imports a change and lies in a directory that the change map names. */
function withoutNamed(targets: readonly AffectedTarget[]): readonly AffectedTarget[] {
  const order = new TargetOrder(
    targets.filter(({ relation }) => relation === "map").map(({ target }) => target),
  );
  return targets.filter(({ target, relation }) =>
    (relation !== "import" && relation !== "through") || order.placeOf(target) === Infinity
  );
}

/** Relations of targets that are chosen one by one. */
const NEARER: ReadonlySet<Relation> = new Set(["itself", "map", "import", "through"]);
/** With fewer test files than these a list of them is short. */
const FEW = 5;

function mostOfSuite(targets: readonly AffectedTarget[], { files }: TestTree): MostOfSuite | null {
  const near = targets.filter(({ relation }) => NEARER.has(relation));
  // A file is one, whatever else there is; only a directory can be many.
  const isFewerThan = (count: number) =>
    near.length < count && near.every(({ target }) => target.endsWith(".py"));
  if (isFewerThan(FEW)) return null;
  const tests = files.filter(isTestFile);
  if (isFewerThan(tests.length / 2)) return null;
  const order = new TargetOrder(near.map(({ target }) => target));
  const testFiles = tests.filter((file) => order.placeOf(file) < Infinity).length;
  const isMost = (count: number) => count * 2 > tests.length;
  if (testFiles < FEW || !isMost(testFiles)) return null;
  return {
    testFiles,
    of: tests.length,
    imported: [...importersOf(near)].filter(([, count]) => isMost(count)).map(([file]) => file),
  };
}

/** By how many test files among these each changed file is imported, directly or through others. */
function importersOf(targets: readonly AffectedTarget[]): ReadonlyMap<string, number> {
  const importers = new Map<string, number>();
  for (const { target, causes } of targets.filter(({ target }) => isTestFile(target))) {
    for (
      const file of new Set(
        causes.flatMap(({ file, chain }) => chain && file !== target ? [file] : []),
      )
    ) {
      importers.set(file, (importers.get(file) ?? 0) + 1);
    }
  }
  return importers;
}

function manyImport(file: string, count: number, of: number): Cause {
  const imports = count === 1 ? "imports" : "import";
  return {
    file,
    because: `everything: ${count} of ${of} test files ${imports} it, directly or through others`,
  };
}

/** Direct importers that are named one by one where the suite is named anyway. */
const MOST_NAMED = 15;

/**
 * Puts the tests directories in the place of test files that import a change, where most of the
 * suite does: what imports it through others always, what imports it directly where they are many.
 */
function inOneLine(
  targets: readonly AffectedTarget[],
  most: MostOfSuite,
  tree: TestTree,
): readonly AffectedTarget[] {
  const isMany = targets.filter(({ relation }) => relation === "import").length >
    Math.min(most.of / 2, MOST_NAMED);
  const isFar = ({ relation }: AffectedTarget) =>
    relation === "through" || (isMany && relation === "import");
  const far = targets.filter(isFar);
  if (far.length < FEW) return targets;
  const importers = importersOf(targets);
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

const RUN_BY_PACKAGE = "only because importing a package runs all of it";

function isWide({ target }: Reached): boolean {
  return target === null || target.endsWith("/");
}

function reasonOf({ target, distance }: Reached): string {
  if (target === null) return "a plugin that pytest loads before every test";
  if (target.endsWith("/")) return "fixtures of every test below it";
  return distance === 1 ? "imported directly" : "imported through others";
}

interface Near {
  readonly relation: Relation;
  readonly distance: number;
}

/** Below 0 if the first one is nearer. */
function nearness(one: Near, other: Near): number {
  return RELATIONS.indexOf(one.relation) - RELATIONS.indexOf(other.relation) ||
    one.distance - other.distance;
}
