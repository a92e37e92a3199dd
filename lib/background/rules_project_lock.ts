import { inWords } from "../base/durations.ts";
import type { RecordedIdentity } from "../processes/process.ts";
import { readIdentity } from "./rules_recorded_process.ts";

/** The content of a project's lock file: the run that holds the lock, or held it last. */
export interface LockRecord {
  readonly runId: string;
  /** The tractest of the run. */
  readonly pid: number;
  /** When it began, milliseconds since the epoch. */
  readonly since: number;
  /** Its command, as shown. */
  readonly command: string;
  /** Its pytest; null while there is none. */
  readonly child: RecordedIdentity | null;
}

/** Reads a lock file; null if it is not valid. */
export function readLock(text: string | null): LockRecord | null {
  try {
    const { runId, pid, since, command, child } = JSON.parse(text ?? "");
    const isValid = typeof runId === "string" && Number.isSafeInteger(pid) &&
      typeof since === "number" && typeof command === "string";
    return isValid ? { runId, pid, since, command, child: readIdentity(child) } : null;
  } catch {
    return null;
  }
}

/** `run 20260801-101500-3f2a (pid 4711, since 10:15:00, 3 min 5 s ago)` */
export function describeLock({ runId, pid, since }: LockRecord, now: number): string {
  const clock = new Date(since).toTimeString().slice(0, 8);
  return `run ${runId} (pid ${pid}, since ${clock}, ${inWords((now - since) / 1000)} ago)`;
}
