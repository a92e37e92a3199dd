import { join } from "@std/path";
import { assert, assertEquals, assertIncludes } from "../assert.ts";
import { ISOLATED, pytestSuite, type Suite, UNHURRIED } from "./suites.ts";

// Several pytests at once are isolated from each other.
const ignore = ISOLATED === null;
const JOBS = ["run", "--no-preflight", "--no-defaults", "--jobs", "2"];

/** A test about a suite with these files, where pytests can be isolated from each other. */
function withSuite(
  name: string,
  files: Readonly<Record<string, string>>,
  body: (suite: Suite) => Promise<void>,
): void {
  Deno.test({
    name,
    ignore,
    fn: async () => {
      await using suite = await pytestSuite(files);
      await body(suite);
    },
  });
}

/**
 * Eight tests that sleep, in two files, one of which has a fixture of the module for three of them.
 */
const SLEEPERS = {
  "test_a.py": `
import os, time, pytest
@pytest.fixture(scope="module")
def server():
    open(os.environ["SUITE"] + f"/server-{os.getpid()}", "w").close()
    yield
@pytest.mark.parametrize("n", range(3))
def test_shared(server, n): time.sleep(0.05)
@pytest.mark.parametrize("n", range(3))
def test_own(n): time.sleep(0.1)
`,
  "test_b.py": `
import os, time, socket
def test_port_one():
    with socket.create_server(("127.0.0.1", 1616)): time.sleep(0.5)
def test_port_two():
    with socket.create_server(("127.0.0.1", 1616)): time.sleep(0.5)
`,
};

withSuite(
  "--jobs runs each test once: those that share a fixture in one process, on the same " +
    "port in each shard",
  SLEEPERS,
  async (suite) => {
    const { code, stdout, stderr } = await suite.tractest([...JOBS, "--json"]);
    assertEquals(code, 0, stdout + stderr);
    const { counts, jobs, balance } = JSON.parse(stdout);
    assertEquals([counts.passed, counts.failed, jobs, balance.predicted], [8, 0, 2, null]);
    const servers = [...Deno.readDirSync(suite.path)].filter(({ name }) =>
      name.startsWith("server-")
    );
    assertEquals(servers.length, 1);
    const again = await suite.tractest(JOBS);
    assertEquals(again.code, 0, again.stdout + again.stderr);
    await suite.write({
      "tests/test_c.py":
        "import pytest\n@pytest.mark.parametrize('n', range(2))\ndef test_new(n): pass\n",
    });
    const partly = await suite.tractest(JOBS);
    assert(
      /^predicted \d+\.\d s \(80% of the tests were timed before\), took/m.test(partly.stdout),
      partly.stdout,
    );
    await suite.write({
      "tests/test_d.py":
        "import pytest\n@pytest.mark.parametrize('n', range(20))\ndef test_new(n): pass\n",
    });
    const hardly = await suite.tractest(JOBS);
    assert(/^33% of the tests were timed before, took/m.test(hardly.stdout), hardly.stdout);
    assert(
      /^predicted \d+\.\d s, took \d+\.\d s; longest shard \d\.\d\dx of the mean\n8 passed in /m
        .test(again.stdout),
      again.stdout,
    );
  },
);

/** Parameters whose ids are their repr with an address, which differs in each process. */
const ADDRESSED = {
  "test_a.py": `
import time, pytest
def one(): pass
@pytest.mark.parametrize("word", ["x", "y"], ids=lambda word: f"word={word}")
@pytest.mark.parametrize("run", [one, lambda: 1, lambda: 2], ids=repr)
def test_addressed(run, word): time.sleep(0.05)
@pytest.mark.parametrize("run", [one], ids=repr)
def test_fails(run): time.sleep(0.05); assert False
`,
};

withSuite(
  "a test whose id has an address is recognized in every pytest and run, and not " +
    "confused with another",
  ADDRESSED,
  async (suite) => {
    // A run that was short of CPU would not count.
    suite.through = UNHURRIED;
    const { code, stdout, stderr } = await suite.tractest([...JOBS, "--json"]);
    assertEquals(code, 1, stdout + stderr);
    const { counts, failures } = JSON.parse(stdout);
    assertEquals([counts.passed, counts.failed], [6, 1], stdout);
    assertEquals(failures.map(({ id }: { id: string }) => id), [
      "tests/test_a.py::test_fails[<function one at 0x…>]",
    ]);
    const alone = await suite.tractest(["run", "--no-preflight", "--no-defaults"]);
    assertEquals(alone.code, 1, alone.stdout + alone.stderr);
    const history = await suite.tractest(["history", "word=y", "--json"]);
    const tests: { test: string; trials: number }[] = JSON.parse(history.stdout).tests;
    const expected = [
      "<function <lambda> at 0x…2>",
      "<function <lambda> at 0x…>",
      "<function one at 0x…>",
    ];
    assertEquals(
      tests.map(({ test, trials }) => `${trials} ${test}`).sort(),
      expected.map((name) => `2 tests/test_a.py::test_addressed[${name}-word=y]`),
      history.stdout,
    );
  },
);

for (const version of ["6.2.*", "7.*", "8.*", "9.*"]) {
  Deno.test({
    name: "fixtures of a session and of a module are set up and torn down once in each pytest " +
      `that uses them, with pytest ${version}`,
    ignore,
    fn: async () => {
      const tests = `
import os, time, pytest
def say(text):
    path = f"{os.environ['SUITE']}/said-{os.environ['TRACTEST_SHARD']}"
    with open(path, "a") as file: file.write(text + "\\n")
@pytest.fixture(scope="module")
def server():
    say(f"{__name__} up"); yield; say(f"{__name__} down")
def test_one(server, whole): say("test"); time.sleep(0.3)
def test_two(server): say("test"); time.sleep(0.3)
def test_alone(whole): say("test"); time.sleep(0.1)
`;
      const conftest = `
import os, pytest
from test_a import say
@pytest.fixture(scope="session")
def whole():
    say("session up"); yield; say("session down " + os.environ["PYTEST_CURRENT_TEST"].split()[-1])
`;
      await using suite = await pytestSuite({
        "test_a.py": tests,
        "test_b.py": tests,
        "conftest.py": conftest,
      }, version);
      const { code, stdout } = await suite.tractest([...JOBS, "--json"]);
      const { counts } = JSON.parse(stdout);
      const said = [1, 2].map((shard) => {
        try {
          return Deno.readTextFileSync(join(suite.path, `said-${shard}`)).trim().split("\n");
        } catch {
          return [];
        }
      });
      assertEquals([code, counts.passed, said.flat().filter((line) => line === "test").length], [
        0,
        6,
        6,
      ], stdout);
      for (const lines of said.filter((lines) => lines.includes("session up"))) {
        // In the teardown of the last test, to which an error then belongs.
        assertEquals([lines.filter((line) => line === "session up").length, lines.at(-1)], [
          1,
          "session down (teardown)",
        ], lines.join("\n"));
        for (const name of ["test_a", "test_b"]) {
          const own = lines.filter((line) => line.startsWith(name)).join();
          assert(own === "" || own === `${name} up,${name} down`, lines.join("\n"));
        }
      }
    },
  });
}

for (const version of ["6.2.*", "9.*"]) {
  Deno.test({
    name: "test cases of unittest are shared, those with a setUpClass stay in one pytest, with " +
      `pytest ${version}`,
    ignore,
    fn: async () => {
      const tests = `
import os, time, unittest
class Bare(unittest.TestCase):
    def together_with(self, other):
        open(self.path(self._testMethodName), "w").close()
        deadline = time.monotonic() + 30
        while not os.path.exists(self.path(other)) and time.monotonic() < deadline: time.sleep(0.01)
        assert os.path.exists(self.path(other)), "it never ran at the same time"
    def path(self, name): return os.path.join(os.environ["SUITE"], name)
    def test_one(self): self.together_with("test_two")
    def test_two(self): self.together_with("test_one")
def made(cls):
    with open(os.environ["SUITE"] + "/made", "a") as file: file.write(cls.__name__ + "\\n")
class Prepared(unittest.TestCase):
    @classmethod
    def setUpClass(cls): made(cls)
    def test_one(self): time.sleep(0.1)
    def test_two(self): time.sleep(0.1)
    def test_three(self): time.sleep(0.1)
class Inherited(Prepared): pass
class Ended(unittest.TestCase):
    @classmethod
    def tearDownClass(cls): made(cls)
    def test_one(self): time.sleep(0.1)
    def test_two(self): time.sleep(0.1)
`;
      await using suite = await pytestSuite({ "test_a.py": tests }, version);
      const { code, stdout } = await suite.tractest([...JOBS, "--json"]);
      const { counts, contended } = JSON.parse(stdout);
      assertEquals([code, counts.passed, contended], [0, 10, []], stdout);
      const made = await Deno.readTextFile(join(suite.path, "made"));
      assertEquals(made.trim().split("\n").toSorted(), ["Ended", "Inherited", "Prepared"]);
    },
  });
}

withSuite(
  "a failure next to other tests is retried alone: CONTENTION if it passes then, else " +
    "red with its traceback",
  {
    "test_a.py": `
import os, socket, time
def test_slow(): time.sleep(0.8)
def test_contended():
    path = os.environ["SUITE"] + "/seen"
    time.sleep(0.2)
    if not os.path.exists(path):
        open(path, "w").close()
        assert False, "busy"
def test_bad():
    time.sleep(0.1)
    assert 1 == 2
def test_offline():
    time.sleep(0.1)
    socket.getaddrinfo("example.com", 80)
`,
  },
  async (suite) => {
    const { code, stdout, stderr } = await suite.tractest(JOBS);
    assertEquals(code, 1, stdout);
    assertIncludes(
      stdout,
      "CONTENTION tests/test_a.py::test_contended failed with others, passed alone: " +
        "AssertionError: busy\n    ",
    );
    assertIncludes(
      stdout,
      "if an earlier test is the cause, try tractest bisect " +
        "tests/test_a.py::test_contended\n",
    );
    assertIncludes(stdout, "FAILED 2 times tests/test_a.py::test_bad: assert 1 == 2");
    assertIncludes(stderr, "E       assert 1 == 2");
    assertIncludes(stderr, "not retried alone: tests/test_a.py::test_offline (an isolated ");
    assertIncludes(stdout, "FAILED tests/test_a.py::test_offline: socket.gaierror: [Errno -2]");
    assertIncludes(stdout, "2 failed, 2 passed in ");
    assertEquals(await lastFailed(suite), [
      "tests/test_a.py::test_bad",
      "tests/test_a.py::test_offline",
    ]);
  },
);

/**
 * `test_quick` and `test_slow` run at the same time; `test_slow` ends only when yet another pytest
 * has collected.
 */
const OVERLAPPING = {
  "test_a.py": `
import os, time
def until(name):
    while not os.path.exists(os.environ["SUITE"] + "/" + name): time.sleep(0.01)
def note(name): open(os.environ["SUITE"] + "/" + name, "w").close()
def test_quick():
    until("slow-began")
    note("quick-ran")
    assert "FAILS" not in os.environ
`,
  "test_b.py": `
from test_a import note, until
def test_slow():
    note("slow-began")
    until("next-collected")
def test_alone(): pass
`,
  "conftest.py": `
import os
def pytest_collection_finish(session):
    path = os.environ["SUITE"] + "/"
    if os.path.exists(path + "quick-ran"): open(path + "next-collected", "w").close()
`,
};
const ALONE_TABLE = '[tool.tractest]\nalone = ["tests/test_b.py::test_alone"]\n';

for (
  const { purpose, fails, table, verdict } of [
    { purpose: "retry", fails: true, table: "", verdict: "1 failed, 2 passed in " },
    { purpose: "alone", fails: false, table: ALONE_TABLE, verdict: "3 passed in " },
  ]
) {
  withSuite(
    `a pytest of purpose ${purpose} starts while others run their last tests, its test after them`,
    OVERLAPPING,
    async (suite) => {
      const ini = '[tool.pytest.ini_options]\ntestpaths = ["tests"]\n';
      await suite.write({ "pyproject.toml": ini + table });
      const path = join(suite.path, "events");
      const { stdout } = await suite.tractest(
        [...JOBS, "--timeout=60", "--events", path],
        fails ? { FAILS: "1" } : {},
      );
      assertIncludes(stdout, verdict);
      const events = (await Deno.readTextFile(path)).trim().split("\n").map((line) =>
        JSON.parse(line)
      );
      const next = events.find((event) => event.purpose === purpose).session;
      const begins = events.find(({ event, session }) =>
        event === "test-start" && session === next
      );
      const others = events.filter(({ session }) => session !== undefined && session !== next);
      assert(others.every(({ time }) => time <= begins.time), JSON.stringify([begins, others]));
      assertEquals(events.filter(({ event }) => event === "session-finish").length, 3);
    },
  );
}

withSuite(
  "no other pytest starts for the test that has just ended the one that runs alone",
  {
    "test_a.py": "def test_a(): pass\n",
    "test_b.py": "import time\ndef test_hangs(): time.sleep(600)\n",
  },
  async (suite) => {
    const table = '[tool.tractest]\nalone = ["tests/test_b.py"]\n';
    await suite.write({ "pyproject.toml": `[tool.pytest.ini_options]\n${table}` });
    const path = join(suite.path, "events");
    const { code, stdout } = await suite.tractest([...JOBS, "--test-timeout=1", "--events", path]);
    assertEquals(code, 1, stdout);
    const purposes = (await Deno.readTextFile(path)).trim().split("\n")
      .map((line) => JSON.parse(line)).filter(({ event }) => event === "session-begin")
      .map(({ purpose }) => purpose);
    assertEquals(purposes, ["shard", "shard", "alone"]);
  },
);

withSuite(
  "of failures with one cause the others are retried only if the first one passes alone",
  {
    "test_a.py": `
import os, pytest, time
@pytest.mark.parametrize("n", range(12))
def test_contended(n):
    path = os.environ["SUITE"] + "/seen%d" % n
    time.sleep(0.1)
    if not os.path.exists(path):
        open(path, "w").close()
        raise ValueError("port %d is taken" % n)
@pytest.mark.parametrize("n", range(12))
def test_broken(n):
    time.sleep(0.1)
    raise OSError("disk %d is gone" % n)
`,
  },
  async (suite) => {
    const { code, stdout, stderr } = await suite.tractest(JOBS);
    assertEquals(code, 1, stdout);
    assertEquals(stdout.match(/^CONTENTION \S+test_contended/gm)?.length, 12, stdout);
    assertIncludes(stdout, "12 failed, 12 passed in ");
    assertEquals(stderr.match(/^ +OSError: disk \d+ is gone$/gm)?.length, 13, stderr);
    const cause = "tests\\/test_a\\.py::test_broken\\[\\d+\\]";
    assert(
      new RegExp(`^not retried alone: 1\\d more tests with the cause of ${cause}, `, "m")
        .test(stderr),
      stderr,
    );
  },
);

withSuite(
  "of more failures than are tried again, one is: if it passes alone, the order may be the cause",
  {
    "test_a.py": `
import pytest
seen = []
@pytest.mark.parametrize("n", range(60))
def test_needs_a_new_process(n):
    seen.append(n)
    assert len(seen) == 1
`,
    "test_b.py": "def test_red(): assert 1 == 2\n",
  },
  async (suite) => {
    const { code, stdout, stderr } = await suite.tractest(JOBS);
    assertEquals(code, 1, stdout);
    assert(
      /^[56]\d failures are too many to be flaky, but tests\/test_a\.py::\S+ passed when it ran/m
        .test(stdout + stderr),
      stdout + stderr,
    );
    const contended = stdout.match(/^CONTENTION .*/gm) ?? [];
    assertEquals(contended.length, 1, stdout);
  },
);

withSuite("a run whose only failure was contention is green, but not under --strict", {
  "test_a.py": `
import os, time
def test_slow(): time.sleep(0.6)
def test_contended():
    path = os.environ["SUITE"] + "/seen"
    if not os.path.exists(path):
        open(path, "w").close()
        time.sleep(0.2)
        assert False, "busy"
`,
}, async (suite) => {
  const { code, stdout } = await suite.tractest([...JOBS, "--strict", "--json"]);
  assertEquals([code, JSON.parse(stdout).contended], [84, ["tests/test_a.py::test_contended"]]);
  await Deno.remove(join(suite.path, "seen"));
  assertEquals((await suite.tractest(JOBS)).code, 0);
});

withSuite("a test with contention in two runs runs alone in the next", {
  "test_a.py": `
import os, time, pytest
@pytest.mark.parametrize("n", range(6))
def test_crowd(n):
    time.sleep(0.1)
    # Somebody is there while the timid one runs.
    path = os.environ["SUITE"] + "/tried"
    while n == 0 and "FAILS" in os.environ and not os.path.exists(path): time.sleep(0.01)
def test_timid():
    path = os.environ["SUITE"] + "/tried"
    if "FAILS" in os.environ and not os.path.exists(path):
        open(path, "w").close()
        assert False, "somebody is there"
`,
}, async (suite) => {
  for (let round = 0; round < 2; round++) {
    const { contended } = JSON.parse(
      (await suite.tractest([...JOBS, "--json"], { FAILS: "1" })).stdout,
    );
    assertEquals(contended, ["tests/test_a.py::test_timid"]);
    await Deno.remove(join(suite.path, "tried"));
  }
  const events = join(suite.path, "events");
  assertEquals((await suite.tractest([...JOBS, "--events", events])).code, 0);
  const written = (await Deno.readTextFile(events)).trim().split("\n").map((line) =>
    JSON.parse(line)
  );
  const alone = written.find(({ event, purpose }) =>
    event === "session-begin" && purpose === "alone"
  ).session;
  assertEquals(
    written.filter(({ event, session }) => event === "test-start" && session === alone).map((
      { id },
    ) => id),
    [
      "tests/test_a.py::test_timid",
    ],
  );
});

withSuite("tests that run alone keep pytest's order, however long they took", {
  "test_a.py": "def test_a(): pass\n",
  "test_alone.py": `
import time
def test_first(): time.sleep(0.1)
def test_second(): time.sleep(0.3)
def test_third(): time.sleep(0.2)
`,
}, async (suite) => {
  const pyproject = join(suite.root, "pyproject.toml");
  await Deno.writeTextFile(pyproject, 'alone = ["tests/test_alone.py"]\n', { append: true });
  const events = join(suite.path, "events");
  for (let round = 0; round < 2; round++) {
    assertEquals((await suite.tractest([...JOBS, "--events", events])).code, 0);
  }
  const written = (await Deno.readTextFile(events)).trim().split("\n").map((line) =>
    JSON.parse(line)
  );
  const started = written.filter(({ event }) => event === "test-start").map(({ id }) => id);
  assertEquals(
    started.filter((id: string) => id.includes("alone")).map((id: string) => id.slice(21)),
    ["test_first", "test_second", "test_third"],
  );
  // Their pytest collects nothing else.
  assertEquals(written.findLast(({ event }) => event === "collected").count, 3);
});

Deno.test({
  name: "with -x the first failure that stays stops all shards; one that was contention does not",
  ignore,
  fn: async () => {
    const tests = `
import os, time, pytest
def test_fails():
    path = os.environ["SUITE"] + "/seen"
    if not os.path.exists(path):
        if "ONCE" in os.environ: open(path, "w").close()
        time.sleep(0.3)
        assert False, "busy"
@pytest.mark.parametrize("n", range(20))
def test_later(n): time.sleep(0.1)
`;
    await using suite = await pytestSuite({ "test_a.py": tests });
    const stopped = JSON.parse((await suite.tractest([...JOBS, "-x", "--json"])).stdout);
    assertEquals([stopped.exitCode, stopped.counts.failed], [1, 1]);
    assert(stopped.counts.passed < 20);
    const flaky = JSON.parse(
      (await suite.tractest([...JOBS, "-x", "--json"], { ONCE: "1" })).stdout,
    );
    assertEquals([flaky.exitCode, flaky.counts.passed, flaky.counts.failed, flaky.contended], [
      0,
      21,
      0,
      ["tests/test_a.py::test_fails"],
    ]);
  },
});

withSuite("tests that are configured to run alone run while no others do", {
  "test_a.py": `
import os, time, pytest
HERE = os.environ["SUITE"]
@pytest.mark.parametrize("n", range(6))
def test_crowd(n):
    path = f"{HERE}/busy-{n}"
    open(path, "w").close(); time.sleep(0.15); os.remove(path)
@pytest.mark.parametrize("n", range(2))
def test_timing(n):
    assert not [name for name in os.listdir(HERE) if name.startswith("busy-")]
`,
}, async (suite) => {
  await suite.write({
    "pyproject.toml":
      '[tool.pytest.ini_options]\ntestpaths = ["tests"]\n[tool.tractest]\nalone = ' +
      '["tests/*.py::test_timing"]\n',
  });
  const { code, stdout, stderr } = await suite.tractest([...JOBS, "--json"]);
  assertEquals(code, 0, stdout + stderr);
  assertEquals([JSON.parse(stdout).counts.passed, JSON.parse(stdout).flaky], [8, []]);
});

withSuite(
  "tests that hang or crash pytest stop no shard, and are retried alone",
  {
    "test_a.py": `
import os, time, pytest
def test_hangs(): time.sleep(600)
def test_crashes(): os._exit(3)
@pytest.mark.parametrize("n", range(20))
def test_fine(n): time.sleep(0.05)
`,
  },
  async (suite) => {
    const { code, stdout } = await suite.tractest([...JOBS, "--test-timeout", "1", "--json"]);
    const { counts, timeouts, failures } = JSON.parse(stdout);
    assertEquals([code, counts.passed, counts.failed, timeouts], [1, 20, 2, [
      "tests/test_a.py::test_hangs",
    ]], stdout);
    assertEquals(failures.length, 2);
    assertEquals(await lastFailed(suite), [
      "tests/test_a.py::test_crashes",
      "tests/test_a.py::test_hangs",
    ]);
  },
);

withSuite("tests that each pytest collects differently are reported, not lost", {
  "test_a.py": `
import os, time, pytest
PREFIX = f"of-{os.environ['TRACTEST_SHARD']}-{time.time_ns()}"
@pytest.mark.parametrize("name", [f"{PREFIX}-{n}" for n in range(4)])
def test_it(name): time.sleep(0.3)
`,
}, async (suite) => {
  const { code, stdout } = await suite.tractest(JOBS);
  assertEquals(code, 1, stdout);
  assert(
    /\d collected tests? never ran, tests\/test_a\.py::test_it\[of-\S+ first: /.test(stdout) &&
      stdout.includes("another pytest did not collect them"),
    stdout,
  );
});

withSuite(
  "a test that was ended or ended its pytest next to others, and passes alone, is " +
    "contention too",
  {
    "test_a.py": `
import os, signal, time, pytest
def first(name):
    path = f"{os.environ['SUITE']}/{name}"
    if os.path.exists(path): return False
    open(path, "w").close()
    return True
def test_hangs_once():
    if first("hung"): time.sleep(600)
def test_crashes_once():
    if first("crashed"): time.sleep(0.3); os.kill(os.getpid(), signal.SIGKILL)
@pytest.mark.parametrize("n", range(12))
def test_fine(n): time.sleep(0.2)
`,
  },
  async (suite) => {
    const { code, stdout } = await suite.tractest([...JOBS, "--test-timeout", "1", "--json"]);
    const { counts, contended } = JSON.parse(stdout);
    assertEquals(
      [code, counts.passed, contended.toSorted()],
      [0, 14, ["tests/test_a.py::test_crashes_once", "tests/test_a.py::test_hangs_once"]],
      stdout,
    );
  },
);

withSuite("a test that only one of the pytests collects is reported", {
  "test_a.py": `
import os, time, pytest
@pytest.mark.parametrize("n", range(4))
def test_fine(n): time.sleep(0.2)
if os.environ["TRACTEST_SHARD"] == "2":
    time.sleep(0.7)
    def test_extra(): assert False
`,
}, async (suite) => {
  const { code, stdout } = await suite.tractest(JOBS);
  assertEquals(code, 1, stdout);
  assertIncludes(
    stdout,
    "1 collected test never ran, tests/test_a.py::test_extra first: another pytest " +
      "did not collect them",
  );
});

withSuite("pytests that exit with 0 during collection are not green", {
  "test_a.py": "import os\nos._exit(0)\n",
}, async (suite) => {
  const { code, stdout } = await suite.tractest(JOBS);
  assertEquals(code, 1, stdout);
  assertIncludes(stdout, "pytest ended with exit code 0 before its session was over");
});

withSuite("--jobs reports an error in collection once, and runs nothing", {
  "test_a.py": "def test_a(): pass\n",
  "test_b.py": "import nothing_of_that_name\n",
}, async (suite) => {
  const { code, stdout, stderr } = await suite.tractest(JOBS);
  assertEquals(code, 2, stdout);
  assertEquals(stderr.split("ERROR tests/test_b.py").length, 2, stderr);
  assertIncludes(stdout, "1 error, 1 not run in ");
});

Deno.test(
  "--jobs is refused with pytest's own -n, with a debugger, and where nothing " +
    "separates the shards",
  async () => {
    await using suite = await pytestSuite({ "test_a.py": "def test_a(): pass\n" });
    const refused = async (...args: string[]) => {
      const { code, stderr } = await suite.tractest([
        "run",
        "--no-preflight",
        "--jobs",
        "2",
        ...args,
      ]);
      return [code, stderr.split("\n").find((line) => line.startsWith("error:"))];
    };
    assertEquals(await refused("-n", "4"), [
      64,
      'error: "--jobs" does not go with "-n": pytest-xdist would start its workers in each shard',
    ]);
    assertEquals(await refused("--basetemp=x"), [
      64,
      'error: "--jobs" does not go with "--basetemp": each shard would empty that directory',
    ]);
    const [code, message] = await refused("--no-isolate");
    assertEquals(code, 83);
    assertIncludes(
      String(message),
      "2 pytests at once would use the same ports: they are not isolated",
    );
    assertEquals((await suite.tractest(["run", "--jobs", "0"])).code, 64);
  },
);

Deno.test("without isolation each shard gets its own registry address", async () => {
  await using suite = await pytestSuite({
    "test_a.py": `
import os, time
def test_a():
    open(os.environ["SUITE"] + "/" + os.environ["TRACTEST_REGISTRY"], "w").close()
    time.sleep(0.5)
def test_b(): test_a()
`,
  });
  await suite.write({
    "pyproject.toml":
      '[tool.pytest.ini_options]\ntestpaths = ["tests"]\n[tool.tractest]\njob-registries = ' +
      '["127.0.0.1:16161", "127.0.0.1:16162"]\n',
  });
  const { code, stdout, stderr } = await suite.tractest([...JOBS, "--no-isolate"]);
  assertEquals(code, 0, stdout + stderr);
  for (const address of ["127.0.0.1:16161", "127.0.0.1:16162"]) {
    await Deno.stat(join(suite.path, address));
  }
});

Deno.test("--lf with several pytests runs the tests that failed last", { ignore }, async () => {
  await using suite = await pytestSuite({
    "test_a.py":
      "import pytest\n@pytest.mark.parametrize('n', range(6))\ndef test_it(n): assert n " +
      "not in (2, 4)\n",
  });
  assertEquals((await suite.tractest(JOBS)).code, 1);
  const { code, stdout } = await suite.tractest([...JOBS, "--lf", "--json"]);
  assertEquals([code, JSON.parse(stdout).counts.failed, JSON.parse(stdout).counts.passed], [
    1,
    2,
    0,
  ]);
});

Deno.test(
  "the shards 1/3 to 3/3 together run each test once, and merge combines them into one " +
    "run",
  async () => {
    await using suite = await pytestSuite({
      ...SLEEPERS,
      "test_c.py": "def test_bad(): assert 1 == 2\n",
    });
    const [option, rerun] = [join(suite.root, "pytest.ini"), "[pytest]\naddopts = --lf\n"];
    await Deno.writeTextFile(option, rerun);
    for (const shard of ["1/3", "2/3", "3/3"]) {
      const { code, stdout, stderr } = await suite.tractest([
        "run",
        "--no-preflight",
        "--shard",
        shard,
        "--events",
        `../${shard[0]}.jsonl`,
        "-q",
      ]);
      assert(code <= 1, stdout + stderr);
      assertIncludes(stderr, '"--lf" (addopts in pytest.ini) is overridden: a shard is');
    }
    const files = ["../1.jsonl", "../2.jsonl", "../3.jsonl"];
    const outputs = [
      "--durations",
      "../durations.json",
      "--junit",
      "../report.xml",
      "--events",
      "../all.jsonl",
    ];
    const merged = await suite.tractest(["merge", ...files, ...outputs, "--record", "--json"]);
    const document = JSON.parse(merged.stdout);
    assertEquals(
      [merged.code, document.counts.passed, document.counts.failed],
      [1, 8, 1],
      merged.stdout + merged.stderr,
    );
    assertEquals([document.missing, document.unfinished, document.duplicates, document.problems], [
      [],
      [],
      [],
      [],
    ]);
    assertEquals(document.failures.map(({ id }: { id: string }) => id), [
      "tests/test_c.py::test_bad",
    ]);
    assertIncludes(await Deno.readTextFile(join(suite.path, "report.xml")), 'tests="9"');
    // No other file is overwritten, a pipe stays a pipe, and errors are reported before the run.
    await suite.write({ "notes.txt": "mine" });
    for (const option of ["--events", "--durations", "--junit"]) {
      const refused = await suite.tractest(["merge", ...files, option, "notes.txt"]);
      assertEquals([refused.code, refused.stdout], [64, ""], refused.stderr);
      const pipe = join(suite.path, `pipe${option}`);
      assert((await new Deno.Command("mkfifo", { args: [pipe] }).output()).success);
      const reader = new Deno.Command("cat", { args: [pipe], stdout: "piped" }).output();
      assertEquals((await suite.tractest(["merge", ...files, option, pipe])).code, 1);
      assert((await reader).stdout.length > 0 && (await Deno.stat(pipe)).isFifo);
    }
    assertEquals((await suite.tractest(["merge", ...files, ".."])).code, 64);
    // Their durations balance the next division.
    const { seconds } = JSON.parse(await Deno.readTextFile(join(suite.path, "durations.json")));
    assertEquals(Object.keys(seconds).length, 9);
    const again = await suite.tractest([
      "run",
      "--no-preflight",
      "--shard",
      "1/2",
      "--durations-from",
      "../durations.json",
      "--events",
      "../b.jsonl",
    ]);
    assert(again.code <= 1, again.stderr);
    const mixed = await suite.tractest(["merge", "../1.jsonl", "../b.jsonl"]);
    assertIncludes(
      mixed.stderr,
      "warning: they are parts of 3 and of 2: give the files of one run only",
    );
    const short = await suite.tractest(["merge", "../1.jsonl", "../1.jsonl", "--json"]);
    const { missing, unfinished, duplicates } = JSON.parse(short.stdout);
    assertEquals([missing, unfinished.length > 0, duplicates.length > 0], [[2, 3], true, true]);
    assert(short.code === 82 || short.code === 1);
  },
);

withSuite(
  "a retry collects each test once, also where the targets stand after --",
  { "a/test_a.py": "def test_bad(): assert False\n", "test_b.py": "def test_good(): pass\n" },
  async (suite) => {
    const { stdout, stderr } = await suite.tractest([
      ...JOBS,
      "--json",
      "--",
      "tests/a",
      "tests/test_b.py",
    ]);
    const { counts: { passed, failed }, failures } = JSON.parse(stdout);
    assertEquals([passed, failed, failures.length], [1, 1, 1], stdout + stderr);
  },
);

async function lastFailed(suite: Suite): Promise<string[]> {
  return Object.keys(
    JSON.parse(await Deno.readTextFile(join(suite.root, ".pytest_cache/v/cache/lastfailed"))),
  ).sort();
}

withSuite(
  "tests find no COVERAGE_FILE of a shard where coverage does not measure them",
  {
    "conftest.py": `
import os
class Measures: pass
def pytest_configure(config):
    if "MEASURED" in os.environ:
        config.pluginmanager.register(Measures(), "_cov")
`,
    "test_a.py": `
import os, pytest
@pytest.mark.parametrize("n", range(4))
def test_environment(n):
    name = os.environ.get("COVERAGE_FILE", "")
    measured = os.environ.get("MEASURED")
    assert name == "" if measured is None else name.startswith(measured)
`,
  },
  async (suite) => {
    const environments: Record<string, string>[] = [
      {},
      { MEASURED: ".coverage.shard-" },
      { MEASURED: "data.shard-", COVERAGE_FILE: "data" },
    ];
    for (const environment of environments) {
      const { code, stdout } = await suite.tractest(JOBS, environment);
      assertEquals(code, 0, stdout);
    }
  },
);
