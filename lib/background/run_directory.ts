import { basename, join } from "@std/path";
import { ignoreTractestError, PreflightError, UsageError } from "../errors.ts";
import { digest, type OwnDirectory, stateDirectory, usable } from "../project/directories.ts";
import type { FileLock, Host } from "../system/host.ts";
import type { Printer } from "../terminal/printer.ts";
import { pruneRuns } from "./retention.ts";
import { isRunId, timeStamp } from "./rules_run_file.ts";

/** The file in a run's directory that says what the run is and how it ended. */
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
 * @throws {PreflightError} without a usable state directory: nobody could follow that run
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
