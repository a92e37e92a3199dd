import { pastRuns } from "../background/known_runs.ts";
import type { HungTest } from "./rules_confirm.ts";
import type { PytestEvent } from "../pytest/events.ts";
import type { Host } from "../system/host.ts";
import type { Project } from "../project/project.ts";
import { eventsOf, readEvents } from "../background/read_events.ts";

/** Runs that are searched, the latest first. */
const MOST_RUNS = 20;

/** The test in which a run of this project hung last, from the records; null without any. */
export async function lastHungTest(host: Host, project: Project): Promise<HungTest | null> {
  for (const { directory, started } of (await pastRuns(host, project.root)).slice(0, MOST_RUNS)) {
    const events: PytestEvent[] = [];
    await readEvents(host, eventsOf(directory), (event) => {
      if (event.event === "test-start" || event.event === "hang") events.push(event);
    });
    const hang = events.findLast((event) => event.event === "hang");
    if (hang === undefined || hang.id === null) continue;
    const began = events.findLast((event) =>
      event.event === "test-start" && event.id === hang.id && event.time <= hang.time
    );
    return {
      id: hang.id,
      seconds: began === undefined ? null : hang.time - began.time,
      command: started.command,
    };
  }
  return null;
}
