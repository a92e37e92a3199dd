import { escapeText } from "../base/escape.ts";
import { plural } from "../base/plural.ts";
import type { Context } from "../command_line/context.ts";
import { WITH_JSON } from "../command_line/options.ts";
import type { Verb } from "../command_line/verb.ts";
import { effectiveValues } from "../project/configuration.ts";
import { findProject } from "../project/project.ts";
import { EXIT, type ExitCode } from "../tables/exit_codes.ts";
import { columns } from "../terminal/columns.ts";

/** Columns that a value may take; a longer one is counted instead. */
const VALUE_COLUMNS = 44;

/** `tractest config`: each effective value of the configuration, and where it comes from. */
export async function config({ host, printer }: Context): Promise<ExitCode> {
  const { root, tractest, configuration } = await findProject(host);
  const values = effectiveValues(configuration).map(([key, value]) => ({
    key,
    value,
    from: tractest !== null && key in tractest ? "pyproject.toml" : "default",
  }));
  if (printer.json) {
    printer.document("tractest.config/1", { root, values });
    return EXIT.ok;
  }
  printer.line(`[tool.tractest] of ${escapeText(root)}`);
  const rows = values.map(({ key, value, from }) => [`  ${key}`, shown(value), from]);
  for (const row of columns(rows)) printer.line(row);
  return EXIT.ok;
}

function shown(value: unknown): string {
  if (value === null) return "not set";
  const text = JSON.stringify(value);
  if (text.length <= VALUE_COLUMNS) return escapeText(text);
  return `${plural(Object.keys(value as object).length, "entry", "entries")} (--json shows all)`;
}

/** `tractest config`, described. */
export const VERB: Verb<typeof WITH_JSON> = {
  name: "config",
  group: "set-up",
  summary: "each value of the configuration, and where it comes from",
  usage: "tractest config [OPTIONS]",
  options: WITH_JSON,
  examples: [["tractest config", "the effective values of [tool.tractest]"]],
  exits: [0, 80],
  row: "config",
  run: config,
};
