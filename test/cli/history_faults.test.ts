import { join } from "@std/path";
import { assert, assertEquals, assertIncludes } from "../assert.ts";
import { type Outcome, tractest } from "./tractest.ts";
import { ISOLATED, pytestSuite, pythonWithPytest, type Suite } from "./suites.ts";

const TESTS = { "test_a.py": "def test_passes(): pass\ndef test_fails(): assert 1 == 2\n" };
const RUN = ["run", "--no-preflight", "--no-defaults", "--json"];

/** Whether a namespace with mounts of its own can be had. */
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

/** A run with one failed test has to end as it always does; what it said. */
function endedAsTested({ code, stdout, stderr }: Outcome): string {
  assertEquals([code, JSON.parse(stdout || "{}").counts?.failed], [1, 1], stdout + stderr);
  assert(!/\n\s+at /.test(stderr), stderr);
  return stderr;
}

/** Ids of the runs on record, newest first. */
async function recorded(suite: Suite): Promise<string[]> {
  const { code, stdout, stderr } = await suite.tractest(["history", "--json"]);
  assertEquals(code, 0, stderr);
  return JSON.parse(stdout).runs.map(({ id }: { id: string }) => id);
}

/** Files beside the database that were moved out of its way. */
function movedAside(suite: Suite): string[] {
  return [...Deno.readDirSync(join(suite.path, "state/tractest"))].map((entry) => entry.name)
    .filter((name) => name.includes(".damaged-")).sort();
}

/**
 * Runs a script on SQLite from Python's own library, with the database's path as its first
 * argument.
 */
async function sqlite(suite: Suite, script: string): Promise<Deno.ChildProcess> {
  const python = await pythonWithPytest();
  return new Deno.Command(python, {
    args: ["-c", script, databaseOf(suite)],
    stdin: "piped",
    stdout: "piped",
  }).spawn();
}

/** Waits until it says something: what that is, is up to the script. */
async function said(child: Deno.ChildProcess): Promise<void> {
  const reader = child.stdout.getReader();
  assert(!(await reader.read()).done, "it ended without a word");
  reader.releaseLock();
}

async function killed(child: Deno.ChildProcess): Promise<void> {
  child.kill("SIGKILL");
  await child.stdin.close().catch(() => {});
  await child.stdout.cancel();
  await child.status;
}

Deno.test("fault 49: a history that is garbage is moved aside, named, and begins again with the runs whose events are kept", async () => {
  await using suite = await pytestSuite(TESTS);
  endedAsTested(await suite.tractest(RUN));
  const garbage = crypto.getRandomValues(new Uint8Array(20_000));
  await Deno.writeFile(databaseOf(suite), garbage);
  const stderr = endedAsTested(await suite.tractest(RUN));
  const [aside, ...more] = movedAside(suite);
  assertEquals(more, []);
  assertIncludes(stderr, aside!);
  assertEquals(await Deno.readFile(join(suite.path, "state/tractest", aside!)), garbage);
  assertEquals((await recorded(suite)).length, 2);
});

Deno.test("fault 49: a history that is damaged in its middle is moved aside whole, and a database of something else too", async () => {
  await using suite = await pytestSuite(TESTS);
  endedAsTested(await suite.tractest(RUN));
  const bytes = await Deno.readFile(databaseOf(suite));
  bytes.fill(0xa5, 4096);
  await Deno.writeFile(databaseOf(suite), bytes);
  assertIncludes(endedAsTested(await suite.tractest(RUN)), "was damaged");
  assertEquals(
    await Deno.readFile(join(suite.path, "state/tractest", movedAside(suite)[0]!)),
    bytes,
  );

  await Deno.remove(databaseOf(suite));
  const other = await sqlite(
    suite,
    "import sqlite3, sys\nwith sqlite3.connect(sys.argv[1]) as d: d.execute('create table theirs (x)')",
  );
  await other.stdin.close();
  assert((await other.output()).success);
  assertIncludes(endedAsTested(await suite.tractest(RUN)), "was damaged");
  assertEquals([movedAside(suite).length, (await recorded(suite)).length], [2, 3]);
});

Deno.test("fault 49: a history without one of its tables is moved aside whole, and begins again", async () => {
  await using suite = await pytestSuite(TESTS);
  for (const table of ["result", "run", "test", "project"]) {
    endedAsTested(await suite.tractest(RUN));
    const before = movedAside(suite).length;
    const script =
      `import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute('drop table "${table}"'); c.commit(); c.close(); print("done")`;
    const child = await sqlite(suite, script);
    await said(child);
    await child.stdin.close();
    await child.status;
    await child.stdout.cancel();
    assertIncludes(endedAsTested(await suite.tractest(RUN)), "history.sqlite.damaged-");
    assertEquals(movedAside(suite).length, before + 1, table);
    assert((await recorded(suite)).length > 0);
    assertEquals(movedAside(suite).length, before + 1, table);
  }
});

Deno.test("fault 49: a symbolic link or a directory in place of the history is moved aside, and what the link leads to is not touched", async () => {
  await using suite = await pytestSuite(TESTS);
  endedAsTested(await suite.tractest(RUN));
  const target = join(suite.path, "elsewhere.sqlite");
  await Deno.rename(databaseOf(suite), target);
  const before = await Deno.readFile(target);
  await Deno.symlink(target, databaseOf(suite));
  assertIncludes(endedAsTested(await suite.tractest(RUN)), ".damaged-");
  assertEquals(await Deno.readFile(target), before);
  await Deno.remove(databaseOf(suite));
  await Deno.mkdir(join(databaseOf(suite), "inside"), { recursive: true });
  endedAsTested(await suite.tractest(RUN));
  assertEquals([movedAside(suite).length, (await recorded(suite)).length], [2, 3]);
});

Deno.test("fault 49: while another process holds the history the run ends as tested, and is recorded later", async () => {
  await using suite = await pytestSuite(TESTS);
  endedAsTested(await suite.tractest(RUN));
  const holder = await sqlite(
    suite,
    "import sqlite3, sys\nd = sqlite3.connect(sys.argv[1])\nd.execute('begin exclusive')\nprint('held', flush=True)\nsys.stdin.read()",
  );
  await said(holder);
  assertIncludes(endedAsTested(await suite.tractest(RUN)), "is locked");
  for (const command of ["slow", "flaky", "history"]) {
    const { code, stderr } = await suite.tractest([command]);
    assertEquals(code, 0, command);
    assertIncludes(stderr, "is locked");
  }
  await killed(holder);
  assertEquals([(await recorded(suite)).length, movedAside(suite)], [2, []]);
});

Deno.test("fault 49: what a killed writer left half done is undone by the next one, and said by those that may not", async () => {
  await using suite = await pytestSuite(TESTS);
  endedAsTested(await suite.tractest(RUN));
  // A cache of few pages makes SQLite write to the database itself before the transaction ends.
  const writer = await sqlite(
    suite,
    "import sqlite3, sys\nd = sqlite3.connect(sys.argv[1], isolation_level=None)\nd.execute('pragma cache_size = 3')\nd.execute('begin immediate')\n" +
      "d.executemany('insert into test (project, name) values (1, ?)', ((f'{n}' * 100,) for n in range(3000)))\nprint('half', flush=True)\nsys.stdin.read()",
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

Deno.test("fault 49: a history of a newer tractest is left as it is", async () => {
  await using suite = await pytestSuite(TESTS);
  endedAsTested(await suite.tractest(RUN));
  const newer = await sqlite(
    suite,
    "import sqlite3, sys\nwith sqlite3.connect(sys.argv[1]) as d: d.execute('pragma user_version = 99')",
  );
  await newer.stdin.close();
  assert((await newer.output()).success);
  const before = await Deno.readFile(databaseOf(suite));
  assertIncludes(endedAsTested(await suite.tractest(RUN)), "newer tractest");
  assertIncludes((await suite.tractest(["flaky"])).stderr, "newer tractest");
  assertEquals([await Deno.readFile(databaseOf(suite)), movedAside(suite)], [before, []]);
});

/**
 * Runs twice with a disk of its own as the state directory; before the second run `spoil` is done
 * to that. The second outcome, and ids on record.
 */
async function onDisk(
  suite: Suite,
  size: string,
  spoil: string,
  mend: string,
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
${mend}
cd "$SUITE/repo"
"$1" history --json >"$SUITE/history.json"
exit $code`;
  const wrap = ["unshare", "-m", ...(ISOLATED ?? []), "sh", "-c", script, "sh"];
  const outcome = await tractest(RUN, { cwd: suite.root, env: suite.environment(), wrap });
  const { runs } = JSON.parse(await Deno.readTextFile(join(suite.path, "history.json")));
  return { outcome, runs };
}

Deno.test(`fault 49: on a full disk the run ends as tested, and old data survives${NEEDS_MOUNTS}`, {
  ignore: !MOUNTS,
}, async () => {
  await using suite = await pytestSuite(TESTS);
  const { outcome, runs } = await onDisk(
    suite,
    "1m",
    "dd if=/dev/zero of=fill bs=4k 2>/dev/null || true",
    "rm fill",
  );
  const stderr = endedAsTested(outcome);
  assertIncludes(stderr, "is the disk full");
  assertIncludes(stderr, "the history can't be written");
  assertEquals(runs.length, 1);
});

Deno.test(
  `fault 49: on a disk that fills up while it runs the run ends as tested, and what was written is recorded once there is room${NEEDS_MOUNTS}`,
  { ignore: !MOUNTS },
  async () => {
    await using suite = await pytestSuite(TESTS);
    const spoil = "dd if=/dev/zero of=fill bs=4k 2>/dev/null || true\ntruncate -s -90112 fill";
    // So that the database has to grow for each run.
    await Deno.writeTextFile(
      join(suite.root, "tests/test_b.py"),
      "import pytest\n@pytest.mark.parametrize('n', range(120))\ndef test_many(n): pass\n",
    );
    const { outcome, runs } = await onDisk(suite, "1m", spoil, "rm fill");
    assertIncludes(endedAsTested(outcome), "the history can't be written");
    assertEquals(runs.length, 2);
  },
);

Deno.test(
  `fault 49: where a test fills the disk, what failed is the verdict, and what can't be run any more is one warning${NEEDS_MOUNTS}`,
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
      // A failure whose report the disk did not take is nothing to try again: that it is missing is
      // what is said then.
      const said = stderr.split("no more tests are run").length - 1;
      assert(
        said === 1 || (said === 0 && stderr.includes("the disk is full: events are missing")),
        stderr,
      );
    }
  },
);

Deno.test(
  `fault 49: on a read-only disk the run ends as tested, and reports read what is there${NEEDS_MOUNTS}`,
  { ignore: !MOUNTS },
  async () => {
    await using suite = await pytestSuite(TESTS);
    const { outcome, runs } = await onDisk(suite, "1m", "mount -o remount,ro $PWD", "");
    assertIncludes(endedAsTested(outcome), "the history can't be written");
    assertEquals(runs.length, 1);
  },
);

Deno.test("fault 49: runs that end at once are all recorded", async () => {
  await using suite = await pytestSuite(TESTS);
  await using other = await pytestSuite(TESTS);
  for (let round = 0; round < 2; round++) {
    const outcomes = await Promise.all(
      [suite, other].map((one) =>
        tractest(RUN, { cwd: one.root, env: suite.environment(), wrap: ISOLATED ?? [] })
      ),
    );
    for (const outcome of outcomes) assert(!endedAsTested(outcome).includes("history"));
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

Deno.test("a run whose tractest was killed is in the history with what it knew", async () => {
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
      // It is gone already.
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
