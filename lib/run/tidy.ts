import type { RunModel } from "../pytest/run_model.ts";
import type { Host } from "../system/host.ts";
import { readLedger } from "../leaks/ledger.ts";
import { endTree, treeOf } from "../processes/kill_ladder.ts";
import type { Project } from "../project/project.ts";
import type { Printer } from "../terminal/printer.ts";
import type { RunState } from "../background/run_directory.ts";

/** Seconds that leftover processes get to end by themselves. */
const GRACE_SECONDS = 1;

/**
 * Ends the processes that this run left behind, so that each pytest starts from the same state.
 * Only processes recorded by this run, and their descendants, are touched.
 */
export async function endLeftBehind(
  host: Host,
  printer: Printer,
  project: Project,
  state: RunState,
  results: RunModel,
): Promise<void> {
  const leaked = [...[...results.tests.values()].flatMap((test) => test.leaked), ...results.leaked];
  const { entries } = await readLedger(host, project.root);
  const recorded = entries.filter((entry) =>
    entry.runId === state.runId && entry.role === "process"
  );
  const known = [...recorded, ...leaked];
  if (known.length === 0) return;
  const alive = await treeOf(host, null, known);
  if (alive.length > 0) await endTree(host, printer, alive, { graceSeconds: GRACE_SECONDS });
}
