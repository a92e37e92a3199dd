import { escapeText } from "../core/escape.ts";
import { compareLayout, type LayoutRow } from "../core/layout.ts";
import { isTestFile } from "../core/targets.ts";
import { EXIT, type ExitCode } from "../tables/exit_codes.ts";
import { REFERENCE_LAYOUT } from "../tables/reference_layout.ts";
import { columns } from "../ui/columns.ts";
import type { Context } from "../context.ts";
import { findProject } from "../project/project.ts";
import { testTree } from "../project/targets.ts";

/** `tractest layout`: the tests tree as it is, beside the reference: what is the same, moved, gone or new. */
export async function layout({ host, printer }: Context): Promise<ExitCode> {
  const project = await findProject(host);
  const tree = await testTree(host, project);
  const rows = compareLayout(tree, REFERENCE_LAYOUT);
  const testFiles = tree.files.filter(isTestFile).length;
  if (printer.json) {
    printer.document("tractest.layout/1", { root: project.root, testsDirectories: tree.testsDirectories, testFiles, rows });
    return EXIT.ok;
  }
  printer.line(`${tree.testsDirectories.map((directory) => `${escapeText(directory)}/`).join(" ")}  ${testFiles} test file(s)`);
  for (const row of columns(rows.map(cellsOf))) printer.line(row);
  const count = (status: LayoutRow["status"]) => rows.filter((row) => row.status === status).length;
  printer.line();
  printer.line(`beside the reference: ${count("same")} same, ${count("moved")} moved, ${count("gone")} gone, ${count("new")} new`);
  return EXIT.ok;
}

function cellsOf(row: LayoutRow): string[] {
  const path = escapeText((row.path ?? row.reference)!);
  const files = row.testFiles === null ? "" : ` (${row.testFiles})`;
  const about = row.status === "moved" ? `${row.about}; was ${escapeText(row.reference!)}` : row.about;
  return [`  ${path}${files}`, row.status, about];
}
