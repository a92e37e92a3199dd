import type { Printer } from "../terminal/printer.ts";
import type { AnyVerb, Verb } from "../command_line/verb.ts";
import { EVERY_COMMAND, type OptionTable } from "../command_line/options.ts";
import { nearest } from "../base/nearest.ts";
import { UsageError } from "../errors.ts";
import { ENVIRONMENT } from "../tables/environment.ts";
import { EXIT, EXIT_CODE_MEANINGS, type ExitCode } from "../tables/exit_codes.ts";
import { docOf, metavarOf, type NamedRow, shownRows } from "../command_line/option_values.ts";
import { PYTEST_OPTIONS, type PytestOptionRow } from "../tables/pytest_options.ts";
import { columns } from "../terminal/columns.ts";
import type { Context } from "../command_line/context.ts";

const TOPICS: Readonly<Record<string, () => string[]>> = {
  "exit-codes": () => columns(EXIT_CODE_MEANINGS.map((row) => [`  ${row.code}`, row.meaning])),
  environment: () => columns(ENVIRONMENT.map((row) => [`  ${row.name}`, row.purpose])),
};

/** `tractest help [COMMAND|TOPIC]`. All of it comes from the tables and the verbs. */
export function help({ printer, line, verbs = [] }: Context): Promise<ExitCode> {
  const [about] = line.operands;
  for (const text of about === undefined ? overview(verbs) : pageAbout(about, verbs)) {
    printer.line(text);
  }
  return Promise.resolve(EXIT.ok);
}

/** What `--help` of a command prints. */
export function showPage(printer: Printer, verb: AnyVerb): ExitCode {
  for (const text of page(verb)) printer.line(text);
  return EXIT.ok;
}

function overview(verbs: readonly AnyVerb[]): string[] {
  return [
    "tractest runs the test suites of tractor and of applications on it, and cleans up after them.",
    "",
    "Usage: tractest COMMAND [OPTIONS]",
    "",
    "Commands:",
    ...columns(verbs.map(({ name, summary }) => [`  ${name}`, summary])),
    "",
    "Options of every command:",
    ...optionLines(EVERY_COMMAND),
    "",
    "`tractest help COMMAND` shows usage, options and examples;",
    "`tractest help exit-codes|environment` the tables.",
  ];
}

function pageAbout(about: string, verbs: readonly AnyVerb[]): string[] {
  const topic = TOPICS[about];
  if (topic) return topic();
  const verb = verbs.find(({ name }) => name === about);
  if (verb) return page(verb);
  const known = [...verbs.map(({ name }) => name), ...Object.keys(TOPICS)];
  throw new UsageError(
    `There is no help for "${about}"`,
    `nearest first: ${nearest(about, known).join(", ")}`,
  );
}

function page(verb: AnyVerb): string[] {
  const exits = EXIT_CODE_MEANINGS.filter(({ code }) =>
    verb.exits.includes(code) || code === EXIT.usage
  );
  return [
    `tractest ${verb.name}: ${verb.summary}`,
    "",
    `Usage: ${verb.usage}`,
    "",
    "Options:",
    ...optionLines(verb.options),
    ...(verb.passesToPytest ? ["", PYTEST_HEADING, ...pytestLines()] : []),
    "",
    "Examples:",
    ...columns(verb.examples.map(([command, does]) => [`  ${command}`, does])),
    "",
    "Exit codes:",
    ...columns(exits.map(({ code, meaning }) => [`  ${code}`, meaning])),
  ];
}

const PYTEST_HEADING =
  "Options of pytest, passed on as they are, like all unknown options and all words after --:";

function optionLines(table: OptionTable): string[] {
  return columns(shownRows(table).map((row) => [`  ${spelling(row)}`, docOf(row)]));
}

function pytestLines(): string[] {
  const rows = (PYTEST_OPTIONS as readonly PytestOptionRow[]).filter((row) =>
    row.help !== undefined
  );
  return columns(
    rows.map((
      row,
    ) => [`  ${row.names.join(", ")}${row.metavar ? ` ${row.metavar}` : ""}`, row.help!]),
  );
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

/** `tractest help`, described. */
export const VERB: Verb<typeof EVERY_COMMAND> = {
  name: "help",
  summary: "help for a command, or for a topic: exit-codes, environment",
  usage: "tractest help [COMMAND|TOPIC]",
  options: EVERY_COMMAND,
  examples: [["tractest help run", "the same as `tractest run --help`"]],
  exits: [0],
  row: "help",
  needsVerbs: () => true,
  run: help,
};
