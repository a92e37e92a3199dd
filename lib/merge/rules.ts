import { EXIT, PYTEST_EXIT } from "../tables/exit_codes.ts";
import { worstCode } from "../matrix/rules.ts";
import type { Shard } from "../run/rules_parallel.ts";
import type { PytestEvent } from "../pytest/events.ts";
import { RunModel } from "../pytest/run_model.ts";

/** The events of one machine's run. */
export interface Part {
  /** The file's name. */
  readonly name: string;
  /**
   * Reads its events, in order and some at a time, from the first: twice in a merge, so that they
   * are never all in memory.
   */
  readonly events: () => AsyncIterable<readonly PytestEvent[]>;
}

/** The summary of one machine's run. */
export interface MergedPart {
  readonly file: string;
  /** Null for a run without `--shard`. */
  readonly shard: Shard | null;
  /** Null if it was killed. */
  readonly exitCode: number | null;
  readonly tests: number;
}

/** The runs of several machines as one. */
export interface Merged {
  readonly parts: readonly MergedPart[];
  readonly run: RunModel;
  /** Shards without a file. */
  readonly missing: readonly number[];
  /** Tests that were collected and not finished by any machine. */
  readonly unfinished: readonly string[];
  /** Tests that several machines have run, with their files. */
  readonly duplicates: readonly { readonly id: string; readonly files: readonly string[] }[];
  /** Why these are not the parts of one suite, a sentence each. */
  readonly problems: readonly string[];
  /** Why runs ended early. */
  readonly endings: readonly string[];
  /** Seconds of the slowest machine: they ran at the same time. */
  readonly seconds: number;
  /**
   * 1 if a test is red; else the worst of the machines'; else, if anything is missing or doubtful,
   * 82.
   */
  readonly exitCode: number;
}

/**
 * Joins the runs of several machines, and finds contradictions between them.
 *
 * @param take gets the events of all of them in the order of their times, some at a time, begun
 *   once and without an end: the sessions of each machine have names of their own
 */
export async function merge(
  parts: readonly Part[],
  take: (events: readonly PytestEvent[]) => Promise<void> | void = () => {},
): Promise<Merged> {
  const read: ReadPart[] = [];
  for (const part of parts) read.push(await readPart(part));
  const run = new RunModel();
  for await (const events of joined(parts, read)) {
    for (const event of events) run.apply(event);
    await take(events);
  }
  const shards = read.flatMap(({ shard }) => shard ?? []);
  const counts = [...new Set(shards.map((shard) => shard.count))];
  const given = new Set(shards.map((shard) => shard.index));
  const length = counts.length === 1 ? counts[0]! : 0;
  const missing = Array.from({ length }, (_, at) => at + 1).filter((at) => !given.has(at));
  const collected = read.reduce((all, part) => all.union(part.collected), new Set<string>());
  const ran = new Set(run.finished.map((test) => test.id));
  const unfinished = [...new Set([...run.notRun, ...[...collected].filter((id) => !ran.has(id))])];
  const duplicates = duplicatesOf(read);
  const problems = problemsOf(read, counts);
  const { isRed } = run;
  const codes = read.map((part) => part.exitCode ?? 0);
  // A part without tests is none of a suite.
  const worst = codes.every((code) => code === PYTEST_EXIT.noTests)
    ? PYTEST_EXIT.noTests
    : worstCode(codes.filter((code) => code !== PYTEST_EXIT.noTests));
  const isDoubtful = missing.length + unfinished.length + duplicates.length + problems.length > 0;
  return {
    parts: read.map(({ file, shard, exitCode, ran }) => {
      return { file, shard, exitCode, tests: ran.size };
    }),
    run,
    missing,
    unfinished,
    duplicates,
    problems,
    endings: read.flatMap((part) => part.ending ?? []),
    seconds: Math.max(0, ...read.map((part) => part.seconds)),
    exitCode: isRed ? 1 : worst !== 0 ? worst : isDoubtful ? EXIT.unverified : 0,
  };
}

type RunStart = Extract<PytestEvent, { event: "run-start" }>;
type RunFinish = Extract<PytestEvent, { event: "run-finish" }>;

interface ReadPart {
  readonly file: string;
  /** Null where the file has none. */
  readonly start: RunStart | null;
  readonly shard: Shard | null;
  readonly exitCode: number | null;
  readonly ending: string | null;
  readonly seconds: number;
  readonly cut: string | null;
  readonly collected: ReadonlySet<string>;
  readonly ran: ReadonlySet<string>;
}

async function readPart({ name, events }: Part): Promise<ReadPart> {
  let start: RunStart | null = null;
  let finish: RunFinish | null = null;
  let cut: string | null = null;
  const ran = new Set<string>();
  const collected = new Set<string>();
  for await (const some of events()) {
    for (const event of some) {
      if (event.event === "test-start") ran.add(event.id);
      else if (event.event === "items") { for (const { id } of event.items) collected.add(id); }
      else if (event.event === "run-start") start ??= event;
      else if (event.event === "run-finish") finish ??= event;
      else if (event.event === "planned") cut ??= event.cut ?? null;
    }
  }
  const { exitCode = null, ending = null, seconds = 0 } = finish ?? {};
  const shard = start?.shard ?? null;
  return { file: name, start, shard, exitCode, ending, seconds, cut, collected, ran };
}

/** Events that are handed on at once. */
const BATCH = 1_000;

/**
 * The events of all in the order of their times, begun once. Those of one file keep their order.
 */
async function* joined(
  parts: readonly Part[],
  read: readonly ReadPart[],
): AsyncGenerator<readonly PytestEvent[]> {
  const [earliest] = read.flatMap((part) => part.start ?? []).toSorted((a, b) => a.time - b.time);
  let batch: PytestEvent[] = earliest ? [{ ...earliest, shard: null }] : [];
  let heads = parts.map(({ events }, index) =>
    new Head(events()[Symbol.asyncIterator](), `${index + 1}.`)
  );
  for (const head of heads) await head.refill();
  for (heads = heads.filter((head) => !head.isAtEnd); heads.length > 0;) {
    const first = heads.reduce((one, other) => other.time < one.time ? other : one);
    const event = first.take();
    if (event !== null) batch.push(event);
    if (first.isEmpty) await first.refill();
    if (first.isAtEnd) heads = heads.filter((head) => head !== first);
    if (batch.length >= BATCH) {
      yield batch;
      batch = [];
    }
  }
  yield batch;
}

/** How far one file has been read. */
class Head {
  isAtEnd = false;
  #events: readonly PytestEvent[] = [];
  #at = 0;

  constructor(
    private readonly rest: AsyncIterator<readonly PytestEvent[]>,
    private readonly prefix: string,
  ) {}

  get isEmpty(): boolean {
    return this.#at >= this.#events.length;
  }

  /** When the next event was. */
  get time(): number {
    return this.#events[this.#at]!.time;
  }

  /** Reads on; at the end of the file {@linkcode isAtEnd} is true. */
  async refill(): Promise<void> {
    this.#at = 0;
    do {
      const { done, value } = await this.rest.next();
      this.isAtEnd = done === true;
      this.#events = done ? [] : value;
    } while (!this.isAtEnd && this.isEmpty);
  }

  /** The next event; null for the begin or the end of its run. */
  take(): PytestEvent | null {
    const event = this.#events[this.#at++]!;
    if (event.event === "run-start" || event.event === "run-finish") return null;
    return event.session === undefined ? event : { ...event, session: this.prefix + event.session };
  }
}

function duplicatesOf(parts: readonly ReadPart[]): { id: string; files: string[] }[] {
  const runs = parts.flatMap(({ file, ran }) => [...ran].map((id) => ({ id, file })));
  return [...Map.groupBy(runs, ({ id }) => id)].filter(([, all]) => all.length > 1)
    .map(([id, all]) => ({ id, files: all.map(({ file }) => file) }));
}

function problemsOf(parts: readonly ReadPart[], counts: readonly number[]): string[] {
  const cuts = new Set(parts.flatMap(({ cut }) => cut ?? []));
  const problems: string[] = [];
  if (counts.length > 1) {
    const shown = counts.join(" and of ");
    problems.push(`they are parts of ${shown}: give the files of one run only`);
  } else if (counts.length === 1 && cuts.size > 1) {
    problems.push(
      "the machines cut the suite differently: " +
        "they need the same tests and the same --durations-from",
    );
  }
  for (const { file, shard } of parts.length > 1 ? parts : []) {
    if (shard === null) problems.push(`${file} is of a run without --shard`);
  }
  for (const { file, exitCode } of parts) {
    if (exitCode === null) problems.push(`${file} has no end: the run was killed or still runs`);
  }
  return problems;
}
