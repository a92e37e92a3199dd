import { relative } from "@std/path";
import { pastRuns } from "../background/known_runs.ts";
import { eventsOf, readEvents } from "../background/read_events.ts";
import { namedRun } from "../background/rules_run_file.ts";
import { escapeText } from "../base/escape.ts";
import type { Context } from "../command_line/context.ts";
import { EVERY_COMMAND, type OptionsOf, type OptionTable } from "../command_line/options.ts";
import type { Verb } from "../command_line/verb.ts";
import { UsageError } from "../errors.ts";
import { durationsOf, readProject } from "../history/project_history.ts";
import { recordsOf, runsOf } from "../history/queries.ts";
import { findProject, type Project } from "../project/project.ts";
import { RunModel } from "../pytest/run_model.ts";
import { outputPath, writeTyped } from "../run/output_file.ts";
import type { Host } from "../system/host.ts";
import { EXIT, type ExitCode } from "../tables/exit_codes.ts";
import type { Hang } from "./findings.ts";
import { REPORT_MARK, reportPage } from "./page.ts";
import type { Trends } from "./trends.ts";

/** The options of `report`. */
export const OPTIONS = {
  ...EVERY_COMMAND,
  output: {
    kind: "file",
    default: "tractest-report.html",
    doc: "the file of the page; - for standard output",
  },
  force: { kind: "flag", doc: "overwrite a file that is not a report" },
} as const satisfies OptionTable;

/** Their values. */
export type ReportOptions = OptionsOf<typeof OPTIONS>;

/** Runs that the chart of durations shows. */
const CHARTED_RUNS = 60;

/** `tractest report [RUN]`: one HTML page of a run, the newest unless another is named. */
export async function report({ host, line, printer }: Context<ReportOptions>): Promise<ExitCode> {
  const [name, ...more] = line.operands;
  if (more.length > 0) {
    throw new UsageError(
      `"report" takes one run, not ${line.operands.length}`,
      "tractest report [RUN] --output FILE",
    );
  }
  const output = line.options.output;
  const path = output === "-" ? null : await outputPath(host, output, {
    kind: "a report of tractest",
    isOne: (head) => line.options.force || head.startsWith(REPORT_MARK),
    otherwise: "name another file, or add --force",
  });
  const project = await findProject(host);
  const runs = await pastRuns(host, project.root);
  const [newest] = runs;
  if (newest === undefined) {
    throw new UsageError("No run of this project is on record", "tractest run");
  }
  const runId = name === undefined ? newest.runId : namedRun(name, runs.map((run) => run.runId));
  const { directory } = runs.find((run) => run.runId === runId)!;
  const results = new RunModel();
  const hangs: Hang[] = [];
  await readEvents(host, eventsOf(directory), (event) => {
    results.apply(event);
    if (event.event === "hang") hangs.push(event);
  });
  const trends = await trendsOf(host, project);
  const page = reportPage({ results, hangs, trends, now: host.clock.now() / 1000 });
  if (path === null) host.terminal.stdout.write(page);
  else {
    await writeTyped(host, path, page);
    const shown = escapeText(relative(host.cwd, path));
    printer.line(`wrote ${shown}: the report of run ${escapeText(runId)}`);
  }
  return EXIT.ok;
}

/** Reads the trends from the history; empty where it can't be read. */
async function trendsOf(host: Host, project: Project): Promise<Trends> {
  const [{ value }, usualSeconds] = await Promise.all([
    readProject(host, project, (database, id) => ({
      runs: runsOf(database, id, { limit: CHARTED_RUNS, commit: null }).reverse(),
      failed: recordsOf(database, id, "failed"),
    })),
    durationsOf(host, project),
  ]);
  return { runs: [], failed: [], ...value, usualSeconds };
}

/** `tractest report`, described. */
export const VERB: Verb<typeof OPTIONS> = {
  name: "report",
  group: "understand",
  summary: "one HTML page of a run: failures, times, leaks, trends",
  usage: "tractest report [RUN] [OPTIONS]",
  options: OPTIONS,
  examples: [
    ["tractest report", "the newest run, into tractest-report.html"],
    [
      "tractest report 20261124-140614-d0a2 --output /tmp/run.html",
      "another run, by its name or a prefix of it",
    ],
    ["tractest report --output -", "to standard output"],
  ],
  exits: [0, 80],
  row: "report",
  run: report,
};
