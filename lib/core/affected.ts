import type { ChangeRow } from "../tables/change_map.ts";
import { findByName, isTestFile, isWithin, type TestTree } from "./targets.ts";

/** A file that differs from what it is compared with. */
export interface Change {
  /** Relative to the project's root. */
  readonly path: string;
  readonly status: "added" | "modified" | "deleted";
  /** Where the latest change of it is: in a commit of this branch, in the index, in the work tree, or in a file that git does not know. */
  readonly where: "committed" | "staged" | "unstaged" | "untracked";
}

/** One changed file, and why a target should run because of it. */
export interface Cause {
  readonly file: string;
  readonly because: string;
}

/** A target of pytest to run first, with every reason for it. */
export interface AffectedTarget {
  /** As pytest takes it, relative to the root. */
  readonly target: string;
  readonly causes: readonly Cause[];
}

/** What a set of changes asks for. */
export interface Affected {
  /** Changed tests first, then what the change map names in its order, then whole directories, then the whole suite. */
  readonly targets: readonly AffectedTarget[];
  /** Changed files that nothing is known about, and why. */
  readonly unmapped: readonly Cause[];
  /** Tests that the change map names for these changes but that exist nowhere today. */
  readonly missing: readonly { readonly test: string; readonly row: string }[];
}

/** What {@linkcode affectedBy} knows about the project. */
export interface Surroundings {
  readonly tree: TestTree;
  /** The package's directory relative to the root; null when there is none. */
  readonly packageDirectory: string | null;
  readonly changeMap: readonly ChangeRow[];
}

/** Files in the root that decide how every test runs. */
const WIDE_FILES = /^(conftest\.py|pyproject\.toml|\.?pytest\.(toml|ini)|tox\.ini|setup\.cfg|setup\.py|uv\.lock)$/;

/** The tests to run first for a set of changes, by the change map, by the tests that changed themselves, and by what all tests share. */
export function affectedBy(changes: readonly Change[], surroundings: Surroundings): Affected {
  const { tree, packageDirectory, changeMap } = surroundings;
  const found = new Found();
  for (const change of changes) {
    const { path } = change;
    const tests = tree.testsDirectories.find((directory) => isWithin(path, directory));
    if (tests !== undefined && isTestFile(path)) {
      if (change.status === "deleted") found.unmapped(path, "a test file that was deleted: nothing left to run");
      else found.add(0, path, path, "the test file itself changed");
    } else if (WIDE_FILES.test(path)) {
      for (const directory of tree.testsDirectories) found.add(3, `${directory}/`, path, "it decides how every test runs");
    } else if (packageDirectory !== null && isWithin(path, packageDirectory) && isDeeper(packageDirectory, tests)) {
      addRows(found, path, path.slice(packageDirectory.length + 1), changeMap, tree);
    } else if (tests !== undefined && path.endsWith(".py")) {
      const directory = path.includes("/") ? path.slice(0, path.lastIndexOf("/")) : ".";
      const shared = path.endsWith("/conftest.py") ? "fixtures of every test below it" : "shared by the tests beside it";
      found.add(directory === tests ? 3 : 2, `${directory}/`, path, shared);
    } else {
      found.unmapped(path, packageDirectory === null ? "the project's package was not found" : "neither in the package nor in the tests");
    }
  }
  return found.result();
}

/** What pytest has to be given to run all targets, without those that lie in another: it would run them twice. */
export function withoutContained(targets: readonly string[]): string[] {
  const bare = (target: string) => target.replace(/\/$/, "");
  return targets.filter((target) => !targets.some((other) => other !== target && isWithin(bare(target), bare(other))));
}

/** All reasons for a target in one line. */
export function becauseOf(target: AffectedTarget): string {
  const reasons = new Map<string, string[]>();
  for (const { file, because } of target.causes) reasons.set(because, [...reasons.get(because) ?? [], file]);
  return [...reasons].map(([because, files]) => {
    if (files.length === 1 && files[0] === target.target) return because;
    const more = files.length > 3 ? ` and ${files.length - 3} more` : "";
    return `${files.slice(0, 3).join(", ")}${more}: ${because}`;
  }).join("; ");
}

/** Whether a package lies in the tests directory rather than around it; a suite may be the whole root, or lie in its package. */
function isDeeper(directory: string, tests: string | undefined): boolean {
  return tests === undefined || tests === "." || (directory !== tests && isWithin(directory, tests));
}

function addRows(found: Found, path: string, module: string, changeMap: readonly ChangeRow[], tree: TestTree): void {
  const name = module.slice(module.lastIndexOf("/") + 1);
  const exact = changeMap.filter((row) => row.changed.some((entry) => entry.endsWith("/") ? module.startsWith(entry) : module === entry));
  // A module that moved since its row was written is known by its name, unless every package has one of that name.
  const moved = exact.length > 0 || name === "__init__.py" ? [] : changeMap.filter((row) => row.changed.some((entry) => entry.endsWith(`/${name}`)));
  const rows = exact.length > 0 ? exact : moved;
  if (rows.length === 0) found.unmapped(path, "no row of the change map names it");
  for (const row of rows) {
    const label = row.changed.join(", ");
    const because = `the change map pairs ${label} with it${row.note ? ` (${row.note})` : ""}`;
    for (const test of row.tests) {
      const targets = findByName(test, tree);
      if (targets.length === 0) found.missing(test, label);
      for (const target of targets) found.add(1, target, path, because);
    }
  }
}

/** Collects targets by rank and in order of their first mention. */
class Found {
  #targets = new Map<string, { rank: number; causes: Cause[] }>();
  #unmapped: Cause[] = [];
  #missing = new Map<string, { test: string; row: string }>();

  add(rank: number, target: string, file: string, because: string): void {
    const entry = this.#targets.get(target) ?? { rank, causes: [] };
    entry.rank = Math.min(entry.rank, rank);
    if (!entry.causes.some((cause) => cause.file === file && cause.because === because)) entry.causes.push({ file, because });
    this.#targets.set(target, entry);
  }

  unmapped(file: string, because: string): void {
    this.#unmapped.push({ file, because });
  }

  missing(test: string, row: string): void {
    this.#missing.set(`${test}\0${row}`, { test, row });
  }

  result(): Affected {
    const targets = [...this.#targets].sort(([, a], [, b]) => a.rank - b.rank).map(([target, { causes }]) => ({ target, causes }));
    return { targets, unmapped: this.#unmapped, missing: [...this.#missing.values()] };
  }
}
