import type { Database, SqlRow } from "../system/sql.ts";
import type { TestRecord } from "../base/rates.ts";
import type { AttemptRecord, RunRecord } from "./run_record.ts";
import type { Pass } from "./rules_regression.ts";

/** A run on record, its counts beside the rest. */
export type RunRow = Omit<RunRecord, "root" | "counts"> & RunRecord["counts"];

/**
 * One attempt of a test on record, with what is known of its run. Times in seconds, `started` since
 * the epoch.
 */
export interface ResultRow
  extends
    Source,
    Pick<RunRecord, "started">,
    Pick<AttemptRecord, "attempt" | "counts" | "seconds" | "message" | "errors" | "left"> {
  readonly run: string;
  readonly outcome: string;
  readonly purpose: string;
}

/** What the results of a run depend on. */
export type Source = Pick<RunRecord, "commit" | "dirty" | "transport" | "backend" | "strained">;

/** Narrows a report. */
export interface Filter {
  readonly limit: number;
  /** The beginning of a commit's name; null: any. */
  readonly commit: string | null;
}

/** The database's number of a project; null if nothing is on record of it. */
export function projectOf(database: Database, digest: string): number | null {
  const id = database.prepare("select id from project where digest = ?").all(digest)[0]?.id;
  return typeof id === "number" ? id : null;
}

/** The runs of a project, newest first. */
export function runsOf(database: Database, project: number, { limit, commit }: Filter): RunRow[] {
  const rows = database.prepare(
    `select * from run where project = ? and (? is null or substr(commit_id, 1, length(?)) = ?) order by id desc limit ?`,
  ).all(project, commit, commit, commit, limit);
  return rows.map((row) => ({
    id: String(row.name),
    started: Number(row.started),
    seconds: Number(row.seconds),
    command: list(row.command),
    ...sourceOf(row),
    python: text(row.python),
    exitCode: row.exit_code as number | null,
    ending: text(row.ending),
    tests: Number(row.tests),
    passed: Number(row.passed),
    failed: Number(row.failed),
    skipped: Number(row.skipped),
    flaky: Number(row.flaky),
    errors: Number(row.errors),
    xfailed: Number(row.xfailed),
    xpassed: Number(row.xpassed),
    subtestsPassed: Number(row.subtests_passed),
    notRun: Number(row.not_run),
  }));
}

/** How many runs of a project are on record. */
export function countRuns(database: Database, project: number): number {
  return Number(
    database.prepare("select count(*) as runs from run where project = ?").all(project)[0]!.runs,
  );
}

/** The attempts of one test, newest run first. */
export function resultsOf(
  database: Database,
  project: number,
  id: string,
  { limit, commit }: Filter,
): ResultRow[] {
  const rows = database.prepare(
    `select result.*, run.name, started, commit_id, dirty, transport, backend, strained from result join run on run.id = result.run
     where test = (select id from test where project = ? and name = ?) and (? is null or substr(commit_id, 1, length(?)) = ?)
     order by result.run desc, attempt desc limit ?`,
  ).all(project, id, commit, commit, commit, limit);
  return rows.map((row) => ({
    run: String(row.name),
    started: Number(row.started),
    ...sourceOf(row),
    attempt: Number(row.attempt),
    outcome: String(row.outcome),
    counts: row.counts === 1,
    seconds: Number(row.seconds),
    purpose: String(row.purpose),
    message: text(row.message),
    errors: list(row.errors),
    left: Number(row.left_behind),
  }));
}

/** Ids on record that contain a text, sorted. */
export function testsNamed(database: Database, project: number, part: string): string[] {
  return database.prepare(
    "select name from test where project = ? and instr(name, ?) > 0 order by name",
  ).all(project, part).map((row) => String(row.name));
}

/**
 * What is on record of some tests of a project, or of all that ever failed, sorted by their ids.
 */
export function recordsOf(
  database: Database,
  project: number,
  ids: readonly string[] | "failed",
): TestRecord[] {
  const which = ids === "failed"
    ? "failures > 0 or recoveries > 0"
    : "name in (select value from json_each(?))";
  const rows = database.prepare(
    `select id, name, trials, failures, recoveries, contradictions from test where project = ? and (${which}) order by name`,
  )
    .all(project, ...(ids === "failed" ? [] : [JSON.stringify(ids)]));
  const latest = database.prepare(
    "select red from result where test = ? and counts = 1 order by run desc, attempt desc limit ?",
  );
  const strained = database.prepare(
    `select count(*) as runs from result join run on run.id = result.run
     where test = ? and attempt = 0 and strained = 1 and outcome not in ('skipped', 'unfinished')`,
  );
  return rows.map((row) => {
    const [test, failures] = [Number(row.id), Number(row.failures)];
    const reds = failures === 0
      ? []
      : latest.all(test, LONGEST_STREAK).map((result) => result.red === 1);
    const streak = reds.indexOf(false);
    return {
      id: String(row.name),
      trials: Number(row.trials),
      failures,
      recoveries: Number(row.recoveries),
      contradictions: Number(row.contradictions),
      streak: streak < 0 ? reds.length : streak,
      // For all that ever failed it would take too long.
      strained: ids === "failed" ? 0 : Number(strained.all(test)[0]!.runs),
    };
  });
}

/** A streak is not followed further back. */
const LONGEST_STREAK = 20;

/** Where durations are wanted for; null: the default, undefined: any. */
export interface Cell {
  readonly transport?: string | null;
  readonly backend?: string | null;
}

/**
 * The latest passes of each test that has some, newest first.
 *
 * @param count how many of each test, at most
 * @param calm whether runs that were short of CPU are left out
 */
export function recentPasses(
  database: Database,
  project: number,
  { transport, backend }: Cell,
  count: number,
  { calm = false } = {},
): Map<string, Pass[]> {
  const wanted = Object.entries({ transport, backend }).filter((
    entry,
  ): entry is [string, string | null] => entry[1] !== undefined);
  // Each test is looked through from its newest result on, and no further than needed.
  const rows = database.prepare(
    `select name, (
       select json_group_array(json_array(run, seconds)) from (
         select result.run, result.seconds from result ${
      calm || wanted.length > 0 ? "join run on run.id = result.run" : ""
    }
         where result.test = test.id and result.run >= ? and outcome = 'passed' ${
      calm ? "and strained is not 1" : ""
    }
           ${wanted.map(([column]) => `and ${column} is ?`).join(" ")}
         order by result.run desc, attempt desc limit ?
       )
     ) as passes from test where project = ?`,
  ).all(oldestThatCounts(database, project), ...wanted.map(([, value]) => value), count, project);
  const passes = rows.map((row) =>
    [
      String(row.name),
      list<[number, number]>(row.passes).map(([run, seconds]) => ({ run, seconds })),
    ] as const
  );
  return new Map(passes.filter(([, passes]) => passes.length > 0));
}

/** Runs that durations are looked for in, at most: a test that none of them had is out of use. */
const LATEST_RUNS = 500;

function oldestThatCounts(database: Database, project: number): number {
  const row =
    database.prepare("select id from run where project = ? order by id desc limit 1 offset ?").all(
      project,
      LATEST_RUNS,
    )[0];
  return Number(row?.id ?? 0);
}

function sourceOf(row: SqlRow): Source {
  return {
    commit: text(row.commit_id),
    dirty: truth(row.dirty),
    transport: text(row.transport),
    backend: text(row.backend),
    strained: truth(row.strained),
  };
}

function text(value: SqlRow[string] | undefined): string | null {
  return typeof value === "string" ? value : null;
}

function truth(value: SqlRow[string] | undefined): boolean | null {
  return value === null || value === undefined ? null : value !== 0;
}

function list<T = string>(value: SqlRow[string] | undefined): T[] {
  try {
    const parsed: unknown = JSON.parse(typeof value === "string" ? value : "[]");
    return Array.isArray(parsed) ? parsed : [];
  } catch {
    return [];
  }
}

/**
 * Tests that failed in a shard beside others and passed when they were tried again, in at least so
 * many of the latest runs.
 */
export function contendedOf(
  database: Database,
  project: number,
  { runs, times }: { readonly runs: number; readonly times: number },
): string[] {
  return database.prepare(
    `select test.name from (select id from run where project = ? order by id desc limit ?) as latest
     cross join result as red on red.run = latest.id and red.red = 1 and red.purpose = 'shard'
     join result as again on again.test = red.test and again.run = red.run and again.purpose = 'retry' and again.red = 0
     join test on test.id = red.test
     group by test.id having count(distinct red.run) >= ?`,
  ).all(project, runs, times).map((row) => String(row.name));
}
