/** Full runs that are remembered, the newest last. */
const REMEMBERED = 20;

/** The seconds of full runs on record; what can't be read counts as none. */
export function readDurations(text: string | null): number[] {
  try {
    const value: unknown = JSON.parse(text ?? "[]");
    return Array.isArray(value) ? value.filter((item) => typeof item === "number" && item > 0) : [];
  } catch {
    return [];
  }
}

/** The record with one more run. */
export function withDuration(durations: readonly number[], seconds: number): number[] {
  return [...durations, Math.round(seconds * 10) / 10].slice(-REMEMBERED);
}
