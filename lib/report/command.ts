import { relative } from "@std/path";
import { rateText } from "../base/rates.ts";
import { REPORT_MARK, reportPage } from "./page.ts";
import type { Trends } from "./trends.ts";
import { escapeText } from "../base/escape.ts";
import { nearest } from "../base/nearest.ts";
import type { PytestEvent } from "../pytest/events.ts";
import { Results } from "../pytest/results.ts";
import { UsageError } from "../errors.ts";
import type { Host } from "../system/host.ts";
import { EXIT, type ExitCode } from "../tables/exit_codes.ts";
import type { Context } from "../command_line/context.ts";
import { durationsOf, readProject } from "../history/project_history.ts";
import { recordsOf, runsOf } from "../history/queries.ts";
import { findProject, type Project } from "../project/project.ts";
import { outputPath, writeTyped } from "../run/typed_files.ts";
import { eventsOf, readEvents } from "../background/read_events.ts";
import { type PastRun, pastRuns } from "../background/past_runs.ts";

/** Where the page goes unless it is told. */
const FILE = "tractest-report.html";
/** Runs whose durations are drawn, and tests with a record that are listed. */
const SHOWN = { runs: 60, tests: 30 } as const;

/** `tractest report [RUN]`: one HTML page of a run, the newest unless another is named. */
export async function report({ host, line, printer }: Context): Promise<ExitCode> {
  const [name, ...more] = line.operands;
  if (more.length > 0) {
    throw new UsageError(
      `"report" takes one run, not ${line.operands.length}`,
      "tractest report [RUN] --output FILE",
    );
  }
  const output = line.value("output") ?? FILE;
  const path = output === "-" ? null : await outputPath(host, output, {
    kind: "report of tractest",
    isOne: (head) => line.has("force") || head.startsWith(REPORT_MARK),
    otherwise: "name another file, or add --force",
  });
  const project = await findProject(host);
  const run = chosen(await pastRuns(host, project.root), name);
  const results = new Results();
  const hangs: Extract<PytestEvent, { event: "hang" }>[] = [];
  await readEvents(host, eventsOf(run.directory), (event) => {
    results.add(event);
    if (event.event === "hang") hangs.push(event);
  });
  const page = reportPage({
    results,
    hangs,
    trends: await trendsOf(host, project),
    now: host.clock.now() / 1000,
  });
  if (path === null) host.terminal.stdout.write(page);
  else {
    await writeTyped(host, path, page);
    printer.line(
      `wrote ${escapeText(relative(host.cwd, path))}: the report of run ${escapeText(run.runId)}`,
    );
  }
  return EXIT.ok;
}

function chosen(runs: readonly PastRun[], name: string | undefined): PastRun {
  if (runs.length === 0) {
    throw new UsageError("There is no run of this project to report on", "tractest run");
  }
  if (name === undefined) return runs[0]!;
  const named = runs.filter((run) => run.runId.startsWith(name));
  const [only] = named.filter((run) => run.runId === name).concat(named);
  if (only && (named.length === 1 || only.runId === name)) return only;
  const known = (named.length > 0 ? named : runs).map((run) => run.runId);
  throw new UsageError(
    named.length > 1
      ? `"${name}" is the beginning of ${named.length} runs`
      : `There is no run "${name}" of which events are kept`,
    `kept: ${nearest(name, known).slice(0, 5).join(", ")}`,
  );
}

/** What the history knows; nothing where it can't be read. */
async function trendsOf(host: Host, project: Project): Promise<Trends> {
  const [{ value }, durations] = await Promise.all([
    readProject(host, project, (database, id) => ({
      runs: runsOf(database, id, { limit: SHOWN.runs, commit: null }),
      failed: recordsOf(database, id, "failed"),
    })),
    durationsOf(host, project),
  ]);
  const runs = (value?.runs ?? []).map((
    { id, started, seconds, tests, passed, failed, errors, skipped, exitCode, commit },
  ) => (
    {
      runId: id,
      started,
      seconds,
      counts: { tests, passed, failed: failed + errors, skipped },
      exitCode,
      commit,
    }
  ));
  const flakiest = (value?.failed ?? []).map(({ id, failures, trials }) => ({
    id,
    failures,
    trials,
    rate: rateText({ failures, trials }) ?? "–",
  }));
  return {
    runs: runs.reverse(),
    flakiest: flakiest.sort((a, b) =>
      b.failures / Math.max(1, b.trials) - a.failures / Math.max(1, a.trials)
    ).slice(0, SHOWN.tests),
    slowest: [...durations].map(([id, seconds]) => ({ id, seconds })).sort((a, b) =>
      b.seconds - a.seconds
    ),
  };
}
