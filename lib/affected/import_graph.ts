import { lastPart, parent } from "../base/paths.ts";
import type { ImportLines } from "./import_lines.ts";
import {
  below,
  firstOf,
  type FoundModule,
  isConftest,
  isInit,
  ModuleIndex,
  moduleKey,
  type Place,
  type Sources,
} from "./module_index.ts";
import { PassedNames } from "./passed_names.ts";
import { BELOW, type PythonImport } from "./python_code.ts";
import { attributesOf, importingPart, literalsOf } from "./python_imports.ts";
import { SearchedTexts } from "./searched_texts.ts";

/** A Python project, as the graph needs it. Paths are relative to its root, with `/`. */
export interface PythonProject {
  /** The texts of its Python files; a deleted module is empty, so that its importers are found. */
  readonly sources: Sources;
  /** Where absolute imports start: `src`, `.`, `tests`; the likeliest first. */
  readonly starts: readonly string[];
  /** Whether pytest collects tests from a file. */
  readonly isTest: (path: string) => boolean;
  /** Whether a file is among the tests, as helpers are; nothing but tests unless given. */
  readonly isInTests?: (path: string) => boolean;
  /** Dotted names of modules that pytest loads before any test: `-p tractor._testing.pytest`. */
  readonly plugins: readonly string[];
}

/** How a test file depends on a changed file. */
export interface Reached {
  /** A test file; by a conftest.py its directory, with a slash at its end; null for all tests. */
  readonly target: string | null;
  /** The changed file, its importer …, and the test file, conftest.py or plugin at last. */
  readonly chain: readonly string[];
  /** Number of imports: 1 for a direct one, and for a name that an `__init__.py` re-exports. */
  readonly distance: number;
}

/** What a changed file reaches, by distance. */
export interface Reach {
  /** What imports it, or something that came from it, by name. */
  readonly named: readonly Reached[];
  /**
   * What loads it only because importing a package runs its `__init__.py`, which imports more.
   * Mostly that is everything.
   */
  readonly loaded: readonly Reached[];
}

/** An import of a file. */
interface Edge {
  readonly importer: string;
  /** It takes nothing by name but runs the file, which is an `__init__.py`. */
  readonly weak: boolean;
  /** `__init__.py` files that re-export the name. */
  readonly through: readonly string[];
}

/** The packages that names of a file stand for. */
type Packages = Map<string, Set<string>>;

/** The imports of a project, from the text of its files. */
export class ImportGraph {
  readonly #modules: ModuleIndex;
  readonly #passed: PassedNames;
  readonly #importers = new Map<string, Map<string, Edge>>();
  readonly #plugins = new Set<string>();
  /** Files whose imports are not in the graph yet. */
  readonly #unlinked: Set<string>;
  /** The texts of files that have to be read, and the parts of these that may import. */
  #texts: { readonly whole: SearchedTexts; readonly imports: SearchedTexts } | null = null;
  #lines: ImportLines | null = null;
  /** By file: words, one of which each file has that imports it from an `__init__.py`. */
  readonly #passedAs = new Map<string, Set<string>>();
  /** By file: the `__init__.py` files that import all of it, by unknown names. */
  readonly #starredBy = new Map<string, Set<string>>();

  constructor(private readonly project: PythonProject) {
    const { sources, starts, plugins } = project;
    this.#unlinked = new Set(sources.keys());
    this.#modules = new ModuleIndex(sources, starts);
    this.#passed = new PassedNames(this.#modules);
    for (const path of sources.keys()) if (isInit(path)) this.#passOn(path);
    for (const name of plugins) {
      for (const { files, inits } of this.#modules.absolute("", name.split("."))) {
        for (const file of files) {
          this.#plugins.add(file);
          for (const init of inits) this.#add(init, weakly(file));
        }
      }
    }
  }

  /** Makes it read, of the searched files, only those with a word of interest in these lines. */
  prefer(lines: ImportLines): void {
    this.#lines = lines;
  }

  /** The test files that a change of a file reaches, with the shortest chain to each. */
  reach(changed: string): Reach {
    const named = this.#search(changed, false);
    const known = new Set(named.map(({ target }) => target));
    const isKnown = (target: string | null): boolean =>
      known.has(null) || known.has(target) ||
      [...known].some((one) => one?.endsWith("/") && target?.startsWith(one));
    const loaded = this.#search(changed, true).filter(({ target }) => !isKnown(target));
    return { named, loaded };
  }

  /** The `__init__.py` of the outermost package around a file; null if it is in none. */
  packageAround(path: string): string | null {
    for (let directory = parent(path); directory !== "."; directory = parent(directory)) {
      const around = this.#modules.initsAround(`${directory}/x`);
      if (around.length > 0) return around.at(-1)!;
    }
    return null;
  }

  /**
   * Test files and their helpers, a conftest.py too, that have one of these words in a string.
   * It has to be whole. Comments, docstrings and sentences do not count.
   */
  naming(words: readonly string[]): string[] {
    const quoted = words.map((word) => word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
    const expression = new RegExp(`(?<![\\w.-])(?:${quoted.join("|")})(?![\\w-])`);
    const found: string[] = [];
    for (const path of this.project.sources.keys()) {
      const isOfTests = this.project.isTest(path) || isConftest(path) ||
        this.project.isInTests?.(path);
      if (!isOfTests) continue;
      const text = this.project.sources.get(path)!;
      if (!words.some((word) => text.includes(word))) continue;
      const isNamed = literalsOf(text).some((literal) =>
        expression.test(literal) &&
        (!/\s/.test(literal) || COMMAND.test(literal) || PROGRAM.test(literal))
      );
      if (isNamed) found.push(path);
    }
    return found.sort();
  }

  #search(changed: string, weakToo: boolean): Reached[] {
    const chains = new Map<string, readonly string[]>([[changed, [changed]]]);
    const found = new Map<string | null, Reached>();
    let front = [changed];
    for (let distance = 0; front.length > 0; distance++) {
      const next: string[] = [];
      this.#linkImportersOf(front);
      for (const file of front) {
        const chain = chains.get(file)!;
        const isTarget = distance > 0 || this.#plugins.has(file);
        const target = isTarget ? this.#targetOf(file) : undefined;
        if (target !== undefined && !found.has(target)) {
          found.set(target, { target, chain, distance });
        }
        for (const edge of this.#importers.get(file)?.values() ?? []) {
          // Importing a package runs its changed `__init__.py`.
          const counts = weakToo || !edge.weak || (file === changed && isInit(file));
          // All tests of a conftest.py or a plugin are its target already.
          const covered = distance > 0 && target === null ||
            (typeof target === "string" && target.endsWith("/") &&
              edge.importer.startsWith(target) && this.project.isTest(edge.importer));
          if (!counts || covered || chains.has(edge.importer)) continue;
          chains.set(edge.importer, [
            ...chain,
            ...edge.through.filter((init) => !chain.includes(init)),
            edge.importer,
          ]);
          next.push(edge.importer);
        }
      }
      front = next.sort();
    }
    return [...found.values()];
  }

  #targetOf(file: string): string | null | undefined {
    if (this.#plugins.has(file)) return null;
    if (isConftest(file)) return parent(file) === "." ? null : `${parent(file)}/`;
    return this.project.isTest(file) ? file : undefined;
  }

  /** Adds all importers of these to the graph. Only files with a word of an import are parsed. */
  #linkImportersOf(asked: readonly string[]): void {
    if (this.#unlinked.size === 0) return;
    const files = [...new Set(asked.flatMap((file) => [file, ...this.#starredBy.get(file) ?? []]))];
    this.#texts ??= this.#readTexts();
    const { whole, imports } = this.#texts;
    const words = new Map<string, boolean>();
    for (const file of files) {
      // A test is not used as an attribute of its package.
      const isAttribute = !this.project.isTest(file);
      for (const word of [lastPart(moduleKey(file)), ...this.#passedAs.get(file) ?? []]) {
        words.set(word, isAttribute || words.get(word) === true);
      }
    }
    if (words.size > MOST_WORDS) return this.#linkAll([...this.#unlinked]);
    for (const [word, isAttribute] of words) {
      this.#linkAll(this.#lines?.having(word) ?? []);
      this.#linkAll(imports.having(word));
      if (isAttribute) this.#linkAll(whole.having(`.${word}`));
    }
    for (const home of files.filter(isInit).map((init) => `${parent(init)}/`)) {
      this.#linkAll([...this.#unlinked].filter((path) => path.startsWith(home)));
    }
  }

  /** Reads the files that were not searched, and those whose lines are not enough. */
  #readTexts() {
    const { sources } = this.project;
    const lines = this.#lines;
    const lacking = lines?.lacking(this.#modules.packages);
    const paths = lines
      ? [...sources.keys()].filter((path) => !lines.searched.has(path) || lacking!.has(path))
      : [...sources.keys()];
    const texts = paths.map((path): [string, string] => [path, sources.get(path)!]);
    const whole = new SearchedTexts(texts);
    // Any file may be what they import.
    for (const word of BY_COMPUTED_NAME) {
      this.#linkAll(whole.having(word));
      this.#linkAll(lines?.having(word) ?? []);
    }
    const parts = texts.map(([path, text]): [string, string] => [path, importingPart(text)]);
    return { whole, imports: new SearchedTexts(parts) };
  }

  #linkAll(paths: readonly string[]): void {
    for (const path of paths) if (this.#unlinked.delete(path)) this.#link(path);
  }

  #passOn(init: string): void {
    const key = moduleKey(init);
    const add = (place: Place, name: string) => {
      for (const file of place.files) addTo(this.#passedAs, file, name);
    };
    for (const one of this.#modules.importsOf(init)) {
      if (one.bound === null) continue;
      // A star import of the package takes it too.
      for (const place of this.#passed.named(key, one.bound, new Set())) {
        for (const word of [one.bound, STAR]) add(place, word);
      }
    }
    for (const place of this.#passed.listed(key)) add(place, STAR);
    for (const place of this.#passed.starsOf(key, new Set())) {
      for (const word of [lastPart(key), STAR]) add(place, word);
      for (const file of place.files) addTo(this.#starredBy, file, init);
    }
  }

  #link(path: string): void {
    const packages: Packages = new Map();
    for (const one of this.#modules.importsOf(path)) {
      // It never runs.
      if (one.typing) continue;
      for (const found of this.#modules.modulesOf(path, one)) {
        for (const init of found.inits) this.#add(init, weakly(path));
        if (one.name === null) this.#linkModule(path, one, found, packages);
        else this.#linkName(path, one, found, packages);
      }
    }
    if (packages.size > 0) this.#linkAttributes(path, packages);
    // pytest imports it as a module of the packages around it.
    if (this.project.isTest(path) || isConftest(path)) {
      for (const init of this.#modules.initsAround(path)) this.#add(init, weakly(path));
    }
  }

  /** `import a.b`. */
  #linkModule(path: string, one: PythonImport, found: FoundModule, packages: Packages): void {
    const first = firstOf(one.module);
    const bound = one.bound === first ? this.#modules.absolute(path, [first]) : [found];
    for (const { module } of bound) this.#bind(packages, one.bound, module);
    this.#addFiles(found, path);
  }

  /** `from a import b`, a star too. */
  #linkName(path: string, one: PythonImport, found: FoundModule, packages: Packages): void {
    const name = one.name!;
    if (name === BELOW) {
      const files = [...this.#modules.filesBelow(found.key)];
      return this.#addFiles({ files, through: [], module: null }, path);
    }
    if (name === "*") {
      this.#addFiles(found, path);
      for (const place of this.#passed.passedOn(found.key)) this.#addFiles(place, path);
      return;
    }
    const isWhole = found.rest.length > 0;
    for (const place of isWhole ? [found] : this.#passed.named(found.key, name, new Set())) {
      this.#addFiles(place, path);
      this.#bind(packages, one.bound, place.module);
    }
    for (const file of found.files) this.#add(file, weakly(path));
  }

  /** Notes that a name of a file stands for a package. */
  #bind(packages: Packages, bound: string | null, key: string | null): void {
    if (bound !== null && key !== null && this.#modules.isPackage(key)) addTo(packages, bound, key);
  }

  /** Adds what a file uses of packages by attributes: `app.tools.shape.fmt`. */
  #linkAttributes(path: string, packages: Packages): void {
    for (const chain of attributesOf(this.#modules.textOf(path), [...packages.keys()])) {
      const [bound, ...names] = chain.split(".");
      let keys: ReadonlySet<string> = packages.get(bound!)!;
      for (const name of names) {
        const next = new Set<string>();
        for (const place of [...keys].flatMap((key) => this.#passed.named(key, name, new Set()))) {
          this.#addFiles(place, path);
          if (place.module !== null && this.#modules.isPackage(place.module)) {
            next.add(place.module);
          }
        }
        for (const key of keys) {
          if (this.#modules.isPackage(below(key, name))) next.add(below(key, name));
        }
        if (next.size === 0) break;
        keys = next;
      }
    }
  }

  #addFiles(place: Place, importer: string): void {
    const isWeak = (file: string) => isInit(file) && !place.isDefined;
    for (const file of place.files) {
      this.#add(file, { importer, weak: isWeak(file), through: place.through });
    }
  }

  #add(file: string, edge: Edge): void {
    if (file === edge.importer) return;
    let edges = this.#importers.get(file);
    if (!edges) this.#importers.set(file, edges = new Map());
    const known = edges.get(edge.importer);
    const isBetter = !known || (known.weak && !edge.weak) ||
      (known.weak === edge.weak && edge.through.length < known.through.length);
    if (isBetter) edges.set(edge.importer, edge);
  }
}

/** What a string of several words contains if it is a command or a program, and no sentence. */
const COMMAND = /(?:^|\s)(?:-m|python[\d.]*|\S*\/python[\d.]*|exec|sh|bash|uv)\s/;
const PROGRAM = /^[ \t]*(?:import|from)[ \t]+[\w.]+/m;
/** Calls that import what they compute. */
const BY_COMPUTED_NAME = ["import_module", "__import__", "iter_modules", "walk_packages"] as const;
/** Searching for more words than these takes longer than parsing all files. */
const MOST_WORDS = 20;

/** The words of a file that imports all of a package. */
const STAR = "import *";

/** Adds a value to the set of a key. */
function addTo(sets: Map<string, Set<string>>, key: string, value: string): void {
  const set = sets.get(key);
  if (set) set.add(value);
  else sets.set(key, new Set([value]));
}

function weakly(importer: string): Edge {
  return { importer, weak: true, through: [] };
}
