import type { RecordedIdentity } from "../processes/process.ts";

/** What the lock file of a project says about the run that holds it, or that held it last. */
export interface LockRecord {
  readonly runId: string;
  /** The tractest that runs it. */
  readonly pid: number;
  /** When it began, milliseconds since the epoch. */
  readonly since: number;
  /** The command, as shown. */
  readonly command: string;
  /** The process that it started; null before that, and again when it has ended. */
  readonly child: RecordedIdentity | null;
}

/** Reads a lock file; null if it says nothing that makes sense. */
export function readLock(text: string | null): LockRecord | null {
  try {
    const value = JSON.parse(text ?? "");
    return typeof value?.runId === "string" && Number.isSafeInteger(value.pid) &&
        typeof value.since === "number" && typeof value.command === "string"
      ? {
        runId: value.runId,
        pid: value.pid,
        since: value.since,
        command: value.command,
        child: readIdentity(value.child),
      }
      : null;
  } catch {
    return null;
  }
}

/** Reads an identity; null if it is none. */
export function readIdentity(
  value: Partial<RecordedIdentity> | null | undefined,
): RecordedIdentity | null {
  const { pid, startTicks, bootId, pidNamespace } = value ?? {};
  if (
    !Number.isSafeInteger(pid) || !Number.isSafeInteger(startTicks) || typeof bootId !== "string" ||
    typeof pidNamespace !== "string"
  ) return null;
  return { pid: pid!, startTicks: startTicks!, bootId, pidNamespace };
}

/** `run 20260801-101500-3f2a (pid 4711, since 10:15:00, 3 min ago)` */
export function describeLock(lock: LockRecord, now: number): string {
  const since = new Date(lock.since);
  const clock = [since.getHours(), since.getMinutes(), since.getSeconds()].map((part) =>
    String(part).padStart(2, "0")
  ).join(":");
  const seconds = Math.max(0, Math.round((now - lock.since) / 1000));
  const ago = seconds < 120 ? `${seconds} s` : `${Math.round(seconds / 60)} min`;
  return `run ${lock.runId} (pid ${lock.pid}, since ${clock}, ${ago} ago)`;
}
