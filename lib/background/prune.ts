import { join } from "@std/path";
import { expiredRuns, type KeptRun } from "./rules_retention.ts";
import { isRunId, timeOfRunId } from "./rules_run_file.ts";
import { TractestError } from "../errors.ts";
import { isRunning } from "./hold.ts";
import type { Host } from "../system/host.ts";
import { KEPT_RUNS } from "../tables/defaults.ts";
import { RUN_FILE } from "./known_runs.ts";

/** Runs of which what they left is removed at one time, at most: the next run goes on with it. */
const MOST_REMOVED = 100;
/** Milliseconds in which a run that has no record yet may just be about to begin. */
const BEGINNING_MS = 3_600_000;

/**
 * Removes what runs left that are beyond the limits; never of one that may still be under way. A
 * file that is in the way of that is left alone.
 */
export async function pruneRuns(host: Host, runs: string): Promise<void> {
  const entries = await host.files.readDirectory(runs) ?? [];
  const names = entries.filter((entry) => entry.kind === "directory" && isRunId(entry.name)).map((
    entry,
  ) => entry.name).sort().reverse();
  const kept: KeptRun[] = [];
  // Those beyond the count go whatever their size is.
  for (const [index, runId] of names.entries()) {
    kept.push({
      runId,
      bytes: index < KEPT_RUNS.count ? await sizeOf(host, join(runs, runId)) : 0,
    });
  }
  for (const runId of expiredRuns(kept, KEPT_RUNS, host.clock.now()).slice(0, MOST_REMOVED)) {
    const directory = join(runs, runId);
    await quietly(async () => {
      const isBeginning = host.clock.now() - timeOfRunId(runId) < BEGINNING_MS &&
        await host.files.lstat(join(directory, RUN_FILE)) === null;
      if (!isBeginning && !await isRunning(host, directory)) await removeDirectory(host, directory);
    });
  }
}

async function sizeOf(host: Host, directory: string): Promise<number> {
  let bytes = 0;
  await quietly(async () => {
    for (const { name, kind } of await host.files.readDirectory(directory) ?? []) {
      const path = join(directory, name);
      bytes += kind === "directory"
        ? await sizeOf(host, path)
        : (await host.files.lstat(path))?.size ?? 0;
    }
  });
  return bytes;
}

/**
 * Removes a directory of our own, of a run or of a part of it, with all that is in it. A link goes,
 * not what it leads to.
 */
export async function removeDirectory(host: Host, directory: string): Promise<void> {
  for (const { name, kind } of await host.files.readDirectory(directory) ?? []) {
    const path = join(directory, name);
    if (kind === "directory") await removeDirectory(host, path);
    else await host.files.remove(path);
  }
  await host.files.remove(directory);
}

async function quietly(action: () => Promise<void>): Promise<void> {
  try {
    await action();
  } catch (error) {
    if (!(error instanceof TractestError)) throw error;
  }
}
