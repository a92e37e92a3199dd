/** The schema of each line that the pytest plugin writes. */
export const EVENTS_SCHEMA = "tractest.events/1";

/** What pytest's summary counts a report as; anything else a plugin may say is kept by its own word. */
export type Category = "passed" | "failed" | "error" | "skipped" | "xfailed" | "xpassed" | "" | string;

/** Why something failed, as pytest tells it. */
export interface Failure {
  /** The error's own text, often several lines. */
  readonly message: string;
  /** `path:line` where it was raised; null when unknown. */
  readonly where: string | null;
  /** The end of the traceback in the chosen style. */
  readonly traceback: string;
  /** Classes of the error, of those that it groups and of those that caused it, outermost first. */
  readonly errors: readonly string[];
}

/** One line of the events file. Times in seconds. */
export type PytestEvent =
  | { readonly event: "session-start"; readonly time: number; readonly pid: number; readonly rootdir: string; readonly pytest: string }
  | { readonly event: "collected"; readonly time: number; readonly count: number; readonly deselected: number }
  | { readonly event: "collection-error"; readonly time: number; readonly id: string } & Failure
  | { readonly event: "test-start"; readonly time: number; readonly id: string }
  | {
    readonly event: "report";
    readonly time: number;
    readonly id: string;
    readonly phase: "setup" | "call" | "teardown";
    readonly outcome: "passed" | "failed" | "skipped";
    readonly category: Category;
    readonly seconds: number;
  } & Partial<Failure>
  | { readonly event: "interrupted"; readonly time: number; readonly message: string }
  | { readonly event: "internal-error"; readonly time: number; readonly message: string }
  | { readonly event: "session-finish"; readonly time: number; readonly exitStatus: number; readonly warnings: number };

/** Turns bytes of the events file, as they come, into whole lines and events. A line that is cut short waits for its end. */
export class EventReader {
  #rest = "";
  #decoder = new TextDecoder();

  /** The events in `bytes` and before, as far as their lines are whole; a line that is not ours is passed over. */
  read(bytes: Uint8Array): { readonly lines: readonly string[]; readonly events: readonly PytestEvent[] } {
    const parts = (this.#rest + this.#decoder.decode(bytes, { stream: true })).split("\n");
    this.#rest = parts.pop()!;
    const lines: string[] = [];
    const events: PytestEvent[] = [];
    for (const line of parts) {
      const event = parseEvent(line);
      if (!event) continue;
      lines.push(line);
      events.push(event);
    }
    return { lines, events };
  }
}

/** One event, or null if the line is not one that this version understands. */
export function parseEvent(line: string): PytestEvent | null {
  let value: Record<string, unknown>;
  try {
    value = JSON.parse(line);
  } catch {
    return null;
  }
  if (typeof value !== "object" || value === null || value.schema !== EVENTS_SCHEMA) return null;
  const texts = NEEDED[String(value.event)];
  if (!texts || !texts.every((key) => typeof value[key] === "string")) return null;
  return value as unknown as PytestEvent;
}

/** The texts that an event has to have. */
const NEEDED: Readonly<Record<string, readonly string[]>> = {
  "session-start": ["rootdir", "pytest"],
  collected: [],
  "collection-error": ["id", "message"],
  "test-start": ["id"],
  report: ["id", "phase", "outcome", "category"],
  interrupted: [],
  "internal-error": ["message"],
  "session-finish": [],
};
