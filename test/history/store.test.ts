import { join } from "@std/path";
import { holdRun } from "../../lib/background/run_directory.ts";
import { durationsOf, expectedDurations, testRecords } from "../../lib/history/project_history.ts";
import { recentPasses, resultsOf, runsOf } from "../../lib/history/queries.ts";
import { RunDraft } from "../../lib/history/record.ts";
import { showTest } from "../../lib/history/show.ts";
import { EVENTS_SCHEMA } from "../../lib/pytest/events.ts";
import { assert, assertEquals } from "../assert.ts";
import { eventsWith, resultsWith, Store } from "./store.ts";

const ALL = { limit: 1000, commit: null };

Deno.test("recording a run twice records it and its tests once", async () => {
  await using store = Store.make();
  const run = {
    id: "one",
    tests: {
      "tests/test_a.py::test_x": [["failed", 1], ["passed", 2]],
      "tests/test_a.py::test_y": [["skipped", 0]],
    },
  } as const;
  await store.record(run);
  await store.record(run);
  assertEquals(store.terminal.stderr.text, "");
  const value = await store.read((database, project) => ({
    runs: runsOf(database, project, ALL),
    x: resultsOf(database, project, "tests/test_a.py::test_x", ALL),
  }));
  assertEquals(
    value!.runs.map((run) => [run.id, run.tests, run.failed, run.skipped, run.flaky]),
    [["one", 2, 0, 1, 1]],
  );
  assertEquals(value!.runs.map(({ commit, dirty }) => [commit, dirty]), [["c0ffee", false]]);
  const results = value!.x.map((
    { outcome, purpose, counts, seconds, message, errors },
  ) => [outcome, purpose, counts, seconds, message, errors]);
  assertEquals(results, [
    ["passed", "retry", false, 2, null, []],
    ["failed", "tests", true, 1, "boom", ["ValueError"]],
  ]);
});

Deno.test("a test's record has its trials and the evidence that it is flaky", async () => {
  await using store = Store.make();
  const id = "tests/test_a.py::test_x";
  await store.record({ commit: "a", tests: { [id]: [["passed", 1]] } });
  await store.record({ commit: "a", tests: { [id]: [["failed", 1]] } });
  await store.record({ commit: "b", dirty: true, tests: { [id]: [["failed", 1]] } });
  await store.record({ commit: "b", tests: { [id]: [["failed", 1], ["passed", 1]] } });
  await store.record({ commit: "c", transport: "uds", tests: { [id]: [["failed", 1]] } });
  await store.record({ commit: "c", tests: { [id]: [["passed", 1]] } });
  await store.record({ commit: "c", tests: { [id]: [["skipped", 1]] } });
  const record = await store.recordOf(id);
  assertEquals(record, {
    id,
    trials: 6,
    failures: 4,
    recoveries: 1,
    contradictions: 1,
    streak: 0,
    strained: 0,
  });
  await store.record({ commit: null, tests: { [id]: [["failed", 1]] } });
  await store.record({ commit: null, tests: { [id]: [["failed", 1]] } });
  assertEquals((await store.recordOf(id))?.streak, 2);
});

Deno.test("a run short of CPU gives no trials and no passes, drafted or not", async () => {
  await using store = Store.make();
  const id = "tests/test_a.py::test_x";
  await store.record({ tests: { [id]: [["passed", 1]] } });
  await store.record({ strained: true, tests: { [id]: [["failed", 9]] } });
  await store.record({ strained: true, tests: { [id]: [["passed", 8]] } });
  const draft = new RunDraft(store, store.project);
  const tests = { [id]: [["failed", 9]] } as const;
  draft.begin(resultsWith({ id: "drafted", ended: false, tests }));
  await draft.record(store.printer, resultsWith({ id: "drafted", strained: true, tests }));
  assertEquals(store.terminal.stderr.text, "");
  const record = (await store.recordOf(id))!;
  const { trials, failures, contradictions, strained } = record;
  assertEquals([trials, failures, contradictions, strained], [1, 0, 0, 3]);
  const value = await store.read((database, project) => ({
    runs: runsOf(database, project, ALL).map((run) => run.strained),
    all: recentPasses(database, project, {}, 9).get(id)!.map((pass) => pass.seconds),
    calm: recentPasses(database, project, {}, 9, { calm: true }).get(id)!.map((pass) =>
      pass.seconds
    ),
  }));
  assertEquals(value, { runs: [true, true, true, null], all: [8, 1], calm: [1] });
});

Deno.test("a failure short of CPU is shown as that, not as one of another test", async () => {
  await using store = Store.make();
  const id = "tests/test_a.py::test_x";
  await store.record({ strained: true, tests: { [id]: [["failed", 9]] } });
  const results = await store.read((database, project) => resultsOf(database, project, id, ALL));
  showTest(store.printer, (await store.recordOf(id))!, results!, ALL);
  const [line] = store.terminal.stdout.text.split("\n").filter((each) => each.includes("boom"));
  assert(line!.endsWith("boom (short of CPU)"), line);
});

Deno.test("durations are medians of passes, of the given transport if any", async () => {
  await using store = Store.make();
  for (let run = 0; run < 12; run++) {
    await store.record({
      tests: {
        "t.py::a": [["passed", run]],
        "t.py::b": [["failed", 9]],
        "t.py::c": [["passed", 5]],
      },
    });
  }
  await store.record({ transport: "uds", tests: { "t.py::a": [["passed", 100]] } });
  assertEquals(
    await durationsOf(store, store.project, { transport: null, backend: null }),
    new Map([["t.py::a", 7], ["t.py::c", 5]]),
  );
  assertEquals(
    await durationsOf(store, store.project, { transport: "uds", backend: null }),
    new Map([["t.py::a", 100], ["t.py::c", 5]]),
  );
});

Deno.test("a test without a pass is expected to take as long as it took last", async () => {
  await using store = Store.make();
  const tests = {
    "t.py::a": [["passed", 1]],
    "t.py::b": [["failed", 9]],
    "t.py::c": [["skipped", 0]],
  } as const;
  await store.record({ tests });
  await store.record({ tests: { "t.py::a": [["failed", 20]], "t.py::b": [["failed", 8]] } });
  assertEquals(
    await expectedDurations(store, store.project, {}),
    new Map([["t.py::a", 1], ["t.py::b", 8], ["t.py::c", 0]]),
  );
});

Deno.test("without a history there are no durations, no records and no file", async () => {
  await using store = Store.make();
  assertEquals([
    (await durationsOf(store, store.project)).size,
    (await testRecords(store, store.project, ["x"])).size,
  ], [0, 0]);
  assertEquals([...Deno.readDirSync(store.path)].length, 0);
  await store.record({ tests: {} });
  const other = new Store(store.path, "/somewhere/else");
  assertEquals([(await durationsOf(other, other.project)).size, store.terminal.stderr.text], [
    0,
    "",
  ]);
});

/** The recorded runs, as other connections see them. */
async function onRecord(store: Store): Promise<unknown[]> {
  const value = await store.read((database, project) => runsOf(database, project, ALL));
  return (value ?? []).map(({ id, tests, passed, exitCode }) => [id, tests, passed, exitCode]);
}

Deno.test("a drafted run appears when it is over, complete and with its end", async () => {
  await using store = Store.make();
  await store.record({ id: "before" });
  const run = {
    id: "one",
    root: store.project.root,
    tests: { "t.py::a": [["passed", 1]], "t.py::b": [["passed", 2]] },
  } as const;
  const draft = new RunDraft(store, store.project);
  draft.begin(resultsWith({ ...run, ended: false }));
  assertEquals(await onRecord(store), [["before", 0, 0, 0]]);
  await draft.record(store.printer, resultsWith(run));
  assertEquals(await onRecord(store), [["one", 2, 2, 0], ["before", 0, 0, 0]]);
  const value = await store.read((database, project) =>
    resultsOf(database, project, "t.py::b", ALL)
  );
  assertEquals(value!.map(({ outcome, seconds, counts }) => [outcome, seconds, counts]), [[
    "passed",
    2,
    true,
  ]]);
  assertEquals(store.terminal.stderr.text, "");
});

Deno.test("results that came after the draft are recorded too", async () => {
  await using store = Store.make();
  const one = { id: "one", root: store.project.root };
  const draft = new RunDraft(store, store.project);
  draft.begin(resultsWith({ ...one, tests: { "t.py::a": [["failed", 1]] }, ended: false }));
  await draft.record(
    store.printer,
    resultsWith({ ...one, tests: { "t.py::a": [["failed", 1], ["passed", 1]] } }),
  );
  assertEquals(
    (await store.recordOf("t.py::a"))?.recoveries,
    1,
  );
  assertEquals([await onRecord(store), store.terminal.stderr.text], [[["one", 1, 1, 0]], ""]);
});

Deno.test("a dropped draft leaves nothing, and a draft waits for no lock", async () => {
  await using store = Store.make();
  await store.record({ id: "before" });
  const results = resultsWith({
    id: "one",
    root: store.project.root,
    tests: { "t.py::a": [["passed", 1]] },
  });
  const dropped = new RunDraft(store, store.project);
  dropped.begin(results);
  await dropped.drop();
  assertEquals(await onRecord(store), [["before", 0, 0, 0]]);
  const other = await store.files.openDatabase(join(store.path, "state/tractest/history.sqlite"), {
    readOnly: false,
    waitMs: 0,
  });
  other.exec("begin immediate");
  const draft = new RunDraft(store, store.project);
  draft.begin(results);
  // If it had waited, it would be there once the other connection is gone.
  await draft.drop();
  other.exec("rollback");
  other.close();
  assertEquals(await onRecord(store), [["before", 0, 0, 0]]);
  await draft.record(store.printer, results);
  assertEquals([await onRecord(store), store.terminal.stderr.text], [[["one", 1, 1, 0], [
    "before",
    0,
    0,
    0,
  ]], ""]);
});

Deno.test("the database is private", async () => {
  await using store = Store.make();
  await store.record({});
  const { mode } = await Deno.stat(join(store.path, "state/tractest/history.sqlite"));
  assert((mode! & 0o077) === 0, `mode ${mode!.toString(8)}`);
});

const [KILLED, NONSENSE, ALIVE, STRANGE] = [1, 2, 3, 4].map((second) =>
  `20260101-00000${second}-0000`
) as [string, string, string, string];

Deno.test("the next run records killed runs once, but no live ones", async () => {
  await using store = Store.make();
  const runs = join(store.path, "state/tractest/runs");
  const leave = async (id: string, events: readonly unknown[]) => {
    await store.files.makeDirectory(join(store.path, "state/tractest"));
    await store.files.makeDirectory(runs);
    await Deno.mkdir(join(runs, id));
    await Deno.writeTextFile(
      join(runs, id, "events.jsonl"),
      events.map((event) => `${JSON.stringify({ schema: EVENTS_SCHEMA, ...event as object })}\n`)
        .join(""),
    );
  };
  const run = {
    root: store.project.root,
    commit: "a",
    dirty: false,
    transport: null,
    ended: false,
    started: Date.now() / 1000,
  } as const;
  await leave(KILLED, [
    ...eventsWith({
      ...run,
      id: KILLED,
      tests: { "t.py::a": [["passed", 1]], "t.py::b": [["begun", 0]] },
    }),
    null,
  ]);
  await leave(NONSENSE, [
    ...eventsWith({ ...run, id: NONSENSE, tests: {} }),
    { event: "test-start", id: "t.py::a", time: 1 },
    {
      event: "report",
      id: "t.py::a",
      time: 1,
      phase: "call",
      outcome: "failed",
      category: "failed",
      message: 7,
    },
  ]);
  await leave(
    ALIVE,
    eventsWith({ ...run, id: ALIVE, tests: { "t.py::a": [["failed", 1]] } }),
  );
  await leave(
    STRANGE,
    eventsWith({ ...run, id: STRANGE, tests: { "t.py::a[\0\ud800'\"]": [["passed", 1]] } }),
  );
  const hold = await holdRun(store, join(runs, ALIVE));
  // A lock is not seen by its own process, so another one has to record.
  const script = `
import { Store } from ${JSON.stringify(import.meta.resolve("./store.ts"))};
const store = new Store(Deno.args[0]);
await store.record({ id: "5-next" });
await store.record({ id: "6-next" });
console.log(store.terminal.stderr.text);
`;
  await Deno.writeTextFile(join(store.path, "next.ts"), script);
  const map = import.meta.resolve("@std/cli").includes("/scripts/offline/")
    ? ["--import-map=scripts/offline/import_map.json"]
    : [];
  const { code, stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", "--no-lock", ...map, join(store.path, "next.ts"), store.path],
    cwd: new URL("../..", import.meta.url).pathname,
  }).output();
  hold?.release();
  assertEquals([code, new TextDecoder().decode(stdout).trim()], [0, ""]);
  const value = await store.read((database, project) => runsOf(database, project, ALL));
  assertEquals(value!.map(({ id, ending, tests }) => [id, ending, tests]), [
    ["6-next", null, 0],
    ["5-next", null, 0],
    [STRANGE, "killed", 1],
    // Without its invalid line.
    [NONSENSE, "killed", 1],
    [KILLED, "killed", 2],
  ]);
  assertEquals((await testRecords(store, store.project, ["t.py::a", "t.py::b"])).size, 2);
});
