import type { Database } from "../system/sql.ts";
import { inTransaction } from "./database.ts";
import type { AttemptRecord, RunRecord } from "./rules_run_record.ts";

/** Inserts a run with its attempts, unless it is there already. */
export function insertRun(
  database: Database,
  run: RunRecord,
  attempts: readonly AttemptRecord[],
  digest: string,
): void {
  inTransaction(database, () => {
    const id = insertRows(database, run, attempts, digest);
    if (id !== null) insertContradictions(database, id, run);
  });
}

/** Inserts the rows of a run; returns its number, null if it is there already. */
export function insertRows(
  database: Database,
  run: RunRecord,
  attempts: readonly AttemptRecord[],
  digest: string,
): number | null {
  const project = idOf(
    database,
    `
      insert into project (digest, root) values (?, ?)
      on conflict (digest) do update set root = excluded.root returning id
    `,
    [digest, run.root],
  );
  const values = { project, name: run.id, ...runValues(run) };
  const columns = Object.keys(values);
  const id = idOf(
    database,
    `
      insert into run (${columns.join(", ")}) values (${columns.map(() => "?").join(", ")})
      on conflict (name) do nothing returning id
    `,
    Object.values(values),
  );
  if (id === null) return null;
  const rows = attemptsText(attempts);
  // One statement for all rows: a call for each would take twice as long.
  database.prepare(`
    insert into test (project, name)
    select distinct ?1, value ->> 0 from json_each(?2) where true on conflict do nothing
  `).run(project, rows);
  database.prepare(`
    insert into result (
      test, run, attempt, outcome, red, counts, recovered, seconds, purpose, message, errors,
      left_behind
    )
    select
      test.id, ?2, one ->> 1, one ->> 2, one ->> 3, one ->> 4, one ->> 5, one ->> 6, one ->> 7,
      one ->> 8, one ->> 9, one ->> 10
    from (select value as one from json_each(?3))
    cross join test on test.project = ?1 and test.name = one ->> 0
  `).run(project, id, rows);
  return id;
}

/** Updates a run that was inserted before its end. */
export function updateRun(database: Database, id: number, run: RunRecord): void {
  const values = runValues(run);
  const changes = Object.keys(values).map((column) => `${column} = ?`).join(", ");
  database.prepare(`update run set ${changes} where id = ?`).run(...Object.values(values), id);
}

function runValues(run: RunRecord): Record<string, string | number | null> {
  const { counts } = run;
  return {
    started: run.started,
    seconds: run.seconds,
    command: JSON.stringify(run.command),
    commit_id: run.commit,
    dirty: flag(run.dirty),
    transport: run.transport,
    backend: run.backend,
    python: run.python,
    exit_code: run.exitCode,
    ending: run.ending,
    strained: flag(run.strained),
    conditions: conditionsOf(run),
    tests: counts.tests,
    passed: counts.passed,
    failed: counts.failed,
    skipped: counts.skipped,
    flaky: counts.flaky,
    errors: counts.errors,
    xfailed: counts.xfailed,
    xpassed: counts.xpassed,
    subtests_passed: counts.subtestsPassed,
    not_run: counts.notRun,
  };
}

/** The attempts as SQLite's JSON functions take them: an array for each. */
function attemptsText(attempts: readonly AttemptRecord[]): string {
  return JSON.stringify(attempts.map((attempt) => [
    attempt.test.toWellFormed(),
    attempt.attempt,
    attempt.outcome,
    flag(attempt.red),
    flag(attempt.counts),
    flag(attempt.recovered),
    attempt.seconds,
    attempt.purpose,
    attempt.message?.toWellFormed() ?? null,
    attempt.errors.length > 0 ? JSON.stringify(attempt.errors) : null,
    attempt.left,
  ]));
}

/**
 * Records which tests of a run ended otherwise than before under the same conditions. `cross join`
 * fixes the order in which SQLite reads the tables: for a failure the runs until one pass is found,
 * for a pass the failures of the test.
 */
export function insertContradictions(database: Database, id: number, run: RunRecord): void {
  const conditions = conditionsOf(run);
  if (conditions === null) return;
  const insert = `
    insert into contradiction (test, conditions, run)
    select distinct mine.test, ?1, ?2 from result as mine
  `;
  database.prepare(`
    ${insert}
    where mine.run = ?2 and mine.counts = 1 and mine.red = 1 and exists (
      select 1 from run as other
      cross join result as one on one.run = other.id and one.test = mine.test
      where other.conditions = ?1 and one.counts = 1 and one.red = 0
    ) on conflict do nothing
  `).run(conditions, id);
  database.prepare(`
    ${insert} cross join test on test.id = mine.test
    where mine.run = ?2 and mine.counts = 1 and mine.red = 0 and test.failures > 0 and exists (
      select 1 from result as one indexed by result_that_failed
      cross join run as other on other.id = one.run
      where one.test = mine.test and one.red = 1 and one.counts = 1 and other.conditions = ?1
    ) on conflict do nothing
  `).run(conditions, id);
}

/**
 * The conditions of a run's results, if they are known exactly: tests that differ under the same
 * conditions are flaky.
 */
function conditionsOf({ commit, dirty, transport, backend, python }: RunRecord): string | null {
  if (commit === null || dirty !== false) return null;
  return JSON.stringify([commit, transport, backend, python]);
}

function idOf(
  database: Database,
  sql: string,
  values: readonly (string | number | null)[],
): number | null {
  const id = database.prepare(sql).all(...values)[0]?.id;
  return typeof id === "number" ? id : null;
}

function flag(value: boolean | null): number | null {
  return value === null ? null : Number(value);
}
