import type { Database } from "../system/sql.ts";
import { escapeText } from "../base/escape.ts";
import type { RunModel } from "../pytest/run_model.ts";
import { type AttemptRecord, attemptRecords, type RunRecord, runRecord } from "./run_record.ts";
import { DatabaseError } from "../errors.ts";
import type { Host } from "../system/host.ts";
import { digest } from "../project/directories.ts";
import type { Project } from "../project/project.ts";
import type { Printer } from "../terminal/printer.ts";
import { inTransaction, type Used, writeHistory } from "./database.ts";
import { leftRuns } from "./left_runs.ts";
import { removeOld } from "./remove_old.ts";

/**
 * Records a run, and those before it that were killed. What stands in the way of that is said, and
 * changes nothing else: a run that could not be recorded is, by the next one, from its events.
 */
export async function recordRun(
  host: Host,
  printer: Printer,
  project: Project,
  results: RunModel,
): Promise<void> {
  await record(host, printer, project, results);
}

/** Records the runs that were killed, or could not be recorded by themselves. */
export async function recordLeftRuns(
  host: Host,
  printer: Printer,
  project: Project,
): Promise<void> {
  await record(host, printer, project, null);
}

/**
 * Milliseconds that a draft may keep others from writing: a pytest that has not exited by then may
 * take any time.
 */
const DRAFT_MS = 1_000;
/** Attempts that a draft has at most: more would keep others from reading too. */
const DRAFT_ATTEMPTS = 5_000;

/**
 * Records a run as {@linkcode recordRun} does, most of it ahead: when the last test is over, pytest
 * has yet to exit, and that takes longer. What is written then is seen by others, and there at all,
 * only once the run is over and nothing else came of its tests.
 */
export class RunDraft {
  readonly #over = Promise.withResolvers<RunModel>();
  readonly #end = new AbortController();
  #written: Promise<Used<boolean>> | null = null;

  constructor(private readonly host: Host, private readonly project: Project) {}

  /** The last test is over, as far as can be told. Only the first time counts. */
  begin(results: RunModel): void {
    // Whoever holds the history now is not waited for: as long as pytest is there its events are to
    // be read.
    this.#written ??= writeHistory(this.host, (database) => this.#write(database, results), 0);
  }

  /** Nothing of it is kept. */
  async drop(): Promise<void> {
    this.#end.abort();
    await this.#written;
  }

  /** The run is over, and these are all of its results. */
  async record(printer: Printer, results: RunModel): Promise<void> {
    this.#over.resolve(results);
    this.#end.abort();
    const drafted = await this.#written;
    if (drafted?.moved) tellMoved(printer, drafted.moved);
    if (drafted?.value !== true) await recordRun(this.host, printer, this.project, results);
  }

  async #write(database: Database, results: RunModel): Promise<boolean> {
    const run = runRecord(results);
    const { revision } = results;
    const attempts = attemptRecords(results);
    if (run === null || attempts.length > DRAFT_ATTEMPTS) return false;
    await insertLeft(this.host, database, run.id);
    const name = await digest(run.root);
    database.exec("begin immediate");
    try {
      const id = insertAll(database, run, attempts, name);
      void database.prepareCommit();
      const tooLong = this.host.clock.sleep(DRAFT_MS, this.#end.signal).then(() => null);
      const all = await Promise.race([this.#over.promise, tooLong]);
      const final = all && runRecord(all);
      // Results of a run that was short of CPU count otherwise.
      if (id === null || final === null || all?.revision !== revision || final.strained === true) {
        database.exec("rollback");
        return false;
      }
      const values = runValues(final);
      const changes = Object.keys(values).map((column) => `${column} = ?`).join(", ");
      database.prepare(`update run set ${changes} where id = ?`).run(...Object.values(values), id);
      noteContradictions(database, id, conditionsOf(final));
      database.exec("commit");
    } catch (error) {
      // It ends with the connection.
      if (error instanceof DatabaseError) return false;
      throw error;
    }
    removeOld(
      database,
      await digest(this.project.root),
      this.project.configuration.history,
      this.host.clock.now(),
    );
    return true;
  }
}

function tellMoved(printer: Printer, moved: string): void {
  printer.warn(`the history was damaged and has a new name: ${escapeText(moved)}`);
}

async function record(
  host: Host,
  printer: Printer,
  project: Project,
  results: RunModel | null,
): Promise<void> {
  const own = results && runRecord(results);
  const { trouble, moved } = await writeHistory(host, async (database) => {
    await insertLeft(host, database, own?.id ?? null);
    if (own !== null) insert(database, own, attemptRecords(results!), await digest(own.root));
    removeOld(
      database,
      await digest(project.root),
      project.configuration.history,
      host.clock.now(),
    );
  });
  if (moved !== null) tellMoved(printer, moved);
  if (trouble !== null) printer.warn(`the history can't be written: ${escapeText(trouble)}`);
}

/** Adds the runs that nobody has recorded, but not the one that is under way. */
async function insertLeft(host: Host, database: Database, own: string | null): Promise<void> {
  const known = database.prepare("select 1 from run where name = ?");
  for await (const left of leftRuns(host, (id) => id === own || known.all(id).length > 0)) {
    try {
      const run = runRecord(left);
      if (run !== null) insert(database, run, attemptRecords(left), await digest(run.root));
    } catch (error) {
      // Events that make no sense keep no other run from being recorded, and change no exit code.
      if (error instanceof DatabaseError && error.trouble !== "other") throw error;
    }
  }
}

/** Adds a run with its results, unless it is there already. */
function insert(
  database: Database,
  run: RunRecord,
  attempts: readonly AttemptRecord[],
  digest: string,
): void {
  inTransaction(database, () => {
    const id = insertAll(database, run, attempts, digest);
    if (id !== null) noteContradictions(database, id, conditionsOf(run));
  });
}

/** Adds a run with its results; null if it is there already. */
function insertAll(
  database: Database,
  run: RunRecord,
  attempts: readonly AttemptRecord[],
  digest: string,
): number | null {
  const project = idOf(
    database,
    "insert into project (digest, root) values (?, ?) on conflict (digest) do update set root = excluded.root returning id",
    [digest, run.root],
  );
  const values = { project, name: run.id, ...runValues(run) };
  const columns = Object.keys(values);
  const id = idOf(
    database,
    `insert into run (${columns.join(", ")}) values (${
      columns.map(() => "?").join(", ")
    }) on conflict (name) do nothing returning id`,
    Object.values(values),
  );
  if (id === null) return null;
  const rows = attemptsText(attempts);
  // One statement for all of them: a call for each takes as long again.
  database.prepare(
    "insert into test (project, name) select distinct ?1, value ->> 0 from json_each(?2) where true on conflict do nothing",
  )
    .run(project, rows);
  database.prepare(
    `insert into result (test, run, attempt, outcome, red, counts, recovered, seconds, purpose, message, errors, left_behind)
     select test.id, ?2, one ->> 1, one ->> 2, one ->> 3, one ->> 4, one ->> 5, one ->> 6, one ->> 7, one ->> 8, one ->> 9, one ->> 10
     from (select value as one from json_each(?3)) cross join test on test.project = ?1 and test.name = one ->> 0`,
  ).run(project, id, rows);
  return id;
}

/** The columns of a run that say how it went. */
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

/** The rows of a run's results as SQLite's JSON functions take them. */
function attemptsText(attempts: readonly AttemptRecord[]): string {
  return JSON.stringify(
    attempts.map(
      (
        { test, attempt, outcome, red, counts, recovered, seconds, purpose, message, errors, left },
      ) => {
        const texts = [
          message?.toWellFormed() ?? null,
          errors.length > 0 ? JSON.stringify(errors) : null,
        ];
        return [
          test.toWellFormed(),
          attempt,
          outcome,
          flag(red),
          flag(counts),
          flag(recovered),
          seconds,
          purpose,
          ...texts,
          left,
        ];
      },
    ),
  );
}

/**
 * Notes which tests of a run ended otherwise than before under the same conditions. `cross join`
 * fixes the order in which SQLite goes through the tables: for a failure from run to run until one
 * pass is found, for a pass through what failures there are.
 */
function noteContradictions(database: Database, run: number, conditions: string | null): void {
  if (conditions === null) return;
  const insert =
    "insert into contradiction (test, conditions, run) select distinct mine.test, ?1, ?2 from result as mine";
  database.prepare(
    `${insert} where mine.run = ?2 and mine.counts = 1 and mine.red = 1 and exists (
       select 1 from run as other cross join result as one on one.run = other.id and one.test = mine.test
       where other.conditions = ?1 and one.counts = 1 and one.red = 0
     ) on conflict do nothing`,
  ).run(conditions, run);
  database.prepare(
    `${insert} cross join test on test.id = mine.test
     where mine.run = ?2 and mine.counts = 1 and mine.red = 0 and test.failures > 0 and exists (
       select 1 from result as one indexed by result_that_failed cross join run as other on other.id = one.run
       where one.test = mine.test and one.red = 1 and one.counts = 1 and other.conditions = ?1
     ) on conflict do nothing`,
  ).run(conditions, run);
}

/**
 * Under what the tests of a run gave their results, where that is known exactly: what differs then
 * is the tests' own doing.
 */
function conditionsOf({ commit, dirty, transport, backend, python }: RunRecord): string | null {
  return commit === null || dirty !== false
    ? null
    : JSON.stringify([commit, transport, backend, python]);
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
  return value === null ? null : value ? 1 : 0;
}
