import { dirname } from "@std/path";
import { DatabaseSync } from "node:sqlite";
import { MIGRATIONS, VERSION } from "../../lib/history/schema.ts";
import { digest } from "../../lib/project/directories.ts";

/** The size of a made-up history. */
export interface Made {
  readonly tests: number;
  readonly runs: number;
}

/** Whether a test fails in a run: of each ten one, from rarely to often, in a fixed random way. */
const FAILS = "((test.id % 10 = 0) and (run.id * 7919 + test.id * 104729) % 1000 < test.id % 170)";

/** Fills the tables of a project with id 1: each test has a result in each run. */
const FILL = `
insert into test (id, project, name)
with recursive n (i) as (values (1) union all select i + 1 from n where i < $tests)
select i, 1, printf('tests/test_%03d.py::test_%05d', i / 20, i) from n;

insert into run (
  id, project, name, started, seconds, command, commit_id, dirty, python, exit_code, strained,
  conditions, tests, passed, failed, skipped, flaky
)
with recursive n (i) as (values (1) union all select i + 1 from n where i < $runs)
select
  i, 1, printf('run-%06d', i), $started + i * 600, 60, '["pytest"]', printf('%040x', i / 4), i % 2,
  '3.12', 0, 0, iif(i % 2, null, printf('%040x', i / 4)), $tests, 0, 0, 0, 0
from n;

insert into result (
  test, run, attempt, outcome, red, counts, recovered, seconds, purpose, message, left_behind
)
select
  test.id, run.id, 0, iif(${FAILS}, 'failed', 'passed'), ${FAILS}, 1, 0,
  0.1 + (test.id * 31 + run.id * 57) % 97 / 100.0, 'tests',
  iif(${FAILS}, 'trio.TooSlowError', null), 0
from test, run;

insert into contradiction (test, conditions, run)
select test, conditions, max(run) from result join run on run.id = result.run
where conditions is not null and test in (select id from test where failures > 0)
group by test, conditions having min(red) < max(red);
`;

/**
 * Makes a history of one project with `tests` results of each of its `runs`, four runs to a commit.
 * Returns the ids of the tests.
 */
export async function makeHistory(
  path: string,
  root: string,
  { tests, runs }: Made,
): Promise<string[]> {
  await Deno.mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const started = Math.floor(Date.now() / 1000) - runs * 600;
  const numbers: Readonly<Record<string, number>> = { tests, runs, started };
  const database = new DatabaseSync(path);
  database.exec("pragma synchronous = off; pragma auto_vacuum = incremental; begin");
  database.exec(`${MIGRATIONS.join(";")}; pragma user_version = ${VERSION}`);
  database.prepare("insert into project (id, digest, root) values (1, ?, ?)")
    .run(await digest(root), root);
  database.exec(FILL.replace(/\$(\w+)/g, (_, name: string) => String(numbers[name])));
  database.exec("commit");
  const rows = database.prepare("select name from test order by id").all();
  database.close();
  return rows.map((row) => String(row.name));
}

if (import.meta.main) {
  const [path = "", root = "", tests, runs] = Deno.args;
  await makeHistory(path, root, { tests: Number(tests), runs: Number(runs) });
}
