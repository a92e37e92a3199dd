import { join } from "@std/path";
import type { Context } from "../command_line/context.ts";
import { ignoreTractestError, UsageError } from "../errors.ts";
import { surroundingsOf } from "../leaks/ledger.ts";
import type { RecordedIdentity } from "../processes/process.ts";
import { runsDirectory } from "../project/directories.ts";
import { findProject } from "../project/project.ts";
import { parseEvent, type PytestEvent } from "../pytest/events.ts";
import { RunModel } from "../pytest/run_model.ts";
import type { Host } from "../system/host.ts";
import { readProcessFiles } from "../system/programs/proc.ts";
import { eventsOf, readEvents } from "./read_events.ts";
import { type Life, lifeOf } from "./rules_recorded_process.ts";
import {
  isUnderWay,
  namedRun,
  phaseOf,
  readRunFile,
  type RunFile,
  type RunPhase,
  unnamedRun,
} from "./rules_run_file.ts";
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

/** `--all`, of the commands that have it. */
export interface ScopeOptions {
  readonly all?: boolean;
  readonly verbose: boolean;
}

/**
 * The run that a command line names: by its id, by a beginning or end of it, or as `last`; else the
 * newest of this repo that is under way, else the newest of all. With `--all` every repo counts; an
 * id may be of any repo.
 *
 * @throws {UsageError} when there is none
 */
export async function chosenRun(context: Context<ScopeOptions>): Promise<KnownRun> {
  const { host, printer, line: { operands: [word, more] } } = context;
  if (more !== undefined) {
    throw new UsageError(
      `Only one run can be named, and "${more}" is a second`,
      "tractest status lists the runs",
    );
  }
  const runs = await knownRuns(host);
  if (word !== undefined && word !== "last") {
    const runId = namedRun(word, runs.map((run) => run.record.runId));
    return runs.find((run) => run.record.runId === runId)!;
  }
  const inScope = await runsInScope(context, runs);
  const [newest] = inScope;
  if (newest === undefined) {
    throw new UsageError(
      "No run of this repo is on record",
      "tractest status --all lists those of other repos",
    );
  }
  if (word === "last") return newest;
  const chosen = unnamedRun(inScope)!;
  if (newest.state === "unknown" && chosen !== newest) {
    const { runId } = newest.record;
    printer.note(`can't see from here whether the newer run ${runId} lives; name it to choose it`);
  }
  return chosen;
}

/** The runs of the repo at hand; all runs with `--all`. */
export async function runsInScope(
  { host, line }: Context<ScopeOptions>,
  runs: readonly KnownRun[],
): Promise<readonly KnownRun[]> {
  if (line.options.all) return runs;
  const { root } = await findProject(host);
  return runs.filter((run) => run.record.root === root);
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
