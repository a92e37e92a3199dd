import type { TestTree } from "../../lib/project/rules_targets.ts";
import { DEFAULT_TARGETS } from "../../lib/tables/defaults.ts";

const read = (name: string) =>
  Deno.readTextFileSync(new URL(`../fixtures/suite/${name}`, import.meta.url));

/** The 471 ids of a real collection of tractor's suite. */
export const IDS: readonly string[] = read("collected-ids.txt").trim().split("\n");

/** Every Python file below `tests/` of that checkout, relative to its root. */
export const FILES: readonly string[] = read("tests-layout.txt").trim().split("\n").map((line) =>
  line.replace("./", "tests/")
).sort();

/** Every module of its package, relative to its root. */
export const MODULES: readonly string[] = read("package-layout.txt").trim().split("\n");

/** Id, outcome and error of every test of a real serial run. */
export const RESULTS: readonly { id: string; outcome: string; error: string }[] = read(
  "results-serial.tsv",
).trim().split("\n").slice(1)
  .map((line) => line.split("\t")).map(([id, outcome, , error]) => ({
    id: id!,
    outcome: outcome!,
    error: error ?? "",
  }));

/** That checkout at `/repo`, seen from `cwd`. */
export function suite(cwd = "/repo", parts: Partial<TestTree> = {}): TestTree {
  return treeOf(FILES, { cwd, ...parts });
}

/** A tree of the given files at `/repo`. */
export function treeOf(files: readonly string[], parts: Partial<TestTree> = {}): TestTree {
  const directories = new Set<string>(["tests"]);
  for (const file of files) {
    const names = file.split("/").slice(0, -1);
    names.forEach((_, index) => directories.add(names.slice(0, index + 1).join("/")));
  }
  return {
    files,
    directories: [...directories].sort(),
    root: "/repo",
    cwd: "/repo",
    testsDirectories: ["tests"],
    namedTargets: DEFAULT_TARGETS,
    ...parts,
  };
}
