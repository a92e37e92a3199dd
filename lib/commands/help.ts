import { shownOptionsOf } from "../command_line/parse.ts";
import { nearest } from "../base/nearest.ts";
import { UsageError } from "../errors.ts";
import { type CommandRow, COMMANDS } from "../command_line/verbs.ts";
import { ENVIRONMENT } from "../tables/environment.ts";
import { EXIT, EXIT_CODE_MEANINGS, type ExitCode } from "../tables/exit_codes.ts";
import { docOf, metavarOf } from "../command_line/option_values.ts";
import type { OptionRow } from "../command_line/options.ts";
import { PYTEST_OPTIONS, type PytestOptionRow } from "../tables/pytest_options.ts";
import { columns } from "../terminal/columns.ts";
import type { Context } from "../command_line/context.ts";

const TOPICS: Readonly<Record<string, () => string[]>> = {
  "exit-codes": () => columns(EXIT_CODE_MEANINGS.map((row) => [`  ${row.code}`, row.meaning])),
  environment: () => columns(ENVIRONMENT.map((row) => [`  ${row.name}`, row.purpose])),
};

/**
 * `tractest help [COMMAND|TOPIC]`, and what every command prints for `--help`. All of it comes from
 * the tables.
 */
export function help({ printer, line }: Context): Promise<ExitCode> {
  const [about] = line.operands;
  for (const text of about === undefined ? overview() : page(about)) printer.line(text);
  return Promise.resolve(EXIT.ok);
}

function overview(): string[] {
  return [
    "tractest runs the test suites of tractor and of applications on it, and cleans up after them.",
    "",
    "Usage: tractest COMMAND [OPTIONS]",
    "",
    "Commands:",
    ...columns(COMMANDS.map((row) => [`  ${row.name}`, row.summary])),
    "",
    "Options of every command:",
    ...optionLines("help"),
    "",
    "`tractest help COMMAND` has usage, options and examples; `tractest help exit-codes|environment` the tables.",
  ];
}

function page(about: string): string[] {
  const topic = TOPICS[about];
  if (topic) return topic();
  const rows = COMMANDS as readonly CommandRow[];
  const row = rows.find((candidate) => candidate.name === about);
  if (!row) {
    const known = [...rows.map((candidate) => candidate.name), ...Object.keys(TOPICS)];
    throw new UsageError(
      `There is no help for "${about}"`,
      `nearest first: ${nearest(about, known).join(", ")}`,
    );
  }
  const exits = EXIT_CODE_MEANINGS.filter((exit) =>
    row.exits.includes(exit.code) || exit.code === EXIT.usage
  );
  return [
    `tractest ${row.name}: ${row.summary}`,
    "",
    `Usage: ${row.usage}`,
    "",
    "Options:",
    ...optionLines(row.name),
    ...(row.name === "run"
      ? [
        "",
        "Options of pytest, passed on as they are, as is any other that is not ours and all after --:",
        ...pytestLines(),
      ]
      : []),
    "",
    "Examples:",
    ...columns(row.examples.map(([command, does]) => [`  ${command}`, does])),
    "",
    "Exit codes:",
    ...columns(exits.map((exit) => [`  ${exit.code}`, exit.meaning])),
  ];
}

function optionLines(command: string): string[] {
  return columns(shownOptionsOf(command).map((row) => [`  ${spelling(row)}`, docOf(row)]));
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
function spelling(row: OptionRow): string {
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
