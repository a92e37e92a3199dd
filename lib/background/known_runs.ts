import { join } from "@std/path";
import { ignoreTractestError } from "../errors.ts";
import { surroundingsOf } from "../leaks/ledger.ts";
import type { RecordedIdentity } from "../processes/process.ts";
import { runsDirectory } from "../project/directories.ts";
import { parseEvent, type PytestEvent } from "../pytest/events.ts";
import { RunModel } from "../pytest/run_model.ts";
import type { Host } from "../system/host.ts";
import { readProcessFiles } from "../system/programs/proc.ts";
import { eventsOf, readEvents } from "./read_events.ts";
import { type Life, lifeOf } from "./rules_recorded_process.ts";
import { isUnderWay, phaseOf, readRunFile, type RunFile, type RunPhase } from "./rules_run_file.ts";
import { OUTPUT_FILE, RUN_FILE, runIdsIn } from "./run_directory.ts";

/** A run on record. */
export interface KnownRun {
  readonly record: RunFile;
  readonly state: RunPhase;
  readonly directory: string;
}

/** Whether a run keeps its output: one at a terminal prints it there alone. */
export async function keepsOutput(
  host: Host,
  { record, state, directory }: KnownRun,
): Promise<boolean> {
  const size = (await host.files.stat(join(directory, OUTPUT_FILE)))?.size;
  return size !== undefined && (size > 0 || record.background || isUnderWay(state));
}

/** All runs on record, of every project, newest first. */
export async function knownRuns(host: Host): Promise<KnownRun[]> {
  const runs = await runsDirectory(host);
  if (runs === null) return [];
  const known = await runsNamed(host, runs, await runIdsIn(host, runs));
  // The ids of runs that began in the same second are in no order.
  return known.sort((one, other) => other.record.began - one.record.began);
}

/** The runs with these ids; those without a record are left out. */
export async function runsNamed(
  host: Host,
  runs: string,
  ids: readonly string[],
): Promise<KnownRun[]> {
  const read: { record: RunFile; directory: string }[] = [];
  for (const id of ids) {
    const directory = join(runs, id);
    const record = await runFileIn(host, directory);
    if (record?.runId === id) read.push({ record, directory });
  }
  const open = read.flatMap(({ record: { end, identity } }) => end === null ? identity ?? [] : []);
  const lives = await livesOf(host, open, "which runs still live");
  return await Promise.all(read.map(async ({ record, directory }) => {
    const state = phaseOf(record, lives(record.identity));
    if (state !== "died") return { record, state, directory };
    // It may have recorded its end after the file was read.
    const again = await runFileIn(host, directory) ?? record;
    return { record: again, state: phaseOf(again, "gone"), directory };
  }));
}

/** Reads `run.json` of a run; null if there is none, or if it can't be read. */
export async function runFileIn(host: Host, directory: string): Promise<RunFile | null> {
  const text = await host.files.readText(join(directory, RUN_FILE)).catch(ignoreTractestError);
  return readRunFile(text ?? null);
}

/**
 * Finds out which of some recorded processes live, with one program for all of them.
 *
 * @returns a function that answers for each of them; `unknown` for null
 */
export async function livesOf(
  host: Host,
  processes: readonly RecordedIdentity[],
  why: string,
): Promise<(process: RecordedIdentity | null) => Life> {
  if (processes.length === 0) return () => "unknown";
  const [here, { rows, failure }] = await Promise.all([
    surroundingsOf(host),
    readProcessFiles(host, processes.map(({ pid }) => pid), { mapped: false, why }),
  ]);
  return (process) =>
    process === null || failure !== null
      ? "unknown"
      : lifeOf(process, here, rows.get(process.pid) ?? null);
}

/** Reads the events of a run so far. */
export async function modelOf(host: Host, run: KnownRun): Promise<RunModel> {
  const model = new RunModel();
  await readEvents(host, eventsOf(run.directory), (event) => void model.apply(event));
  return model;
}

/** A run whose events are kept. */
export interface PastRun {
  readonly runId: string;
  readonly directory: string;
  readonly started: Extract<PytestEvent, { event: "run-start" }>;
}

/** Enough for the first line of a run's events: its command may name many tests. */
const HEAD_BYTES = 64 * 1024;

/** The runs of a project that started pytest and whose events are kept, the newest first. */
export async function pastRuns(host: Host, root: string): Promise<PastRun[]> {
  const runs = await runsDirectory(host);
  if (runs === null) return [];
  const ids = await runIdsIn(host, runs);
  const found = await Promise.all(ids.map((id) => pastRunIn(host, join(runs, id))));
  const own = found.filter((run): run is PastRun => run?.started.root === root);
  return own.sort((one, other) => other.started.time - one.started.time);
}

async function pastRunIn(host: Host, directory: string): Promise<PastRun | null> {
  const head = await host.files.readFrom(eventsOf(directory), 0, HEAD_BYTES).catch(() => null);
  if (head === null) return null;
  const started = parseEvent(new TextDecoder().decode(head).split("\n", 1)[0]!);
  return started?.event === "run-start" ? { runId: started.runId, directory, started } : null;
}
