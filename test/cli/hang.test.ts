import { join } from "@std/path";
import { assert, assertEquals, assertIncludes } from "../assert.ts";
import {
  alive,
  ISOLATED,
  PTY,
  pytestSuite,
  pythonWithPytest,
  sampleSuite,
  type Suite,
} from "./suites.ts";

/** A child fills the pipe that is its output, and the test says when it is full. */
const fillsPipe = (start: string) => `
import os, subprocess, sys, time
CHATTER = [sys.executable, "-c", "import os; os.write(1, b'x' * 1_000_000)"]
def test_hangs(capfd):
    ${start}
    while "pipe_write" not in open(f"/proc/{child.pid}/wchan").read():
        time.sleep(0.01)
    open(os.environ["SUITE"] + "/stuck", "w").close()
    child.wait()
`;
/** A pipe of the test itself. */
const OWN_PIPE = fillsPipe("child = subprocess.Popen(CHATTER, stdout=subprocess.PIPE)");
/** The one that pytest itself writes to. */
const INHERITED = fillsPipe("with capfd.disabled(): child = subprocess.Popen(CHATTER)");
/** Runs a command in its own process group, and does not read its output. */
const UNREAD = `import os, signal, subprocess, sys
child = subprocess.Popen(sys.argv[1:], stdout=subprocess.PIPE)
signal.signal(signal.SIGTERM, lambda *_: (child.kill(), os._exit(0)))
print(child.pid, flush=True)
signal.pause()`;

/** Starts a plain pytest of the suite and waits until its test is stuck. */
async function stuck(
  suite: Suite,
  { unread = false }: { readonly unread?: boolean } = {},
): Promise<Disposable & { readonly pid: number }> {
  const python = join(suite.root, "py310/bin/python");
  const words = ["-m", "pytest", "-q", "tests"];
  const child = new Deno.Command(python, {
    args: unread ? ["-c", UNREAD, python, ...words] : words,
    cwd: suite.root,
    clearEnv: true,
    env: suite.environment(),
    stdin: "null",
    stdout: unread ? "piped" : "null",
    stderr: "null",
  }).spawn();
  const reader = unread ? child.stdout.getReader() : null;
  const pid = reader ? Number(new TextDecoder().decode((await reader.read()).value)) : child.pid;
  let ended = false;
  const status = child.status.then(() => ended = true);
  while (!ended && !await Deno.stat(join(suite.path, "stuck")).then(() => true, () => false)) {
    await new Promise((done) => setTimeout(done, 20));
  }
  return {
    pid,
    [Symbol.dispose]() {
      if (!ended) child.kill(unread ? "SIGTERM" : "SIGKILL");
      void reader?.cancel();
      void status;
    },
  };
}

/** Repeats `hang` until there is a verdict, since what a test has just done may take time. */
// deno-lint-ignore no-explicit-any
async function untilVerdict(suite: Suite, verdict: string): Promise<any> {
  for (let tries = 1;; tries++) {
    const { stdout } = await suite.tractest(["hang", "--json"]);
    const document = JSON.parse(stdout);
    if (document.verdict === verdict) return document;
    assert(tries < 20, stdout);
  }
}

Deno.test("without a pytest of this repo no hang is reported, and nothing fails", async () => {
  await using suite = await pytestSuite({ "test_a.py": "def test_a(): pass\n" });
  const { code, stdout } = await suite.tractest(["hang"]);
  assertEquals([code, stdout], [0, "no pytest of this repo is running\n"]);
  const { verdict, processes, test } = JSON.parse(
    (await suite.tractest(["hang", "--json"])).stdout,
  );
  assertEquals([verdict, processes, test], [null, [], null]);
});

Deno.test("a plain pytest that hangs is found, with its test, verdict and recipe", async () => {
  await using suite = await pytestSuite({ "test_a.py": INHERITED });
  using run = await stuck(suite, { unread: true });
  const { code, stdout, stderr } = await suite.tractest(["hang"]);
  assertEquals(code, 0, stderr);
  assertIncludes(stdout, "pytest waits for a child of: tests/test_a.py::test_hangs\n");
  assertIncludes(stdout, "blocked-write: a write to a full pipe that is not read\n");
  const order = [
    "hint: 1. try -s first (tractest run -s tests/test_a.py::test_hangs)",
    "hint: 2. let the processes",
    "hint: 3. for capture",
  ];
  const places = order.map((hint) => stderr.indexOf(hint));
  assert(places.every((place, index) => place >= 0 && place > (places[index - 1] ?? -1)), stderr);
  const pid = String(run.pid);
  // The last command runs outside of any project.
  for (
    const words of [["hang", "--json"], ["hang", pid, "--json"], [
      "-C",
      suite.path,
      "hang",
      pid,
      "--json",
    ]]
  ) {
    const document = JSON.parse((await suite.tractest(words)).stdout);
    assertEquals([document.schema, document.verdict, document.waitsForChildOf, document.root], [
      "tractest.hang/1",
      "blocked-write",
      "tests/test_a.py::test_hangs",
      run.pid,
    ]);
    // No run has recorded it: another test may wait for what this one has started.
    assertEquals([document.test, document.running], [null, null]);
    assertEquals(document.processes.length, 2);
    assert(document.evidence.length > 0 && document.recipe.length >= 3);
  }
});

Deno.test("a pipe that a test made itself is not blamed on pytest's capture", async () => {
  await using suite = await pytestSuite({ "test_a.py": OWN_PIPE });
  await suite.write({ "requirements.txt": "tractor\n" });
  using _ = await stuck(suite);
  const { stdout, stderr } = await suite.tractest(["hang"]);
  assertIncludes(stdout, "blocked-write: a write to a full pipe that is not read\n");
  assertIncludes(stdout, "was made by the tests themselves: output capture (-s) is not involved\n");
  assertIncludes(stdout, "  no       actors blocked in write to an inherited descriptor");
  assertIncludes(stderr, "hint: this pipe is the tests' own: read it while the writer runs");
  assert(!/try -s|--confirm|\/dev\/null or a file/.test(stderr.replace(/^.*own.*$/m, "")), stderr);
});

Deno.test("a pytest that waits for a child is shown with the test that left it", async () => {
  const leaves = `
import ctypes, multiprocessing, time
def stay():
    ctypes.CDLL(None).prctl(1, 9)
    time.sleep(600)
def test_leaves():
    multiprocessing.get_context("fork").Process(target=stay).start()
`;
  await using suite = await pytestSuite({ "test_a.py": `${leaves}def test_after(): pass\n` });
  await using run = suite.start([
    "run",
    "--no-preflight",
    "--no-defaults",
    "--no-isolate",
    "--exit-timeout",
    "100",
    "tests",
  ]);
  await run.until("2 passed");
  // It says so before it waits.
  const document = await untilVerdict(suite, "exit-waits-for-child");
  assertEquals([document.test, document.running], [null, []]);
  assertIncludes(
    document.evidence[0],
    `pytest (pid ${document.root}) has finished with exit status 0 and waits for its child `,
  );
  assertIncludes(document.evidence[1], "left by tests/test_a.py::test_leaves");
  const child = document.processes.find(({ pid }: { pid: number }) => pid !== document.root).pid;
  const { stdout, stderr } = await suite.tractest(["hang"]);
  assertIncludes(
    stdout,
    "exit-waits-for-child: pytest has finished and waits for a child before it exits\n",
  );
  assertIncludes(stderr, `hint: let pytest exit now: kill -INT ${child}\n`);
  Deno.kill(child, "SIGKILL");
  await run.ended;
});

Deno.test("a process left by an earlier test does not show the running test", async () => {
  const test = `
import ctypes, os, subprocess, time
def die_with_parent():
    ctypes.CDLL(None).prctl(1, 9)
def test_leaves():
    subprocess.Popen(["sleep", "600"], preexec_fn=die_with_parent)
def test_waits():
    open(os.environ["SUITE"] + "/stuck", "w").close()
    time.sleep(600)
`;
  await using suite = await pytestSuite({ "test_a.py": test });
  using run = await stuck(suite);
  const document = JSON.parse((await suite.tractest(["hang", String(run.pid), "--json"])).stdout);
  assertEquals([document.test, document.running, document.processes.length], [null, null, 2]);
});

Deno.test("the signature of full capture pipes is shown, and how to resume a process", async () => {
  await using suite = await pytestSuite({ "test_a.py": INHERITED });
  await suite.write({ "requirements.txt": "tractor\n" });
  using run = await stuck(suite, { unread: true });
  const { stdout, stderr } = await suite.tractest(["hang"]);
  const at = stdout.indexOf(
    "signature of full capture pipes:\n",
  );
  assertEquals(
    stdout.slice(at).split("\n").slice(1, 5).map((line) => line.trim().split(":", 1)[0]),
    [
      "no       a fork-based backend",
      "unknown  several tracebacks of RemoteActorError or ExceptionGroup",
      "unknown  passes with -s",
      "yes      actors blocked in write to an inherited descriptor",
    ],
    stdout,
  );
  assertIncludes(stderr, "tractest hang --confirm");
  const { signature, processes } = JSON.parse((await suite.tractest(["hang", "--json"])).stdout);
  assertEquals(signature.map(({ answer }: { answer: string }) => answer), [
    "no",
    "unknown",
    "unknown",
    "yes",
  ]);
  const child = processes.find(({ pid }: { pid: number }) => pid !== run.pid).pid;
  Deno.kill(child, "SIGSTOP");
  await untilVerdict(suite, "stopped");
  const stopped = await suite.tractest(["hang"]);
  assertIncludes(stopped.stdout, "\nstopped: a process is stopped\n");
  assertIncludes(stopped.stderr, `hint: to resume: kill -CONT ${child}\n`);
});

Deno.test("outside of any project a process tree is chosen by its pid", async () => {
  await using suite = await pytestSuite({ "test_a.py": "def test_a(): pass\n" });
  const { code, stderr } = await suite.tractest(["-C", suite.path, "hang"]);
  assertEquals(code, 80);
  assertIncludes(stderr, "No project found");
});

Deno.test("a pytest of another repo is not examined", async () => {
  await using suite = await pytestSuite({ "test_a.py": OWN_PIPE });
  await using other = await pytestSuite({ "test_a.py": "def test_a(): pass\n" });
  // Both have links to the same venv here, so the other one gets its own.
  await Deno.remove(join(other.root, "py310"));
  using _ = await stuck(suite);
  assertIncludes((await other.tractest(["hang"])).stdout, "no pytest of this repo is running");
});

Deno.test("run reads Python stacks before a time limit ends a test", async () => {
  const cases = [
    [`printf 'Thread %s (idle)\\n  test_waits (test_a.py:3)\\n' "$4"`, null],
    [
      "echo 'Error: Permission denied' >&2; exit 1",
      /"py-spy" failed with exit code 1: Error: Permission denied: on this system only root/,
    ],
    ["exec sleep 600", /Python stacks: "py-spy" timed out/],
    [null, /Python stacks: no "py-spy" in the venv or on PATH/],
  ] as const;
  for (const [script, failure] of cases) {
    await using suite = await pytestSuite({
      "test_a.py": "import time\ndef test_waits():\n    time.sleep(600)\n",
    });
    const programs = join(suite.path, "programs");
    if (script !== null) {
      await Deno.mkdir(programs);
      await Deno.writeTextFile(join(programs, "py-spy"), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    }
    const words = [
      "run",
      "--no-preflight",
      "--no-defaults",
      "--test-timeout",
      "1",
      "--json",
      "--events",
      "events",
      "tests",
    ];
    const { stdout, stderr } = await suite.tractest(words, { PATH: `${programs}:/usr/bin:/bin` });
    const { hang } = JSON.parse(stdout);
    const events = (await Deno.readTextFile(join(suite.root, "events"))).trim().split("\n").map((
      line,
    ) => JSON.parse(line));
    const event = events.find(({ event }) => event === "hang");
    assertEquals(event.stacks, hang.stacks);
    const said = stderr.split("\n").filter((line) => line.includes("Python stacks"));
    if (failure === null) {
      assertEquals(hang.stacks, [{
        pid: hang.root,
        text: `Thread ${hang.root} (idle)\n  test_waits (test_a.py:3)\n`,
      }]);
      assertIncludes(
        stderr,
        `stack of pid ${hang.root}:\n  Thread ${hang.root} (idle)\n    test_waits (test_a.py:3)\n`,
      );
      assertEquals(said, []);
      await suite.tractest(["report"]);
      assertIncludes(
        await Deno.readTextFile(join(suite.root, "tractest-report.html")),
        "test_waits (test_a.py:3)",
      );
    } else {
      assertEquals(hang.stacks, []);
      assertEquals(said.map((line) => failure.test(line)), [true], stderr);
    }
  }
});

const ID = "tests/test_hang.py::test_waits_forever";

Deno.test({
  name:
    "--confirm reruns the test that hung last with -s, and decides whether capture is the cause",
  ignore: ISOLATED === null,
  fn: async () => {
    await using suite = await sampleSuite();
    for (const [kind, confirmed] of [["capture", true], ["pipe", false]] as const) {
      const run = await suite.tractest([
        "run",
        "--no-preflight",
        "--test-timeout",
        "16",
        "--grace",
        "0.3",
        "test_hang",
      ], { SAMPLE_HANG: kind });
      assertEquals(run.code, 124);
      assertIncludes(run.stderr, "blocked-write: ");
      const { code, stdout } = await suite.tractest(["hang", "--confirm", "--json"], {
        SAMPLE_HANG: kind,
      });
      const { confirm, verdict } = JSON.parse(stdout);
      assertEquals(
        [code, verdict, confirm.confirmed, confirm.test],
        [0, null, confirmed, ID],
        stdout,
      );
    }
  },
});

Deno.test({
  name: "--confirm ends a run that still hangs only with --yes",
  ignore: ISOLATED === null,
  fn: async () => {
    await using suite = await sampleSuite();
    const run = suite.start(["run", "--no-preflight", "test_hang"], { SAMPLE_HANG: "capture" });
    await run.until("collected 1 item");
    // Its actor is blocked once a verdict says so.
    let before = "";
    while (before !== "blocked-write") {
      before = JSON.parse((await suite.tractest(["hang", "--json"])).stdout).verdict;
    }
    const refused = await suite.tractest(["hang", "--confirm"]);
    assertEquals(refused.code, 80);
    assertIncludes(refused.stderr, "hint: --yes agrees");
    const { root } = JSON.parse((await suite.tractest(["hang", "--json"])).stdout);
    assert(await alive(root), "it was ended unasked");
    const { code, stdout } = await suite.tractest(["hang", "--confirm", "--yes", "--json"], {
      SAMPLE_HANG: "capture",
    });
    assertEquals([code, JSON.parse(stdout).confirm.test], [0, ID], stdout);
    assert(!await alive(root), "it is still there");
    await run.ended;
  },
});

Deno.test(
  "a debugger is reported as waiting for its terminal, and only " +
    "numbers are PIDs",
  async () => {
    await using suite = await pytestSuite({
      "test_a.py": "def test_a():\n    breakpoint()\n    assert True\n",
    });
    const python = join(suite.root, "py310/bin/python");
    await using terminal = suite.start([], {}, [
      await pythonWithPytest(),
      "-c",
      PTY,
      python,
      "-m",
      "pytest",
      "-s",
      "tests",
      "--pdbcls=pdb:Pdb",
      "--ignore",
    ]);
    await terminal.until("(Pdb) ");
    // It has namespaces of its own: it is given by its pid.
    const pid = await below(terminal.child.pid, "pytest");
    const { verdict, evidence } = JSON.parse(
      (await suite.tractest(["hang", String(pid), "--json"])).stdout,
    );
    assertEquals(verdict, "terminal-wanted", JSON.stringify(evidence));
    for (const word of ["x", "0", "1 2", "99999999"]) {
      assertEquals((await suite.tractest(["hang", word])).code, 64, word);
    }
  },
);

/** The process below another one that runs a module. */
async function below(pid: number, module: string): Promise<number> {
  const { stdout } = await new Deno.Command("ps", { args: ["-eo", "pid=,ppid=,args="] }).output();
  const rows = [...new TextDecoder().decode(stdout).matchAll(/^ *(\d+) +(\d+) (.*)$/gm)].map((
    [, one, parent, args],
  ) => [Number(one), Number(parent), args!] as const);
  for (const parents = [pid]; parents.length > 0;) {
    const parent = parents.shift();
    for (const [one, above, args] of rows) {
      if (above !== parent) continue;
      if (args.startsWith("/") && args.includes(`/python -m ${module}`)) return one;
      parents.push(one);
    }
  }
  throw new Error(`nothing below ${pid} runs ${module}`);
}

/** Two tests, each of which waits for a file that does not come. */
const TWO_WAIT = `
import os, subprocess
def waits(name):
    child = subprocess.Popen(["sleep", "600"])
    open(os.environ["SUITE"] + "/" + name, "w").close()
    child.wait()
def test_first(): waits("first")
def test_second(): waits("second")
`;

Deno.test({
  name: "with --jobs each isolated pytest has its own running test and processes",
  ignore: ISOLATED === null,
  fn: async () => {
    await using suite = await pytestSuite({ "test_a.py": TWO_WAIT });
    const running = suite.start(["run", "--no-preflight", "--jobs", "2"]);
    for (const name of ["first", "second"]) {
      while (!await Deno.stat(join(suite.path, name)).then(() => true, () => false)) {
        await new Promise((done) => setTimeout(done, 20));
      }
    }
    const { others, ...first } = JSON.parse((await suite.tractest(["hang", "--json"])).stdout);
    const seen = [first, ...others].map(({ test, processes }) => [test, processes.length]);
    assertEquals(seen.sort(), [["tests/test_a.py::test_first", 2], [
      "tests/test_a.py::test_second",
      2,
    ]]);
    running.child.kill("SIGKILL");
    await running.ended;
  },
});
