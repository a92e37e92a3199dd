import { docOf, metavarOf, type NamedRow, shownRows } from "../command_line/option_values.ts";
import { EVERY_COMMAND, type OptionTable, SECTIONS } from "../command_line/options.ts";
import { GROUPS, type VerbDescription } from "../command_line/verb_description.ts";
import { ISOLATION_DIFFERENCES } from "../isolation/differences.ts";
import { ENVIRONMENT } from "../tables/environment.ts";
import { EXIT, EXIT_CODE_MEANINGS } from "../tables/exit_codes.ts";
import { PYTEST_OPTIONS, type PytestOptionRow } from "../tables/pytest_options.ts";
import { definitions, wrap } from "../terminal/wrap.ts";

/** A heading, and the rows below it: a term and its description each. */
export interface Section {
  readonly heading: string;
  readonly rows: readonly (readonly [term: string, description: string])[];
}

/** Tables that have a page of their own. */
export const TOPICS: Readonly<Record<string, Section>> = {
  "exit-codes": {
    heading: "Exit codes",
    rows: EXIT_CODE_MEANINGS.map(({ code, meaning }) => [String(code), meaning]),
  },
  environment: {
    heading: "Environment variables",
    rows: ENVIRONMENT.map(({ name, purpose }) => [name, purpose]),
  },
  isolation: {
    heading: "Inside of `run --isolate`, unlike outside",
    rows: ISOLATION_DIFFERENCES.map(({ what, inside }) => [what, inside]),
  },
};

/** What `tractest` is for, in one sentence. */
export const PURPOSE =
  "tractest runs pytest suites that start processes, and cleans up after them.";

/** A command with at least so many options shows them in sections. */
const MANY_OPTIONS = 16;

/** The words of an example line that stand before its description. */
const LONGEST_EXAMPLE = 42;

/** The list of all commands, by group. */
export function overview(verbs: readonly VerbDescription[], width: number): string[] {
  return [
    ...wrap(PURPOSE, width),
    "",
    "Usage: tractest COMMAND [OPTIONS]",
    ...commandSections(verbs).flatMap((section) => ["", ...sectionLines(section, width)]),
    "",
    ...sectionLines(
      { heading: "Options of every command", rows: optionRows(EVERY_COMMAND) },
      width,
    ),
    "",
    ...wrap("`tractest help COMMAND` shows usage, options and examples;", width),
    ...wrap("`tractest help exit-codes|environment|isolation` the tables.", width),
  ];
}

/** The page of one command. */
export function page(verb: VerbDescription, width: number): string[] {
  const examples = definitions(verb.examples, width, LONGEST_EXAMPLE);
  return [
    ...wrap(`tractest ${verb.name}: ${verb.summary}`, width),
    "",
    ...wrap(`Usage: ${verb.usage}`, width),
    ...optionSections(verb).flatMap((section) => ["", ...sectionLines(section, width)]),
    "",
    "Examples:",
    ...examples,
    "",
    ...sectionLines(exitSection(verb), width),
  ];
}

/** A heading and its rows, as lines of at most `width` columns. */
export function sectionLines({ heading, rows }: Section, width: number): string[] {
  return [...wrap(`${heading}:`, width), ...definitions(rows, width)];
}

/** The commands of each group. */
export function commandSections(verbs: readonly VerbDescription[]): Section[] {
  return Object.entries(GROUPS).map(([group, heading]) => ({
    heading,
    rows: verbs.filter((verb) => verb.group === group).map(({ name, summary }) => [name, summary]),
  }));
}

/** The options of a command: in sections if there are many, then those that pytest gets. */
export function optionSections({ options, passesToPytest }: VerbDescription): Section[] {
  const rows = shownRows(options);
  const isLong = rows.length >= MANY_OPTIONS;
  const general = isLong ? rows.filter(({ section }) => section === undefined) : rows;
  const sections = isLong
    ? Object.entries(SECTIONS).map(([name, heading]) => ({
      heading,
      rows: rows.filter(({ section }) => section === name).map(optionRow),
    }))
    : [];
  return [
    ...sections.filter((section) => section.rows.length > 0),
    { heading: isLong ? "Other options" : "Options", rows: general.map(optionRow) },
    ...(passesToPytest ? [PYTEST_SECTION] : []),
  ];
}

const PYTEST_SECTION: Section = {
  heading:
    "Options of pytest, passed on as they are, like all unknown options and all words after --",
  rows: (PYTEST_OPTIONS as readonly PytestOptionRow[]).flatMap(({ names, metavar, help }) =>
    help === undefined ? [] : [[names.join(", ") + (metavar ? ` ${metavar}` : ""), help] as const]
  ),
};

/** The exit codes of a command. */
export function exitSection(verb: VerbDescription): Section {
  const exits = EXIT_CODE_MEANINGS.filter(({ code }) =>
    verb.exits.includes(code) || code === EXIT.usage
  );
  return {
    heading: "Exit codes",
    rows: exits.map(({ code, meaning }) => [String(code), meaning]),
  };
}

/** The options of a table with their descriptions. */
export function optionRows(table: OptionTable): Section["rows"] {
  return shownRows(table).map(optionRow);
}

function optionRow(row: NamedRow): readonly [string, string] {
  return [spelling(row), docOf(row)];
}

/** `-C, --directory DIR` */
function spelling(row: NamedRow): string {
  const short = row.short ? `-${row.short}, ` : "    ";
  if (row.bare !== undefined) {
    const others = row.choices?.filter((choice) => choice !== row.bare) ?? [];
    return `${short}--${row.name}[=${others.join("|")}]`;
  }
  if (row.kind === "flag") return `${short}--${row.name}`;
  const isChoice = row.kind === "choice" || row.kind === "choices";
  const value = isChoice ? row.choices!.join("|") : metavarOf(row);
  return `${short}--${row.name} ${value}`;
}
