import { join } from "@std/path";
import { assertEquals, assertIncludes } from "../assert.ts";
import { ISOLATED, pytestSuite, type Suite, UNHURRIED } from "./suites.ts";

const RUN = ["run", "--no-preflight", "--no-defaults", "--affected"];
const SHARED = `
import pytest
@pytest.fixture(scope="module")
def shared():
    open(__import__("os").environ["SUITE"] + "/made", "a").write("x")
def test_one(shared): pass
def test_two(shared): pass
`;

/** A committed project: two tests import its modules, one directly and one indirectly. */
async function committed(): Promise<Suite> {
  const suite = await pytestSuite({
    "test_a.py": "def test_a(): pass\n",
    "test_b.py": "from app import middle\ndef test_b(): pass\n",
    "test_c.py": "from app.leaf import x\ndef test_c(): pass\ndef test_c2(): pass\n",
    "test_d.py": SHARED,
  });
  await suite.write({
    "pyproject.toml":
      '[project]\nname = "app"\n[tool.pytest.ini_options]\ntestpaths = ["tests"]\n' +
      'pythonpath = ["."]\n',
    "app/__init__.py": "",
    "app/leaf.py": "x = 1\n",
    "app/middle.py": "from .leaf import x\n",
    ".gitignore": "py310\n.pytest_cache\n__pycache__\n",
  });
  await git(suite, "init", "--quiet", "--initial-branch=main");
  await git(suite, "add", ".");
  await commit(suite, "-m", "first");
  return suite;
}

async function commit(suite: Suite, ...args: string[]): Promise<void> {
  const author = ["-c", "user.name=A", "-c", "user.email=a@example.org"];
  await git(suite, ...author, "commit", "--quiet", ...args);
}

async function git(suite: Suite, ...args: string[]): Promise<void> {
  const env = { PATH: "/usr/bin:/bin", HOME: suite.path, GIT_CONFIG_NOSYSTEM: "1" };
  const { success, stderr } = await new Deno.Command("git", {
    args,
    cwd: suite.root,
    clearEnv: true,
    env,
  }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
}

/** Runs it, and returns its outcome with the tests in the order in which they ran. */
async function order(suite: Suite, args: readonly string[]) {
  const events = join(suite.path, "events");
  const outcome = await suite.tractest([...args, "--events", events]);
  const text = await Deno.readTextFile(events).catch(() => "");
  await Deno.remove(events).catch(() => {});
  const rows = text.split("\n").filter((row) => row !== "").map((row) => JSON.parse(row));
  return {
    ...outcome,
    ran: rows.filter((row) => row.event === "test-start").map((row) =>
      row.id.replace("tests/", "")
    ),
    rows,
  };
}

const LAST_FAILED = ".pytest_cache/v/cache/lastfailed";

Deno.test("run --affected runs importers of a changed module first, in one pytest", async () => {
  await using suite = await committed();
  await suite.write({ "app/leaf.py": "x = 2\n" });
  const { code, ran, stderr, rows } = await order(suite, RUN);
  assertEquals(code, 0, stderr);
  assertEquals(ran, [
    "test_c.py::test_c",
    "test_c.py::test_c2",
    "test_b.py::test_b",
    "test_a.py::test_a",
    "test_d.py::test_one",
    "test_d.py::test_two",
  ]);
  assertEquals(rows.filter((row) => row.event === "session-begin").length, 1);
  assertIncludes(
    stderr,
    "first: tests/test_c.py  app/leaf.py → tests/test_c.py: imported directly\n",
  );
  assertIncludes(
    stderr,
    "first: tests/test_b.py  app/leaf.py → app/middle.py → tests/test_b.py: imported indirectly\n",
  );
  assertIncludes(stderr, "py310/bin/python -m pytest tests/\n");
});

Deno.test("run --affected --only and affected --run keep the record of failures", async () => {
  await using suite = await committed();
  await suite.write({
    "app/leaf.py": "x = 2\n",
    "tests/test_c.py": "from app.leaf import x\ndef test_c(): assert False\ndef test_c2(): pass\n",
    [LAST_FAILED]: '{"tests/test_a.py::test_a": true, "tests/test_gone.py::test_x": true, ' +
      '"tests/test_d.py::test_two": true}',
  });
  const { code, ran, stderr } = await order(suite, [...RUN, "--only"]);
  assertEquals([code, ran], [1, [
    "test_c.py::test_c",
    "test_c.py::test_c2",
    "test_b.py::test_b",
    "test_a.py::test_a",
    "test_d.py::test_two",
  ]]);
  assertIncludes(
    stderr,
    "-m pytest tests/test_c.py tests/test_b.py tests/test_a.py tests/test_d.py\n",
  );
  const recorded = Object.keys(JSON.parse(await Deno.readTextFile(join(suite.root, LAST_FAILED))));
  assertEquals(recorded.toSorted(), ["tests/test_c.py::test_c", "tests/test_gone.py::test_x"]);
  const again = await suite.tractest(["affected", "--run", "--dry-run", "--json"]);
  assertEquals(JSON.parse(again.stdout).command.slice(-2), ["tests/test_c.py", "tests/test_b.py"]);
});

Deno.test("the bar of run --affected --only counts the tests that it runs", async () => {
  await using suite = await committed();
  const waits =
    'import os, time\ndef test_a():\n    while not os.path.exists(os.environ["SUITE"] + ' +
    '"/go"): time.sleep(0.02)\n';
  // Of test_d.py one test is chosen; pytest collects both.
  await suite.write({
    "tests/test_a.py": waits,
    [LAST_FAILED]: '{"tests/test_d.py::test_two": true}',
  });
  const running = await suite.atTerminal([...RUN, "--only", "--ui", "bar"]);
  await running.until("tests/test_a.py::test_a\x1b[K");
  await running.typeUntil("t", "now: 0/2, ");
  await Deno.writeTextFile(join(suite.path, "go"), "");
  assertEquals((await running.ended).code, 0);
});

Deno.test("run --affected keeps tests together that share a fixture of their module", async () => {
  await using suite = await committed();
  await suite.write({
    "app/leaf.py": "x = 2\n",
    [LAST_FAILED]: '{"tests/test_d.py::test_two": true}',
  });
  const { ran } = await order(suite, RUN);
  assertEquals(ran.slice(3), ["test_d.py::test_one", "test_d.py::test_two", "test_a.py::test_a"]);
  assertEquals(await Deno.readTextFile(join(suite.path, "made")), "x");
});

Deno.test("run --affected with targets runs the chosen ones first, and obeys -x", async () => {
  await using suite = await committed();
  await suite.write({ "app/leaf.py": "x = 2\n" });
  const named = await order(suite, [...RUN, "test_a", "test_b"]);
  assertEquals(named.ran, ["test_b.py::test_b", "test_a.py::test_a"]);
  assertEquals((await order(suite, [...RUN, "--only", "test_a", "test_b"])).ran, [
    "test_b.py::test_b",
  ]);
  await suite.write({ "app/middle.py": "import nothing\n" });
  const broken = await order(suite, [
    "run",
    "--no-preflight",
    "--affected",
    "-x",
    "tests/test_a.py",
    "tests/test_c.py",
  ]);
  assertEquals(broken.ran, ["test_c.py::test_c", "test_c.py::test_c2", "test_a.py::test_a"]);
  await suite.write({
    "app/leaf.py": "x = 3\n",
    "tests/test_c.py": "def test_c(): assert False\n",
  });
  assertEquals(
    (await order(suite, ["run", "--no-preflight", "--affected", "-x", "test_a", "test_c"])).ran,
    ["test_c.py::test_c"],
  );
});

Deno.test("run --affected with nothing changed runs all, or with --only nothing", async () => {
  await using suite = await committed();
  const all = await order(suite, RUN);
  assertEquals([all.code, all.ran.length], [0, 6]);
  assertIncludes(all.stderr, "Nothing changed: running all tests in the usual order.\n");
  const none = await order(suite, [...RUN, "--only"]);
  assertEquals([none.code, none.rows, none.stderr], [0, [], "Nothing changed: nothing to run.\n"]);
  const { command, exitCode } = JSON.parse(
    (await suite.tractest([...RUN, "--only", "--json"])).stdout,
  );
  assertEquals([command, exitCode], [null, 0]);
  await suite.write({ "README.md": "words\n" });
  assertIncludes(
    (await order(suite, [...RUN, "--only"])).stderr,
    "No test is known to be affected: nothing to run.\n",
  );
  assertEquals((await suite.tractest([...RUN, "--staged", "--uncommitted"])).code, 64);
});

Deno.test("affected --run without a main branch runs all tests, and asks for a base", async () => {
  await using suite = await committed();
  await git(suite, "branch", "--quiet", "-m", "develop");
  await suite.write({
    "app/leaf.py": "x = 2\n",
    "tests/test_a.py": "def test_a(): assert False\n",
  });
  await commit(suite, "--all", "-m", "broken");
  const said = "warning: no main branch was found: what the commits changed is not known, so all " +
    "tests run; give a base with --base REV";
  const silent = (text: string) => assertEquals(text.includes("Nothing changed"), false, text);
  const ran = await order(suite, [...RUN, "--only"]);
  assertEquals([ran.code, ran.ran.length], [1, 6], ran.stderr);
  const dry = await suite.tractest(["affected", "--run", "--hook", "--dry-run", "--json"]);
  assertEquals(JSON.parse(dry.stdout).command.at(-1), "tests/");
  for (const { stderr } of [ran, dry]) {
    assertEquals(stderr.split(said).length, 2, stderr);
    silent(stderr);
  }
  const plain = await suite.tractest(["affected"]);
  assertEquals(plain.code, 0);
  assertIncludes(
    plain.stderr,
    "warning: no main branch was found; only uncommitted changes are known",
  );
  silent(plain.stdout);
  const { unknown, targets } = JSON.parse((await suite.tractest(["affected", "--json"])).stdout);
  assertEquals([unknown, targets], ["no main branch was found", []]);
  await suite.write({ "tests/test_a.py": "def test_a(): pass\n" });
  const whole = await order(suite, [...RUN, "--only"]);
  assertEquals(
    [whole.code, whole.ran[0], whole.ran.length],
    [0, "test_a.py::test_a", 6],
    whole.stderr,
  );
  const named = await suite.tractest([
    "affected",
    "--run",
    "--base",
    "HEAD~1",
    "--dry-run",
    "--json",
  ]);
  assertEquals(JSON.parse(named.stdout).command.slice(-3), [
    "tests/test_a.py",
    "tests/test_c.py",
    "tests/test_b.py",
  ]);
});

Deno.test("affected --run of a shallow clone runs all tests, and prints its notes", async () => {
  await using suite = await committed();
  await git(suite, "branch", "--quiet", "topic");
  for (const branch of ["topic", "main"]) {
    await git(suite, "checkout", "--quiet", branch);
    for (const text of ["one", "two"]) {
      await suite.write({ [`${branch}.md`]: text });
      await git(suite, "add", `${branch}.md`);
      await commit(suite, "-m", text);
    }
  }
  const clone = join(suite.path, "clone");
  await git(
    suite,
    "clone",
    "--quiet",
    "--depth=1",
    "--no-single-branch",
    "--branch=topic",
    `file://${suite.root}`,
    clone,
  );
  await Deno.symlink(join(suite.root, "py310"), join(clone, "py310"));
  const { code, stderr, stdout } = await suite.tractest([
    "-C",
    clone,
    "affected",
    "--run",
    "--dry-run",
    "--json",
  ]);
  assertEquals([code, JSON.parse(stdout).command.at(-1)], [0, "tests/"], stderr);
  assertIncludes(
    stderr,
    "(git fetch --unshallow): what the commits changed is not known, so all tests run",
  );
  await suite.write({ ".gitmodules": "" });
  await git(suite, "add", ".gitmodules");
  await commit(suite, "-m", "modules");
  const none = await suite.tractest(["affected", "--run"]);
  assertIncludes(
    none.stderr,
    "warning: uncommitted changes inside submodules are not included\n",
  );
  assertIncludes(none.stderr, "Nothing changed: nothing to run.\n");
});

Deno.test("affected --run --hook notes uncommitted files of the work tree", async () => {
  await using suite = await committed();
  const run = () => suite.tractest(["affected", "--run", "--hook", "--dry-run"]);
  assertIncludes((await run()).stderr, "Nothing changed in the checkout: nothing to run.\n");
  await git(suite, "checkout", "--quiet", "-b", "topic");
  await suite.write({ "app/leaf.py": "x = 2\n" });
  await commit(suite, "--all", "-m", "broken");
  const clean = await run();
  assertEquals([clean.code, clean.stderr.includes("work tree")], [0, false], clean.stderr);
  await suite.write({ "app/leaf.py": "x = 1\n" });
  assertIncludes(
    (await run()).stderr,
    "the tests run on the work tree, including 1 uncommitted file\n",
  );
});

Deno.test("run --affected puts tests that failed lately after importers", async () => {
  await using suite = await committed();
  // A run that was short of CPU would not count.
  if (ISOLATED !== null) suite.through = UNHURRIED;
  await suite.write({ "tests/test_d.py": "def test_d(): assert False\n" });
  assertEquals((await suite.tractest(["run", "--no-preflight", "--no-defaults"])).code, 1);
  await Deno.remove(join(suite.root, LAST_FAILED));
  await git(suite, "checkout", "--quiet", "tests/test_d.py");
  await suite.write({
    "tests/test_d.py": "def test_d(): pass\ndef test_e(): pass\n",
    "app/leaf.py": "x = 2\n",
  });
  await commit(suite, "-m", "mended", "tests/test_d.py");
  const { ran, stderr } = await order(suite, [...RUN]);
  assertEquals(ran.slice(3), ["test_d.py::test_d", "test_a.py::test_a", "test_d.py::test_e"]);
  assertIncludes(stderr, "first: tests/test_d.py::test_d  it failed in its last run\n");
});

Deno.test("run --only, --base, --staged and --uncommitted need --affected", async () => {
  await using suite = await committed();
  for (const words of [["--only"], ["--base", "main"], ["--staged"], ["--uncommitted"]]) {
    const { code, stderr } = await suite.tractest(["run", ...words]);
    assertEquals(code, 64);
    assertIncludes(stderr, `"${words[0]}" needs "--affected"`);
  }
});
