import { docOf, shownRows, takesNextWord } from "../command_line/option_values.ts";
import { EVERY_COMMAND, type OptionTable, takesMany } from "../command_line/options.ts";
import type { Offers, VerbDescription } from "../command_line/verb_description.ts";
import { PYTEST_OPTIONS, type PytestOptionRow } from "../tables/pytest_options.ts";

/** A text that can stand at the cursor, and what it is. */
export interface Candidate {
  readonly value: string;
  readonly about?: string;
}

/** What can stand at the cursor. */
export interface Wanted {
  /** What is typed of the same word and stays as it is: `--ui=`, `--matrix=python=3.11,`. */
  readonly before: string;
  /** What is typed of the part to complete. */
  readonly part: string;
  readonly offers: Offers;
  readonly options: readonly Candidate[];
}

/** An option, of ours or of pytest, as a command line is read by it. */
interface Known {
  readonly names: readonly string[];
  readonly about: string;
  /** Whether the next word is its value. */
  readonly takesNext: boolean;
  /** Its values after `=` that are offered with its name: it needs none. */
  readonly tied: readonly string[];
  readonly repeats: boolean;
  readonly pairs: boolean;
  readonly offers: Offers;
}

const NOTHING: Offers = { words: [], paths: null };
const COMMANDS: Offers = { words: [], paths: null, sources: ["commands"] };
/** Options that stand without a command. */
const ALONE: Known = {
  names: ["--version", "-V"],
  about: "show the version",
  takesNext: false,
  tied: [],
  repeats: false,
  pairs: false,
  offers: NOTHING,
};

/** The index of the command among some words; -1 while there is none before the last word. */
export function commandIndex(words: readonly string[]): number {
  const options = knownOptions(EVERY_COMMAND, false);
  for (let index = 0; index < words.length - 1; index++) {
    if (!words[index]!.startsWith("-")) return index;
    if (options.get(words[index]!)?.takesNext) index++;
  }
  return -1;
}

/** The directory that `-C` names; null without one. */
export function directoryIn(words: readonly string[]): string | null {
  for (const [index, word] of words.slice(0, -1).entries()) {
    if (word === "--") return null;
    const tied = /^(?:--directory=|-C)(.+)$/s.exec(word)?.[1];
    if (tied !== undefined) return tied;
    if (word === "-C" || word === "--directory") {
      return index + 1 < words.length - 1 ? words[index + 1]! : null;
    }
  }
  return null;
}

/**
 * What can stand at the cursor.
 *
 * @param words those after `tractest`; the last one is being typed
 * @param verb the command, once it was typed
 */
export function wantedAt(words: readonly string[], verb: VerbDescription | null): Wanted {
  const typed = words.at(-1) ?? "";
  const passes = verb?.passesToPytest ?? false;
  const known = knownOptions(verb?.options ?? EVERY_COMMAND, passes);
  if (verb === null) { for (const name of ALONE.names) known.set(name, ALONE); }
  const read = readWords(words.slice(commandIndex(words) + 1, -1), known);
  if (read.pending !== null) return valueAt(read.pending, "", typed, known);
  const [, option = "", value = ""] = /^(--[^=]+)=(.*)$/s.exec(typed) ?? [];
  const tied = read.afterDashes && !passes ? undefined : known.get(option);
  if (tied !== undefined) return valueAt(tied, `${option}=`, value, known);
  if (read.pairs !== null && typed.includes("=")) return valueAt(read.pairs, "", typed, known);
  const offered = read.afterDashes ? pytestOptions() : known;
  const options = typed.startsWith("-") && (passes || !read.afterDashes)
    ? optionCandidates(offered, read.given)
    : [];
  const offers = typed.startsWith("-")
    ? NOTHING
    : verb === null
    ? COMMANDS
    : operandsAt(verb, read.afterDashes ? 0 : read.operands);
  return { before: "", part: typed, offers, options };
}

interface ReadWords {
  /** The option whose value is being typed. */
  readonly pending: Known | null;
  /** The option before, whose further values may follow. */
  readonly pairs: Known | null;
  readonly operands: number;
  readonly afterDashes: boolean;
  readonly given: ReadonlySet<Known>;
}

function readWords(words: readonly string[], known: ReadonlyMap<string, Known>): ReadWords {
  let [pending, pairs]: [Known | null, Known | null] = [null, null];
  let [operands, afterDashes] = [0, false];
  const given = new Set<Known>();
  for (const word of words) {
    if (pending !== null) {
      pairs = pending.pairs ? pending : null;
      pending = null;
    } else if (word === "--") afterDashes = true;
    else if (word.startsWith("-") && word !== "-") {
      const option = known.get(word.replace(/=.*$/s, ""));
      if (option !== undefined) given.add(option);
      pending = option?.takesNext && !word.includes("=") ? option : null;
      pairs = option?.pairs ? option : null;
    } else if (pairs === null || !/^[a-z-]+=/.test(word)) {
      operands++;
      pairs = null;
    }
  }
  return { pending, pairs, operands, afterDashes, given };
}

/** The value of an option; of `KEY=V1,V2` the value after the last comma. */
function valueAt(
  option: Known,
  before: string,
  value: string,
  known: ReadonlyMap<string, Known>,
): Wanted {
  const [, pair = "", key = ""] = option.pairs ? /^(([a-z-]+)=(?:.*,)?)/.exec(value) ?? [] : [];
  if (pair === "") return { before, part: value, offers: option.offers, options: [] };
  const offers: Offers = key === "python"
    ? { words: [], paths: null, sources: ["minors"] }
    : known.get(`--${key}`)?.offers ?? NOTHING;
  return { before: before + pair, part: value.slice(pair.length), offers, options: [] };
}

/** Offered for an operand: by its verb, else the words of its usage (`install|uninstall`). */
function operandsAt({ usage, operands }: VerbDescription, index: number): Offers {
  if (operands) return operands;
  const groups = usage.split(" ").flatMap((word) => {
    const [, list] = /^\[?(\w[\w-]*(?:\|\w[\w-]*)+)$/.exec(word) ?? [];
    return list === undefined ? [] : [list.split("|")];
  });
  const last = usage.includes("…") ? groups.at(-1) : undefined;
  return { words: groups[index] ?? last ?? [], paths: null };
}

function optionCandidates(
  known: ReadonlyMap<string, Known>,
  given: ReadonlySet<Known>,
): Candidate[] {
  const options = [...new Set(known.values())].filter((each) => each.repeats || !given.has(each));
  return options.flatMap(({ names, tied, about }) =>
    [...names, ...tied.map((value) => `${names[0]}=${value}`)].map((value) => ({ value, about }))
  );
}

function knownOptions(table: OptionTable, passesToPytest: boolean): Map<string, Known> {
  const known = passesToPytest ? pytestOptions() : new Map<string, Known>();
  for (const row of shownRows(table)) {
    const isFile = row.kind === "file" || row.kind === "path";
    const option: Known = {
      names: [`--${row.name}`, ...(row.short ? [`-${row.short}`] : [])],
      about: docOf(row),
      takesNext: takesNextWord(row),
      tied: row.bare === undefined ? [] : row.choices!,
      repeats: takesMany(row),
      pairs: row.pairs ?? false,
      offers: {
        words: row.choices ?? row.offers ?? [],
        paths: row.kind === "directory" ? "directories" : isFile ? "files" : null,
        sources: row.source === undefined ? [] : [row.source],
      },
    };
    for (const name of option.names) known.set(name, option);
  }
  return known;
}

function pytestOptions(): Map<string, Known> {
  const known = new Map<string, Known>();
  for (
    const { names, value, help, offers = [], takes } of PYTEST_OPTIONS as readonly PytestOptionRow[]
  ) {
    const option: Known = {
      names,
      about: help ?? "of pytest",
      takesNext: value === "required",
      tied: [],
      repeats: value === "required",
      pairs: false,
      offers: {
        words: offers,
        paths: takes === undefined || takes === "tests" ? null : takes,
        sources: takes === "tests" ? ["tests"] : [],
      },
    };
    for (const name of names) known.set(name, option);
  }
  return known;
}
