import { join } from "@std/path";
import { escapeText } from "../base/escape.ts";
import type { Context } from "../command_line/context.ts";
import { type OptionsOf, type OptionTable, SHARED, WITH_JSON } from "../command_line/options.ts";
import type { Verb } from "../command_line/verb.ts";
import { PreflightError } from "../errors.ts";
import { readConfiguration } from "../project/configuration.ts";
import { findProject } from "../project/project.ts";
import { readProjectFiles } from "../project/project_files.ts";
import { EXIT, type ExitCode } from "../tables/exit_codes.ts";
import { canAsk, confirm } from "../terminal/prompt.ts";
import { repositoryFacts } from "./gather.ts";
import { appendix, configurationLines } from "./rules.ts";

/** The options of `init`. */
export const OPTIONS = {
  ...WITH_JSON,
  yes: { short: "y", kind: "flag", doc: "make a pyproject.toml if there is none" },
  "dry-run": SHARED["dry-run"],
} as const satisfies OptionTable;

/** Their values. */
export type InitOptions = OptionsOf<typeof OPTIONS>;

const FILE = "pyproject.toml";

/** `tractest init`: appends a commented `[tool.tractest]` to pyproject.toml. */
export async function init(context: Context<InitOptions>): Promise<ExitCode> {
  const { host, printer, line: { options: { dryRun } } } = context;
  const project = await findProject(host);
  const path = join(project.root, FILE);
  const text = await host.files.readText(path);
  if (project.tractest !== null) {
    throw new PreflightError(
      "configured",
      `${path} has a [tool.tractest] already: it is left as it is`,
      "tractest config shows each of its values, and the line of each",
    );
  }
  const facts = await repositoryFacts(host, project);
  const added = appendix(text ?? "", configurationLines(facts));
  if (!dryRun) refuseUnreadable(path, (text ?? "") + added);
  const isWritten = !dryRun && await mayWrite(context, path, text === null);
  if (isWritten && text === null) {
    if (await host.files.lstat(path) !== null) throw changed(path);
    await host.files.writeFile(path, added, 0o644);
  } else if (isWritten) {
    if (await host.files.readText(path) !== text) throw changed(path);
    await host.files.appendFile(path, added);
  }
  if (printer.json) {
    printer.document("tractest.init/1", {
      path,
      created: isWritten && text === null,
      written: isWritten,
      added,
      facts,
    });
    return EXIT.ok;
  }
  if (dryRun) host.terminal.stdout.write(added);
  else if (isWritten) {
    printer.line(escapeText(`${text === null ? "made" : "appended [tool.tractest] to"} ${path}`));
    printer.hint("tractest config shows what counts; remove the # of a line to set it");
  }
  return EXIT.ok;
}

function changed(path: string): PreflightError {
  return new PreflightError("changed", `${path} has just been changed`, "tractest init again");
}

/** Whether the file may be written; without one, only if that is wanted. */
async function mayWrite(
  { host, printer, line }: Context<InitOptions>,
  path: string,
  isMissing: boolean,
): Promise<boolean> {
  if (!isMissing || line.options.yes) return true;
  if (canAsk(host, printer)) {
    return await confirm(host, printer, escapeText(`There is no ${path}. Make it?`));
  }
  throw new PreflightError(
    "no-pyproject",
    `There is no ${path}, which the configuration belongs to`,
    `tractest init --yes makes one that has only [tool.tractest]`,
  );
}

/** The file must still be read, with the same meaning as before: `tool` may be an inline table. */
function refuseUnreadable(path: string, text: string): void {
  try {
    const { tractest } = readProjectFiles(new Map([[FILE, text]]));
    readConfiguration(tractest, "plain");
  } catch {
    throw new PreflightError(
      "configuration",
      `${path} can't take a table at its end`,
      "tractest init --dry-run prints the lines; write `tool` as [tool.…] tables to add them",
    );
  }
}

/** `tractest init`, described. */
export const VERB: Verb<typeof OPTIONS> = {
  name: "init",
  group: "set-up",
  summary: "write a commented [tool.tractest] for this repository into pyproject.toml",
  usage: "tractest init [OPTIONS]",
  options: OPTIONS,
  examples: [
    ["tractest init --dry-run", "what would be appended to pyproject.toml"],
    ["tractest init", "append it; nothing else is changed"],
  ],
  exits: [0, 80],
  row: ({ options }) => options.dryRun ? "init --dry-run" : "init",
  run: init,
};
