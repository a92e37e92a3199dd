import { directoriesOf, lastPart, parent } from "../base/paths.ts";
import type { PythonImport } from "./python_code.ts";
import { pythonImports } from "./python_imports.ts";

/** Texts by path, which may be read on demand. */
export type Sources = Pick<ReadonlyMap<string, string>, "has" | "get" | "keys">;

/** What a dotted name may stand for. */
export interface Place {
  /** The files that it is in; none for a directory without `__init__.py`. */
  readonly files: readonly string[];
  readonly through: readonly string[];
  /** The module that it is; null for something in one. */
  readonly module: string | null;
  /** An `__init__.py` defines it: its users depend on that. */
  readonly isDefined?: true;
}

/** A module or directory that dotted parts lead to. */
export interface FoundModule extends Place {
  readonly key: string;
  /** `__init__.py` files that run on the way. */
  readonly inits: readonly string[];
  /** The parts that are not modules. */
  readonly rest: readonly string[];
}

/** The modules of a project, by the names under which Python imports them. */
export class ModuleIndex {
  /** All directories that contain a file. */
  readonly directories: ReadonlySet<string>;
  /** The names of directories. */
  readonly packages: ReadonlySet<string>;
  /** Names of all modules and directories: an import of anything else leads out of the project. */
  readonly names: ReadonlySet<string>;
  /** By module path without suffix: `tractor/ipc` has `tractor/ipc/__init__.py`. */
  readonly #modules = new Map<string, string[]>();
  /** The names of the modules in each directory. */
  readonly #below = new Map<string, string[]>();
  readonly #imports = new Map<string, readonly PythonImport[]>();
  /** By name: the modules and directories outside of any package. Made when it is needed. */
  #outermost: ReadonlyMap<string, readonly string[]> | null = null;

  /** @param starts as in {@linkcode PythonProject} */
  constructor(readonly sources: Sources, readonly starts: readonly string[]) {
    this.directories = directoriesOf(sources.keys());
    this.packages = new Set([...this.directories].map(lastPart));
    const names = new Set(this.packages);
    for (const path of sources.keys()) {
      const key = moduleKey(path);
      const others = this.#modules.get(key);
      if (!others) this.#modules.set(key, [path]);
      // Python takes the package where both are there.
      else if (isInit(path)) others.unshift(path);
      else others.push(path);
      names.add(lastPart(key));
      const siblings = this.#below.get(parent(key));
      if (siblings) siblings.push(lastPart(key));
      else this.#below.set(parent(key), [lastPart(key)]);
    }
    this.names = names;
  }

  /** Whether there is a module, or a package with an `__init__.py`. */
  has(key: string): boolean {
    return this.#modules.has(key);
  }

  /** The files of a module; none for a directory without `__init__.py`. */
  filesOf(key: string): readonly string[] {
    return this.#modules.get(key) ?? NONE;
  }

  /** The `__init__.py` of a package. */
  initOf(key: string): string | undefined {
    return this.filesOf(key).find(isInit);
  }

  /** The names of the modules in a directory. */
  namesBelow(key: string): readonly string[] {
    return this.#below.get(key) ?? NONE;
  }

  /** The files in a directory, at any depth. */
  *filesBelow(key: string): Iterable<string> {
    if (!this.isPackage(key)) return;
    for (const path of this.sources.keys()) if (path.startsWith(`${key}/`)) yield path;
  }

  /** Whether a directory may be a package, with or without `__init__.py`. */
  isPackage(key: string): boolean {
    return this.directories.has(key);
  }

  /** The text of a file; empty for an unknown one. */
  textOf(path: string): string {
    return this.sources.get(path) ?? "";
  }

  /** The imports of a file. */
  importsOf(path: string): readonly PythonImport[] {
    let imports = this.#imports.get(path);
    if (!imports) this.#imports.set(path, imports = pythonImports(this.textOf(path)));
    return imports;
  }

  /** The `__init__.py` files that run before a file of their packages does, outermost last. */
  initsAround(path: string): string[] {
    const inits: string[] = [];
    for (let directory = parent(path); directory !== "."; directory = parent(directory)) {
      const init = `${directory}/__init__.py`;
      if (!this.sources.has(init)) break;
      inits.push(init);
    }
    return inits;
  }

  /** The modules that an import of a file may name: more than one if their place is not certain. */
  modulesOf(path: string, { module, level }: PythonImport): readonly FoundModule[] {
    const parts = module === "" ? [] : module.split(".");
    return level > 0 ? this.#relative(path, parts, level) : this.absolute(path, parts);
  }

  /** The modules that an absolute import of a file may name. */
  absolute(path: string, parts: readonly string[]): readonly FoundModule[] {
    if (!this.names.has(parts[0]!)) return NONE;
    // pytest puts the first directory above a test that is no package before the others; a
    // script's own directory comes first too.
    let own = parent(path);
    while (own !== "." && this.sources.has(`${own}/__init__.py`)) own = parent(own);
    const starts = [...new Set([own, ...this.starts])];
    const at = (is: (key: string) => boolean) =>
      starts.map((start) => below(start, parts[0]!)).filter(is);
    // A directory without `__init__.py` is a package only if there is no other.
    let first = at((key) => this.has(key));
    if (first.length === 0) first = at((key) => this.isPackage(key));
    // Something else extends the path: a conftest.py, a setting, an installed member of a
    // workspace.
    if (first.length === 0) first = [...this.#outermostOf(parts[0]!)];
    return deepest(first.map((key) => this.#walk(key, 1, parts)));
  }

  #relative(path: string, parts: readonly string[], level: number): readonly FoundModule[] {
    let directory = parent(path);
    for (let up = 1; up < level; up++) directory = parent(directory);
    const homes = [directory];
    // A package without `__init__.py` may have parts in several places.
    if (directory !== "." && !this.sources.has(`${directory}/__init__.py`)) {
      for (const start of this.starts) {
        const inside = start === "." ? directory : directory.slice(start.length + 1);
        if (start !== "." && !directory.startsWith(`${start}/`)) continue;
        homes.push(...this.starts.map((other) => below(other, inside)));
      }
    }
    const found = [...new Set(homes)].filter((home) => home === directory || this.isPackage(home))
      .map((home) => this.#walk(home, 0, parts));
    const inside = found.filter(({ rest }) => rest.length < parts.length || parts.length === 0);
    return deepest(inside);
  }

  /** Goes from a module or directory as deep as the parts lead. */
  #walk(start: string, from: number, parts: readonly string[]): FoundModule {
    const inits: string[] = [];
    let key = start;
    let index = from;
    for (; index < parts.length; index++) {
      const next = below(key, parts[index]!);
      if (!this.has(next) && !this.isPackage(next)) break;
      if (index > 0) inits.push(...this.filesOf(key).filter(isInit));
      key = next;
    }
    const rest = parts.slice(index);
    const module = rest.length === 0 ? key : null;
    return { key, files: this.filesOf(key), inits, rest, through: [], module };
  }

  #outermostOf(name: string): readonly string[] {
    this.#outermost ??= Map.groupBy(
      [...new Set([...this.#modules.keys(), ...this.directories])]
        .filter((key) => !this.sources.has(`${parent(key)}/__init__.py`)),
      lastPart,
    );
    const keys = this.#outermost.get(name) ?? NONE;
    const modules = keys.filter((key) => this.has(key));
    return modules.length > 0 ? modules : keys;
  }
}

const NONE: readonly never[] = [];

/** Those that most of the parts lead to. */
function deepest(found: readonly FoundModule[]): readonly FoundModule[] {
  const least = Math.min(...found.map(({ rest }) => rest.length));
  return found.length < 2 ? found : found.filter(({ rest }) => rest.length === least);
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

/** Whether Python may import what is in a file, or what a compiler makes of it. */
export function isModuleFile(path: string): boolean {
  return path.endsWith(".py") || isCompiled(path);
}

/** Whether a file is a compiled module or its source. */
export function isCompiled(path: string): boolean {
  return /\.(?:py[xd]|pxd|pxi|so|[ch]|cc|cpp|cxx|hh|hpp|cu|rs|f|f90|f95|zig|pyf)$/.test(path);
}

export function firstOf(module: string): string {
  const dot = module.indexOf(".");
  return dot < 0 ? module : module.slice(0, dot);
}

export function below(directory: string, name: string): string {
  return directory === "." ? name : `${directory}/${name}`;
}

export function isInit(path: string): boolean {
  return path === "__init__.py" || path.endsWith("/__init__.py");
}

export function isConftest(path: string): boolean {
  return path === "conftest.py" || path.endsWith("/conftest.py");
}
