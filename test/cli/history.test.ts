import { join } from "@std/path";
import { assert, assertEquals, assertIncludes } from "../assert.ts";
import { makeHistory } from "../history/made.ts";
import { ISOLATED, pytestSuite, pythonWithPytest, type Suite, UNHURRIED } from "./suites.ts";

const RUN = ["run", "--no-preflight", "--no-defaults"];

/** A suite with a history of 40 runs of 100 tests, some of which fail at times. */
async function remembered(): Promise<{ suite: Suite; ids: string[] }> {
  const suite = await pytestSuite({ "test_a.py": "def test_a(): pass\n" });
  const ids = await makeHistory(join(suite.path, "state/tractest/history.sqlite"), suite.root, {
    tests: 100,
    runs: 40,
  });
  return { suite, ids };
}

async function git(suite: Suite, ...args: string[]): Promise<void> {
  const identity = [
    "-c",
    "user.name=T",
    "-c",
    "user.email=t@example.org",
    "-c",
    "commit.gpgsign=false",
  ];
  const { success, stderr } = await new Deno.Command("git", {
    args: [...identity, ...args],
    cwd: suite.root,
  }).output();
  assert(success, new TextDecoder().decode(stderr));
}

Deno.test("history lists runs, newest first, up to a limit and of one commit", async () => {
  const { suite } = await remembered();
  await using _ = suite;
  const { code, stdout, stderr } = await suite.tractest(["history", "--limit", "3"]);
  assertEquals([code, stderr], [0, ""]);
  const [head, ...rows] = stdout.trimEnd().split("\n");
  assertEquals(head, "3 of 40 recorded runs, newest first:");
  assertEquals(rows.map((row) => row.trim().split(" ")[0]), [
    "run-000040",
    "run-000039",
    "run-000038",
  ]);
  assert(/ exit 0 +no tests ran +60\.0 s +00000000\+? /.test(`${rows[0]} `), rows[0]);
  const document = JSON.parse(
    (await suite.tractest(["history", "--json", "--commit", "0".repeat(39) + "5"])).stdout,
  );
  assertEquals([document.schema, document.recorded], ["tractest.history/1", 40]);
  assertEquals(document.runs.map(({ id }: { id: string }) => id), [
    "run-000023",
    "run-000022",
    "run-000021",
    "run-000020",
  ]);
  assertEquals(
    document.runs.map((
      { dirty, exitCode, transport }: Record<string, unknown>,
    ) => [dirty, exitCode, transport])[0],
    [true, 0, null],
  );
});

Deno.test(
  "history shows the rate and outcomes of one test, or of all tests " +
    "that contain a word",
  async () => {
    const { suite, ids } = await remembered();
    await using _ = suite;
    const id = ids[29]!;
    const document = JSON.parse(
      (await suite.tractest(["history", id, "--json", "--limit", "100"])).stdout,
    );
    assertEquals([document.schema, document.test, document.trials, document.results.length], [
      "tractest.history/1",
      id,
      40,
      40,
    ]);
    const failures =
      document.results.filter(({ outcome }: { outcome: string }) => outcome === "failed").length;
    assertEquals([document.failures, document.rate], [failures, failures / 40]);
    assert(
      failures > 0 && document.interval[0] < document.rate && document.rate < document.interval[1],
    );
    const shown = await suite.tractest(["history", "test_00030", "--limit", "40"]);
    const lines = shown.stdout.trimEnd().split("\n");
    assertEquals(lines[0], id);
    assertIncludes(lines[1]!, `failed ${failures} of 40 recorded runs, `);
    assertEquals(
      lines.filter((line) => / failed .*trio\.TooSlowError$/.test(line)).length,
      failures,
    );
    const few = JSON.parse(
      (await suite.tractest(["history", id, "--json", "--limit", "1"])).stdout,
    );
    assertEquals([few.results.length, few.seconds], [1, document.seconds]);
    assertIncludes(
      (await suite.tractest(["history", "test_0002"])).stdout,
      "10 of 10 tests on record whose ids contain it:\n",
    );
  },
);

Deno.test("history lists the nearest names of an unknown test, and bounds --limit", async () => {
  const { suite } = await remembered();
  await using _ = suite;
  const { code, stderr } = await suite.tractest(["history", "tst_00077"]);
  assertEquals(code, 64);
  assertIncludes(stderr, "nearest: test_00077,");
  assertEquals((await suite.tractest(["history", "a", "b"])).code, 64);
  for (const limit of ["0", "x", "1001"]) {
    const refused = await suite.tractest(["history", "--limit", limit]);
    assertEquals([refused.code, refused.stderr], [
      64,
      `error: Option "--limit" does not take "${limit}"\nhint: it takes a count, from 1 to 1000\n`,
    ]);
  }
  const none = suite.environment({ XDG_STATE_HOME: join(suite.path, "none") });
  for (const command of ["history", "slow"]) {
    assertIncludes(
      (await suite.tractest([command], none)).stdout,
      "on record here yet: tractest run",
    );
  }
  assertEquals((await suite.tractest(["flaky"], none)).code, 0);
});

Deno.test("slow sorts by medians, and --regressed finds slower tests, but no noise", async () => {
  const { suite, ids } = await remembered();
  await using _ = suite;
  const { tests, recorded } = JSON.parse(
    (await suite.tractest(["slow", "--json", "--limit", "5"])).stdout,
  );
  assertEquals([tests.length, recorded], [5, 100]);
  const seconds = tests.map((test: { seconds: number }) => test.seconds);
  assertEquals(seconds, seconds.toSorted((a: number, b: number) => b - a));
  assertIncludes((await suite.tractest(["slow"])).stdout, "20 slowest of 100 tests on record");
  assertIncludes(
    (await suite.tractest(["slow", "--regressed"])).stdout,
    "No test became slower beyond noise: 100 compared.",
  );
  const script = `
import sqlite3, sys
with sqlite3.connect(sys.argv[1]) as database:
    database.execute('update result set seconds = seconds + 3 where test = 7 and run > 30')
`;
  const { success } = await new Deno.Command(await pythonWithPytest(), {
    args: ["-c", script, join(suite.path, "state/tractest/history.sqlite")],
  })
    .output();
  assert(success);
  const regressed = JSON.parse((await suite.tractest(["slow", "--regressed", "--json"])).stdout);
  assertEquals([
    regressed.schema,
    regressed.regressed.map(({ id }: { id: string }) => id),
    regressed.compared,
  ], ["tractest.slow/1", [ids[6]], 100]);
});

Deno.test("flaky shows recorded tests, worst first, and rates of known ones", async () => {
  const { suite, ids } = await remembered();
  await using _ = suite;
  const { measured, runs, tests } = JSON.parse((await suite.tractest(["flaky", "--json"])).stdout);
  assertEquals([runs, tests], [40, []], "no rows of its own in a project without tractor");
  assert(
    measured.length > 0 && measured.every(({ id }: { id: string }) => ids.indexOf(id) % 10 === 9),
    JSON.stringify(measured),
  );
  const rates = measured.map(({ rate }: { rate: number }) => rate);
  assertEquals(rates, rates.toSorted((a: number, b: number) => b - a));
  await suite.write({
    "pyproject.toml":
      '[tool.pytest.ini_options]\ntestpaths = ["tests"]\n[[tool.tractest.known-flaky]]\n' +
      'test = "test_001.py::test_00030"\nerror = "TooSlowError"\n',
  });
  const [own] = JSON.parse((await suite.tractest(["flaky", "--json"])).stdout).tests;
  assertEquals([own.record.trials, own.record.failures > 0], [40, true]);
  assertIncludes((await suite.tractest(["flaky"])).stdout, `failed ${own.record.failures} of 40, `);
});

Deno.test("a failure that passed at the same clean commit is marked, but stays red", async () => {
  await using suite = await pytestSuite({
    "test_a.py": "import os\ndef test_x(): assert 'FAIL' not in os.environ\n" +
      "def test_y(): assert 'ALL' not in os.environ\n",
  });
  // Runs that are short of CPU don't count.
  if (ISOLATED !== null) suite.through = UNHURRIED;
  await suite.write({ ".gitignore": "py3*\n.pytest_cache\n__pycache__\n" });
  await git(suite, "init", "-q");
  await git(suite, "add", "-A");
  await git(suite, "commit", "-qm", "all");
  for (let run = 0; run < 3; run++) assertEquals((await suite.tractest(RUN)).code, 0);
  const first = await suite.tractest(RUN, { FAIL: "1" });
  assertEquals(first.code, 1);
  assertIncludes(first.stdout, "FAILED tests/test_a.py::test_x: ");
  assertIncludes(first.stdout, "    never failed in 3 recorded runs\n");
  const second = await suite.tractest(RUN, { FAIL: "1" });
  assertEquals(second.code, 1);
  assertIncludes(second.stdout, "FAILED tests/test_a.py::test_x [flaky by record]: ");
  assertIncludes(
    second.stdout,
    "    failed 1 of 4 recorded runs, 25% (5-70%); passed and failed at the same clean commit\n",
  );
  const { code, stdout } = await suite.tractest([...RUN, "--json"], { FAIL: "1", ALL: "1" });
  assertEquals(code, 1);
  const rates = JSON.parse(stdout).failures.map((
    { id, known, rate }: Record<string, unknown>,
  ) => [id, known, rate]);
  assertEquals(rates.map(([id, known]: unknown[]) => [id, known]), [[
    "tests/test_a.py::test_x",
    null,
  ], ["tests/test_a.py::test_y", null]]);
  const { trials, failures, contradictions, streak, flaky } = rates[0][2];
  assertEquals({ trials, failures, contradictions, streak, flaky }, {
    trials: 5,
    failures: 2,
    contradictions: 1,
    streak: 2,
    flaky: true,
  });
  assertEquals([rates[1][2].failures, rates[1][2].flaky], [0, false]);
});

Deno.test("layout and affected show how many tests they have, and their duration", async () => {
  await using suite = await pytestSuite({
    "test_a.py": "def test_x(): pass\ndef test_y(): pass\n",
  });
  await suite.write({ ".gitignore": "py3*\n.pytest_cache\n__pycache__\n" });
  await git(suite, "init", "-q", "-b", "main");
  await git(suite, "add", "-A");
  await git(suite, "commit", "-qm", "all");
  assertEquals((await suite.tractest(RUN)).code, 0);
  assert(
    /tests\/test_a\.py +2 tests, 0\.\d\d s\n/.test((await suite.tractest(["layout"])).stdout),
  );
  await suite.write({ "tests/test_a.py": "def test_x(): pass\ndef test_y(): pass\n\n" });
  assert(
    /the test file itself changed \(2 tests, 0\.\d\d s\)\n/.test(
      (await suite.tractest(["affected"])).stdout,
    ),
  );
  const { targets } = JSON.parse((await suite.tractest(["affected", "--json"])).stdout);
  assertEquals(targets[0].recorded.tests, 2);
});
