/** One name that a Python file imports. */
export interface PythonImport {
  /** Dots in front: 0 for an absolute import. */
  readonly level: number;
  /** Dotted; empty for `from . import x`. */
  readonly module: string;
  /** What is taken from the module, `*` for all of it; null for `import a.b`. */
  readonly name: string | null;
  /** What it is called in the file: `a` after `import a.b`; null where nothing is bound. */
  readonly bound: string | null;
  /** Only for type checkers: below `if TYPE_CHECKING`. */
  readonly typing: boolean;
}

/** Python's text without what is no code. */
export interface PythonCode {
  /**
   * Comments are gone, lines that a backslash continues are joined, each string is its number in
   * `strings` between quotation marks.
   */
  readonly code: string;
  /** What stands in the strings, as written. */
  readonly strings: readonly string[];
}

/**
 * What a Python file imports, in the order of the text: statements anywhere in it,
 * `import_module("literal")`, `__import__`, pytest's `importorskip` and `pytest_plugins`. Reads
 * text, runs nothing; what is no Python gives whatever looks like an import in it, never an error.
 */
export function pythonImports(text: string): PythonImport[] {
  const last = lastImport(text);
  if (last < 0) return [];
  const { code, strings } = pythonCode(text, last);
  const typing = typingRanges(code);
  const found: { at: number; imported: PythonImport }[] = [];
  const add = (at: number, imported: Omit<PythonImport, "typing">) =>
    found.push({
      at,
      imported: { ...imported, typing: typing.some(([from, to]) => from <= at && at < to) },
    });
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
    for (const [name, as] of namesOf(list[1] ?? list[2]!)) {
      if (from !== undefined) {
        add(at, {
          level: dots.replace(/[^.]/g, "").length,
          module,
          name,
          bound: name === "*" ? null : as ?? name,
        });
      } else if (name !== "*") {
        add(at, { level: 0, module: name, name: null, bound: as ?? name.split(".", 1)[0]! });
      }
    }
  }
  // Most files have none: a search for the word is quicker than one by expression.
  const has = (word: string) => code.includes(word);
  for (
    const match of has("import_module") || has("__import__") || has("importorskip")
      ? code.matchAll(BY_NAME)
      : []
  ) {
    const [, , index, relative, literal] = match;
    const [, dots = "", module = ""] = /^(\.*)(.*)$/s.exec(strings[Number(index)]!)!;
    if (!DOTTED.test(module)) continue;
    // Without a package nobody knows where a relative name starts.
    const home = literal === undefined ? null : strings[Number(literal)]!.split(".").slice(
      0,
      dots.length > 1 ? 1 - dots.length : undefined,
    );
    if (dots !== "" && home !== null) {
      add(match.index, { level: 0, module: [...home, module].join("."), name: null, bound: null });
    } else if (dots === "" || relative) {
      add(match.index, { level: dots.length, module, name: null, bound: null });
    }
  }
  for (const match of has("pytest_plugins") ? code.matchAll(PLUGINS) : []) {
    for (const [, index] of match[1]!.matchAll(/"(\d+)"/g)) {
      const module = strings[Number(index)]!;
      if (DOTTED.test(module)) add(match.index, { level: 0, module, name: null, bound: null });
    }
  }
  return found.sort((one, other) => one.at - other.at).map(({ imported }) => imported);
}

/**
 * The beginning of a text in which everything stands that {@linkcode pythonImports} finds; the rest
 * may be far longer.
 */
export function importingPart(text: string): string {
  const last = lastImport(text);
  if (last < 0) return "";
  const line = text.indexOf("\n", last);
  const open = text.indexOf("(", last);
  const isPlain = line >= 0 && (open < 0 || open > line) &&
    !text.startsWith("\\", text[line - 1] === "\r" ? line - 2 : line - 1);
  const end = isPlain ? line : text.indexOf("\n)", last);
  // What has no line of its own with the parenthesis that ends it is taken whole: nothing may be
  // missed.
  return isPlain || end >= 0 ? text.slice(0, end) : text;
}

/**
 * An expression, as Perl has them, for every line that says something of imports, or of what is
 * used of a package. What it finds in a file stands for all of it if {@linkcode isWholeLine} says
 * so of each.
 *
 * @param packages the names of all directories of the project
 */
export function importLines(packages: Iterable<string>): string {
  const names = [...packages].filter((name) => DOTTED.test(name) && !name.includes("."));
  const used = names.length === 0 ? [] : [`(?<!\\w)(?:${names.join("|")})[ \\t]*[.\\\\]`];
  return ["import", "pytest_plugins", "\\\\\\r?$", ...used].join("|");
}

/**
 * Whether every word of the project that one of these lines imports, or uses of a package, stands
 * in it. Otherwise some of it may stand in other lines: in a list of several lines, or under
 * another name.
 *
 * @param packages as for {@linkcode importLines}
 */
export function isWholeLine(line: string, packages: ReadonlySet<string>): boolean {
  if (line.includes("pytest_plugins")) return false;
  const [, continued] = CONTINUED.exec(line) ?? [];
  if (continued !== undefined && (/import|\bfrom\b/.test(line) || packages.has(continued))) {
    return false;
  }
  for (const [, name] of line.matchAll(CALLED_OTHERWISE)) if (packages.has(name!)) return false;
  for (let at = line.indexOf("import"); at >= 0; at = line.indexOf("import", at + 6)) {
    const rest = line.slice(at + 6);
    const open = rest.indexOf("(");
    // Of `importlib.import_module(` the second one counts.
    if (open < 0 || rest.slice(0, open).includes("import") || COMPLETE.test(rest)) continue;
    // Of a module that is no package nothing is taken that has a file of its own, whatever the next
    // lines say.
    const [, module] = TAKEN_FROM.exec(line.slice(0, at)) ?? [];
    if (module === undefined || packages.has(module)) return false;
  }
  return true;
}

function lastImport(text: string): number {
  let last = text.indexOf("pytest_plugins");
  for (let at = text.indexOf("import"); at >= 0; at = text.indexOf("import", at + 6)) {
    last = Math.max(last, at);
  }
  return last;
}

/**
 * The dotted names that are used of the given ones: `tractor.msg.types` for
 * `tractor.msg.types.Start` with `tractor` given. Each once.
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

/**
 * What stands in the strings of a Python file, without docstrings: they say something to people.
 */
export function literalsOf(text: string): string[] {
  const { code, strings } = pythonCode(text);
  const docstrings = new Set([...code.matchAll(DOCSTRING)].map(([, index]) => Number(index)));
  return strings.filter((_, index) => !docstrings.has(index));
}

/** A string that is the first statement of a module, a class or a function. */
const DOCSTRING = /(?:^|:[ \t]*\n)\s*[rRuU]?"(\d+)"[ \t]*(?=[\r\n;]|$)/g;

/** What stands between braces in strings that are formatted: it is code. */
function expressionsIn(code: string, strings: readonly string[]): string[] {
  return [...code.matchAll(/(?<![\w\u0080-\uffff])[rR]?[fFtT][rR]?"(\d+)"/g)]
    .flatMap(([, index]) =>
      [...strings[Number(index)]!.matchAll(/\{([^{}]+)/g)].map(([, expression]) => expression!)
    );
}

/**
 * Tells code from strings and comments.
 *
 * @param enough a place in the text after which nothing is wanted but the rest of the statement
 *   there; all of it unless given
 */
export function pythonCode(text: string, enough = Infinity): PythonCode {
  const strings: string[] = [];
  const parts: string[] = [];
  let at = 0;
  const skip = (start: number) => {
    const mark = text[start]!;
    if (mark === "#") {
      parts.push(text.slice(at, start));
      return lineEnd(text, start);
    }
    if (mark === "\\") {
      // Elsewhere than at the end of a line a backslash is no Python.
      const [line] = /^\\\r?\n/.exec(text.slice(start, start + 3)) ?? [];
      parts.push(
        text.slice(at, line === undefined ? start + 1 : start),
        line === undefined ? "" : " ",
      );
      return start + (line ?? mark).length;
    }
    const quote = text.startsWith(mark.repeat(3), start) ? mark.repeat(3) : mark;
    const [end, closed] = endOfString(text, start, quote);
    parts.push(text.slice(at, start), `"${strings.length}"`);
    strings.push(text.slice(start + quote.length, closed ? end - quote.length : end));
    return end;
  };
  MARKS.lastIndex = 0;
  while (at < enough && MARKS.test(text)) {
    const start = MARKS.lastIndex - 1;
    if (start >= enough) break;
    MARKS.lastIndex = at = skip(start);
  }
  if (at >= text.length || enough === Infinity) {
    return { code: parts.join("") + text.slice(at), strings };
  }
  // The rest of the statement: to the end of the line, or of the parenthesis that begins on it.
  let inParenthesis = false;
  MARKS_AND_ENDS.lastIndex = Math.max(at, enough);
  while (MARKS_AND_ENDS.test(text)) {
    const start = MARKS_AND_ENDS.lastIndex - 1;
    const mark = text[start]!;
    if (mark === "(") inParenthesis = true;
    else if (mark === ")" || mark === "\n") {
      if (inParenthesis === (mark === ")")) {
        return { code: parts.join("") + text.slice(at, start + 1), strings };
      }
    } else MARKS_AND_ENDS.lastIndex = at = skip(start);
  }
  return { code: parts.join("") + text.slice(at), strings };
}

const MARKS = /["'#\\]/g;
const MARKS_AND_ENDS = /["'#\\\n()]/g;
// Letters beyond ASCII are not told apart: classes of Unicode take longer to build than a whole
// project to read.
const DOTTED =
  /^[A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*(?:\.[A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*)*$/;
const ATTRIBUTES = /(?:[ \t]*\.[ \t]*[A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*)+/y;
const IN_A_NAME = /[\w.\u0080-\uffff]/;
const LATEST = 1_000;
/**
 * What may stand in front of `import` on its line: nothing, or `from …a.b`; a statement begins with
 * its line, or behind `:` or `;`.
 */
const BEFORE = /^(?:.*[;:])?[ \t\f]*(?:(from\b)([. \t]*)([^\s;()."]*(?:\.[^\s;()."]+)*?)[ \t]*)?$/;
/** What stands behind it: `(a as b, c)`, or the rest of the line. */
const LIST = /(?![\w\u0080-\uffff])[ \t]*(?:\(([^)]*)\)|([^\n;]*))/y;
const BY_NAME =
  /\b(import_module|__import__|importorskip)[ \t]*\(\s*(?:(?:mod)?name\s*=\s*)?"(\d+)"(\s*,\s*(?:package\s*=\s*)?(?:__(?:name|package)__|"(\d+)"))?/g;
/** The name, if any, in front of a backslash that continues a line. */
const CONTINUED = /([\w\u0080-\uffff]*)[ \t]*\\\r?$/;
/** A name that an import gives another one: `b` of `import a.b as c`. */
const CALLED_OTHERWISE = /([\w\u0080-\uffff]+)[ \t]+as[ \t]/g;
/**
 * Behind `import`: a list that ends on its line, or all that matters of a call with a literal name.
 */
const COMPLETE = /^(?:[ \t]*\([^()#"'\\]*\)|\w*[ \t]*\([ \t]*(?:"[\w.]*"|'[\w.]*')[ \t]*[,)])/;
/** In front of `import`: the last name of the module. */
const TAKEN_FROM = /^[ \t]*from\b[^#"'();\\]*?([\w\u0080-\uffff]+)[ \t]+$/;
const PLUGINS = /^pytest_plugins[^\n=]*=\s*([[(][^\])]*[\])]|"\d+"(?:[ \t]*,[ \t]*"\d+")*)/gm;

/** The names of an import list with what they are called. */
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

/**
 * Where a string ends that begins with `quote`, and whether it is closed there. One of a single
 * quotation mark that is not ends with its line.
 */
function endOfString(text: string, start: number, quote: string): [end: number, closed: boolean] {
  const first = start + quote.length;
  let line = quote.length === 3 ? Infinity : lineEnd(text, first);
  for (let from = first;;) {
    const end = text.indexOf(quote, from);
    if (end >= 0 && end < line) {
      if (!isEscaped(text, end, first)) return [end + quote.length, true];
      from = end + 1;
    } else if (line < text.length && isEscaped(text, line, first)) {
      from = text.indexOf("\n", line) + 1;
      line = lineEnd(text, from);
    } else {
      return [Math.min(line, text.length), false];
    }
  }
}

function lineEnd(text: string, from: number): number {
  const end = text.indexOf("\n", from);
  return end < 0 ? text.length : text[end - 1] === "\r" ? end - 1 : end;
}

/** Whether an odd number of backslashes stands before a place. */
function isEscaped(text: string, at: number, first: number): boolean {
  let count = 0;
  while (at - 1 - count >= first && text[at - 1 - count] === "\\") count++;
  return count % 2 === 1;
}

/** The parts of the code that stand below `if TYPE_CHECKING:`, as ranges of places. */
function typingRanges(code: string): [from: number, to: number][] {
  if (!code.includes("TYPE_CHECKING")) return [];
  const ranges: [number, number][] = [];
  for (
    const match of code.matchAll(
      /^([ \t]*)(?:el)?if[ \t]+(?:\w+[ \t]*\.[ \t]*)?TYPE_CHECKING[ \t]*:/gm,
    )
  ) {
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
