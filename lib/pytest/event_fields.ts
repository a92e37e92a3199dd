/**
 * Which fields the events of a run have, and of which type each is: what a line has to satisfy
 * before anything is made of it.
 */

import type { PytestEvent } from "./events.ts";

/** A check of one value. `undefined` stands for a field that is missing. */
type Check = (value: unknown) => boolean;
type Fields = Readonly<Record<string, Check>>;

const text: Check = (value) => typeof value === "string";
const number: Check = (value) => typeof value === "number" && Number.isFinite(value);
const flag: Check = (value) => typeof value === "boolean";
const or = (...checks: readonly Check[]): Check => (value) => checks.some((check) => check(value));
const missing: Check = (value) => value === undefined;
const none: Check = (value) => value === null;
const oneOf = (...words: readonly string[]): Check => (value) => words.includes(value as string);
const list = (item: Check): Check => (value) => Array.isArray(value) && value.every(item);
const object = (fields: Fields): Check => (value) =>
  isObject(value) && problemIn(value, fields) === null;
const texts: Check = (value) => isObject(value) && Object.values(value).every(text);

const textOrNull = or(text, none);
/** May be missing or null: a writer that does not know leaves either. */
const optionalText = or(text, none, missing);
const optionalNumber = or(number, none, missing);
const optionalFlag = or(flag, none, missing);

const FAILURE: Fields = {
  message: text,
  where: optionalText,
  traceback: or(text, missing),
  errors: or(list(text), missing),
  output: or(text, missing),
  scope: or(text, missing),
};
const MAYBE_FAILURE: Fields = { ...FAILURE, message: or(text, missing) };
const PROCESSES = list(
  object({
    pid: number,
    startTicks: number,
    title: text,
    seconds: optionalNumber,
    ended: or(flag, missing),
  }),
);
const END: Fields = { id: text, seconds: number, message: text, traceback: or(text, missing) };
const SHARD = object({ index: number, count: number });

/**
 * The fields of each event, by its name. What else a line has is of a later version, and is left
 * alone.
 */
const FIELDS: ReadonlyMap<string, Fields> = new Map(Object.entries<Fields>(
  {
    "run-start": {
      runId: text,
      root: text,
      command: list(text),
      pid: number,
      commit: optionalText,
      dirty: optionalFlag,
      transport: optionalText,
      backend: optionalText,
      python: optionalText,
      cell: or(texts, missing),
      shard: or(SHARD, none, missing),
    },
    "session-begin": { pid: number, purpose: oneOf("tests", "resume", "retry", "shard", "alone") },
    "session-start": {
      pid: number,
      rootdir: text,
      pytest: text,
      python: optionalText,
      cache: optionalText,
      maxfail: optionalNumber,
      booted: optionalNumber,
    },
    collected: { count: number, deselected: number },
    tests: { ids: list(text) },
    items: { items: list(object({ id: text, group: text })), last: flag },
    claimed: { index: number },
    planned: { tests: number, predicted: optionalNumber, cut: optionalText },
    "collection-error": { id: text, ...FAILURE },
    "collection-skip": { id: text, message: text },
    "suite-property": { name: text, value: text },
    "test-start": { id: text, file: or(text, missing), line: optionalNumber },
    report: {
      id: text,
      phase: oneOf("setup", "call", "teardown"),
      outcome: oneOf("passed", "failed", "skipped"),
      category: text,
      seconds: number,
      subtest: or(text, missing),
      properties: or(
        list((value) => list(text)(value) && (value as unknown[]).length === 2),
        missing,
      ),
      ...MAYBE_FAILURE,
    },
    fixture: { name: text, phase: oneOf("setup", "teardown") },
    children: { id: text, pids: list(number) },
    warning: { id: text, category: text, message: text, where: optionalText },
    terminating: { id: text, seconds: number, limit: number },
    timeout: { ...END, limit: number },
    crash: END,
    cut: END,
    hang: {
      id: textOrNull,
      verdict: text,
      evidence: list(text),
      processes: or(list(isObject), missing),
      stacks: or(list(isObject), none, missing),
    },
    leak: { id: textOrNull, processes: PROCESSES },
    left: { id: textOrNull, processes: PROCESSES },
    interrupted: { message: text, error: optionalText },
    "internal-error": { message: text },
    "session-finish": {
      exitStatus: number,
      warnings: number,
      failed: optionalNumber,
      offered: or(list(text), missing),
    },
    "run-finish": {
      exitCode: number,
      ending: optionalText,
      seconds: number,
      strained: optionalFlag,
    },
  } satisfies Readonly<Record<PytestEvent["event"], Fields>>,
));

const EVERY: Fields = { time: number, session: or(text, missing) };

/** Whether this version knows an event of that name. */
export function isKnownEvent(name: unknown): name is string {
  return typeof name === "string" && FIELDS.has(name);
}

/**
 * The first field of an event that is missing or of another type; null if all are as they should
 * be. The event's name is a known one.
 */
export function wrongField(event: Readonly<Record<string, unknown>>): string | null {
  return problemIn(event, EVERY) ?? problemIn(event, FIELDS.get(event.event as string)!);
}

function problemIn(value: Readonly<Record<string, unknown>>, fields: Fields): string | null {
  for (const name in fields) {
    if (!fields[name]!(Object.hasOwn(value, name) ? value[name] : undefined)) return name;
  }
  return null;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
