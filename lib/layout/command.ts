import { plural } from "../base/plural.ts";
import type { Printer } from "../terminal/printer.ts";
import { WITH_JSON } from "../command_line/options.ts";
import type { Verb } from "../command_line/verb.ts";
import { type Totals, totalsOf, totalsText } from "../history/totals.ts";
import { escapeText } from "../base/escape.ts";
import { compareLayout, type LayoutRow } from "./rules.ts";
import { isTestFile, resolveTargets, type TestTree } from "../project/rules_targets.ts";
import { UsageError } from "../errors.ts";
import { EXIT, type ExitCode } from "../tables/exit_codes.ts";
import { REFERENCE_LAYOUT } from "./reference_layout.ts";
import type { Context } from "../command_line/context.ts";
import { durationsOf } from "../history/project_history.ts";
import { findProject } from "../project/project.ts";
import { testTree } from "../project/targets.ts";

/**
 * `tractest layout`: the tests tree, the recorded durations of its files, and named targets. In
 * tractor's profile it is compared with the reference: which files are the same, moved, gone or
 * new.
 */
export async function layout({ host, printer }: Context): Promise<ExitCode> {
  const project = await findProject(host);
  const [tree, durations] = await Promise.all([
    testTree(host, project),
    durationsOf(host, project),
  ]);
  const reference = project.profile === "tractor" ? REFERENCE_LAYOUT : [];
  const rows = compareLayout(tree, reference).map((row) => ({
    ...row,
    recorded: row.path === null ? null : totalsOf(durations, [row.path]),
  }));
  const named = Object.entries(tree.namedTargets).map(([name, entries]) => {
    const targets = targetsOf(name, tree);
    return { name, entries, targets, recorded: totalsOf(durations, targets) };
  });
  const testFiles = tree.files.filter(isTestFile).length;
  if (printer.json) {
    printer.document("tractest.layout/1", {
      root: project.root,
      testsDirectories: tree.testsDirectories,
      testFiles,
      rows,
      named,
    });
    return EXIT.ok;
  }
  showLayout(printer, tree, rows, reference.length > 0);
  if (named.length === 0) return EXIT.ok;
  printer.line();
  printer.line("named targets:");
  const cells = named.map(({ name, entries, recorded }) => [
    `  ${escapeText(name)}`,
    totalsText(recorded),
    escapeText(entries.join(" ")),
  ]);
  printer.rows(cells);
  return EXIT.ok;
}

function showLayout(
  printer: Printer,
  tree: TestTree,
  rows: readonly ShownRow[],
  isCompared: boolean,
): void {
  const directories = tree.testsDirectories.map((path) => `${escapeText(path)}/`).join(" ");
  printer.line(`${directories}  ${plural(tree.files.filter(isTestFile).length, "test file")}`);
  const cells = rows.map((row) => cellsOf(row, isCompared));
  printer.rows(cells);
  if (!isCompared) return;
  const counts = (["same", "moved", "gone", "new"] as const).map((status) =>
    `${rows.filter((row) => row.status === status).length} ${status}`
  );
  printer.line();
  printer.line(`compared with the reference: ${counts.join(", ")}`);
}

/** The targets of a named target; empty if none of them exists. */
function targetsOf(name: string, tree: TestTree): readonly string[] {
  try {
    return resolveTargets([name], tree).targets;
  } catch (error) {
    if (error instanceof UsageError) return [];
    throw error;
  }
}

type ShownRow = LayoutRow & { readonly recorded: Totals | null };

function cellsOf(row: ShownRow, isCompared: boolean): string[] {
  const path = escapeText((row.path ?? row.reference)!);
  const files = row.testFiles === null ? "" : ` (${row.testFiles})`;
  const about = row.status === "moved"
    ? `${row.about}; was ${escapeText(row.reference!)}`
    : row.about;
  return [
    `  ${path}${files}`,
    ...(isCompared ? [row.status] : []),
    [about, totalsText(row.recorded)].filter((part) => part !== "").join(": "),
  ];
}

/** `tractest layout`, described. */
export const VERB: Verb<typeof WITH_JSON> = {
  name: "layout",
  group: "set-up",
  summary: "the tests tree with recorded durations, and named targets",
  usage: "tractest layout [OPTIONS]",
  options: WITH_JSON,
  examples: [["tractest layout", "which files are there; tractor: which moved"]],
  exits: [0],
  row: "layout",
  run: layout,
};
