import { parseArgs } from "@std/cli";
import { UsageError } from "../errors.ts";
import { type CommandRow, COMMANDS } from "./verbs.ts";
import { CONTRADICTIONS } from "./contradictions.ts";
import { type OptionRow, OPTIONS } from "./options.ts";
import { isSlipOf, nearest, suggestion } from "../base/nearest.ts";
import { isPytestOption, type RunWord, splitRunWords, type SplitWords } from "./run_words.ts";

/** A parsed command line of one command. */
export interface CommandLine {
  readonly command: string;
  /** What is neither an option nor a value of one, in order. */
  readonly operands: readonly string[];
  /** What follows `--`, untouched. */
  readonly afterDashes: readonly string[];
  /** Of `run` alone: targets and pytest's options in the order they were typed. */
  readonly words?: readonly RunWord[];
  has(option: string): boolean;
  /** The value of a `value` option. */
  value(option: string): string | undefined;
  /** The values of a `values` option, in order. */
  values(option: string): readonly string[];
}

/** The options that a command takes. */
export function optionsOf(command: string): OptionRow[] {
  return (OPTIONS as readonly OptionRow[]).filter((row) =>
    row.commands === "*" || row.commands.includes(command)
  );
}

/** The same as people are told of them. */
export function shownOptionsOf(command: string): OptionRow[] {
  return optionsOf(command).filter((row) => !row.hidden);
}

/**
 * Parses the words after a command by the options table. `run` hands what is not ours to pytest.
 *
 * @throws {UsageError} for an unknown option, a missing value, a value that is not among the
 *   choices, options that exclude each other.
 */
export function parseCommandLine(command: string, words: readonly string[]): CommandLine {
  const rows = optionsOf(command);
  const dashes = words.indexOf("--");
  const split = command === "run" ? splitRunWords(words, rows) : null;
  if (split) refuseSlips(split, rows);
  const own = split?.own ?? tied(dashes < 0 ? words : words.slice(0, dashes), rows);
  const afterDashes = dashes < 0 ? [] : words.slice(dashes + 1);
  const valued = rows.filter((row) => row.kind !== "flag");
  const parsed = parseArgs([...own], {
    boolean: rows.filter((row) => row.kind === "flag").map((row) => row.name),
    string: ["_", ...valued.map((row) => row.name)],
    collect: valued.map((row) => row.name),
    alias: Object.fromEntries(rows.flatMap((row) => (row.short ? [[row.name, row.short]] : []))),
    unknown: (argument: string) => {
      if (argument.startsWith("-") && argument !== "-") {
        throw unknownOption(command, argument, rows);
      }
    },
  }) as Record<string, unknown> & { _: string[] };
  const operands = split
    ? split.words.flatMap((item) => item.kind === "target" ? [item.word] : [])
    : parsed._.map(String);
  if (operands.length > 0 && !takesOperands(command)) {
    throw new UsageError(
      `"${command}" takes no "${operands[0]}"`,
      `tractest ${command} --help lists the options`,
    );
  }
  const values = new Map<string, readonly string[]>();
  for (const row of valued) {
    const given = (parsed[row.name] as string[] | undefined) ?? [];
    for (const value of given) checkValue(row, value);
    if (row.kind === "value" && given.length > 1 && new Set(given).size > 1) {
      throw new UsageError(
        `Option "--${row.name}" was given twice, with different values`,
        `give it once`,
      );
    }
    values.set(row.name, given);
  }
  const has = (option: string) => parsed[option] === true || (values.get(option)?.length ?? 0) > 0;
  for (const { options, instead } of CONTRADICTIONS) {
    const [one, other] = options.filter(has);
    if (other !== undefined) {
      throw new UsageError(`"--${one}" and "--${other}" exclude each other`, instead);
    }
  }
  return {
    command,
    operands,
    afterDashes,
    words: split?.words,
    has,
    value: (option) => values.get(option)?.at(-1),
    values: (option) => values.get(option) ?? [],
  };
}

/**
 * Ties to their options the values that the parser would miss: what an option without a value
 * stands for, and a lone dash.
 */
function tied(words: readonly string[], rows: readonly OptionRow[]): string[] {
  const row = (word: string | undefined) => rows.find(({ name }) => word === `--${name}`);
  const takesDash = (word: string | undefined, next: string | undefined) =>
    next === "-" && /^values?$/.test(row(word)?.kind ?? "");
  return words.flatMap((word, index) => {
    if (takesDash(words[index - 1], word)) return [];
    if (takesDash(word, words[index + 1])) return [`${word}=-`];
    const found = row(word);
    return [found?.kind === "optional" ? `${word}=${found.otherwise}` : word];
  });
}

/**
 * Refuses what is almost an option of ours: a run must not start because `--dryrun` went to pytest.
 *
 * @throws {UsageError} with the way to hand it to pytest all the same
 */
function refuseSlips(split: SplitWords, rows: readonly OptionRow[]): void {
  for (const item of split.words) {
    const name = item.kind === "pytest" ? item.words[0]!.replace(/=.*$/s, "") : "";
    if (!name.startsWith("--") || isPytestOption(name)) continue;
    const meant = rows.find((row) => isSlipOf(name.slice(2), row.name));
    if (meant) {
      throw new UsageError(
        `Unknown option "${name}" for "run"`,
        `did you mean "--${meant.name}"? pytest gets it after --: -- ${name}`,
      );
    }
  }
}

/**
 * The words of a command line after its command, from what they were parsed to: parsed again they
 * come to the same.
 *
 * @param without names of options of ours to leave out
 * @param first options of ours to put in front
 */
export function wordsOf(
  line: CommandLine,
  without: readonly string[] = [],
  first: readonly string[] = [],
): string[] {
  const own = optionsOf(line.command).filter((row) =>
    !without.includes(row.name) && line.has(row.name)
  ).flatMap((row) => {
    // `-v` is pytest's too, and stands among its words.
    if (row.kind === "flag") return row.name === "verbose" && line.words ? [] : [`--${row.name}`];
    return line.values(row.name).map((value) => `--${row.name}=${value}`);
  });
  const front = [...first, ...own];
  const words = line.words?.flatMap((item, index) => {
    if (item.kind === "pytest") return item.words;
    const before = line.words![index - 1];
    // An option of ours stood between: without one the target could be taken for the value of the
    // option before it.
    const isApart = item.kind === "target" && before?.kind === "pytest" && !before.settled;
    return [...(isApart ? front.slice(0, 1) : []), item.word];
  });
  return [
    ...front,
    ...(words ?? line.operands),
    ...(line.afterDashes.length > 0 ? ["--", ...line.afterDashes] : []),
  ];
}

/** Whether the usage of a command has anything besides options. */
function takesOperands(command: string): boolean {
  const row = (COMMANDS as readonly CommandRow[]).find(({ name }) => name === command);
  return row !== undefined && !/^tractest \S+( \[OPTIONS\]| \[--[^\]]*\])*$/.test(row.usage);
}

function checkValue(row: OptionRow, value: string): void {
  if (value === "") {
    throw new UsageError(
      `Option "--${row.name}" needs a value`,
      `--${row.name} ${row.metavar ?? "VALUE"}: ${row.help}`,
    );
  }
  if (row.choices && !row.choices.includes(value)) {
    throw new UsageError(
      `Option "--${row.name}" does not take "${value}"`,
      `it takes one of: ${nearest(value, row.choices).join(", ")}`,
    );
  }
}

function unknownOption(command: string, argument: string, rows: readonly OptionRow[]): UsageError {
  const name = argument.replace(/=.*$/s, "");
  const near = suggestion(name, rows.map((row) => `--${row.name}`));
  return new UsageError(
    `Unknown option "${name}" for "${command}"`,
    near ?? `tractest ${command} --help lists the options`,
  );
}
