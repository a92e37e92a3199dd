import { PYTEST_OPTIONS, type PytestOptionRow } from "../tables/pytest_options.ts";
import type { NamedRow } from "./option_values.ts";

/** A piece of what the user typed for `run`, in the order it was typed. */
export type RunWord =
  /** Surely a target. */
  | { readonly kind: "target"; readonly word: string }
  /**
   * pytest's: an option with its value, if it has one. `settled` is false when the option's next
   * word might still belong to it.
   */
  | { readonly kind: "pytest"; readonly words: readonly string[]; readonly settled: boolean }
  /**
   * The word after an option that is in no table: a target if it resolves to one, else the option's
   * value.
   */
  | { readonly kind: "target-or-value"; readonly word: string };

/** The words of `run`, told apart. */
export interface SplitWords {
  /** Words that the options table knows, for the ordinary parser. */
  readonly own: readonly string[];
  readonly words: readonly RunWord[];
  /** What follows `--`: pytest's, untouched. */
  readonly afterDashes: readonly string[];
}

const PYTEST: ReadonlyMap<string, PytestOptionRow> = new Map(
  PYTEST_OPTIONS.flatMap((row) => row.names.map((name) => [name, row] as const)),
);

/**
 * Tells our own options, pytest's and the targets apart. Ours win where both have a name; a cluster
 * of short ones (`-xvs`, `-n4`, `-vk expr`) is taken letter by letter. What is in no table goes to
 * pytest as it is.
 *
 * @param rows the options that `run` takes
 */
export function splitRunWords(words: readonly string[], rows: readonly NamedRow[]): SplitWords {
  const dashes = words.indexOf("--");
  const queue = dashes < 0 ? [...words] : words.slice(0, dashes);
  const own: string[] = [];
  const split: RunWord[] = [];
  const ours = new Map<string, NamedRow>(
    rows.flatMap((row) =>
      [[`--${row.name}`, row], ...(row.short ? [[`-${row.short}`, row] as const] : [])] as const
    ),
  );
  let unknownBefore = false;
  while (queue.length > 0) {
    const word = queue.shift()!;
    const afterUnknown = unknownBefore;
    unknownBefore = false;
    if (word.startsWith("--")) unknownBefore = takeLong(word);
    else if (word.startsWith("-") && word.length > 1) unknownBefore = takeShort(word);
    else split.push({ kind: afterUnknown ? "target-or-value" : "target", word });
  }
  return { own, words: split, afterDashes: dashes < 0 ? [] : words.slice(dashes + 1) };

  function takeLong(word: string): boolean {
    const equals = word.indexOf("=");
    const name = equals < 0 ? word : word.slice(0, equals);
    const row = ours.get(name);
    if (row) {
      // Tied to its option, a value may look like anything.
      const value = row.bare !== undefined
        ? equals < 0 ? `=${row.bare}` : ""
        : row.kind !== "flag" && equals < 0 && queue.length > 0
        ? `=${queue.shift()}`
        : "";
      own.push(word + value);
      while (row.pairs && /^[a-z][a-z-]*=/.test(queue[0] ?? "")) {
        own.push(`${name}=${queue.shift()}`);
      }
      if (row.name === "verbose") split.push({ kind: "pytest", words: [word], settled: true });
      return false;
    }
    return pass(word, equals < 0 ? PYTEST.get(name) : NO_VALUE);
  }

  function takeShort(word: string): boolean {
    let kept = "-";
    for (let index = 1; index < word.length; index++) {
      const letter = word[index]!;
      const rest = word.slice(index + 1);
      const row = ours.get(`-${letter}`);
      const pytest = PYTEST.get(`-${letter}`);
      if (row && row.kind !== "flag") {
        own.push(`--${row.name}=${rest === "" ? queue.shift() ?? "" : rest.replace(/^=/, "")}`);
        break;
      }
      if (row) {
        own.push(`-${letter}`);
        // Both are verbose: pytest's lines and the programs that we run.
        if (row.name === "verbose") kept += letter;
        continue;
      }
      kept += letter;
      if (pytest?.value === "none") continue;
      // A value sits in the same word or is the next one; an unknown letter leaves the whole rest
      // to pytest.
      return pass(kept + rest, rest === "" ? pytest : NO_VALUE);
    }
    if (kept !== "-") split.push({ kind: "pytest", words: [kept], settled: true });
    return false;
  }

  /** Hands an option to pytest, with its value; true if the next word might be one. */
  function pass(word: string, row: PytestOptionRow | undefined): boolean {
    const value = row?.value === "required" ? queue.splice(0, 1) : [];
    const open = row === undefined || row.value === "optional";
    split.push({ kind: "pytest", words: [word, ...value], settled: !open });
    return open;
  }
}

const NO_VALUE: PytestOptionRow = { names: [], value: "none" };

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
 * `--tb`. Values are no options.
 */
export function optionNames(words: readonly string[]): Set<string> {
  const names = new Set<string>();
  const split = splitRunWords(words, []);
  for (
    const { word } of split.words.flatMap((item) =>
      item.kind === "pytest" ? [{ word: item.words[0]! }] : []
    )
  ) {
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

/**
 * Whether words of pytest's name something to collect themselves: a word that is neither an option
 * nor the value of a known one.
 */
export function hasPositional(words: readonly string[]): boolean {
  const split = splitRunWords(words, []);
  return split.words.some((item) => item.kind === "target") || split.afterDashes.length > 0;
}
