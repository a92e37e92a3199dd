/** A changed file. */
export interface Change {
  /** Relative to the project's root. */
  readonly path: string;
  readonly status: "added" | "modified" | "deleted";
  /** Where its latest change is: in a commit of this branch, the index, the work tree … */
  readonly where: "committed" | "staged" | "unstaged" | "untracked";
  /** It is not a file but the commit of a submodule. */
  readonly submodule?: true;
}

/** One changed file, and why a target should run because of it. */
export interface Cause {
  readonly file: string;
  readonly because: string;
  /** Where imports are the reason: the changed file, its importer …, the test or conftest.py. */
  readonly chain?: readonly string[];
}

/** How near a target is to a change, nearest first: targets are in this order. */
export const RELATIONS = [
  "itself",
  "map",
  "import",
  "through",
  "failed",
  "loaded",
  "directory",
  "all",
] as const;

/** One of {@linkcode RELATIONS}. */
export type Relation = typeof RELATIONS[number];

/** A target of pytest to run first, with every reason for it. */
export interface AffectedTarget {
  /** As pytest takes it, relative to the root. */
  readonly target: string;
  /** The nearest of its relations to the changes. */
  readonly relation: Relation;
  /** Imports between it and the nearest change: 1 for a direct importer. Only for importers. */
  readonly distance?: number;
  readonly causes: readonly Cause[];
  /** The test files that it stands for, nearest first, where too many import a change. */
  readonly files?: readonly string[];
}

/** Nearer targets that are more than half of all test files. */
export interface MostOfSuite {
  /** Test files that changed, are listed in the change map, or import a change. */
  readonly testFiles: number;
  readonly of: number;
  /** The changed files that most of the suite imports, directly or indirectly. */
  readonly imported: readonly string[];
}

/** Options of pytest that make the tests use a changed file. */
export interface SuggestedOptions {
  readonly file: string;
  readonly options: readonly string[];
  readonly because: string;
}

/** The targets for a set of changes. */
export interface Affected {
  /** By relation, then by distance. */
  readonly targets: readonly AffectedTarget[];
  /** Targets that a change may reach through fixtures or plugins, farther away. */
  readonly further: readonly AffectedTarget[];
  /** Null unless the nearer targets are most of the suite. */
  readonly mostOfSuite: MostOfSuite | null;
  /** Options without which the tests do not use a change. */
  readonly options: readonly SuggestedOptions[];
  /** Changed files without known tests, and why. */
  readonly unmapped: readonly Cause[];
  /** Tests that the change map lists for these changes, and that do not exist. */
  readonly missing: readonly { readonly test: string; readonly row: string }[];
}

/** How often a test failed of late. */
export interface RecentFailures {
  /** A test id relative to the root. */
  readonly test: string;
  readonly runs: number;
  readonly failed: number;
}
