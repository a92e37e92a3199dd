import type { OptionsOf } from "../command_line/options.ts";
import { secondsText } from "./extent.ts";
import { escapeText, shellCommand } from "../base/escape.ts";
import { median } from "../base/median.ts";
import { nearest } from "../base/nearest.ts";
import { describeRecord, rateText, recordText, type TestRecord } from "../base/rates.ts";
import { countsLine } from "../pytest/counts.ts";
import { RED } from "../pytest/results.ts";
import { UsageError } from "../errors.ts";
import { EXIT, type ExitCode } from "../tables/exit_codes.ts";
import { columns } from "../terminal/columns.ts";
import type { Context } from "../command_line/context.ts";
import { PASSES, readProject } from "./project_history.ts";
import {
  countRuns,
  type Filter,
  recordsOf,
  type ResultRow,
  resultsOf,
  type RunRow,
  runsOf,
  testsNamed,
} from "./queries.ts";
import { recordLeftRuns } from "./record.ts";
import { findProject } from "../project/project.ts";

/** The options of `history`. */
export type HistoryOptions = OptionsOf<"history">;

/** Results of a test that its duration is looked for in, however few are shown. */
const LOOKED_AT = 100;

/** `tractest history [TEST]`: the runs on record, or the outcomes of one test over them. */
export async function history(context: Context<HistoryOptions>): Promise<ExitCode> {
  const { host, line, printer } = context;
  const [word, ...more] = line.operands;
  if (more.length > 0) {
    throw new UsageError(
      `"history" takes one test, not ${line.operands.length}`,
      "a part of an id that several have shows all of them",
    );
  }
  const filter = { limit: line.options.limit, commit: line.options.commit };
  const project = await findProject(host);
  await recordLeftRuns(host, printer, project);
  const { value, trouble } = await readProject(host, project, (database, id) => {
    if (word === undefined) {
      return { runs: runsOf(database, id, filter), all: countRuns(database, id) };
    }
    const named = testsNamed(database, id, word);
    const tests = named.includes(word) ? [word] : named;
    const results = tests.length === 1
      ? resultsOf(database, id, tests[0]!, { ...filter, limit: Math.max(filter.limit, LOOKED_AT) })
      : null;
    // Only what is shown is looked up; of a mistyped name all ids, to find the nearest.
    return {
      records: recordsOf(database, id, tests.slice(0, filter.limit)),
      matches: tests.length,
      results,
      ids: tests.length === 0 ? testsNamed(database, id, "") : [],
    };
  });
  if (trouble !== null) printer.warn(`the history can't be read: ${escapeText(trouble)}`);
  if (trouble !== null && printer.json) {
    printer.document("tractest.history/1", { runs: null, recorded: null });
  }
  if (trouble !== null) return EXIT.ok;
  if (value === null || "runs" in value) showRuns(context, value?.runs ?? [], value?.all ?? 0);
  else if (value.matches === 0) {
    throw new UsageError(
      `No test on record has "${word}" in its id`,
      `nearest: ${nearestNames(word!, value.ids).join(", ")}`,
    );
  } else if (value.results !== null) showTest(context, value.records[0]!, value.results, filter);
  else showTests(context, value.records, value.matches);
  return EXIT.ok;
}

/** What the user may have meant: of a word that is no id, a test's name. */
function nearestNames(word: string, ids: readonly string[]): readonly string[] {
  const names = word.includes("::")
    ? ids
    : [...new Set(ids.map((id) => id.split("[", 1)[0]!.split("::").at(-1)!))];
  return nearest(word, names).slice(0, 3);
}

function showRuns({ printer }: Context, runs: readonly RunRow[], all: number): void {
  if (printer.json) return printer.document("tractest.history/1", { runs, recorded: all });
  if (all === 0) return printer.line("No run is on record here yet: tractest run");
  printer.line(`${runs.length} of ${all} recorded run(s), newest first:`);
  for (const row of columns(runs.map(cellsOfRun))) printer.line(row);
}

function cellsOfRun(run: RunRow): string[] {
  const counts = countsLine(run);
  return [
    `  ${escapeText(run.id)}`,
    timeText(run.started),
    escapeText(run.ending ?? `exit ${run.exitCode}`),
    `${counts}${run.flaky > 0 ? `, ${run.flaky} flaky` : ""}`,
    secondsText(run.seconds),
    sourceText(run),
    escapeText(shellCommand(afterPytest(run.command))),
  ];
}

/** What a person chose of a command: what is the same in each says nothing. */
function afterPytest(command: readonly string[]): readonly string[] {
  return command.slice(command.indexOf("pytest") + 1);
}

function showTest(
  { printer }: Context,
  record: TestRecord,
  all: readonly ResultRow[],
  filter: Filter,
): void {
  const results = all.slice(0, filter.limit);
  const seconds = median(
    all.filter((result) => result.outcome === "passed").slice(0, PASSES).map((result) =>
      result.seconds
    ),
  );
  if (printer.json) {
    return printer.document("tractest.history/1", {
      test: record.id,
      ...describeRecord(record),
      seconds,
      results,
    });
  }
  printer.line(escapeText(record.id));
  printer.line(
    `${recordText(record) ?? "never passed or failed by itself in a recorded run"}${
      seconds === null ? "" : `; ${secondsText(seconds)}`
    }`,
  );
  printer.line();
  if (results.length === 0) {
    return printer.line(`No result at commit "${escapeText(filter.commit ?? "")}".`);
  }
  for (const row of columns(results.map((result) => cellsOfResult(result, printer)))) {
    printer.line(row);
  }
}

function cellsOfResult(result: ResultRow, printer: Context["printer"]): string[] {
  const red = (RED as ReadonlySet<string>).has(result.outcome);
  const notes = [
    ...(result.message === null ? [] : [escapeText(result.message)]),
    ...(red && !result.counts && result.purpose !== "retry"
      ? ["(not the test's own failure)"]
      : []),
    ...(result.purpose === "retry" ? ["(retry)"] : []),
    ...(result.left > 0
      ? [`left ${result.left} process${result.left === 1 ? "" : "es"} behind`]
      : []),
    ...(result.strained ? ["(short of CPU)"] : []),
  ];
  const outcome = printer.paint(red ? "red" : "green", result.outcome);
  return [
    `  ${escapeText(result.run)}`,
    timeText(result.started),
    outcome,
    secondsText(result.seconds),
    sourceText(result),
    notes.join(" "),
  ];
}

function showTests({ printer }: Context, records: readonly TestRecord[], matches: number): void {
  if (printer.json) {
    return printer.document("tractest.history/1", {
      tests: records.map((record) => ({ test: record.id, ...describeRecord(record) })),
      matches,
    });
  }
  printer.line(`${records.length} of ${matches} tests on record whose ids contain it:`);
  const cells = records.map((
    record,
  ) => [
    `  ${escapeText(record.id)}`,
    `failed ${record.failures} of ${record.trials}`,
    rateText(record) ?? "",
  ]);
  for (const row of columns(cells)) printer.line(row);
}

function sourceText(
  { commit, dirty, transport, backend }: Pick<
    ResultRow,
    "commit" | "dirty" | "transport" | "backend"
  >,
): string {
  const revision = commit === null ? "" : `${escapeText(commit.slice(0, 8))}${dirty ? "+" : ""}`;
  return [revision, ...[transport, backend].filter((part) => part !== null).map(escapeText)].join(
    " ",
  ).trim();
}

/** `2026-11-24 13:51`, in local time. */
function timeText(seconds: number): string {
  const time = new Date(seconds * 1000);
  const two = (value: number) => String(value).padStart(2, "0");
  return `${time.getFullYear()}-${two(time.getMonth() + 1)}-${two(time.getDate())} ${
    two(time.getHours())
  }:${two(time.getMinutes())}`;
}
