import { join } from "@std/path";
import { assert, assertEquals, assertIncludes } from "../assert.ts";
import { alive, ISOLATED, PTY, pytestSuite, pythonWithPytest, type Suite } from "./suites.ts";

const NO_CHECKS = ["run", "--no-preflight"];

/** One test for each verdict of pytest. */
const VERDICTS = `
import pytest, time

@pytest.fixture
def broken():
    raise RuntimeError("broken fixture")

@pytest.fixture
def breaks_later():
    yield
    raise RuntimeError("broken teardown")

def test_passes(): pass
def test_fails(): assert 1 == 2, "on purpose"
def test_errors(broken): pass
def test_errs_later(breaks_later): pass
def test_skipped(): pytest.skip("why not")
@pytest.mark.xfail
def test_xfails(): assert False
@pytest.mark.xfail
def test_xpasses(): pass
@pytest.mark.parametrize("x", [1], ids=["a -> b, c=d é"])
def test_odd_id(x): assert x == 2
`;

const COUNTS = {
  passed: 2,
  failed: 2,
  skipped: 1,
  errors: 2,
  xfailed: 1,
  xpassed: 1,
  subtestsPassed: 0,
  notRun: 0,
};

for (const version of ["6.2.*", "7.*", "8.*", "9.*"]) {
  Deno.test(
    `every verdict of pytest ${version} is counted and every failure reported, in the ` +
      "order in which they came",
    async () => {
      await using suite = await pytestSuite({ "test_verdicts.py": VERDICTS }, version);
      const { code, stdout, stderr } = await suite.tractest([
        ...NO_CHECKS,
        "--no-defaults",
        "--json",
      ]);
      const document = JSON.parse(stdout);
      assertEquals(code, 1);
      assertEquals(document.exitCode, 1);
      assertEquals(document.counts, COUNTS);
      assertEquals(
        document.failures.map((
          each: { id: string; phase: string; outcome: string },
        ) => [each.id.slice("tests/test_verdicts.py::".length), each.phase, each.outcome]),
        [
          ["test_fails", "call", "failed"],
          ["test_errors", "setup", "error"],
          ["test_errs_later", "teardown", "error"],
          ["test_odd_id[a -> b, c=d \\xe9]", "call", "failed"],
        ],
      );
      assertEquals(document.failures[0].message, "AssertionError: on purpose\nassert 1 == 2");
      assertEquals(document.failures[1].message, "RuntimeError: broken fixture");
      const { file, line, traceback, rerun } = document.failures[0];
      assertEquals([file, typeof line], ["tests/test_verdicts.py", "number"]);
      assertIncludes(traceback, "on purpose");
      assertEquals(rerun, "tractest run tests/test_verdicts.py::test_fails");
      assertEquals(document.command, ["py310/bin/python", "-m", "pytest", "tests/"]);
      assertEquals(Object.keys(document.env), ["VIRTUAL_ENV", "PATH"], "the venv is not active");
      assertEquals(Object.keys(document), [
        "schema",
        "runId",
        "exitCode",
        "pytestExitCode",
        "ending",
        "reasons",
        "command",
        "env",
        "seconds",
        "counts",
        "notFound",
        "failures",
        "timeouts",
        "running",
        "contended",
        "flaky",
        "leftBehind",
        "left",
        "cascades",
        "hang",
        "shard",
        "jobs",
        "balance",
        "leaks",
        "strained",
        "preflight",
      ]);
      assertIncludes(stderr, "2 failed, 2 passed, 1 skipped, 1 xfailed, 1 xpassed, 2 errors");
    },
  );
}

Deno.test(
  "without --json pytest's own output comes first, then the failures, the counts and " +
    "the next command",
  async () => {
    await using suite = await pytestSuite({ "test_verdicts.py": VERDICTS });
    const { code, stdout, stderr } = await suite.tractest([...NO_CHECKS]);
    assertEquals(code, 1);
    const [pytest, verdict] = stdout.split("stopping after 1 failures");
    assertIncludes(pytest!, "test_verdicts.py .F");
    assertIncludes(
      verdict!,
      "FAILED tests/test_verdicts.py::test_fails: AssertionError: on purpose (tests/test_verdi",
    );
    assertIncludes(verdict!, "1 failed, 1 passed in ");
    assertIncludes(stderr, "py310/bin/python -m pytest -x --tb=short --no-header tests/\n");
    assertIncludes(stderr, "next: tractest run --lf\n");
  },
);

Deno.test("if all is well only the counts are shown, and the exit code is 0", async () => {
  await using suite = await pytestSuite({
    "test_a.py": "def test_a(): pass\ndef test_b(): pass\n",
  });
  const { code, stdout, stderr } = await suite.tractest([...NO_CHECKS, "-q"]);
  assertEquals(code, 0);
  assertEquals(stdout.trimEnd().split("\n").at(-1)!.replace(/[\d.]+ s$/, "N s"), "2 passed in N s");
  assert(!stderr.includes("hint"), stderr);
});

for (
  const [what, files, args, code] of [
    ["no test", { "test_a.py": "" }, [], 5],
    ["a usage error", { "test_a.py": "" }, ["--", "--no-such-option"], 4],
    ["a collection error", { "test_a.py": "import nothing_like_this" }, [], 2],
    [
      "an internal error",
      {
        "conftest.py": "def pytest_runtestloop(): raise ValueError('x')",
        "test_a.py": "def test_a(): pass",
      },
      [],
      3,
    ],
  ] as const
) {
  Deno.test(`pytest's exit code for ${what} passes through`, async () => {
    await using suite = await pytestSuite(files);
    const result = await suite.tractest([...NO_CHECKS, "--json", ...args]);
    assertEquals(result.code, code, result.stderr);
    assertEquals(JSON.parse(result.stdout).exitCode, code);
  });
}

Deno.test("a test module that can't be imported is an error of its collection", async () => {
  await using suite = await pytestSuite({ "test_a.py": "import nothing_like_this\n" });
  const document = JSON.parse((await suite.tractest([...NO_CHECKS, "--json"])).stdout);
  assertEquals(document.counts.errors, 1);
  assertEquals(document.failures[0].id, "tests/test_a.py");
  assertEquals(document.failures[0].phase, "collection");
  assertIncludes(document.failures[0].message, "nothing_like_this");
});

Deno.test(
  "options that exclude or need each other are refused before anything else",
  async () => {
    await using suite = await pytestSuite({ "test_a.py": "def test_a(): pass\n" });
    const refused = async (args: readonly string[], reason: string) => {
      for (const more of [[], ["--dry-run"], ["--bg"]]) {
        const { code, stdout, stderr } = await suite.tractest(["run", ...args, ...more]);
        assertEquals([code, stdout], [64, ""], stderr);
        assertIncludes(stderr, `error: ${reason}`);
      }
    };
    await refused(
      ["--isolate=auto", "--no-isolate"],
      '"--isolate" and "--no-isolate" exclude each other\nhint: leave one of them out',
    );
    await refused(
      ["--no-preflight", "--preflight-only"],
      '"--no-preflight" and "--preflight-only" exclude each other\nhint: ',
    );
    await refused(
      ["--durations-from=history"],
      '"--durations-from" needs "--jobs" or "--shard"\nhint: ',
    );
    const stress = await suite.tractest(["stress", "test_a", "--isolate", "--no-isolate"]);
    assertEquals(stress.code, 64, stress.stderr);
  },
);

for (const version of ["6.2.*", "8.*", "9.*"]) {
  Deno.test(
    `pytest ${version}: the nearest ids to one that does not exist are named, ready to ` +
      "run",
    async () => {
      await using suite = await pytestSuite({
        "test_a.py": "def test_one(): pass\ndef test_other(): pass\nclass TestDeep:\n    def " +
          "test_two(self): pass\n",
        "test_b.py": "def test_far(): pass\n",
      }, version);
      const { code, stderr } = await suite.tractest([...NO_CHECKS, "test_a.py::test_on"]);
      assertEquals(code, 4);
      assertIncludes(
        stderr,
        'there is no "tests/test_a.py::test_on"; the nearest:\nhint: tractest run ' +
          "tests/test_a.py::test_one\nhint: ",
      );
      const { stdout } = await suite.tractest([
        ...NO_CHECKS,
        "test_a.py::TestDeep::test_tow",
        "test_b.py",
        "--json",
      ]);
      const document = JSON.parse(stdout);
      assertEquals(document.exitCode, 4);
      assertEquals(document.notFound.map(({ id }: { id: string }) => id), [
        "tests/test_a.py::TestDeep::test_tow",
      ]);
      assertEquals(document.notFound[0].nearest[0], "tests/test_a.py::TestDeep::test_two");
    },
  );
}

Deno.test("a target within another target does not hide the other's tests", async () => {
  await using suite = await pytestSuite(
    {
      "test_a.py": "def test_a(): pass\n",
      "sub/test_b.py": "def test_b(): pass\ndef test_c(): pass\n",
    },
    "8.4.*",
  );
  for (
    const [words, left] of [[["tests/", "test_a"], "tests/test_a.py"], [
      ["test_b.py", "test_a", "sub/", "test_b::test_c"],
      "tests/sub/test_b.py",
    ]] as const
  ) {
    const { code, stdout, stderr } = await suite.tractest([...NO_CHECKS, ...words]);
    assertEquals(code, 0);
    assertIncludes(stdout, "3 passed");
    assertIncludes(stderr, `warning: skipped, part of another target: ${left}`);
  }
});

Deno.test("the dry run prints the command and starts nothing", async () => {
  await using suite = await pytestSuite({
    "test_a.py": "def test_a(): pass\n",
    "conftest.py": "open('started', 'w')\n",
  });
  const { code, stdout } = await suite.tractest(["run", "--dry-run", "test_a", "-k", "a or b"]);
  assertEquals([code, stdout], [
    0,
    "py310/bin/python -m pytest -x --tb=short --no-header -k 'a or b' tests/test_a.py\n",
  ]);
  const wrong = await suite.tractest(["run", "--dry-run", "--timeout", "soon"]);
  assertEquals([wrong.code, wrong.stdout], [64, ""], "what was typed wrong is wrong here too");
  const document = JSON.parse(
    (await suite.tractest(["run", "--dry-run", "--json", "test_a"])).stdout,
  );
  assertEquals(document.command, [
    "py310/bin/python",
    "-m",
    "pytest",
    "-x",
    "--tb=short",
    "--no-header",
    "tests/test_a.py",
  ]);
  const bin = `${suite.root}/py310/bin:/usr/bin:/bin:/usr/sbin:/sbin`;
  assertEquals([document.env, document.counts], [
    { VIRTUAL_ENV: `${suite.root}/py310`, PATH: bin },
    null,
  ]);
  const entries = [...Deno.readDirSync(suite.root)].map((entry) => entry.name).sort();
  assertEquals(entries, ["py310", "pyproject.toml", "tests"]);
});

Deno.test(
  "a test and its children see nothing of how results are reported",
  async () => {
    await using suite = await pytestSuite({
      "test_a.py": `
import os, subprocess, sys
def test_clean():
    # By this one leftovers are known.
    assert [name for name in os.environ if name.startswith("TRACTEST")] == ["TRACTEST_RUN"]
    assert os.environ.get("PYTEST_PLUGINS") is None
    assert os.environ["PYTHONPATH"] == ":/somewhere::/elsewhere"
    assert not [path for path in sys.path if "tractest/pytest-" in path]
    assert sys.argv[1:] == ["-x", "--tb=short", "--no-header", "tests/"]
    code = "import os; print([n for n in os.environ if 'TRACTEST' in n or 'PYTEST_PLUGINS' in n])"
    shown = subprocess.check_output([sys.executable, "-c", code], text=True)
    assert shown.strip() == "['TRACTEST_RUN']"
`,
    });
    for (const shown of [[], ["--ui", "bar"]]) {
      const result = await suite.tractest([...NO_CHECKS, ...shown], {
        PYTHONPATH: ":/somewhere::/elsewhere",
      });
      assertEquals(result.code, 0, result.stdout + result.stderr);
    }
  },
);

Deno.test("a plugin that the user named in PYTEST_PLUGINS is still loaded", async () => {
  await using suite = await pytestSuite({
    "test_a.py": "import os\ndef test_a(): assert os.environ['PYTEST_PLUGINS'] == 'mine'\n",
  });
  await suite.write({ "mine.py": "def pytest_report_header(): return 'mine is loaded'\n" });
  const result = await suite.tractest([...NO_CHECKS, "--header"], { PYTEST_PLUGINS: "mine" });
  assertEquals(result.code, 0, result.stdout);
  assertIncludes(result.stdout, "mine is loaded");
});

Deno.test("a forked child of a test that continues as a pytest reports nothing twice", async () => {
  await using suite = await pytestSuite({
    "test_a.py":
      "import os\ndef test_forks():\n    if os.fork() == 0:\n        return\n    os.wait()\n",
  });
  const document = JSON.parse((await suite.tractest([...NO_CHECKS, "--json"])).stdout);
  assertEquals(document.counts.passed, 1);
});

Deno.test("a run with several workers of pytest-xdist is reported like any other", async () => {
  await using suite = await pytestSuite({ "test_verdicts.py": VERDICTS }, "8.*", ["pytest-xdist"]);
  const { code, stdout, stderr } = await suite.tractest([
    ...NO_CHECKS,
    "--no-defaults",
    "--json",
    "-n",
    "2",
  ]);
  assertEquals(code, 1, stderr);
  assertEquals(JSON.parse(stdout).counts, COUNTS);
  // Each worker collects all tests; they are reported once.
  await suite.tractest([
    ...NO_CHECKS,
    "--no-defaults",
    "--ui",
    "bar",
    "--events",
    "events",
    "-n",
    "2",
  ]);
  const rows = (await Deno.readTextFile(join(suite.root, "events"))).trimEnd().split("\n").map((
    row,
  ) => JSON.parse(row));
  const ids = rows.flatMap((row) => row.event === "tests" ? row.ids : []);
  assertEquals([ids.length, new Set(ids).size], [
    rows.find((row) => row.event === "collected").count,
    ids.length,
  ]);
});

Deno.test("failed subtests count as pytest counts them", async () => {
  await using suite = await pytestSuite({
    "test_a.py":
      "def test_a(subtests):\n    for i in range(3):\n        with subtests.test(i=i):\n   " +
      "         assert i != 1\n",
  }, "9.*");
  const { stdout, stderr } = await suite.tractest([...NO_CHECKS, "--no-defaults", "--json"]);
  const { counts } = JSON.parse(stdout);
  assertIncludes(stderr, `${counts.failed} failed`);
  assertEquals(counts.passed, 0);
});

Deno.test(
  "events are copied to a file during the run, each line with its schema",
  async () => {
    await using suite = await pytestSuite({
      "test_a.py": `
import os, time
def test_a(): pass
def test_b():
    while not os.path.exists(os.environ["SUITE"] + "/go"): time.sleep(0.01)
`,
    });
    const running = suite.start([...NO_CHECKS, "--events", "events.jsonl"]);
    await running.until("test_a.py .");
    const file = join(suite.root, "events.jsonl");
    while (
      !(await Deno.readTextFile(file)).includes('"test-start", "time": ', 0) ||
      !(await Deno.readTextFile(file)).includes("::test_b")
    ) {
      await new Promise((done) => setTimeout(done, 10));
    }
    await Deno.writeTextFile(join(suite.path, "go"), "");
    assertEquals((await running.ended).code, 0);
    const events = (await Deno.readTextFile(file)).trimEnd().split("\n").map((line) =>
      JSON.parse(line)
    );
    assert(
      events.every((event) =>
        event.schema === "tractest.events/1" && Object.keys(event)[0] === "schema"
      ),
    );
    assertEquals(
      events.map((event) => event.event).filter((name, index, all) => name !== all[index - 1]),
      [
        "run-start",
        "session-begin",
        "session-start",
        "collected",
        "tests",
        "test-start",
        "report",
        "test-start",
        "report",
        "session-finish",
        "run-finish",
      ],
    );
  },
);

Deno.test(
  "a run reads its boot and pid namespace once, and an isolated one does not check the " +
    "registry outside",
  async () => {
    await using suite = await pytestSuite({ "test_a.py": "def test_a(): pass\n" });
    const times = (text: string, what: string) => text.split(`${what}\n`).length - 1;
    const shared = (await suite.tractest([...NO_CHECKS, "-v"])).stderr;
    const own = "what this program was started with, and its identity";
    assertEquals([times(shared, own), times(shared, "which ports are in use")], [
      1,
      1,
    ]);
    const isolated = await suite.tractest([...NO_CHECKS, "-v", "--isolate"]);
    if (isolated.code !== 83) {
      assertEquals([isolated.code, times(isolated.stderr, "which ports are in use")], [
        0,
        0,
      ]);
    }
  },
);

/**
 * The current events of the running run about tests and their phases, one word each.
 */
const SNAPSHOT = `
import glob, json, os
def events():
    with open(glob.glob(os.environ["SUITE"] + "/state/tractest/runs/*/events.jsonl")[0]) as file:
        lines = [json.loads(line) for line in file]
    return [e["id"][-1] + ":" + e.get("phase", "start") for e in lines if "id" in e]
def snapshot(where):
    with open(os.environ["SUITE"] + "/snapshots", "a") as file:
        file.write(where + " " + " ".join(events()) + "\\n")
`;
const TAKES_SNAPSHOTS = `${SNAPSHOT}
def test_a(): snapshot("a")
def test_b(): snapshot("b")
`;
const WHOLE = (id: string) => [`${id}:start`, `${id}:setup`, `${id}:call`, `${id}:teardown`];

for (const version of ["6.2.*", "8.*"]) {
  Deno.test(
    `with pytest ${version}, a running test's start and all of the test before are ` +
      "written; its setup comes with the next event",
    async () => {
      const conftest = `${SNAPSHOT}\ndef pytest_sessionfinish(): snapshot("end")\n`;
      await using suite = await pytestSuite(
        { "test_a.py": TAKES_SNAPSHOTS, "conftest.py": conftest },
        version,
      );
      const { code, stdout, stderr } = await suite.tractest(NO_CHECKS);
      assertEquals(code, 0, stdout + stderr);
      // There the category of a report is known only after calling each plugin, so it is written
      // separately.
      const setup = version === "8.*" ? [] : ["a:setup"];
      const setupOfB = version === "8.*" ? [] : ["b:setup"];
      assertEquals(await snapshotsOf(suite), [
        ["a", "a:start", ...setup],
        ["b", ...WHOLE("a"), "b:start", ...setupOfB],
        ["end", ...WHOLE("a"), ...WHOLE("b")],
      ]);
    },
  );
}

Deno.test("the end of a test is written before another hook can act on it", async () => {
  const conftest = `${SNAPSHOT}
import pytest
@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_protocol(item):
    yield
    snapshot("after")
`;
  await using suite = await pytestSuite({
    "test_a.py": "def test_a(): pass\n",
    "conftest.py": conftest,
  });
  assertEquals((await suite.tractest(NO_CHECKS)).code, 0);
  assertEquals(await snapshotsOf(suite), [["after", ...WHOLE("a")]]);
});

Deno.test("a test that is killed in its teardown counts as passed until then", async () => {
  await using suite = await pytestSuite({
    "test_a.py": `
import os, pytest, signal
@pytest.fixture
def killing():
    yield
    os.kill(os.getpid(), signal.SIGKILL)
def test_a(killing): pass
`,
  });
  const { stdout } = await suite.tractest([...NO_CHECKS, "--events", "-"]);
  const reports = stdout.trim().split("\n").map((line) => JSON.parse(line)).filter(({ event }) =>
    event === "report"
  );
  assertEquals(reports.map(({ phase, category }) => [phase, category]), [["setup", ""], [
    "call",
    "passed",
  ]]);
});

async function snapshotsOf(suite: Suite): Promise<string[][]> {
  return (await Deno.readTextFile(join(suite.path, "snapshots"))).trim().split("\n").map((line) =>
    line.split(" ")
  );
}

Deno.test(
  "--events refuses a file that can't be written or holds anything else, before " +
    "anything runs",
  async () => {
    await using suite = await pytestSuite({ "test_a.py": "def test_a(): pass\n" });
    await suite.write({ "notes.txt": "mine" });
    for (
      const [path, reason] of [
        ["notes.txt", "not a file of events"],
        ["gone/e.jsonl", "mkdir -p"],
        [
          ".",
          "is a directory",
        ],
      ]
    ) {
      const { code, stdout, stderr } = await suite.tractest([...NO_CHECKS, "--events", path!]);
      assertEquals([code, stdout], [64, ""], stderr);
      assertIncludes(stderr, reason!);
    }
    assertEquals(await Deno.readTextFile(join(suite.root, "notes.txt")), "mine");
    // A device to which Deno denies access.
    const device = await suite.tractest([...NO_CHECKS, "--events", "/dev/full"]);
    assertEquals([device.code, device.stderr.replace("write", "stat")], [
      80,
      'error: Cannot stat "/dev/full": tractest has no permission for it\n',
    ]);
    assertEquals((await suite.tractest([...NO_CHECKS, "--events", "e.jsonl"])).code, 0);
    const first = await Deno.readTextFile(join(suite.root, "e.jsonl"));
    assertEquals((await suite.tractest([...NO_CHECKS, "--events", "e.jsonl"])).code, 0);
    const second = await Deno.readTextFile(join(suite.root, "e.jsonl"));
    assertEquals(second.split("\n").length, first.split("\n").length);
    // They must not be taken for the events of a run that never reached its tests.
    assertEquals(
      (await suite.tractest(["run", "--python", "/nowhere", "--events", "e.jsonl"])).code,
      64,
    );
    assertEquals(await Deno.readTextFile(join(suite.root, "e.jsonl")), "");
  },
);

Deno.test(
  "a read-only directory or a pipe without a reader for --events or --junit is refused " +
    "before the run",
  async () => {
    await using suite = await pytestSuite({
      "test_a.py": "open('started', 'w')\ndef test_a(): pass\n",
    });
    await suite.write({ "sealed/notes.txt": "" });
    const pipe = join(suite.root, "pipe");
    assert((await new Deno.Command("mkfifo", { args: [pipe] }).output()).success);
    const sealed = [
      "unshare",
      "-m",
      "sh",
      "-c",
      'mount -t tmpfs -o ro tmpfs sealed && exec "$@"',
      "sh",
    ];
    for (const option of ["--events", "--junit"]) {
      const unread = await suite.tractest([...NO_CHECKS, option, "pipe"]);
      assertEquals([unread.code, unread.stdout], [80, ""]);
      assertEquals(
        unread.stderr,
        `error: Cannot write "${pipe}": this pipe has no reader\nhint: start its reader ` +
          `first: cat ${pipe}\n`,
      );
      if (ISOLATED === null) continue;
      for (const more of [[], ["--bg"]]) {
        const { code, stdout, stderr } = await suite.start(
          [...NO_CHECKS, option, "sealed/out", ...more],
          {},
          sealed,
        ).ended;
        assertEquals([code, stdout], [80, ""], stderr);
        assertIncludes(stderr, 'sealed/out": Read-only file system');
      }
    }
    assertEquals(await Deno.stat(join(suite.root, "started")).catch(() => null), null);
  },
);

Deno.test(
  "the reader of a pipe gets everything that --events and --junit " +
    "write to it",
  async () => {
    await using suite = await pytestSuite({
      "test_a.py": "import time\ndef test_a(): time.sleep(0.3)\ndef test_b(): pass\n",
    });
    const [events, report] = ["events", "report"].map((name) => join(suite.root, name));
    assert((await new Deno.Command("mkfifo", { args: [events!, report!] }).output()).success);
    const readers = [events!, report!].map((path) =>
      new Deno.Command("cat", { args: [path], stdout: "piped" }).output()
    );
    const { code, stderr } = await suite.tractest([
      ...NO_CHECKS,
      "--events",
      events!,
      "--junit",
      report!,
    ]);
    assertEquals(code, 0, stderr);
    const [lines, xml] = (await Promise.all(readers)).map(({ stdout }) =>
      new TextDecoder().decode(stdout)
    );
    const names = lines!.trimEnd().split("\n").map((line) => JSON.parse(line).event);
    assertEquals([names[0], names.filter((name) => name === "test-start").length, names.at(-1)], [
      "run-start",
      2,
      "run-finish",
    ]);
    assertIncludes(xml!, 'tests="2"');
  },
);

Deno.test(
  "a failed write to the file of --events is reported, and does not fail the run",
  async () => {
    await using suite = await pytestSuite({
      "test_a.py": 'import shutil\ndef test_a(): shutil.rmtree("out")\ndef test_b(): pass\n',
    });
    await suite.write({ "out/notes.txt": "" });
    const { code, stdout, stderr } = await suite.tractest([
      ...NO_CHECKS,
      "--events",
      "out/events.jsonl",
    ]);
    assertEquals(code, 0, stderr);
    assertIncludes(stdout, "2 passed");
    const path = join(suite.root, "out/events.jsonl");
    assertIncludes(
      stderr,
      `warning: events are missing from the file of --events: Cannot write "${path}": No ` +
        "such file or directory\n",
    );
  },
);

Deno.test(
  "--events - streams to standard output and pytest's output goes " +
    "to standard error",
  async () => {
    await using suite = await pytestSuite({ "test_a.py": "def test_a(): pass\n" });
    const { code, stdout, stderr } = await suite.tractest([...NO_CHECKS, "--events", "-"]);
    assertEquals(code, 0);
    assertIncludes(stderr, "test session starts");
    const lines = stdout.trimEnd().split("\n");
    assertEquals(JSON.parse(lines[0]!).event, "run-start");
    for (const line of lines) assertEquals(JSON.parse(line).schema, "tractest.events/1");
    assertEquals((await suite.tractest([...NO_CHECKS, "--events", "-", "--json"])).code, 64);
  },
);

Deno.test(
  "fault 41: 10 MB on each stream, with and without capture, block nothing and are " +
    "shown completely",
  async () => {
    await using suite = await pytestSuite({
      "test_a.py":
        "import os\ndef test_a():\n    for fd in (2, 1):\n        for _ in range(160): " +
        "os.write(fd, b'x' * 65535 + b'\\n')\n",
    });
    const loud = await suite.tractest([...NO_CHECKS, "-s"]);
    assertEquals(loud.code, 0);
    assert(loud.stdout.length > 20 * 1024 * 1024, `${loud.stdout.length}`);
    assertEquals((await suite.tractest(NO_CHECKS)).code, 0);
  },
);

Deno.test(
  "without a terminal pytest and its children write to a file and have no input",
  async () => {
    await using suite = await pytestSuite({
      "test_a.py": `
import os, stat, sys
def test_streams():
    assert os.read(0, 1) == b""
    for fd in (1, 2):
        assert stat.S_ISREG(os.fstat(fd).st_mode), fd
`,
    });
    const running = suite.start([...NO_CHECKS, "-s"]);
    await running.type("refs of a push\n");
    const result = await running.ended;
    assertEquals(result.code, 0, result.stdout);
  },
);

Deno.test(
  "fault 40: a process that outlives pytest and holds its output " +
    "delays nothing",
  async () => {
    await using suite = await pytestSuite({
      "test_a.py": `
import os, subprocess
def test_a():
    child = subprocess.Popen(["sleep", "60"])
    open(os.environ["SUITE"] + "/pid", "w").write(str(child.pid))
    print("said before the end")
`,
    });
    const began = performance.now();
    const result = await suite.tractest([...NO_CHECKS, "-s"]);
    const pid = Number(await Deno.readTextFile(join(suite.path, "pid")));
    try {
      assertEquals(result.code, 0);
      assertIncludes(result.stdout, "said before the end");
      assert(performance.now() - began < 30_000);
      assert(await alive(pid), "the child was to outlive the run");
    } finally {
      Deno.kill(pid, "SIGKILL");
    }
  },
);

Deno.test("fault 36: LD_LIBRARY_PATH reaches pytest", async () => {
  await using suite = await pytestSuite({
    "test_a.py": "import os\ndef test_a(): assert os.environ['LD_LIBRARY_PATH'] == '/nowhere'\n",
  });
  const result = await suite.tractest(NO_CHECKS, { LD_LIBRARY_PATH: "/nowhere" });
  assertEquals(result.code, 0, result.stdout + result.stderr);
});

Deno.test(
  "fault 45: none of git's repository-local variables reaches " +
    "pytest, others do",
  async () => {
    await using suite = await pytestSuite({
      "test_a.py":
        "import os\ndef test_a(): assert [n for n in os.environ if n.startswith('GIT_')] == " +
        "['GIT_EDITOR']\n",
    });
    const result = await suite.tractest(NO_CHECKS, {
      GIT_DIR: "/x/.git",
      GIT_INDEX_FILE: "/x/.git/index",
      GIT_WORK_TREE: "/x",
      GIT_EDITOR: "vi",
    });
    assertEquals(result.code, 0, result.stdout + result.stderr);
  },
);

Deno.test("pytest gets SIGINT at its default though tractest inherited it ignored", async () => {
  await using suite = await pytestSuite({
    "test_a.py": "import signal\ndef test_a(): assert signal.getsignal(signal.SIGINT) is " +
      "signal.default_int_handler\n",
  });
  const running = suite.start(NO_CHECKS, {}, ["sh", "-c", 'trap "" INT; exec "$@"', "sh"]);
  const result = await running.ended;
  assertEquals(result.code, 0, result.stdout + result.stderr);
});

Deno.test(
  "fault 43: the time limit ends pytest with SIGINT, shows what was running, and exits " +
    "with 124",
  async () => {
    await using suite = await pytestSuite({
      "test_a.py": "import time\ndef test_ok(): pass\ndef test_hangs(): time.sleep(600)\n",
    });
    const { code, stdout, stderr } = await suite.tractest([...NO_CHECKS, "--timeout", "2"]);
    assertEquals(code, 124);
    assertIncludes(stdout, "KeyboardInterrupt");
    assertIncludes(stdout, "time limit of 2 s: 1 passed, 1 not run in ");
    assertIncludes(stderr, "tests/test_a.py::test_hangs\n");
    const order = [
      "running for ",
      "cause not determined; observed:\n",
      "is in a timed sleep",
      "full capture pipes are ruled out",
      "hint: -s won't help",
    ];
    assertEquals(
      order.map((hint) => stderr.indexOf(hint)).toSorted((a, b) => a - b),
      order.map((hint) => stderr.indexOf(hint)),
    );
    assert(order.every((hint) => stderr.includes(hint)), stderr);
  },
);

Deno.test(
  "fault 43: at the time limit SIGKILL ends processes that ignore SIGINT, and all of " +
    "the run",
  async () => {
    await using suite = await pytestSuite({
      "test_a.py": `
import os, signal, subprocess, sys, time
def test_hangs():
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    argv = [sys.executable, "-c", "import time; time.sleep(600)"]
    child = subprocess.Popen(argv, start_new_session=True)
    open(os.environ["SUITE"] + "/pids", "w").write(f"{os.getpid()} {child.pid}")
    time.sleep(600)
`,
    });
    const { code } = await suite.tractest([...NO_CHECKS, "--timeout", "2", "--grace", "0.5"]);
    assertEquals(code, 124);
    for (const pid of await pidsOf(suite)) assert(!await alive(pid), `pid ${pid} still lives`);
  },
);

/** A test that announces that it waits, counts the SIGINTs that it gets, and ends at `go`. */
const WAITS = `
import os, signal, time
SUITE = os.environ["SUITE"]
def test_waits():
    seen = []
    signal.signal(signal.SIGINT, lambda *_: seen.append(1))
    open(SUITE + "/pids", "w").write(str(os.getpid()))
    print("waiting", flush=True)
    while os.path.exists(SUITE) and not os.path.exists(SUITE + "/go"): time.sleep(0.02)
    time.sleep(0.3)
    print("SIGINTs:", len(seen))
    raise KeyboardInterrupt
`;

for (
  const [signal, code] of [["SIGINT", 130], ["SIGQUIT", 131], ["SIGTERM", 143], [
    "SIGHUP",
    143,
  ]] as const
) {
  Deno.test(
    `fault 43: ${signal} without a terminal reaches pytest as exactly one SIGINT, and ` +
      `the exit code is ${code}`,
    async () => {
      await using suite = await pytestSuite({ "test_a.py": WAITS });
      const running = suite.start([...NO_CHECKS, "-s", "--grace", "20"]);
      await running.until("waiting");
      running.child.kill(signal);
      await Deno.writeTextFile(join(suite.path, "go"), "");
      const result = await running.ended;
      assertEquals(result.code, code, result.stdout + result.stderr);
      assertIncludes(result.stdout, "SIGINTs: 1");
      assertIncludes(result.stdout, "!!!! KeyboardInterrupt !!!!");
    },
  );
}

Deno.test(
  "pytest writes to a file or device directly, and to a pipe through a log that no " +
    "process can hold open",
  async () => {
    await using suite = await pytestSuite({
      "test_a.py": "import os\ndef test_a(): print('to', os.readlink('/proc/self/fd/1'), " +
        "os.readlink('/proc/self/fd/2'))\n",
    });
    const to = async (redirection: string) => {
      const running = suite.start([...NO_CHECKS, "-s"], {}, [
        "/bin/sh",
        "-c",
        `exec "$0" "$@" ${redirection}`,
      ]);
      const { code, stdout, stderr } = await running.ended;
      assertEquals(code, 0, stdout + stderr);
      return stdout;
    };
    const file = join(suite.path, "out");
    assertEquals(await to('>"$SUITE/out"'), "");
    const text = await Deno.readTextFile(file);
    assertIncludes(text, `to ${file} ${file}\n`);
    assert(
      text.indexOf("test session starts") < text.indexOf(`to ${file}`) &&
        text.trimEnd().split("\n").at(-1)!.startsWith("1 passed in "),
      text,
    );
    assertEquals(await to('>/dev/null 2>"$SUITE/err"'), "");
    assert(
      !(await Deno.readTextFile(join(suite.path, "err"))).includes("test session starts"),
      "what pytest writes goes where our standard output goes",
    );
    assert(
      /^tests\/test_a.py to (\/\S+\/output\.log) \1$/m.test(await to("2>/dev/null")),
      "a pipe is written to through the log",
    );
  },
);

/**
 * A test that leaves a process behind, which waits until tractest searches for leaks after pytest's
 * end, and then signals tractest.
 */
const SIGNALS_AFTERWARDS = `
import os, subprocess, sys
LEFT = """
import glob, os, signal, sys, time
tractest, pytest = int(sys.argv[1]), int(sys.argv[2])
SUITE = os.environ["SUITE"]
def is_scanning():
    for path in glob.glob("/proc/%d/task/*/children" % tractest):
        try:
            for pid in open(path).read().split():
                argv = open("/proc/%s/cmdline" % pid, "rb").read()
                if bytes(1) + b"pid=,ppid=,uid=,stat=,args=" in argv: return True
        except OSError: pass
    return False
while os.path.exists(SUITE) and (os.path.exists("/proc/%d" % pytest) or not is_scanning()): pass
os.kill(tractest, signal.SIGINT)
while os.path.exists(SUITE) and not os.path.exists(SUITE + "/go"):
    if not os.path.exists("/proc/%d" % tractest): break
    time.sleep(0.01)
"""
def test_leaves():
    argv = ["_subactor[w0@77]", "-c", LEFT, str(os.getppid()), str(os.getpid())]
    nothing = dict(stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    child = subprocess.Popen(argv, executable=sys.executable, start_new_session=True, **nothing)
    open(os.environ["SUITE"] + "/pids", "w").write(str(child.pid))
`;

Deno.test(
  "a signal during the search for leaks after the tests does not suppress the verdict",
  async () => {
    await using suite = await pytestSuite({ "test_a.py": SIGNALS_AFTERWARDS });
    const junit = join(suite.path, "junit.xml");
    const result = await suite.tractest([...NO_CHECKS, "--junit", junit]);
    await Deno.writeTextFile(join(suite.path, "go"), "");
    assertEquals(result.code, 130, result.stdout + result.stderr);
    assertIncludes(result.stdout, "interrupted: 1 passed in ");
    assertIncludes(await Deno.readTextFile(junit), 'tests="1"');
  },
);

Deno.test(
  "fault 42: Ctrl-C at a terminal reaches pytest as exactly one SIGINT; it finishes " +
    "its report, and the exit code is 130",
  async () => {
    await using suite = await pytestSuite({ "test_a.py": WAITS });
    const running = await suite.atTerminal([...NO_CHECKS, "-s"]);
    await running.until("waiting");
    await running.type("\x03");
    await Deno.writeTextFile(join(suite.path, "go"), "");
    const result = await running.ended;
    assertEquals(result.code, 130, result.stdout);
    assertIncludes(result.stdout, "SIGINTs: 1");
    assertIncludes(result.stdout, "KeyboardInterrupt");
    assertIncludes(result.stdout, "interrupted: ");
  },
);

Deno.test(
  "fault 42: a second Ctrl-C ends a pytest that ignores the first, " +
    "and all below it",
  async () => {
    await using suite = await pytestSuite({ "test_a.py": WAITS });
    const running = await suite.atTerminal([...NO_CHECKS, "-s"]);
    await running.until("waiting");
    await running.type("\x03");
    await running.until("interrupt again");
    await running.type("\x03");
    const result = await running.ended;
    assertEquals(result.code, 130, result.stdout);
    assert(
      !result.stdout.includes("^CSIGINT"),
      "what the terminal shows of Ctrl-C has its own line",
    );
    for (const pid of await pidsOf(suite)) assert(!await alive(pid), `pid ${pid} still lives`);
  },
);

Deno.test(
  "fault 44: at a terminal a debugger gets the keyboard, Ctrl-C and unlimited time; " +
    "tractest does not interfere",
  async () => {
    await using suite = await pytestSuite({
      "test_a.py": "def test_a(): assert 'found' == 'it'\n",
    });
    const running = await suite.atTerminal([...NO_CHECKS, "--pdb"]);
    await running.until("(Pdb) ");
    await running.type("\x03");
    await running.typeUntil("p 'an' + 'swer'\n", "'answer'");
    await running.type("q\n");
    const result = await running.ended;
    assert(result.code !== 130, result.stdout);
  },
);

Deno.test("a debugger without a terminal is refused with a remedy", async () => {
  await using suite = await pytestSuite({ "test_a.py": "" });
  const result = await suite.tractest([...NO_CHECKS, "--tpdb"]);
  assertEquals(result.code, 64);
  assertIncludes(result.stderr, "needs a terminal");
});

Deno.test("at a terminal pytest writes directly to it, in colour", async () => {
  await using suite = await pytestSuite({
    "test_a.py": "import os\ndef test_a(): assert all(os.isatty(fd) for fd in (0, 1, 2))\n",
  });
  const running = await suite.atTerminal([...NO_CHECKS, "-s"]);
  const result = await running.ended;
  assertEquals(result.code, 0, result.stdout);
  assertIncludes(result.stdout, "\x1b[32m");
});

Deno.test("--color=always colours the output of pytest and of tractest in a pipe", async () => {
  await using suite = await pytestSuite({ "test_a.py": "def test_a(): pass\n" });
  const result = await suite.tractest([...NO_CHECKS, "--color", "always"]);
  assertIncludes(result.stdout, "\x1b[32m.\x1b[0m");
  assertIncludes(result.stderr, "--color=yes");
});

Deno.test(
  "fault 56: a second run names the first and its pid, and --wait " +
    "waits for it",
  async () => {
    await using suite = await pytestSuite({
      "test_a.py": WAITS,
      "test_b.py": "def test_b(): pass\n",
    });
    const first = suite.start([...NO_CHECKS, "-s", "test_a"]);
    await first.until("waiting");
    const second = await suite.tractest([...NO_CHECKS, "test_b", "--json"]);
    assertEquals(second.code, 80, second.stderr);
    const { error } = JSON.parse(second.stdout);
    assertEquals(error.code, "run-in-progress");
    assert(
      new RegExp(`^run \\d{8}-\\d{6}-\\w{4} \\(pid \\d+, since .*: tractest run test_a$`).test(
        error.message,
      ),
      error.message,
    );
    assertIncludes(error.hint, "--wait");
    const third = suite.start([...NO_CHECKS, "test_b", "--wait"]);
    await third.until("waiting until run ");
    await Deno.writeTextFile(join(suite.path, "go"), "");
    assertEquals((await first.ended).code, 2);
    const result = await third.ended;
    assertEquals(result.code, 0, result.stderr);
  },
);

Deno.test(
  "fault 43: after a SIGKILL of tractest the next run names the pytest left behind, " +
    "and --clean ends it",
  async () => {
    await using suite = await pytestSuite({ "test_a.py": WAITS });
    const first = suite.start([...NO_CHECKS, "-s"]);
    await first.until("waiting");
    await lockNamesChild(suite);
    first.child.kill("SIGKILL");
    await first.child.status;
    const [pid] = await pidsOf(suite);
    const second = await suite.tractest([...NO_CHECKS]);
    assertEquals(second.code, 81, second.stderr);
    assertIncludes(second.stderr, `its pytest (pid ${pid}) still runs`);
    assertIncludes(second.stderr, "tractest run --clean");
    await Deno.writeTextFile(join(suite.root, "tests/test_a.py"), "def test_a(): pass\n");
    const third = await suite.tractest([...NO_CHECKS, "--clean"]);
    assertEquals(third.code, 0, third.stderr);
    assert(!await alive(pid!));
    assertEquals((await suite.tractest(NO_CHECKS)).code, 0);
  },
);

Deno.test("a suite that is ended by a signal is reported with the running test", async () => {
  await using suite = await pytestSuite({
    "test_a.py": "import os, signal\ndef test_dies(): os.kill(os.getpid(), signal.SIGKILL)\n",
  });
  const result = await suite.tractest(NO_CHECKS);
  assertEquals(result.code, 137);
  assertIncludes(result.stdout, "pytest was ended by SIGKILL in tests/test_a.py::test_dies");
});

Deno.test(
  "fault 33: control characters in test ids and messages never reach the terminal",
  async () => {
    await using suite = await pytestSuite({
      "test_a.py": 'def test_a(): raise ValueError("\\x1b[31mred\\x9b1m \\u202e")\n',
    });
    const { stdout } = await suite.tractest(NO_CHECKS);
    const verdict = stdout.slice(
      stdout.indexOf("\nFAILED tests/test_a.py::test_a: ", stdout.indexOf("stopping after")),
    );
    // deno-lint-ignore no-control-regex
    assert(!/[\x1b\x9b\u202e]/.test(verdict), verdict);
    assertIncludes(verdict, "\\e[31mred\\x9b1m \\u202e");
  },
);

Deno.test("unusable state directories cost the history, never the result", async () => {
  await using suite = await pytestSuite({ "test_a.py": "def test_a(): pass\n" });
  await Deno.writeTextFile(join(suite.path, "file"), "");
  const result = await suite.tractest(NO_CHECKS, { XDG_STATE_HOME: join(suite.path, "file") });
  assertEquals(result.code, 0, result.stderr);
  assertIncludes(result.stderr, "no history, and no protection against a second run");
});

Deno.test(
  "durations of full runs are kept: they raise the time limit and suggest the " +
    "background",
  async () => {
    await using suite = await pytestSuite({ "test_a.py": "def test_a(): pass\n" });
    assert(!(await suite.tractest(NO_CHECKS)).stderr.includes("meanwhile"));
    const projects = join(suite.path, "state/tractest/projects");
    const [project] = [...Deno.readDirSync(projects)].map((entry) => entry.name);
    const file = join(projects, project!, "full-runs.json");
    const [first] = JSON.parse(await Deno.readTextFile(file));
    assert(first > 0 && first < 60, `${first}`);
    assertEquals((await suite.tractest([...NO_CHECKS, "-k", "test_a"])).code, 0);
    assertEquals((await suite.tractest([...NO_CHECKS, "test_a"])).code, 0);
    assertEquals(JSON.parse(await Deno.readTextFile(file)), [first], "only full runs count");
    await Deno.writeTextFile(file, "[702]");
    assertIncludes(
      (await suite.tractest(NO_CHECKS)).stderr,
      "took up to 702 s; to keep working meanwhile: tractest run --bg",
    );
  },
);

/** The pids that a test of the suite recorded. */
async function pidsOf(suite: Suite): Promise<number[]> {
  return (await Deno.readTextFile(join(suite.path, "pids"))).split(" ").map(Number);
}

/** Whether a process is there and no zombie. */
/** Resolves when the lock file of the suite names the pytest that was started. */
async function lockNamesChild(suite: Suite): Promise<void> {
  const projects = join(suite.path, "state/tractest/projects");
  for (;;) {
    for (const { name } of Deno.readDirSync(projects)) {
      const text = await Deno.readTextFile(join(projects, name, "run.lock")).catch(() => "");
      if (text.includes('"startTicks"')) return;
    }
    await new Promise((done) => setTimeout(done, 10));
  }
}

Deno.test("an error raised in a library is located where the project called it", async () => {
  await using suite = await pytestSuite({
    "test_a.py": "import json\n\ndef test_a():\n    json.loads('{')\n",
  });
  const { stdout } = await suite.tractest(NO_CHECKS);
  assertIncludes(stdout, "test_a: json.decoder.JSONDecodeError: Expecting property name");
  assertIncludes(stdout, " (tests/test_a.py:4)\n");
});

Deno.test(
  "an error without a line of the project is located by its path " +
    "from the root",
  async () => {
    const far = "import importlib\ndef test_a():\n    __tracebackhide__ = True\n    " +
      "importlib.import_module('tests.site-packages.far').fail()\n";
    await using suite = await pytestSuite({
      "test_a.py": far,
      "site-packages/far.py": "def fail():\n    raise KeyError('far')\n",
    });
    const { stdout } = await suite.tractest(NO_CHECKS);
    assertIncludes(stdout, " (tests/site-packages/far.py:2)\n");
  },
);

Deno.test(
  "if every failure is an address in use, a held port is reported before all else",
  async () => {
    await using suite = await pytestSuite({
      "test_a.py":
        "import socket\ndef test_a():\n    with socket.socket() as a, socket.socket() as b:\n" +
        "        a.bind(('127.0.0.1', 0))\n        b.bind(a.getsockname())\n",
    });
    const { stdout, stderr } = await suite.tractest(NO_CHECKS);
    const verdict = stdout.slice(stdout.indexOf("stopping after"));
    assert(
      verdict.indexOf("all tests broken?") >= 0 &&
        verdict.indexOf("all tests broken?") < verdict.indexOf("FAILED"),
      verdict + stderr,
    );
    assertIncludes(verdict, "address in use in 1 of 1 failure, in 1 file");
  },
);

Deno.test("a closed output pipe stops nothing, and no stack trace is shown", async () => {
  await using suite = await pytestSuite({ "test_a.py": "def test_a(): pass\n" });
  const running = suite.start([...NO_CHECKS, "--timeout", "30"], {}, [
    "sh",
    "-c",
    '"$@" 2>&1 | head -1; exit 7',
    "sh",
  ]);
  const result = await running.ended;
  assertEquals(result.code, 7);
  assert(!/ {4}at |Uncaught/.test(result.stdout + result.stderr), result.stdout + result.stderr);
});

Deno.test(
  "with output through a pipe, Ctrl-C at the terminal still reaches pytest once",
  async () => {
    await using suite = await pytestSuite({ "test_a.py": WAITS });
    const running = suite.start([...NO_CHECKS, "-s"], { TERM: "xterm" }, [
      await pythonWithPytest(),
      "-c",
      PTY,
      "sh",
      "-c",
      '"$@" | (trap "" INT; cat)',
      "sh",
    ]);
    await running.until("waiting");
    await running.type("\x03");
    await Deno.writeTextFile(join(suite.path, "go"), "");
    const result = await running.ended;
    assertIncludes(result.stdout, "SIGINTs: 1");
  },
);

Deno.test(
  "a dry run of --sync shows the command that makes the venv first, and creates nothing",
  async () => {
    await using suite = await pytestSuite({ "test_one.py": "def test_one(): pass\n" });
    await Deno.remove(join(suite.root, "py310"));
    const pyproject = await Deno.readTextFile(join(suite.root, "pyproject.toml"));
    const named = `[project]\nname = "app"\n${pyproject}venv = "py<MINOR>"\n`;
    await suite.write({ ".python-version": "3.12\n", "pyproject.toml": named });
    const { code, stdout } = await suite.tractest(["run", "--sync", "--dry-run"]);
    assertEquals([code, stdout.split("\n")[1]], [
      0,
      "py312/bin/python -m pytest -x --tb=short --no-header tests/",
    ]);
    assertIncludes(stdout.split("\n")[0]!, "python3.12 -m venv py312 && ");
    assertEquals([...Deno.readDirSync(suite.root)].map((entry) => entry.name).sort(), [
      ".python-version",
      "pyproject.toml",
      "tests",
    ]);
  },
);

Deno.test("options that pytest does not accept are named as the reason", async () => {
  await using suite = await pytestSuite({ "test_one.py": "def test_one(): pass\n" });
  const { code, stdout } = await suite.tractest([...NO_CHECKS, "--no-such-option"]);
  assertEquals(code, 4);
  assertIncludes(stdout, "pytest did not accept its command line");
});

Deno.test("an end before the session began is named with pytest's exit code", async () => {
  await using suite = await pytestSuite({
    "conftest.py": "def pytest_configure(): raise ValueError('on purpose')\n",
    "test_one.py": "def test_one(): pass\n",
  });
  const { code, stdout } = await suite.tractest([...NO_CHECKS]);
  assertEquals(code, 3);
  assertIncludes(stdout, "pytest exited with 3 before its session began: ");
});

for (const version of ["6.2.*", "7.*", "8.*", "9.*"]) {
  Deno.test(
    `a conftest.py that pytest ${version} can't import is named as the reason, with ` +
      `pytest's own exit code`,
    async () => {
      await using suite = await pytestSuite({
        "test_a.py": "def test_a(): pass\n",
        "helper.py": "import nope\n",
      }, version);
      await suite.write({
        "tests/conftest.py": "import sys\nsys.path.insert(0, 'tests')\nimport helper\n",
      });
      for (const more of [[], ["--jobs", "2"]]) {
        const { code, stdout, stderr } = await suite.tractest([...NO_CHECKS, ...more]);
        assertEquals(code, 4, stdout + stderr);
        const verdict = [
          "",
          "ERROR tests/conftest.py (collection): ModuleNotFoundError: No module named 'nope' " +
          "(tests/helper.py:1)",
          "1 error in ",
        ];
        assertIncludes(stdout, verdict.join("\n"));
        assert(!/command line|next:/.test(stdout + stderr), stdout + stderr);
      }
      await suite.write({ "tests/conftest.py": "def x(:\n" });
      const { code, stdout } = await suite.tractest([...NO_CHECKS, "--json"]);
      const { exitCode, failures, counts } = JSON.parse(stdout);
      assertEquals([code, exitCode, counts.errors, failures[0].id, failures[0].phase], [
        4,
        4,
        1,
        "tests/conftest.py",
        "collection",
      ]);
      assertEquals(failures[0].message, "SyntaxError: invalid syntax (conftest.py, line 1)");
    },
  );
}
