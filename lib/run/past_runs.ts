import { join } from "@std/path";
import { EventReader, parseEvent, type PytestEvent } from "../core/pytest_events.ts";
import type { Host } from "../host/host.ts";
import { stateDirectory } from "../project/directories.ts";
import { FileTail } from "./file_tail.ts";

/** A run whose events are kept. */
export interface PastRun {
  readonly runId: string;
  readonly directory: string;
  /** Bytes of its events. */
  readonly size: number;
  readonly started: Extract<PytestEvent, { event: "run-start" }>;
}

/** Enough for the first line of a run's events: its command may name many tests. */
const HEAD_BYTES = 64 * 1024;

/** The runs of a project whose events are kept, the newest first. A run that did not get to pytest is none. */
export async function pastRuns(host: Host, root: string): Promise<PastRun[]> {
  const state = await stateDirectory(host);
  if (state.path === null || state.problem !== null) return [];
  const runs = join(state.path, "runs");
  const names = (await host.readDirectory(runs) ?? []).filter((entry) => entry.kind === "directory").map((entry) => entry.name).sort().reverse();
  const found = await Promise.all(names.map((name) => runAt(host, join(runs, name))));
  return found.filter((run) => run !== null && run.started.root === root) as PastRun[];
}

async function runAt(host: Host, directory: string): Promise<PastRun | null> {
  const path = eventsOf(directory);
  const [head, status] = await Promise.all([host.readFrom(path, 0, HEAD_BYTES).catch(() => null), host.stat(path)]);
  if (head === null || status === null) return null;
  const started = parseEvent(new TextDecoder().decode(head).split("\n", 1)[0]!);
  return started?.event === "run-start" ? { runId: started.runId, directory, size: status.size, started } : null;
}

/** Hands each event of a run to `take`, in order; those that are there now, if it is still under way. */
export async function readEvents(host: Host, { directory, size }: PastRun, take: (event: PytestEvent) => void): Promise<void> {
  const tail = new FileTail(host, eventsOf(directory));
  const reader = new EventReader();
  while (tail.offset < size) {
    const bytes = await tail.read();
    if (bytes.length === 0) return;
    for (const event of reader.read(bytes).events) take(event);
  }
}

/** The events of a run that has this directory. */
function eventsOf(directory: string): string {
  return join(directory, "events.jsonl");
}
