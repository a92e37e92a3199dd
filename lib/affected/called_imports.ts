import { BELOW, DOTTED, type Placed, type PythonCode } from "./python_code.ts";

/**
 * What calls import by a name in a string: `import_module("a.b")`, `__import__`, pytest's
 * `importorskip`, `mock.patch("a.b.c")`. Of a name that is put together the beginning counts, with
 * all modules that may follow; of one from elsewhere in the file each name that the file contains.
 */
export function calledImports({ code, strings }: PythonCode): Placed[] {
  const found: Placed[] = [];
  // Most files have none: a search for words is quicker than one by expression.
  if (WORDS.some((word) => code.includes(word))) {
    const names = [...CALLS, ...aliasesIn(code)].join("|");
    let isUnknown = false;
    const calls = new RegExp(`(?<![\\w\\u0080-\\uffff])(?:${names})[ \\t]*\\(`, "g");
    for (const match of code.matchAll(calls)) {
      if (/\bdef[ \t]+$/.test(code.slice(Math.max(0, match.index - 8), match.index))) continue;
      const imports = importsOf(argumentsAt(code, match.index + match[0].length), strings);
      if (imports === null) isUnknown = true;
      for (const imported of imports ?? []) found.push([match.index, imported]);
    }
    if (isUnknown) found.push(...everyName(code, strings));
  }
  if (code.includes("__path__")) found.push(...iterated(code));
  if (code.includes("patch")) found.push(...patched(code, strings));
  return found;
}

const WORDS = ["import_module", "__import__", "importorskip", "run_module"] as const;
const CALLS = [...WORDS, "find_and_load"] as const;
const ASSIGNED = /(\w+)[ \t]*=[ \t]*(?:\w+\.)*(?:import_module|__import__)\b(?!\s*\()/.source;
const ALIAS = new RegExp(`\\bimport_module\\s+as\\s+(\\w+)|${ASSIGNED}`, "g");
/** A call whose name is not a plain string: any part of the file may have it. */
const ELSEWHERE = /(?:import_module|__import__)\s*\(\s*(?!["'\s]|[rRuU]["'])/;
/** Longer calls are no imports. */
const LONGEST = 4_000;

function aliasesIn(code: string): string[] {
  return [...code.matchAll(ALIAS)].map(([, as, assigned]) => (as ?? assigned)!);
}

/** The arguments of a call whose parenthesis ends before a place. */
function argumentsAt(code: string, start: number): string[] {
  const found: string[] = [];
  let [from, depth] = [start, 0];
  for (let at = start; at < Math.min(code.length, start + LONGEST); at++) {
    const mark = code[at]!;
    if ("([{".includes(mark)) depth++;
    else if (mark === "," && depth === 0) {
      found.push(code.slice(from, at));
      from = at + 1;
    } else if (")]}".includes(mark) && --depth < 0) {
      found.push(code.slice(from, at));
      break;
    }
  }
  return found.filter((one) => /\S/.test(one));
}

/** What a call with these arguments imports; null if its name is not in them. */
function importsOf(all: readonly string[], strings: readonly string[]): Placed[1][] | null {
  const keyword = (name: string) =>
    all.find((one) => new RegExp(`^\\s*${name}\\s*=[^=]`).test(one))?.replace(/^[^=]*=/, "");
  const place = (index: number) =>
    /^\s*\w+\s*=[^=]/.test(all[index] ?? "") ? undefined : all[index];
  const name = nameIn(place(0) ?? keyword("(?:mod)?name") ?? "", strings);
  const [, dots = "", rest = ""] = /^(\.*)(.*)$/s.exec(name.text)!;
  const taken = keyword("fromlist") ?? place(3) ?? "";
  const names = [...taken.matchAll(/"(\d+)"/g)].map(([, index]) => strings[Number(index)]!);
  let level = name.isOwn ? 1 : dots.length;
  let module = rest;
  if (dots !== "" && !name.isOwn) {
    const home = keyword("package") ?? place(1);
    // Without a package the start of a relative name is unknown.
    if (home === undefined) return [];
    const literal = nameIn(home, strings);
    if (literal.text !== "" && literal.isComplete) {
      const parts = literal.text.split(".");
      module = [...parts.slice(0, parts.length - level + 1), rest].join(".");
      level = 0;
    }
  }
  if (!name.isComplete) {
    const known = module.slice(0, Math.max(0, module.lastIndexOf(".")));
    if (level === 0 && known === "") return null;
    return known === "" || DOTTED.test(known)
      ? [{ level, module: known, name: BELOW, bound: null }]
      : [];
  }
  if (module === "" ? level === 0 : !DOTTED.test(module)) return [];
  return [null, ...names].map((each) => ({ level, module, name: each, bound: null }));
}

/** The text of an expression as far as it is known. */
interface KnownName {
  readonly text: string;
  /** It begins with the name of the file's own package. */
  readonly isOwn: boolean;
  readonly isComplete: boolean;
}

const TERM = /\s*(?:([A-Za-z]{0,2})"(\d+)"|\b(__name__|__package__|__spec__\.parent)\b|(\+))/y;

function nameIn(expression: string, strings: readonly string[]): KnownName {
  let [text, isOwn] = ["", false];
  let at = 0;
  const cut = () => ({ text, isOwn, isComplete: false });
  for (TERM.lastIndex = 0; /\S/.test(expression.slice(at)); at = TERM.lastIndex) {
    const term = TERM.exec(expression);
    if (term === null) return cut();
    const [, prefix = "", index, own] = term;
    if (own !== undefined) {
      if (text !== "" || isOwn) return cut();
      isOwn = true;
    } else if (index !== undefined) {
      let literal = strings[Number(index)]!;
      const isFormatted = /f/i.test(prefix);
      if (isFormatted && text === "" && /^\{__(?:name|package)__\}/.test(literal)) {
        isOwn = true;
        literal = literal.slice(literal.indexOf("}") + 1);
      }
      const isTemplate = isFormatted ||
        /^\s*(?:%|\.\s*format)/.test(expression.slice(TERM.lastIndex));
      const end = isTemplate ? literal.search(/[{%]/) : -1;
      text += end < 0 ? literal : literal.slice(0, end);
      if (end >= 0) return cut();
    }
  }
  return { text, isOwn, isComplete: text !== "" || isOwn };
}

/** All names that a file contains as strings: one of them is what it imports. */
function everyName(code: string, strings: readonly string[]): Placed[] {
  const names = new Set(strings.map((text) => text.split(":", 1)[0]!));
  return [...names].filter((name) => DOTTED.test(name))
    .map((module) => [code.length, { level: 0, module, name: null, bound: null }]);
}

/** Packages whose modules are listed, which is done to import them: `iter_modules(__path__)`. */
function iterated(code: string): Placed[] {
  return [
    ...code.matchAll(/\b(?:iter_modules|walk_packages)\s*\(\s*(?:path\s*=\s*)?([\w.]*)__path__/g),
  ]
    .map(([{ length }, home], index): Placed => {
      const module = home!.replace(/\.$/, "");
      return [index + length, { level: module === "" ? 1 : 0, module, name: BELOW, bound: null }];
    });
}

/** What tests replace by its name: `mock.patch("a.b.c")`, `monkeypatch.setattr("a.b.c", d)`. */
function patched(code: string, strings: readonly string[]): Placed[] {
  return [...code.matchAll(/\b(?:patch|patch\.\w+|setattr|delattr)\s*\(\s*"(\d+)"/g)]
    .flatMap((match): Placed[] => {
      const module = strings[Number(match[1])]!;
      if (!DOTTED.test(module) || !module.includes(".")) return [];
      return [[match.index, { level: 0, module, name: null, bound: null }]];
    });
}

/**
 * Where the last call begins that may import by a name, of those without the word `import`; the
 * end of the text where names of imports may be anywhere, and -1 if there is none.
 */
export function lastCall(text: string): number {
  const isByName = text.includes("import_module") || text.includes("__import__");
  if (isByName && (text.search(ALIAS) >= 0 || ELSEWHERE.test(text))) return text.length;
  if (!text.includes("patch")) return -1;
  let last = -1;
  for (const match of text.matchAll(/(?:patch|patch\.\w+|setattr|delattr)\s*\(\s*["']/g)) {
    last = match.index;
  }
  return last;
}
