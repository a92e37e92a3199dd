import { PYTEST_OPTIONS, type PytestOptionRow } from "../tables/pytest_options.ts";
import type { NamedRow } from "./option_values.ts";

/** A piece of the command line of `run`, in the order of typing. */
export type RunWord =
  | { readonly kind: "target"; readonly word: string }
  /**
   * An option of pytest with its value, if it has one. `settled` is false when the next word might
   * still belong to it.
   */
  | { readonly kind: "pytest"; readonly words: readonly string[]; readonly settled: boolean }
  /** The word after an unknown option: a target if it resolves to one, else the option's value. */
  | { readonly kind: "target-or-value"; readonly word: string };

/** The words of `run`, sorted. */
export interface SplitWords {
  /** Words for the ordinary parser: our own options. */
  readonly own: readonly string[];
  readonly words: readonly RunWord[];
  /** The words after `--`: pytest's, untouched. */
  readonly afterDashes: readonly string[];
}

const PYTEST: ReadonlyMap<string, PytestOptionRow> = new Map(
  PYTEST_OPTIONS.flatMap((row) => row.names.map((name) => [name, row] as const)),
);

const NO_VALUE: PytestOptionRow = { names: [], value: "none" };

/**
 * Separates our own options, pytest's and the targets. Ours win where both have a name; a cluster
 * of short ones (`-xvs`, `-n4`, `-vk expr`) is read letter by letter. Unknown options go to pytest
 * as they are.
 *
 * @param rows the options of `run`
 */
export function splitRunWords(words: readonly string[], rows: readonly NamedRow[]): SplitWords {
  const dashes = words.indexOf("--");
  const [before, afterDashes] = dashes < 0
    ? [words, []]
    : [words.slice(0, dashes), words.slice(dashes + 1)];
  return { ...new Splitter(before, rows).split(), afterDashes };
}

class Splitter {
  readonly #queue: string[];
  readonly #ours = new Map<string, NamedRow>();
  readonly #own: string[] = [];
  readonly #words: RunWord[] = [];

  constructor(words: readonly string[], rows: readonly NamedRow[]) {
    this.#queue = [...words];
    for (const row of rows) {
      this.#ours.set(`--${row.name}`, row);
      if (row.short) this.#ours.set(`-${row.short}`, row);
    }
  }

  split(): Omit<SplitWords, "afterDashes"> {
    // Whether the option before might take the word as its value.
    let isOpen = false;
    while (this.#queue.length > 0) {
      const word = this.#queue.shift()!;
      if (word.startsWith("--")) isOpen = this.#takeLong(word);
      else if (word.startsWith("-") && word.length > 1) isOpen = this.#takeShort(word);
      else {
        this.#words.push({ kind: isOpen ? "target-or-value" : "target", word });
        isOpen = false;
      }
    }
    return { own: this.#own, words: this.#words };
  }

  #takeLong(word: string): boolean {
    const [, name = word, value] = /^([^=]*)(=.*)?$/s.exec(word)!;
    const row = this.#ours.get(name);
    if (!row) return this.#pass(word, value === undefined ? PYTEST.get(name) : NO_VALUE);
    // A value that is tied to its option may look like anything.
    this.#own.push(name + (value ?? this.#valueOf(row)));
    while (row.pairs && /^[a-z][a-z-]*=/.test(this.#queue[0] ?? "")) {
      this.#own.push(`${name}=${this.#queue.shift()}`);
    }
    if (row.name === "verbose") this.#words.push({ kind: "pytest", words: [word], settled: true });
    return false;
  }

  /** The value of an option that has none in its own word, as `=VALUE`. */
  #valueOf(row: NamedRow): string {
    if (row.bare !== undefined) return `=${row.bare}`;
    if (row.kind === "flag" || this.#queue.length === 0) return "";
    // The next option is no value: an empty one is refused, and names the option that lacks it.
    return this.#isOption(this.#queue[0]!) ? "=" : `=${this.#queue.shift()}`;
  }

  #isOption(word: string): boolean {
    const name = word.replace(/=.*$/s, "");
    return name.startsWith("--") && (this.#ours.has(name) || PYTEST.has(name));
  }

  #takeShort(word: string): boolean {
    let kept = "-";
    for (let index = 1; index < word.length; index++) {
      const name = `-${word[index]}`;
      const rest = word.slice(index + 1);
      const row = this.#ours.get(name);
      if (row && row.kind !== "flag") {
        const value = rest === "" ? this.#queue.shift() ?? "" : rest.replace(/^=/, "");
        this.#own.push(`--${row.name}=${value}`);
        break;
      }
      if (row) this.#own.push(name);
      // `-v` is for both: pytest's lines and the programs that we run.
      if (row && row.name !== "verbose") continue;
      kept += word[index];
      const pytest = PYTEST.get(name);
      if (row || pytest?.value === "none") continue;
      // The value is in the same word or the next; an unknown letter leaves the rest to pytest.
      return this.#pass(kept + rest, rest === "" ? pytest : NO_VALUE);
    }
    if (kept !== "-") this.#words.push({ kind: "pytest", words: [kept], settled: true });
    return false;
  }

  /** Passes an option to pytest, with its value. Returns whether the next word might be one. */
  #pass(word: string, row: PytestOptionRow | undefined): boolean {
    const value = row?.value === "required" ? this.#queue.splice(0, 1) : [];
    const isOpen = row === undefined || row.value === "optional";
    this.#words.push({ kind: "pytest", words: [word, ...value], settled: !isOpen });
    return isOpen;
  }
}

/** Whether an option is one of pytest's own or of its well-known plugins. */
export function isPytestOption(name: string): boolean {
  return PYTEST.has(name);
}

/** Whether one of pytest's options takes the next word as its value, whatever that is. */
export function takesValue(name: string): boolean {
  return PYTEST.get(name)?.value === "required";
}

/**
 * The names of the options among pytest's words: `-xvs` is `-x`, `-v` and `-s`, `--tb=long` is
 * `--tb`.
 */
export function optionNames(words: readonly string[]): Set<string> {
  const names = new Set<string>();
  for (const item of splitRunWords(words, []).words) {
    const word = item.kind === "pytest" ? item.words[0]! : "";
    if (word.startsWith("--")) names.add(word.replace(/=.*$/s, ""));
    else for (const name of shortNames(word)) names.add(name);
  }
  return names;
}

function shortNames(word: string): string[] {
  const names: string[] = [];
  for (const letter of word.slice(1)) {
    names.push(`-${letter}`);
    if (PYTEST.get(`-${letter}`)?.value !== "none") break;
  }
  return names;
}

/** Whether words of pytest's name tests: one is neither an option nor the value of a known one. */
export function hasPositional(words: readonly string[]): boolean {
  const split = splitRunWords(words, []);
  return split.words.some((item) => item.kind === "target") || split.afterDashes.length > 0;
}
