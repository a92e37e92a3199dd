import { join } from "@std/path";
import { readDurations, withDuration } from "../core/time_limit.ts";
import { TractestError } from "../errors.ts";
import { holdRun, isRunning } from "../history/left_runs.ts";
import type { FileLock, Host } from "../host/host.ts";
import type { Printer } from "../ui/printer.ts";
import { digest, stateDirectory, usable } from "../project/directories.ts";

/** Logs and events of runs that are kept. */
const KEPT_RUNS = 20;

/** Where one run keeps what it writes. */
export interface RunState {
  readonly runId: string;
  /** Private; holds the log and the events of this run. */
  readonly directory: string;
  /** Private; holds locks and durations of this project. Null where the state directory can't be used. */
  readonly projectDirectory: string | null;
  /** Held as long as this process lives: who finds it free knows that the run is over. */
  readonly hold: FileLock | null;
}

/**
 * Makes the directories of a run. Where the state directory can't be used it says so and takes a fresh temporary one: losing the state
 * costs history, and here the protection against two runs at once, never a result.
 *
 * @param root the project's root: its state is kept apart from that of others
 */
export async function openRunState(host: Host, printer: Printer, root: string): Promise<RunState> {
  const runId = newRunId(host);
  const state = await stateDirectory(host);
  const runs = await usable(host, state, "runs");
  const projects = await usable(host, { ...state, exists: runs !== null || state.exists } as typeof state, "projects");
  const name = projects && join(projects, await digest(root));
  const projectDirectory = name !== null && await isMade(host, name) ? name : null;
  if (runs !== null) await prune(host, runs);
  const directory = runs && join(runs, runId);
  if (directory === null || !await takesFiles(host, directory)) {
    const why = state.problem ?? (runs === null ? "it can't be made private" : "it takes no more files: is the disk full, or read-only?");
    printer.warn(`"${state.path ?? "the state directory"}" can't be used (${why}): no history, and no look for a second run`);
    return { runId, directory: await host.makeTemporaryDirectory(), projectDirectory, hold: null };
  }
  return { runId, directory, projectDirectory, hold: await holdRun(host, directory) };
}

/** Bytes that the events of a small run take: where these find no room the run itself would fail. */
const ROOM_BYTES = 64 << 10;

/** Makes a directory, and makes sure that it takes what a run writes. */
async function takesFiles(host: Host, directory: string): Promise<boolean> {
  const file = join(directory, "room");
  const fits = await orNull(async () => {
    await host.makeDirectory(directory);
    await host.writeFile(file, new Uint8Array(ROOM_BYTES));
    return await host.remove(file);
  });
  // Nothing that is empty is left where nothing fits.
  if (fits === null) await orNull(() => host.remove(directory));
  return fits === true;
}

async function isMade(host: Host, directory: string): Promise<boolean> {
  return await orNull(() => host.makeDirectory(directory).then(() => true)) ?? false;
}

/** Sorts by time, names no other run. */
function newRunId(host: Host): string {
  const stamp = new Date(host.now()).toISOString().replace(/\..*$/, "").replace(/[-:]/g, "").replace("T", "-");
  return `${stamp}-${crypto.randomUUID().slice(0, 4)}`;
}

/** Removes what the oldest runs left, as far as they are over. A file that is in the way of that is left alone. */
async function prune(host: Host, runs: string): Promise<void> {
  const names = (await host.readDirectory(runs) ?? []).filter((entry) => entry.kind === "directory").map((entry) => entry.name).sort();
  for (const name of names.slice(0, Math.max(0, names.length - KEPT_RUNS + 1))) {
    const directory = join(runs, name);
    try {
      if (await isRunning(host, directory)) continue;
      for (const { name, kind } of await host.readDirectory(directory) ?? []) {
        const path = join(directory, name);
        // A queue of tests is a directory of its own.
        if (kind === "directory") { for (const inner of await host.readDirectory(path) ?? []) await host.remove(join(path, inner.name)); }
        await host.remove(path);
      }
      await host.remove(directory);
    } catch (error) {
      if (!(error instanceof TractestError)) throw error;
    }
  }
}

const DURATIONS = "full-runs.json";

/** Seconds of the longest full run on record; null when there is none. */
export async function longestFullRun(host: Host, state: RunState): Promise<number | null> {
  if (state.projectDirectory === null) return null;
  const durations = readDurations(await orNull(() => host.readText(join(state.projectDirectory!, DURATIONS))));
  return durations.length > 0 ? Math.max(...durations) : null;
}

/** Records how long a full run took. A disk that does not take it changes nothing. */
export async function recordFullRun(host: Host, state: RunState, seconds: number): Promise<void> {
  if (state.projectDirectory === null) return;
  const file = join(state.projectDirectory, DURATIONS);
  await orNull(async () => await host.writeFile(file, JSON.stringify(withDuration(readDurations(await host.readText(file)), seconds))));
}

async function orNull<T>(action: () => Promise<T>): Promise<T | null> {
  try {
    return await action();
  } catch (error) {
    if (error instanceof TractestError) return null;
    throw error;
  }
}
