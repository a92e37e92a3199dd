import { assert, assertEquals, assertIncludes } from "../assert.ts";
import { ISOLATED, pytestSuite } from "./suites.ts";
import { tractest } from "./tractest.ts";

const RUN = ["run", "--no-preflight", "--no-defaults"];

Deno.test("an option without its value takes no target and no option as its value", async () => {
  await using suite = await pytestSuite({ "test_a.py": "def test_a(): pass\n" });
  for (
    const [words, option] of [[["-k"], "-k"], [["-xk"], "-k"], [["test_a", "--tb"], "--tb"], [[
      "--",
      "-x",
      "-m",
    ], "-m"], [["--matrix", "--junit", "r.xml"], "--matrix"]] as const
  ) {
    const { code, stderr } = await suite.tractest(["run", ...words]);
    assertEquals(code, 64, stderr);
    assertIncludes(stderr, `error: Option "${option}" needs a value`);
  }
  assertEquals((await suite.tractest([...RUN, "-k", "test_a"])).code, 0);
});

Deno.test("the same file for --events and --junit is refused, however it is spelled", async () => {
  await using suite = await pytestSuite({ "test_a.py": "def test_a(): pass\n" });
  const { code, stderr } = await suite.tractest([...RUN, "--events", "out", "--junit", "./out"]);
  assertEquals(code, 64);
  assertIncludes(stderr, '"--events" and "--junit" both name "./out"');
  assertEquals(
    (await suite.tractest([...RUN, "--events", "/dev/null", "--junit", "/dev/null"])).code,
    0,
  );
});

Deno.test(
  "the dry run shows which shard runs, and that there is no virtual environment yet",
  async () => {
    await using suite = await pytestSuite({ "test_a.py": "def test_a(): pass\n" });
    const dry = (...words: string[]) => suite.tractest(["run", "--dry-run", ...words]);
    const shard = await dry("--shard", "2/3");
    assertEquals([shard.stdout, shard.stderr], [
      "py310/bin/python -m pytest -x --tb=short --no-header tests/\n",
      "runs part 2 of 3 of the collected tests\n",
    ]);
    const last = await dry("--lf");
    assertEquals([last.stdout, last.stderr], [
      "py310/bin/python -m pytest -x --tb=short --no-header --lf\n",
      "",
    ]);
    await Deno.remove(`${suite.root}/py310`);
    assertIncludes((await dry()).stderr, "no virtual environment yet");
  },
);

Deno.test({
  name: "registries = [] means that no registry is checked, and changes nothing else",
  ignore: ISOLATED === null,
  fn: async () => {
    await using suite = await pytestSuite({ "test_a.py": "def test_a(): pass\n" });
    const configuration =
      '[tool.pytest.ini_options]\ntestpaths = ["tests"]\n[tool.tractest]\nregistries = []\n';
    await suite.write({ "pyproject.toml": configuration, "tractor/__init__.py": "" });
    for (
      const words of [["run"], ["run", "--isolate"], ["run", "--jobs", "2"], ["zombies"], [
        "zombies",
        "--kill",
      ], ["hang"]]
    ) {
      const { code, stdout, stderr } = await suite.tractest(words);
      assertEquals(code, 0, stdout + stderr);
    }
    const { checks } = JSON.parse((await suite.tractest(["doctor", "--json"])).stdout);
    const row = checks.find((check: { id: string }) => check.id === "registry");
    assertEquals([row.status, row.detail], ["skipped", "none is configured: registries = []"]);
  },
});

Deno.test(
  "below a path that is not UTF-8 one sentence reports that, without " +
    "a stack trace",
  async () => {
    await using suite = await pytestSuite({ "test_a.py": "def test_a(): pass\n" });
    const wrap = ["sh", "-c", `d=$(printf 'nu\\351'); mkdir -p "$d" && cd "$d" && exec "$@"`, "sh"];
    for (const command of ["run", "failed", "doctor", "zombies"]) {
      const { code, stderr } = await tractest([command], { cwd: suite.path, wrap });
      assertEquals(code, 80, stderr);
      assertIncludes(stderr, "error: The path of the working directory is not UTF-8");
      assert(!/bug|\bat file:/.test(stderr), stderr);
    }
  },
);

/** Three tests that fail for one cause, one that fails for its own, and some that pass. */
const ALIKE = `
import socket
def connect():
    socket.create_connection(("127.0.0.1", 9))
def test_one(): connect()
def test_two(): connect()
def test_three(): connect()
def test_own():
    print("what it printed")
    assert [1, 2, 3] == [1, 2]
def test_passes(): pass
`;

Deno.test("--ui agent shows each failure once, those of one cause together", async () => {
  await using suite = await pytestSuite({ "test_a.py": ALIKE });
  const words = ["run", "--no-preflight", "--no-defaults"];
  const asked = await suite.tractest([...words, "--ui", "agent"]);
  const byVariable = await suite.tractest(words, { TRACTEST_UI: "agent" });
  for (const { code, stdout } of [asked, byVariable]) {
    assertEquals(code, 1, stdout);
    assert(stdout.length < 3000, `${stdout.length} characters`);
    for (const name of ["one", "two", "three", "own"]) {
      assertEquals(stdout.split(`FAILED tests/test_a.py::test_${name} at `).length, 2, stdout);
    }
    assertIncludes(stdout, "all 3 of one cause: ConnectionRefusedError");
    assertIncludes(stdout, "rerun: tractest run tests/test_a.py::test_own\n");
    assertIncludes(stdout, "what it printed");
    assert(/\n4 failed, 1 passed in [\d.]+ s\n$/.test(stdout), stdout);
  }
  const short = await suite.tractest([...words, "--ui", "agent", "--limit", "600"]);
  assert(short.stdout.length <= 600, short.stdout);
  assert(/\n4 failed, 1 passed in [\d.]+ s\n$/.test(short.stdout), short.stdout);
  const { code, stderr } = await suite.tractest(words, { TRACTEST_UI: "agnet" });
  assertEquals(code, 64, stderr);
  assertIncludes(stderr, "it takes one of: agent,");
});
