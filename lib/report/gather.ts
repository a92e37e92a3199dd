import { type PastRun, pastRuns } from "../background/known_runs.ts";
import { eventsOf, readEvents } from "../background/read_events.ts";
import { namedRun } from "../background/rules_run_file.ts";
import { UsageError } from "../errors.ts";
import { durationsOf, readProject } from "../history/project_history.ts";
import { latestResults, recentPasses, recordsOf, runsOf } from "../history/queries.ts";
import { COMPARED_PASSES, findRegressions } from "../history/rules_regression.ts";
import type { Project } from "../project/project.ts";
import { RunModel } from "../pytest/run_model.ts";
import type { Host } from "../system/host.ts";
import type { ComparedRun } from "./comparison.ts";
import type { Explanation } from "./failed_tests.ts";
import type { Hang } from "./findings.ts";
import { compareRuns } from "./rules_compare.ts";
import type { Trends } from "./trends.ts";

/** Everything that the events of a run say. */
export interface ReadRun {
  readonly results: RunModel;
  readonly hangs: readonly Hang[];
  readonly explanations: readonly Explanation[];
}

/** A run, and the one that it is compared with. */
export interface ChosenRuns {
  readonly run: PastRun;
  readonly other: PastRun | null;
}

/**
 * The runs that a command line names: by an id, a part of it, or `last`; without a name the newest.
 *
 * @param compare names the run to compare with; `last` is the one before
 * @throws {UsageError} if there is no such run
 */
export async function chosenRuns(
  host: Host,
  project: Project,
  name: string | null,
  compare: string | null,
): Promise<ChosenRuns> {
  const runs = await pastRuns(host, project.root);
  if (runs.length === 0) {
    throw new UsageError("No run of this project is on record", "tractest run");
  }
  const run = name === null || name === "last" ? runs[0]! : runNamed(name, runs);
  if (compare === null) return { run, other: null };
  const earlier = runs.slice(runs.indexOf(run) + 1);
  const other = compare === "last" ? earlier[0] : runNamed(compare, runs);
  if (other === undefined) {
    throw new UsageError(
      `No earlier run of this project is on record than ${run.runId}`,
      "tractest history lists the runs",
    );
  }
  if (other === run) {
    throw new UsageError(
      `Run ${run.runId} can't be compared with itself`,
      "tractest report RUN --compare ANOTHER; tractest history lists the runs",
    );
  }
  return { run, other };
}

function runNamed(name: string, runs: readonly PastRun[]): PastRun {
  const runId = namedRun(name, runs.map((run) => run.runId));
  return runs.find((run) => run.runId === runId)!;
}

/** Reads the events of a run. */
export async function readRun(host: Host, { directory }: PastRun): Promise<ReadRun> {
  const results = new RunModel();
  const hangs: Hang[] = [];
  const explanations: Explanation[] = [];
  await readEvents(host, eventsOf(directory), (event) => {
    results.apply(event);
    if (event.event === "hang") hangs.push(event);
    else if (event.event === "explained") explanations.push(event);
  });
  return { results, hangs, explanations };
}

/** Compares a run with another one. */
export async function compared(host: Host, other: PastRun, now: RunModel): Promise<ComparedRun> {
  const { results } = await readRun(host, other);
  return {
    runId: other.runId,
    started: other.started.time,
    commit: other.started.commit ?? null,
    isFinished: results.ended !== null,
    differences: compareRuns(results.tests.values(), now.tests.values()),
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
