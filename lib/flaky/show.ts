import { plural } from "../base/plural.ts";
import { escapeText } from "../base/escape.ts";
import { rateText, recordText, type TestRecord, type Tries } from "../base/rates.ts";
import type { KnownFlakyRow } from "../project/known_flaky.ts";
import type { Printer } from "../terminal/printer.ts";
import { shownId } from "../terminal/wrap.ts";

/** A known flaky test with its places today and its record. */
export interface FoundFlaky extends KnownFlakyRow {
  /** Ids, with the files that have the name of its file now. */
  readonly found: readonly string[];
  readonly record: Tries | null;
}

/**
 * Lists the known flaky tests.
 *
 * @param timingErrors the classes that mean "too slow", for a rule of thumb; null: there is none
 */
export function showKnown(
  printer: Printer,
  rows: readonly FoundFlaky[],
  timingErrors: readonly string[] | null,
): void {
  printer.line(
    rows.length === 0
      ? "no test is listed as known to be flaky (known-flaky in [tool.tractest])"
      : `${plural(rows.length, "test")} known to be flaky, when they fail like this:`,
  );
  printer.rows(rows.map(cellsOf));
  if (timingErrors === null) return;
  printer.line();
  const errors = timingErrors.join(", ");
  const rule = `${errors} in a code path that no change touches is timing, not your change.`;
  printer.line(`Rule of thumb: ${rule}`);
}

function cellsOf({ test, error, notes, found, record }: FoundFlaky): string[] {
  return [
    `  ${shownId(found[0] ?? test)}`,
    escapeText(error),
    record === null ? "" : `failed ${record.failures} of ${record.trials}, ${rateText(record)}`,
    `${escapeText(notes)}${found.length === 0 ? " (no such file in the tests today)" : ""}`,
  ];
}

/** What surrounds the list of tests that the record proves flaky. */
export interface MeasuredFacts {
  readonly runs: number;
  /** Tests that failed without being proven flaky. */
  readonly others: number;
  /** Rows that are shown. */
  readonly limit: number;
}

/** Lists the tests that the record proves flaky. */
export function showMeasured(
  printer: Printer,
  measured: readonly TestRecord[],
  { runs, others, limit }: MeasuredFacts,
): void {
  printer.line();
  const record = `the record of ${plural(runs, "run")}`;
  printer.line(
    measured.length > 0
      ? `${plural(measured.length, "test")} that ${record} proves to be flaky:`
      : `No test is flaky by ${record}.`,
  );
  const shown = measured.slice(0, limit);
  printer.rows(shown.map((record) => [`  ${shownId(record.id)}`, recordText(record) ?? ""]));
  if (measured.length > limit) {
    const rest = measured.length - limit;
    printer.note(`… and ${rest} more: --limit ${Math.min(1000, measured.length)}`);
  }
  if (others > 0) {
    const more = measured.length > 0 ? `${others} more` : String(others);
    printer.note(
      `${more} failed at times, but never passed and failed at the same clean commit: ` +
        "tractest history TEST",
    );
  }
}
