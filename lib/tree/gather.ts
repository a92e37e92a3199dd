import { knownRuns } from "../background/known_runs.ts";
import { isUnderWay } from "../background/rules_run_file.ts";
import { findLiveRuns } from "../hang/live_runs.ts";
import { findLeaks } from "../leaks/gather.ts";
import type { Project } from "../project/project.ts";
import type { Host } from "../system/host.ts";
import { listSocketsOf } from "../system/programs/net_tables.ts";
import { readVariable } from "../system/programs/proc.ts";
import { listUsage } from "../system/programs/ps.ts";
import { listensOf } from "../system/programs/ss.ts";
import { type RootFacts, type TreeNode, treeOf } from "./rules.ts";

/** The processes of a repository now. */
export interface Tree {
  readonly nodes: readonly TreeNode[];
  /** What could not be checked, one sentence each. */
  readonly unknowns: readonly string[];
}

/** Gathers the tree: live runs and pytests of the project, what leaked, and all below them. */
export async function gatherTree(host: Host, project: Project): Promise<Tree> {
  const list = await listUsage(host);
  const rows = list.processes;
  const [runs, live, leaks] = await Promise.all([
    knownRuns(host),
    findLiveRuns(host, project, list),
    findLeaks(host, project, { processes: list }),
  ]);
  const roots = new Map<number, RootFacts>();
  for (const pid of live.pids) roots.set(pid, { verdict: "in-use", evidence: ["a live pytest"] });
  for (const { pid, verdict, evidence } of leaks.actors) {
    if (verdict !== "foreign") roots.set(pid, { verdict, evidence });
  }
  for (const { record, state } of runs) {
    if (record.root !== project.root || !isUnderWay(state)) continue;
    roots.set(record.pid, {
      verdict: "runner",
      evidence: [`run ${record.runId}`],
      title: record.command,
    });
  }
  const nodes = treeOf({ rows, roots, tests: new Map(), listens: new Map(), own: host.pid });
  const pids = nodes.map(({ process }) => process.pid);
  const [tests, sockets] = await Promise.all([testsOf(host, pids), listensBy(host, pids)]);
  for (const { pid, test } of leaks.actors) if (test !== null) tests.set(pid, test);
  return {
    nodes: treeOf({ rows, roots, tests, listens: sockets, own: host.pid }),
    unknowns: [...new Set([...live.unknowns, ...leaks.unknowns])],
  };
}

/** The test that each process inherited from pytest. */
async function testsOf(host: Host, pids: readonly number[]): Promise<Map<number, string>> {
  if (pids.length === 0) return new Map();
  const found = await readVariable(host, pids, "PYTEST_CURRENT_TEST");
  return new Map(
    [...found].map(([pid, value]) =>
      [pid, value.replace(/ \((setup|call|teardown)\)$/s, "")] as const
    ),
  );
}

async function listensBy(
  host: Host,
  pids: readonly number[],
): Promise<Map<number, readonly string[]>> {
  const sockets = await listSocketsOf(host, pids, "on what the processes listen");
  return new Map(pids.map((pid) => [pid, listensOf(pid, sockets).listens] as const));
}
