import { join } from "@std/path";
import { assert, assertEquals, assertIncludes } from "../assert.ts";
import type { Running } from "./running.ts";
import { alive, pytestSuite, type Suite } from "./suites.ts";

const WATCH = ["watch", "--no-preflight", "--no-isolate"];

/** Resolves when `tractest watch` has said so often that it waits for changes. */
async function waiting(running: Running, times: number): Promise<void> {
  const count = () => (running.stdout + running.stderr).split("waiting for changes").length - 1;
  while (count() < times) await running.more();
}

async function gitInit(suite: Suite): Promise<void> {
  await suite.write({ ".gitignore": "py310\n*.log\n" });
  const git = async (...words: string[]) => {
    const { success } = await new Deno.Command("git", {
      args: ["-c", "user.name=A", "-c", "user.email=a@example.org", ...words],
      cwd: suite.root,
    }).output();
    assert(success);
  };
  await git("init", "-q", "-b", "main");
  await git("add", ".");
  await git("commit", "-qm", "first");
}

const CART = "def total(prices): return sum(prices)\n";
const TESTS = {
  "__init__.py": "",
  "cart.py": CART,
  "test_cart.py": "from tests.cart import total\ndef test_total(): assert total([1, 2]) == 3\n",
  "test_other.py": "def test_other(): pass\n",
};

Deno.test(
  "at a terminal watch runs what a saved file affects and says why; f runs the failed tests, " +
    "Enter all, and q ends it",
  async () => {
    await using suite = await pytestSuite(TESTS);
    await gitInit(suite);
    const running = await suite.atTerminal(WATCH, { NO_COLOR: "1" });
    await running.until("nothing changed: nothing to run");
    await waiting(running, 1);
    await suite.write({ "tests/cart.py": CART.replace("sum(prices)", "0") });
    await waiting(running, 2);
    const text = running.stdout;
    assertIncludes(text, "tests/cart.py changed");
    assertIncludes(
      text,
      "tests/test_cart.py  tests/cart.py → tests/test_cart.py: imported directly",
    );
    assertIncludes(text, "FAILED, waiting for changes");
    assert(!text.includes("test_other.py"), text);
    // Only touched, and ignored by git.
    await suite.write({ "tests/test_other.py": TESTS["test_other.py"], "tests/run.log": "1" });
    await running.type("f");
    await waiting(running, 3);
    assertIncludes(running.stdout.slice(text.length), "the tests that failed last time");
    assertIncludes(running.stdout.slice(text.length), "1 failed");
    // As vim saves: another file, renamed.
    await suite.write({ "tests/4913": "", "tests/.cart.py.swp": "", "tests/cart.py~": CART });
    await Deno.rename(join(suite.root, "tests/cart.py~"), join(suite.root, "tests/cart.py"));
    await waiting(running, 4);
    await running.type("\r");
    await waiting(running, 5);
    assertIncludes(running.stdout, "2 passed");
    await running.type("q");
    const { code, stdout } = await running.ended;
    assertEquals([code, stdout.split("PASSED, waiting").length - 1], [0, 2], stdout);
  },
);

const SERVES = `
import os, subprocess, sys, time
def test_serves():
    server = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    with open(os.environ["SUITE"] + "/pids", "a") as file: file.write(f"{server.pid}\\n")
    time.sleep(600)
`;

/** The first pids of servers that tests have started. */
async function servers(suite: Suite, count: number): Promise<number[]> {
  for (;;) {
    const text = await Deno.readTextFile(join(suite.path, "pids")).catch(() => "");
    const pids = text.split("\n").slice(0, -1).map(Number);
    if (pids.length >= count) return pids;
    await new Promise((done) => setTimeout(done, 20));
  }
}

Deno.test(
  "a change during a run ends it with its processes and starts it again; SIGTERM ends both",
  async () => {
    await using suite = await pytestSuite({ "test_serves.py": SERVES });
    const running = suite.start(WATCH);
    // Without a repository it waits for the first change.
    await waiting(running, 1);
    const file = join(suite.root, "tests/test_serves.py");
    await Deno.writeTextFile(file, `${SERVES}\n# 1`);
    const [first] = await servers(suite, 1);
    await Deno.writeTextFile(file, `${SERVES}\n# 2`);
    const [, second] = await servers(suite, 2);
    assertEquals(await alive(first!), false);
    assertIncludes(running.stderr, "tests/test_serves.py changed: ending this run to start again");
    running.child.kill("SIGTERM");
    const { code, stderr } = await running.ended;
    assertEquals([code, await alive(second!)], [143, false], stderr);
  },
);

Deno.test("Ctrl-C at a terminal ends a run with its processes, and watch with 130", async () => {
  await using suite = await pytestSuite({ "test_serves.py": SERVES });
  const running = await suite.atTerminal(WATCH);
  await waiting(running, 1);
  await running.type("\r");
  const [server] = await servers(suite, 1);
  await running.type("\x03");
  const { code, stdout } = await running.ended;
  assertEquals([code, await alive(server!)], [130, false], stdout);
  assertIncludes(stdout, "interrupted: 1 not run");
  // SIGINT reached pytest once, so that it could finish.
  assert(!stdout.includes("killing"), stdout);
});

Deno.test("SIGINT that reaches only watch ends it and its run when it comes again", async () => {
  await using suite = await pytestSuite({ "test_serves.py": SERVES });
  const running = await suite.atTerminal(WATCH);
  await waiting(running, 1);
  await running.type("\r");
  const [server] = await servers(suite, 1);
  const watch = await parentOf(server!, "watch");
  for (let time = 0; time < 2; time++) {
    Deno.kill(watch, "SIGINT");
    await new Promise((done) => setTimeout(done, 300));
  }
  const { code, stdout } = await running.ended;
  assertEquals([code, await alive(server!)], [130, false], stdout);
});

/** The process above another one that has this word in its command line. */
async function parentOf(pid: number, word: string): Promise<number> {
  const words = (await Deno.readTextFile(`/proc/${pid}/cmdline`)).split("\0");
  if (words.includes(word)) return pid;
  const [, parent] = /^PPid:\s*(\d+)$/m.exec(await Deno.readTextFile(`/proc/${pid}/status`))!;
  return await parentOf(Number(parent), word);
}

const WRITES = `
import os, pathlib, time
HERE = pathlib.Path(__file__).parent
def test_writes():
    (HERE / "test_writes.txt").write_text(str(time.time_ns()))
    with open(os.environ["SUITE"] + "/runs", "a") as runs: runs.write("x")
`;

Deno.test("what tests write starts no endless runs, and a later change of it one", async () => {
  await using suite = await pytestSuite({ "test_writes.py": WRITES, "test_writes.txt": "0" });
  await gitInit(suite);
  const running = suite.start(WATCH);
  await waiting(running, 1);
  await suite.write({ "tests/test_writes.py": `${WRITES}# 1\n` });
  await running.until("tests/test_writes.txt changes whenever tests run");
  await waiting(running, 2);
  const runs = async () => (await Deno.readTextFile(join(suite.path, "runs"))).length;
  assert(await runs() <= 3, running.stderr);
  const before = running.stderr.length;
  // Right after a run it may still be something that the tests started.
  for (let time = 0; !running.stderr.slice(before).includes("test_writes.txt changed"); time++) {
    await suite.write({ "tests/test_writes.txt": `by a person ${time}` });
    await new Promise((done) => setTimeout(done, 300));
  }
  await waiting(running, 3);
  running.child.kill("SIGINT");
  assertEquals((await running.ended).code, 130);
});

Deno.test("watch refuses a debugger, and a target that does not exist", async () => {
  await using suite = await pytestSuite({ "test_a.py": "def test_a(): pass\n" });
  const debugging = await suite.tractest(["watch", "--pdb"]);
  assertEquals(debugging.code, 64);
  assertIncludes(debugging.stderr, "a debugger needs your keys");
  assertEquals((await suite.tractest(["watch", "test_missing.py"])).code, 64);
});
