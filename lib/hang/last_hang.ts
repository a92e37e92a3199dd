import { join } from "@std/path";
import type { HungTest } from "../core/hang/confirm.ts";
import type { PytestEvent } from "../core/results/pytest_events.ts";
import type { Host } from "../host/host.ts";
import { stateDirectory } from "../project/directories.ts";
import type { Project } from "../project/project.ts";
import { eventsOf, readEvents } from "../runs/events.ts";

/** Runs that are looked through, the latest first. */
const MOST_RUNS = 20;

/** The test that a run of this project hung in last, by the records of its runs; null when there is none. */
export async function lastHungTest(host: Host, project: Project): Promise<HungTest | null> {
  const state = await stateDirectory(host);
  if (state.problem !== null) return null;
  const runs = join(state.path, "runs");
  const names = (await host.readDirectory(runs) ?? []).map((entry) => entry.name).toSorted().toReversed();
  for (const name of names.slice(0, MOST_RUNS)) {
    const events: PytestEvent[] = [];
    await readEvents(host, eventsOf(join(runs, name)), (event) => {
      if (event.event === "run-start" || event.event === "test-start" || event.event === "hang") events.push(event);
    });
    const start = events.find((event) => event.event === "run-start");
    const hang = events.findLast((event) => event.event === "hang");
    if (start?.root !== project.root || hang === undefined || hang.id === null) continue;
    const began = events.findLast((event) => event.event === "test-start" && event.id === hang.id && event.time <= hang.time);
    return { id: hang.id, seconds: began === undefined ? null : hang.time - began.time, command: start.command };
  }
  return null;
}
