import type { Place } from "./place.ts";

/** How many tests had each outcome. */
export type Counts = Readonly<Record<(typeof COUNTED)[number], number>>;

/** What is counted, by tractest's words. */
export const COUNTED = ["passed", "failed", "skipped", "errors", "xfailed", "xpassed"] as const;

/** A report of a failure. */
export interface FailedPhase {
  readonly id: string;
  readonly phase: string;
}

/** Which tags each name of a JUnit report has, `passed` where there are none. */
export type Junit = Readonly<Record<string, readonly string[]>>;

/** What one run reported; null if it reported nothing. */
export interface Observed {
  /** null: it did not end. */
  readonly code: number | null;
  readonly views: readonly View[];
  /** Ids reported as passed in a retry. */
  readonly forgiven: readonly string[];
  /** The failures that the sessions themselves reported, whatever the verdict. */
  readonly reported: readonly FailedPhase[];
  /** Ids whose call passed according to a session. */
  readonly passed: ReadonlySet<string>;
  readonly text: string;
}

/** One verdict: of the run, or of a cell of it. */
export interface View {
  readonly name: string;
  readonly counts: Counts | null;
  readonly failures: readonly FailedPhase[] | null;
  readonly junit: Junit | null;
}

/** Without what differs from one process to another. */
export function plainId(text: string): string {
  return text.replace(/ at 0x(?:[0-9a-fA-F]+|…\d*)/g, " at 0x…");
}

/** Reads the test cases of a JUnit report; null if there is no such report. */
export function readJunit(xml: string): Junit | null {
  if (!xml.includes("</testsuite>") && !xml.includes("<testsuite ")) return null;
  const found: Record<string, string[]> = {};
  const cases = /<testcase\b((?:"[^"]*"|[^">])*?)(?:\/>|>(.*?)<\/testcase>)/gs;
  for (const [, attributes = "", body = ""] of xml.matchAll(cases)) {
    const attribute = (name: string) =>
      unescaped(new RegExp(`\\b${name}="([^"]*)"`).exec(attributes)?.[1] ?? "");
    const tags = [...body.matchAll(/<(failure|error|skipped)\b/g)].map((match) => match[1]!);
    // pytest adds a bracket to the name of a doctest whose file has brackets.
    const key = plainId(`${attribute("classname")} ${attribute("name")}`).replace(/\]$/, "");
    (found[key] ??= []).push(...(tags.length > 0 ? tags : ["passed"]));
  }
  return found;
}

function unescaped(text: string): string {
  const named: Record<string, string> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" };
  return text.replace(/&(#x?[0-9a-f]+|\w+);/gi, (whole, name: string) => {
    if (name.startsWith("#x")) return String.fromCodePoint(parseInt(name.slice(2), 16));
    return name.startsWith("#")
      ? String.fromCodePoint(Number(name.slice(1)))
      : named[name] ?? whole;
  });
}

/** The objects of a file of JSON lines; a last line that is cut is left out. */
export function jsonLines(text: string): Record<string, unknown>[] {
  return text.split("\n").flatMap((line) => {
    try {
      return [JSON.parse(line)];
    } catch {
      return [];
    }
  });
}

/** The verdict in a document of `run --json` or `merge --json`, or in each cell of a matrix. */
// deno-lint-ignore no-explicit-any -- a document of another program
export function viewOf(document: any, junit: string, name = "run"): View {
  const counts = document?.counts ?? null;
  const failures = document?.failures?.map(({ id, phase }: FailedPhase) => ({
    id: plainId(id),
    phase,
  })) ?? null;
  return { name, counts, failures, junit: readJunit(junit) };
}

/** What all sessions of the runs of a place reported. */
export async function eventsOf(place: Place): Promise<Pick<Observed, "reported" | "passed">> {
  const reported: FailedPhase[] = [];
  const passed = new Set<string>();
  const runs = `${place.path}/state/tractest/runs`;
  const names = [];
  try {
    for await (const entry of Deno.readDir(runs)) names.push(entry.name);
  } catch {
    // No run has begun.
  }
  for (const name of names.sort()) {
    const events = jsonLines(await place.text(`state/tractest/runs/${name}/events.jsonl`));
    for (const event of events) {
      const { event: kind, id = "", phase = "", outcome } = event as Record<string, string>;
      if (kind === "collection-error") reported.push({ id: plainId(id), phase: "collection" });
      if (kind !== "report") continue;
      if (outcome === "failed") reported.push({ id: plainId(id), phase });
      if (outcome === "passed" && phase === "call") passed.add(plainId(id));
    }
  }
  return { reported, passed };
}

/** The document that a program wrote among other things; null if there is none. */
// deno-lint-ignore no-explicit-any -- a document of another program
export function documentOf(stdout: string): any {
  const start = stdout.indexOf('{\n  "schema"');
  try {
    return start < 0 ? null : JSON.parse(stdout.slice(start));
  } catch {
    return null;
  }
}
