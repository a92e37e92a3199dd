import { Forest } from "../processes/forest.ts";
import type { UsageRow } from "../system/programs/ps.ts";

/** What is known of a process besides its row of `ps`. */
export interface TreeFacts {
  /** `runner`: the tractest of a run; `in-use`: a pytest, an application, or below one. */
  readonly verdict: "runner" | "in-use" | "leaked" | "unknown";
  /** The test that started it; null if unknown. */
  readonly test: string | null;
  /** What it listens on. */
  readonly listens: readonly string[];
  /** Why the verdict was given; empty where it follows from what is above. */
  readonly evidence: readonly string[];
  /** Its command line, or that of the run that it is. */
  readonly title: string;
}

/** What is known of a process that belongs to the repository by itself. */
export type RootFacts = Pick<TreeFacts, "verdict" | "evidence"> & { readonly title?: string };

/** A process of the tree. */
export interface TreeNode extends TreeFacts {
  readonly process: UsageRow;
  /** How many processes of the tree are above it. */
  readonly depth: number;
  /** Whether it is the last child, and whether each one above it is. */
  readonly isLast: readonly boolean[];
}

/** All that was read for a tree. */
export interface TreeScene {
  readonly rows: readonly UsageRow[];
  /** Processes that belong to the repository by themselves. */
  readonly roots: ReadonlyMap<number, RootFacts>;
  /** The test that each process names. */
  readonly tests: ReadonlyMap<number, string>;
  readonly listens: ReadonlyMap<number, readonly string[]>;
  /** This program, which is not part of what it shows. */
  readonly own: number;
}

/**
 * The processes of a repository as a forest: the roots and all below them, parents before children,
 * in the order of their pids. What is below a process has its verdict.
 */
export function treeOf({ rows, roots, tests, listens, own }: TreeScene): TreeNode[] {
  const forest = new Forest(rows.filter(({ pid }) => pid !== own));
  const shown = new Set(forest.withDescendants([...roots.keys()].filter((pid) => forest.has(pid))));
  const nodes: TreeNode[] = [];
  const add = (pid: number, inherited: TreeFacts["verdict"], isLast: readonly boolean[]) => {
    const process = forest.get(pid)!;
    const known = { verdict: inherited, evidence: [], title: process.args, ...roots.get(pid) };
    const passed = known.verdict === "runner" ? "in-use" : known.verdict;
    nodes.push({
      ...known,
      process,
      depth: isLast.length,
      isLast,
      test: tests.get(pid) ?? null,
      listens: listens.get(pid) ?? [],
    });
    shown.delete(pid);
    const below = childrenOf(pid, forest, shown);
    below.forEach((child, index) => {
      add(child, passed, [...isLast, index === below.length - 1]);
    });
  };
  for (const pid of topsOf(shown, forest)) if (shown.has(pid)) add(pid, "unknown", []);
  return nodes;
}

/** The processes that have no shown one above them; in a loop of parents the first. */
function topsOf(shown: ReadonlySet<number>, forest: Forest<UsageRow>): number[] {
  const pids = [...shown].sort((one, other) => one - other);
  const tops = pids.filter((pid) => !shown.has(forest.get(pid)!.ppid));
  return [...tops, ...pids];
}

function childrenOf(
  parent: number,
  forest: Forest<UsageRow>,
  shown: ReadonlySet<number>,
): number[] {
  return [...shown].filter((pid) => forest.get(pid)!.ppid === parent)
    .sort((one, other) => one - other);
}
