import { isRunning } from "../background/run_directory.ts";
import { join } from "@std/path";
import { RunModel } from "../pytest/run_model.ts";
import type { Host } from "../system/host.ts";
import { runsDirectory } from "../project/directories.ts";
import { eventsOf, readEvents } from "../background/read_events.ts";

/**
 * The results of runs that are over and of which `isKnown` says that nobody has recorded them:
 * their tractest was killed, or could not. Oldest first.
 */
export async function* leftRuns(
  host: Host,
  isKnown: (id: string) => boolean,
): AsyncGenerator<RunModel> {
  const runs = await runsDirectory(host);
  if (runs === null) return;
  const names = (await host.files.readDirectory(runs) ?? []).filter((entry) =>
    entry.kind === "directory"
  ).map((entry) => entry.name).sort();
  for (const name of names) {
    if (isKnown(name)) continue;
    const directory = join(runs, name);
    const events = eventsOf(directory);
    if (await host.files.lstat(events) === null || await isRunning(host, directory)) continue;
    const results = new RunModel();
    await readEvents(host, events, (event) => results.apply(event));
    yield results;
  }
}
