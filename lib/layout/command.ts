import { WITH_JSON } from "../command_line/options.ts";
import type { Verb } from "../command_line/verb.ts";
import { type Totals, totalsOf, totalsText } from "../history/totals.ts";
import { escapeText } from "../base/escape.ts";
import { compareLayout, type LayoutRow } from "./rules.ts";
import { isTestFile, resolveTargets, type TestTree } from "../project/rules_targets.ts";
import { UsageError } from "../errors.ts";
import { EXIT, type ExitCode } from "../tables/exit_codes.ts";
import { REFERENCE_LAYOUT } from "./reference_layout.ts";
import { columns } from "../terminal/columns.ts";
import type { Context } from "../command_line/context.ts";
import { durationsOf } from "../history/project_history.ts";
import { findProject } from "../project/project.ts";
import { testTree } from "../project/targets.ts";

/**
 * `tractest layout`: the tests tree as it is, beside the reference: what is the same, moved, gone
 * or new, and what the history says of it.
 */
export async function layout({ host, printer }: Context): Promise<ExitCode> {
  const project = await findProject(host);
  const [tree, durations] = await Promise.all([
    testTree(host, project),
    durationsOf(host, project),
  ]);
  const rows = compareLayout(tree, REFERENCE_LAYOUT).map((row) => ({
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
  printer.line(
    `${
      tree.testsDirectories.map((directory) => `${escapeText(directory)}/`).join(" ")
    }  ${testFiles} test file(s)`,
  );
  for (const row of columns(rows.map(cellsOf))) printer.line(row);
  const count = (status: LayoutRow["status"]) => rows.filter((row) => row.status === status).length;
  printer.line();
  printer.line(
    `beside the reference: ${count("same")} same, ${count("moved")} moved, ${count("gone")} gone, ${
      count("new")
    } new`,
  );
  printer.line();
  printer.line("named targets:");
  for (
    const row of columns(
      named.map((
        one,
      ) => [
        `  ${escapeText(one.name)}`,
        totalsText(one.recorded),
        escapeText(one.entries.join(" ")),
      ]),
    )
  ) {
    printer.line(row);
  }
  return EXIT.ok;
}

/** What a named target stands for here; nothing where all of it is gone. */
function targetsOf(name: string, tree: TestTree): readonly string[] {
  try {
    return resolveTargets([name], tree).targets;
  } catch (error) {
    if (error instanceof UsageError) return [];
    throw error;
  }
}

function cellsOf(row: LayoutRow & { readonly recorded: Totals | null }): string[] {
  const path = escapeText((row.path ?? row.reference)!);
  const files = row.testFiles === null ? "" : ` (${row.testFiles})`;
  const about = row.status === "moved"
    ? `${row.about}; was ${escapeText(row.reference!)}`
    : row.about;
  return [
    `  ${path}${files}`,
    row.status,
    [about, totalsText(row.recorded)].filter((part) => part !== "").join(": "),
  ];
}

/** `tractest layout`, described. */
export const VERB: Verb<typeof WITH_JSON> = {
  name: "layout",
  summary: "the tests tree, compared with the reference",
  usage: "tractest layout [OPTIONS]",
  options: WITH_JSON,
  examples: [["tractest layout", "which files are there, which moved"]],
  exits: [0],
  row: "layout",
  run: layout,
};
