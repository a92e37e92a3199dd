import { lastPart, parent } from "../base/paths.ts";
import type { ChangeRow, OptionRow } from "../project/change_map.ts";
import { findByName, isTestIn, isWithin, type TestTree } from "../project/rules_targets.ts";
import type { Cause, Change } from "./affected_targets.ts";
import type { ImportGraph, Reached } from "./import_graph.ts";
import { isCompiled, isModuleFile } from "./module_index.ts";
import type { TargetList } from "./rules_suite.ts";

/** What is known of the project. */
export interface Surroundings {
  readonly tree: TestTree;
  /** The package's directory relative to the root; null when there is none. */
  readonly packageDirectory: string | null;
  readonly changeMap: readonly ChangeRow[];
  /** Which changes need options; none unless given. */
  readonly optionMap?: readonly OptionRow[];
  /** The imports of the project; null when they were not read. */
  readonly graph?: ImportGraph | null;
}

const LOCK_FILES = ["(uv|poetry|pdm)\\.lock", "pylock(\\.\\w+)?\\.toml", "requirements[^/]*\\.txt"];
const BUILDS = ["Cargo\\.(toml|lock)", "meson\\.build", "CMakeLists\\.txt"];
const SETTINGS = ["pyproject\\.toml", "\\.?pytest\\.(toml|ini)", "tox\\.ini", "setup\\.(cfg|py)"];
/** Files in the root that decide how every test runs. */
const WIDE_FILES = new RegExp(
  `^(${[...SETTINGS, ...BUILDS, ...LOCK_FILES, "conftest\\.py", "\\.python-version"].join("|")})$`,
);

/** Files that no test reads. */
const DOCUMENTATION = /\.(md|rst|adoc)$|(^|\/)(py\.typed|LICENSE[^/]*)$/i;

/** Files of other tools. */
const OTHER_TOOLS =
  /^\.((github|gitlab|circleci|vscode|idea)\/|(git|docker|editorconfig|pre-commit)[^/]*$)/;

const DOCUMENTATION_REASON = "documentation: no test reads it";
const TOOL_REASON = "a file of another tool: no test reads it";
const PACKAGE_REASON = "only because importing a package runs all of it";
const FIXTURES_REASON = "fixtures of every test below it";

/**
 * Whether the import graph, which takes time to read, may add tests for a change. That includes
 * changes in the change map: they may have more importers than the map knows.
 */
export function asksForImports(
  { path, submodule }: Change,
  around: Surroundings,
): boolean {
  const { tree, packageDirectory, changeMap } = around;
  if (submodule || WIDE_FILES.test(path) || OTHER_TOOLS.test(path)) return false;
  if (isDocumentation(path, tree)) return false;
  const tests = testsAround(path, tree);
  if (!isInPackage(path, around, tests)) {
    return tests !== undefined || isModuleFile(path) || path.includes("/");
  }
  if (path === `${packageDirectory}/__init__.py`) return false;
  // For a file that is not Python a row is enough.
  return path.endsWith(".py") ||
    rowsFor(path.slice(packageDirectory!.length + 1), changeMap).length === 0;
}

/** Whether no test reads a file. A text in a directory of data is data too. */
function isDocumentation(path: string, tree: TestTree): boolean {
  const { testsDirectories, files } = tree;
  if (!DOCUMENTATION.test(path)) return false;
  const isNear = (file: string) => isTestIn(tree, file) && parent(file) === parent(path);
  return !testsDirectories.some((tests) => tests !== "." && isWithin(path, tests)) ||
    files.some(isNear);
}

/** The tests directory that a path lies in. */
function testsAround(path: string, tree: TestTree): string | undefined {
  return tree.testsDirectories.find((directory) => isWithin(path, directory));
}

/** Whether a file belongs to the package, which may lie in the tests, or the tests in it. */
function isInPackage(path: string, around: Surroundings, tests: string | undefined): boolean {
  const { packageDirectory: home, tree } = around;
  if (home === null || !isWithin(path, home)) return false;
  if (tests === undefined) return true;
  return !isTestIn(tree, path) && (tests === "." || (home !== tests && isWithin(home, tests)));
}

function rowsNaming(path: string, changeMap: readonly ChangeRow[]): readonly ChangeRow[] {
  const isAmong = (entries: readonly string[]) =>
    entries.some((entry) => entry.endsWith("/") ? path.startsWith(entry) : path === entry);
  return changeMap.filter(({ changed, except = [] }) => isAmong(changed) && !isAmong(except));
}

/**
 * The rows for a file outside of package and tests, if any of their tests exists: many projects
 * have `examples/`.
 */
function rowsOutside(path: string, { changeMap, tree }: Surroundings): readonly ChangeRow[] {
  return rowsNaming(`/${path}`, changeMap)
    .filter(({ tests }) => tests.some((test) => findByName(test, tree).length > 0));
}

function rowsFor(module: string, changeMap: readonly ChangeRow[]): readonly ChangeRow[] {
  const exact = rowsNaming(module, changeMap);
  // A module that moved since its row was written is found by its name; that of `__init__.py` says
  // nothing.
  const name = lastPart(module);
  if (exact.length > 0 || name === "__init__.py") return exact;
  return changeMap.filter(({ changed }) =>
    changed.some((entry) => !entry.startsWith("/") && entry.endsWith(`/${name}`))
  );
}

/** The targets of one change. */
export class ChangedFile {
  readonly #path: string;
  readonly #isPython: boolean;

  constructor(
    private readonly change: Change,
    private readonly around: Surroundings,
    private readonly list: TargetList,
  ) {
    this.#path = change.path;
    this.#isPython = change.path.endsWith(".py");
  }

  /** Adds its targets to the list. */
  addTargets(): void {
    const { change, around: { packageDirectory, tree }, list } = this;
    const path = this.#path;
    const tests = testsAround(path, tree);
    if (change.submodule) this.#addAll("a submodule: anything may use its content");
    else if (tests !== undefined && isTestIn(tree, path)) this.#addTestFile();
    else if (WIDE_FILES.test(path)) this.#addAll("it decides how every test runs");
    else if (OTHER_TOOLS.test(path)) list.addUnmapped(path, TOOL_REASON);
    else if (path.endsWith("/conftest.py")) this.#addFixtures();
    else if (isInPackage(path, this.around, tests)) {
      this.#addModule(path.slice(packageDirectory!.length + 1));
    } else if (tests !== undefined && this.#isPython) this.#addHelper();
    else if (isDocumentation(path, tree)) list.addUnmapped(path, DOCUMENTATION_REASON);
    else if (tests !== undefined && !path.endsWith(".pyi")) this.#addData();
    else this.#addOutside();
  }

  #addTestFile(): void {
    if (this.change.status === "deleted") {
      this.list.addUnmapped(this.#path, "a deleted test file: nothing left to run");
    } else this.list.add("itself", this.#path, this.#cause("the test file itself changed"));
    this.#addImporters();
  }

  #addModule(module: string): void {
    const { list, around: { changeMap, graph } } = this;
    const path = this.#path;
    this.#addOptions(module);
    if (this.#addRows(rowsFor(module, changeMap))) return void this.#addImporters(true);
    if (module === "__init__.py") return this.#addAll("every import of the package runs it");
    if (path.endsWith(".pyi")) return list.addUnmapped(path, "a stub: only type checkers read it");
    if (DOCUMENTATION.test(path)) return list.addUnmapped(path, DOCUMENTATION_REASON);
    if (!graph) return list.addUnmapped(path, "not in the change map");
    if (isModuleFile(path) ? this.#addImporters() : this.#addPackageData()) return;
    if (!this.#isPython) return this.#addAll("not Python: any part of the package may use it");
    const dotted = path.replace(/\.py$/, "").replaceAll("/", ".").replace(/^src\./, "");
    if (this.#addMentions([lastPart(path), dotted])) return;
    list.addUnmapped(path, "no test imports it, directly or indirectly");
  }

  #addOptions(module: string): void {
    if (this.change.status === "deleted") return;
    for (const { changed, options, because } of this.around.optionMap ?? []) {
      if (changed.includes(module)) this.list.addOptions({ file: this.#path, options, because });
    }
  }

  /** Adds the tests of rows of the change map; false without rows. */
  #addRows(rows: readonly ChangeRow[]): boolean {
    const { list, around: { tree } } = this;
    for (const row of rows) {
      const label = row.changed.join(", ");
      const note = row.note ? ` (${row.note})` : "";
      const cause = this.#cause(`listed for ${label} in the change map${note}`);
      for (const test of row.tests) {
        const targets = findByName(test, tree);
        if (targets.length === 0) list.addMissing(test, label);
        for (const target of targets) list.add("map", target, cause);
      }
    }
    return rows.length > 0;
  }

  /** A conftest.py below the root, which others may import too. */
  #addFixtures(): void {
    this.#addDirectory(FIXTURES_REASON);
    const home = parent(this.#path);
    if (this.#allTests().includes(`${home}/`)) return;
    const reached = this.around.graph?.reach(this.#path).named ?? [];
    const elsewhere = reached.filter(({ target }) => !isWithin(target ?? "", home));
    for (const one of elsewhere) {
      const cause = this.#cause(reasonOf(one), one.chain);
      for (const each of one.target === null ? this.#allTests() : [one.target]) {
        if (isWide(one)) this.#addWide(each, cause.because, one.chain, one.distance);
        else this.list.add("through", each, cause, one.distance);
      }
    }
  }

  /** A Python file in the tests that has none. */
  #addHelper(): void {
    const path = this.#path;
    if (path.endsWith("/__init__.py") || !this.#addImporters()) {
      this.#addDirectory("shared by the tests of its directory");
    }
  }

  /** Data of tests: of those whose name a part of its path has, and of those that name it. */
  #addData(): void {
    const owners = this.#addOwners();
    if (!this.#addMentions([lastPart(this.#path)]) && !owners) {
      return this.#addDirectory("data of the tests of its directory");
    }
    const directory = lastPart(parent(this.#path));
    const { testsDirectories } = this.around.tree;
    // Others may read all files of the directory.
    if (directory.length > 2 && !testsDirectories.includes(parent(this.#path))) {
      this.#addMentions([directory], "the test mentions its directory");
    }
  }

  /** Adds `test_a.py` for `test_a/x.txt` and `__snapshots__/test_a.ambr`; false without one. */
  #addOwners(): boolean {
    const path = this.#path;
    const names = new Set(path.split("/").map((part) => part.replace(/\..*$/, "")));
    const owners = this.around.tree.files.filter((file) =>
      isTestIn(this.around.tree, file) && names.has(lastPart(file).slice(0, -3)) &&
      isWithin(path, parent(file))
    );
    const cause = this.#cause("data of the test of the same name");
    for (const owner of owners) this.list.add("through", owner, cause);
    return owners.length > 0;
  }

  /**
   * Adds the tests that import the package which a template or other data belongs to; false if it
   * is in no package, or nothing imports that.
   */
  #addPackageData(): boolean {
    const { list, around: { graph } } = this;
    const init = graph?.packageAround(this.#path) ?? null;
    if (graph == null || init === null) return false;
    const { named, loaded } = graph.reach(init);
    const reached = [...named, ...loaded];
    if (reached.length === 0 || this.#isEverything(reached)) return false;
    const name = lastPart(parent(init));
    for (const { target, chain } of reached) {
      const because = `data of the package ${name}, which the test imports`;
      const whole = [this.#path, ...chain];
      for (const each of target === null ? this.#allTests() : [target]) {
        if (each.endsWith("/")) this.#addWide(each, because, whole);
        else list.add("through", each, this.#cause(because, whole));
      }
    }
    this.#addMentions([lastPart(this.#path)]);
    return true;
  }

  #addOutside(): void {
    const path = this.#path;
    const name = lastPart(path);
    if (this.#addRows(rowsOutside(path, this.around))) {
      if (this.#isPython && !this.#addImporters(true)) this.#addMentions([name]);
      return;
    }
    if (this.#isPython) {
      const words = [name, name.replace(/\.py$/, "")].filter((word) => word.length > 3);
      if (this.#addImporters() || this.#addMentions(words)) return;
    }
    if (isCompiled(path)) {
      if (this.#addImporters()) return;
      return this.#addAll("source of compiled code: any module may use it");
    }
    if (!this.#isPython && !path.endsWith(".pyi") && this.around.graph?.packageAround(path)) {
      if (this.#addPackageData()) return;
      return this.#addAll("data of a package that every test imports");
    }
    if (!this.#isPython && path.includes("/") && this.#addMentions([lastPart(path)])) return;
    this.list.addUnmapped(
      path,
      this.around.packageDirectory === null
        ? "the project's package was not found"
        : "neither in the package nor in the tests",
    );
  }

  /**
   * Adds what imports it; false if nothing does.
   *
   * @param isMapped the change map has tests for it: what reaches it only because a package runs
   *   all of itself is farther away
   */
  #addImporters(isMapped = false): boolean {
    const { list, around: { graph, changeMap } } = this;
    if (!graph) return false;
    const { named, loaded } = graph.reach(this.#path);
    // A project with a change map has named the tests that matter: what a package's run loads,
    // which may be everything, does not.
    const isKnown = isMapped || (changeMap.length > 0 && named.some((one) => !isWide(one)));
    for (const one of named) {
      const { target, chain, distance } = one;
      const cause = this.#cause(reasonOf(one), chain);
      const isFurther = isKnown && isWide(one) && this.#isThroughPackage(one);
      for (const each of target === null ? this.#allTests() : [target]) {
        if (isFurther) list.addFurther(each, cause, distance);
        else if (isWide(one)) this.#addWide(each, cause.because, chain, distance);
        else list.add(distance === 1 ? "import" : "through", each, cause, distance);
      }
    }
    this.#addLoaded(loaded, this.#isEverything([...named, ...loaded]), isKnown);
    return named.length + loaded.length > 0;
  }

  /** Adds what loads it without using it by a name. */
  #addLoaded(loaded: readonly Reached[], isAll: boolean, isKnown: boolean): void {
    const [first] = loaded;
    if (first === undefined) return;
    if (isAll) {
      const { chain, distance } = loaded.find(isWide) ?? first;
      const cause = this.#cause(PACKAGE_REASON, chain);
      if (!isKnown) this.#addAll(PACKAGE_REASON, chain);
      else for (const each of this.#allTests()) this.list.addFurther(each, cause, distance);
      return;
    }
    for (const one of loaded) {
      const { target, chain, distance } = one;
      const cause = this.#cause(PACKAGE_REASON, chain);
      for (const each of target === null ? this.#allTests() : [target]) {
        if (isKnown) this.list.addFurther(each, cause, distance);
        else if (isWide(one)) this.#addWide(each, PACKAGE_REASON, chain, distance);
        else this.list.add("loaded", each, cause, distance);
      }
    }
  }

  /** Whether a change reaches fixtures through more than helpers of the tests. */
  #isThroughPackage({ chain, distance }: Reached): boolean {
    const { tree } = this.around;
    return distance > 1 && chain.slice(1, -1).some((file) => {
      const tests = testsAround(file, tree);
      return tests === undefined || isInPackage(file, this.around, tests);
    });
  }

  #allTests(): readonly string[] {
    return this.around.tree.testsDirectories.map((directory) => `${directory}/`);
  }

  #isEverything(reached: readonly Reached[]): boolean {
    const targets = new Set(reached.map(({ target }) => target));
    const tests = this.around.tree.files.filter((file) => isTestIn(this.around.tree, file));
    return targets.has(null) || this.#allTests().every((directory) => targets.has(directory)) ||
      (targets.size > 0 && tests.every((file) => targets.has(file)));
  }

  /** Adds tests that mention it in a string; false if none does. */
  #addMentions(words: readonly string[], because = "the test mentions its name"): boolean {
    const { graph } = this.around;
    let isFound = false;
    for (const file of graph?.naming(words) ?? []) {
      if (isTestIn(this.around.tree, file)) this.list.add("through", file, this.#cause(because));
      else if (file.endsWith("conftest.py")) {
        this.#addDirectory("fixtures of every test below it mention its name", file);
      } else {
        // A helper of the tests.
        const { named } = graph!.reach(file);
        for (const { target, chain } of named.filter((one) => !isWide(one))) {
          const cause = this.#cause("a helper of the test mentions its name", [
            this.#path,
            ...chain,
          ]);
          this.list.add("through", target!, cause);
        }
        for (const { chain } of named.filter(isWide)) {
          this.#addDirectory("fixtures of every test below it mention its name", chain.at(-1)!);
        }
        if (named.length === 0) continue;
      }
      isFound = true;
    }
    return isFound;
  }

  /** Adds the nearest directory around a file that has tests. */
  #addDirectory(because: string, file = this.#path): void {
    const { testsDirectories, files } = this.around.tree;
    const tests = files.filter((file) => isTestIn(this.around.tree, file));
    const hasTests = (directory: string) =>
      directory === "." || testsDirectories.includes(directory) ||
      tests.some((test) => isWithin(test, directory));
    let directory = parent(file);
    while (!hasTests(directory)) directory = parent(directory);
    this.#addWide(`${directory}/`, because);
  }

  #addAll(because: string, chain?: readonly string[]): void {
    for (const directory of this.#allTests()) this.#addWide(directory, because, chain);
  }

  #addWide(directory: string, because: string, chain?: readonly string[], distance = 0): void {
    const isAll = this.#allTests().includes(directory);
    const cause = this.#cause(isAll ? `everything: ${because}` : because, chain);
    this.list.add(isAll ? "all" : "directory", directory, cause, distance);
  }

  #cause(because: string, chain?: readonly string[]): Cause {
    return { file: this.#path, because, ...(chain === undefined ? {} : { chain }) };
  }
}

function isWide({ target }: Reached): boolean {
  return target === null || target.endsWith("/");
}

function reasonOf({ target, distance }: Reached): string {
  if (target === null) return "a plugin that pytest loads before every test";
  if (target.endsWith("/")) return FIXTURES_REASON;
  return distance === 1 ? "imported directly" : "imported indirectly";
}
