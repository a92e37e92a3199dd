import { directoriesOf, parent } from "../base/paths.ts";
import { type ImportLines, isWord } from "./import_lines.ts";
import {
  attributesOf,
  importingPart,
  literalsOf,
  pythonCode,
  type PythonImport,
  pythonImports,
} from "./python_imports.ts";

/** Texts by path, which may be read on demand. */
export type Sources = Pick<ReadonlyMap<string, string>, "has" | "get" | "keys">;

/** A Python project, as the graph needs it. Paths are relative to its root, with `/`. */
export interface PythonProject {
  /** The texts of its Python files; a deleted module is empty, so that its importers are found. */
  readonly sources: Sources;
  /** Where absolute imports start: `src`, `.`, `tests`; the likeliest first. */
  readonly starts: readonly string[];
  /** Whether pytest collects tests from a file. */
  readonly isTest: (path: string) => boolean;
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
  readonly reached: readonly Reached[];
  /**
   * No file imports it, or what came from it, by name: it runs only because importing a package
   * runs its `__init__.py`, which imports more. Otherwise what it reaches only in this way is left
   * out: mostly that is everything.
   */
  readonly isFar: boolean;
}

/** An import of a file. */
interface Edge {
  readonly importer: string;
  /** It takes nothing by name but runs the file (an `__init__.py`), or is for type checkers. */
  readonly weak: boolean;
  /** `__init__.py` files that re-export the name. */
  readonly through: readonly string[];
}

/** What a dotted name may stand for. */
interface Place {
  /** The files that it is in; none for a directory without `__init__.py`. */
  readonly files: readonly string[];
  readonly through: readonly string[];
  /** The module that it is; null for something in one. */
  readonly module: string | null;
  /** An `__init__.py` defines it: its users depend on that. */
  readonly isDefined?: true;
}

/** A module or directory that dotted parts lead to. */
interface FoundModule extends Place {
  readonly key: string;
  /** `__init__.py` files that run on the way. */
  readonly inits: readonly string[];
  /** The parts that are not modules. */
  readonly rest: readonly string[];
}

/** The imports of a project, from the text of its files. */
export class ImportGraph {
  /** By module path without suffix: `tractor/ipc` has `tractor/ipc/__init__.py`. */
  readonly #modules = new Map<string, string[]>();
  /** The names of the modules in each directory. */
  readonly #below = new Map<string, string[]>();
  readonly #directories: ReadonlySet<string>;
  readonly #imports = new Map<string, readonly PythonImport[]>();
  readonly #importers = new Map<string, Map<string, Edge>>();
  readonly #plugins = new Set<string>();
  /** Files whose imports are not in the graph yet. */
  readonly #unlinked: Set<string>;
  /** The texts of files that have to be read, and the parts of these that may import. */
  #texts: { readonly whole: Texts; readonly imports: Texts } | null = null;
  #lines: ImportLines | null = null;
  /** The names of directories. */
  readonly #packages: ReadonlySet<string>;
  /** By file: words, one of which each file has that imports it from an `__init__.py`. */
  readonly #passedAs = new Map<string, Set<string>>();
  /** By file: the `__init__.py` files that import all of it, by unknown names. */
  readonly #starredBy = new Map<string, Set<string>>();
  /** Names of all modules and directories: an import of anything else leads out of the project. */
  readonly #names = new Set<string>();

  constructor(private readonly project: PythonProject) {
    this.#unlinked = new Set(project.sources.keys());
    this.#directories = directoriesOf(project.sources.keys());
    this.#packages = new Set([...this.#directories].map(lastPart));
    for (const path of project.sources.keys()) {
      const key = moduleKey(path);
      const others = this.#modules.get(key);
      if (!others) this.#modules.set(key, [path]);
      // Python takes the package where both are there.
      else if (path.endsWith("/__init__.py")) others.unshift(path);
      else others.push(path);
      this.#names.add(lastPart(key));
      const siblings = this.#below.get(parent(key));
      if (siblings) siblings.push(lastPart(key));
      else this.#below.set(parent(key), [lastPart(key)]);
    }
    for (const name of this.#packages) this.#names.add(name);
    for (const path of project.sources.keys()) if (isInit(path)) this.#passOn(path);
    for (const name of project.plugins) {
      for (const file of this.#find(name.split("."), project.starts)?.files ?? []) {
        this.#plugins.add(file);
      }
    }
  }

  /** Makes it read, of the searched files, only those with a word of interest in these lines. */
  prefer(lines: ImportLines): void {
    this.#lines = lines;
  }

  /** The test files that import a file, directly or indirectly, with the shortest chain to each. */
  reach(changed: string): Reach {
    const near = this.#search(changed, false);
    return near.length > 0
      ? { reached: near, isFar: false }
      : { reached: this.#search(changed, true), isFar: true };
  }

  /** The same, including what runs only because a package's `__init__.py` imports it. */
  reachOfAll(changed: string): readonly Reached[] {
    return this.#search(changed, true);
  }

  /**
   * Test files and conftest.py files that have one of these words, as a whole, in a string.
   * Comments, docstrings and sentences do not count.
   */
  naming(words: readonly string[]): string[] {
    const quoted = words.map((word) => word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
    const expression = new RegExp(`(?<![\\w.-])(?:${quoted.join("|")})(?![\\w-])`);
    const found: string[] = [];
    for (const path of this.project.sources.keys()) {
      if (!this.project.isTest(path) && !isConftest(path)) continue;
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
              edge.importer.startsWith(target));
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
    const lacking = lines?.lacking(this.#packages);
    const paths = lines
      ? [...sources.keys()].filter((path) => !lines.searched.has(path) || lacking!.has(path))
      : [...sources.keys()];
    const texts = paths.map((path): [string, string] => [path, sources.get(path)!]);
    return {
      whole: new Texts(texts),
      imports: new Texts(texts.map(([path, text]) => [path, importingPart(text)])),
    };
  }

  #linkAll(paths: readonly string[]): void {
    for (const path of paths) if (this.#unlinked.delete(path)) this.#link(path);
  }

  #passOn(init: string): void {
    const key = moduleKey(init);
    const add = (place: Place, name: string) => {
      for (const file of place.files) addTo(this.#passedAs, file, name);
    };
    for (const one of this.#importsOf(init)) {
      if (one.bound === null) continue;
      // A star import of the package takes it too.
      for (const place of this.#named(key, one.bound, new Set())) {
        for (const word of [one.bound, STAR]) add(place, word);
      }
    }
    for (const place of this.#listed(key)) add(place, STAR);
    for (const place of this.#starsOf(key, new Set())) {
      for (const word of [lastPart(key), STAR]) add(place, word);
      for (const file of place.files) addTo(this.#starredBy, file, init);
    }
  }

  #link(path: string): void {
    const packages = new Map<string, Set<string>>();
    const bind = (bound: string | null, key: string | null) => {
      if (bound !== null && key !== null && this.#isPackage(key)) addTo(packages, bound, key);
    };
    for (const one of this.#importsOf(path)) {
      if (one.level === 0 && !this.#names.has(firstOf(one.module))) continue;
      const found = this.#moduleOf(path, one);
      if (!found) continue;
      for (const init of found.inits) this.#add(init, weakly(path));
      if (one.name === null) {
        const first = firstOf(one.module);
        const isFirst = one.bound === first;
        const bound = isFirst ? this.#find([first], this.#startsOf(path, one.level)) : found;
        bind(one.bound, bound && bound.module);
        this.#addFiles(found, path, one.typing);
      } else if (one.name === "*") {
        this.#addFiles(found, path, one.typing);
        for (const place of this.#passedOn(found.key)) this.#addFiles(place, path, one.typing);
      } else {
        const places = found.rest.length > 0
          ? [found]
          : this.#named(found.key, one.name, new Set());
        for (const place of places) {
          this.#addFiles(place, path, one.typing);
          bind(one.bound, place.module);
        }
        for (const file of found.files) this.#add(file, weakly(path));
      }
    }
    if (packages.size > 0) this.#linkAttributes(path, packages);
  }

  /** Adds what a file uses of packages by attributes: `app.tools.shape.fmt`. */
  #linkAttributes(path: string, packages: ReadonlyMap<string, ReadonlySet<string>>): void {
    for (const chain of attributesOf(this.project.sources.get(path)!, [...packages.keys()])) {
      const [bound, ...names] = chain.split(".");
      let keys: ReadonlySet<string> = packages.get(bound!)!;
      for (const name of names) {
        const next = new Set<string>();
        for (const place of [...keys].flatMap((key) => this.#named(key, name, new Set()))) {
          this.#addFiles(place, path, false);
          if (place.module !== null && this.#isPackage(place.module)) next.add(place.module);
        }
        for (const key of keys) if (this.#isPackage(below(key, name))) next.add(below(key, name));
        if (next.size === 0) break;
        keys = next;
      }
    }
  }

  /** The module that an import of a file names. */
  #moduleOf(path: string, { module, level }: PythonImport): FoundModule | null {
    return this.#find(module === "" ? [] : module.split("."), this.#startsOf(path, level));
  }

  /** The module of which an import takes everything. */
  #starredModule(path: string, one: PythonImport): FoundModule | null {
    return one.name === "*" ? this.#moduleOf(path, one) : null;
  }

  /** Where absolute or relative imports of a file start. */
  #startsOf(path: string, level: number): readonly string[] {
    if (level > 0) {
      let directory = parent(path);
      for (let up = 1; up < level; up++) directory = parent(directory);
      return [directory];
    }
    // pytest puts the first directory above a test that is no package before the others; a script's
    // own directory comes first too.
    let own = parent(path);
    while (own !== "." && this.project.sources.has(`${own}/__init__.py`)) own = parent(own);
    return [own, ...this.project.starts];
  }

  /** The deepest module or directory that dotted parts lead to; null if the first is missing. */
  #find(parts: readonly string[], starts: readonly string[]): FoundModule | null {
    const has = (key: string) => this.#modules.has(key);
    const start = parts.length === 0
      ? starts[0]
      : starts.find((one) => has(below(one, parts[0]!))) ??
        starts.find((one) => this.#directories.has(below(one, parts[0]!)));
    if (start === undefined) return null;
    const inits: string[] = [];
    let key = start;
    let index = 0;
    for (; index < parts.length; index++) {
      const next = below(key, parts[index]!);
      if (!has(next) && !this.#directories.has(next)) break;
      if (index > 0) inits.push(...this.#filesOf(key).filter(isInit));
      key = next;
    }
    const rest = parts.slice(index);
    const module = rest.length === 0 ? key : null;
    return { key, files: this.#filesOf(key), inits, rest, through: [], module };
  }

  /**
   * Where a name of a module may come from: a module below it, an import of its `__init__.py`, or
   * the module itself. All possible places count: of several imports of a name (`try … except
   * ImportError`) any may be the right one.
   */
  #named(key: string, name: string, seen: Set<string>): readonly Place[] {
    const files = this.#filesOf(key);
    const own: Place = { files, through: [], module: null };
    const init = files.find(isInit);
    if (seen.has(`${key}:${name}`)) return [own];
    seen.add(`${key}:${name}`);
    const sub = below(key, name);
    const places: Place[] = this.#modules.has(sub)
      ? [{ files: this.#filesOf(sub), through: [], module: sub }]
      : [];
    if (init === undefined) return places.length > 0 ? places : [own];
    for (const one of this.#importsOf(init)) {
      if (one.bound !== name) continue;
      const found = this.#moduleOf(init, one);
      if (!found || (found.key === key && one.name === null)) continue;
      const isWhole = one.name === null || found.rest.length > 0;
      for (const place of isWhole ? [found] : this.#named(found.key, one.name, seen)) {
        // An `__init__.py` can't re-export what it does not have.
        if (place.files !== files) places.push(passedBy(init, place));
      }
    }
    const text = this.project.sources.get(init)!;
    if (defines(text, name)) places.push({ ...own, isDefined: true });
    for (const one of this.#importsOf(init)) {
      const found = this.#starredModule(init, one);
      if (!found || !this.#has(found.key, name, new Set())) continue;
      for (const place of this.#named(found.key, name, seen)) places.push(passedBy(init, place));
    }
    if (places.length > 0) return places;
    // It is defined in another way: `f, g = 1, 2`, a loop, `globals()`.
    const isOwn = defines(text, "__getattr__") ||
      (text.includes(name) && mentions(pythonCode(text).code, name));
    return [isOwn ? { ...own, isDefined: true } : own];
  }

  /** Whether a module defines a name, or imports it. */
  #has(key: string, name: string, seen: Set<string>): boolean {
    if (seen.has(key)) return false;
    seen.add(key);
    return this.#filesOf(key).some((file) =>
      defines(this.project.sources.get(file)!, name) ||
      this.#importsOf(file).some((one) => {
        if (one.bound === name) return true;
        const found = this.#starredModule(file, one);
        return found !== null && this.#has(found.key, name, seen);
      })
    );
  }

  /** All that an `__init__.py` imports or defines. */
  #passedOn(key: string): Place[] {
    const files = this.#filesOf(key);
    const init = files.find(isInit);
    if (init === undefined) return [];
    const stars = this.#starsOf(key, new Set());
    return [...this.#boundIn(init, key), ...stars, ...this.#listed(key), ...this.#definedIn(files)];
  }

  /** All that a file imports by name, as names of a module. */
  #boundIn(file: string, key: string): Place[] {
    return this.#importsOf(file)
      .flatMap(({ bound }) => bound === null ? [] : this.#named(key, bound, new Set()));
  }

  /** The `__init__.py` among these files, if it defines something that a star takes. */
  #definedIn(files: readonly string[]): Place[] {
    const init = files.find(isInit);
    const isDefined = init !== undefined && DEFINES_SOMETHING.test(this.project.sources.get(init)!);
    return isDefined ? [{ files, through: [], module: null, isDefined }] : [];
  }

  /** Modules below a package that its `__init__.py` names: a star takes those of `__all__`. */
  #listed(key: string): Place[] {
    const names = this.#below.get(key) ?? NONE;
    const init = names.length === 0 ? undefined : this.#filesOf(key).find(isInit);
    if (init === undefined) return [];
    const text = this.project.sources.get(init)!;
    return names.filter((name) => mentions(text, name)).map((name) => below(key, name))
      .map((module) => ({ files: this.#filesOf(module), through: [], module }));
  }

  /** All that an `__init__.py` imports by stars, directly or indirectly. */
  #starsOf(key: string, seen: Set<string>): Place[] {
    const init = this.#filesOf(key).find(isInit);
    if (init === undefined || seen.has(key)) return [];
    seen.add(key);
    return this.#importsOf(init).flatMap((one) => {
      const found = this.#starredModule(init, one);
      if (found === null) return [];
      const { key: from, files } = found;
      const bound = this.#boundIn(files.find(isInit) ?? "", from);
      return [found, ...this.#definedIn(files), ...bound, ...this.#starsOf(from, seen)]
        .map((place) => passedBy(init, place));
    });
  }

  #addFiles(place: Place, importer: string, typing: boolean): void {
    const isWeak = (file: string) => typing || (isInit(file) && !place.isDefined);
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

  #importsOf(path: string): readonly PythonImport[] {
    let imports = this.#imports.get(path);
    if (!imports) {
      this.#imports.set(path, imports = pythonImports(this.project.sources.get(path) ?? ""));
    }
    return imports;
  }

  #filesOf(key: string): readonly string[] {
    return this.#modules.get(key) ?? NONE;
  }

  #isPackage(key: string): boolean {
    return this.#directories.has(key);
  }
}

/** What a string of several words contains if it is a command or a program, and no sentence. */
const COMMAND = /(?:^|\s)(?:-m|python[\d.]*|\S*\/python[\d.]*|exec|sh|bash|uv)\s/;
const PROGRAM = /^[ \t]*(?:import|from)[ \t]+[\w.]+/m;
const NONE: readonly string[] = [];
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

/** Many texts, searched as one: a search in each takes many times as long. */
class Texts {
  readonly #all: string;
  readonly #starts: number[] = [];
  readonly #paths: string[] = [];

  constructor(texts: readonly (readonly [path: string, text: string])[]) {
    let start = 0;
    for (const [path, text] of texts) {
      this.#starts.push(start);
      this.#paths.push(path);
      start += text.length + 1;
    }
    this.#starts.push(start);
    this.#all = texts.map(([, text]) => text).join("\n");
  }

  /** The paths of the texts that have a word as a whole. */
  having(word: string): string[] {
    const found: string[] = [];
    if (word === "") return found;
    let at = this.#all.indexOf(word);
    while (at >= 0) {
      if (!isWord(this.#all, at, word)) {
        at = this.#all.indexOf(word, at + 1);
        continue;
      }
      const index = this.#indexOf(at);
      found.push(this.#paths[index]!);
      at = this.#all.indexOf(word, this.#starts[index + 1]);
    }
    return found;
  }

  #indexOf(at: number): number {
    let [low, high] = [0, this.#paths.length - 1];
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if (this.#starts[middle]! <= at) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}

/**
 * The path of a Python file without its suffix, as imports lead to it: `tractor/ipc` for
 * `tractor/ipc/__init__.py`, `app/_fast` for `app/_fast.cpython-313-x86_64-linux-gnu.so`.
 */
export function moduleKey(path: string): string {
  const slash = path.lastIndexOf("/");
  const dot = path.indexOf(".", slash + 1);
  const key = dot < 0 ? path : path.slice(0, dot);
  return key.endsWith("/__init__") ? key.slice(0, slash) : key;
}

/** The part of a path after the last slash. */
export function lastPart(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

function firstOf(module: string): string {
  const dot = module.indexOf(".");
  return dot < 0 ? module : module.slice(0, dot);
}

function below(directory: string, name: string): string {
  return directory === "." ? name : `${directory}/${name}`;
}

function isInit(path: string): boolean {
  return path === "__init__.py" || path.endsWith("/__init__.py");
}

function isConftest(path: string): boolean {
  return path === "conftest.py" || path.endsWith("/conftest.py");
}

function weakly(importer: string): Edge {
  return { importer, weak: true, through: [] };
}

function passedBy(init: string, place: Place): Place {
  return place.through.includes(init) ? place : { ...place, through: [...place.through, init] };
}

/** A definition, or an assignment to a name that `import *` takes. */
const DEFINES_SOMETHING = /^(?:(?:async[ \t]+)?def|class)[ \t]|^[A-Za-z]\w*[ \t]*(?::[^\n]*)?=/m;

/** Whether code has a name as a whole. */
function mentions(code: string, name: string): boolean {
  for (let at = code.indexOf(name); at >= 0; at = code.indexOf(name, at + 1)) {
    if (isWord(code, at, name)) return true;
  }
  return false;
}

/** Whether a module's text defines a name at its top level. */
function defines(text: string, name: string): boolean {
  if (!text.includes(name)) return false;
  const definition = `^(?:(?:async[ \\t]+)?def|class)[ \\t]+${name}\\b`;
  const assignment = `^(?:[\\w \\t,=]*[ \\t,=])?${name}[ \\t]*[:=,]`;
  return new RegExp(`${definition}|${assignment}`, "m").test(text);
}
