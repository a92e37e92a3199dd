import { nearest } from "../base/nearest.ts";
import type { Context } from "../command_line/context.ts";
import { type OptionsOf, type OptionTable, WITH_JSON } from "../command_line/options.ts";
import type { Verb } from "../command_line/verb.ts";
import type { VerbDescription } from "../command_line/verb_description.ts";
import { UsageError } from "../errors.ts";
import type { Host } from "../system/host.ts";
import { EXIT, type ExitCode } from "../tables/exit_codes.ts";
import { VERSION } from "../tables/release.ts";
import type { Printer } from "../terminal/printer.ts";
import { textWidth } from "../terminal/wrap.ts";
import { commandFacts, HELP_SCHEMA } from "./document.ts";
import { manualPage } from "./manual_page.ts";
import { overview, page, sectionLines, TOPICS } from "./pages.ts";

/** The options of `help`. */
export const OPTIONS = {
  ...WITH_JSON,
  man: { kind: "flag", doc: "print the manual page, for man: tractest help --man | man -l -" },
} as const satisfies OptionTable;

/** `tractest help [COMMAND|TOPIC]`. All of it comes from the tables and the verbs. */
export function help(
  { host, printer, line, verbs = [] }: Context<OptionsOf<typeof OPTIONS>>,
): Promise<ExitCode> {
  const [about] = line.operands;
  const width = textWidth(host.terminal.stdout.columns);
  const topic = TOPICS[about ?? ""];
  const known = about === undefined || topic ? verbs : [verbNamed(about, verbs)];
  if (printer.json) printer.document(HELP_SCHEMA, commandFacts(known));
  else if (line.options.man) print(printer, manualPage(verbs, VERSION));
  else if (about === undefined) print(printer, overview(verbs, width));
  else print(printer, topic ? sectionLines(topic, width) : page(known[0]!, width));
  return Promise.resolve(EXIT.ok);
}

/** What `--help` of a command prints. */
export function showPage(host: Host, printer: Printer, verb: VerbDescription): ExitCode {
  if (printer.json) printer.document(HELP_SCHEMA, commandFacts([verb]));
  else print(printer, page(verb, textWidth(host.terminal.stdout.columns)));
  return EXIT.ok;
}

function print(printer: Printer, lines: readonly string[]): void {
  for (const text of lines) printer.exact(text);
}

/** @throws {UsageError} if there is no such command */
function verbNamed(about: string, verbs: readonly VerbDescription[]): VerbDescription {
  const verb = verbs.find(({ name }) => name === about);
  if (verb) return verb;
  const known = [...verbs.map(({ name }) => name), ...Object.keys(TOPICS)];
  throw new UsageError(
    `There is no help for "${about}"`,
    `nearest first: ${nearest(about, known).slice(0, 5).join(", ")}`,
  );
}

/** `tractest help`, described. */
export const VERB: Verb<typeof OPTIONS> = {
  name: "help",
  group: "set-up",
  summary: "help for a command, or for a topic: exit-codes, environment, isolation",
  usage: "tractest help [COMMAND|TOPIC] [OPTIONS]",
  options: OPTIONS,
  operands: { words: Object.keys(TOPICS), paths: null, sources: ["commands"] },
  examples: [
    ["tractest help run", "the same as `tractest run --help`"],
    ["tractest help --json", "every command and option, for programs"],
    ["tractest help --man | man -l -", "the manual page"],
  ],
  exits: [0],
  row: "help",
  needsVerbs: () => true,
  isPaged: () => true,
  run: help,
};
