import type { Process, RecordedIdentity, Surroundings } from "../processes/process.ts";

/** Reads a recorded process; null if a field is missing. */
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

/** Whether a recorded process lives; `unknown` where that can't be seen from here. */
export type Life = "alive" | "gone" | "unknown";

/**
 * Judges whether a recorded process lives.
 *
 * @param here this boot and pid namespace; null where they are unknown
 * @param now the process that has its pid now; null if there is none
 */
export function lifeOf(
  recorded: RecordedIdentity,
  here: Surroundings | null,
  now: Pick<Process, "startTicks" | "state"> | null,
): Life {
  if (here === null) return "unknown";
  if (recorded.bootId !== here.bootId) return "gone";
  if (recorded.pidNamespace !== here.pidNamespace) return "unknown";
  const isSame = now !== null && now.startTicks === recorded.startTicks;
  return isSame && now.state !== "Z" && now.state !== "X" ? "alive" : "gone";
}
