import { join } from "@std/path";
import { ignoreTractestError } from "../errors.ts";
import type { Host } from "../system/host.ts";
import { KEPT_RUNS } from "../tables/defaults.ts";
import { expiredRuns, type KeptRun } from "./rules_retention.ts";
import { timeOfRunId } from "./rules_run_file.ts";
import { isRunning, RUN_FILE, runIdsIn } from "./run_directory.ts";

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
