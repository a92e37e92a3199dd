import { join } from "@std/path";
import { assert, assertEquals, assertIncludes } from "../assert.ts";
import { pytestSuite, type Suite } from "./suites.ts";

const NO_CHECKS = ["--no-preflight", "--json"];

/** Tests that pass. */
function passing(names: readonly string[]): string {
  return names.map((name) => `def test_${name}(): pass\n`).join("");
}

const LETTERS = [..."abcdefghij"];

/** Runs `bisect` and reads its JSON document. */
async function bisect(suite: Suite, ...words: readonly string[]) {
  const { code, stdout, stderr } = await suite.tractest(["bisect", ...words, ...NO_CHECKS]);
  assert(stdout.startsWith("{"), stdout + stderr);
  return { code, stderr, document: JSON.parse(stdout) };
}

/** Runs a command of the document as if pasted; returns pytest's exit code. */
async function pasted(suite: Suite, command: readonly string[]): Promise<number> {
  const [program, ...args] = command;
  const child = new Deno.Command(join(suite.root, program!), {
    args,
    cwd: suite.root,
    env: suite.environment(),
    clearEnv: true,
    stdout: "null",
  });
  return (await child.output()).code;
}

Deno.test(
  "the test that changes a global is found, and the printed command reproduces it",
  async () => {
    const others = passing(LETTERS);
    await using suite = await pytestSuite({
      "shared.py": "state = []\n",
      "conftest.py": "import os, sys\nsys.path.insert(0, os.path.dirname(__file__))\n",
      "test_a.py": `import shared\n${others}` +
        `def test_pollutes(): shared.state.append(1)\n${passing(["k", "l"])}`,
      "test_b.py": `import shared\n${others}def test_victim(): assert shared.state == []\n`,
    });
    const { code, document, stderr } = await bisect(suite, "test_b.py::test_victim");
    assertEquals([code, document.found, document.verdict, document.symptom], [
      0,
      true,
      "polluter",
      "fail",
    ], stderr);
    assertEquals(document.culprits, ["tests/test_a.py::test_pollutes"]);
    assertEquals([document.with, document.without], [{ runs: 1, shown: 1 }, { runs: 1, shown: 0 }]);
    assertEquals(document.order, { from: "the whole suite", before: 23 });
    assertIncludes(document.failure.message, "assert [1] == []");
    assertIncludes(stderr, "of about ");
    assertEquals(await pasted(suite, document.command), 1);
    assertEquals(
      await pasted(suite, [...document.command.slice(0, -2), document.command.at(-1)]),
      0,
    );
  },
);

Deno.test(
  "without records a slow test is not a hang, whatever the limit for a file",
  async () => {
    await using suite = await pytestSuite({
      "test_a.py":
        "import os, time\ndef test_slow():\n    time.sleep(1.5)\n    os.environ['LEFT'] = " +
        "'1'\ndef test_victim(): assert 'LEFT' not in os.environ\n",
    });
    await suite.write({
      "pyproject.toml":
        '[tool.pytest.ini_options]\ntestpaths = ["tests"]\n[tool.tractest]\ntime-limit-file = 1\n',
    });
    const { code, document, stderr } = await bisect(suite, "test_a.py::test_victim");
    assertEquals([code, document.verdict, document.notes], [0, "polluter", []], stderr);
    assertEquals(document.culprits, ["tests/test_a.py::test_slow"]);
  },
);

Deno.test(
  "two tests that only together set an environment variable are both found",
  async () => {
    await using suite = await pytestSuite({
      "test_a.py": `
import os, pytest
${passing(LETTERS)}
def test_one(): os.environ["LEFT_ONE"] = "1"
${passing(["k", "l", "m"])}
@pytest.mark.parametrize("n", ["a -> b, c=d", "::", "ünï"])
def test_two(n):
    if n == "::" and "LEFT_ONE" in os.environ: os.environ["LEFT_BOTH"] = "1"
${passing(["n"])}
@pytest.mark.parametrize("n", ["[x] y"])
def test_victim(n): assert "LEFT_BOTH" not in os.environ
`,
    });
    const { code, document, stderr } = await bisect(suite, "test_a.py::test_victim");
    assertEquals([code, document.verdict], [0, "polluter"], stderr);
    assertEquals(document.test, "tests/test_a.py::test_victim[[x] y]");
    assertEquals(document.culprits, ["tests/test_a.py::test_one", "tests/test_a.py::test_two[::]"]);
    assertEquals(document.order.from, "tests/test_a.py");
    assertEquals(await pasted(suite, document.command), 1);
  },
);

/** A test acquires a lock and keeps it, so that a later test hangs. */
const HANGING = `
import threading
lock = threading.Lock()
${passing(LETTERS)}
def test_keeps_the_lock(): lock.acquire()
${passing(["k", "l"])}
def test_victim(): lock.acquire(); lock.release()
def test_after(): pass
`;

Deno.test(
  "a hang in the newest recorded run is bisected in the order of that run",
  async () => {
    await using suite = await pytestSuite({ "test_a.py": HANGING });
    const run = await suite.tractest([
      "run",
      "--no-preflight",
      "--test-timeout",
      "1",
      "--no-defaults",
    ]);
    assertEquals(run.code, 1, run.stdout);
    const { code, document, stderr } = await bisect(
      suite,
      "test_a.py::test_victim",
      "--grace",
      "0.2",
    );
    assertEquals([code, document.verdict, document.symptom], [0, "polluter", "hang"], stderr);
    assertEquals(document.culprits, ["tests/test_a.py::test_keeps_the_lock"]);
    assert(/^run \d{8}-/.test(document.order.from), document.order.from);
    assertEquals(document.order.before, 13);
  },
);

Deno.test(
  "the order comes from a file of events, and another order finds another culprit",
  async () => {
    await using suite = await pytestSuite({
      "test_a.py": "import os\ndef test_victim(): assert 'LEFT' not in os.environ\n",
      "test_b.py": `import os\n${passing(LETTERS)}def test_pollutes(): os.environ["LEFT"] = "1"\n`,
    });
    // In collection order no test runs before it.
    const none = await bisect(suite, "test_a.py::test_victim");
    assertEquals([none.code, none.document.verdict, none.document.found], [
      82,
      "not-reproduced",
      null,
    ], none.stderr);
    const events = join(suite.path, "events.jsonl");
    await suite.tractest(["run", "--no-preflight", "--events", events, "test_b.py", "test_a.py"]);
    const { code, document, stderr } = await bisect(
      suite,
      "test_a.py::test_victim",
      "--from",
      events,
    );
    assertEquals([code, document.culprits], [0, ["tests/test_b.py::test_pollutes"]], stderr);
    assertEquals(document.order, { from: events, before: 11 });
    const wrong = await suite.tractest(["bisect", "test_b.py::test_a", "--from", events]);
    assertEquals(wrong.code, 64);
    assertIncludes(wrong.stderr, "did not go wrong in");
  },
);

Deno.test("the test that makes a later one leave a process is found", async () => {
  await using suite = await pytestSuite({
    "test_a.py": `
import os, subprocess, sys
${passing(LETTERS)}
def test_makes_it_careless(): os.environ["CARELESS"] = "1"
def test_victim():
    argv = [sys.executable, "-c", "import time; time.sleep(60)", os.environ["SUITE"]]
    child = subprocess.Popen(argv, stdin=subprocess.PIPE)
    if "CARELESS" not in os.environ:
        child.kill(); child.wait()
    child.returncode = 0
`,
  });
  for (const isolation of ["--isolate", "--no-isolate"]) {
    const { code, document, stderr } = await bisect(suite, "test_a.py::test_victim", isolation);
    assertEquals([code, document.verdict, document.symptom], [0, "polluter", "leak"], stderr);
    assertEquals(document.culprits, ["tests/test_a.py::test_makes_it_careless"]);
    assertEquals(document.isolated, isolation !== "--no-isolate");
  }
  const { stdout } = await new Deno.Command("ps", { args: ["-eo", "pid,args", "-ww"] }).output();
  const left = new TextDecoder().decode(stdout).split("\n").filter((row) =>
    row.includes(`time.sleep(60) ${suite.path}`)
  );
  assertEquals(left, []);
});

Deno.test("a file whose import alone breaks the test is found", async () => {
  await using suite = await pytestSuite({
    "test_a.py": passing(LETTERS),
    "test_b.py": `import os\nos.environ["LEFT"] = "1"\n${passing(LETTERS)}`,
    "test_c.py": "import os\ndef test_victim(): assert 'LEFT' not in os.environ\n",
  });
  const { code, document, stderr } = await bisect(suite, "test_c.py::test_victim");
  assertEquals(
    [code, document.verdict, document.culprits],
    [0, "import", ["tests/test_b.py"]],
    stderr,
  );
  assertEquals(await pasted(suite, document.command), 1);
});

Deno.test(
  "a test that fails by itself has no polluter, and one that always passes is reported",
  async () => {
    await using suite = await pytestSuite({
      "test_a.py": `${passing(LETTERS)}def test_bad(): assert 1 == 2\ndef test_good(): pass\n`,
    });
    const bad = await bisect(suite, "test_a.py::test_bad");
    assertEquals([bad.code, bad.document.found, bad.document.verdict, bad.document.steps], [
      1,
      false,
      "by-itself",
      1,
    ], bad.stderr);
    const good = await suite.tractest([
      "bisect",
      "test_a.py::test_good",
      "--no-preflight",
      "--in",
      "test_a.py",
    ]);
    assertEquals(good.code, 82);
    assertIncludes(
      good.stdout,
      "tests/test_a.py::test_good did not go wrong: it passes alone, and after all tests before it",
    );
    const unknown = await suite.tractest(["bisect", "test_a.py::test_nothing", "--no-preflight"]);
    assertEquals(unknown.code, 64);
    assertIncludes(unknown.stderr, 'pytest collects no test "tests/test_a.py::test_nothing"');
  },
);

Deno.test(
  "a polluter that works every third time needs --repeat; without it the result is uncertain",
  async () => {
    await using suite = await pytestSuite({
      "test_a.py": `
import os
${passing(["a", "b", "c", "d"])}
def test_pollutes():
    path = os.environ["SUITE"] + "/count"
    count = int(open(path).read()) if os.path.exists(path) else 0
    open(path, "w").write(str(count + 1))
    if count % 3 == 0: os.environ["LEFT"] = "1"
def test_victim(): assert "LEFT" not in os.environ
`,
    });
    const once = await bisect(suite, "test_a.py::test_victim");
    assertEquals([once.code, once.document.verdict], [82, "not-deterministic"], once.stderr);
    await Deno.remove(join(suite.path, "count"));
    const { code, document, stderr } = await bisect(
      suite,
      "test_a.py::test_victim",
      "--repeat",
      "3",
    );
    assertEquals([code, document.verdict, document.culprits], [0, "polluter", [
      "tests/test_a.py::test_pollutes",
    ]], stderr);
    assertEquals([document.with, document.without], [{ runs: 3, shown: 1 }, { runs: 3, shown: 0 }]);
  },
);

Deno.test("an interrupt shows the suspects so far", async () => {
  await using suite = await pytestSuite({
    "test_a.py": `
import os, time
${passing(LETTERS)}
def test_pollutes(): os.environ["LEFT"] = "1"
def test_victim():
    if "LEFT" in os.environ and os.path.exists(os.environ["SUITE"] + "/slow"):
        print("here", file=open(os.environ["SUITE"] + "/reached", "w"))
        time.sleep(60)
    open(os.environ["SUITE"] + "/slow", "w").close()
    assert "LEFT" not in os.environ
`,
  });
  const running = suite.start(["bisect", "test_a.py::test_victim", "--no-preflight", "--json"]);
  await running.until("step 1:");
  await Deno.remove(join(suite.path, "slow"));
  await running.until("step 2:");
  while (!await exists(join(suite.path, "reached"))) {
    await new Promise((done) => setTimeout(done, 20));
  }
  running.child.kill("SIGINT");
  const { code, stdout, stderr } = await running.ended;
  const document = JSON.parse(stdout);
  assertEquals([code, document.verdict, document.symptom], [130, "interrupted", "fail"], stderr);
  assert(document.culprits.includes("tests/test_a.py::test_pollutes"), stdout);
});

async function exists(path: string): Promise<boolean> {
  return await Deno.stat(path).then(() => true, () => false);
}
