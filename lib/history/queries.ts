import type { TestRecord } from "../base/rates.ts";
import type { Database, SqlRow } from "../system/sql.ts";
import type { Pass } from "./rules_regression.ts";
import type { AttemptRecord, RunRecord } from "./rules_run_record.ts";

/** A run on record, with its counts. */
export type RunRow = Omit<RunRecord, "root" | "counts"> & RunRecord["counts"];

/** The conditions of a run's results. */
export type Source = Pick<RunRecord, "commit" | "dirty" | "transport" | "backend" | "strained">;

/** An attempt of a test, with its run. Times in seconds, `started` since the epoch. */
export interface ResultRow
  extends
    Source,
    Pick<RunRecord, "started">,
    Pick<AttemptRecord, "attempt" | "counts" | "seconds" | "message" | "errors" | "left"> {
  readonly run: string;
  readonly outcome: string;
  readonly purpose: string;
}

/** Narrows a report. */
export interface Filter {
  readonly limit: number;
  /** The beginning of a commit's name; null: any. */
  readonly commit: string | null;
}

/** The database's number of a project; null if it has none. */
export function projectOf(database: Database, digest: string): number | null {
  const id = database.prepare("select id from project where digest = ?").all(digest)[0]?.id;
  return typeof id === "number" ? id : null;
}

/** The runs of a project, newest first. */
export function runsOf(database: Database, project: number, { limit, commit }: Filter): RunRow[] {
  const rows = database.prepare(`
    select * from run
    where project = ?1 and (?2 is null or substr(commit_id, 1, length(?2)) = ?2)
    order by id desc limit ?3
  `).all(project, commit, limit);
  return rows.map((row) => ({
    id: String(row.name),
    started: Number(row.started),
    seconds: Number(row.seconds),
    command: listOf(row.command),
    ...sourceOf(row),
    python: textOf(row.python),
    exitCode: row.exit_code as number | null,
    ending: textOf(row.ending),
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
  const [row] = database.prepare("select count(*) as runs from run where project = ?").all(project);
  return Number(row!.runs);
}

/** The attempts of one test, newest run first. */
export function resultsOf(
  database: Database,
  project: number,
  id: string,
  { limit, commit }: Filter,
): ResultRow[] {
  const rows = database.prepare(`
    select result.*, run.name, started, commit_id, dirty, transport, backend, strained
    from result join run on run.id = result.run
    where test = (select id from test where project = ?1 and name = ?2)
      and (?3 is null or substr(commit_id, 1, length(?3)) = ?3)
    order by result.run desc, attempt desc limit ?4
  `).all(project, id, commit, limit);
  return rows.map((row) => ({
    run: String(row.name),
    started: Number(row.started),
    ...sourceOf(row),
    attempt: Number(row.attempt),
    outcome: String(row.outcome),
    counts: row.counts === 1,
    seconds: Number(row.seconds),
    purpose: String(row.purpose),
    message: textOf(row.message),
    errors: listOf(row.errors),
    left: Number(row.left_behind),
  }));
}

/** Ids on record that contain a text, sorted. */
export function testsNamed(database: Database, project: number, part: string): string[] {
  return database.prepare(`
    select name from test where project = ? and instr(name, ?) > 0 order by name
  `).all(project, part).map((row) => String(row.name));
}

/** The longest streak of failures that is counted. */
const LONGEST_STREAK = 20;

/** The records of some tests of a project, or of all that ever failed, sorted by their ids. */
export function recordsOf(
  database: Database,
  project: number,
  ids: readonly string[] | "failed",
): TestRecord[] {
  const [which, values] = ids === "failed"
    ? ["failures > 0 or recoveries > 0", []]
    : ["name in (select value from json_each(?))", [JSON.stringify(ids)]];
  const rows = database.prepare(`
    select id, name, trials, failures, recoveries, contradictions from test
    where project = ? and (${which}) order by name
  `).all(project, ...values);
  const latest = database.prepare(`
    select red from result where test = ? and counts = 1 order by run desc, attempt desc limit ?
  `);
  const strained = database.prepare(`
    select count(*) as runs from result join run on run.id = result.run
    where test = ? and attempt = 0 and strained = 1 and outcome not in ('skipped', 'unfinished')
  `);
  return rows.map((row) => {
    const [test, failures] = [Number(row.id), Number(row.failures)];
    const reds = failures === 0 ? [] : latest.all(test, LONGEST_STREAK);
    const streak = reds.findIndex(({ red }) => red !== 1);
    return {
      id: String(row.name),
      trials: Number(row.trials),
      failures,
      recoveries: Number(row.recoveries),
      contradictions: Number(row.contradictions),
      streak: streak < 0 ? reds.length : streak,
      // Counting them for all tests that ever failed would take too long.
      strained: ids === "failed" ? 0 : Number(strained.all(test)[0]!.runs),
    };
  });
}

/** The conditions under which durations are wanted; null: the default, undefined: any. */
export interface Cell {
  readonly transport?: string | null;
  readonly backend?: string | null;
}

/** The latest runs, which are searched for passes: a test that none of them had is not in use. */
const LATEST_RUNS = 500;

/**
 * The latest passes of each test, newest first.
 *
 * @param count how many of each test, at most
 * @param calm leave out runs that were short of CPU
 */
export function recentPasses(
  database: Database,
  project: number,
  cell: Cell,
  count: number,
  { calm = false } = {},
): Map<string, Pass[]> {
  const wanted = [["transport", cell.transport], ["backend", cell.backend]] as const;
  const given = wanted.flatMap(([column, value]) => value === undefined ? [] : [{ column, value }]);
  const conditions = [
    ...(calm ? ["and strained is not 1"] : []),
    ...given.map(({ column }) => `and ${column} is ?`),
  ];
  const join = conditions.length > 0 ? "join run on run.id = result.run" : "";
  const [oldest] = database.prepare(`
    select id from run where project = ? order by id desc limit 1 offset ?
  `).all(project, LATEST_RUNS);
  // The inner query reads each test from its newest result on, and no further than it has to.
  const rows = database.prepare(`
    select name, (
      select json_group_array(json_array(run, seconds)) from (
        select result.run, result.seconds from result ${join}
        where result.test = test.id and result.run >= ? and outcome = 'passed'
          ${conditions.join(" ")}
        order by result.run desc, attempt desc limit ?
      )
    ) as passes
    from test where project = ?
  `).all(Number(oldest?.id ?? 0), ...given.map(({ value }) => value), count, project);
  const all = rows.map((row) => {
    const passes = listOf<[number, number]>(row.passes);
    return [String(row.name), passes.map(([run, seconds]) => ({ run, seconds }))] as const;
  });
  return new Map(all.filter(([, passes]) => passes.length > 0));
}

/** A result of a test in a run, as a report shows it. `started` since the epoch. */
export interface PastResult {
  readonly outcome: string;
  readonly seconds: number;
  readonly started: number;
}

/** The latest results of each test, oldest first; retries are results of their own. */
export function latestResults(
  database: Database,
  project: number,
  count: number,
): Map<string, PastResult[]> {
  const [oldest] = database.prepare(`
    select id from run where project = ? order by id desc limit 1 offset ?
  `).all(project, LATEST_RUNS);
  const rows = database.prepare(`
    select name, (
      select json_group_array(json_array(outcome, seconds, started)) from (
        select outcome, result.seconds, started from result join run on run.id = result.run
        where result.test = test.id and result.run >= ?
        order by result.run desc, attempt desc limit ?
      )
    ) as results
    from test where project = ?
  `).all(Number(oldest?.id ?? 0), count, project);
  return new Map(rows.map((row) => {
    const results = listOf<[string, number, number]>(row.results).reverse();
    const past = results.map(([outcome, seconds, started]) => ({ outcome, seconds, started }));
    return [String(row.name), past] as const;
  }));
}

/**
 * Tests that failed in a shard and passed on a retry, in at least `times` of the latest runs: other
 * shards may have disturbed them.
 */
export function contendedOf(
  database: Database,
  project: number,
  { runs, times }: { readonly runs: number; readonly times: number },
): string[] {
  return database.prepare(`
    select test.name
    from (select id from run where project = ? order by id desc limit ?) as latest
    cross join result as red
      on red.run = latest.id and red.red = 1 and red.purpose = 'shard'
    join result as again
      on again.test = red.test and again.run = red.run
      and again.purpose = 'retry' and again.red = 0
    join test on test.id = red.test
    group by test.id having count(distinct red.run) >= ?
  `).all(project, runs, times).map((row) => String(row.name));
}

type Value = SqlRow[string] | undefined;

function sourceOf(row: SqlRow): Source {
  return {
    commit: textOf(row.commit_id),
    dirty: truthOf(row.dirty),
    transport: textOf(row.transport),
    backend: textOf(row.backend),
    strained: truthOf(row.strained),
  };
}

function textOf(value: Value): string | null {
  return typeof value === "string" ? value : null;
}

function truthOf(value: Value): boolean | null {
  return value === null || value === undefined ? null : value !== 0;
}

function listOf<T = string>(value: Value): T[] {
  try {
    const parsed: unknown = JSON.parse(typeof value === "string" ? value : "[]");
    return Array.isArray(parsed) ? parsed : [];
  } catch {
    return [];
  }
}
