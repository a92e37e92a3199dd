import { join } from "@std/path";
import { escapeText } from "../base/escape.ts";
import { plural } from "../base/plural.ts";
import type { Context } from "../command_line/context.ts";
import { type OptionsOf, type OptionTable, SHARED, WITH_JSON } from "../command_line/options.ts";
import type { Verb } from "../command_line/verb.ts";
import { effectiveValues } from "../project/configuration.ts";
import { configurationSchema, PROFILE_KEY } from "../project/configuration_keys.ts";
import { findProject, type Project } from "../project/project.ts";
import { table } from "../project/project_files.ts";
import { linesOfKeys } from "../project/toml_lines.ts";
import { UIS } from "../tables/defaults.ts";
import { EXIT, type ExitCode } from "../tables/exit_codes.ts";
import type { Host } from "../system/host.ts";

/** The options of `config`. */
export const OPTIONS = {
  ...WITH_JSON,
  profile: SHARED.profile,
  schema: { kind: "flag", doc: "print the JSON schema of [tool.tractest], also for editors" },
} as const satisfies OptionTable;

/** Their values. */
export type ConfigOptions = OptionsOf<typeof OPTIONS>;

/** Columns that a value may take; a longer one is counted instead. */
const VALUE_COLUMNS = 44;

/** The file that has the configuration. */
const FILE = "pyproject.toml";

/** Where the value of a key comes from. */
interface Origin {
  /** `default`, `pyproject.toml`, `profile NAME` or the name of a variable. */
  readonly from: string;
  /** Its line in pyproject.toml; null if it does not come from there. */
  readonly line: number | null;
}

/** `tractest config`: each effective value of the configuration, and where it comes from. */
export async function config({ host, printer, line }: Context<ConfigOptions>): Promise<ExitCode> {
  if (line.options.schema) {
    host.terminal.stdout.write(`${JSON.stringify(configurationSchema(), null, 2)}\n`);
    return EXIT.ok;
  }
  const project = await findProject(host, line.options.profile);
  const { root, configuration, chosen = null } = project;
  const [ui, origins] = [uiOfEnvironment(host), await originsOf(host, project)];
  const values = effectiveValues(configuration).map(([key, value]) =>
    key === "ui" && ui !== null
      ? { key, value: ui, from: "TRACTEST_UI", line: null }
      : { key, value, ...origins(key) }
  );
  if (printer.json) {
    printer.document("tractest.config/1", { root, profile: chosen?.name ?? null, values });
    return EXIT.ok;
  }
  const by = chosen === null ? "" : `, profile ${chosen.name} (${chosen.from})`;
  printer.line(escapeText(`[tool.tractest] of ${root}${by}`));
  const rows = values.map(({ key, value, from, line }) => [
    `  ${key}`,
    shown(value),
    escapeText(
      line === null ? from : from === FILE ? `${FILE}:${line}` : `${from}, ${FILE}:${line}`,
    ),
  ]);
  printer.rows(rows);
  return EXIT.ok;
}

/** What TRACTEST_UI says; a run refuses a word that it does not know. */
function uiOfEnvironment(host: Host): string | null {
  const named = host.env("TRACTEST_UI") ?? "";
  return UIS.find((one) => one === named) ?? null;
}

/** Says of a key of the project's configuration where its value comes from. */
async function originsOf(
  host: Host,
  { root, tractest, chosen = null }: Project,
): Promise<(key: string) => Origin> {
  const file = tractest ?? {};
  const profile = chosen === null ? {} : table(table(file[PROFILE_KEY])[chosen.name]);
  const ways = [
    ...Object.keys(profile).map((key) => ({ key, path: [PROFILE_KEY, chosen!.name, key] })),
    ...Object.keys(file).map((key) => ({ key, path: [key] })),
  ];
  const toml = await host.files.readText(join(root, FILE)) ?? "";
  const lines = linesOfKeys(toml, ways.map(({ path }) => ["tool", "tractest", ...path]));
  return (key) => {
    const at = ways.findIndex((way) => way.key === key);
    if (at < 0) return { from: "default", line: null };
    const from = key in profile ? `profile ${chosen!.name}` : FILE;
    return { from, line: lines[at] ?? null };
  };
}

function shown(value: unknown): string {
  if (value === null) return "not set";
  const text = JSON.stringify(value);
  if (text.length <= VALUE_COLUMNS) return escapeText(text);
  return `${plural(Object.keys(value as object).length, "entry", "entries")} (--json shows all)`;
}

/** `tractest config`, described. */
export const VERB: Verb<typeof OPTIONS> = {
  name: "config",
  group: "set-up",
  summary: "each value of the configuration, and where it comes from",
  usage: "tractest config [OPTIONS]",
  options: OPTIONS,
  examples: [
    ["tractest config", "the effective values of [tool.tractest], and the line of each"],
    ["tractest config --profile ci", "those of a profile"],
    ["tractest config --schema", "the JSON schema of the configuration, for an editor"],
  ],
  exits: [0, 80],
  row: "config",
  run: config,
};
