import { EventReader } from "../pytest/events.ts";
import { RunModel } from "../pytest/run_model.ts";

/** Seconds that a test took before; undefined where none are known. */
export type KnownSeconds = (id: string) => number | undefined;

/** The schema of a file of durations. */
export const DURATIONS_SCHEMA = "tractest.durations/1";

/** Whether a file of durations, of any version, begins so. */
export function isDurations(head: string): boolean {
  const schema = DURATIONS_SCHEMA.replace(/\d+$/, "");
  return new RegExp(`^\\{\\s*"schema":\\s*"${schema}`).test(head);
}

/**
 * The durations of a run's tests as a document, sorted by their ids.
 *
 * @param before such a document: its tests that this run did not finish stay as they are
 */
export function durationsText(results: RunModel, before: string | null = null): string {
  const rows = results.finished.map(({ id, attempts }) => {
    return [id, Math.round(attempts.at(-1)!.seconds * 1000) / 1000] as const;
  });
  const known = new Map([...before === null ? [] : entriesOf(before) ?? [], ...rows]);
  const seconds = Object.fromEntries([...known].sort(([a], [b]) => a < b ? -1 : 1));
  return `${JSON.stringify({ schema: DURATIONS_SCHEMA, seconds }, null, 1)}\n`;
}

/** Reads durations from a file of durations, of events, or a JUnit report; null for other files. */
export function readDurationsFrom(text: string): KnownSeconds | null {
  return fromDocument(text) ?? fromEvents(text) ?? fromJunit(text);
}

function fromDocument(text: string): KnownSeconds | null {
  const entries = entriesOf(text);
  if (entries === null) return null;
  const seconds = new Map(entries);
  return (id) => seconds.get(id);
}

/** Ids and seconds; null for other texts. */
function entriesOf(text: string): [string, number][] | null {
  let value: { schema?: unknown; seconds?: unknown } | null;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  if (value?.schema !== DURATIONS_SCHEMA) return null;
  if (typeof value.seconds !== "object" || value.seconds === null) return null;
  const entries = Object.entries(value.seconds) as [string, unknown][];
  return entries.filter((entry): entry is [string, number] =>
    typeof entry[1] === "number" && entry[1] >= 0
  );
}

function fromEvents(text: string): KnownSeconds | null {
  const { events } = new EventReader().read(new TextEncoder().encode(`${text}\n`));
  if (events.length === 0) return null;
  const results = new RunModel();
  for (const event of events) results.apply(event);
  return (id) => {
    const test = results.tests.get(id);
    return test?.finished ? test.seconds : undefined;
  };
}

/**
 * A JUnit report names a test by class and name. An id can't be made from these, but they can be
 * made from an id as pytest does.
 */
function fromJunit(text: string): KnownSeconds | null {
  if (!/<testsuites?\b/.test(text)) return null;
  const seconds = new Map<string, number>();
  for (const [, attributes = ""] of text.matchAll(/<testcase\b((?:[^>"']|"[^"]*"|'[^']*')*)>/g)) {
    const key = junitKey(attribute(attributes, "classname"), attribute(attributes, "name"));
    const time = Number(attribute(attributes, "time").replaceAll(",", ""));
    // An error in the teardown has an entry of its own.
    if (time >= 0) seconds.set(key, Math.max(time, seconds.get(key) ?? 0));
  }
  return (id) => seconds.get(junitKey(...junitNames(id)));
}

function attribute(attributes: string, name: string): string {
  const match = new RegExp(`(?:^|\\s)${name}=(?:"([^"]*)"|'([^']*)')`).exec(attributes);
  return unescapeXml(match?.[1] ?? match?.[2] ?? "");
}

function junitKey(classname: string, name: string): string {
  return `${classname}\n${name}`;
}

/** The class and the name of a test in pytest's JUnit report. */
function junitNames(id: string): [classname: string, name: string] {
  const bracket = id.indexOf("[");
  const [path, parameters] = bracket < 0 ? [id, ""] : [id.slice(0, bracket), id.slice(bracket)];
  const names = path.split("::");
  names[0] = names[0]!.replaceAll("/", ".").replace(/\.py$/, "");
  return [names.slice(0, -1).join("."), names.at(-1)! + parameters];
}

const ENTITIES: Readonly<Record<string, string>> = {
  amp: "&",
  lt: "<",
  gt: ">",
  quot: '"',
  apos: "'",
};

function unescapeXml(text: string): string {
  return text.replace(
    /&(?:#x([0-9a-f]+)|#(\d+)|(\w+));/gi,
    (whole, hex?: string, decimal?: string, name?: string) => {
      if (name !== undefined) return ENTITIES[name] ?? whole;
      const code = hex !== undefined ? parseInt(hex, 16) : Number(decimal);
      return code <= 0x10ffff ? String.fromCodePoint(code) : whole;
    },
  );
}
