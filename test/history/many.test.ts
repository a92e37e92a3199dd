import { join } from "@std/path";
import {
  countRuns,
  recentPasses,
  recordsOf,
  resultsOf,
  runsOf,
} from "../../lib/history/queries.ts";
import { recordRun } from "../../lib/history/record.ts";
import { DEFAULT_CONFIGURATION } from "../../lib/project/configuration.ts";
import type { Project } from "../../lib/project/project.ts";
import { assert, assertEquals } from "../assert.ts";
import { makeHistory } from "./made.ts";
import { resultsWith, Store } from "./store.ts";

/** The totals of each test as recorded, and as a count of its results gives them. */
const RECOUNT = `
select
  name, trials, failures, recoveries, contradictions,
  ifnull(sum(counts), 0) as t, ifnull(sum(counts and red), 0) as f, ifnull(sum(recovered), 0) as r,
  (
    select count(*) from (
      select 1 from result as one join run on run.id = one.run
      where one.test = test.id and counts and conditions is not null
      group by conditions having min(red) < max(red)
    )
  ) as c
from test left join result on result.test = test.id group by test.id
`;

/**
 * Tests whose totals differ from a recount. More contradictions may be on record than counted: one
 * of their runs may have been removed.
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

Deno.test("reports over 100,000 results equal a count of all of them", async () => {
  await using store = Store.make();
  const ids = await makeHistory(
    join(store.path, "state/tractest/history.sqlite"),
    store.project.root,
    { tests: 250, runs: 400 },
  );
  assertEquals(await miscounted(store), []);
  const value = await store.read((database, project) => ({
    runs: countRuns(database, project),
    newest: runsOf(database, project, { limit: 2, commit: null }).map((run) => run.id),
    atCommit: runsOf(database, project, { limit: 100, commit: "0".repeat(39) + "5" }).map((run) =>
      run.id
    ),
    failed: recordsOf(database, project, "failed"),
    of: resultsOf(database, project, ids[9]!, { limit: 1000, commit: null }),
    passes: recentPasses(database, project, {}, 9),
  }));
  assertEquals([value!.runs, value!.newest], [400, ["run-000400", "run-000399"]]);
  assertEquals(value!.atCommit, ["run-000023", "run-000022", "run-000021", "run-000020"]);
  assertEquals(value!.of.length, 400);
  const record = value!.failed.find((one) => one.id === ids[9])!;
  const failed = value!.of.filter((result) => result.outcome === "failed");
  assertEquals([record.trials, record.failures], [400, failed.length]);
  assert(record.failures > 0 && record.contradictions > 0);
  // Only each tenth test ever fails, and some of these never do.
  assert(value!.failed.every((one) => ids.indexOf(one.id) % 10 === 9));
  assertEquals(value!.passes.size, 250);
  const runs = value!.passes.get(ids[0]!)!.map((pass) => pass.run);
  assertEquals(runs, [400, 399, 398, 397, 396, 395, 394, 393, 392]);
});

Deno.test("the history keeps to its configured limits, with correct totals", async () => {
  await using store = Store.make();
  const limited = (history: Partial<typeof DEFAULT_CONFIGURATION.history>): Project => {
    const limits = { ...DEFAULT_CONFIGURATION.history, ...history };
    return { ...store.project, configuration: { ...DEFAULT_CONFIGURATION, history: limits } };
  };
  const names = async () =>
    await store.read((database, id) =>
      runsOf(database, id, { limit: 99, commit: null }).map((run) => run.id)
    );
  const tests = { "t.py::a": [["passed", 1]], "t.py::b": [["failed", 1], ["passed", 1]] } as const;
  for (const id of ["r1", "r2", "r3", "r4"]) {
    await recordRun(store, store.printer, limited({ runs: 3 }), resultsWith({ id, tests }));
  }
  assertEquals(await names(), ["r4", "r3", "r2"]);
  assertEquals(await miscounted(store), []);
  assertEquals(
    (await store.recordOf("t.py::b"))?.recoveries,
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

Deno.test("removing runs makes the file smaller, and many are removed in parts", async () => {
  await using store = Store.make();
  const file = join(store.path, "state/tractest/history.sqlite");
  await makeHistory(file, store.project.root, { tests: 250, runs: 400 });
  const before = (await Deno.stat(file)).size;
  const project = {
    ...store.project,
    configuration: { ...DEFAULT_CONFIGURATION, history: { runs: 10, days: 999, megabytes: 999 } },
  };
  await recordRun(store, store.printer, project, resultsWith({ tests: {} }));
  const value = await store.read(countRuns);
  assert(value! > 300 && value! < 400, `${value} runs`);
  for (let round = 0; round < 30; round++) {
    await recordRun(store, store.printer, project, resultsWith({ tests: {} }));
  }
  assertEquals(await store.read(countRuns), 10);
  assert((await Deno.stat(file)).size < before / 4);
  assertEquals(await miscounted(store), []);
});

Deno.test("processes that record at once wait for each other and lose nothing", async () => {
  await using store = Store.make();
  const script = `
import { Store } from ${JSON.stringify(import.meta.resolve("./store.ts"))};
const [path, name] = Deno.args;
const store = new Store(path);
for (let run = 0; run < 12; run++) {
  const outcome = run % 2 ? "passed" : "failed";
  const tests = { "t.py::a": [[outcome, 1]], ["t.py::" + name]: [["passed", 1]] };
  await store.record({ id: name + run, commit: "c" + run, tests });
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
  assertEquals(await store.read(countRuns), 48);
  assertEquals((await store.recordOf("t.py::a"))?.trials, 48);
  assertEquals(await miscounted(store), []);
});
