import { assert, assertEquals, assertIncludes } from "../assert.ts";
import { GitRepository } from "../git_repository.ts";
import { type Outcome, tractest } from "./tractest.ts";

const PYPROJECT = '[project]\nname = "tractor"\n[tool.pytest.ini_options]\ntestpaths = ["tests"]\n';
const CACHE = ".pytest_cache/v/cache/lastfailed";
const RECORDED = Deno.readTextFileSync(
  new URL("../fixtures/suite/lastfailed.json", import.meta.url),
);

/** The recipe's script, in Python, with a plural for its "test(s)": `failed` prints the same. */
const RECIPE = `
import json, pathlib, sys
p = pathlib.Path('.pytest_cache/v/cache/lastfailed')
if not p.exists():
    print('No lastfailed cache found.'); sys.exit()
data = json.loads(p.read_text())
tests = sorted(k for k in data if k.startswith('tests/'))
if not tests:
    print('No failures recorded.')
else:
    print(f'{len(tests)} last-failed test(s):')
    for t in tests:
        print(f'  {t}')
`;

const failed = (repository: GitRepository, ...args: string[]): Promise<Outcome> =>
  tractest(["failed", ...args], { cwd: repository.root });
const recordOf = (...ids: string[]) =>
  JSON.stringify(Object.fromEntries(ids.map((id) => [id, true])));

/** A small checkout with a cache of failures whose files exist. */
async function checkout(record: string | null = RECORDED): Promise<GitRepository> {
  const repository = await GitRepository.make();
  repository.write({
    "pyproject.toml": PYPROJECT,
    "tractor/__init__.py": "",
    "tests/test_rpc.py": "",
  });
  if (record !== null) {
    repository.write({ [CACHE]: record });
    for (const id of Object.keys(JSON.parse(record))) {
      if (id.startsWith("tests/")) repository.write({ [id.split("::")[0]!]: "" });
    }
  }
  return repository;
}

Deno.test("failed prints what the recipe's script prints", async () => {
  for (
    const record of [
      null,
      "{}",
      recordOf("/usr/lib/x.py", "conftest"),
      recordOf("tests/test_a.py::t[a -> b]"),
      RECORDED,
    ]
  ) {
    using repository = await checkout(record);
    const theirs = await new Deno.Command("python3", { args: ["-c", RECIPE], cwd: repository.root })
      .output();
    assertEquals(await failed(repository), {
      code: 0,
      stdout: new TextDecoder().decode(theirs.stdout),
      stderr: "",
    });
  }
});

Deno.test("failed works from below the root, and with -C", async () => {
  using repository = await checkout();
  const below = await tractest(["failed"], { cwd: `${repository.root}/tests/devx` });
  assertIncludes(below.stdout, "27 last-failed test(s):\n");
  assertEquals(await tractest(["-C", repository.root, "failed"], { cwd: "/" }), below);
});

Deno.test("failed --limit lists that many tests and counts the others", async () => {
  using repository = await checkout();
  const args = ["failed", "--limit", "2"];
  const { stdout } = await tractest(args, { cwd: repository.root });
  assertEquals(stdout.split("\n").length, 5);
  assertIncludes(stdout, "27 last-failed test(s):\n");
  assertIncludes(stdout, "\n  … and 25 more\n");
});

Deno.test("failed --json has count, tests, missing and source", async () => {
  using repository = await checkout(
    recordOf("tests/test_b.py::t", "tests/test_a.py::t[x]", "/junk.py"),
  );
  Deno.removeSync(`${repository.root}/tests/test_b.py`);
  const { code, stdout } = await failed(repository, "--json");
  assertEquals([code, JSON.parse(stdout)], [0, {
    schema: "tractest.failed/1",
    count: 2,
    tests: ["tests/test_a.py::t[x]", "tests/test_b.py::t"],
    missing: ["tests/test_b.py::t"],
    source: `${repository.root}/${CACHE}`,
    found: true,
    unreadable: null,
  }]);
  using none = await checkout(null);
  const empty = JSON.parse((await failed(none, "--json")).stdout);
  assertEquals([empty.count, empty.tests, empty.found], [0, [], false]);
});

Deno.test("failed marks tests whose files are gone, and finds moved files", async () => {
  using repository = await checkout(
    recordOf("tests/test_multi_program.py::t", "tests/test_gone.py::t", "tests/test_a.py::t"),
  );
  repository.write({ "tests/discovery/test_multi_program.py": "" });
  for (const name of ["test_multi_program", "test_gone"]) {
    Deno.removeSync(`${repository.root}/tests/${name}.py`);
  }
  const { stdout, stderr } = await failed(repository);
  assertEquals(stdout.trimEnd().split("\n"), [
    "3 last-failed test(s):",
    "  tests/test_a.py::t",
    "  tests/test_gone.py::t  (its file no longer exists)",
    "  tests/test_multi_program.py::t  (its file no longer exists)",
  ]);
  assertEquals(
    stderr,
    'hint: "tests/test_multi_program.py" is now "tests/discovery/test_multi_program.py"\n',
  );
});

Deno.test("failed follows cache_dir and --rootdir, but no rootdir in addopts", async () => {
  using repository = await checkout(null);
  const lines = async (...args: string[]) =>
    (await tractest(["failed", ...args], { cwd: repository.root, env: { HOME: repository.base } }))
      .stdout.split("\n")[1];
  const configure = (text: string) => repository.write({ "pyproject.toml": PYPROJECT + text });
  configure('cache_dir = "var/cache"\n').write({
    "var/cache/v/cache/lastfailed": recordOf("tests/test_rpc.py::configured"),
  });
  assertEquals(await lines(), "  tests/test_rpc.py::configured");
  configure('cache_dir = "~/cache"\n').write({
    "cache/v/cache/lastfailed": recordOf("tests/test_rpc.py::home"),
  }, repository.base);
  assertEquals(await lines(), "  tests/test_rpc.py::home");
  configure('cache_dir = "$HOME/cache"\n');
  assertEquals(await lines(), "  tests/test_rpc.py::home");
  configure('addopts = "--rootdir=./tests"\n').write({
    [CACHE]: recordOf("tests/test_rpc.py::root"),
  });
  assertEquals(await lines(), "  tests/test_rpc.py::root");
  repository.write({ [`tests/${CACHE}`]: recordOf("test_rpc.py::moved", "/junk.py::t", "notes") });
  assertEquals(await lines("--rootdir", "tests"), "  test_rpc.py::moved");
  assertEquals(JSON.parse((await failed(repository, "--rootdir=tests", "--json")).stdout).count, 1);
});

Deno.test("fault 48: failed takes a broken cache as empty, with a warning", async () => {
  const records: [string | Uint8Array, string][] = [
    ["[]", "it holds no object of test ids"],
    ['"x"', "it holds no object of test ids"],
    [RECORDED.slice(0, 200), "it is not JSON"],
    [new Uint8Array([0x7b, 0xff]), "it is not UTF-8"],
    [new Uint8Array(50_000_000).fill(0x20), "it has 50000000 bytes"],
  ];
  using repository = await checkout();
  for (const [record, why] of records) {
    Deno.writeFileSync(
      `${repository.root}/${CACHE}`,
      typeof record === "string" ? new TextEncoder().encode(record) : record,
    );
    const { code, stdout, stderr } = await failed(repository);
    assertEquals([code, stdout], [0, "No failures recorded.\n"]);
    assertIncludes(stderr, `lastfailed" counts as empty: ${why}`);
    assertEquals(stderr.split("\n").length, 2);
  }
  Deno.removeSync(`${repository.root}/${CACHE}`);
  Deno.mkdirSync(`${repository.root}/${CACHE}`);
  assertIncludes((await failed(repository)).stderr, "it is no file");
});

Deno.test("fault 33: failed escapes control characters in ids", async () => {
  using repository = await checkout(recordOf("tests/test_rpc.py::t[\x1b[31m\r\u009b\u202e]"));
  const { stdout } = await failed(repository);
  assertEquals(stdout.split("\n")[1], "  tests/test_rpc.py::t[\\e[31m\\r\\x9b\\u202e]");
  assertEquals(JSON.parse((await failed(repository, "--json")).stdout).tests, [
    "tests/test_rpc.py::t[\x1b[31m\r\u009b\u202e]",
  ]);
});

Deno.test("failed --run runs the recorded tests that still exist", async () => {
  using repository = await checkout(
    recordOf("tests/test_a.py::t[x y]", "tests/test_gone.py::t", "--pdb", "tests/test_rpc.py"),
  );
  Deno.removeSync(`${repository.root}/tests/test_gone.py`);
  const { code, stdout, stderr } = await failed(repository, "--run", "--dry-run", "--json");
  assertEquals(code, 0, stderr);
  const { schema, command } = JSON.parse(stdout);
  assertEquals(schema, "tractest.run/1");
  assertEquals(command.slice(-2), ["tests/test_a.py::t[x y]", "tests/test_rpc.py"]);
  assert(!command.includes("--pdb"), command.join(" "));
  assertIncludes(stderr, "left out, since their files no longer exist: tests/test_gone.py::t");
  using none = await checkout(null);
  assertEquals(
    (await failed(none, "--run")).stderr,
    "No lastfailed cache found: nothing to run.\n",
  );
});

Deno.test("failed --run --rootdir names tests from the root and keeps the rootdir", async () => {
  using repository = await checkout(null);
  repository.write({ [`tests/${CACHE}`]: recordOf("test_rpc.py::t") });
  const { stdout, stderr } = await failed(
    repository,
    "--run",
    "--dry-run",
    "--json",
    "--rootdir",
    "tests",
  );
  const { command } = JSON.parse(stdout || `{"command": ["${stderr}"]}`);
  assertEquals(command.at(-1), "tests/test_rpc.py::t");
  assert(command.includes(`--rootdir=${repository.root}/tests`), command.join(" "));
});

Deno.test("affected lists changes, targets with reasons, missing and unknown ones", async () => {
  using repository = await checkout(null);
  repository.write({ "tests/ipc/test_server.py": "", ".gitignore": ".pytest_cache\n" });
  await repository.commit();
  repository.write({
    "tractor/ipc/_chan.py": "",
    "tractor/log.py": "",
    "tests/test_rpc.py": "x = 1\n",
  });
  const before = repository.index();
  const { code, stdout, stderr } = await tractest(["affected"], { cwd: repository.root });
  assertEquals(repository.index(), before);
  assertEquals([code, stderr], [0, "hint: tractest affected --run\n"]);
  const since = (await repository.git("rev-parse", "HEAD")).slice(0, 12);
  assertEquals(stdout.trimEnd().split("\n"), [
    `3 changed files since main (${since}):`,
    "  tests/test_rpc.py     modified, unstaged",
    "  tractor/ipc/_chan.py  new, untracked",
    "  tractor/log.py        new, untracked",
    "",
    "2 targets to run first:",
    "  tests/test_rpc.py  the test file itself changed",
    "  tests/ipc/         tractor/ipc/_chan.py: listed for ipc/ in the change map",
    "",
    "In the change map, but not in the tests:",
    "  test_2way.py (row ipc/)",
    "",
    "No tests are known for these; the full suite covers them:",
    "  tractor/log.py  no test imports it, directly or indirectly",
  ]);
  const document = JSON.parse(
    (await tractest(["affected", "--json"], { cwd: repository.root })).stdout,
  );
  assertEquals(document.schema, "tractest.affected/1");
  assertEquals(document.changed, ["tests/test_rpc.py", "tractor/ipc/_chan.py", "tractor/log.py"]);
  assertEquals(
    document.targets.map((
      { target, because }: { target: string; because: string },
    ) => [target, because]),
    [
      ["tests/test_rpc.py", "the test file itself changed"],
      ["tests/ipc/", "tractor/ipc/_chan.py: listed for ipc/ in the change map"],
    ],
  );
});

Deno.test("affected follows imports, shows their chain, and adds recent failures", async () => {
  using repository = await checkout(
    recordOf(
      "tests/test_rpc.py::test_failed",
      "tests/test_direct.py::test_too",
      "tests/test_gone.py::t",
    ),
  );
  repository.write({
    ".gitignore": ".pytest_cache\n",
    "tractor/log.py": "",
    "tractor/middle.py": "from .log import get\n",
    "tests/test_direct.py": "from tractor import log\n",
    "tests/test_through.py": "def test():\n    import tractor.middle\n",
    "tests/test_other.py": "# from tractor import log\n",
  });
  Deno.removeSync(`${repository.root}/tests/test_gone.py`);
  await repository.commit();
  repository.write({ "tractor/log.py": "x = 1\n" });
  const { code, stdout } = await tractest(["affected"], { cwd: repository.root });
  assertEquals(code, 0);
  assertEquals(stdout.trimEnd().split("\n").slice(3), [
    "3 targets to run first:",
    "  tests/test_direct.py            tractor/log.py → tests/test_direct.py: imported directly",
    "  tests/test_through.py           tractor/log.py → tractor/middle.py → " +
    "tests/test_through.py: imported indirectly (2 imports away)",
    "  tests/test_rpc.py::test_failed  it failed last time",
  ]);
  const { targets, further } = JSON.parse(
    (await tractest(["affected", "--json"], { cwd: repository.root })).stdout,
  );
  assertEquals(targets.map((target: { relation: string }) => target.relation), [
    "import",
    "through",
    "failed",
  ]);
  assertEquals(targets.map((target: { distance: number | null }) => target.distance), [1, 2, null]);
  assertEquals(targets[1].causes[0].chain, [
    "tractor/log.py",
    "tractor/middle.py",
    "tests/test_through.py",
  ]);
  assertEquals(further, []);
});

Deno.test("affected reports once that a change concerns most of the suite", async () => {
  using repository = await checkout(null);
  const importing = Object.fromEntries(
    Array.from(
      { length: 6 },
      (_, index) => [`tests/test_${index}.py`, "from tractor import log\n"],
    ),
  );
  repository.write({ "tractor/log.py": "", "tests/test_other.py": "", ...importing });
  await repository.commit();
  repository.write({ "tractor/log.py": "x = 1\n" });
  const { stdout } = await tractest(["affected"], { cwd: repository.root });
  const said =
    "  tests/  tractor/log.py: everything: 6 of 8 test files import it, directly or indirectly\n";
  assertEquals(stdout.split("\n\n").slice(1), [`1 target to run first:\n${said}`], stdout);
  const { mostOfSuite, targets } = JSON.parse(
    (await tractest(["affected", "--json"], { cwd: repository.root })).stdout,
  );
  assertEquals(mostOfSuite, { testFiles: 6, of: 8, imported: ["tractor/log.py"] });
  assertEquals([targets.length, targets[0].files.length], [1, 6]);
});

Deno.test("affected adds importing tests, and hints at the transport of a module", async () => {
  using repository = await checkout(null);
  repository.write({
    "tractor/ipc/_uds.py": "",
    "tests/test_other.py": "from tractor.ipc import _uds\n",
  });
  await repository.commit();
  repository.write({ "tractor/ipc/_uds.py": "x = 1\n" });
  const { stdout, stderr } = await tractest(["affected"], { cwd: repository.root });
  assertIncludes(
    stdout,
    "tests/test_other.py  tractor/ipc/_uds.py → tests/test_other.py: imported directly\n",
  );
  assertIncludes(
    stderr,
    "hint: tractest run --affected --only --tpt-proto uds " +
      "(tractor/ipc/_uds.py: tests use Unix sockets only with it)\n",
  );
  const { options } = JSON.parse(
    (await tractest(["affected", "--json"], { cwd: repository.root })).stdout,
  );
  assertEquals(options[0].options, ["--tpt-proto", "uds"]);
});

Deno.test("affected takes --staged, --uncommitted or --base, only one of them", async () => {
  using repository = await checkout(null);
  await repository.commit();
  const run = (...args: string[]) => tractest(["affected", ...args], { cwd: repository.root });
  assertIncludes((await run()).stdout, "Nothing changed: no file is changed since main");
  assertIncludes((await run("--staged")).stdout, "Nothing changed: no file is staged.");
  repository.write({ "tests/test_rpc.py": "1" });
  await repository.git("add", "tests/test_rpc.py");
  assertIncludes((await run("--staged")).stdout, "1 changed file staged:");
  assertIncludes((await run("--uncommitted")).stdout, "1 changed file not committed:");
  assertEquals((await run("--staged", "--base", "main")).code, 64);
  assertEquals((await run("--base", "nowhere")).code, 64);
  assertEquals((await run("--run", "--dry-run", "--json")).code, 0);
});

Deno.test("affected --run runs each target once", async () => {
  using repository = await checkout(null);
  repository.write({
    "tests/ipc/test_server.py": "",
    "tests/test_2way.py": "",
    "tractor/ipc/_chan.py": "",
  });
  await repository.commit();
  repository.write({ "tractor/ipc/_chan.py": "1", "tests/ipc/test_server.py": "1" });
  const { stdout } = await tractest(["affected", "--run", "--dry-run", "--json"], {
    cwd: repository.root,
  });
  assertEquals(JSON.parse(stdout).command.slice(-2), ["tests/ipc/", "tests/test_2way.py"]);
});

Deno.test("affected outside of a git repository exits with 80 and the reason", async () => {
  using repository = await checkout(null);
  Deno.removeSync(`${repository.root}/.git`, { recursive: true });
  const { code, stderr } = await tractest(["affected"], { cwd: repository.root });
  assertEquals(code, 80);
  assertIncludes(stderr, "not a git repository");
});

Deno.test("flaky lists the configuration's tests first, then the known ones", async () => {
  using repository = await checkout(null);
  repository.write({
    "pyproject.toml":
      `${PYPROJECT}[[tool.tractest.known-flaky]]\ntest = "test_rpc.py::test_own"\n` +
      'error = "OwnError"\nnotes = "ours"\n',
    "tests/deep/test_cancellation.py": "",
  });
  const { code, stdout } = await tractest(["flaky"], { cwd: repository.root });
  assertEquals(code, 0);
  const lines = stdout.split("\n");
  assertEquals(lines[0], "5 tests known to be flaky, when they fail like this:");
  assert(/^ {2}tests\/test_rpc\.py::test_own +OwnError +ours$/.test(lines[1]!), lines[1]);
  assertIncludes(stdout, "tests/deep/test_cancellation.py::test_cancel_via_SIGINT_other_task");
  assertIncludes(stdout, "(no such file in the tests today)");
  const document = JSON.parse(
    (await tractest(["flaky", "--json"], { cwd: repository.root })).stdout,
  );
  assertEquals(document.tests[0].found, ["tests/test_rpc.py::test_own"]);
  assertEquals(document.tests.length, 5);
});

Deno.test("layout compares the tree with the reference", async () => {
  using repository = await checkout(null);
  repository.write({
    "tests/discovery/test_multi_program.py": "",
    "tests/conftest.py": "",
    "tests/test_own.py": "",
    "requirements.txt": "tractor\n",
  });
  const { code, stdout } = await tractest(["layout"], { cwd: repository.root });
  assertEquals(code, 0);
  assertIncludes(stdout, "tests/  3 test files\n");
  for (const line of ["moved", "gone", "new", "same"]) assertIncludes(stdout, line);
  assertIncludes(stdout, "multi-process tree tests; was tests/test_multi_program.py");
  assertIncludes(stdout, "compared with the reference: 3 same, 1 moved, 11 gone, 1 new\n");
  assertEquals(
    JSON.parse((await tractest(["layout", "--json"], { cwd: repository.root })).stdout).testFiles,
    3,
  );
});
