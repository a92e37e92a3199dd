import { escapeText, shellCommand, withoutAnsi } from "../base/escape.ts";

/** A test in the summary of a job. All of it is foreign text. */
export interface SummaryTest {
  readonly id: string;
  /** `tests/test_a.py:12`, or what else is known. */
  readonly where: string | null;
  readonly reason: string;
  /** What is known about it: flaky, a related change. */
  readonly known: readonly string[];
}

/** What the summary of a job shows of a run. */
export interface RunSummary {
  /** `2 failed, 10 passed in 3.20 s` */
  readonly title: string;
  readonly exitCode: number;
  /** Numbers by outcome; those of 0 are left out. */
  readonly counts: readonly (readonly [string, number])[];
  /** The cells of a matrix, and how each ended. */
  readonly cells?: readonly (readonly [name: string, result: string])[];
  /** What a cell is: by default one of a matrix. */
  readonly cellName?: string;
  readonly failures: readonly SummaryTest[];
  readonly flaky: readonly SummaryTest[];
  /** Tests that left processes behind, and these. */
  readonly leaks: readonly SummaryTest[];
}

/** Rows of a table and its bytes, characters of a cell: all is below GitHub's limit of 1 MiB. */
const [MOST_ROWS, MOST_BYTES, CELL_LENGTH] = [50, 200_000, 300];
/** Ids in the command to run them again, and the length of one. */
const [MOST_IDS, ID_LENGTH] = [10, 1_000];

/** A run as Markdown. What tests named or said is shown as it is, even if it is Markdown. */
export function summaryMarkdown(summary: RunSummary): string {
  const { title, exitCode, failures, flaky, leaks, cells = [], cellName = "Cell" } = summary;
  const counts = summary.counts.filter(([, count]) => count > 0);
  const short = failures.map(({ id }) => id).filter((id) => id.length <= ID_LENGTH);
  const ids = [...new Set(short)].slice(0, MOST_IDS);
  return [
    `### tractest: ${markdown(title)}`,
    "",
    ...(counts.length === 0 ? [] : [
      row(counts.map(([name]) => markdown(name))),
      row(counts.map(() => "---:")),
      row(counts.map(([, count]) => String(count))),
      "",
    ]),
    ...(cells.length === 0 ? [] : [
      row([cellName, "Result"]),
      row(["---", "---"]),
      ...cells.slice(0, MOST_ROWS).map((cell) => row(cell.map(code))),
      "",
      ...(cells.length > MOST_ROWS ? [`… and ${cells.length - MOST_ROWS} more`, ""] : []),
    ]),
    ...table("Failed", failures),
    ...table("Passed only when run again", flaky),
    ...table("Left processes behind", leaks),
    ...(ids.length === 0 ? [] : [
      failures.length > ids.length ? "Run the first of them again:" : "Run them again:",
      "",
      `    ${escapeText(shellCommand(["tractest", "run", ...ids]))}`,
      "",
    ]),
    `Exit code ${exitCode}.`,
    "",
    "",
  ].join("\n");
}

function table(heading: string, tests: readonly SummaryTest[]): string[] {
  if (tests.length === 0) return [];
  const rows: string[] = [];
  let bytes = 0;
  for (const { id, where, reason, known } of tests.slice(0, MOST_ROWS)) {
    const knowledge = known.slice(0, 3).map(code).join("<br>");
    const text = row([code(id), where === null ? "" : code(where), code(reason), knowledge]);
    bytes += new TextEncoder().encode(text).length;
    if (bytes > MOST_BYTES) break;
    rows.push(text);
  }
  const more = tests.length - rows.length;
  return [
    row([heading, "Where", "Why", "Known"]),
    row(["---", "---", "---", "---"]),
    ...rows,
    "",
    ...(more > 0 ? [`… and ${more} more`, ""] : []),
  ];
}

function row(cells: readonly string[]): string {
  return `| ${cells.join(" | ")} |`;
}

/** In `<code>` nothing becomes a mention or a link. */
function code(text: string): string {
  return text === "" ? "" : `<code>${markdown(text)}</code>`;
}

/** Text that Markdown and HTML show as it is: all but letters, digits and spaces as references. */
export function markdown(text: string): string {
  const [first = "", ...more] = withoutAnsi(text).trim().split("\n");
  const line = `${first}${more.length > 0 ? " …" : ""}`;
  const short = line.length > CELL_LENGTH ? `${line.slice(0, CELL_LENGTH)}…` : line;
  return escapeText(short).replace(/[!-\/:-@\[-`{-~]/g, (mark) => `&#${mark.charCodeAt(0)};`);
}
