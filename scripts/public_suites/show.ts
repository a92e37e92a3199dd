/** How what was seen of public suites is shown: a table in Markdown, and notes below it. */

import { commandOf } from "./run_suite.ts";
import {
  COUNTED,
  type Difference,
  differences,
  jobsRatio,
  median,
  MODES,
  runOf,
  type Sitting,
  type Suite,
  type SuiteRun,
} from "./results.ts";

const HEAD = [
  "| suite | mode | exit | tests | differ from bare | seconds | LEAK | left | alive afterwards |",
  "|---|---|--:|---|--:|--:|--:|--:|--:|",
];

/** When and where a sitting was. */
export interface Occasion {
  readonly date: string;
  readonly machine: string;
  /** How often the modes whose speed is compared were run. */
  readonly rounds: number;
}

/** The whole page about a sitting. */
export function pageOf(sittings: readonly Sitting[], { date, machine, rounds }: Occasion): string {
  const medians = rounds > 1
    ? ` Seconds of \`xdist\` and \`jobs\` are medians of ${rounds} runs in turn.`
    : "";
  return [
    "# Public suites",
    "What tractest makes of the suites of other projects, beside bare pytest, in one sitting: " +
    "`scripts/suites`. Revisions and how each is prepared: `scripts/suites --list`.",
    `${date}; ${machine}.${medians} ${speedText(sittings)}`.trim(),
    "- Modes: `bare` is pytest, `xdist` is `pytest -n 2`, `run` is `tractest run`, " +
    "`isolate` and `jobs` are the same with `--isolate` and `--jobs 2`.\n" +
    "- `differ from bare`: tests that fail in one and not in the other. " +
    "Each was run again alone, below.\n" +
    "- `LEAK`: processes that tractest reports, alive after pytest or ended by the end of the " +
    "isolation. `left`: they outlived their test, not pytest.\n" +
    "- `alive afterwards`: processes that were alive a second after the run had ended.",
    tableOf(sittings),
    "## What explains the differences",
    ...sittings.map(notesOf),
  ].join("\n\n").trimEnd() + "\n";
}

/** One row for each mode of each suite. */
function tableOf(sittings: readonly Sitting[]): string {
  return [...HEAD, ...sittings.flatMap(rowsOf)].join("\n");
}

/** The rows of one suite. */
export function rowsOf({ suite, runs }: Sitting): string[] {
  const found = differences(runs);
  return MODES.flatMap((mode) => {
    const run = runOf(runs, mode);
    if (run === null) return [];
    const differing = mode === "bare" || run.counts === null
      ? ""
      : found.filter((one) => one.mode === mode).length;
    const cells = [
      suite.name,
      mode,
      run.code ?? "limit",
      countsText(run),
      differing,
      run.seconds.toFixed(1),
      run.leaks === null ? "" : run.leaks.length,
      run.left ?? "",
      run.alive.length,
    ];
    return [`| ${cells.join(" | ")} |`];
  });
}

function countsText({ counts, contended }: SuiteRun): string {
  if (counts === null) return "none";
  const words = COUNTED.filter((word) => counts[word] > 0).map((word) => `${counts[word]} ${word}`);
  const forgiven = contended.length > 0 ? [`${contended.length} contention`] : [];
  return [...words, ...forgiven].join(", ") || "none";
}

/** What is behind the numbers of a suite: every difference, leak and process, and its notes. */
function notesOf(sitting: Sitting): string {
  const { suite, runs } = sitting;
  const lines = [
    ...runs.flatMap(({ mode, lastLine }) =>
      lastLine === null ? [] : [`${mode}: no test ran: ${code(lastLine)}`]
    ),
    ...differences(runs).map((one) => differenceText(one, sitting)),
    ...runs.flatMap(({ mode, leaks }) => few(leaks ?? [], (leak) => `${mode}: LEAK ${code(leak)}`)),
    ...runs.flatMap(({ mode, alive }) =>
      few(alive, (title) => `${mode}: alive afterwards: ${code(title)}`)
    ),
  ];
  const seen = [...Map.groupBy(lines, (line) => line)].map(([line, { length }]) =>
    `- ${line}${length > 1 ? ` (${length} times)` : ""}`
  );
  const { runOptions = [] } = suite;
  const more = [...setOf(suite), ...runOptions, ...suite.options, ...suite.targets];
  const how = more.length > 0 ? [`Run with ${code(more.join(" "))}.`] : [];
  const head = [`### ${suite.name}`, "", ...[...suite.notes, ...how].flatMap((note) => [note, ""])];
  return [...head, ...seen].join("\n").trimEnd();
}

/** The words that set a suite's environment. */
function setOf({ environment = {} }: Suite): string[] {
  return Object.entries(environment).map(([name, value]) => `${name}=${value}`);
}

/** At most so many lines of one kind. */
const MOST_LINES = 12;

function few(all: readonly string[], show: (one: string) => string): string[] {
  const rest = all.length - MOST_LINES;
  return [...all.slice(0, MOST_LINES).map(show), ...(rest > 0 ? [`… and ${rest} more`] : [])];
}

function differenceText({ mode, id, failed }: Difference, { alone }: Sitting): string {
  const again = alone.get(id);
  const said = again
    ? `; alone with bare pytest it failed ${again.failed} of ${again.of} times`
    : "";
  return `${mode}: ${code(id)} ${failed ? "failed" : "did not fail"}${said}`;
}

function code(text: string): string {
  const short = text.length > 160 ? `${text.slice(0, 160)}…` : text;
  return `\`${short.replaceAll("`", "'").replaceAll(/\s+/g, " ")}\``;
}

/** How `--jobs 2` compares with `pytest -n 2`, in the median and suite by suite. */
function speedText(sittings: readonly Sitting[]): string {
  const ratios = sittings.flatMap(({ suite, runs }) => {
    const ratio = jobsRatio(runs);
    return ratio === null ? [] : [{ name: suite.name, ratio }];
  });
  if (ratios.length === 0) return "";
  const each = ratios.map(({ name, ratio }) => `${name} ${ratio.toFixed(2)}`).join(", ");
  const middle = median(ratios.map(({ ratio }) => ratio)).toFixed(2);
  return `\`--jobs 2\` took ${middle} times as long as \`pytest -n 2\` in the median: ${each}.`;
}

/** How a suite is prepared and run, to paste. */
export function recipeOf(suite: Suite): string {
  return [
    `# ${suite.name}`,
    `git clone https://github.com/${suite.repository} ${suite.name} && cd ${suite.name}`,
    `git checkout ${suite.revision}`,
    `uv venv --python ${suite.python} .venv`,
    ...suite.prepare,
    [...setOf(suite), ...commandOf("bare", suite)].join(" "),
  ].join("\n");
}
