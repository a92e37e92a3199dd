import { assert, assertEquals, assertIncludes } from "../assert.ts";
import { pytestSuite, type Suite } from "./suites.ts";

const RUN = ["run", "--no-preflight", "--no-defaults"];

/** Short defaults: a limit of one second, and three seconds in which no test finishes. */
async function impatient(tests: Readonly<Record<string, string>>): Promise<Suite> {
  const limits =
    "[tool.tractest]\ntime-limit-full = 1\ntime-limit-file = 1\ntime-limit-quiet = 3\n";
  const suite = await pytestSuite(tests);
  return await suite.write({
    "pyproject.toml": `[tool.pytest.ini_options]\ntestpaths = ["tests"]\n${limits}`,
  });
}

Deno.test("the default time limit does not end a run while tests and fixtures finish", async () => {
  await using suite = await impatient({
    "test_a.py": `
import time, pytest

@pytest.fixture(scope="session")
def first():
    time.sleep(1.6)
    yield
    time.sleep(1.6)

@pytest.fixture(scope="module")
def second(first):
    time.sleep(1.6)
    yield
    time.sleep(1.6)

@pytest.mark.parametrize("n", range(3))
def test_a(n, second):
    time.sleep(0.6)
`,
  });
  const { code, stdout, stderr } = await suite.tractest(RUN);
  assertEquals(code, 0, stdout + stderr);
  assertIncludes(
    stderr,
    "time limit of 1 s reached, but tests still finish: the run continues until none has " +
      "finished for 3 s; --timeout sets a hard limit",
  );
});

Deno.test(
  "at the default time limit a run ends once nothing finishes any more, with the " +
    "hanging test and the progress",
  async () => {
    await using suite = await impatient({
      "test_a.py":
        "import time\ndef test_a(): time.sleep(0.5)\ndef test_b(): time.sleep(0.9)\ndef " +
        "test_c(): time.sleep(600)\n",
    });
    const { code, stdout, stderr } = await suite.tractest(RUN);
    assertEquals(code, 124, stdout + stderr);
    assertIncludes(stderr, "time limit of 1 s reached, and nothing has finished for 3 s");
    assertIncludes(
      stderr,
      "hint: 2 of 3 tests had finished; for more time: --timeout DURATION, 0 for no limit",
    );
    assertIncludes(stdout + stderr, "test_c");
    const document = JSON.parse((await suite.tractest([...RUN, "--json"])).stdout);
    assert(document.hang !== null, "the hang is examined");
  },
);

Deno.test(
  "--timeout always ends the run, and a test that merely ran at that " +
    "time is no hang",
  async () => {
    await using suite = await impatient({
      "test_a.py":
        "import time, pytest\n@pytest.mark.parametrize('n', range(50))\ndef test_a(n): " +
        "time.sleep(0.3)\n",
    });
    const { code, stdout, stderr } = await suite.tractest([...RUN, "--timeout", "3", "--json"]);
    assertEquals(code, 124, stdout + stderr);
    assertEquals(JSON.parse(stdout).hang, null);
    assert(
      /hint: \d+ of 50 tests had finished; for more time: --timeout DURATION/.test(stderr),
      stderr,
    );
  },
);
