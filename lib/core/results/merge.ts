import { worstCode } from "../run/matrix.ts";
import type { Shard } from "../run/parallel.ts";
import type { PytestEvent } from "./pytest_events.ts";
import { RED, Results } from "./results.ts";

/** The events of one machine's run. */
export interface Part {
  /** The file's name. */
  readonly name: string;
  readonly events: readonly PytestEvent[];
}

/** What one machine's run says of itself. */
export interface MergedPart {
  readonly file: string;
  /** Null if it was not told to run a part only. */
  readonly shard: Shard | null;
  /** Null if it was killed. */
  readonly exitCode: number | null;
  readonly tests: number;
}

/** The runs of several machines as one. */
export interface Merged {
  readonly parts: readonly MergedPart[];
  /** All events in one stream: the sessions of each machine have names of their own. Without an end, see {@linkcode Merged.exitCode}. */
  readonly events: readonly PytestEvent[];
  readonly results: Results;
  /** Shards that no file is from. */
  readonly missing: readonly number[];
  /** Tests that were collected and that no machine has run to their end. */
  readonly unfinished: readonly string[];
  /** Tests that several machines have run, with their files. */
  readonly duplicates: readonly { readonly id: string; readonly files: readonly string[] }[];
  /** Why these are not the parts of one suite, a sentence each. */
  readonly problems: readonly string[];
  /** How the runs of machines ended that did not end by themselves. */
  readonly endings: readonly string[];
  /** 1 if a test is red; else the worst of the machines'; else, if anything is missing or doubtful, 82. */
  readonly exitCode: number;
}

/** tractest's exit code for what could not be verified, and pytest's for a part without tests. */
const [NOT_VERIFIED, NO_TESTS] = [82, 5];

/** Joins the runs of several machines, and finds what does not fit together. */
export function merge(parts: readonly Part[]): Merged {
  const read = parts.map(readPart);
  const events = joined(parts);
  const results = new Results();
  for (const event of events) results.add(event);
  const counts = [...new Set(read.flatMap(({ shard }) => shard === null ? [] : [shard.count]))];
  const given = new Set(read.flatMap(({ shard }) => shard === null ? [] : [shard.index]));
  const missing = counts.length !== 1 ? [] : Array.from({ length: counts[0]! }, (_, index) => index + 1).filter((index) => !given.has(index));
  const collected = new Set(read.flatMap((part) => part.collected));
  const ran = new Set(results.finished.map((test) => test.id));
  const unfinished = [...new Set([...results.notRun, ...[...collected].filter((id) => !ran.has(id))])];
  const duplicates = duplicatesOf(read);
  const problems = problemsOf(read, counts);
  const isRed = results.collectionErrors.length > 0 || results.finished.some((test) => RED.has(test.outcome));
  const codes = read.map((part) => part.exitCode ?? 0);
  // A part without tests is none of a suite.
  const worst = codes.every((code) => code === NO_TESTS) ? NO_TESTS : worstCode(codes.filter((code) => code !== NO_TESTS));
  const isDoubtful = missing.length + unfinished.length + duplicates.length + problems.length > 0;
  return {
    parts: read.map(({ file, shard, exitCode, ran }) => ({ file, shard, exitCode, tests: ran.length })),
    events,
    results,
    missing,
    unfinished,
    duplicates,
    problems,
    endings: read.flatMap((part) => part.ending ?? []),
    exitCode: isRed ? 1 : worst !== 0 ? worst : isDoubtful ? NOT_VERIFIED : 0,
  };
}

interface ReadPart {
  readonly file: string;
  readonly shard: Shard | null;
  readonly exitCode: number | null;
  readonly ending: string | null;
  readonly cut: string | null;
  readonly collected: readonly string[];
  readonly ran: readonly string[];
}

function readPart({ name, events }: Part): ReadPart {
  const first = <Name extends PytestEvent["event"]>(kind: Name) =>
    events.find((event) => event.event === kind) as Extract<PytestEvent, { event: Name }> | undefined;
  const ran = new Set<string>();
  const collected = new Set<string>();
  for (const event of events) {
    if (event.event === "test-start") ran.add(event.id);
    if (event.event === "items") { for (const { id } of event.items) collected.add(id); }
  }
  return {
    file: name,
    shard: first("run-start")?.shard ?? null,
    exitCode: first("run-finish")?.exitCode ?? null,
    ending: first("run-finish")?.ending ?? null,
    cut: first("planned")?.cut ?? null,
    collected: [...collected],
    ran: [...ran],
  };
}

/** The events of all in the order of their times, begun once. */
function joined(parts: readonly Part[]): PytestEvent[] {
  const starts = parts.flatMap(({ events }) => events.find((event) => event.event === "run-start") ?? []);
  const others = parts.flatMap(({ events }, index) =>
    events.filter((event) => event.event !== "run-start" && event.event !== "run-finish")
      .map((event) => event.session === undefined ? event : { ...event, session: `${index + 1}.${event.session}` })
  );
  const earliest = starts.toSorted((a, b) => a.time - b.time).slice(0, 1).map((event) => ({ ...event, shard: null }));
  return [...earliest, ...others.toSorted((a, b) => a.time - b.time)];
}

function duplicatesOf(parts: readonly ReadPart[]): { id: string; files: string[] }[] {
  const files = new Map<string, string[]>();
  for (const { file, ran } of parts) {
    for (const id of ran) {
      const of = files.get(id);
      if (of) of.push(file);
      else files.set(id, [file]);
    }
  }
  return [...files].filter(([, of]) => of.length > 1).map(([id, of]) => ({ id, files: of }));
}

function problemsOf(parts: readonly ReadPart[], counts: readonly number[]): string[] {
  const cuts = new Set(parts.flatMap(({ cut }) => cut ?? []));
  const whole = parts.filter((part) => part.shard === null);
  return [
    ...(counts.length > 1 ? [`they are parts of ${counts.join(" and of ")}: give the files of one run only`] : []),
    ...(counts.length === 1 && cuts.size > 1
      ? ["the machines cut the suite differently: they need the same tests, and the same --durations-from"]
      : []),
    ...(parts.length > 1 ? whole.map(({ file }) => `${file} is of a run without --shard`) : []),
    ...parts.filter((part) => part.exitCode === null).map(({ file }) => `${file} has no end: its run was killed, or still goes on`),
  ];
}
