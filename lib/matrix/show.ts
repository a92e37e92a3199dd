import { escapeText } from "../base/escape.ts";
import { plural } from "../base/plural.ts";
import { countsLine } from "../pytest/counts.ts";
import type { Printer } from "../terminal/printer.ts";
import { shownId } from "../terminal/wrap.ts";
import type { CellRun, PlannedCell } from "./cells.ts";
import type { Difference } from "./rules.ts";

/** A row of the table: a cell, and how it ran; null if it did not. */
export interface CellRow {
  readonly planned: PlannedCell;
  readonly ran: CellRun | null;
}

/** What {@linkcode showMatrix} shows. */
export interface MatrixView {
  readonly rows: readonly CellRow[];
  readonly differences: readonly Difference[];
  /** Tests that failed wherever they ran. */
  readonly everywhere: readonly { readonly id: string; readonly message: string }[];
  /** Show all differences, not only failures, with the outcome in each cell. */
  readonly detailed: boolean;
  readonly seconds: number;
}

/** How many tests of an explanation are listed unless all are requested. */
const SHOWN = 10;

/** Shows the table of the cells, then the differences between them by their explanations. */
export function showMatrix(printer: Printer, view: MatrixView): void {
  const { rows, differences, everywhere, detailed } = view;
  printer.line();
  printer.rows(rows.map((row) => cellsOfRow(printer, row)));
  const isFailure = ({ explanation }: Difference) => explanation.startsWith("fails");
  const shown = detailed ? differences : differences.filter(isFailure);
  for (const [explanation, tests] of Map.groupBy(shown, (one) => one.explanation)) {
    showTests(printer, explanation, detailed, tests.map((test) => testLine(test, detailed)));
  }
  const lines = everywhere.map(({ id, message }) =>
    `${shownId(id)}  ${escapeText(message.split("\n", 1)[0]!)}`
  );
  if (lines.length > 0) showTests(printer, "fails in every cell", detailed, lines);
  const hidden = differences.length - shown.length;
  if (hidden > 0) {
    const more = shown.length + everywhere.length > 0 ? "more " : "";
    printer.hint(`${plural(hidden, `${more}test`)} did not end alike in all cells: --diff`);
  }
  showTotal(printer, view);
  const fixes = rows.flatMap(({ planned }) => planned.impossible?.fix ?? []);
  for (const fix of new Set(fixes)) printer.hint(escapeText(fix));
}

function cellsOfRow(printer: Printer, { planned, ran }: CellRow): string[] {
  const name = escapeText(planned.name);
  if (ran === null) {
    const why = planned.impossible?.reason ?? "interrupted before";
    return [name, printer.paint("yellow", "not run"), "", escapeText(why)];
  }
  const { verdict: { code, ending }, outcome: { run, seconds } } = ran;
  const counts = run.began ? countsLine(run.counts) : "pytest reported nothing";
  return [
    name,
    code === 0 ? printer.paint("green", "ok") : printer.paint("red", `exit ${code}`),
    `${seconds.toFixed(1)} s`,
    ending ? `${counts} (${escapeText(ending)})` : counts,
  ];
}

function testLine({ id, outcomes }: Difference, detailed: boolean): string {
  const each = outcomes.map((outcome) => outcome ?? "?").join(" ");
  return detailed ? `${shownId(id)}  ${each}` : shownId(id);
}

/** Shows the tests of one explanation. */
function showTests(
  printer: Printer,
  explanation: string,
  detailed: boolean,
  lines: readonly string[],
): void {
  const title = printer.paint("bold", escapeText(explanation));
  printer.line(`${plural(lines.length, "test")}: ${title}`);
  for (const line of detailed ? lines : lines.slice(0, SHOWN)) printer.line(`  ${line}`);
  const more = lines.length - SHOWN;
  if (!detailed && more > 0) printer.line(`  … and ${more} more: --diff`);
}

function showTotal(printer: Printer, { rows, seconds }: MatrixView): void {
  const runs = rows.flatMap(({ ran }) => ran ?? []);
  const bad = runs.filter(({ verdict }) => verdict.code !== 0).length;
  const skipped = rows.length - runs.length;
  const results = `${runs.length - bad} ok, ${bad} not ok`;
  const total = `${plural(runs.length, "cell")}: ${results}` +
    `${skipped > 0 ? `, ${skipped} not run` : ""}; ${seconds.toFixed(1)} s`;
  printer.line(printer.paint(bad > 0 || runs.length === 0 ? "red" : "green", total));
}
