import { isWord } from "./import_lines.ts";
import { below, type FoundModule, isInit, type ModuleIndex, type Place } from "./module_index.ts";
import { pythonCode } from "./python_code.ts";

/** What the `__init__.py` files of a project pass on under names of their packages. */
export class PassedNames {
  /** @param modules the project's modules */
  constructor(private readonly modules: ModuleIndex) {}

  /**
   * Where a name of a module may come from: a module below it, an import of its `__init__.py`, or
   * the module itself. All possible places count: of several imports of a name (`try … except
   * ImportError`) any may be the right one.
   */
  named(key: string, name: string, seen: Set<string>): readonly Place[] {
    const files = this.modules.filesOf(key);
    const own: Place = { files, through: [], module: null };
    const init = files.find(isInit);
    if (seen.has(`${key}:${name}`)) return [own];
    seen.add(`${key}:${name}`);
    const sub = below(key, name);
    const places: Place[] = this.modules.has(sub) || this.modules.isPackage(sub)
      ? [{ files: this.modules.filesOf(sub), through: [], module: sub }]
      : [];
    if (init === undefined) return places.length > 0 ? places : [own];
    for (const one of this.modules.importsOf(init)) {
      if (one.bound !== name) continue;
      for (const found of this.modules.modulesOf(init, one)) {
        if (found.key === key && one.name === null) continue;
        const isWhole = one.name === null || found.rest.length > 0;
        for (const place of isWhole ? [found] : this.named(found.key, one.name, seen)) {
          // An `__init__.py` can't re-export what it does not have.
          if (place.files !== files) places.push(passedBy(init, place));
        }
      }
    }
    const text = this.modules.textOf(init);
    if (defines(text, name)) places.push({ ...own, isDefined: true });
    for (const found of this.#starredBy(init)) {
      if (!this.#has(found.key, name, new Set())) continue;
      for (const place of this.named(found.key, name, seen)) places.push(passedBy(init, place));
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
    return this.modules.filesOf(key).some((file) =>
      defines(this.modules.textOf(file), name) ||
      this.modules.importsOf(file).some((one) => one.bound === name) ||
      this.#starredBy(file).some((found) => this.#has(found.key, name, seen))
    );
  }

  /** All that an `__init__.py` imports or defines. */
  passedOn(key: string): Place[] {
    const files = this.modules.filesOf(key);
    const init = files.find(isInit);
    if (init === undefined) return [];
    const stars = this.starsOf(key, new Set());
    return [...this.#boundIn(init, key), ...stars, ...this.listed(key), ...this.#definedIn(files)];
  }

  /** All that a file imports by name, as names of a module. */
  #boundIn(file: string, key: string): Place[] {
    return this.modules.importsOf(file)
      .flatMap(({ bound }) => bound === null ? [] : this.named(key, bound, new Set()));
  }

  /** The `__init__.py` among these files, if it defines something that a star takes. */
  #definedIn(files: readonly string[]): Place[] {
    const init = files.find(isInit);
    const isDefined = init !== undefined && DEFINES_SOMETHING.test(this.modules.textOf(init));
    return isDefined ? [{ files, through: [], module: null, isDefined }] : [];
  }

  /** Modules below a package that its `__init__.py` names: a star takes those of `__all__`. */
  listed(key: string): Place[] {
    const names = this.modules.namesBelow(key);
    const init = names.length === 0 ? undefined : this.modules.initOf(key);
    if (init === undefined) return [];
    const text = this.modules.textOf(init);
    return names.filter((name) => mentions(text, name)).map((name) => below(key, name))
      .map((module) => ({ files: this.modules.filesOf(module), through: [], module }));
  }

  /** All that an `__init__.py` imports by stars, directly or indirectly. */
  starsOf(key: string, seen: Set<string>): Place[] {
    const init = this.modules.initOf(key);
    if (init === undefined || seen.has(key)) return [];
    seen.add(key);
    return this.#starredBy(init).flatMap((found) => {
      const { key: from, files } = found;
      const bound = this.#boundIn(files.find(isInit) ?? "", from);
      return [found, ...this.#definedIn(files), ...bound, ...this.starsOf(from, seen)]
        .map((place) => passedBy(init, place));
    });
  }

  /** The modules of which a file imports everything. */
  #starredBy(path: string): FoundModule[] {
    return this.modules.importsOf(path).filter(({ name }) => name === "*")
      .flatMap((one) => this.modules.modulesOf(path, one));
  }
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
