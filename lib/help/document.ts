import { shownRows } from "../command_line/option_values.ts";
import type { OptionTable } from "../command_line/options.ts";
import type { VerbDescription } from "../command_line/verb_description.ts";
import { EXIT_CODE_MEANINGS } from "../tables/exit_codes.ts";

/** The name of the document that describes commands. */
export const HELP_SCHEMA = "tractest.help/1";

/** Commands for `help --json`: all that their help pages say. */
export function commandFacts(verbs: readonly VerbDescription[]): Readonly<Record<string, unknown>> {
  return {
    commands: verbs.map((verb) => ({
      name: verb.name,
      group: verb.group,
      summary: verb.summary,
      usage: verb.usage,
      passesToPytest: verb.passesToPytest ?? false,
      options: optionFacts(verb.options),
      examples: verb.examples.map(([command, does]) => ({ command, does })),
      exitCodes: EXIT_CODE_MEANINGS.filter(({ code }) => verb.exits.includes(code)),
    })),
  };
}

function optionFacts(table: OptionTable): unknown[] {
  return shownRows(table).map((row) => ({
    name: `--${row.name}`,
    short: row.short === undefined ? null : `-${row.short}`,
    kind: row.kind,
    choices: row.choices ?? null,
    default: row.default ?? null,
    section: row.section ?? null,
    doc: row.doc,
  }));
}
