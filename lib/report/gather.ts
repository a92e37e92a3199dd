import { type ListedRun, unknownRun } from "../background/chosen_run.ts";
import { type PastRun, pastRuns } from "../background/known_runs.ts";
import { shellCommand } from "../base/escape.ts";
import { eventsOf, eventsOfRun, readEvents } from "../background/read_events.ts";
import { namedRun } from "../background/rules_run_file.ts";
import { UsageError } from "../errors.ts";
import { durationsOf, readProject } from "../history/project_history.ts";
import { latestResults, recentPasses, recordsOf, runsOf } from "../history/queries.ts";
import { COMPARED_PASSES, findRegressions } from "../history/rules_regression.ts";
import type { Project } from "../project/project.ts";
import type { PytestEvent } from "../pytest/events.ts";
import { RunModel } from "../pytest/run_model.ts";
import type { Host } from "../system/host.ts";
import type { ComparedRun } from "./comparison.ts";
import type { Explanation } from "./failed_tests.ts";
import type { Hang } from "./findings.ts";
import { compareRuns } from "./rules_compare.ts";
import type { Trends } from "./trends.ts";

/** Everything that the events of a run say. */
export interface ReadRun {
  readonly runId: string;
  readonly results: RunModel;
  readonly hangs: readonly Hang[];
  readonly explanations: readonly Explanation[];
}

/** A run, and the one that it is compared with. */
export interface ReadRuns {
  readonly run: ReadRun;
  readonly other: ReadRun | null;
}

/**
 * Reads the runs that a command line names: by an id, a part of it, `last`, or a file of events;
 * without a name the newest.
 *
 * @param compare names the run to compare with; `last` is the newest one before with the same
 *   command and shard, else the one before: a run of few tests says little about all
 * @throws {UsageError} if there is no such run
 */
export async function readRuns(
  host: Host,
  project: Project,
  name: string | null,
  compare: string | null,
): Promise<ReadRuns> {
  let known: Promise<PastRun[]> | null = null;
  const runs = () => known ??= pastRuns(host, project.root);
  const run = await runNamed(host, name ?? "last", runs);
  if (compare === null) return { run, other: null };
  const { started } = run.results;
  const earlier = async () => {
    const before = (await runs()).filter((other) => other.started.time < began(run));
    return before.toSorted((a, b) => Number(isAlike(b, started)) - Number(isAlike(a, started)));
  };
  const other = compare === "last"
    ? await runNamed(host, compare, earlier, "earlier run")
    : await runNamed(host, compare, runs);
  // Merged events have the id of one of their runs.
  const ofFile = [name ?? "last", compare].some(isFile);
  if (ofFile ? name === compare : other.runId === run.runId) {
    throw new UsageError(
      `Run ${run.runId} can't be compared with itself`,
      "tractest history lists the runs",
    );
  }
  return { run, other };
}

function began({ results }: ReadRun): number {
  return results.started?.time ?? Infinity;
}

function isAlike({ started }: PastRun, other: RunModel["started"]): boolean {
  return JSON.stringify([started.command, started.shard ?? null]) ===
    JSON.stringify([other?.command, other?.shard ?? null]);
}

/**
 * @param runs finds those among which `last` is the first
 * @param kind names them
 */
async function runNamed(
  host: Host,
  name: string,
  runs: () => Promise<readonly PastRun[]>,
  kind = "run",
): Promise<ReadRun> {
  const run = new Reader();
  if (isFile(name)) {
    const hint = "a run is an id (tractest history lists them), last, or a file of run --events";
    const events = await eventsOfRun(host, name, hint);
    for await (const some of events()) for (const event of some) run.take(event);
    return run;
  }
  const found = await runs();
  const [newest] = found;
  if (newest === undefined) {
    throw new UsageError(`No ${kind} of this project is on record`, "tractest run");
  }
  const id = name === "last" ? newest.runId : namedRun(name, found.map(({ runId }) => runId));
  const named = found.find(({ runId }) => runId === id);
  if (named === undefined) throw unknownRun(name, found.map(listed), host.clock.now());
  const { directory } = named;
  await readEvents(host, eventsOf(directory), (event) => run.take(event));
  return run;
}

/** Whether it still runs is not known: a page takes no program. */
function listed({ runId, started: { time, command } }: PastRun): ListedRun {
  return { runId, began: time * 1000, command: shellCommand(command) };
}

/** Ids have neither dots nor slashes. */
function isFile(name: string): boolean {
  return /[./]/.test(name);
}

/** A {@linkcode ReadRun} that takes events. */
class Reader implements ReadRun {
  readonly results = new RunModel();
  readonly hangs: Hang[] = [];
  readonly explanations: Explanation[] = [];

  get runId(): string {
    return this.results.started?.runId ?? "unknown";
  }

  take(event: PytestEvent): void {
    this.results.apply(event);
    if (event.event === "hang") this.hangs.push(event);
    else if (event.event === "explained") this.explanations.push(event);
  }
}

/** Compares a run with another one. */
export function compared(now: ReadRun, { runId, results }: ReadRun): ComparedRun {
  return {
    runId,
    started: results.started?.time ?? 0,
    commit: results.started?.commit ?? null,
    command: results.started?.command ?? [],
    isFinished: results.ended !== null,
    differences: compareRuns(results.tests.values(), now.results.tests.values()),
  };
}

/** Runs that the chart of durations shows, and results that each test shows. */
const SHOWN = { runs: 60, results: 20 } as const;

/** Reads the trends from the history; empty where it can't be read. */
export async function trendsOf(host: Host, project: Project): Promise<Trends> {
  const [{ value }, usualSeconds] = await Promise.all([
    readProject(host, project, (database, id) => ({
      runs: runsOf(database, id, { limit: SHOWN.runs, commit: null }).reverse(),
      failed: recordsOf(database, id, "failed"),
      past: latestResults(database, id, SHOWN.results),
      slower: findRegressions(
        recentPasses(database, id, {}, COMPARED_PASSES, { calm: true }),
      ).regressed,
    })),
    durationsOf(host, project),
  ]);
  return { runs: [], failed: [], past: new Map(), slower: [], ...value, usualSeconds };
}
