import { escapeText } from "../core/escape.ts";
import type { Results } from "../core/results/results.ts";
import { type AttemptRecord, type RunRecord, runRecord } from "../core/history/run_record.ts";
import { DatabaseError } from "../errors.ts";
import type { Database, Host } from "../host/host.ts";
import { digest } from "../project/directories.ts";
import type { Project } from "../project/project.ts";
import type { Printer } from "../ui/printer.ts";
import { inTransaction, writeHistory } from "./database.ts";
import { leftRuns } from "./left_runs.ts";
import { removeOld } from "./retention.ts";

/**
 * Records a run, and those before it that were killed. What stands in the way of that is said, and changes nothing else: a run that
 * could not be recorded is, by the next one, from its events.
 */
export async function recordRun(host: Host, printer: Printer, project: Project, results: Results): Promise<void> {
  await record(host, printer, project, results);
}

/** Records the runs that were killed, or could not be recorded by themselves. */
export async function recordLeftRuns(host: Host, printer: Printer, project: Project): Promise<void> {
  await record(host, printer, project, null);
}

async function record(host: Host, printer: Printer, project: Project, results: Results | null): Promise<void> {
  const own = results && runRecord(results);
  const { trouble, moved } = await writeHistory(host, async (database) => {
    const known = database.prepare("select 1 from run where name = ?");
    for await (const left of leftRuns(host, (id) => id === own?.run.id || known.all(id).length > 0)) {
      try {
        const run = runRecord(left);
        if (run !== null) insert(database, run, await digest(run.run.root));
      } catch (error) {
        // Events that make no sense keep no other run from being recorded, and change no exit code.
        if (error instanceof DatabaseError && error.trouble !== "other") throw error;
      }
    }
    if (own !== null) insert(database, own, await digest(own.run.root));
    removeOld(database, await digest(project.root), project.configuration.history, host.now());
  });
  if (moved !== null) printer.warn(`the history was damaged and has a new name: ${escapeText(moved)}`);
  if (trouble !== null) printer.warn(`the history can't be written: ${escapeText(trouble)}`);
}

interface Recorded {
  readonly run: RunRecord;
  readonly attempts: readonly AttemptRecord[];
}

/** Adds a run with its results, unless it is there already. */
function insert(database: Database, { run, attempts }: Recorded, digest: string): void {
  inTransaction(database, () => {
    const project = idOf(
      database,
      "insert into project (digest, root) values (?, ?) on conflict (digest) do update set root = excluded.root returning id",
      [
        digest,
        run.root,
      ],
    );
    const { counts } = run;
    const id = idOf(
      database,
      `insert into run (project, name, started, seconds, command, commit_id, dirty, transport, backend, python, exit_code, ending, strained, conditions,
         tests, passed, failed, skipped, flaky) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) on conflict (name) do nothing returning id`,
      [
        project,
        run.id,
        run.started,
        run.seconds,
        JSON.stringify(run.command),
        run.commit,
        flag(run.dirty),
        run.transport,
        run.backend,
        run.python,
        run.exitCode,
        run.ending,
        flag(run.strained),
        conditionsOf(run),
        counts.tests,
        counts.passed,
        counts.failed,
        counts.skipped,
        counts.flaky,
      ],
    );
    if (id === null) return;
    const addTest = database.prepare("insert into test (project, name) values (?, ?) on conflict do nothing");
    for (const test of new Set(attempts.map((attempt) => attempt.test))) addTest.run(project, test);
    const add = database.prepare(
      `insert into result (test, run, attempt, outcome, red, counts, recovered, seconds, purpose, message, errors, left_behind)
       values ((select id from test where project = ? and name = ?), ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    );
    for (const one of attempts) {
      const { test, attempt, outcome, seconds, purpose, message, errors, left } = one;
      const flags = [flag(one.red), flag(one.counts), flag(one.recovered)];
      add.run(project, test, id, attempt, outcome, ...flags, seconds, purpose, message, errors.length > 0 ? JSON.stringify(errors) : null, left);
    }
    noteContradictions(database, id, conditionsOf(run));
  });
}

/**
 * Notes which tests of a run ended otherwise than before under the same conditions. `cross join` fixes the order in which SQLite goes
 * through the tables: for a failure from run to run until one pass is found, for a pass through what failures there are.
 */
function noteContradictions(database: Database, run: number, conditions: string | null): void {
  if (conditions === null) return;
  const insert = "insert into contradiction (test, conditions, run) select distinct mine.test, ?1, ?2 from result as mine";
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

/** Under what the tests of a run gave their results, where that is known exactly: what differs then is the tests' own doing. */
function conditionsOf({ commit, dirty, transport, backend, python }: RunRecord): string | null {
  return commit === null || dirty !== false ? null : JSON.stringify([commit, transport, backend, python]);
}

function idOf(database: Database, sql: string, values: readonly (string | number | null)[]): number | null {
  const id = database.prepare(sql).all(...values)[0]?.id;
  return typeof id === "number" ? id : null;
}

function flag(value: boolean | null): number | null {
  return value === null ? null : value ? 1 : 0;
}
