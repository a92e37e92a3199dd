/**
 * The steps from each version of the database to the next, from an empty one on; the version is
 * SQLite's `user_version`. A step that was released never changes.
 *
 * Times are seconds. Triggers keep the totals of each test in its row, so that a report does not
 * have to read a million results. A contradiction is a test that both passed and failed under the
 * same conditions, with the run that showed it.
 */
export const MIGRATIONS: readonly string[] = [
  `
create table project (id integer primary key, digest text not null unique, root text not null);
create table run (
  id integer primary key,
  project integer not null references project,
  name text not null unique,
  started real not null,
  seconds real not null,
  command text not null,
  commit_id text,
  dirty integer,
  transport text,
  backend text,
  python text,
  exit_code integer,
  ending text,
  strained integer,
  conditions text,
  tests integer not null,
  passed integer not null,
  failed integer not null,
  skipped integer not null,
  flaky integer not null
);
create index run_of_project on run (project, id);
create index run_under_conditions on run (conditions) where conditions is not null;
create table test (
  id integer primary key,
  project integer not null references project,
  name text not null,
  trials integer not null default 0,
  failures integer not null default 0,
  recoveries integer not null default 0,
  contradictions integer not null default 0,
  unique (project, name)
);
create index test_that_failed on test (project) where failures > 0 or recoveries > 0;
create table result (
  test integer not null references test,
  run integer not null references run,
  attempt integer not null,
  outcome text not null,
  red integer not null,
  counts integer not null,
  recovered integer not null,
  seconds real not null,
  purpose text not null,
  message text,
  errors text,
  left_behind integer not null,
  primary key (test, run, attempt)
) without rowid;
create index result_of_run on result (run);
create index result_that_failed on result (test, run) where red = 1 and counts = 1;
create table contradiction (
  test integer not null references test,
  conditions text not null,
  run integer not null references run,
  primary key (test, conditions)
) without rowid;
create index contradiction_of_run on contradiction (run);
create trigger contradiction_is_added after insert on contradiction begin
  update test set contradictions = contradictions + 1 where id = new.test;
end;
create trigger contradiction_is_removed after delete on contradiction begin
  update test set contradictions = contradictions - 1 where id = old.test;
end;
create trigger result_is_added after insert on result begin
  update test set
    trials = trials + new.counts,
    failures = failures + (new.counts and new.red),
    recoveries = recoveries + new.recovered
  where id = new.test;
end;
create trigger result_is_removed after delete on result begin
  update test set
    trials = trials - old.counts,
    failures = failures - (old.counts and old.red),
    recoveries = recoveries - old.recovered
  where id = old.test;
end;
`,
  // In version 1 `passed`, `failed` and `skipped` included the counts of these columns.
  `
alter table run add column errors integer not null default 0;
alter table run add column xfailed integer not null default 0;
alter table run add column xpassed integer not null default 0;
alter table run add column subtests_passed integer not null default 0;
alter table run add column not_run integer not null default 0;
`,
];

/** The version of this program. */
export const VERSION: number = MIGRATIONS.length;
