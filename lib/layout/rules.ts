import { compareTexts } from "../base/compare.ts";
import type { ReferenceRow } from "./reference_layout.ts";
import { findByName, isTestFile, isWithin, type TestTree } from "../project/rules_targets.ts";

/** One line of the comparison. Paths are relative to the root; a directory ends with `/`. */
export interface LayoutRow {
  /** Where it is today; null when it is gone. */
  readonly path: string | null;
  /**
   * `same` and `moved`: the reference has it; `gone`: only the reference has it; `new`: only the
   * tree has it.
   */
  readonly status: "same" | "moved" | "gone" | "new";
  /** Its path in the reference; null for a new file. */
  readonly reference: string | null;
  /** Its description in the reference; empty for a new file. */
  readonly about: string;
  /** Test files in a directory, at any depth; null for a file. */
  readonly testFiles: number | null;
}

/**
 * Compares the tests tree with the reference: conftest and directories first, each with its files.
 */
export function compareLayout(tree: TestTree, reference: readonly ReferenceRow[]): LayoutRow[] {
  const [tests = "tests"] = tree.testsDirectories;
  const below = (path: string) => tests === "." ? path : `${tests}/${path}`;
  const rows: LayoutRow[] = reference.map(({ path, about }) => {
    const old = below(path);
    const places = findByName(path, tree);
    const now = places.includes(old) ? old : places[0] ?? null;
    const status = now === null ? "gone" : now === old ? "same" : "moved";
    return { path: now, status, reference: old, about, testFiles: countOf(now, tree) };
  });
  const named = new Set(rows.map((row) => row.path));
  const directories = tree.directories.filter((directory) =>
    directory !== tests && directory !== "." && isWithin(directory, tests)
  );
  const files = tree.files.filter((file) =>
    isWithin(file, tests) &&
    (isTestFile(file) || file.endsWith("/conftest.py") || file === "conftest.py")
  );
  for (const path of [...directories.map((directory) => `${directory}/`), ...files]) {
    if (!named.has(path)) {
      rows.push({
        path,
        status: "new",
        reference: null,
        about: "",
        testFiles: countOf(path, tree),
      });
    }
  }
  return rows.sort((a, b) => compareTexts(keyOf(a, tests), keyOf(b, tests)));
}

function countOf(path: string | null, tree: TestTree): number | null {
  if (path === null || !path.endsWith("/")) return null;
  return tree.files.filter((file) => isTestFile(file) && file.startsWith(path)).length;
}

/** Sorts conftest first, then directories, then files; missing files keep their old place. */
function keyOf(row: LayoutRow, tests: string): string {
  const path = (row.path ?? row.reference)!.slice(tests === "." ? 0 : tests.length + 1);
  const parts = path.split("/");
  return parts.map((part, index) =>
    `${index < parts.length - 1 ? 1 : part === "conftest.py" ? 0 : part === "" ? "" : 2}${part}`
  ).join("/");
}
