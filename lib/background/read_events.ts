import { join, resolve } from "@std/path";
import { ignoreTractestError, UsageError } from "../errors.ts";
import { EventReader, type PytestEvent, readEvent } from "../pytest/events.ts";
import type { Host } from "../system/host.ts";
import { FileTail } from "./file_tail.ts";

/** The file with the events of the run that has this directory. */
export function eventsOf(directory: string): string {
  return join(directory, "events.jsonl");
}

/**
 * Passes the events of a file to `take`, in order, as far as they are written now.
 *
 * @returns false if there is no such file, or if it can't be read
 */
export async function readEvents(
  host: Host,
  path: string,
  take: (event: PytestEvent) => void,
): Promise<boolean> {
  const reader = new EventReader();
  const tail = new FileTail(host, path);
  try {
    const status = await host.files.stat(path);
    if (status === null) return false;
    while (tail.offset < status.size) {
      const bytes = await tail.read();
      if (bytes.length === 0) break;
      for (const event of reader.read(bytes).events) take(event);
    }
    return true;
  } catch (error) {
    ignoreTractestError(error);
    return false;
  }
}

/**
 * The events of a file that a user has named, in order, in groups. Ignores events of a later
 * version, and a last line that is not complete.
 *
 * @throws {UsageError} for a line that is not an event, or lacks a field or has one of another type
 */
export async function* eventsOfFile(
  host: Host,
  path: string,
  shown: string,
): AsyncGenerator<readonly PytestEvent[]> {
  const tail = new FileTail(host, path);
  const decoder = new TextDecoder();
  let [rest, number] = ["", 0];
  for (let bytes = await tail.read(); bytes.length > 0; bytes = await tail.read()) {
    const lines = (rest + decoder.decode(bytes, { stream: true })).split("\n");
    rest = lines.pop()!;
    const events: PytestEvent[] = [];
    for (const line of lines) {
      number++;
      const read = readEvent(line);
      if ("event" in read) events.push(read.event);
      else if ("problem" in read) {
        throw new UsageError(
          `"${shown}": line ${number} ${read.problem}`,
          "give the file as tractest run --events wrote it",
        );
      }
    }
    yield events;
  }
}

/**
 * The events of a run in a file that a user has named, from the start with each call.
 *
 * @throws {UsageError} if there is no such file, or if it is not one of a run's events
 */
export async function eventsOfRun(
  host: Host,
  name: string,
  hint: string,
): Promise<() => AsyncGenerator<readonly PytestEvent[]>> {
  const path = resolve(host.cwd, name);
  const kind = (await host.files.stat(path))?.kind;
  if (kind === undefined) throw new UsageError(`"${name}" does not exist`, hint);
  // It may be read twice, and needs an end.
  if (kind !== "file") {
    const what = kind === "directory" ? "it is a directory" : "it is not a regular file";
    throw new UsageError(`Cannot read "${name}": ${what}`, hint);
  }
  const events = () => eventsOfFile(host, path, name);
  const first = await events().next();
  if (first.done || first.value[0]?.event !== "run-start") {
    throw new UsageError(`"${name}" does not begin with the start of a run`, hint);
  }
  return events;
}
