import { join } from "@std/path";
import { EventReader, type PytestEvent } from "../core/results/pytest_events.ts";
import { TractestError } from "../errors.ts";
import type { Host } from "../host/host.ts";
import { FileTail } from "./file_tail.ts";

/** The file with the events of the run that has this directory. */
export function eventsOf(directory: string): string {
  return join(directory, "events.jsonl");
}

/**
 * Hands each event of a file to `take`, in order: those that are there now, if it still grows. False if there is no such file, or if
 * it can't be read.
 */
export async function readEvents(host: Host, path: string, take: (event: PytestEvent) => void): Promise<boolean> {
  const reader = new EventReader();
  const tail = new FileTail(host, path);
  try {
    const status = await host.stat(path);
    if (status === null) return false;
    while (tail.offset < status.size) {
      const bytes = await tail.read();
      if (bytes.length === 0) break;
      for (const event of reader.read(bytes).events) take(event);
    }
    return true;
  } catch (error) {
    if (error instanceof TractestError) return false;
    throw error;
  }
}
