import { join } from "@std/path";
import { parseEvent, type PytestEvent } from "../pytest/events.ts";
import type { Host } from "../system/host.ts";
import { stateDirectory } from "../project/directories.ts";
import { eventsOf } from "./read_events.ts";

/** A run whose events are kept. */
export interface PastRun {
  readonly runId: string;
  readonly directory: string;
  readonly started: Extract<PytestEvent, { event: "run-start" }>;
}

/** Enough for the first line of a run's events: its command may name many tests. */
const HEAD_BYTES = 64 * 1024;

/**
 * The runs of a project whose events are kept, the newest first. A run that did not get to pytest
 * is none.
 */
export async function pastRuns(host: Host, root: string): Promise<PastRun[]> {
  const state = await stateDirectory(host);
  if (state.path === null || state.problem !== null) return [];
  const runs = join(state.path, "runs");
  const names = (await host.files.readDirectory(runs) ?? []).filter((entry) =>
    entry.kind === "directory"
  ).map((entry) => entry.name).sort()
    .reverse();
  const found = await Promise.all(names.map((name) => runAt(host, join(runs, name))));
  const own = found.filter((run): run is PastRun => run !== null && run.started.root === root);
  // Ids of the same second are in no order.
  return own.sort((one, other) => other.started.time - one.started.time);
}

async function runAt(host: Host, directory: string): Promise<PastRun | null> {
  const path = eventsOf(directory);
  const head = await host.files.readFrom(path, 0, HEAD_BYTES).catch(() => null);
  if (head === null) return null;
  const started = parseEvent(new TextDecoder().decode(head).split("\n", 1)[0]!);
  return started?.event === "run-start" ? { runId: started.runId, directory, started } : null;
}
