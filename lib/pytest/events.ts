import type { Failure } from "./failure.ts";
import type { HangProcess, HangReport } from "./hang_event.ts";
import { isKnownEvent, wrongField } from "./event_fields.ts";

/** The schema of each line that the pytest plugin writes. */
export const EVENTS_SCHEMA = "tractest.events/1";

/**
 * What pytest's summary counts a report as; anything else a plugin may say is kept by its own word.
 */
export type Category =
  | "passed"
  | "failed"
  | "error"
  | "skipped"
  | "xfailed"
  | "xpassed"
  | ""
  | string;

/** A process that a test left behind, see {@linkcode PytestEvent}. */
export interface LeftBehind {
  readonly pid: number;
  /** Clock ticks from boot to its start. */
  readonly startTicks: number;
  readonly title: string;
  /** Seconds after the end of its test at which it was still there; null when that is unknown. */
  readonly seconds: number | null;
  /**
   * It has ended since, with the isolation that it lived in; `pid` is the one that it had inside.
   */
  readonly ended?: true;
}

/**
 * One line of the events file, from pytest or from tractest. `time` in seconds since the epoch;
 * `session` tells the pytests of a run apart.
 */
export type PytestEvent =
  & { readonly time: number; readonly session?: string }
  & (
    | {
      readonly event: "run-start";
      readonly runId: string;
      readonly root: string;
      readonly command: readonly string[];
      readonly pid: number;
      readonly commit: string | null;
      readonly dirty: boolean | null;
      readonly transport: string | null;
      readonly backend: string | null;
      readonly python: string | null;
      /** What tells it from the other cells of a matrix. */
      readonly cell?: Readonly<Record<string, string>>;
      /** Which part of the suite this run is for; null or absent: all of it. */
      readonly shard?: { readonly index: number; readonly count: number } | null;
    }
    | { readonly event: "session-begin"; readonly pid: number; readonly purpose: SessionPurpose }
    | {
      readonly event: "session-start";
      readonly pid: number;
      readonly rootdir: string;
      readonly pytest: string;
      readonly python?: string;
      /** Where pytest keeps its cache; null where it keeps none. */
      readonly cache?: string | null;
      /** After how many failures it stops; 0: never. */
      readonly maxfail?: number;
      /**
       * Seconds since the epoch at which the clock was 0 by which the kernel says when a process
       * started.
       */
      readonly booted?: number | null;
    }
    | { readonly event: "collected"; readonly count: number; readonly deselected: number }
    /**
     * Some of the tests that are going to run, in order, after `collected`: of a session without a
     * queue, or of all that share one.
     */
    | { readonly event: "tests"; readonly ids: readonly string[] }
    | {
      readonly event: "items";
      readonly items: readonly { readonly id: string; readonly group: string }[];
      readonly last: boolean;
    }
    | { readonly event: "claimed"; readonly index: number }
    /** What is run of what was collected, when that is not all of it or not in that order. */
    | {
      readonly event: "planned";
      readonly tests: number;
      /**
       * Seconds that it is expected to take; null when less than half of the tests have ever been
       * timed.
       */
      readonly predicted: number | null;
      /** Names the way in which the suite was cut into shards; null when it was not. */
      readonly cut: string | null;
    }
    | { readonly event: "collection-error"; readonly id: string } & FailureFields
    /** A whole file, or directory, that was skipped while it was collected. */
    | { readonly event: "collection-skip"; readonly id: string; readonly message: string }
    /** What a test recorded about all of the suite, for the JUnit report. */
    | { readonly event: "suite-property"; readonly name: string; readonly value: string }
    | {
      readonly event: "test-start";
      readonly id: string;
      readonly file?: string;
      readonly line?: number | null;
    }
    | {
      readonly event: "report";
      readonly id: string;
      readonly phase: "setup" | "call" | "teardown";
      readonly outcome: "passed" | "failed" | "skipped";
      readonly category: Category;
      readonly seconds: number;
      /** Which part of the test it is about; missing where it is about the test itself. */
      readonly subtest?: string;
      /** What the test recorded about itself, for the JUnit report; at its teardown. */
      readonly properties?: readonly (readonly [string, string])[];
    } & Partial<FailureFields>
    /** The setup or teardown of a fixture that took long. */
    | { readonly event: "fixture"; readonly name: string; readonly phase: "setup" | "teardown" }
    | { readonly event: "children"; readonly id: string; readonly pids: readonly number[] }
    | {
      readonly event: "warning";
      readonly id: string;
      readonly category: string;
      readonly message: string;
      readonly where: string | null;
    }
    /** A test that has reached its time limit: it is about to be ended. */
    | {
      readonly event: "terminating";
      readonly id: string;
      readonly seconds: number;
      readonly limit: number;
    }
    /** A test that was ended at its time limit. */
    | {
      readonly event: "timeout";
      readonly id: string;
      readonly seconds: number;
      readonly limit: number;
      readonly message: string;
      readonly traceback?: string;
    }
    /** pytest itself ended while the test ran. */
    | {
      readonly event: "crash";
      readonly id: string;
      readonly seconds: number;
      readonly message: string;
      readonly traceback?: string;
    }
    /** The run, or its pytest, came to its end while the test ran: no fault of the test's own. */
    | {
      readonly event: "cut";
      readonly id: string;
      readonly seconds: number;
      readonly message: string;
    }
    /** What a stuck tree waited for: the document of `tractest hang`. */
    | {
      readonly event: "hang";
      readonly id: string | null;
      readonly verdict: string;
      readonly evidence: readonly string[];
      readonly processes?: readonly HangProcess[];
      readonly stacks?: HangReport["stacks"];
    }
    /**
     * What a test left and lived when pytest had ended. Of no test in particular where `id` is
     * null.
     */
    | {
      readonly event: "leak";
      readonly id: string | null;
      readonly processes: readonly LeftBehind[];
    }
    /** What outlived its test and was gone when pytest had ended. */
    | {
      readonly event: "left";
      readonly id: string | null;
      readonly processes: readonly LeftBehind[];
    }
    /**
     * `error`: the class of what interrupted it; pytest has one of its own for where it stops by
     * itself.
     */
    | { readonly event: "interrupted"; readonly message: string; readonly error?: string }
    | { readonly event: "internal-error"; readonly message: string }
    | {
      readonly event: "session-finish";
      readonly exitStatus: number;
      readonly warnings: number;
      /** What pytest counts as failed: tests, collections, and whatever a plugin adds. */
      readonly failed?: number;
      /** Ids that were there, where pytest did not find one that it was given. */
      readonly offered?: readonly string[];
    }
    | {
      readonly event: "run-finish";
      readonly exitCode: number;
      readonly ending: string | null;
      readonly seconds: number;
      /** Whether the machine was short of CPU meanwhile; null or absent when that can't be told. */
      readonly strained?: boolean | null;
    }
  );

/** The events of some names. */
export type EventOf<Name extends PytestEvent["event"]> = Extract<PytestEvent, { event: Name }>;

/** What an event says of a {@linkcode Failure}. */
export type FailureFields = Omit<Failure, "id" | "phase">;

/** Why a pytest of a run was started. */
export type SessionPurpose = "tests" | "resume" | "retry" | "shard" | "alone";

/**
 * Turns bytes of the events file, as they come, into whole lines and events. A line that is cut
 * short waits for its end.
 */
export class EventReader {
  #rest = "";
  #decoder = new TextDecoder();

  /**
   * The events in `bytes` and before, as far as their lines are whole; a line that is not ours is
   * passed over.
   */
  read(
    bytes: Uint8Array,
  ): { readonly lines: readonly string[]; readonly events: readonly PytestEvent[] } {
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
  const read = readEvent(line);
  return "event" in read ? read.event : null;
}

/**
 * What a line of an events file is: an event, an event of a later version, or no event, and why.
 */
export type ReadLine = { readonly event: PytestEvent } | { readonly later: string } | {
  readonly problem: string;
};

/** Reads one line of an events file, and checks all of its fields. */
export function readEvent(line: string): ReadLine {
  let value: Record<string, unknown>;
  try {
    value = JSON.parse(line);
  } catch {
    return { problem: "is not JSON" };
  }
  if (typeof value !== "object" || value === null) return { problem: "is not an event" };
  const { schema, event: name } = value;
  if (schema !== EVENTS_SCHEMA) return { problem: `is not of ${EVENTS_SCHEMA}` };
  if (typeof name !== "string") return { problem: 'has no "event"' };
  if (!isKnownEvent(name)) return { later: name };
  const field = wrongField(value);
  if (field !== null) return { problem: `has no valid "${field}" for an event "${name}"` };
  return { event: value as unknown as PytestEvent };
}
