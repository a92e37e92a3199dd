import { join } from "@std/path";
import type { Context } from "../command_line/context.ts";
import {
  isRunId,
  isUnderWay,
  namedRun,
  readRunFile,
  type RunFile,
  type RunPhase,
  stateOf,
  unnamedRun,
} from "./rules_run_file.ts";
import { Tally } from "../pytest/tally.ts";
import { TractestError, UsageError } from "../errors.ts";
import type { Host } from "../system/host.ts";
import { surroundingsOf } from "../leaks/ledger.ts";
import { readProcessFiles } from "../system/programs/proc.ts";
import { runsDirectory } from "../project/directories.ts";
import { findProject } from "../project/project.ts";
import { eventsOf, readEvents } from "./read_events.ts";

/** The file in which a run says what it is and how it ended. */
export const RUN_FILE = "run.json";
/** The file with what a run printed. */
export const OUTPUT_FILE = "output.log";

/** A run on record. */
export interface KnownRun {
  readonly record: RunFile;
  readonly state: RunPhase;
  readonly directory: string;
}

/**
 * All runs on record, of every project, newest first. One `cat` for all that may still be under
 * way.
 */
export async function knownRuns(host: Host): Promise<KnownRun[]> {
  const runs = await runsDirectory(host);
  const entries = runs === null ? [] : await host.files.readDirectory(runs) ?? [];
  const names = entries.filter((entry) => entry.kind === "directory" && isRunId(entry.name)).map((
    entry,
  ) => entry.name);
  const known = await judged(host, runs ?? "", names.sort().reverse());
  // Ids of the same second are in no order.
  return known.sort((one, other) => other.record.began - one.record.began);
}

/** The same of these alone; one that has no record is left out. */
export async function judged(
  host: Host,
  runs: string,
  names: readonly string[],
): Promise<KnownRun[]> {
  const read: { record: RunFile; directory: string }[] = [];
  for (const name of names) {
    const directory = join(runs, name);
    const record = await recordIn(host, directory);
    if (record?.runId === name) read.push({ record, directory });
  }
  const open = read.filter(({ record }) => record.end === null);
  const [here, { rows, failure }] = open.length === 0
    ? [null, { rows: new Map(), failure: null }]
    : await Promise.all([
      surroundingsOf(host),
      readProcessFiles(host, open.map(({ record }) => record.pid), {
        mapped: false,
        why: "which runs still live",
      }),
    ]);
  return await Promise.all(read.map(async ({ record, directory }) => {
    const state = stateOf(record, {
      here: failure === null ? here : null,
      process: rows.get(record.pid) ?? null,
    });
    // One that ended between the two looks has said so.
    const again = state === "died" ? await recordIn(host, directory) ?? record : record;
    return { record: again, state: again.end === null ? state : "finished" as const, directory };
  }));
}

async function recordIn(host: Host, directory: string): Promise<RunFile | null> {
  try {
    return readRunFile(await host.files.readText(join(directory, RUN_FILE)));
  } catch (error) {
    if (error instanceof TractestError) return null;
    throw error;
  }
}

async function stateNow(host: Host, record: RunFile): Promise<RunPhase> {
  const [here, { rows, failure }] = await Promise.all([
    surroundingsOf(host),
    readProcessFiles(host, [record.pid], { mapped: false, why: "is that run's process gone" }),
  ]);
  return stateOf(record, {
    here: failure === null ? here : null,
    process: rows.get(record.pid) ?? null,
  });
}

/** Milliseconds between looks at the record of a run, and between looks at its process. */
const LAST_WORDS_MS = 2_000;
const LOOK_MS = { record: 100, process: 1_000 } as const;

/**
 * Looks at a run until it is over: at its record often, which costs a read, and at its process
 * seldom, which costs a program.
 */
export class RunWatch {
  #processSeen: number;

  constructor(private readonly host: Host, public run: KnownRun) {
    this.#processSeen = host.clock.monotonic();
  }

  get isUnderWay(): boolean {
    return isUnderWay(this.run.state);
  }

  /**
   * Waits until the process of a run that has said that it is over is gone too, for two seconds at
   * most: its last words come after that.
   */
  async untilGone(): Promise<void> {
    const { record } = this.run;
    for (
      const deadline = this.host.clock.monotonic() + LAST_WORDS_MS;
      this.host.clock.monotonic() < deadline;
    ) {
      const state = await stateNow(this.host, { ...record, end: null });
      if (state === "died" || state === "unknown") break;
      await this.host.clock.sleep(LOOK_MS.record / 2);
    }
  }

  /** Waits for a moment, then looks again. */
  async look(signal?: AbortSignal): Promise<void> {
    await this.host.clock.sleep(LOOK_MS.record, signal);
    const { directory, record: { runId } } = this.run;
    if (this.host.clock.monotonic() - this.#processSeen >= LOOK_MS.process) {
      this.#processSeen = this.host.clock.monotonic();
      const [run] = await judged(this.host, join(directory, ".."), [runId]);
      // What was pruned is over.
      this.run = run ?? { ...this.run, state: "died" };
      return;
    }
    const record = await recordIn(this.host, directory);
    if (record === null) return;
    const state = record.end !== null
      ? "finished"
      : this.run.state === "waiting" && !record.waiting
      ? "running"
      : this.run.state;
    this.run = { directory, record, state };
  }
}

/**
 * The run that a command line names: by its id, by a beginning or end of it, or as `last`; else the
 * newest of this repo that is under way, else the last one. With `--all` every repo counts; an id
 * names a run of whatever repo. A run whose life can't be seen from here is chosen only where there
 * is no other.
 *
 * @throws {UsageError} when there is none
 */
export async function chosenRun(context: Context): Promise<KnownRun> {
  const { host, printer, line: { operands: [word, more] } } = context;
  if (more !== undefined) {
    throw new UsageError(
      `Only one run can be named, and "${more}" is a second`,
      "tractest status lists the runs",
    );
  }
  const runs = await knownRuns(host);
  if (word !== undefined && word !== "last") {
    const runId = namedRun(word, runs.map((run) => run.record.runId));
    return runs.find((run) => run.record.runId === runId)!;
  }
  const inScope = await runsInScope(context, runs);
  const [newest] = inScope;
  if (newest === undefined) {
    throw new UsageError(
      "No run of this repo is on record",
      "tractest status --all lists those of other repos",
    );
  }
  if (word === "last") return newest;
  const chosen = unnamedRun(inScope)!;
  if (newest.state === "unknown" && chosen !== newest) {
    printer.note(
      `whether the newer run ${newest.record.runId} lives can't be seen from here; to take that one name it`,
    );
  }
  return chosen;
}

/** Those of the runs that are of the repo at hand, or with `--all` all of them. */
export async function runsInScope(
  { host, line }: Context,
  runs: readonly KnownRun[],
): Promise<readonly KnownRun[]> {
  if (line.has("all")) return runs;
  const { root } = await findProject(host);
  return runs.filter((run) => run.record.root === root);
}

/** What a run has told so far. */
export async function toldBy(host: Host, run: KnownRun): Promise<Tally> {
  const tally = new Tally();
  await readEvents(host, eventsOf(run.directory), (event) => tally.add(event));
  return tally;
}
