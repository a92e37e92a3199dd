import { readDurations, withDuration } from "./full_run_seconds.ts";
import { basename, join } from "@std/path";
import { isRunId } from "./rules_run_file.ts";
import { PreflightError, TractestError, UsageError } from "../errors.ts";
import { holdRun } from "./hold.ts";
import type { FileLock, Host } from "../system/host.ts";
import type { Printer } from "../terminal/printer.ts";
import { digest, type OwnDirectory, stateDirectory, usable } from "../project/directories.ts";
import { pruneRuns } from "./prune.ts";
import { RUN_FILE } from "./known_runs.ts";

/** Where one run keeps what it writes. */
export interface RunState {
  readonly runId: string;
  /** Private; holds the log and the events of this run. */
  readonly directory: string;
  /**
   * Whether that is a temporary one, since the state directory can't be used: it goes with the run.
   */
  readonly isTemporary: boolean;
  /**
   * Private; holds locks and durations of this project. Null where the state directory can't be
   * used.
   */
  readonly projectDirectory: string | null;
  /** Held as long as this process lives: who finds it free knows that the run is over. */
  readonly hold: FileLock | null;
  /**
   * Removes what is too much of earlier runs, the first time that it is called. That can take a
   * while: it is for when nobody waits.
   */
  readonly prune: () => Promise<unknown>;
}

/**
 * Makes the directories of a run. Where the state directory can't be used it says so and takes a
 * fresh temporary one: losing the state costs history, and here the protection against two runs at
 * once, never a result.
 *
 * @param root the project's root: its state is kept apart from that of others
 * @param reserved the id of a run whose directory {@linkcode reserveRun} has made
 */
export async function openRunState(
  host: Host,
  printer: Printer,
  root: string,
  reserved?: string,
): Promise<RunState> {
  const state = await stateDirectory(host);
  const runs = await usable(host, state, "runs");
  const projects = await usable(
    host,
    { ...state, exists: runs !== null || state.exists } as typeof state,
    "projects",
  );
  const name = projects && join(projects, await digest(root));
  const projectDirectory = name !== null && await isMade(host, name) ? name : null;
  const prune = once(async () =>
    reserved === undefined && runs !== null ? await orNull(() => pruneRuns(host, runs)) : null
  );
  const runId = reserved ?? newRunId(host);
  const directory = runs && join(runs, runId);
  if (reserved !== undefined && !(directory !== null && await isReserved(host, directory))) {
    throw new UsageError(`No run "${reserved}" was reserved`);
  }
  // What is removed meanwhile may be the room that is missing.
  const fits = directory !== null &&
    (await takesFiles(host, directory) || (await prune(), await takesFiles(host, directory)));
  if (!fits) {
    printer.warn(`${unusable(state, runs)}: no history, and no look for a second run`);
    return {
      runId,
      directory: await host.files.makeTemporaryDirectory(),
      isTemporary: true,
      projectDirectory,
      hold: null,
      prune,
    };
  }
  return {
    runId,
    directory,
    isTemporary: false,
    projectDirectory,
    hold: await holdRun(host, directory),
    prune,
  };
}

function once<T>(action: () => Promise<T>): () => Promise<T> {
  let begun: Promise<T> | null = null;
  return () => begun ??= action();
}

/**
 * Whether a directory is one that {@linkcode reserveRun} has made, and in which no run has begun.
 */
async function isReserved(host: Host, directory: string): Promise<boolean> {
  if (!isRunId(basename(directory)) || (await host.files.lstat(directory))?.kind !== "directory") {
    return false;
  }
  return await host.files.lstat(join(directory, RUN_FILE)) === null;
}

/**
 * Bytes that the events of a small run take: where these find no room the run itself would fail.
 */
const ROOM_BYTES = 64 << 10;

/** Makes a directory, and makes sure that it takes what a run writes. */
async function takesFiles(host: Host, directory: string): Promise<boolean> {
  const file = join(directory, "room");
  const fits = await orNull(async () => {
    await host.files.makeDirectory(directory);
    await host.files.writeFile(file, new Uint8Array(ROOM_BYTES));
    return await host.files.remove(file);
  });
  // Nothing that is empty is left where nothing fits.
  if (fits === null) await orNull(() => host.files.remove(directory));
  return fits === true;
}

async function isMade(host: Host, directory: string): Promise<boolean> {
  return await orNull(() => host.files.makeDirectory(directory).then(() => true)) ?? false;
}

/**
 * Makes the directory of a run that another process is going to be.
 *
 * @throws {PreflightError} where the state directory can't be used: nobody could follow that run
 */
export async function reserveRun(host: Host): Promise<Pick<RunState, "runId" | "directory">> {
  const state = await stateDirectory(host);
  const runs = await usable(host, state, "runs");
  if (runs !== null) await pruneRuns(host, runs);
  const runId = newRunId(host);
  const directory = runs && join(runs, runId);
  if (directory === null || !await takesFiles(host, directory)) {
    throw new PreflightError(
      "no-state",
      `${unusable(state, runs)}, and a run in the background keeps its output there`,
      "XDG_STATE_HOME=DIR names another place",
    );
  }
  return { runId, directory };
}

function unusable(state: OwnDirectory, runs: string | null): string {
  const why = state.problem ??
    (runs === null
      ? "it can't be made private"
      : "it takes no more files: is the disk full, or read-only?");
  return `"${state.path ?? "the state directory"}" can't be used (${why})`;
}

/** Sorts by time, names no other run. */
function newRunId(host: Host): string {
  const stamp = new Date(host.clock.now()).toISOString().replace(/\..*$/, "").replace(/[-:]/g, "")
    .replace("T", "-");
  return `${stamp}-${crypto.randomUUID().slice(0, 4)}`;
}

const DURATIONS = "full-runs.json";

/** Seconds of the longest full run on record; null when there is none. */
export async function longestFullRun(host: Host, state: RunState): Promise<number | null> {
  if (state.projectDirectory === null) return null;
  const durations = readDurations(
    await orNull(() => host.files.readText(join(state.projectDirectory!, DURATIONS))),
  );
  return durations.length > 0 ? Math.max(...durations) : null;
}

/** Records how long a full run took. A disk that does not take it changes nothing. */
export async function recordFullRun(host: Host, state: RunState, seconds: number): Promise<void> {
  if (state.projectDirectory === null) return;
  const file = join(state.projectDirectory, DURATIONS);
  await orNull(async () =>
    await host.files.writeFile(
      file,
      JSON.stringify(withDuration(readDurations(await host.files.readText(file)), seconds)),
    )
  );
}

async function orNull<T>(action: () => Promise<T>): Promise<T | null> {
  try {
    return await action();
  } catch (error) {
    if (error instanceof TractestError) return null;
    throw error;
  }
}
