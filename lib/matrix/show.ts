import { escapeText } from "../base/escape.ts";
import type { Difference } from "./rules.ts";
import { type Counts, countsLine } from "../pytest/counts.ts";
import { columns } from "../terminal/columns.ts";
import type { Printer } from "../terminal/printer.ts";

/** A cell as a row of the table. */
export interface CellRow {
  readonly name: string;
  /** Null where it did not run. */
  readonly ran: {
    readonly exitCode: number;
    readonly counts: Counts | null;
    readonly seconds: number;
    readonly ending: string | null;
  } | null;
  /** Why it did not run. */
  readonly why: string | null;
  readonly fix: string | null;
}

/** What {@linkcode showMatrix} shows. */
export interface MatrixView {
  readonly rows: readonly CellRow[];
  readonly differences: readonly Difference[];
  /** Tests that failed in every cell that knows of them. */
  readonly everywhere: readonly { readonly id: string; readonly message: string }[];
  /** All differences, not only failures; with the outcome in each cell. */
  readonly detailed: boolean;
  readonly seconds: number;
}

/** Tests that are named for one explanation, where not all are asked for. */
const SHOWN = 10;

/** Shows the table of the cells, then what differs between them, by what explains it. */
export function showMatrix(
  printer: Printer,
  { rows, differences, everywhere, detailed, seconds }: MatrixView,
): void {
  const table = rows.map(({ name, ran, why }) => {
    const ok = ran !== null && ran.exitCode === 0;
    const word = ran === null
      ? printer.paint("yellow", "not run")
      : ok
      ? printer.paint("green", "ok")
      : printer.paint("red", `exit ${ran.exitCode}`);
    const counts = ran === null
      ? ""
      : ran.counts === null
      ? "pytest reported nothing"
      : countsLine(ran.counts);
    const ending = ran?.ending ? `${counts} (${escapeText(ran.ending)})` : counts;
    return [
      escapeText(name),
      word,
      ran === null ? "" : `${ran.seconds.toFixed(1)} s`,
      ran === null ? escapeText(why ?? "") : ending,
    ];
  });
  printer.line();
  for (const line of columns(table)) printer.line(line);
  const groups = Map.groupBy(differences, (difference) => difference.explanation);
  for (const [explanation, tests] of groups) {
    if (!detailed && !explanation.startsWith("fails")) continue;
    printer.line(
      `${tests.length} test${tests.length === 1 ? "" : "s"}: ${
        printer.paint("bold", escapeText(explanation))
      }`,
    );
    for (const { id, outcomes } of detailed ? tests : tests.slice(0, SHOWN)) {
      printer.line(
        `  ${escapeText(id)}${
          detailed ? `  ${outcomes.map((outcome) => outcome ?? "?").join(" ")}` : ""
        }`,
      );
    }
    if (!detailed && tests.length > SHOWN) {
      printer.line(`  … and ${tests.length - SHOWN} more: --diff`);
    }
  }
  if (everywhere.length > 0) {
    printer.line(
      `${everywhere.length} test${everywhere.length === 1 ? "" : "s"}: ${
        printer.paint("bold", "fails in every cell")
      }`,
    );
    for (const { id, message } of everywhere.slice(0, detailed ? Infinity : SHOWN)) {
      printer.line(`  ${escapeText(id)}  ${escapeText(message.split("\n", 1)[0]!)}`);
    }
    if (!detailed && everywhere.length > SHOWN) {
      printer.line(`  … and ${everywhere.length - SHOWN} more: --diff`);
    }
  }
  const other = differences.filter(({ explanation }) => !explanation.startsWith("fails")).length;
  const more = differences.length > other || everywhere.length > 0 ? " more" : "";
  if (!detailed && other > 0) {
    printer.hint(
      `${other}${more} test${other === 1 ? "" : "s"} did not end alike in all cells: --diff`,
    );
  }
  const ran = rows.filter((row) => row.ran !== null);
  const bad = ran.filter((row) => row.ran!.exitCode !== 0).length;
  const skipped = rows.length - ran.length;
  const total = `${ran.length} cell${ran.length === 1 ? "" : "s"}: ${
    ran.length - bad
  } ok, ${bad} not ok${skipped > 0 ? `, ${skipped} not run` : ""}`;
  printer.line(
    printer.paint(
      bad > 0 || ran.length === 0 ? "red" : "green",
      `${total}; ${seconds.toFixed(1)} s`,
    ),
  );
  for (const fix of new Set(rows.flatMap((row) => row.fix ?? []))) printer.hint(escapeText(fix));
}
