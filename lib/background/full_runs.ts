import { join } from "@std/path";
import { ignoreTractestError } from "../errors.ts";
import type { Host } from "../system/host.ts";
import type { RunState } from "./run_directory.ts";

/** The file in a project's directory with the seconds of its latest full runs. */
const FILE = "full-runs.json";
/** Full runs that are remembered. */
const REMEMBERED = 20;

/** Seconds of the longest full run on record; null when there is none. */
export async function longestFullRun(
  host: Host,
  { projectDirectory }: RunState,
): Promise<number | null> {
  if (projectDirectory === null) return null;
  const text = await host.files.readText(join(projectDirectory, FILE)).catch(ignoreTractestError);
  const durations = readDurations(text ?? null);
  return durations.length > 0 ? Math.max(...durations) : null;
}

/** Records how long a full run took. A disk that refuses changes nothing. */
export async function recordFullRun(
  host: Host,
  { projectDirectory }: RunState,
  seconds: number,
): Promise<void> {
  if (projectDirectory === null) return;
  const file = join(projectDirectory, FILE);
  try {
    const durations = withDuration(readDurations(await host.files.readText(file)), seconds);
    await host.files.writeFile(file, JSON.stringify(durations));
  } catch (error) {
    ignoreTractestError(error);
  }
}

/** Reads the durations of full runs; anything unreadable is left out. */
export function readDurations(text: string | null): number[] {
  try {
    const value: unknown = JSON.parse(text ?? "[]");
    return Array.isArray(value) ? value.filter((item) => typeof item === "number" && item > 0) : [];
  } catch {
    return [];
  }
}

/** The durations with one more, the newest last. */
export function withDuration(durations: readonly number[], seconds: number): number[] {
  return [...durations, Math.round(seconds * 10) / 10].slice(-REMEMBERED);
}
