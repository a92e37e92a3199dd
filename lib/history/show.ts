import { plural } from "../base/plural.ts";
import { secondsText } from "../base/durations.ts";
import { escapeText, shellCommand } from "../base/escape.ts";
import { median } from "../base/median.ts";
import { describeRecord, rateText, recordText, type TestRecord } from "../base/rates.ts";
import { countsLine } from "../pytest/counts.ts";
import { RED } from "../pytest/results.ts";
import type { Printer } from "../terminal/printer.ts";
import { shownId } from "../terminal/wrap.ts";
import { PASSES } from "./project_history.ts";
import type { Filter, ResultRow, RunRow, Source } from "./queries.ts";

/** Warns that the history can't be read. */
export function warnUnreadable(printer: Printer, trouble: string): void {
  printer.warn(`the history can't be read: ${escapeText(trouble)}`);
}

/** Shows runs, a line each, of `all` recorded ones. */
export function showRuns(printer: Printer, runs: readonly RunRow[], all: number): void {
  if (printer.json) return printer.document("tractest.history/1", { runs, recorded: all });
  if (all === 0) return printer.line("No run is on record here yet: tractest run");
  printer.line(`${runs.length} of ${plural(all, "recorded run")}, newest first:`);
  printer.rows(runs.map(cellsOfRun));
}

/** The longest ending that stands among the columns; others stand behind them. */
const LONGEST_ENDING = 40;

function cellsOfRun(run: RunRow): string[] {
  const ending = escapeText(run.ending ?? "");
  const isLong = ending.length > LONGEST_ENDING;
  const flaky = run.flaky > 0 ? `, ${run.flaky} flaky` : "";
  // Up to pytest the command is the same for all runs.
  const words = run.command.slice(run.command.indexOf("pytest") + 1);
  return [
    `  ${escapeText(run.id)}`,
    timeText(run.started),
    ending === "" || isLong ? `exit ${run.exitCode}` : ending,
    `${countsLine(run)}${flaky}`,
    secondsText(run.seconds),
    sourceText(run),
    escapeText(shellCommand(words)),
    ...(isLong ? [ending] : []),
  ];
}

/**
 * Shows the outcomes of one test.
 *
 * @param all its latest results; only as many as the filter says are shown
 */
export function showTest(
  printer: Printer,
  record: TestRecord,
  all: readonly ResultRow[],
  filter: Filter,
): void {
  const results = all.slice(0, filter.limit);
  const passes = all.filter(({ outcome }) => outcome === "passed").slice(0, PASSES);
  const seconds = median(passes.map((pass) => pass.seconds));
  const facts = describeRecord(record);
  if (printer.json) {
    return printer.document("tractest.history/1", { test: record.id, ...facts, seconds, results });
  }
  const rate = recordText(record) ?? "no recorded run in which it passed or failed by itself";
  printer.line(shownId(record.id));
  printer.line(seconds === null ? rate : `${rate}; ${secondsText(seconds)}`);
  printer.line();
  if (results.length === 0) {
    printer.line(`No result at commit "${escapeText(filter.commit ?? "")}".`);
  }
  printer.rows(results.map((result) => cellsOfResult(result, printer)));
}

function cellsOfResult(result: ResultRow, printer: Printer): string[] {
  const { outcome, counts, purpose, left, message, strained } = result;
  const isRed = (RED as ReadonlySet<string>).has(outcome);
  const isRetry = purpose === "retry";
  const notes = [
    message !== null && escapeText(message),
    isRed && !counts && !isRetry && !strained && "(not the test's own failure)",
    isRetry && "(retry)",
    left > 0 && `left ${plural(left, "process", "processes")} behind`,
    strained && "(short of CPU)",
  ];
  return [
    `  ${escapeText(result.run)}`,
    timeText(result.started),
    printer.paint(isRed ? "red" : "green", outcome),
    secondsText(result.seconds),
    sourceText(result),
    notes.filter((note) => note).join(" "),
  ];
}

/** Shows the rates of the first of `matches` tests. */
export function showTests(printer: Printer, records: readonly TestRecord[], matches: number): void {
  if (printer.json) {
    const tests = records.map((record) => ({ test: record.id, ...describeRecord(record) }));
    return printer.document("tractest.history/1", { tests, matches });
  }
  printer.line(`${records.length} of ${plural(matches, "test")} on record whose ids contain it:`);
  const rows = records.map((record) => {
    const failed = `failed ${record.failures} of ${record.trials}`;
    return [`  ${shownId(record.id)}`, failed, rateText(record) ?? ""];
  });
  printer.rows(rows);
}

function sourceText({ commit, dirty, transport, backend }: Omit<Source, "strained">): string {
  const revision = commit === null ? "" : `${commit.slice(0, 8)}${dirty ? "+" : ""}`;
  return [revision, transport, backend].filter((part) => part).map((part) => escapeText(part!))
    .join(" ");
}

/** `2026-11-24 13:51`, in local time. */
function timeText(seconds: number): string {
  const time = new Date(seconds * 1000);
  const two = (value: number) => String(value).padStart(2, "0");
  const date = [time.getFullYear(), two(time.getMonth() + 1), two(time.getDate())].join("-");
  return `${date} ${two(time.getHours())}:${two(time.getMinutes())}`;
}
