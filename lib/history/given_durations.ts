import { EventReader } from "../pytest/events.ts";
import { RunModel } from "../pytest/run_model.ts";

/** The schema of a file of durations. */
export const DURATIONS_SCHEMA = "tractest.durations/1";

/** Whether a file of durations begins so. */
export function isDurations(head: string): boolean {
  return new RegExp(`^\\{\\s*"schema":\\s*"${DURATIONS_SCHEMA.replace(/\d+$/, "")}`).test(head);
}

/** What the tests of a run took, as a document that is the same however they were run. */
export function durationsText(results: RunModel): string {
  const rows = results.finished.map(({ id, attempts }) => [id, attempts.at(-1)!.seconds] as const)
    .sort(([a], [b]) => a < b ? -1 : 1);
  const seconds = Object.fromEntries(
    rows.map(([id, value]) => [id, Math.round(value * 1000) / 1000]),
  );
  return `${JSON.stringify({ schema: DURATIONS_SCHEMA, seconds }, null, 1)}\n`;
}

/**
 * What tests took, from a file: durations or events of tractest, or a JUnit report of anybody. Null
 * if it is none of these.
 */
export function readDurationsFrom(text: string): KnownSeconds | null {
  return fromDocument(text) ?? fromEvents(text) ?? fromJunit(text);
}

function fromDocument(text: string): KnownSeconds | null {
  let value: { schema?: unknown; seconds?: unknown };
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  if (
    typeof value !== "object" || value?.schema !== DURATIONS_SCHEMA ||
    typeof value.seconds !== "object" || value.seconds === null
  ) return null;
  const seconds = new Map(
    Object.entries(value.seconds).filter(([, entry]) => typeof entry === "number" && entry >= 0),
  );
  return (id) => seconds.get(id) as number | undefined;
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
 * A JUnit report names a test by its class and its name; pytest makes these from the id in a way
 * that can't be turned back.
 */
function fromJunit(text: string): KnownSeconds | null {
  if (!/<testsuites?\b/.test(text)) return null;
  const seconds = new Map<string, number>();
  for (const [, attributes = ""] of text.matchAll(/<testcase\b((?:[^>"']|"[^"]*"|'[^']*')*)>/g)) {
    const of = (name: string) =>
      unescapeXml(
        new RegExp(`(?:^|\\s)${name}=(?:"([^"]*)"|'([^']*)')`).exec(attributes)?.slice(1).find((
          part,
        ) => part !== undefined) ?? "",
      );
    const key = junitKey(of("classname"), of("name"));
    const time = Number(of("time").replaceAll(",", ""));
    // An error in the teardown has an entry of its own.
    if (time >= 0) seconds.set(key, Math.max(time, seconds.get(key) ?? 0));
  }
  return (id) => seconds.get(junitKey(...junitNames(id)));
}

function junitKey(classname: string, name: string): string {
  return `${classname}\n${name}`;
}

/** What pytest calls a test in its JUnit report. */
function junitNames(id: string): [classname: string, name: string] {
  const bracket = id.indexOf("[");
  const [path, parameters] = bracket < 0 ? [id, ""] : [id.slice(0, bracket), id.slice(bracket)];
  const names = path.split("::");
  names[0] = names[0]!.replaceAll("/", ".").replace(/\.py$/, "");
  return [names.slice(0, -1).join("."), names.at(-1)! + parameters];
}

const NAMED: Readonly<Record<string, string>> = {
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
      const code = hex !== undefined ? parseInt(hex, 16) : Number(decimal);
      if (name !== undefined) return NAMED[name] ?? whole;
      return code <= 0x10ffff ? String.fromCodePoint(code) : whole;
    },
  );
}

/** Seconds that a test took before; undefined where nothing is on record. */
export type KnownSeconds = (id: string) => number | undefined;
