import { escapeText, shellWord } from "../base/escape.ts";
import { isGeneric, type PrivateFacts } from "./rules_private.ts";
import { announcesSecret, isSecretName, SECRET, withoutSecrets } from "./rules_secrets.ts";

/** The kinds of what is replaced, as a bundle lists them. */
export const REPLACED = {
  user: "your user name",
  home: "your home directory",
  host: "names of this machine and its network",
  others: "names of other users",
  secrets: "passwords, tokens and keys, by their names or forms",
  variables: "values of environment variables",
  emails: "e-mail addresses",
} as const;

/** A kind of {@linkcode REPLACED}. */
export type ReplacedKind = keyof typeof REPLACED;

/** How often each kind was replaced. */
export type Counts = Readonly<Partial<Record<ReplacedKind, number>>>;

interface Rule {
  readonly kind: ReplacedKind;
  readonly pattern: RegExp;
  readonly by: (match: readonly string[]) => string;
}

/** A name from this length on is replaced within words too. */
const LONG_NAME = 5;
/** A secret from this length on is. */
const LONG_SECRET = 8;

/** Characters of a value that was cut which are recognized. */
const LEAST_CUT = 4;
/** Characters around a cut that are compared. */
const MOST_CUT = 80;
/** A place where a program has cut a text. */
const CUT = /(?<!\.)(?:\.{3}|…)(?!\.)/g;

/** Names of Unix sockets and units look like addresses: `registry@1616.sock`. */
const EMAIL = new RegExp(
  "[\\p{L}\\p{N}._%+-]{1,64}(?:@|%40)[\\p{L}\\p{N}](?:[\\p{L}\\p{N}-]*[\\p{L}\\p{N}])?" +
    "(?:\\.[\\p{L}\\p{N}-]+)*\\.(?!(?:sock|socket|service|slice|scope|timer|target|mount|py)\\b)" +
    "\\p{L}{2,}",
  "gu",
);

/**
 * Replaces what is private in texts and in values of JSON, the same everywhere: a reader still
 * sees that two paths are in one home, and which variable a value comes from.
 */
export class Redactor {
  readonly #counts = new Map<ReplacedKind, number>();
  readonly #values: readonly (readonly [value: string, name: string, isLong: boolean])[];
  readonly #others: Map<string, string>;
  readonly #facts: PrivateFacts;
  #rules: readonly Rule[];

  constructor(facts: PrivateFacts) {
    this.#facts = facts;
    const values = new Map<string, string>();
    for (const [name, value] of facts.variables) {
      const lines = value.split("\n").filter((line) => line.trim().length >= LONG_SECRET);
      for (const text of [value, ...lines]) {
        for (const variant of variantsOf(text)) {
          if (!values.has(variant)) values.set(variant, name);
        }
      }
    }
    this.#values = [...values].sort(([a], [b]) => b.length - a.length).map(([value, name]) =>
      [value, name, value.length >= LONG_SECRET] as const
    );
    this.#others = new Map(facts.others.map((name, index) => [name, `user-${index + 1}`]));
    this.#rules = this.#makeRules();
  }

  /** How often each kind was replaced since the last call. */
  takeCounts(): Counts {
    const counts = Object.fromEntries(this.#counts) as Counts;
    this.#counts.clear();
    return counts;
  }

  /** Notes whose homes a text names, so that their names are replaced elsewhere too. */
  learn(text: string): void {
    const before = this.#others.size;
    for (const [, name] of text.matchAll(this.#homePattern())) this.#placeholder(name!);
    for (const [, name] of text.matchAll(/pytest-of-([^\s\/\\"'<>]+)/g)) this.#placeholder(name!);
    if (this.#others.size > before) this.#rules = this.#makeRules();
  }

  /** A text without what is private. */
  text(text: string): string {
    let result = text;
    for (const [value, name, isLong] of this.#values) {
      if (!result.includes(value)) continue;
      const pattern = new RegExp(isLong ? quoted(value) : bounded(value, "\\p{L}\\p{N}"), "gu");
      result = result.replace(pattern, () => this.#shown(name));
    }
    result = this.#withoutCut(result);
    result = withoutSecrets(result, () => this.#count("secrets", SECRET));
    result = result.replace(EMAIL, () => this.#count("emails", "[e-mail]"));
    for (const { kind, pattern, by } of this.#rules) {
      result = result.replace(pattern, (...match: string[]) => {
        const text = by(match);
        return text === match[0] ? text : this.#count(kind, text);
      });
    }
    return result;
  }

  /** A text without beginnings and ends of values that a program has cut: `abcd…`, `...wxyz`. */
  #withoutCut(text: string): string {
    if (this.#values.length === 0) return text;
    let [result, done] = ["", 0];
    for (const { index, 0: { length } } of text.matchAll(CUT)) {
      const [from, to] = [Math.max(done, index - MOST_CUT), index + length];
      const head = this.#longest(text.slice(from, index), "end");
      const tail = this.#longest(text.slice(to, to + MOST_CUT), "start");
      const keptUntil = index - (head?.length ?? 0);
      result += text.slice(done, keptUntil) + (head ? this.#shown(head.name) : "") +
        text.slice(index, to) + (tail ? this.#shown(tail.name) : "");
      done = to + (tail?.length ?? 0);
    }
    return result + text.slice(done);
  }

  #shown(name: string): string {
    return this.#count("variables", `[$${name}]`);
  }

  /** The longest part of a value that stands at the end, or at the start, of a text. */
  #longest(
    text: string,
    place: "start" | "end",
  ): { readonly name: string; readonly length: number } | null {
    let longest: { name: string; length: number } | null = null;
    const nearest = place === "end" ? text.slice(-LEAST_CUT) : text.slice(0, LEAST_CUT);
    if (nearest.length < LEAST_CUT) return null;
    for (const [value, name, isLong] of this.#values) {
      if (!isLong || !value.includes(nearest)) continue;
      for (let length = Math.min(value.length, text.length); length >= LEAST_CUT; length--) {
        const isThere = place === "end"
          ? text.endsWith(value.slice(0, length))
          : text.startsWith(value.slice(-length));
        if (!isThere) continue;
        if (length > (longest?.length ?? 0)) longest = { name, length };
        break;
      }
    }
    return longest;
  }

  /** A value of JSON without what is private, in its keys too. */
  value(value: unknown): unknown {
    if (typeof value === "string") return this.text(value);
    if (Array.isArray(value)) return this.#array(value);
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [
        this.text(key),
        isSecretName(key) && isSecret(item) ? this.#count("secrets", SECRET) : this.value(item),
      ]),
    );
  }

  /** JSON lines without what is private; a line that is none is a text. */
  lines(text: string): string {
    return text.split("\n").map((line) => {
      if (line.trim() === "") return "";
      let value: unknown;
      try {
        value = JSON.parse(line);
      } catch {
        return this.text(line);
      }
      return JSON.stringify(this.value(value));
    }).join("\n");
  }

  /** The words of a command may be a list. */
  #array(items: readonly unknown[]): unknown[] {
    return items.map((item, index) => {
      const before = items[index - 1];
      return typeof before === "string" && typeof item === "string" && announcesSecret(before, item)
        ? this.#count("secrets", SECRET)
        : typeof item === "string"
        ? this.#word(item)
        : this.value(item);
    });
  }

  /** `--token=…`: all of it is the value, whatever is in it. */
  #word(word: string): string {
    const [, option, name, value] = /^(--?([\w-]+)=)([^]+)$/.exec(word) ?? [];
    return option !== undefined && isSecretName(name!) && value !== ""
      ? option + this.#count("secrets", SECRET)
      : this.text(word);
  }

  #count(kind: ReplacedKind, text: string): string {
    this.#counts.set(kind, (this.#counts.get(kind) ?? 0) + 1);
    return text;
  }

  #placeholder(name: string): string {
    if (isGeneric(name) || /^\[.*\]?$/.test(name)) return name;
    const own = this.#facts.users.some((user) => user.toLowerCase() === name.toLowerCase());
    if (own) return "[user]";
    const known = this.#others.get(name) ?? `user-${this.#others.size + 1}`;
    this.#others.set(name, known);
    return `[${known}]`;
  }

  /** Directories that hold homes: the common ones, and that of one's own. */
  #homePattern(): RegExp {
    const own = this.#facts.homes.map((home) => home.replace(/\/[^\/]*$/, ""))
      .filter((parent) => /\/(?:home|Users)(?:\/|$)/.test(parent));
    const parents = ["/home", "/Users", "/mnt/c/Users", ...own].map(quoted);
    const separators = String.raw`(?:/|%2[fF]|\\{1,4})`;
    return new RegExp(
      `(?<=(?:${parents.join("|")}|[A-Za-z]:\\\\{1,4}Users)${separators})` +
        String.raw`([^\s/\\"'\`:;,<>()\[\]{}%?&#=|]+)`,
      "g",
    );
  }

  #makeRules(): Rule[] {
    const { homes, hosts, users, others } = this.#facts;
    const rules: Rule[] = [];
    const add = (
      kind: ReplacedKind,
      patterns: readonly string[],
      by: Rule["by"],
      flags = "giu",
    ) => {
      if (patterns.length === 0) return;
      const longest = [...new Set(patterns)].sort((a, b) => b.length - a.length);
      rules.push({ kind, pattern: new RegExp(longest.join("|"), flags), by });
    };
    const ownHomes = homes.flatMap(variantsOf).map((home) => `${quoted(home)}(?![\\p{L}\\p{N}_-])`);
    add("home", ownHomes, () => "~", "gu");
    rules.push({
      kind: "others",
      pattern: this.#homePattern(),
      by: ([name]) => this.#placeholder(name!),
    });
    add("host", hosts.flatMap((name) => namePatterns(name, /[^a-z]/i.test(name))), () => "[host]");
    add("user", users.flatMap((name) => namePatterns(name)), () => "[user]");
    // A name that only a path shows may be a word as well.
    const known = [...this.#others].filter(([name]) =>
      others.includes(name) || name.length >= LONG_NAME
    );
    for (const [name, placeholder] of known) {
      add("others", namePatterns(name), () => `[${placeholder}]`);
    }
    rules.push({
      kind: "others",
      pattern: /(?<=pytest-of-)[^\s\/\\"'<>\[\]]+/g,
      by: ([name]) => this.#placeholder(name!),
    });
    return rules;
  }
}

function isSecret(value: unknown): boolean {
  return typeof value === "number" || (typeof value === "string" && value !== "");
}

/** Those of some names that stand in one of these texts, in any way of writing. */
export function presentIn(texts: readonly string[], names: readonly string[]): string[] {
  const lower = texts.map((text) => text.toLowerCase());
  return names.filter((name) =>
    variantsOf(name.toLowerCase()).some((variant) => lower.some((text) => text.includes(variant)))
  );
}

/** A name of this length or longer is replaced within words; a shorter one is a whole word. */
function namePatterns(name: string, within = true): string[] {
  return variantsOf(name).map((variant) =>
    within && name.length >= LONG_NAME ? quoted(variant) : bounded(variant, "\\p{L}")
  );
}

/**
 * A text that no character of a class surrounds. Escapes and colours end with letters, and belong
 * to no word.
 */
function bounded(text: string, letters: string): string {
  const before = String.raw`(?:(?<![${letters}])|(?<=%[0-9a-fA-F]{2}|\\[nrtbfv0]|\[[\d;]{0,12}m))`;
  return `${before}${quoted(text)}(?![${letters}])`;
}

function quoted(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|\/]/g, "\\$&");
}

/** A text as others write it: in JSON, in a URL, by a shell, by Python's `repr`. */
function variantsOf(text: string): string[] {
  const json = JSON.stringify(text).slice(1, -1);
  const encoded = encodeURIComponent(text.toWellFormed());
  const python = [...text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")].map(pythonEscape);
  const bytes = [...new TextEncoder().encode(text)];
  return [
    ...new Set([
      text,
      text.normalize("NFC"),
      text.normalize("NFD"),
      json,
      asciiJson(json),
      encoded,
      encoded.replace(/%../g, (byte) => byte.toLowerCase()),
      encoded.replaceAll("%20", "+"),
      escapeText(text),
      text.replaceAll("'", `'\\''`),
      text.replaceAll("'", `'"'"'`),
      shellWord(text).replace(/^\$?'(.*)'$/s, "$1"),
      text.replaceAll("\\", "\\\\"),
      python.join(""),
      bytes.map((byte) => byte < 0x80 ? String.fromCharCode(byte) : `\\x${hex(byte, 2)}`).join(""),
      btoa(String.fromCharCode(...bytes)).replace(/=+$/, ""),
    ]),
  ].filter((variant) => variant !== "");
}

function asciiJson(json: string): string {
  return json.replace(/[\x7f-\uffff]/g, (unit) => `\\u${hex(unit.charCodeAt(0), 4)}`);
}

function pythonEscape(character: string): string {
  const code = character.codePointAt(0)!;
  const short = { "\n": "\\n", "\r": "\\r", "\t": "\\t" }[character];
  if (short !== undefined) return short;
  if (code >= 0x20 && code < 0x7f) return character;
  return code <= 0xff
    ? `\\x${hex(code, 2)}`
    : code <= 0xffff
    ? `\\u${hex(code, 4)}`
    : `\\U${hex(code, 8)}`;
}

function hex(code: number, digits: number): string {
  return code.toString(16).padStart(digits, "0");
}
