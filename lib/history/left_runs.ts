import { join } from "@std/path";
import { EventReader } from "../core/pytest_events.ts";
import { Results } from "../core/results.ts";
import { TractestError } from "../errors.ts";
import type { FileLock, Host } from "../host/host.ts";
import { runsDirectory } from "../project/directories.ts";

/** In the directory of a run: locked as long as its tractest lives. */
const HELD = "running";
/** Bytes that are read at once. */
const CHUNK = 1 << 20;

/** Marks a run as under way until this process ends, however that comes; null where the disk does not take it. */
export async function holdRun(host: Host, directory: string): Promise<FileLock | null> {
  try {
    return await host.tryLock(join(directory, HELD));
  } catch (error) {
    if (error instanceof TractestError) return null;
    throw error;
  }
}

/** Whether the tractest of a run lives. Where that can't be told it counts as alive. */
export async function isRunning(host: Host, directory: string): Promise<boolean> {
  const hold = await holdRun(host, directory);
  hold?.release();
  return hold === null;
}

/** The results of runs that are over and of which `isKnown` says that nobody has recorded them: their tractest was killed, or could not. Oldest first. */
export async function* leftRuns(host: Host, isKnown: (id: string) => boolean): AsyncGenerator<Results> {
  const runs = await runsDirectory(host);
  if (runs === null) return;
  const names = (await host.readDirectory(runs) ?? []).filter((entry) => entry.kind === "directory").map((entry) => entry.name).sort();
  for (const name of names) {
    if (isKnown(name)) continue;
    const directory = join(runs, name);
    const events = join(directory, "events.jsonl");
    if (await host.lstat(events) === null || await isRunning(host, directory)) continue;
    yield await readResults(host, events);
  }
}

/** What a file of events tells, as far as it goes. */
async function readResults(host: Host, events: string): Promise<Results> {
  const results = new Results();
  const reader = new EventReader();
  for (let offset = 0;;) {
    const bytes = await host.readFrom(events, offset, CHUNK);
    if (bytes === null || bytes.length === 0) return results;
    offset += bytes.length;
    for (const event of reader.read(bytes).events) results.add(event);
  }
}
