import { join } from "@std/path";
import { assert, assertEquals, assertIncludes } from "../assert.ts";
import { pytestSuite, type Suite } from "./suites.ts";

/**
 * Fails if another copy runs at the same time: they share a file outside of their namespaces.
 * Alone it waits until its deadline and passes.
 */
const CONTENDS = `
import os, time
def test_contends():
    lock, seen = os.environ["SUITE"] + "/lock", os.environ["SUITE"] + "/seen"
    try:
        os.close(os.open(lock, os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        open(seen, "w").close()
        raise
    deadline = time.monotonic() + 5
    while not os.path.exists(seen) and time.monotonic() < deadline: time.sleep(0.01)
    if os.path.exists(seen): os.remove(seen)
    os.remove(lock)
`;

async function stress(suite: Suite, ...words: readonly string[]) {
  const { code, stdout, stderr } = await suite.tractest([
    "stress",
    ...words,
    "--no-preflight",
    "--json",
  ]);
  assert(stdout.startsWith("{"), stdout + stderr);
  return { code, stderr, document: JSON.parse(stdout) };
}

Deno.test(
  "a test that fails only with a copy of itself is found, with its rate and traceback",
  async () => {
    await using suite = await pytestSuite({ "test_a.py": CONTENDS });
    const { code, document, stderr } = await stress(
      suite,
      "test_a.py::test_contends",
      "--copies",
      "2",
      "--rounds",
      "2",
      "--baseline",
    );
    assert(document.tests, JSON.stringify(document));
    const [test, ...more] = document.tests;
    assertEquals(more, []);
    assertEquals([code, test.id, test.trials, test.failures, test.rate], [
      1,
      "tests/test_a.py::test_contends",
      4,
      2,
      0.5,
    ], stderr);
    assertEquals(test.interval.map((value: number) => value.toFixed(2)), ["0.15", "0.85"]);
    assertEquals([test.alone.trials, test.alone.failures, test.contention], [4, 0, null]);
    assertIncludes(test.first.traceback, "FileExistsError");
    assertEquals([test.first.round, document.rounds, document.copies, document.isolated], [
      1,
      2,
      2,
      true,
    ]);
    assertIncludes(await Deno.readTextFile(document.log), "FileExistsError");
    assertIncludes(stderr, "round 2 of 2: 1 of 2 tries failed (");
  },
);

Deno.test(
  "a file that can't be collected and a copy that dies before its tests are reported",
  async () => {
    await using suite = await pytestSuite({
      "test_a.py": "def test_a(): pass\n",
      "test_b.py": "import nothing_of_that_name\n",
    });
    const broken = await stress(suite, "test_a.py", "test_b.py", "--copies", "2", "--rounds", "1");
    const message =
      "tests/test_b.py could not be collected: ModuleNotFoundError: No module named " +
      "'nothing_of_that_name'";
    assertEquals(
      [broken.code, broken.document.problems],
      [1, [{ message, times: 2 }]],
      broken.stderr,
    );
    await suite.write({
      "tests/conftest.py": `
import os, signal
def pytest_collection_finish(session):
    try:
        os.close(os.open(os.environ["SUITE"] + "/first", os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        os.kill(os.getpid(), signal.SIGKILL)
`,
    });
    const dead = await stress(suite, "test_a.py", "--copies", "2", "--rounds", "1");
    assertEquals([dead.code, dead.document.problems], [1, [{
      message: "pytest was ended by SIGKILL, before its session was over",
      times: 1,
    }]], dead.stderr);
    assertIncludes(dead.stderr, "round 1 of 1: 0 of 1 try failed, 1 of 2 pytests did not finish (");
  },
);

Deno.test(
  "each copy has its own registry port and its leaks are reported; exit code 0 means " +
    "that none failed",
  async () => {
    await using suite = await pytestSuite({
      "test_a.py": `
import socket, subprocess, sys, pytest
@pytest.mark.parametrize("n", ["a -> b", "[::]"])
def test_binds(n):
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 1616))
        listener.listen()
    argv = [sys.executable, "-c", "import time; time.sleep(60)"]
    child = subprocess.Popen(argv, stdin=subprocess.PIPE)
    child.returncode = 0
def test_skipped(): pytest.skip("not here")
`,
    });
    const { code, document, stderr } = await stress(
      suite,
      "test_a.py",
      "--copies",
      "3",
      "--rounds",
      "1",
    );
    assertEquals(code, 0, stderr);
    const shown = document.tests.map((
      test: Record<string, unknown> & { leaks: { trials: number } },
    ) => [test.id, test.trials, test.failures, test.leaks.trials]);
    assertEquals(shown, [["tests/test_a.py::test_binds[a -> b]", 3, 0, 3], [
      "tests/test_a.py::test_binds[[::]]",
      3,
      0,
      3,
    ]]);
    assertEquals([document.log, document.interrupted], [null, false]);
    // The recorded failures of the run are not those of its copies.
    assertEquals(
      await Deno.stat(join(suite.root, ".pytest_cache/v/cache/lastfailed")).catch(() => null),
      null,
    );
  },
);

Deno.test(
  "--until-fail stops after the first round with a failure, such as a copy that hangs",
  async () => {
    await using suite = await pytestSuite({
      "test_a.py": `
import os, time
def test_hangs_once():
    path = os.environ["SUITE"] + "/seen"
    if os.path.exists(path): time.sleep(600)
    open(path, "w").close()
`,
    });
    const words = [
      "test_a.py",
      "--copies",
      "1",
      "--rounds",
      "50",
      "--until-fail",
      "--timeout",
      "4",
      "--grace",
      "0.5",
    ];
    const { code, document, stderr } = await stress(suite, ...words);
    assertEquals([code, document.rounds, document.tests[0].failures, document.tests[0].trials], [
      1,
      2,
      1,
      2,
    ], stderr);
    assertEquals(
      document.tests[0].first.message,
      "still running when its copy was ended after 4 s",
    );
  },
);

Deno.test("several copies without isolation are refused with 83; one is not", async () => {
  await using suite = await pytestSuite({ "test_a.py": "def test_a(): pass\n" });
  const refused = await suite.tractest(["stress", "test_a.py", "--no-preflight", "--no-isolate"]);
  assertEquals(refused.code, 83);
  assertIncludes(refused.stderr, "4 copies at once need ports of their own");
  const alone = await suite.tractest([
    "stress",
    "test_a.py",
    "--no-preflight",
    "--no-isolate",
    "--copies",
    "1",
    "--rounds",
    "2",
  ]);
  assertEquals(alone.code, 0, alone.stderr);
  assertIncludes(
    alone.stdout,
    "passed tests/test_a.py::test_a: 0 of 2 failed, 0% (0-66%), alone\n",
  );
  const wrong = await suite.tractest(["stress", "test_a.py", "--copies", "0"]);
  assertEquals(wrong.code, 64);
});

Deno.test("an interrupt shows the results so far", async () => {
  await using suite = await pytestSuite({
    "test_a.py": `
import os, time
def test_a():
    path = os.environ["SUITE"] + "/seen"
    if not os.path.exists(path):
        open(path, "w").close()
        assert False, "the first one"
    open(os.environ["SUITE"] + "/reached", "w").close()
    time.sleep(600)
`,
  });
  const running = suite.start([
    "stress",
    "test_a.py",
    "--copies",
    "1",
    "--rounds",
    "9",
    "--no-preflight",
  ]);
  await running.until("round 1 of 9");
  while (await Deno.stat(join(suite.path, "reached")).catch(() => null) === null) {
    await new Promise((done) => setTimeout(done, 20));
  }
  running.child.kill("SIGINT");
  const { code, stdout, stderr } = await running.ended;
  assertEquals(code, 130, stderr);
  assertIncludes(stdout, "FAILED tests/test_a.py::test_a: 1 of 1 failed, 100% (21-100%), alone\n");
  assertIncludes(stdout, "interrupted, so far: 1 of 1 test failed in 1 round of 1 copy");
});
