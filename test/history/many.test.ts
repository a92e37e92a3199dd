import { join } from "@std/path";
import { DEFAULT_CONFIGURATION } from "../../lib/project/configuration.ts";
import { readProject, testRecords } from "../../lib/history/project_history.ts";
import {
  countRuns,
  recentPasses,
  recordsOf,
  resultsOf,
  runsOf,
} from "../../lib/history/queries.ts";
import { recordRun } from "../../lib/history/record.ts";
import type { Project } from "../../lib/project/project.ts";
import { assert, assertEquals } from "../assert.ts";
import { makeHistory } from "./made.ts";
import { resultsWith, Store } from "./store.ts";

/** What the aggregates and contradictions have to be, counted from all results. */
const RECOUNT = `
select name, trials, failures, recoveries, contradictions, ifnull(sum(counts), 0) as t, ifnull(sum(counts and red), 0) as f, ifnull(sum(recovered), 0) as r,
  (select count(*) from (
    select 1 from result as one join run on run.id = one.run where one.test = test.id and counts and conditions is not null
    group by conditions having min(red) < max(red)
  )) as c
from test left join result on result.test = test.id group by test.id`;

/**
 * Tests whose aggregates are not what a recount gives; a contradiction may have lost one of its
 * runs to the retention.
 */
async function miscounted(store: Store): Promise<unknown[]> {
  const database = await store.files.openDatabase(
    join(store.path, "state/tractest/history.sqlite"),
    { readOnly: true, waitMs: 5_000 },
  );
  try {
    return database.prepare(RECOUNT).all().filter((row) =>
      row.trials !== row.t || row.failures !== row.f || row.recoveries !== row.r ||
      Number(row.contradictions) < Number(row.c)
    );
  } finally {
    database.close();
  }
}

Deno.test("reports over 100,000 results are what a count of all of them gives", async () => {
  await using store = Store.make();
  const ids = await makeHistory(
    join(store.path, "state/tractest/history.sqlite"),
    store.project.root,
    { tests: 250, runs: 400 },
  );
  assertEquals(await miscounted(store), []);
  const { value, trouble } = await readProject(store, store.project, (database, project) => ({
    runs: countRuns(database, project),
    newest: runsOf(database, project, { limit: 2, commit: null }).map((run) => run.id),
    atCommit: runsOf(database, project, { limit: 100, commit: "0".repeat(39) + "5" }).map((run) =>
      run.id
    ),
    failed: recordsOf(database, project, "failed"),
    of: resultsOf(database, project, ids[9]!, { limit: 1000, commit: null }),
    passes: recentPasses(database, project, {}, 9),
  }));
  assertEquals([trouble, value!.runs, value!.newest], [null, 400, ["run-000400", "run-000399"]]);
  assertEquals(value!.atCommit, ["run-000023", "run-000022", "run-000021", "run-000020"]);
  assertEquals(value!.of.length, 400);
  const record = value!.failed.find((one) => one.id === ids[9])!;
  assertEquals([record.trials, record.failures], [
    400,
    value!.of.filter((result) => result.outcome === "failed").length,
  ]);
  assert(record.failures > 0 && record.contradictions > 0);
  // Each tenth test fails at times, but those that the rule gives a share of nought.
  assert(value!.failed.every((one) => ids.indexOf(one.id) % 10 === 9));
  assertEquals([value!.passes.size, value!.passes.get(ids[0]!)!.map((pass) => pass.run)], [250, [
    400,
    399,
    398,
    397,
    396,
    395,
    394,
    393,
    392,
  ]]);
});

Deno.test("the history keeps no more runs than configured, none older than configured, and counts on correctly", async () => {
  await using store = Store.make();
  const limited = (history: Partial<typeof DEFAULT_CONFIGURATION.history>): Project => (
    {
      ...store.project,
      configuration: {
        ...DEFAULT_CONFIGURATION,
        history: { ...DEFAULT_CONFIGURATION.history, ...history },
      },
    }
  );
  const names = async () =>
    (await readProject(
      store,
      store.project,
      (database, id) => runsOf(database, id, { limit: 99, commit: null }).map((run) => run.id),
    )).value;
  const tests = { "t.py::a": [["passed", 1]], "t.py::b": [["failed", 1], ["passed", 1]] } as const;
  for (const id of ["r1", "r2", "r3", "r4"]) {
    await recordRun(store, store.printer, limited({ runs: 3 }), resultsWith({ id, tests }));
  }
  assertEquals(await names(), ["r4", "r3", "r2"]);
  assertEquals(await miscounted(store), []);
  assertEquals(
    (await testRecords(store, store.project, ["t.py::b"])).get("t.py::b")?.recoveries,
    3,
  );
  await recordRun(
    store,
    store.printer,
    limited({ runs: 3 }),
    resultsWith({ id: "old", tests, started: Date.now() / 1000 - 100 * 86_400 }),
  );
  assertEquals(await names(), ["old", "r4", "r3"]);
  await recordRun(store, store.printer, limited({ days: 99 }), resultsWith({ id: "r5", tests }));
  assertEquals(await names(), ["r5", "r4", "r3"]);
  await recordRun(
    store,
    store.printer,
    limited({ megabytes: 0.001 }),
    resultsWith({ id: "r6", tests }),
  );
  assertEquals([await names(), store.terminal.stderr.text], [["r6"], ""]);
  assertEquals(await miscounted(store), []);
});

Deno.test("what is removed makes the file smaller, and a large removal is done in parts", async () => {
  await using store = Store.make();
  const file = join(store.path, "state/tractest/history.sqlite");
  await makeHistory(file, store.project.root, { tests: 250, runs: 400 });
  const before = (await Deno.stat(file)).size;
  const project = {
    ...store.project,
    configuration: { ...DEFAULT_CONFIGURATION, history: { runs: 10, days: 999, megabytes: 999 } },
  };
  await recordRun(store, store.printer, project, resultsWith({ tests: {} }));
  const { value } = await readProject(store, store.project, countRuns);
  assert(value! > 300 && value! < 400, `${value} runs`);
  for (let round = 0; round < 30; round++) {
    await recordRun(store, store.printer, project, resultsWith({ tests: {} }));
  }
  assertEquals((await readProject(store, store.project, countRuns)).value, 10);
  assert((await Deno.stat(file)).size < before / 4);
  assertEquals(await miscounted(store), []);
});

Deno.test("several processes that record at once lose nothing and wait for each other", async () => {
  await using store = Store.make();
  const script = `
import { Store } from ${JSON.stringify(new URL("./store.ts", import.meta.url).href)};
const store = new Store(Deno.args[0]);
for (let run = 0; run < 12; run++) {
  await store.record({ id: Deno.args[1] + run, commit: "c" + run, tests: { "t.py::a": [[run % 2 ? "passed" : "failed", 1]], ["t.py::" + Deno.args[1]]: [["passed", 1]] } });
}
if (store.terminal.stderr.text) throw new Error(store.terminal.stderr.text);
`;
  const file = join(store.path, "writer.ts");
  await Deno.writeTextFile(file, script);
  const map = import.meta.resolve("@std/cli").includes("/scripts/offline/")
    ? ["--import-map=scripts/offline/import_map.json"]
    : [];
  const outcomes = await Promise.all(
    ["w", "x", "y", "z"].map((name) =>
      new Deno.Command(Deno.execPath(), {
        args: ["run", "-A", "--no-check", "--no-lock", ...map, file, store.path, name],
        cwd: new URL("../..", import.meta.url).pathname,
        stdout: "null",
        stderr: "piped",
      }).output()
    ),
  );
  for (const { code, stderr } of outcomes) {
    assertEquals([code, code === 0 ? "" : new TextDecoder().decode(stderr)], [0, ""]);
  }
  assertEquals((await readProject(store, store.project, countRuns)).value, 48);
  assertEquals((await testRecords(store, store.project, ["t.py::a"])).get("t.py::a")?.trials, 48);
  assertEquals(await miscounted(store), []);
});
