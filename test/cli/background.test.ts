import { join } from "@std/path";
import { assert, assertEquals, assertIncludes } from "../assert.ts";
import { Running } from "./running.ts";
import { alive, ISOLATED, PTY, pytestSuite, pythonWithPytest, type Suite } from "./suites.ts";
import { type Outcome, TRACTEST } from "./tractest.ts";

const BG = ["run", "--no-preflight", "--bg"];
const HAS_TMUX =
  new Deno.Command("sh", { args: ["-c", "command -v tmux"], stdout: "null" }).outputSync().success;
const NEEDS_TMUX = HAS_TMUX ? "" : " (needs tmux)";
const IS_ROOT = Deno.uid() === 0;
const NEEDS_ROOT = IS_ROOT ? "" : " (needs root)";

/** A test that fails, and one that waits until the file `go` exists. */
const WAITS = `
import os, signal, time
SUITE = os.environ["SUITE"]
def test_fails(): assert 1 == 2
def test_waits():
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    open(SUITE + "/pid", "w").write(str(os.getpid()))
    while os.path.exists(SUITE) and not os.path.exists(SUITE + "/go"): time.sleep(0.02)
`;

/** A test that ignores SIGINT and hangs, with a child. */
const HANGS = `
import os, signal, subprocess, sys, time
SUITE = os.environ["SUITE"]
def test_hangs():
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    open(SUITE + "/pid", "w").write(f"{os.getpid()} {child.pid}")
    while os.path.exists(SUITE): time.sleep(0.02)
`;

interface Record {
  readonly runId: string;
  readonly pid: number;
  readonly command: string;
  /** Milliseconds. The ids of runs that began in the same second are in no order. */
  readonly began: number;
  readonly waiting: boolean;
  readonly end: { readonly exitCode: number; readonly ending: string | null } | null;
}

/** The recorded runs, oldest first. */
function records(suite: Suite): Record[] {
  const runs = join(suite.path, "state/tractest/runs");
  try {
    return [...Deno.readDirSync(runs)].flatMap<Record>(({ name }) => {
      try {
        return [JSON.parse(Deno.readTextFileSync(join(runs, name, "run.json")))];
      } catch {
        return [];
      }
    }).sort((a, b) => a.began - b.began);
  } catch {
    return [];
  }
}

/** Polls until `read` returns something. */
async function until<T>(
  what: string,
  read: () => T | null | undefined | false | Promise<T | null | undefined | false>,
): Promise<T> {
  for (const deadline = performance.now() + 60_000; performance.now() < deadline;) {
    const seen = await read();
    if (seen) return seen;
    await new Promise((done) => setTimeout(done, 10));
  }
  throw new Error(`timed out: ${what}`);
}

/** The pids that a test has written to a file, once it is there. */
async function pids(suite: Suite): Promise<number[]> {
  const text = await until(
    "the test begins",
    () => Deno.readTextFile(join(suite.path, "pid")).catch(() => ""),
  );
  return text.split(" ").map(Number);
}

function go(suite: Suite): Promise<void> {
  return Deno.writeTextFile(join(suite.path, "go"), "");
}

/** Makes a suite; ends all of its runs after `action`. */
async function withSuite(tests: string, action: (suite: Suite) => Promise<void>): Promise<void> {
  await using suite = await pytestSuite({
    "test_a.py": tests,
    "test_b.py": "def test_b(): pass\n",
  });
  try {
    await action(suite);
  } finally {
    await go(suite);
    for (const { end, runId } of records(suite)) {
      if (end === null) await suite.tractest(["stop", "--grace", "2", runId]);
    }
    for (
      const pid of (await Deno.readTextFile(join(suite.path, "pid")).catch(() => "")).split(" ")
        .map(Number)
    ) {
      if (pid > 1 && await alive(pid)) Deno.kill(pid, "SIGKILL");
    }
  }
}

/** Starts a run in the background, which does not stop at the first failure; returns its id. */
async function begin(
  suite: Suite,
  args: readonly string[] = [],
  env: Readonly<globalThis.Record<string, string>> = {},
): Promise<string> {
  const { code, stdout, stderr } = await suite.tractest([...BG, "--no-defaults", ...args], env);
  assertEquals(code, 0, stderr);
  assert(/^\d{8}-\d{6}-[0-9a-f]{4}\n$/.test(stdout), stdout);
  return stdout.trim();
}

async function refused(outcome: Promise<Outcome>, code: number, said: string): Promise<void> {
  const result = await outcome;
  assertEquals([result.code, result.stdout], [code, ""], result.stderr);
  assertIncludes(result.stderr, said);
}

Deno.test("run --bg prints the id alone and returns; status, wait and logs show the run", () =>
  withSuite(WAITS, async (suite) => {
    const started = await suite.tractest([...BG, "--no-defaults"]);
    assertEquals(started.code, 0, started.stderr);
    const id = started.stdout.trim();
    for (const command of ["status", "logs -f", "wait", "stop"]) {
      assertIncludes(started.stderr, `tractest ${command} ${id}`);
    }
    await pids(suite);
    const status = await suite.tractest(["status"]);
    assertEquals(status.code, 0, status.stderr);
    assertIncludes(status.stdout, `${id}  running for `);
    assertIncludes(
      status.stdout,
      "  1 of 3 tests: 1 failed\n  now: tests/test_a.py::test_waits, for ",
    );
    assertIncludes(status.stdout, "  failed: tests/test_a.py::test_fails\n");
    const [run] = JSON.parse((await suite.tractest(["status", "--json"])).stdout).runs;
    assertEquals(
      [run.runId, run.state, run.background, run.collected, run.finished, run.exitCode],
      [id, "running", true, 3, 1, null],
    );
    assertEquals(run.failures, [{
      id: "tests/test_a.py::test_fails",
      phase: "call",
      message: "assert 1 == 2",
    }]);
    assertEquals(run.running.map((test: { id: string }) => test.id), [
      "tests/test_a.py::test_waits",
    ]);
    const late = await suite.tractest(["wait", "--timeout", "0.2"]);
    assertEquals(late.code, 124, late.stderr);
    assertIncludes(late.stderr, "it still runs after 0.2 s");
    await go(suite);
    const waited = await suite.tractest(["wait"]);
    assertEquals(waited.code, 1, waited.stderr);
    assert(
      new RegExp(`^${id}  exit code 1 after [\\d.]+ s: 1 failed, 2 passed\n$`).test(waited.stdout),
      waited.stdout,
    );
    assertEquals((await suite.tractest(["wait", id])).code, 1, "and later too");
    const { stdout } = await suite.tractest(["logs", id]);
    assertIncludes(stdout, "py310/bin/python -m pytest -q tests/\n");
    assertIncludes(stdout, "\nFAILED tests/test_a.py::test_fails: assert 1 == 2 (tests/test_a.py:");
    assertIncludes(stdout, "\nhint: next: tractest run --lf\n");
    assertEquals(
      stdout.match(/short test summary info/g)?.length,
      1,
      "the output is kept once",
    );
    assertEquals((await suite.tractest(["status"])).stdout.split("  exit code 1 ")[0], id);
  }));

Deno.test("a background run of the full suite is quiet by default, one with targets is not", () =>
  withSuite("def test_a(): pass\n", async (suite) => {
    for (const [words, said] of [[[], "-q"], [["-v"], "-v"], [["test_b"], ""]] as const) {
      const id = (await suite.tractest([...BG, ...words])).stdout.trim();
      assertEquals((await suite.tractest(["wait", id])).code, 0);
      const [, options] = /-m pytest -x --tb=short --no-header ?(.*) tests\//.exec(
        (await suite.tractest(["logs", id])).stdout,
      ) ?? [];
      assertEquals(options, said);
    }
  }));

Deno.test("wrong options, and those that need a terminal, are refused and leave no run", () =>
  withSuite("", async (suite) => {
    await refused(suite.tractest([...BG, "nosuch"]), 64, 'matches "nosuch"');
    await refused(suite.tractest([...BG, "--timeout", "soon"]), 64, '"soon"');
    await refused(
      suite.tractest([...BG, "--events", "-"]),
      64,
      "a background run does not have it",
    );
    await refused(suite.tractest([...BG, "--pdb"]), 64, "A debugger needs a terminal");
    await refused(
      suite.tractest(["run", "--background-run=20261124-135525-8a60"]),
      64,
      "was reserved",
    );
    assertEquals(
      (await suite.tractest([...BG, "--dry-run"])).stdout,
      "py310/bin/python -m pytest -x --tb=short --no-header tests/\n",
    );
    assertEquals(records(suite), []);
  }));

Deno.test("without a state directory a background run is refused with a hint", () =>
  withSuite("", async (suite) => {
    await Deno.writeTextFile(join(suite.path, "file"), "");
    const where = { XDG_STATE_HOME: join(suite.path, "file") };
    await refused(
      suite.tractest(BG, where),
      80,
      "a background run keeps its output there\nhint: XDG_STATE_HOME=DIR",
    );
    const { code, stdout } = await suite.tractest(["status"], where);
    assertEquals([code, stdout], [0, "no run of this repo is on record\n"]);
  }));

Deno.test({
  name: `a user without a writable home can use another state directory${NEEDS_ROOT}`,
  ignore: !IS_ROOT,
  fn: () =>
    withSuite(WAITS, async (suite) => {
      const [home, state, cache] = ["home", "state2", "cache2"].map((name) =>
        join(suite.path, name)
      ) as [string, string, string];
      for (const directory of [home, state, cache]) await Deno.mkdir(directory);
      for (const directory of [suite.root, state, cache, suite.path]) {
        await Deno.chown(directory, 65534, 65534);
      }
      const as = (env: globalThis.Record<string, string>, ...args: string[]) =>
        suite.start(args, {
          HOME: home,
          XDG_STATE_HOME: "",
          XDG_CACHE_HOME: cache,
          TMPDIR: suite.path,
          PYTHONDONTWRITEBYTECODE: "1",
          ...env,
        }, [
          "setpriv",
          "--reuid=65534",
          "--regid=65534",
          "--clear-groups",
          // The Python of these tests may be in root's home.
          "--inh-caps=+dac_read_search",
          "--ambient-caps=+dac_read_search",
        ]).ended;
      await refused(as({}, ...BG), 80, `"${home}/.local/state/tractest" can't be used`);
      const began = await as(
        { XDG_STATE_HOME: state },
        ...BG,
        "--no-defaults",
        "-p",
        "no:cacheprovider",
      );
      assertEquals(began.code, 0, began.stderr);
      await pids(suite);
      await go(suite);
      const waited = await as({ XDG_STATE_HOME: state }, "wait");
      assertEquals(waited.code, 1, waited.stderr);
      assertIncludes(waited.stdout, "1 failed, 2 passed");
    }),
});

Deno.test({
  name: `fault 43: a background run survives the terminal that started it${NEEDS_TMUX}`,
  ignore: !HAS_TMUX,
  fn: () =>
    withSuite(WAITS, async (suite) => {
      const tmux = async (...args: string[]) => {
        const env = {
          ...suite.environment(),
          TERM: "xterm",
          TMUX_TMPDIR: suite.path,
          SHELL: "/bin/sh",
        };
        const { success, stderr } = await new Deno.Command("tmux", {
          args: ["-f", "/dev/null", ...args],
          env,
          cwd: suite.root,
          clearEnv: true,
        })
          .output();
        assert(success, new TextDecoder().decode(stderr));
      };
      await tmux("new-session", "-d", "-x", "200", "-y", "50", "sh");
      try {
        await tmux(
          "send-keys",
          [...(ISOLATED ?? []), TRACTEST, ...BG, "--no-defaults"].map((word) => `'${word}'`).join(
            " ",
          ),
          "Enter",
        );
        await pids(suite);
      } finally {
        await tmux("kill-server");
      }
      const [{ pid, runId }] = records(suite) as [Record];
      assert(await alive(pid), "it did not survive the terminal");
      const status = new TextDecoder().decode(
        (await new Deno.Command("ps", { args: ["-o", "sid=,tty=", "-p", String(pid)] }).output())
          .stdout,
      );
      assertEquals(
        status.trim().split(/\s+/),
        [String(pid), "?"],
        "a process session of its own, without a terminal",
      );
      await go(suite);
      assertEquals((await suite.tractest(["wait", runId])).code, 1);
    }),
});

Deno.test("a background run ignores SIGHUP", () =>
  withSuite(WAITS, async (suite) => {
    const id = await begin(suite, ["test_a"]);
    await pids(suite);
    const { pid } = records(suite)[0]!;
    Deno.kill(pid, "SIGHUP");
    // An end by the signal would be on record before wait returns.
    assertEquals((await suite.tractest(["wait", "--timeout", "0.5"])).code, 124);
    await go(suite);
    const { code, stdout } = await suite.tractest(["wait", id]);
    assertEquals(code, 1);
    assertIncludes(stdout, "1 failed, 1 passed");
  }));

/** Ways to start a program with SIGINT ignored, by their names. */
const IGNORING_SIGINT: Readonly<globalThis.Record<string, readonly string[]>> = {
  "a shell that ignores it": ["sh", "-c", 'trap "" INT; exec "$@"', "sh"],
  nohup: ["nohup"],
  "a shell's background": ["sh", "-c", '"$@" & wait $!', "sh"],
};

for (const [how, through] of Object.entries(IGNORING_SIGINT)) {
  Deno.test(`a background run has SIGINT at its default when started by ${how}`, () =>
    withSuite(WAITS, async (suite) => {
      const started = suite.start([...BG, "--no-defaults"], {}, through);
      assertEquals((await started.ended).code, 0, started.stderr);
      await pids(suite);
      const [{ pid }] = records(suite) as [Record];
      const status = await Deno.readTextFile(`/proc/${pid}/status`);
      const ignored = /^SigIgn:\s*(\w+)$/m.exec(status)![1];
      assertEquals(BigInt(`0x${ignored}`) & 2n, 0n);
      await go(suite);
      assertIncludes((await suite.tractest(["wait"])).stdout, "1 failed, 2 passed");
    }));
}

Deno.test("run --bg closes all pipes that it inherited", () =>
  withSuite(WAITS, async (suite) => {
    const started = suite.start([...BG, "--no-defaults"], {}, [
      "sh",
      "-c",
      '"$@" 3>&1 4>&2 | cat',
      "sh",
    ]);
    assertEquals((await started.ended).code, 0);
    const [{ pid, end }] = records(suite) as [Record];
    assertEquals([await alive(pid), end], [true, null]);
  }));

Deno.test("fault 56: a second background run is refused and names the first; --wait waits", () =>
  withSuite(WAITS, async (suite) => {
    const first = await begin(suite);
    await pids(suite);
    await refused(
      suite.tractest([...BG, "test_b"]),
      80,
      `run ${first} (pid ${records(suite)[0]!.pid}, since `,
    );
    const { error } = JSON.parse((await suite.tractest([...BG, "test_b", "--json"])).stdout);
    assertEquals([error.code, error.hint], [
      "run-in-progress",
      "wait for it: tractest run --wait …",
    ]);
    assertEquals(records(suite).length, 1);
    assertEquals(
      [...Deno.readDirSync(join(suite.path, "state/tractest/runs"))].length,
      1,
      "a refused run left a directory",
    );
    const second =
      JSON.parse((await suite.tractest([...BG, "test_b", "--wait", "--json"])).stdout).background
        .runId;
    assertIncludes(
      (await suite.tractest(["status", second])).stdout,
      `${second}  waiting for another run for `,
    );
    const both = JSON.parse((await suite.tractest(["status", "--json"])).stdout).runs;
    assertEquals(both.map((run: { state: string }) => run.state).sort(), ["running", "waiting"]);
    await go(suite);
    assertEquals((await suite.tractest(["wait", second])).code, 0);
    assertEquals(records(suite)[0]!.end?.exitCode, 1);
  }));

Deno.test("stop ends a run that waits for another, with an exit code", () =>
  withSuite(WAITS, async (suite) => {
    const first = await begin(suite);
    await pids(suite);
    const second = await begin(suite, ["test_b", "--wait"]);
    const stopped = await suite.tractest(["stop"]);
    assertEquals(stopped.code, 0, stopped.stderr);
    assertIncludes(stopped.stdout, `${second}  exit code 130 after `);
    assertEquals(
      records(suite).map((record) => [record.runId, record.end?.exitCode]).sort(),
      [[first, undefined], [second, 130]].sort(),
    );
  }));

Deno.test("stop works as Ctrl-C: pytest finishes its report, the exit code is 130", () =>
  withSuite(WAITS, async (suite) => {
    const id = await begin(suite);
    const [pytest] = await pids(suite);
    const would = await suite.tractest(["stop", "--dry-run"]);
    assertEquals([would.code, would.stdout.split(":")[0]], [
      0,
      `would signal pid ${records(suite)[0]!.pid}`,
    ]);
    const { code, stdout, stderr } = await suite.tractest(["stop", id]);
    assertEquals(code, 0, stderr);
    assertEquals(stderr.match(/^SIG\w+/gm), ["SIGINT"]);
    assertIncludes(stdout, `${id}  exit code 130 after `);
    assertIncludes(stdout, "interrupted: 1 failed");
    assertIncludes((await suite.tractest(["logs"])).stdout, "KeyboardInterrupt");
    assert(!await alive(pytest!));
    const again = await suite.tractest(["stop"]);
    assertEquals([again.code, again.stdout], [0, stdout], "a run that is over");
    assertIncludes(again.stderr, "nothing to stop: this run is over\n");
    assert(!stderr.includes("nothing to stop"), stderr);
    assertEquals((await suite.tractest(["wait"])).code, 130);
  }));

Deno.test("stop ends a run whose test ignores SIGINT, with all its processes", () =>
  withSuite(HANGS, async (suite) => {
    await begin(suite);
    const all = await pids(suite);
    const { code, stdout, stderr } = await suite.tractest(["stop", "--grace", "4", "--json"]);
    const document = JSON.parse(stdout);
    assertEquals([code, document.schema, document.run.state, document.run.exitCode], [
      0,
      "tractest.stop/1",
      "finished",
      130,
    ], stderr);
    assertEquals(document.signalled, ["SIGINT", "SIGINT"]);
    for (const pid of all) assert(!await alive(pid), `pid ${pid} still lives`);
  }));

Deno.test("fault 43: a killed background run has died, and the next run finds its pytest", () =>
  withSuite(WAITS, async (suite) => {
    const id = await begin(suite);
    const [pytest] = await pids(suite);
    const projects = join(suite.path, "state/tractest/projects");
    await until(
      "the lock names pytest",
      () =>
        [...Deno.readDirSync(projects)].some(({ name }) =>
          Deno.readTextFileSync(join(projects, name, "run.lock")).includes('"startTicks"')
        ),
    );
    const waiting = suite.start(["wait", id]);
    Deno.kill(records(suite)[0]!.pid, "SIGKILL");
    const waited = await waiting.ended;
    assertEquals(waited.code, 82, waited.stderr);
    assertIncludes(waited.stdout, `${id}  died without an exit code`);
    assertIncludes(waited.stderr, "it has no exit code");
    const status = await suite.tractest(["status", id]);
    const shown = "  1 of 3 tests: 1 failed, 2 not run\n" +
      "  was running: tests/test_a.py::test_waits\n  failed: tests/test_a.py::test_fails\n";
    assertIncludes(status.stdout, shown);
    assertIncludes(status.stderr, "tractest run --clean");
    const [run] = JSON.parse((await suite.tractest(["status", "--json"])).stdout).runs;
    assertEquals([run.state, run.exitCode, run.seconds], ["died", null, null]);
    assertEquals((await suite.tractest(["stop", id])).code, 0);
    const next = await suite.tractest([...BG, "test_b"]);
    assertEquals(next.code, 0, next.stderr);
    assertEquals((await suite.tractest(["wait"])).code, 81);
    assertIncludes(
      (await suite.tractest(["logs"])).stdout,
      `its pytest (pid ${pytest}) still runs`,
    );
    await begin(suite, ["test_b", "--clean"]);
    assertEquals((await suite.tractest(["wait"])).code, 0);
    assert(!await alive(pytest!));
  }));

Deno.test("logs -f follows a run to its last output, byte for byte", () =>
  withSuite(WAITS, async (suite) => {
    const id = await begin(suite);
    await pids(suite);
    const following = suite.start(["logs", "-f"]);
    await following.until("-m pytest");
    await go(suite);
    const { code, stdout, stderr } = await following.ended;
    assertEquals([code, stderr], [0, ""]);
    assertIncludes(stdout, "\nhint: next: tractest run --lf\n");
    assertEquals(
      stdout,
      await Deno.readTextFile(join(suite.path, "state/tractest/runs", id, "output.log")),
    );
  }));

Deno.test("logs -f shows errors from before the tests, and ends", () =>
  withSuite("", async (suite) => {
    const { code, stderr } = await suite.tractest(["run", "--bg", "--python", "/nonexistent"]);
    assertEquals(code, 0, stderr);
    const { stdout } = await suite.tractest(["logs", "-f"]);
    assertIncludes(stdout, "/nonexistent");
    const waited = await suite.tractest(["wait"]);
    assertEquals(waited.code, 64, stdout);
    assertIncludes(waited.stdout, "--python: there is no Python at");
  }));

/** A test that prints without end. */
const PRINTS = `
import os, time
def test_a():
    while os.path.exists(os.environ["SUITE"]): print("x" * 70000, flush=True); time.sleep(0.02)
`;

Deno.test("logs and logs -f end when their reader goes away", () =>
  withSuite(PRINTS, async (suite) => {
    await begin(suite, ["-s"]);
    const through = ["sh", "-c", '"$@" | head -1; exit 7', "sh"];
    for (const words of [["logs"], ["logs", "-f"]]) {
      const { code, stdout, stderr } = await suite.start(words, {}, through).ended;
      assertEquals([code, stderr, stdout.split("\n").length], [7, "", 2]);
    }
  }));

Deno.test("a run at a terminal can be stopped from elsewhere, its output is not kept", () =>
  withSuite(WAITS, async (suite) => {
    const running = await suite.atTerminal(["run", "--no-preflight", "--no-defaults"]);
    await pids(suite);
    const [run] = JSON.parse((await suite.tractest(["status", "--json"])).stdout).runs;
    assertEquals([run.state, run.background, run.command], [
      "running",
      false,
      "tractest run --no-preflight --no-defaults",
    ]);
    await refused(suite.tractest(["logs"]), 64, "prints to its terminal");
    const waiting = suite.start(["wait"]);
    const stopped = await suite.tractest(["stop"]);
    assertEquals(stopped.code, 0, stopped.stderr);
    assertEquals(stopped.stderr.match(/^SIG\w+/gm), ["SIGTERM"]);
    assertEquals((await running.ended).code, 143);
    const waited = await waiting.ended;
    assertEquals(waited.code, 143);
    assertIncludes(waited.stderr, `hint: its results: tractest status ${run.runId}`);
  }));

Deno.test("a SIGINT before the tests is recorded as an interruption", () =>
  withSuite("", async (suite) => {
    // A Python that never answers the checks.
    await Deno.writeTextFile(
      join(suite.root, "slow"),
      '#!/bin/sh\necho $$ >>"$SUITE/asked"\nexec sleep 600\n',
    );
    await Deno.chmod(join(suite.root, "slow"), 0o755);
    await Deno.remove(join(suite.root, "py310"));
    await Deno.mkdir(join(suite.root, "py310/bin"), { recursive: true });
    await Deno.writeTextFile(join(suite.root, "py310/pyvenv.cfg"), "version = 3.10.0\n");
    await Deno.symlink("../../slow", join(suite.root, "py310/bin/python"));
    const started = await suite.tractest(["run", "--bg"]);
    assertEquals(started.code, 0, started.stderr);
    const asked = await until(
      "the preflight begins",
      () => Deno.readTextFile(join(suite.path, "asked")).catch(() => ""),
    );
    const stopped = await suite.tractest(["stop"]);
    for (const pid of asked.trim().split("\n").map(Number)) {
      if (await alive(pid)) Deno.kill(pid, "SIGKILL");
    }
    assertEquals(stopped.code, 0, stopped.stderr);
    assertIncludes(stopped.stdout, "exit code 130");
    assertIncludes(stopped.stdout, "interrupted");
  }));

Deno.test("wait without an id prefers a run of this pid namespace to a newer one of another", () =>
  withSuite(WAITS, async (suite) => {
    const id = await begin(suite);
    const own = records(suite).at(-1)! as Record & {
      readonly identity: { readonly pidNamespace: string };
    };
    const runId = `${id.slice(0, -4)}${id.endsWith("ffff") ? "0000" : "ffff"}`;
    const directory = join(suite.path, "state/tractest/runs", runId);
    await Deno.mkdir(directory, { mode: 0o700 });
    const foreign = {
      ...own,
      runId,
      began: own.began + 5_000,
      end: null,
      identity: { ...own.identity, pidNamespace: "pid:[1]" },
    };
    await Deno.writeTextFile(join(directory, "run.json"), JSON.stringify(foreign));
    try {
      const early = await suite.tractest(["wait", "--timeout", "0.2"]);
      assertEquals(early.code, 124, early.stderr);
      assertIncludes(early.stdout, id);
      assertIncludes(early.stderr, `can't see from here whether the newer run ${runId} lives`);
      await go(suite);
      assertEquals((await suite.tractest(["wait", id])).code, 1);
      // This one is over, while the end of the other one could not be seen.
      assertIncludes((await suite.tractest(["wait", "--timeout", "10"])).stdout, id);
    } finally {
      await Deno.remove(directory, { recursive: true });
    }
  }));

Deno.test("an unknown id lists the latest runs, and two ids are refused", () =>
  withSuite("def test_a(): pass\n", async (suite) => {
    await refused(suite.tractest(["wait"]), 64, "No run of this repo is on record");
    const id = await begin(suite);
    await suite.tractest(["wait"]);
    for (const command of ["status", "wait", "logs", "stop"]) {
      await refused(
        suite.tractest([command, "nosuch"]),
        64,
        `the latest runs:\n  ${id}  `,
      );
      await refused(suite.tractest([command, id, id]), 64, "Only one run can be named");
      for (const word of [id, id.slice(0, 8), id.slice(-4), "last"]) {
        assertEquals((await suite.tractest([command, word])).code, 0, `${command} ${word}`);
      }
    }
    const elsewhere = { cwd: "/" };
    assertEquals(
      (await suite.tractest(["-C", elsewhere.cwd, "wait", id])).code,
      0,
      "an id works in any directory",
    );
    assertEquals((await suite.tractest(["-C", elsewhere.cwd, "status"])).code, 80);
    assertIncludes((await suite.tractest(["-C", elsewhere.cwd, "status", "--all"])).stdout, id);
  }));

Deno.test("stop never signals a process that has reused the pid of a run", () =>
  withSuite("def test_a(): pass\n", async (suite) => {
    const id = await begin(suite);
    await suite.tractest(["wait"]);
    const file = join(suite.path, "state/tractest/runs", id, "run.json");
    const record = JSON.parse(await Deno.readTextFile(file));
    await using stranger = new Running(["sleep", "600"], {
      cwd: "/",
      env: { PATH: "/usr/bin:/bin" },
    });
    const { pid } = stranger.child;
    for (
      const change of [{ startTicks: 1 }, { bootId: "0f3c1d2e-0000-4000-8000-000000000001" }, {
        pidNamespace: "pid:[1]",
      }]
    ) {
      await Deno.writeTextFile(
        file,
        JSON.stringify({
          ...record,
          end: null,
          pid,
          identity: { ...record.identity, pid, ...change },
        }),
      );
      const { code, stderr } = await suite.tractest(["stop", id]);
      assertEquals(code, "pidNamespace" in change ? 82 : 0, stderr);
      assert(!/^SIG/m.test(stderr), stderr);
      assert(await alive(pid), JSON.stringify(change));
    }
    await Deno.writeTextFile(file, JSON.stringify(record));
  }));

Deno.test("old runs are removed by count and age, but never a run that lives", () =>
  withSuite(WAITS, async (suite) => {
    const id = await begin(suite);
    await pids(suite);
    const runs = join(suite.path, "state/tractest/runs");
    // A run that lives, older than all others.
    const old = "20200101-000000-0001";
    const record = JSON.parse(await Deno.readTextFile(join(runs, id, "run.json")));
    await Deno.mkdir(join(runs, old));
    await Deno.writeTextFile(
      join(runs, old, "run.json"),
      JSON.stringify({ ...record, runId: old }),
    );
    using held = await Deno.open(join(runs, old, "running"), { create: true, write: true });
    await held.lock(true);
    const second = (number: number) => `20261124-0000${String(number).padStart(2, "0")}-0001`;
    for (let number = 0; number < 55; number++) {
      await Deno.mkdir(join(runs, second(number), "queue-0"), { recursive: true });
      await Deno.writeTextFile(join(runs, second(number), "queue-0", "0"), "");
      const over = {
        ...record,
        runId: second(number),
        end: { exitCode: 0, ending: null, seconds: 1, counts: null },
      };
      await Deno.writeTextFile(join(runs, second(number), "run.json"), JSON.stringify(over));
    }
    await Deno.mkdir(join(runs, "mine"));
    await refused(suite.tractest([...BG]), 80, "is in progress");
    const left = [...Deno.readDirSync(runs)].map(({ name }) => name);
    assert(left.includes(old) && left.includes(id) && left.includes("mine"), left.join(" "));
    assert(!left.includes(second(0)), left.join(" "));
    assert(left.length <= 53, `${left.length}`);
    await Deno.remove(join(runs, old), { recursive: true });
  }));

Deno.test("at a terminal a background run can be started, seen and stopped", () =>
  withSuite(WAITS, async (suite) => {
    const script = '"$0" run --no-preflight --no-defaults --bg && "$0" status && "$0" stop && ' +
      '"$0" logs | tail -1; echo "all $?"';
    const running = suite.start([], { TERM: "xterm" }, [
      await pythonWithPytest(),
      "-c",
      PTY,
      "sh",
      "-c",
      script,
    ]);
    const { code, stdout } = await running.ended;
    assertEquals(code, 0, stdout);
    for (const part of ["it can't ask: ", "running for ", "SIGINT ", "exit code 130", "all 0"]) {
      assertIncludes(stdout, part);
    }
  }));
