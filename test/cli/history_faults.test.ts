import { join } from "@std/path";
import { assert, assertEquals, assertIncludes } from "../assert.ts";
import { type Outcome, tractest } from "./tractest.ts";
import { ISOLATED, pytestSuite, pythonWithPytest, type Suite } from "./suites.ts";

const TESTS = { "test_a.py": "def test_passes(): pass\ndef test_fails(): assert 1 == 2\n" };
const RUN = ["run", "--no-preflight", "--no-defaults", "--json"];

/** Whether this user may mount file systems in a namespace. */
const MOUNTS = await canMount();
const NEEDS_MOUNTS = MOUNTS ? "" : " (needs mounts)";

async function canMount(): Promise<boolean> {
  try {
    return (await new Deno.Command("unshare", {
      args: ["-m", "mount", "-t", "tmpfs", "tmpfs", "/mnt"],
      stdout: "null",
      stderr: "null",
    }).output())
      .success;
  } catch {
    return false;
  }
}

function databaseOf(suite: Suite): string {
  return join(suite.path, "state/tractest/history.sqlite");
}

/** Checks that a run ended with its one failed test; returns its messages. */
function endedAsUsual({ code, stdout, stderr }: Outcome): string {
  assertEquals([code, JSON.parse(stdout || "{}").counts?.failed], [1, 1], stdout + stderr);
  assert(!/\n\s+at /.test(stderr), stderr);
  return stderr;
}

/** Ids of the recorded runs, newest first. */
async function recorded(suite: Suite): Promise<string[]> {
  const { code, stdout, stderr } = await suite.tractest(["history", "--json"]);
  assertEquals(code, 0, stderr);
  return JSON.parse(stdout).runs.map(({ id }: { id: string }) => id);
}

/** Files that were moved out of the way of the database. */
function movedAside(suite: Suite): string[] {
  return [...Deno.readDirSync(join(suite.path, "state/tractest"))].map((entry) => entry.name)
    .filter((name) => name.includes(".damaged-")).sort();
}

/** Starts a Python script that has the database of a suite open as `d`. */
async function sqlite(suite: Suite, script: string): Promise<Deno.ChildProcess> {
  const opened = "import sqlite3, sys\nd = sqlite3.connect(sys.argv[1], isolation_level=None)\n" +
    script;
  return new Deno.Command(await pythonWithPytest(), {
    args: ["-c", opened, databaseOf(suite)],
    stdin: "piped",
    stdout: "piped",
  }).spawn();
}

/** Runs one SQL statement on the database of a suite. */
async function execute(suite: Suite, statement: string): Promise<void> {
  const child = await sqlite(suite, `d.execute(${JSON.stringify(statement)})\nd.close()`);
  await child.stdin.close();
  assert((await child.output()).success);
}

/** Waits for the first output of a script. */
async function said(child: Deno.ChildProcess): Promise<void> {
  const reader = child.stdout.getReader();
  assert(!(await reader.read()).done, "it ended without output");
  reader.releaseLock();
}

async function killed(child: Deno.ChildProcess): Promise<void> {
  child.kill("SIGKILL");
  await child.stdin.close().catch(() => {});
  await child.stdout.cancel();
  await child.status;
}

Deno.test("fault 49: a garbage history is moved aside, kept runs are recorded again", async () => {
  await using suite = await pytestSuite(TESTS);
  endedAsUsual(await suite.tractest(RUN));
  const garbage = crypto.getRandomValues(new Uint8Array(20_000));
  await Deno.writeFile(databaseOf(suite), garbage);
  const stderr = endedAsUsual(await suite.tractest(RUN));
  const [aside, ...more] = movedAside(suite);
  assertEquals(more, []);
  assertIncludes(stderr, aside!);
  assertEquals(await Deno.readFile(join(suite.path, "state/tractest", aside!)), garbage);
  assertEquals((await recorded(suite)).length, 2);
});

Deno.test("fault 49: damaged histories and other databases are moved aside unchanged", async () => {
  await using suite = await pytestSuite(TESTS);
  endedAsUsual(await suite.tractest(RUN));
  const bytes = await Deno.readFile(databaseOf(suite));
  bytes.fill(0xa5, 4096);
  await Deno.writeFile(databaseOf(suite), bytes);
  assertIncludes(endedAsUsual(await suite.tractest(RUN)), "was damaged");
  assertEquals(
    await Deno.readFile(join(suite.path, "state/tractest", movedAside(suite)[0]!)),
    bytes,
  );

  await Deno.remove(databaseOf(suite));
  await execute(suite, "create table theirs (x)");
  assertIncludes(endedAsUsual(await suite.tractest(RUN)), "was damaged");
  assertEquals([movedAside(suite).length, (await recorded(suite)).length], [2, 3]);
});

Deno.test("fault 49: a history that lacks a table is moved aside and begins again", async () => {
  await using suite = await pytestSuite(TESTS);
  for (const table of ["result", "run", "test", "project"]) {
    endedAsUsual(await suite.tractest(RUN));
    const before = movedAside(suite).length;
    await execute(suite, `drop table "${table}"`);
    assertIncludes(endedAsUsual(await suite.tractest(RUN)), "history.sqlite.damaged-");
    assertEquals(movedAside(suite).length, before + 1, table);
    assert((await recorded(suite)).length > 0);
    assertEquals(movedAside(suite).length, before + 1, table);
  }
});

Deno.test("fault 49: a link or directory in place of the history is moved aside", async () => {
  await using suite = await pytestSuite(TESTS);
  endedAsUsual(await suite.tractest(RUN));
  const target = join(suite.path, "elsewhere.sqlite");
  await Deno.rename(databaseOf(suite), target);
  const before = await Deno.readFile(target);
  await Deno.symlink(target, databaseOf(suite));
  assertIncludes(endedAsUsual(await suite.tractest(RUN)), ".damaged-");
  assertEquals(await Deno.readFile(target), before);
  await Deno.remove(databaseOf(suite));
  await Deno.mkdir(join(databaseOf(suite), "inside"), { recursive: true });
  endedAsUsual(await suite.tractest(RUN));
  assertEquals([movedAside(suite).length, (await recorded(suite)).length], [2, 3]);
});

Deno.test("fault 49: with a locked history a run ends as usual and is recorded later", async () => {
  await using suite = await pytestSuite(TESTS);
  endedAsUsual(await suite.tractest(RUN));
  const holder = await sqlite(
    suite,
    "d.execute('begin exclusive')\nprint('held', flush=True)\nsys.stdin.read()",
  );
  await said(holder);
  assertIncludes(endedAsUsual(await suite.tractest(RUN)), "is locked");
  for (const command of ["slow", "flaky", "history"]) {
    const { code, stderr } = await suite.tractest([command]);
    assertEquals(code, 0, command);
    assertIncludes(stderr, "is locked");
  }
  await killed(holder);
  assertEquals([(await recorded(suite)).length, movedAside(suite)], [2, []]);
});

Deno.test("fault 49: the next writer undoes changes of a killed one, readers warn", async () => {
  await using suite = await pytestSuite(TESTS);
  endedAsUsual(await suite.tractest(RUN));
  // A cache of few pages makes SQLite write to the database itself before the transaction ends.
  const writer = await sqlite(
    suite,
    `
d.execute("pragma cache_size = 3")
d.execute("begin immediate")
names = ((f"{n}" * 100,) for n in range(3000))
d.executemany("insert into test (project, name) values (1, ?)", names)
print("half", flush=True)
sys.stdin.read()
`,
  );
  await said(writer);
  await killed(writer);
  assert((await Deno.stat(`${databaseOf(suite)}-journal`)).size > 0);
  assertIncludes((await suite.tractest(["slow"])).stderr, "tractest history");
  assertEquals((await suite.tractest(["layout"])).code, 0);
  assertEquals((await recorded(suite)).length, 1);
  assertEquals(
    JSON.parse((await suite.tractest(["history", "000", "--json"])).stdout || "{}").error?.code,
    "usage",
  );
  assertEquals(movedAside(suite), []);
});

Deno.test("fault 49: a history of a newer tractest stays unchanged", async () => {
  await using suite = await pytestSuite(TESTS);
  endedAsUsual(await suite.tractest(RUN));
  await execute(suite, "pragma user_version = 99");
  const before = await Deno.readFile(databaseOf(suite));
  assertIncludes(endedAsUsual(await suite.tractest(RUN)), "newer tractest");
  assertIncludes((await suite.tractest(["flaky"])).stderr, "newer tractest");
  assertEquals([await Deno.readFile(databaseOf(suite)), movedAside(suite)], [before, []]);
});

/**
 * Runs twice with the state directory on a disk of its own, and applies `spoil` to that disk before
 * the second run. Returns the second outcome and the recorded ids.
 */
async function onDisk(
  suite: Suite,
  size: string,
  spoil: string,
  repair: string,
): Promise<{ outcome: Outcome; runs: string[] }> {
  const script = `
set -e
export XDG_STATE_HOME="$SUITE/disk"
mkdir -p "$XDG_STATE_HOME"
mount -t tmpfs -o size=${size} tmpfs "$XDG_STATE_HOME"
"$@" >/dev/null 2>&1 || test $? = 1
cd "$XDG_STATE_HOME"
${spoil}
cd "$SUITE/repo"
code=0; "$@" || code=$?
cd "$XDG_STATE_HOME"
${repair}
cd "$SUITE/repo"
"$1" history --json >"$SUITE/history.json"
exit $code`;
  const wrap = ["unshare", "-m", ...(ISOLATED ?? []), "sh", "-c", script, "sh"];
  const outcome = await tractest(RUN, { cwd: suite.root, env: suite.environment(), wrap });
  const { runs } = JSON.parse(await Deno.readTextFile(join(suite.path, "history.json")));
  return { outcome, runs };
}

Deno.test(`fault 49: on a full disk a run ends as usual, old data survives${NEEDS_MOUNTS}`, {
  ignore: !MOUNTS,
}, async () => {
  await using suite = await pytestSuite(TESTS);
  const { outcome, runs } = await onDisk(
    suite,
    "1m",
    "dd if=/dev/zero of=fill bs=4k 2>/dev/null || true",
    "rm fill",
  );
  const stderr = endedAsUsual(outcome);
  assertIncludes(stderr, "is the disk full");
  assertIncludes(stderr, "the history can't be written");
  assertEquals(runs.length, 1);
});

Deno.test(
  `fault 49: a run whose disk fills up is recorded once there is room${NEEDS_MOUNTS}`,
  { ignore: !MOUNTS },
  async () => {
    await using suite = await pytestSuite(TESTS);
    const spoil = "dd if=/dev/zero of=fill bs=4k 2>/dev/null || true\ntruncate -s -90112 fill";
    // The database has to grow for each run.
    await Deno.writeTextFile(
      join(suite.root, "tests/test_b.py"),
      "import pytest\n@pytest.mark.parametrize('n', range(120))\ndef test_many(n): pass\n",
    );
    const { outcome, runs } = await onDisk(suite, "1m", spoil, "rm fill");
    assertIncludes(endedAsUsual(outcome), "the history can't be written");
    assertEquals(runs.length, 2);
  },
);

Deno.test(
  `fault 49: when a test fills the disk its run ends as usual, with a warning${NEEDS_MOUNTS}`,
  { ignore: !MOUNTS },
  async () => {
    await using suite = await pytestSuite({
      "test_a.py": `import os
def test_fills():
    try:
        with open(os.environ["XDG_STATE_HOME"] + "/fill", "wb", 0) as file:
            while True: file.write(b"x" * 512)
    except OSError: pass
def test_fails(): assert 1 == 2
`,
    });
    const script = `
set -e
export XDG_STATE_HOME="$SUITE/disk"
mkdir -p "$XDG_STATE_HOME"
mount -t tmpfs -o size=1m tmpfs "$XDG_STATE_HOME"
exec timeout -s KILL 60 "$@"`;
    const wrap = ["unshare", "-m", ...(ISOLATED ?? []), "sh", "-c", script, "sh"];
    for (const options of [["--retries", "1"], ["--shard", "1/1"]]) {
      const words = ["run", "--no-preflight", "--no-defaults", ...options];
      const { code, stdout, stderr } = await tractest(words, {
        cwd: suite.root,
        env: suite.environment(),
        wrap,
      });
      assertEquals(code, 1, stdout + stderr);
      assertIncludes(stdout, "1 failed, 1 passed");
      // A failure whose report is lost is not retried; the warning is about the report then.
      const said = stderr.split("no more tests are run").length - 1;
      assert(
        said === 1 || (said === 0 && stderr.includes("the disk is full: events are missing")),
        stderr,
      );
    }
  },
);

Deno.test(
  `fault 49: on a read-only disk a run ends as usual, reports can read${NEEDS_MOUNTS}`,
  { ignore: !MOUNTS },
  async () => {
    await using suite = await pytestSuite(TESTS);
    const { outcome, runs } = await onDisk(suite, "1m", "mount -o remount,ro $PWD", "");
    assertIncludes(endedAsUsual(outcome), "the history can't be written");
    assertEquals(runs.length, 1);
  },
);

Deno.test("fault 49: runs that end at the same time are all recorded", async () => {
  await using suite = await pytestSuite(TESTS);
  await using other = await pytestSuite(TESTS);
  for (let round = 0; round < 2; round++) {
    const outcomes = await Promise.all(
      [suite, other].map((one) =>
        tractest(RUN, { cwd: one.root, env: suite.environment(), wrap: ISOLATED ?? [] })
      ),
    );
    for (const outcome of outcomes) assert(!endedAsUsual(outcome).includes("history"));
  }
  const counts = await Promise.all([suite, other].map(async (one) => {
    const { stdout } = await tractest(["history", "--json"], {
      cwd: one.root,
      env: suite.environment(),
    });
    return JSON.parse(stdout).recorded;
  }));
  assertEquals(counts, [2, 2]);
});

Deno.test("a run whose tractest was killed is recorded with its results so far", async () => {
  await using suite = await pytestSuite({
    "test_a.py":
      "def test_first(): pass\ndef test_hangs():\n    import time\n    time.sleep(600)\n",
  });
  const running = suite.start(["run", "--no-preflight", "--no-defaults", "-v", "-s"]);
  await running.until("test_hangs");
  for (const pid of [running.child.pid, ...await pidsBelow(running.child.pid)]) {
    try {
      Deno.kill(pid, "SIGKILL");
    } catch {
      // It has already ended.
    }
  }
  await running.ended;
  const { stdout } = await suite.tractest(["history", "--json"]);
  const [run, ...more] = JSON.parse(stdout).runs;
  assertEquals([run.ending, run.exitCode, run.tests, run.passed, more.length], [
    "killed",
    null,
    2,
    1,
    0,
  ]);
  const test = JSON.parse(
    (await suite.tractest(["history", "tests/test_a.py::test_hangs", "--json"])).stdout,
  );
  assertEquals([test.results[0].outcome, test.trials, test.rate], ["unfinished", 0, null]);
});

/** All processes below one. */
async function pidsBelow(pid: number): Promise<number[]> {
  const { stdout } = await new Deno.Command("ps", { args: ["-eo", "pid=,ppid="] }).output();
  const rows = new TextDecoder().decode(stdout).trim().split("\n").map((line) =>
    line.trim().split(/ +/).map(Number)
  );
  const below: number[] = [];
  for (let parents = [pid]; parents.length > 0;) {
    parents = rows.filter(([, ppid]) => parents.includes(ppid!)).map(([child]) => child!);
    below.push(...parents);
  }
  return below;
}
