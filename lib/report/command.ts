import { relative } from "@std/path";
import { escapeText } from "../base/escape.ts";
import type { Context } from "../command_line/context.ts";
import { EVERY_COMMAND, type OptionsOf, type OptionTable } from "../command_line/options.ts";
import type { Verb } from "../command_line/verb.ts";
import { UsageError } from "../errors.ts";
import { findProject } from "../project/project.ts";
import { outputPath, writeToStdout, writeTyped } from "../run/output_file.ts";
import { EXIT, type ExitCode } from "../tables/exit_codes.ts";
import { unbroken } from "../terminal/wrap.ts";
import { differencesText } from "./comparison.ts";
import { compared, readRuns, trendsOf } from "./gather.ts";
import { REPORT_MARK, reportPage } from "./page.ts";
import { fileUrl, LINK_NAMES, linkTemplate } from "./rules_links.ts";

/** The options of `report`. */
export const OPTIONS = {
  ...EVERY_COMMAND,
  output: {
    kind: "file",
    default: "tractest-report.html",
    doc: "the file of the page; - for standard output",
  },
  compare: {
    kind: "text",
    metavar: "RUN",
    source: "runs",
    offers: ["last"],
    doc:
      "show what differs from RUN (an id or a file of events); last: the one before, of the same " +
      "command if there is one",
  },
  link: {
    kind: "text",
    metavar: "URL",
    default: "file",
    offers: LINK_NAMES,
    doc: `where links to the source lead: ${LINK_NAMES.join(", ")}, or a URL with {path} or ` +
      "{file}, and {line}",
  },
  force: { kind: "flag", doc: "overwrite a file that is not a report" },
} as const satisfies OptionTable;

/** Their values. */
export type ReportOptions = OptionsOf<typeof OPTIONS>;

/** `tractest report [RUN]`: one HTML page of a run, the newest unless another is named. */
export async function report({ host, line, printer }: Context<ReportOptions>): Promise<ExitCode> {
  const { operands: [name = null, ...more], options } = line;
  if (more.length > 0) {
    throw new UsageError(
      `"report" takes one run, not ${line.operands.length}`,
      "tractest report [RUN] --output FILE",
    );
  }
  const template = linkTemplate(options.link);
  const path = options.output === "-" ? null : await outputPath(host, options.output, {
    kind: "a report of tractest",
    isOne: (head) => options.force || head.startsWith(REPORT_MARK),
    otherwise: "name another file, or add --force",
  });
  const project = await findProject(host);
  const { run, other } = await readRuns(host, project, name, options.compare);
  const difference = other && compared(run, other);
  const page = await reportPage({
    results: run.results,
    hangs: run.hangs,
    explanations: run.explanations,
    trends: await trendsOf(host, project),
    compared: difference,
    links: { root: project.root, template },
    now: host.clock.now() / 1000,
  });
  if (path === null) {
    writeToStdout(host, page);
    return EXIT.ok;
  }
  await writeTyped(host, path, page);
  const shown = escapeText(relative(host.cwd, path));
  printer.line(`wrote ${shown}: the report of run ${escapeText(run.runId)}`);
  printer.hint(`open it: ${unbroken(escapeText(fileUrl(path)))}`);
  if (difference !== null) {
    const { runId, differences } = difference;
    printer.line(`compared with run ${escapeText(runId)}: ${differencesText(differences)}`);
  }
  return EXIT.ok;
}

/** `tractest report`, described. */
export const VERB: Verb<typeof OPTIONS> = {
  name: "report",
  group: "understand",
  summary: "one HTML page of a run: failures, all tests with search, times, trends",
  usage: "tractest report [RUN] [OPTIONS]",
  options: OPTIONS,
  operands: { words: [], paths: "files", sources: ["runs"] },
  examples: [
    ["tractest report", "the newest run, into tractest-report.html"],
    [
      "tractest report 20261124-140614-d0a2 --output /tmp/run.html",
      "another run, by its name or a prefix of it",
    ],
    ["tractest report --compare last", "with what changed since the run before"],
    ["tractest report merged.jsonl", "a run of other machines, as run --events or merge wrote it"],
    ["tractest report --link vscode", "with links that open the source in VS Code"],
    ["tractest report --output -", "to standard output"],
  ],
  exits: [0, 80],
  row: "report",
  run: report,
};
