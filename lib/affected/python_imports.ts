import { calledImports, lastCall } from "./called_imports.ts";
import {
  DOTTED,
  type Placed,
  type PythonCode,
  pythonCode,
  type PythonImport,
} from "./python_code.ts";

/**
 * The imports of a Python file, in the order of the text: statements anywhere in it,
 * `import_module("literal")`, `__import__`, pytest's `importorskip` and `pytest_plugins`. Runs
 * nothing and throws nothing: in other text it finds whatever resembles an import.
 */
export function pythonImports(text: string): PythonImport[] {
  const last = lastImport(text);
  if (last < 0) return [];
  const python = pythonCode(text, last);
  const typing = typingRanges(python.code);
  return [...statements(python.code), ...calledImports(python), ...plugins(python)]
    .sort(([one], [other]) => one - other)
    .map(([at, imported]) => ({
      ...imported,
      typing: typing.some(([from, to]) => from <= at && at < to),
    }));
}

/** `import a.b as c`, `from .a import b`. */
function statements(code: string): Placed[] {
  const found: Placed[] = [];
  let line = 0;
  for (let at = code.indexOf("import"); at >= 0; at = code.indexOf("import", at + 6)) {
    for (let end = code.indexOf("\n", line); end >= 0 && end < at; end = code.indexOf("\n", line)) {
      line = end + 1;
    }
    // No statement begins so late on its line.
    if (at - line > LATEST) continue;
    const before = BEFORE.exec(code.slice(line, at));
    LIST.lastIndex = at + 6;
    const list = before && LIST.exec(code);
    if (!list) continue;
    const [, from, dots = "", module = ""] = before;
    const level = dots.replace(/[^.]/g, "").length;
    for (const [name, as] of namesOf(list[1] ?? list[2]!)) {
      if (from !== undefined) {
        found.push([at, { level, module, name, bound: name === "*" ? null : as ?? name }]);
      } else if (name !== "*") {
        const bound = as ?? name.split(".", 1)[0]!;
        found.push([at, { level: 0, module: name, name: null, bound }]);
      }
    }
  }
  return found;
}

/** `pytest_plugins = ["a.b"]`. */
function plugins({ code, strings }: PythonCode): Placed[] {
  if (!code.includes("pytest_plugins")) return [];
  return [...code.matchAll(PLUGINS)].flatMap((match) =>
    [...match[1]!.matchAll(/"(\d+)"/g)].map(([, index]) => strings[Number(index)]!)
      .filter((module) => DOTTED.test(module))
      .map((module): Placed => [match.index, { level: 0, module, name: null, bound: null }])
  );
}

/** The beginning of a text, up to the last import that {@linkcode pythonImports} finds. */
export function importingPart(text: string): string {
  const last = lastImport(text);
  if (last < 0) return "";
  const line = text.indexOf("\n", last);
  const open = text.indexOf("(", last);
  const isPlain = line >= 0 && (open < 0 || open > line) &&
    !text.startsWith("\\", text[line - 1] === "\r" ? line - 2 : line - 1);
  const end = isPlain ? line : text.indexOf("\n)", last);
  // Without a line for the closing parenthesis the whole text is taken: nothing may be missed.
  return isPlain || end >= 0 ? text.slice(0, end) : text;
}

/**
 * A Perl expression for the lines that may import, or use something of a package. These lines of a
 * file are enough if {@linkcode isWholeLine} holds for each.
 *
 * @param packages the names of all directories of the project
 */
export function importLines(packages: Iterable<string>): string {
  const names = [...packages].filter((name) => DOTTED.test(name) && !name.includes("."));
  const used = names.length === 0 ? [] : [`(?<!\\w)(?:${names.join("|")})[ \\t]*[.\\\\]`];
  return ["import", "pytest_plugins", "\\\\\\r?$", ...used].join("|");
}

/**
 * Whether a line contains every word of the project that it imports, or uses of a package.
 * Otherwise more may follow on other lines (a list of several lines), or under another name.
 *
 * @param packages as for {@linkcode importLines}
 */
export function isWholeLine(line: string, packages: ReadonlySet<string>): boolean {
  // A lone CR ends a line of Python: this is more than one.
  if (line.includes("pytest_plugins") || /\r./.test(line)) return false;
  const [, continued] = CONTINUED.exec(line) ?? [];
  if (continued !== undefined && (/import|\bfrom\b/.test(line) || packages.has(continued))) {
    return false;
  }
  for (const [, name] of line.matchAll(CALLED_OTHERWISE)) if (packages.has(name!)) return false;
  for (let at = line.indexOf("import"); at >= 0; at = line.indexOf("import", at + 6)) {
    const rest = line.slice(at + 6);
    const open = rest.indexOf("(");
    // In `importlib.import_module(` the second "import" counts.
    if (open < 0 || rest.slice(0, open).includes("import") || COMPLETE.test(rest)) continue;
    // What is taken from a module that is no package has no file of its own, whatever follows.
    const [, module] = TAKEN_FROM.exec(line.slice(0, at)) ?? [];
    if (module === undefined || packages.has(module)) return false;
  }
  return true;
}

function lastImport(text: string): number {
  let last = Math.max(text.lastIndexOf("pytest_plugins"), lastCall(text));
  for (let at = text.indexOf("import"); at >= 0; at = text.indexOf("import", at + 6)) {
    last = Math.max(last, at);
  }
  return last;
}

/**
 * The dotted names in use that begin with the given ones, each once: `tractor.msg.types.Start` for
 * `tractor`.
 *
 * @param bound names that stand for a package in this file
 */
export function attributesOf(text: string, bound: readonly string[]): string[] {
  const names = bound.filter((name) => text.includes(`${name}.`));
  if (names.length === 0) return [];
  const { code: plain, strings } = pythonCode(text);
  const code = [plain, ...expressionsIn(plain, strings)].join("\n");
  const used = new Set<string>();
  for (const name of names) {
    for (let at = code.indexOf(name); at >= 0; at = code.indexOf(name, at + name.length)) {
      if (at > 0 && IN_A_NAME.test(code[at - 1]!)) continue;
      ATTRIBUTES.lastIndex = at + name.length;
      const [attributes] = ATTRIBUTES.exec(code) ?? [];
      if (attributes !== undefined) used.add(name + attributes.replace(/[ \t]/g, ""));
    }
  }
  return [...used];
}

/** The strings of a Python file, without docstrings: these are for people. */
export function literalsOf(text: string): string[] {
  const { code, strings } = pythonCode(text);
  const docstrings = new Set([...code.matchAll(DOCSTRING)].map(([, index]) => Number(index)));
  return strings.filter((_, index) => !docstrings.has(index));
}

/** A string that is the first statement of a module, a class or a function. */
const DOCSTRING = /(?:^|:[ \t]*\n)\s*[rRuU]?"(\d+)"[ \t]*(?=[\r\n;]|$)/g;

/** The code between the braces of formatted strings. */
function expressionsIn(code: string, strings: readonly string[]): string[] {
  return [...code.matchAll(/(?<![\w\u0080-\uffff])[rR]?[fFtT][rR]?"(\d+)"/g)]
    .flatMap(([, index]) =>
      [...strings[Number(index)]!.matchAll(/\{([^{}]+)/g)].map(([, expression]) => expression!)
    );
}

const ATTRIBUTES = /(?:[ \t]*\.[ \t]*[A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*)+/y;
const IN_A_NAME = /[\w.\u0080-\uffff]/;
const LATEST = 1_000;
/** Before `import`: nothing, or `from …a.b`; a statement begins its line or follows `:` or `;`. */
const BEFORE = /^(?:.*[;:])?[ \t\f]*(?:(from\b)([. \t]*)([^\s;()."]*(?:\.[^\s;()."]+)*?)[ \t]*)?$/;
/** After `import`: `(a as b, c)`, or the rest of the line. */
const LIST = /(?![\w\u0080-\uffff])[ \t]*(?:\(([^)]*)\)|([^\n;]*))/y;
/** The name, if any, before a backslash that continues a line. */
const CONTINUED = /([\w\u0080-\uffff]*)[ \t]*\\\r?$/;
/** A name that an import renames: `b` in `import a.b as c`. */
const CALLED_OTHERWISE = /([\w\u0080-\uffff]+)[ \t]+as[ \t]/g;
/** After `import`: a list that ends on its line, or a call with a literal name. */
const COMPLETE = /^(?:[ \t]*\([^()#"'\\]*\)|\w*[ \t]*\([ \t]*(?:"[\w.]*"|'[\w.]*')[ \t]*[,)])/;
/** Before `import`: the last name of the module. */
const TAKEN_FROM = /^[ \t]*from\b[^#"'();\\]*?([\w\u0080-\uffff]+)[ \t]+$/;
const PLUGINS = /^[ \t]*pytest_plugins[^\n=]*=\s*([[(][^\])]*[\])]|"\d+"(?:[ \t]*,[ \t]*"\d+")*)/gm;

/** The names of an import list, each with the name after `as`. */
function namesOf(list: string): [name: string, as: string | null][] {
  const names: [string, string | null][] = [];
  for (const part of list.split(",")) {
    const [, name, as] =
      /^\s*(\*|[^\s.]+(?:[ \t]*\.[ \t]*[^\s.]+)*)(?:\s+as\s+(\S+))?\s*$/.exec(part) ?? [];
    const plain = name?.replace(/[ \t]/g, "");
    if (plain !== undefined && (plain === "*" || DOTTED.test(plain))) {
      names.push([plain, as ?? null]);
    }
  }
  return names;
}

const TYPE_CHECKING = /^([ \t]*)(?:el)?if[ \t]+(?:\w+[ \t]*\.[ \t]*)?TYPE_CHECKING[ \t]*:/gm;

/** The ranges of the code in `if TYPE_CHECKING:`. */
function typingRanges(code: string): [from: number, to: number][] {
  if (!code.includes("TYPE_CHECKING")) return [];
  const ranges: [number, number][] = [];
  for (const match of code.matchAll(TYPE_CHECKING)) {
    const start = match.index + match[0].length;
    const indent = match[1]!.length;
    let end = code.indexOf("\n", start);
    while (end >= 0) {
      const next = code.indexOf("\n", end + 1);
      const line = code.slice(end + 1, next < 0 ? code.length : next);
      if (/\S/.test(line) && !/^[ \t]*\)/.test(line) && /^[ \t]*/.exec(line)![0].length <= indent) {
        break;
      }
      end = next;
    }
    ranges.push([start, end < 0 ? code.length : end]);
  }
  return ranges;
}
