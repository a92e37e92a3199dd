import { join } from "@std/path";
import { assert, assertEquals, assertIncludes } from "../assert.ts";
import { alive, pytestSuite, type Suite } from "./suites.ts";

const NO_CHECKS = ["run", "--no-preflight"];

/** Tests that hang, crash pytest, and pass, in this order. */
const BREAKING = `
import os, time
def test_a(): pass
def test_hangs(): time.sleep(600)
def test_b(): pass
def test_crashes(): os._exit(3)
def test_c(): pass
`;

Deno.test(
  "a test that takes longer than --test-timeout is ended and reported, and the others " +
    "run in a fresh pytest",
  async () => {
    await using suite = await pytestSuite({ "test_a.py": BREAKING });
    const { code, stdout } = await suite.tractest([
      ...NO_CHECKS,
      "--no-defaults",
      "--test-timeout",
      "1",
      "--json",
    ]);
    const document = JSON.parse(stdout);
    assertEquals([code, document.exitCode], [1, 1]);
    assertEquals(document.counts, {
      passed: 3,
      failed: 2,
      skipped: 0,
      errors: 0,
      xfailed: 0,
      xpassed: 0,
      subtestsPassed: 0,
      notRun: 0,
    });
    assertEquals(
      document.failures.map(({ id, message }: { id: string; message: string }) => [id, message]),
      [
        ["tests/test_a.py::test_hangs", "it took longer than 1 s and was ended"],
        ["tests/test_a.py::test_crashes", "pytest ended with exit code 3 while it ran"],
      ],
    );
    const outcomes = document.failures.map(({ outcome }: { outcome: string }) => outcome);
    assertEquals(outcomes, ["timeout", "crash"]);
    assertEquals(document.timeouts, ["tests/test_a.py::test_hangs"]);
    assertEquals(await lastFailed(suite), [
      "tests/test_a.py::test_crashes",
      "tests/test_a.py::test_hangs",
    ]);
  },
);

Deno.test(
  "without --resume a test that takes too long ends the run with 124, and the results " +
    "are kept for --lf",
  async () => {
    await using suite = await pytestSuite({ "test_a.py": BREAKING });
    const { code, stdout } = await suite.tractest([...NO_CHECKS, "--test-timeout", "1"]);
    assertEquals(code, 124);
    assertIncludes(
      stdout,
      "TIMEOUT tests/test_a.py::test_hangs\n    it took longer than 1 s and was ended",
    );
    assertIncludes(
      stdout,
      "time limit of one test, tests/test_a.py::test_hangs: 1 failed, 1 passed",
    );
    assertEquals(await lastFailed(suite), ["tests/test_a.py::test_hangs"]);
  },
);

Deno.test(
  "a test that ignores SIGINT is ended with its process tree, and " +
    "the others run",
  async () => {
    await using suite = await pytestSuite({
      "test_a.py": `
import os, signal, subprocess, sys, time
def test_hangs():
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    ignoring = "import signal, time; signal.signal(signal.SIGINT, signal.SIG_IGN); time.sleep(600)"
    child = subprocess.Popen([sys.executable, "-c", ignoring])
    open(os.environ["SUITE"] + "/pids", "w").write(f"{os.getpid()} {child.pid}")
    time.sleep(600)
def test_b(): pass
`,
    });
    const { code, stdout, stderr } = await suite.tractest([
      ...NO_CHECKS,
      "--no-defaults",
      "--test-timeout",
      "1",
      "--grace",
      "0.3",
    ]);
    assertEquals(code, 1, stdout);
    assertIncludes(stdout, "1 failed, 1 passed");
    assertIncludes(
      stderr,
      "\npytest ended with tests/test_a.py::test_hangs; another one runs the other 1 test\n",
    );
    for (const pid of (await Deno.readTextFile(join(suite.path, "pids"))).split(" ")) {
      assert(!await alive(Number(pid)), `pid ${pid} still lives`);
    }
  },
);

/** Fails at first, then passes; and one that always fails. */
const FLAKY = `
import os
def test_flaky():
    path = os.environ["SUITE"] + "/seen"
    if not os.path.exists(path):
        open(path, "w").close()
        assert False, "the first time"
def test_after(): pass
`;

Deno.test(
  "a test that passes in a retry is FLAKY: green, but not under --strict",
  async () => {
    await using suite = await pytestSuite({ "test_a.py": FLAKY });
    const first = await suite.tractest([...NO_CHECKS, "--retries", "2"]);
    assertEquals(first.code, 0, first.stdout + first.stderr);
    assertIncludes(
      first.stdout,
      "FLAKY 2/3 tests/test_a.py::test_flaky failed, then passed in a new process: " +
        "AssertionError: the first time",
    );
    assertIncludes(first.stdout, "2 passed in ");
    assertEquals(await lastFailed(suite), []);
    await Deno.remove(join(suite.path, "seen"));
    const strict = await suite.tractest([...NO_CHECKS, "--retries", "2", "--strict", "--json"]);
    assertEquals(strict.code, 84);
    const document = JSON.parse(strict.stdout);
    const ending = "the tests passed, but not cleanly (strict, exit code 84): " +
      "1 test passed only when run again";
    assertEquals(document.ending, ending);
    assertIncludes(strict.stderr, `${ending}\n`);
    assertEquals(document.flaky, [{
      id: "tests/test_a.py::test_flaky",
      attempts: ["failed", "passed"],
    }]);
  },
);

Deno.test("a test that fails in every attempt stays red, with the number of attempts", async () => {
  await using suite = await pytestSuite({ "test_a.py": "def test_bad(): assert 1 == 2\n" });
  const { code, stdout } = await suite.tractest([...NO_CHECKS, "--retries", "2"]);
  assertEquals(code, 1);
  assertIncludes(stdout, "FAILED 3 times tests/test_a.py::test_bad: assert 1 == 2");
  assertIncludes(stdout, "1 failed in ");
});

/** A child left by a test, one by a fixture of its module, one that ends by itself. */
const LEAVES = `
import subprocess, sys, pytest
def sleeper(seconds):
    argv = [sys.executable, "-c", f"import time; time.sleep({seconds})"]
    return subprocess.Popen(argv, stdin=subprocess.PIPE)
@pytest.fixture(scope="module")
def server():
    child = sleeper(600)
    yield child
    child.kill(); child.wait()
def test_uses(server): pass
def test_leaves():
    child = sleeper(30)
    child.returncode = 0
def test_tidy(server):
    child = sleeper(600); child.kill(); child.wait()
`;

/**
 * Closes every descriptor that it can, opens files that get their numbers, and replaces functions
 * with which others write and read the time.
 */
const CLOSES = `
import json, os, time
def test_closes(tmp_path):
    os.closerange(3, 2000)
    globals()["files"] = [open(tmp_path / str(n), "w") for n in range(20)]
    globals()["kept"] = time.time, os.getpid, os.getppid, os.write, json.dumps
    time.time = lambda: 0.0
    os.write = json.dumps = None
    os.getpid = os.getppid = lambda: 1
def test_after(): assert "why" == "lost"
def test_at_last():
    if "kept" not in globals(): return  # another process has run the first one
    time.time, os.getpid, os.getppid, os.write, json.dumps = kept
    assert all(os.stat(file.name).st_size == 0 for file in files)
`;

Deno.test(
  "a test that closes descriptors and replaces functions for good does not lose or " +
    "catch any report",
  async () => {
    await using suite = await pytestSuite({ "test_a.py": CLOSES });
    for (const mode of [[], ["--jobs", "2"]]) {
      const { stdout, stderr } = await suite.tractest([
        ...NO_CHECKS,
        "--no-defaults",
        "--capture=sys",
        "--json",
        ...mode,
      ]);
      const { counts, failures } = JSON.parse(stdout);
      assertEquals([counts.passed, counts.failed], [2, 1], stderr);
      assertEquals(failures.map(({ id }: { id: string }) => id), ["tests/test_a.py::test_after"]);
    }
  },
);

Deno.test(
  "a test is retried even if a bracket in its path keeps pytest from finding its file",
  async () => {
    const flaky =
      'import os\ndef test_a():\n    if not os.path.exists("seen"): open("seen", "w"); assert 0\n';
    await using suite = await pytestSuite({
      "[x]/test_a.py": flaky,
      "[x]/test_b.py": "def test_b(): assert 0\n",
    });
    const { code, stdout } = await suite.tractest([
      ...NO_CHECKS,
      "--no-defaults",
      "--retries",
      "1",
    ]);
    assertEquals(code, 1);
    assertIncludes(stdout, "FLAKY 2/2 tests/[x]/test_a.py::test_a");
    assertIncludes(stdout, "FAILED 2 times tests/[x]/test_b.py::test_b");
  },
);

Deno.test(
  "a process that a test leaves behind is its LEAK; one that a module's fixture " +
    "started and ended is not",
  async () => {
    await using suite = await pytestSuite({ "test_a.py": LEAVES });
    const { code, stdout } = await suite.tractest([...NO_CHECKS, "--strict", "--json"]);
    const { leftBehind, counts } = JSON.parse(stdout);
    assertEquals(counts.passed, 3);
    assertEquals(leftBehind.map(({ id }: { id: string }) => id), ["tests/test_a.py::test_leaves"]);
    const [left] = leftBehind[0].processes;
    assertIncludes(left.title, "time.sleep(30)");
    assertEquals(code, 84);
    Deno.kill(left.pid, "SIGKILL");
  },
);

/**
 * Leftovers whose parent is gone, in each of the usual ways; the last test starts none and takes
 * its time.
 */
const ORPHANS = `
import multiprocessing, os, subprocess, sys, time
CODE = "import time; time.sleep(%s)"
def test_orphan():
    script = 'exec 0<&- >/dev/null 2>&1; "$0" -c "$1" & exit'
    subprocess.run(["sh", "-c", script, sys.executable, CODE % 601])
def test_own_session():
    child = subprocess.Popen([sys.executable, "-c", CODE % 602], start_new_session=True)
    child.returncode = 0
def test_double_fork():
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            os.execv(sys.executable, [sys.executable, "-c", CODE % 603])
        os._exit(0)
    os.wait()
def test_ends_with_pytest():
    argv = [sys.executable, "-c", "import sys; sys.stdin.read()"]
    globals()["kept"] = subprocess.Popen(argv, stdin=subprocess.PIPE)
def test_last(): time.sleep(0.8)
`;

Deno.test(
  "leaks are found after pytest's end, whichever process adopted them, each with the " +
    "test that started it",
  async () => {
    await using suite = await pytestSuite({ "test_a.py": ORPHANS });
    const { code, stdout, stderr } = await suite.tractest([
      ...NO_CHECKS,
      "--strict",
      "--json",
      "-v",
    ]);
    const { leftBehind, left, counts } = JSON.parse(stdout) as Record<
      string,
      { id: string; processes: { pid: number; title: string }[] }[]
    >;
    try {
      assertEquals((counts as unknown as { passed: number }).passed, 5);
      const leaks = (leftBehind ?? []).map((
        { id, processes },
      ) => [id, processes.map(({ title }) => /sleep\((\d+)\)/.exec(title)?.[1])]);
      assertEquals(leaks.sort(), [
        ["tests/test_a.py::test_double_fork", ["603"]],
        ["tests/test_a.py::test_orphan", ["601"]],
        ["tests/test_a.py::test_own_session", ["602"]],
      ], stderr);
      assertEquals(
        left?.map(({ id }) => id),
        ["tests/test_a.py::test_ends_with_pytest"],
        "it outlived its test, but not pytest",
      );
      assertEquals(code, 84);
    } finally {
      for (const { processes } of leftBehind ?? []) {
        for (const { pid } of processes) Deno.kill(pid, "SIGKILL");
      }
    }
  },
);

Deno.test(
  "a process left by a module's fixture is the LEAK of the test that started it, not " +
    "of the last to use it",
  async () => {
    const text = `
import subprocess, sys, pytest
def sleeper(seconds):
    return subprocess.Popen([sys.executable, "-c", f"import time; time.sleep({seconds})"])
@pytest.fixture(scope="module")
def server():
    child = sleeper(601)
    child.returncode = 0
    yield
def test_before(): pass
def test_starts(server): pass
def test_uses(server): pass
def test_quick():
    sleeper(602).returncode = 0
def test_after(): pass
`;
    await using suite = await pytestSuite({ "test_a.py": text });
    for (const isolate of [[], ["--isolate=auto"]]) {
      const { stdout, stderr } = await suite.tractest([...NO_CHECKS, "--json", ...isolate]);
      const { leftBehind } = JSON.parse(stdout) as {
        leftBehind: { id: string; processes: { pid: number; title: string; ended?: true }[] }[];
      };
      for (const { processes } of leftBehind) {
        for (const { pid, ended } of processes) if (!ended) Deno.kill(pid, "SIGKILL");
      }
      const leaks = leftBehind.map((
        { id, processes },
      ) => [id, ...processes.map(({ title }) => /sleep\((\d+)\)/.exec(title)?.[1])]);
      assertEquals(leaks.sort(), [["tests/test_a.py::test_quick", "602"], [
        "tests/test_a.py::test_starts",
        "601",
      ]], stderr);
    }
  },
);

Deno.test(
  "a process that outlived its test and ended with pytest is no leak, and shown only " +
    "with -v",
  async () => {
    const text = `
import subprocess, sys, time
def test_a():
    argv = [sys.executable, "-c", "import sys; sys.stdin.read()"]
    globals()["kept"] = subprocess.Popen(argv, stdin=subprocess.PIPE)
def test_b(): time.sleep(0.8)
`;
    await using suite = await pytestSuite({ "test_a.py": text });
    const quiet = await suite.tractest([...NO_CHECKS, "--strict"]);
    assertEquals([quiet.code, /LEAK|left /.test(quiet.stdout)], [0, false], quiet.stdout);
    const verbose = await suite.tractest([...NO_CHECKS, "--strict", "-v"]);
    assertEquals(verbose.code, 0);
    assertIncludes(verbose.stdout, "left tests/test_a.py::test_a: pid ");
  },
);

Deno.test("failures that an earlier test caused are shown as one with it", async () => {
  await using suite = await pytestSuite({
    "test_a.py": `
import pytest
def test_culprit(): assert False, "torn out"
@pytest.mark.parametrize("n", range(5))
def test_later(n): raise RuntimeError("Attempted to call run() from inside a run()")
`,
  });
  const { code, stdout } = await suite.tractest([...NO_CHECKS, "--no-defaults"]);
  assertEquals(code, 1);
  assertIncludes(
    stdout,
    "POISONED 5 tests found trio still running in their process, left by " +
      "tests/test_a.py::test_culprit",
  );
  assertEquals(
    stdout.slice(stdout.lastIndexOf("FAILED tests/test_a.py::test_culprit")).includes(
      "FAILED tests/test_a.py::test_later",
    ),
    false,
  );
});

Deno.test(
  "a test that ends its pytest with exit code 0 is red, and so is a collection that " +
    "does",
  async () => {
    await using suite = await pytestSuite({
      "test_a.py": "import os\ndef test_a(): os._exit(0)\n",
    });
    const inTest = await suite.tractest(NO_CHECKS);
    assertEquals(inTest.code, 1, inTest.stdout + inTest.stderr);
    assertIncludes(inTest.stdout, "CRASH tests/test_a.py::test_a");
    await suite.write({ "tests/test_a.py": "import os\nos._exit(0)\n" });
    const inCollection = await suite.tractest(NO_CHECKS);
    assertEquals(inCollection.code, 1, inCollection.stdout + inCollection.stderr);
    assertIncludes(
      inCollection.stdout,
      "pytest ended with exit code 0 before its session was over",
    );
  },
);

Deno.test(
  "a pytest that exits with 0 before its session begins is red, unless no session was " +
    "asked for",
  async () => {
    await using suite = await pytestSuite({
      "conftest.py": "import os\nos._exit(0)\n",
      "test_a.py": "def test_a(): pass\n",
    });
    const { code, stdout } = await suite.tractest(NO_CHECKS);
    assertEquals(code, 1, stdout);
    assertIncludes(stdout, "pytest ended with exit code 0 before its session was over");
    assertEquals(JSON.parse((await suite.tractest([...NO_CHECKS, "--json"])).stdout).exitCode, 1);
    await Deno.remove(join(suite.root, "tests/conftest.py"));
    for (const option of ["--help", "--version", "--markers", "--fixtures"]) {
      const asked = await suite.tractest([...NO_CHECKS, "--", option]);
      assertEquals(asked.code, 0, asked.stdout + asked.stderr);
    }
  },
);

Deno.test(
  "a test that killed its pytest and passes in a retry is flaky, not contention, and " +
    "green",
  async () => {
    await using suite = await pytestSuite({
      "test_a.py": `
import os, signal
def test_crashes_once():
    path = os.environ["SUITE"] + "/seen"
    if not os.path.exists(path):
        open(path, "w").close()
        os.kill(os.getpid(), signal.SIGKILL)
def test_after(): pass
`,
    });
    const { code, stdout } = await suite.tractest([
      ...NO_CHECKS,
      "--no-defaults",
      "--retries",
      "1",
      "--resume",
      "--json",
    ]);
    const { counts, contended, flaky } = JSON.parse(stdout);
    assertEquals([code, counts.passed, contended, flaky.length], [0, 2, [], 1], stdout);
  },
);

Deno.test(
  "events that could no longer be written are reported as missing, and change no result",
  async () => {
    await using suite = await pytestSuite({
      "test_a.py": `
import os
def test_a():
    path = os.environ["SUITE"] + "/events"
    os.remove(path); os.mkdir(path)
def test_b(): pass
`,
    });
    const { code, stdout, stderr } = await suite.tractest([
      ...NO_CHECKS,
      "--events",
      join(suite.path, "events"),
    ]);
    assertEquals(code, 0, stdout + stderr);
    assertEquals(
      stderr.split("events are missing from the file of --events: Cannot write").length,
      2,
      stderr,
    );
    const refused = await suite.tractest([...NO_CHECKS, "--events", suite.path]);
    assertEquals(
      [refused.code, refused.stderr.includes("it is a directory")],
      [64, true],
      refused.stderr,
    );
  },
);

Deno.test(
  "a pytest that does not exit after its report is ended, and fails under --strict",
  async () => {
    await using suite = await pytestSuite({
      "test_a.py": "import threading, time\ndef test_a(): threading.Thread(target=time.sleep, " +
        "args=(600,)).start()\n",
    });
    const { code, stdout, stderr } = await suite.tractest([
      ...NO_CHECKS,
      "--strict",
      "--exit-timeout",
      "1",
    ]);
    assertEquals(code, 84, stdout + stderr);
    assertIncludes(stderr, "pytest has finished but did not exit within 1 s: ending it");
  },
);

async function lastFailed(suite: Suite): Promise<string[]> {
  return Object.keys(
    JSON.parse(await Deno.readTextFile(join(suite.root, ".pytest_cache/v/cache/lastfailed"))),
  ).sort();
}

Deno.test("--slow-after reports slow tests, also next to pytest's own output", async () => {
  // The test continues once it was reported, as seen in the file with tractest's messages.
  const slow = `
import os, time
def test_slow():
    while "SLOW" not in open(os.environ["SUITE"] + "/said").read(): time.sleep(0.01)
def test_quick(): pass
`;
  await using suite = await pytestSuite({ "test_a.py": slow });
  await Deno.writeTextFile(join(suite.path, "said"), "");
  const to = ["sh", "-c", 'exec "$@" 2>"$SUITE/said"', "sh"];
  const { code, stdout } = await suite.start([...NO_CHECKS, "--slow-after", "0.2"], {}, to).ended;
  assertEquals(code, 0);
  assertIncludes(stdout, "2 passed");
  const said = await Deno.readTextFile(join(suite.path, "said"));
  assertIncludes(said, "\nSLOW [> 0.2s] tests/test_a.py::test_slow\n");
  assert(!said.includes("test_quick"), said);
});

Deno.test("a test that takes far longer than before is reported with its wait", async () => {
  const before = "def test_a(): pass\n";
  // It continues once it was reported, as seen in the file with tractest's messages.
  const stuck = `
import os, subprocess, sys, threading, time
def test_a():
    write = "import os; os.write(1, b'x' * 1_000_000)"
    writer = subprocess.Popen([sys.executable, "-c", write], stdout=subprocess.PIPE)
    def end():
        while "SLOW" not in open(os.environ["SUITE"] + "/said").read(): time.sleep(0.05)
        writer.kill()
    threading.Thread(target=end).start()
    writer.wait()
    writer.stdout.close()
`;
  await using suite = await pytestSuite({ "test_a.py": before });
  assertEquals((await suite.tractest(NO_CHECKS)).code, 0);
  await Deno.writeTextFile(join(suite.root, "tests/test_a.py"), stuck);
  await Deno.writeTextFile(join(suite.path, "said"), "");
  const to = ["sh", "-c", 'exec "$@" 2>"$SUITE/said"', "sh"];
  const { code, stdout } = await suite.start([...NO_CHECKS, "tests/test_a.py"], {}, to).ended;
  assertEquals(code, 0, stdout);
  const said = await Deno.readTextFile(join(suite.path, "said"));
  assertIncludes(said, "\nSLOW [> 10s] tests/test_a.py::test_a (before: 0.01 s at most)\n");
  assert(/^ {4}blocked-write: pid \d+ \(.*\) sleeps in write\(1 → pipe/m.test(said), said);
  assertIncludes(said, "\n    more, while it runs: tractest hang\n");
});
