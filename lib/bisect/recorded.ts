import { pastRuns } from "../background/known_runs.ts";
import { resolve } from "@std/path";
import { type Recorded, recordedIn, type Symptom } from "./rules.ts";
import type { PytestEvent } from "../pytest/events.ts";
import { RunModel } from "../pytest/run_model.ts";
import { UsageError } from "../errors.ts";
import type { Host } from "../system/host.ts";
import { eventsOf, readEvents } from "../background/read_events.ts";

/** A recorded run in which a test went wrong, and what it ran on. */
export interface RecordedRun extends Recorded {
  /** Its name in messages: the id of the run, or the file. */
  readonly name: string;
  readonly transport: string | null;
  readonly backend: string | null;
}

/**
 * Reads a file of events in which a test went wrong; null if it did not.
 *
 * @throws {UsageError} if there is no such file
 */
export async function recordedInFile(
  host: Host,
  file: string,
  test: string,
  symptom: Symptom | null,
): Promise<RecordedRun | null> {
  const read = await readRun(host, resolve(host.cwd, file));
  if (read === null) {
    throw new UsageError(
      `There is no file "${file}"`,
      "--from takes the events of a run: tractest run --events FILE",
    );
  }
  return about(read, test, symptom, file);
}

/** Finds the newest recorded run of a project in which a test went wrong. */
export async function newestRecorded(
  host: Host,
  root: string,
  test: string,
  symptom: Symptom | null,
): Promise<RecordedRun | null> {
  for (const { runId, directory } of await pastRuns(host, root)) {
    const read = await readRun(host, eventsOf(directory));
    const found = read && about(read, test, symptom, `run ${runId}`);
    // The first test of a run has no culprit in it.
    if (found !== null && found.before.length > 0) return found;
  }
  return null;
}

interface Read {
  readonly events: readonly PytestEvent[];
  readonly results: RunModel;
}

function about(
  { events, results }: Read,
  test: string,
  symptom: Symptom | null,
  name: string,
): RecordedRun | null {
  const found = recordedIn(events, results, test, symptom);
  return found &&
    {
      ...found,
      name,
      transport: results.started?.transport ?? null,
      backend: results.started?.backend ?? null,
    };
}

async function readRun(host: Host, path: string): Promise<Read | null> {
  const events: PytestEvent[] = [];
  const results = new RunModel();
  const isThere = await readEvents(host, path, (event) => {
    results.apply(event);
    if (event.event === "test-start" || event.event === "timeout") events.push(event);
  });
  return isThere ? { events, results } : null;
}
