import { parseArgs } from "@std/cli";
import { UsageError } from "../errors.ts";
import { CONTRADICTIONS } from "./contradictions.ts";
import type { CommandLine, Slip } from "./parsed_line.ts";
import { OPTION_SYNONYMS } from "./synonyms.ts";
import { type OptionsOf, type OptionTable, propertyOf } from "./options.ts";
import { type NamedRow, namedRows, optionValue, takesNextWord } from "./option_values.ts";
import type { VerbSyntax } from "./verb.ts";
import { isMisspellingOf, suggestion } from "../base/nearest.ts";
import { isPytestOption, splitRunWords, type SplitWords } from "./run_words.ts";

/**
 * Parses the words after a command by the options of its verb. Options that `run` does not have go
 * to pytest.
 *
 * @throws {UsageError} for an unknown option, a missing value, a value that the option does not
 *   take, options that exclude each other.
 */
export function parseCommandLine<Table extends OptionTable>(
  verb: VerbSyntax<Table>,
  words: readonly string[],
): CommandLine<OptionsOf<Table>> {
  const rows = namedRows(verb.options);
  const command = verb.name;
  const dashes = words.indexOf("--");
  const split = verb.passesToPytest ? splitRunWords(words, rows) : null;
  const own = split?.own ?? tied(dashes < 0 ? words : words.slice(0, dashes), rows);
  const afterDashes = dashes < 0 ? [] : words.slice(dashes + 1);
  const { given, rest } = givenOptions(command, own, rows);
  const operands = split
    ? split.words.flatMap((item) => item.kind === "target" ? [item.word] : [])
    : rest;
  if (operands.length > 0 && !takesOperands(verb)) {
    throw new UsageError(
      `"${command}" takes no "${operands[0]}"`,
      `tractest ${command} --help lists the options`,
    );
  }
  const options = rows.map((row) =>
    [propertyOf(row.name), optionValue(row, given.get(row.name) ?? [])] as const
  );
  for (const { options: excluding, instead } of CONTRADICTIONS) {
    const [one, other] = excluding.filter((name) => given.has(name));
    if (other !== undefined) {
      throw new UsageError(`"--${one}" and "--${other}" exclude each other`, instead);
    }
  }
  return {
    command,
    options: Object.fromEntries(options) as OptionsOf<Table>,
    operands,
    afterDashes,
    words: split?.words,
    slips: split === null ? [] : slipsAmong(split, rows),
    given: new Map(rows.flatMap((row) => {
      const texts = given.get(row.name);
      return texts ? [[row.name, texts.map((text) => text === row.bare ? "" : text)]] : [];
    })),
    has: (option) => given.has(option),
  };
}

/** The options among words, as typed, and the other words. */
function givenOptions(
  command: string,
  words: readonly string[],
  rows: readonly NamedRow[],
): { given: Map<string, readonly string[]>; rest: string[] } {
  const valued = rows.filter((row) => row.kind !== "flag").map((row) => row.name);
  const parsed = parseArgs([...words], {
    boolean: rows.filter((row) => row.kind === "flag").map((row) => row.name),
    string: ["_", ...valued],
    collect: valued,
    alias: Object.fromEntries(rows.flatMap((row) => (row.short ? [[row.name, row.short]] : []))),
    unknown: (argument: string) => {
      if (argument.startsWith("-") && argument !== "-") {
        throw unknownOption(command, argument, rows);
      }
    },
  }) as Record<string, unknown> & { _: string[] };
  const given = new Map<string, readonly string[]>();
  for (const { name } of rows) {
    const value = parsed[name];
    const texts = value === true ? [""] : value instanceof Array ? value as string[] : [];
    if (texts.length > 0) given.set(name, texts);
  }
  return { given, rest: parsed._.map(String) };
}

/** Ties values to their options that the parser would miss: those of bare options, a lone dash. */
function tied(words: readonly string[], rows: readonly NamedRow[]): string[] {
  const rowOf = (word: string | undefined) => rows.find(({ name }) => word === `--${name}`);
  const takesDash = (index: number) => {
    const row = rowOf(words[index]);
    return words[index + 1] === "-" && row !== undefined && takesNextWord(row);
  };
  return words.flatMap((word, index) => {
    if (takesDash(index - 1)) return [];
    if (takesDash(index)) return [`${word}=-`];
    const bare = rowOf(word)?.bare;
    return [bare === undefined ? word : `${word}=${bare}`];
  });
}

/** The options for pytest that are misspellings of ours: `--dryrun` must not start a run. */
function slipsAmong(split: SplitWords, rows: readonly NamedRow[]): Slip[] {
  return split.words.flatMap((item) => {
    const typed = item.kind === "pytest" ? item.words[0]!.replace(/=.*$/s, "") : "";
    if (!typed.startsWith("--") || isPytestOption(typed)) return [];
    const row = rows.find(({ name, hidden }) => !hidden && isMisspellingOf(typed.slice(2), name));
    const meant = row === undefined ? OPTION_SYNONYMS[typed] : `--${row.name}`;
    return meant === undefined ? [] : [{ typed, meant }];
  });
}

/**
 * The words after the command, made from a parsed line: parsing them again gives the same line.
 *
 * @param without names of options to leave out
 * @param first options to put in front
 */
export function wordsOf(
  line: CommandLine,
  without: readonly string[] = [],
  first: readonly string[] = [],
): string[] {
  const own = [...line.given].flatMap(([name, texts]) => {
    // `-v` is pytest's too: it is among its words.
    if (without.includes(name) || (name === "verbose" && line.words)) return [];
    return texts.map((text) => text === "" ? `--${name}` : `--${name}=${text}`);
  });
  const front = [...first, ...own];
  const words = line.words?.flatMap((item, index) => {
    if (item.kind === "pytest") return item.words;
    const before = line.words![index - 1];
    // Without an option of ours between, the target could be read as the value of the option
    // before it.
    const isApart = item.kind === "target" && before?.kind === "pytest" && !before.settled;
    return [...(isApart ? front.slice(0, 1) : []), item.word];
  });
  return [
    ...front,
    ...(words ?? line.operands),
    ...(line.afterDashes.length > 0 ? ["--", ...line.afterDashes] : []),
  ];
}

/** Whether the usage of a command has more than options. */
function takesOperands({ usage }: VerbSyntax): boolean {
  return !/^tractest \S+( \[OPTIONS\]| \[--[^\]]*\])*$/.test(usage);
}

function unknownOption(command: string, argument: string, rows: readonly NamedRow[]): UsageError {
  const name = argument.replace(/=.*$/s, "");
  const near = suggestion(name, rows.map((row) => `--${row.name}`));
  return new UsageError(
    `Unknown option "${name}" for "${command}"`,
    near ?? `tractest ${command} --help lists the options`,
  );
}
