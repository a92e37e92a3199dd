import { join } from "@std/path";
import { assert, assertEquals, assertIncludes } from "../assert.ts";
import { ISOLATED, pytestSuite, type Suite } from "./suites.ts";

const RUN = ["run", "--no-preflight", "--no-defaults"];
/** Ways to run the same tests; several pytests at once where they can be kept apart. */
const MODES = [
  [],
  ["--retries", "1"],
  ["--ui", "bar"],
  ["--shard", "1/1"],
  ...(ISOLATED === null ? [] : [["--jobs", "2"], ["--isolate"]]),
];

/**
 * The suite of a JUnit report: its counts, and of each test its name with the tags and messages of
 * what went wrong.
 */
const READER = `
import json, sys, xml.etree.ElementTree as tree
suite = tree.parse(sys.argv[1]).getroot()[0]
counts = {name: int(suite.get(name)) for name in ("tests", "failures", "errors", "skipped")}
def wrong_in(case):
    return [[one.tag, one.get("message")] for one in case if one.tag in ("failure", "error")]
wrong = [[case.get("name"), wrong_in(case)] for case in suite.iter("testcase")]
properties = [[one.get("name"), one.get("value")] for one in suite.iter("property")]
properties = [one for one in properties if "k" in one[0]]
json.dump({"counts": counts, "wrong": wrong, "properties": properties}, sys.stdout)
`;

interface Read {
  readonly counts: Readonly<Record<string, number>>;
  readonly wrong: readonly [string, [string, string][]][];
  readonly properties: readonly [string, string][];
}

async function readJunit(suite: Suite, name = "report.xml"): Promise<Read> {
  const { stdout } = await new Deno.Command("python3", {
    args: ["-c", READER, join(suite.root, name)],
    stderr: "inherit",
  }).output();
  return JSON.parse(new TextDecoder().decode(stdout));
}

Deno.test("fault 67: a process that exits with 0 does not hide a failure", async () => {
  const ends = "import atexit, os\natexit.register(os._exit, 0)\n";
  await using suite = await pytestSuite({ "test_a.py": `${ends}def test_a(): assert 0\n` });
  for (const mode of MODES) {
    const { code, stdout } = await suite.tractest([...RUN, ...mode]);
    assertEquals(code, 1, `${mode}\n${stdout}`);
    assertIncludes(stdout, "1 failed in ");
  }
  // Messages of the session itself count too.
  const conftest =
    "import pytest\n@pytest.hookimpl(tryfirst=True)\ndef pytest_sessionfinish(session): " +
    "session.exitstatus = 1\n";
  await suite.write({
    "tests/test_a.py": `${ends}def test_a(): pass\n`,
    "tests/conftest.py": conftest,
  });
  assertEquals((await suite.tractest(RUN)).code, 1);
});

Deno.test(
  "fault 68: a session that fails for a reason other than its tests is red in every " +
    "mode, with the reason",
  async () => {
    await using suite = await pytestSuite({
      "test_a.py": "def test_a(): pass\n",
      "conftest.py": "def pytest_unconfigure(): raise RuntimeError('too little was covered')\n",
    });
    for (const mode of [...MODES, ["--events", "../events.jsonl"]]) {
      const { code, stdout, stderr } = await suite.tractest([...RUN, ...mode]);
      assertEquals(code, 1, `${mode}\n${stdout}`);
      const workers = mode[0] === "--jobs" ? " (worker 1, worker 2)" : "";
      assertIncludes(
        stdout,
        `pytest${workers} exited with 1 although no test failed, after its session had ended ` +
          "with 0: RuntimeError: too little was covered: 1 passed in ",
      );
      assertIncludes(stdout + stderr, "in pytest_unconfigure");
    }
    const merged = await suite.tractest(["merge", "../events.jsonl"]);
    assertEquals(merged.code, 1);
    assertIncludes(merged.stdout, "although no test failed");
  },
);

Deno.test(
  "the line that says why a run is red although its tests passed stands in JSON, JUnit, the " +
    "events and the records, and the output of the pytest can be read",
  async () => {
    await using suite = await pytestSuite({
      "test_a.py": "def test_a(): pass\ndef test_b(): pass\n",
      "conftest.py": `
import os, signal, time
def pytest_sessionfinish(session):
    ran = [item.name for item in session.items if hasattr(item, "ran")]
    session.config.kills = "test_b" in ran
def pytest_runtest_teardown(item): item.ran = True
def pytest_unconfigure(config):
    print("the last words", flush=True)
    if config.kills:
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(60)
`,
    });
    const files = ["--junit", "../report.xml", "--events", "../events.jsonl"];
    for (const mode of MODES.filter((words) => words[0] === "--jobs" || words.length === 0)) {
      const run = await suite.tractest([...RUN, ...mode, "--json", ...files]);
      const { runId, exitCode, pytestExitCode, ending, reasons } = JSON.parse(run.stdout);
      assertEquals([run.code, exitCode, pytestExitCode], [143, 143, 143], run.stderr);
      const [reason] = reasons;
      const label = mode.length === 0 ? "" : ` (worker ${Number(reason.session) + 1})`;
      const line = `pytest${label} was ended by SIGTERM, after its session had ended with 0`;
      assertEquals([ending, reason.text, reasons.length], [line, line, 1]);
      assertIncludes(run.stderr, `${line}\n`);
      assertIncludes(run.stderr, `hint: its output: ${reason.see}\n`);
      const report = await Deno.readTextFile(join(suite.path, "report.xml"));
      assertIncludes(report, `<property name="ending" value="${line}"`);
      const events = await Deno.readTextFile(join(suite.path, "events.jsonl"));
      assertIncludes(events.trimEnd().split("\n").at(-1)!, `"ending":"${line}"`);
      assertIncludes((await suite.tractest(["status", runId])).stdout, line);
      assertIncludes((await suite.tractest(["history"])).stdout, line);
      const [, ...words] = reason.see.split(" ");
      assertIncludes((await suite.tractest(words)).stdout, "the last words\n");
    }
    for (const name of ["9", "../events", "cell1-0"]) {
      const missing = await suite.tractest(["logs", "--session", name]);
      assertEquals(missing.code, 64);
      assertIncludes(missing.stderr, `No output of a pytest "${name}" is kept`);
    }
  },
);

Deno.test(
  "fault 68: a failure that a plugin adds is not taken for a test that passed in a " +
    "retry",
  async () => {
    await using suite = await pytestSuite({
      "test_a.py": `
import os
def test_flaky():
    path = os.environ["SUITE"] + "/seen"
    if not os.path.exists(path):
        open(path, "w").close()
        assert False, "the first time"
`,
      "conftest.py": `
import os, pytest
@pytest.hookimpl(hookwrapper=True)
def pytest_runtestloop(session):
    first = not os.path.exists(os.environ["SUITE"] + "/seen")
    yield
    if first: session.testsfailed += 1
`,
    });
    const { code, stdout } = await suite.tractest([...RUN, "--retries", "1"]);
    assertEquals(code, 1, stdout);
    assertIncludes(stdout, "FLAKY 2/2 tests/test_a.py::test_flaky");
    assertIncludes(stdout, "pytest exited with 1 although no test failed");
  },
);

Deno.test(
  "a plugin's own exit code passes through, unless tractest gives it a meaning; --json " +
    "has the real one",
  async () => {
    const conftest = "import os\ndef pytest_sessionfinish(session): session.exitstatus = " +
      "int(os.environ['CODE'])\n";
    await using suite = await pytestSuite({
      "test_a.py": "def test_a(): pass\n",
      "conftest.py": conftest,
    });
    for (const [given, passed] of [[42, 42], [84, 1], [139, 1]] as const) {
      for (const mode of MODES.filter((words) => words[0] === "--jobs" || words.length === 0)) {
        const { code, stdout } = await suite.tractest([...RUN, ...mode, "--json"], {
          CODE: String(given),
        });
        assertEquals([code, JSON.parse(stdout).pytestExitCode], [passed, given], `${mode}`);
      }
    }
  },
);

Deno.test(
  "fault 69: a failed teardown of a shared fixture can't be retried away, and makes no " +
    "test flaky",
  async () => {
    await using suite = await pytestSuite({
      "test_a.py": `
import pytest
@pytest.fixture(scope="module")
def wide():
    yield
    pytest.fail("of the module")
def test_a(wide): pass
def test_b(): pass
`,
      "test_b.py": `
import os, pytest
@pytest.fixture(scope="class", params=[1, 2])
def wide(request):
    yield
    if request.param == 1: pytest.fail("of the class, in the setup of the next")
class TestClass:
    def test_a(self, wide): pass
`,
    });
    for (const mode of MODES) {
      const { code, stdout, stderr } = await suite.tractest([...RUN, ...mode]);
      assertEquals(code, 1, `${mode}\n${stdout}`);
      assert(!/FLAKY|CONTENTION/.test(stdout), stdout);
      if (mode[0] === "--retries") {
        assertIncludes(
          stderr,
          "not retried alone: tests/test_a.py::test_b, tests/test_b.py::TestClass::test_a[2]",
        );
      }
    }
    const { tests } = JSON.parse((await suite.tractest(["history", "test_b", "--json"])).stdout);
    for (const { failures } of tests) assertEquals(failures, 0);
  },
);

for (const version of ["6.2.*", "7.*", "9.*"]) {
  Deno.test(
    `with pytest ${version} a test is retried if its own fixture fails once in its ` +
      "teardown",
    async () => {
      await using suite = await pytestSuite({
        "test_a.py": `
import os, pytest
@pytest.fixture
def own():
    yield
    path = os.environ["SUITE"] + "/seen"
    if not os.path.exists(path):
        open(path, "w").close()
        raise RuntimeError("the first time")
@pytest.fixture(scope="module")
def wide(): yield
def test_a(wide, own): pass
`,
      }, version);
      const { code, stdout } = await suite.tractest([...RUN, "--retries", "1"]);
      assertEquals(code, 0, stdout);
      assertIncludes(stdout, "FLAKY 2/2 tests/test_a.py::test_a");
    },
  );
}

Deno.test(
  "fault 70: two tests with one id stay two, and the failure of one stays a failure",
  async () => {
    await using suite = await pytestSuite({
      "conftest.py": `
import pytest
def pytest_collect_file(parent, file_path):
    if file_path.suffix == ".yaml": return File.from_parent(parent, path=file_path)
class File(pytest.File):
    def collect(self):
        for word in self.path.read_text().split():
            item = Item.from_parent(self, name="case"); item.word = word; yield item
class Item(pytest.Item):
    def runtest(self): assert self.word == "ok"
    def reportinfo(self): return self.path, None, "x"
`,
      "a.yaml": "bad ok",
    });
    for (const mode of MODES) {
      const { code, stdout } = await suite.tractest([...RUN, ...mode, "--junit", "report.xml"]);
      assertEquals(code, 1, `${mode}\n${stdout}`);
      assertIncludes(stdout, "1 failed, 1 passed in ");
      assert(!/FLAKY|CONTENTION/.test(stdout), stdout);
      assertEquals((await readJunit(suite)).wrong.map(([name, wrong]) => [name, wrong.length]), [[
        "case",
        1,
      ], ["case", 0]]);
    }
  },
);

const HANGS_AFTER = `
import pytest, time
@pytest.fixture
def hangs():
    yield
    time.sleep(600)
def test_said(hangs): assert "why" == "lost"
def test_later(): pass
`;

for (const limit of ["--test-timeout", "--timeout"]) {
  Deno.test(
    `fault 71: a failure in the call is shown first everywhere if ${limit} ends the ` +
      "teardown",
    async () => {
      await using suite = await pytestSuite({ "test_a.py": HANGS_AFTER });
      const words = [
        ...RUN,
        limit,
        limit === "--timeout" ? "3" : "1",
        "--grace",
        "0.3",
        "--junit",
        "report.xml",
        "test_a",
      ];
      const { stdout } = await suite.tractest([...words, "--json"]);
      const { failures, counts, exitCode } = JSON.parse(stdout);
      assertEquals([exitCode, counts.failed, counts.errors, counts.notRun], [124, 1, 1, 1]);
      assertIncludes(failures[0].message, "'why' == 'lost'");
      const { wrong, counts: inJunit } = await readJunit(suite);
      const said = wrong.flatMap(([name, all]) =>
        all.map(([tag, message]) => [name, tag, message.split("\n")[0]!])
      );
      assertEquals(said.slice(0, 2).map(([name, tag]) => [name, tag]), [["test_said", "failure"], [
        "test_said",
        "error",
      ]]);
      assertIncludes(said[0]![2]!, "'why' == 'lost'");
      assert(/longer than 1 s|time limit of 3 s/.test(said[1]![2]!), said[1]![2]);
      assertEquals([said[2]![0], inJunit], ["test_later", {
        tests: 2,
        failures: 1,
        errors: 2,
        skipped: 0,
      }]);
      const shown = await suite.tractest(words);
      assertIncludes(
        shown.stdout,
        "FAILED tests/test_a.py::test_said: AssertionError: assert 'why' == 'lost'",
      );
      assertIncludes(shown.stdout, "1 failed, 1 error, 1 not run in ");
      assertIncludes((await suite.tractest(["history", "test_said"])).stdout, "'why' == 'lost'");
    },
  );
}

const INTERRUPTS = `
import os, pytest, signal, time
def test_a(): pass
def test_b():
    how = os.environ["HOW"]
    if how == "raise": raise KeyboardInterrupt
    if how == "group": os.killpg(0, signal.SIGINT); time.sleep(60)
    if how == "exit": pytest.exit("enough", returncode=7)
def test_c(): pass
`;

Deno.test(
  "fault 72: tests that an interruption prevented are errors with the true cause, " +
    "never passed",
  async () => {
    await using suite = await pytestSuite({ "test_a.py": INTERRUPTS });
    for (
      const [how, code, cause] of [["raise", 2, "KeyboardInterrupt"], [
        "group",
        2,
        "KeyboardInterrupt",
      ], ["exit", 7, "Exit: enough"]] as const
    ) {
      for (
        const mode of MODES.filter((one) =>
          one.length === 0 || one[0] === (how === "raise" ? "--ui" : "--jobs")
        )
      ) {
        const ran = await suite.tractest([...RUN, ...mode, "--junit", "report.xml"], { HOW: how });
        assertEquals(ran.code, code, `${how} ${mode}\n${ran.stdout}`);
        assertIncludes(
          ran.stdout,
          `CUT SHORT tests/test_a.py::test_b: pytest was interrupted: ${cause} while it ran`,
        );
        const ending = `was interrupted by ${cause} in tests/test_a.py::test_b: `;
        assert(new RegExp(`pytest (\\(worker [12]\\) )?${ending}`).test(ran.stdout), ran.stdout);
        const { wrong, counts } = await readJunit(suite);
        assertEquals(wrong.find(([name]) => name === "test_b")![1], [[
          "error",
          `pytest was interrupted: ${cause} while it ran`,
        ]]);
        assertEquals([counts.tests, counts.failures], [3, 0]);
        assertIncludes(ran.stdout, `${3 - counts.errors!} passed, ${counts.errors} not run in `);
      }
    }
  },
);

const NASTY = {
  "test_wide.py": `
import pytest
@pytest.fixture(scope="module")
def wide():
    yield
    raise RuntimeError("wide")
def test_uses(wide): pass
def test_last(): pass
`,
  "test_a.py": `
import os, pytest, time, unittest
@pytest.fixture
def own():
    yield
    raise RuntimeError("own")
@pytest.fixture
def broken(): raise RuntimeError("setup")
@pytest.fixture
def hangs():
    yield
    time.sleep(600)
def test_passes(record_property, record_testsuite_property):
    record_property("k", "<1>")
    record_testsuite_property("whole k", 7)
def test_fails(): assert 0
def test_setup(broken): pass
def test_teardown(own): pass
def test_both(own): assert 0
@pytest.mark.skip(reason="no")
def test_skipped(): pass
@pytest.mark.xfail
def test_expected(): assert 0
@pytest.mark.xfail
def test_unexpected(): pass
def test_parts(subtests):
    for i in range(4):
        with subtests.test(i=i): assert i != 1
class TestUnit(unittest.TestCase):
    def test_parts(self):
        for i in range(3):
            with self.subTest(i=i): self.assertNotEqual(i, 2)
def test_hangs_after(hangs): assert 0
def test_crashes(): os._exit(3)
`,
  "test_skipped.py": "import pytest\npytest.skip('whole', allow_module_level=True)\n",
  "test_broken.py": "import nothing_of_that_name\n",
};

Deno.test(
  "verdict, --json, JUnit, history, report and merge have the same counts for a suite " +
    "with every kind of result",
  async () => {
    await using suite = await pytestSuite(NASTY, "9.*");
    const words = [
      ...RUN,
      "--continue-on-collection-errors",
      "--test-timeout",
      "1",
      "--grace",
      "0.3",
      "--junit",
      "report.xml",
    ];
    const expected = {
      passed: 5,
      failed: 7,
      skipped: 2,
      errors: 6,
      xfailed: 1,
      xpassed: 1,
      subtestsPassed: 5,
      notRun: 0,
    };
    const line = "7 failed, 5 passed, 2 skipped, 1 xfailed, 1 xpassed, 6 errors, 5 subtests passed";
    for (const mode of MODES.filter((one) => one[0] !== "--retries")) {
      const { code, stdout } = await suite.tractest([
        ...words,
        ...mode,
        "--json",
        "--events",
        "../events.jsonl",
      ]);
      assertEquals([code, JSON.parse(stdout).counts], [1, expected], `${mode}`);
      const { counts, wrong, properties } = await readJunit(suite);
      assertEquals(counts, { tests: 16, failures: 7, errors: 6, skipped: 3 }, `${mode}`);
      // A function and a method; with several pytests either may begin first.
      const parts = wrong.filter(([name]) => name === "test_parts").map(([, all]) => all.length);
      assertEquals(parts.sort(), [1, 2]);
      assertEquals(properties, [["whole k", "7"], ["k", "<1>"]]);
      const merged = JSON.parse(
        (await suite.tractest(["merge", "../events.jsonl", "--json"])).stdout,
      );
      assertEquals([merged.exitCode, merged.counts], [1, expected]);
      const [run] = JSON.parse((await suite.tractest(["history", "--json"])).stdout).runs;
      assertEquals(
        Object.fromEntries(Object.keys(expected).map((key) => [key, run[key]])),
        expected,
      );
      assertIncludes((await suite.tractest(["history"])).stdout, line);
    }
    assertIncludes((await suite.tractest(words)).stdout, `${line} in `);
    await suite.tractest(["report", "--output", "page.html"]);
    const page = await Deno.readTextFile(join(suite.root, "page.html"));
    const tiles = [...page.matchAll(/<b>(\d+)<\/b> ([a-z ]+)</g)].map(([, count, name]) =>
      `${count} ${name}`
    );
    const shown = [
      "5 passed",
      "7 failed",
      "6 errors",
      "1 timed out",
      "1 crashed",
      "2 skipped",
      "1 xfailed",
      "1 xpassed",
      "5 subtests passed",
    ];
    assertEquals(tiles, shown);
  },
);
