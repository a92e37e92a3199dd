import { dirname, join } from "@std/path";
import { assert, assertEquals, assertIncludes } from "../assert.ts";
import { ISOLATED, pythonWithPytest, Scratch, Suite } from "./suites.ts";

/** What only projects on tractor have. */
const OF_TRACTOR = /tractor|\bactor|\b1616\b|registr|--tpdb|--ll\b|spawn-backend|\btrio\b/i;

const LEAVES = `
import subprocess
def test_leaves():
    subprocess.Popen(["sleep", "600"], start_new_session=True)
`;
const BINDS = `
import socket
def test_one():
    socket.socket().bind(("127.0.0.1", 8099))
`;
const IN_USE = `
import errno
def test_one():
    raise OSError(errno.EADDRINUSE, "Address already in use")
def test_two():
    raise OSError(errno.EADDRINUSE, "Address already in use")
`;
/** Leaves a server behind. */
const LISTENS = `
import subprocess, sys
def test_leaves():
    server = "import socket, time; s = socket.create_server(('127.0.0.1', 0)); print(flush=True)"
    server += "; time.sleep(600)"
    child = subprocess.Popen([sys.executable, "-c", server], stdout=subprocess.PIPE)
    assert child.stdout.readline()
`;
/** A child that fills a pipe which is not read. */
const HANGS = `
import os, subprocess, sys, time
def test_hangs():
    chatter = "import os; os.write(1, b'x' * 1_000_000)"
    child = subprocess.Popen([sys.executable, "-c", chatter], stdout=subprocess.PIPE)
    while "pipe_write" not in open(f"/proc/{child.pid}/wchan").read():
        time.sleep(0.01)
    child.wait()
`;

/** Runs a command while it holds the port. */
const HOLDS = `
import socket, subprocess, sys
holder = socket.create_server(("127.0.0.1", 1616))
sys.exit(subprocess.call(sys.argv[1:]))
`;

/** A git repository with a package, tests and a `.venv`, without any sign of tractor. */
async function plainProject(tests: Readonly<Record<string, string>>): Promise<Suite> {
  const suite = new Suite((await Scratch.make()).path);
  await suite.write({
    "pyproject.toml": '[project]\nname = "app"\nversion = "0"\n',
    "app/__init__.py": "",
    ...Object.fromEntries(
      Object.entries(tests).map(([name, text]) => [`tests/${name}`, `import app\n${text}`]),
    ),
  });
  await Deno.symlink(dirname(dirname(await pythonWithPytest())), join(suite.root, ".venv"));
  const { success } = await new Deno.Command("git", {
    args: ["init", "-q", suite.root],
    clearEnv: true,
    env: { GIT_CONFIG_GLOBAL: "/dev/null", PATH: "/usr/bin:/bin" },
  }).output();
  assert(success);
  return suite;
}

/** Runs a command and checks that it names nothing of tractor's. */
async function neutral(suite: Suite, words: readonly string[], code: number): Promise<string> {
  const outcome = await suite.tractest(words);
  const text = outcome.stdout + outcome.stderr;
  assert(!OF_TRACTOR.test(text), `${words.join(" ")}: ${OF_TRACTOR.exec(text)}\n${text}`);
  assertEquals([words, outcome.code], [words, code], text);
  return text;
}

Deno.test("a plain project reads nothing of tractor's in what commands print", async () => {
  await using suite = await plainProject({ "test_a.py": "def test_a(): pass\n" });
  await neutral(suite, [], 0);
  assertIncludes(await neutral(suite, ["run"], 0), "1 passed");
  await neutral(suite, ["run", "-v"], 0);
  assertIncludes(await neutral(suite, ["doctor"], 0), "leaks");
  await neutral(suite, ["doctor", "--json"], 0);
  await neutral(suite, ["check"], 0);
  for (const command of ["flaky", "layout", "affected", "failed", "hang", "slow", "history"]) {
    await neutral(suite, [command], 0);
  }
  assertIncludes(await neutral(suite, ["zombies"], 0), "no leaked processes from this repo\n");
  const { stdout } = await suite.tractest(["zombies", "--json"]);
  const { clean, registries, actors, sockets } = JSON.parse(stdout);
  assertEquals([clean, registries, actors, sockets], [true, [], [], []]);
});

Deno.test("leaked processes of a plain project are named as such, and ended", async () => {
  await using suite = await plainProject({ "test_a.py": LEAVES });
  const text = await neutral(suite, ["run", "--no-isolate"], 0);
  assertIncludes(text, "LEAK");
  try {
    assertIncludes(await neutral(suite, ["zombies"], 81), "1 leaked proc from this repo");
    assertIncludes(await neutral(suite, ["doctor"], 81), "tractest zombies --kill");
    await neutral(suite, ["run", "--preflight-only"], 0);
  } finally {
    await neutral(suite, ["zombies", "--kill"], 0);
  }
});

Deno.test("an address in use hints at a held port in a plain project", async () => {
  await using suite = await plainProject({ "test_a.py": IN_USE });
  const text = await neutral(suite, ["run", "--no-defaults"], 1);
  assertIncludes(text, "all tests broken? a port seems to be held, not the tests broken: address");
  assertIncludes(text, "\n  or what else listens: ss -tlnp\n");
  assert(!text.includes("that listens: see LEAK"), text);
});

Deno.test({
  name: "who holds a port that a test finds in use is named",
  ignore: ISOLATED === null,
  fn: async () => {
    await using suite = await plainProject({ "test_a.py": BINDS });
    suite.through = [await pythonWithPytest(), "-c", HOLDS.replace("1616", "8099")];
    const text = await neutral(suite, ["run", "--no-defaults", "--no-isolate"], 1);
    const line = /\n {2}port 8099 is held by pid \d+ \([^\n]*python[^\n]*\), yours, for \d/;
    assert(line.test(text), text);
    assert(!text.includes("ss -tlnp"), text);
  },
});

Deno.test("of tests that find a port in use the one that left its holder is named", async () => {
  await using suite = await plainProject({ "test_a.py": LISTENS + IN_USE });
  const text = await neutral(suite, ["run", "--no-defaults", "--no-isolate"], 1);
  try {
    assertIncludes(
      text,
      "\n  tests/test_a.py::test_leaves left a process that listens: see LEAK below\n",
    );
  } finally {
    await neutral(suite, ["zombies", "--kill"], 0);
  }
});

Deno.test("a run that hangs is explained in a plain project without tractor's recipe", async () => {
  await using suite = await plainProject({ "test_a.py": HANGS });
  const text = await neutral(suite, ["run", "--test-timeout", "2", "--no-isolate"], 1);
  assertIncludes(text, "blocked-write: a write to a full pipe that is not read");
  assertIncludes(text, "was made by the tests themselves: output capture (-s) is not involved");
  assert(!text.includes("try -s"), text);
});

Deno.test({
  name: "who holds tractor's default port is nothing to a plain project",
  ignore: ISOLATED === null,
  fn: async () => {
    await using suite = await plainProject({ "test_a.py": "def test_a(): pass\n" });
    suite.through = [await pythonWithPytest(), "-c", HOLDS];
    for (const words of [["run"], ["doctor"], ["zombies"], ["zombies", "--hook"]]) {
      await neutral(suite, words, 0);
    }
  },
});
