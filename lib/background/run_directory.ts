import { basename, join } from "@std/path";
import { ignoreTractestError, PreflightError, UsageError } from "../errors.ts";
import { digest, type OwnDirectory, stateDirectory, usable } from "../project/directories.ts";
import type { FileLock, Host } from "../system/host.ts";
import { KEPT_RUNS } from "../tables/defaults.ts";
import type { Printer } from "../terminal/printer.ts";
import { expiredRuns, type KeptRun } from "./rules_retention.ts";
import { isRunId, timeOfRunId, timeStamp } from "./rules_run_file.ts";

/** The file in a run's directory that describes the run and its end. */
export const RUN_FILE = "run.json";
/** The file with the output of a run. */
export const OUTPUT_FILE = "output.log";
/** The file in which a background run that could not begin reports why. */
export const REFUSAL_FILE = "refused.json";
/** The file that is locked as long as the tractest of a run lives. */
const LOCKED_FILE = "running";

/** Where one run keeps its files. */
export interface RunState {
  readonly runId: string;
  /** Private; holds the log and the events of this run. */
  readonly directory: string;
  /** Whether the directory is removed with the run, since the state directory can't be used. */
  readonly isTemporary: boolean;
  /** Private; holds the lock and the durations of this project. Null without a state directory. */
  readonly projectDirectory: string | null;
  /** Held as long as this process lives: a free lock means that the run is over. */
  readonly hold: FileLock | null;
  /** Removes old runs, on the first call only. It can take a while: call it while pytest runs. */
  readonly prune: () => Promise<unknown>;
}

/**
 * Makes the directories of a run. Without a usable state directory it warns and takes a temporary
 * one: that costs history and the protection against two runs at once, but never a result.
 *
 * @param root the project's root: each project has its own state
 * @param reserved the id of a run whose directory {@linkcode reserveRun} has made
 */
export async function openRunState(
  host: Host,
  printer: Printer,
  root: string,
  reserved: string | null = null,
): Promise<RunState> {
  const state = await stateDirectory(host);
  const runs = await usable(host, state, "runs");
  const exists = runs !== null || state.exists;
  const projects = await usable(host, { ...state, exists } as OwnDirectory, "projects");
  const name = projects && join(projects, await digest(root));
  const projectDirectory = name !== null && await makes(host, name) ? name : null;
  const prune = once(async () => {
    if (reserved === null && runs !== null) {
      await pruneRuns(host, runs).catch(ignoreTractestError);
    }
  });
  const runId = reserved ?? newRunId(host);
  const directory = runs && join(runs, runId);
  if (reserved !== null && !(directory !== null && await isReserved(host, directory))) {
    throw new UsageError(`No run "${reserved}" was reserved`);
  }
  // A full disk may have room again once old runs are removed.
  const isUsable = directory !== null &&
    (await takesFiles(host, directory) || (await prune(), await takesFiles(host, directory)));
  if (isUsable) {
    const hold = await holdRun(host, directory);
    return { runId, directory, isTemporary: false, projectDirectory, hold, prune };
  }
  printer.warn(`${unusable(state, runs)}: no history, and no protection against a second run`);
  const temporary = await host.files.makeTemporaryDirectory();
  return { runId, directory: temporary, isTemporary: true, projectDirectory, hold: null, prune };
}

function once<T>(action: () => Promise<T>): () => Promise<T> {
  let begun: Promise<T> | null = null;
  return () => begun ??= action();
}

/** Whether {@linkcode reserveRun} has made a directory, and no run has begun in it. */
async function isReserved(host: Host, directory: string): Promise<boolean> {
  return isRunId(basename(directory)) &&
    (await host.files.lstat(directory))?.kind === "directory" &&
    await host.files.lstat(join(directory, RUN_FILE)) === null;
}

/** Bytes that a small run writes: with less room than that the run itself would fail. */
const ROOM_BYTES = 64 << 10;

/** Makes a directory and tries whether a run can write there; leaves no empty one if it can't. */
async function takesFiles(host: Host, directory: string): Promise<boolean> {
  const file = join(directory, "room");
  try {
    await host.files.makeDirectory(directory);
    await host.files.writeFile(file, new Uint8Array(ROOM_BYTES));
    return await host.files.remove(file);
  } catch (error) {
    ignoreTractestError(error);
    await host.files.remove(directory).catch(ignoreTractestError);
    return false;
  }
}

async function makes(host: Host, directory: string): Promise<boolean> {
  return await host.files.makeDirectory(directory).then(() => true).catch(ignoreTractestError) ??
    false;
}

/**
 * Makes the directory of a run that another process is going to be.
 *
 * @throws {PreflightError} without a usable state directory: such a run could not be followed
 */
export async function reserveRun(host: Host): Promise<Pick<RunState, "runId" | "directory">> {
  const state = await stateDirectory(host);
  const runs = await usable(host, state, "runs");
  if (runs !== null) await pruneRuns(host, runs);
  const runId = newRunId(host);
  const directory = runs && join(runs, runId);
  if (directory !== null && await takesFiles(host, directory)) return { runId, directory };
  throw new PreflightError(
    "no-state",
    `${unusable(state, runs)}, and a background run keeps its output there`,
    "XDG_STATE_HOME=DIR names another place",
  );
}

function unusable({ path, problem }: OwnDirectory, runs: string | null): string {
  const why = problem ??
    (runs === null
      ? "it can't be made private"
      : "no file can be written: is the disk full, or read-only?");
  return `"${path ?? "the state directory"}" can't be used (${why})`;
}

/** A new id: unique, and sorted by time. */
function newRunId(host: Host): string {
  return `${timeStamp(host.clock.now())}-${crypto.randomUUID().slice(0, 4)}`;
}

/** The ids of all runs that have a directory, the newest first. */
export async function runIdsIn(host: Host, runs: string): Promise<string[]> {
  const entries = await host.files.readDirectory(runs) ?? [];
  const directories = entries.filter(({ kind, name }) => kind === "directory" && isRunId(name));
  return directories.map(({ name }) => name).sort().reverse();
}

/** Marks a run as alive until this process ends; null where the disk refuses. */
export async function holdRun(host: Host, directory: string): Promise<FileLock | null> {
  return await host.files.tryLock(join(directory, LOCKED_FILE)).catch(ignoreTractestError) ?? null;
}

/** Whether the tractest of a run lives; true where that is unknown. */
export async function isRunning(host: Host, directory: string): Promise<boolean> {
  const hold = await holdRun(host, directory);
  hold?.release();
  return hold === null;
}

/** Runs that are removed at one time, at most: the next run removes more. */
const MOST_REMOVED = 100;
/** Milliseconds in which a run without a record may be just about to begin. */
const BEGINNING_MS = 3_600_000;

/** Removes runs that are beyond the limits, except those that may still be under way. */
export async function pruneRuns(host: Host, runs: string): Promise<void> {
  const kept: KeptRun[] = [];
  for (const [index, runId] of (await runIdsIn(host, runs)).entries()) {
    // Those beyond the count go whatever their size is.
    const bytes = index < KEPT_RUNS.count ? await sizeOf(host, join(runs, runId)) : 0;
    kept.push({ runId, bytes });
  }
  for (const runId of expiredRuns(kept, KEPT_RUNS, host.clock.now()).slice(0, MOST_REMOVED)) {
    await pruneRun(host, runId, join(runs, runId)).catch(ignoreTractestError);
  }
}

async function pruneRun(host: Host, runId: string, directory: string): Promise<void> {
  const isBeginning = host.clock.now() - timeOfRunId(runId) < BEGINNING_MS &&
    await host.files.lstat(join(directory, RUN_FILE)) === null;
  if (!isBeginning && !await isRunning(host, directory)) await removeDirectory(host, directory);
}

async function sizeOf(host: Host, directory: string): Promise<number> {
  let bytes = 0;
  const entries = await host.files.readDirectory(directory).catch(ignoreTractestError) ?? [];
  for (const { name, kind } of entries) {
    const path = join(directory, name);
    bytes += kind === "directory"
      ? await sizeOf(host, path)
      : (await host.files.lstat(path).catch(ignoreTractestError))?.size ?? 0;
  }
  return bytes;
}

/** Removes a directory of ours with everything in it; of a symbolic link only the link. */
export async function removeDirectory(host: Host, directory: string): Promise<void> {
  for (const { name, kind } of await host.files.readDirectory(directory) ?? []) {
    const path = join(directory, name);
    if (kind === "directory") await removeDirectory(host, path);
    else await host.files.remove(path);
  }
  await host.files.remove(directory);
}
