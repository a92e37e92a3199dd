import {
  type Field,
  flag,
  list,
  nullable,
  number,
  object,
  type ObjectOf,
  oneOf,
  optional,
  orNull,
  pair,
  text,
  texts,
  wrongField,
} from "./event_fields.ts";
import type { HangProcess } from "./hang_event.ts";

/** The schema of each line that the pytest plugin writes. */
export const EVENTS_SCHEMA = "tractest.events/1";

/** The fields of a process that a test left behind. */
export const LEFT_BEHIND = {
  pid: number,
  /** Clock ticks from boot to its start. */
  startTicks: number,
  title: text,
  /** Seconds after the end of its test at which it was still there; null when unknown. */
  seconds: nullable(number),
  /** It has ended since, with its isolation; `pid` is the one that it had inside. */
  ended: optional(flag),
  /** TCP and UDP ports on which it listened when it was found; missing: not asked. */
  ports: optional(list(number)),
  /** The same with addresses, and Unix sockets; see `Listens`. */
  listens: optional(list(text)),
} as const;

/** A process that a test left behind. */
export type LeftBehind = ObjectOf<typeof LEFT_BEHIND>;

/** The purposes of a session. */
export const PURPOSES = ["tests", "resume", "retry", "shard", "alone"] as const;

/** Why a pytest of a run was started. */
export type SessionPurpose = typeof PURPOSES[number];

/** The fields about a failure, see `Failure`. */
const FAILURE = {
  message: text,
  where: nullable(text),
  traceback: optional(text),
  errors: optional(list(text)),
  output: optional(text),
  scope: optional(text),
} as const;

const HANG_PROCESS: Field<HangProcess> = object({
  pid: number,
  ppid: number,
  state: text,
  waitsIn: nullable(text),
  call: nullable(text),
  threads: number,
  standardFiles: nullable(list(orNull(text))),
  sigint: nullable(oneOf("ignored", "blocked", "pending", "caught", "default")),
  cpuSeconds: number,
  asleepSeconds: nullable(number),
  title: text,
});

/** A collected test, and what it shares with others. */
const ITEM = object({
  id: text,
  group: text,
  uses: optional(list(number)),
  together: optional(text),
});

/** What ended a test from outside. */
const END = { id: text, seconds: number, message: text, traceback: optional(text) } as const;

/** Processes of a test; of no test in particular where `id` is null. */
const PROCESSES = { id: orNull(text), processes: list(object(LEFT_BEHIND)) } as const;

/** The fields of each kind of event, by its name. */
export const EVENTS = {
  "run-start": {
    runId: text,
    root: text,
    command: list(text),
    pid: number,
    commit: nullable(text),
    dirty: nullable(flag),
    transport: nullable(text),
    backend: nullable(text),
    python: nullable(text),
    /** What distinguishes it from the other cells of a matrix. */
    cell: optional(texts),
    /** The part of the suite that this run is for; null or missing: all of it. */
    shard: optional(orNull(object({ index: number, count: number }))),
  },
  "session-begin": { pid: number, purpose: oneOf(...PURPOSES) },
  "session-start": {
    pid: number,
    rootdir: text,
    /** The working directory relative to it; empty if it is the same. */
    place: optional(text),
    pytest: text,
    python: optional(orNull(text)),
    /** Where pytest keeps its cache; null where it keeps none. */
    cache: optional(orNull(text)),
    /** After how many failures it stops; 0: never. */
    maxfail: optional(orNull(number)),
    /** When the kernel's clock for starts of processes was 0, in seconds since the epoch. */
    booted: optional(orNull(number)),
  },
  collected: { count: number, deselected: number },
  /**
   * Some of the tests that are going to run, in order, after `collected`: of a session without a
   * queue, or of all that share one.
   */
  tests: { ids: list(text) },
  /** Some of the tests that `--collect-only` collected, in order: none of them is going to run. */
  listed: { ids: list(text) },
  /** Some of the tests that a session with a queue collected. */
  items: { items: list(ITEM), last: flag },
  /** A session took a group of tests from its queue. */
  claimed: { index: number },
  /** The plan of a run that does not run all collected tests in their order. */
  planned: {
    tests: number,
    /** Seconds that it is expected to take; null when less than half of the tests are timed. */
    predicted: nullable(number),
    /** How the suite was cut into shards; null when it was not. */
    cut: nullable(text),
  },
  "collection-error": { id: text, ...FAILURE },
  /** A whole file or directory was skipped while it was collected. */
  "collection-skip": { id: text, message: text },
  /** What a test recorded about the whole suite, for the JUnit report. */
  "suite-property": { name: text, value: text },
  "test-start": { id: text, file: optional(text), line: optional(orNull(number)) },
  report: {
    id: text,
    phase: oneOf("setup", "call", "teardown"),
    outcome: oneOf("passed", "failed", "skipped"),
    /** What pytest's summary counts it as; "" for nothing. Plugins have words of their own. */
    category: text,
    seconds: number,
    /** Which part of the test it is about; missing where it is about the test itself. */
    subtest: optional(text),
    /** What the test recorded about itself, for the JUnit report; at its teardown. */
    properties: optional(list(pair)),
    ...FAILURE,
    message: optional(text),
    where: optional(orNull(text)),
  },
  /** The setup or teardown of a fixture that took long. */
  fixture: { name: text, phase: oneOf("setup", "teardown") },
  /** Children of pytest that a test has left. */
  children: { id: text, pids: list(number) },
  warning: { id: text, category: text, message: text, where: nullable(text) },
  /** A test, or a collection (null), runs far longer than ever before. */
  slow: {
    id: orNull(text),
    seconds: number,
    /** Seconds that the test took before, at most; null without a record. */
    longest: nullable(number),
    /** What it waits for, as `tractest hang` says it; null: not examined. */
    verdict: nullable(text),
    evidence: list(text),
  },
  /** A test has reached its time limit and is about to be ended. */
  terminating: { id: text, seconds: number, limit: number },
  /** A test was ended at its time limit. */
  timeout: { ...END, limit: number },
  /** pytest itself ended while the test ran. */
  crash: END,
  /** The run, or its pytest, came to its end while the test ran: not the test's own fault. */
  cut: END,
  /** What a stuck tree waited for: the document of `tractest hang`. */
  hang: {
    id: orNull(text),
    verdict: text,
    evidence: list(text),
    processes: optional(list(HANG_PROCESS)),
    stacks: optional(orNull(list(object({ pid: number, text })))),
  },
  /** Processes left by a test that were alive after pytest. */
  leak: PROCESSES,
  /** Processes that outlived their test and were gone when pytest had ended. */
  left: PROCESSES,
  /** `error`: the class of the error; pytest's own where it stops by itself. */
  interrupted: { message: text, error: optional(orNull(text)) },
  "internal-error": { message: text },
  /** An error that nothing caught ends pytest after its session. */
  uncaught: { message: text },
  /** What most likely explains a failure, as the verdict says it; of a failure that has one. */
  explained: {
    id: text,
    phase: oneOf("collection", "setup", "call", "teardown"),
    /** Why the current changes most likely did not cause it; null: they may have. */
    known: nullable(text),
    /** Whether the known-flaky list says so, not the rule for missed time limits. */
    listed: flag,
    /** The changed file that may have caused it; null: none is known. */
    related: orNull(object({
      file: text,
      because: text,
      line: orNull(number),
      see: orNull(list(text)),
    })),
  },
  "session-finish": {
    exitStatus: number,
    warnings: number,
    /** What pytest counts as failed: tests, collections, and whatever a plugin adds. */
    failed: optional(orNull(number)),
    /** Ids that exist, where pytest did not find one that it was given. */
    offered: optional(list(text)),
  },
  "run-finish": {
    exitCode: number,
    ending: nullable(text),
    seconds: number,
    /** Whether the machine was short of CPU during the run; null or missing when unknown. */
    strained: optional(orNull(flag)),
  },
} as const;

/** The fields of all events: seconds since the epoch, and the name of the pytest of a run. */
export const EVERY = { time: number, session: optional(text) } as const;

/** {@linkcode EVENTS}, to the compiler. */
export type Events = typeof EVENTS;

/** The events of some names. */
export type EventOf<Name extends keyof Events> = {
  [Key in Name]: { readonly event: Key } & ObjectOf<typeof EVERY> & ObjectOf<Events[Key]>;
}[Name];

/** One line of the events file, from pytest or from tractest. */
export type PytestEvent = EventOf<keyof Events>;

/**
 * Turns bytes of the events file, as they come, into whole lines and events. A line that is cut
 * short waits for its end.
 */
export class EventReader {
  #rest = "";
  #decoder = new TextDecoder();

  /** The events in `bytes` and before, as far as their lines are whole; other lines are ignored. */
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
  if (!Object.hasOwn(EVENTS, name)) return { later: name };
  const field = wrongField(value, EVERY) ?? wrongField(value, EVENTS[name as keyof Events]);
  if (field !== null) return { problem: `has no valid "${field}" for an event "${name}"` };
  return { event: value as unknown as PytestEvent };
}
