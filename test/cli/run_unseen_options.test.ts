import { join } from "@std/path";
import { assert, assertEquals, assertIncludes } from "../assert.ts";
import { ISOLATED, pytestSuite, type Suite } from "./suites.ts";

// Several pytests at once are isolated from each other.
const ignore = ISOLATED === null;
const JOBS = ["run", "--no-preflight", "--no-defaults", "--jobs", "2"];

/** Tests in files of their own, each of which holds on to its temporary directory for a while. */
const HOLDERS = Object.fromEntries(
  [1, 2, 3, 4].map((n) => [
    `test_${n}.py`,
    `import time
def test_${n}(tmp_path):
    (tmp_path / "f").write_text("x")
    time.sleep(0.15)
    assert (tmp_path / "f").exists()
`,
  ]),
);

/**
 * pytest's configuration with options outside of the command line, in each kind of file that pytest
 * reads.
 */
const CONFIGURATIONS: Readonly<Record<string, (addopts: string) => string>> = {
  "pyproject.toml": (addopts) =>
    `[tool.pytest.ini_options]\ntestpaths = ["tests"]\naddopts = '''${addopts}'''\n`,
  "pytest.ini": (addopts) => `[pytest]\ntestpaths = tests\naddopts =\n    -q\n    ${addopts}\n`,
  ".pytest.ini": (addopts) => `[pytest]\ntestpaths = tests\naddopts = ${addopts}\n`,
  "tox.ini": (addopts) => `[pytest]\ntestpaths = tests\naddopts = ${addopts}\n`,
  "setup.cfg": (addopts) => `[tool:pytest]\ntestpaths = tests\naddopts = ${addopts}\n`,
};

function namesIn(directory: string): string[] {
  return [...Deno.readDirSync(directory)].map(({ name }) => name);
}

/** How many tests a JUnit report claims to have, and how many it has. */
async function testsIn(path: string): Promise<(string | number | undefined)[]> {
  const report = await Deno.readTextFile(path);
  return [report.match(/ tests="(\d+)"/)?.[1], report.match(/<testcase /g)?.length];
}

Deno.test({
  name: "fault 73: files named in addopts are shared by several pytests: one JUnit report, " +
    "but directories and logs for each",
  ignore,
  fn: async () => {
    await using suite = await pytestSuite(HOLDERS);
    for (const [file, text] of Object.entries(CONFIGURATIONS)) {
      await Deno.remove(join(suite.root, "pyproject.toml")).catch(() => {});
      await suite.write({
        [file]: text(`--junitxml='out dir/${file}.xml' --basetemp=bt --log-file=run.log`),
      });
      const { code, stdout, stderr } = await suite.tractest(JOBS);
      assertEquals(code, 0, stdout + stderr);
      assertEquals(await testsIn(join(suite.root, `out dir/${file}.xml`)), ["4", 4], file);
      assertIncludes(
        stderr,
        `(addopts in ${file}): tractest writes it, with the tests of all pytests`,
      );
      assertIncludes(
        stderr,
        `"--basetemp=bt" (addopts in ${file}): each pytest has its own, --basetemp=bt.0 for ` +
          "the first",
      );
      const names = namesIn(suite.root);
      for (const name of ["bt.0", "bt.1", "run.0.log", "run.1.log"]) {
        assert(names.includes(name), `${name}: ${names}`);
      }
      assert(!names.includes("bt") && !names.includes("run.log"), String(names));
      await Deno.remove(join(suite.root, file));
      for (const name of names.filter((name) => /^(bt|run)\./.test(name))) {
        await Deno.remove(join(suite.root, name), { recursive: true });
      }
    }
  },
});

/** Runs that options in PYTEST_ADDOPTS make impossible. */
async function refused(suite: Suite, args: readonly string[], addopts: string): Promise<string> {
  const { code, stdout, stderr } = await suite.tractest(args, { PYTEST_ADDOPTS: addopts });
  assertEquals(code, 64, `${args.join(" ")}: ${stdout}${stderr}`);
  assertIncludes(stderr, "unset PYTEST_ADDOPTS");
  return stderr;
}

Deno.test({
  name: "fault 73: PYTEST_ADDOPTS counts like addopts, and --sw or a debugger in it is " +
    "refused before anything starts",
  ignore,
  fn: async () => {
    await using suite = await pytestSuite(HOLDERS);
    const ran = await suite.tractest(JOBS, { PYTEST_ADDOPTS: '--junitxml "from env.xml"' });
    assertEquals(ran.code, 0, ran.stdout + ran.stderr);
    assertEquals(await testsIn(join(suite.root, "from env.xml")), ["4", 4]);
    for (
      const [addopts, because] of [["--sw", "it goes through the tests in one order"], [
        "-q --pdb",
        "a debugger needs the terminal",
      ]] as const
    ) {
      assertIncludes(await refused(suite, JOBS, addopts), because);
      await refused(
        suite,
        ["run", "--no-preflight", "--no-defaults", "--matrix", "tpt-proto=tcp"],
        addopts,
      );
      await refused(suite, ["stress", "--no-preflight", "test_1.py"], addopts);
      await refused(suite, ["bisect", "--no-preflight", "test_1.py::test_1"], addopts);
    }
    // Of the file that -c names, whatever its name is.
    await suite.write({ "other.ini": "[pytest]\ntestpaths = tests\naddopts = --sw\n" });
    const given = await suite.tractest([...JOBS, "-c", "other.ini"]);
    assertEquals(given.code, 64, given.stdout + given.stderr);
    assertIncludes(given.stderr, '"--jobs" does not go with "--sw" (addopts in other.ini)');
    assertEquals((await suite.tractest([...JOBS, "-c", "other.ini", "-o", "addopts="])).code, 0);
    // The configured value yields.
    const configured = '[tool.pytest.ini_options]\ntestpaths = ["tests"]\naddopts = ["--sw"]\n' +
      "[tool.tractest]\njobs = 2\n";
    await suite.write({ "pyproject.toml": configured });
    const alone = await suite.tractest(["run", "--no-preflight", "--no-defaults", "--json"]);
    assertEquals([alone.code, JSON.parse(alone.stdout).jobs], [0, 1], alone.stdout + alone.stderr);
    assertIncludes(
      alone.stderr,
      'one pytest at a time, because of "--sw" (addopts in pyproject.toml): it goes ' +
        "through the tests in one order",
    );
  },
});

const ONCE = `
import os
def test_once():
    path = os.environ["SUITE"] + "/once"
    first = not os.path.exists(path)
    open(path, "w").close()
    assert not first
`;

Deno.test({
  name: "fault 73: -n in addopts is overridden where tests are shared or retried; each " +
    "pytest has its own reports",
  ignore,
  fn: async () => {
    await using suite = await pytestSuite({ ...HOLDERS, "test_once.py": ONCE }, "8.*", [
      "pytest-xdist",
      "pytest-html",
      "pytest-reportlog",
    ]);
    const addopts = [
      "-n",
      "3",
      "--html=r.html",
      "--report-log=log.jsonl",
      "--junitxml=o.xml",
      "--cache-clear",
    ];
    await suite.write({
      "pyproject.toml": '[tool.pytest.ini_options]\ntestpaths = ["tests"]\n' +
        `addopts = ${JSON.stringify(addopts)}\n`,
    });
    const { code, stdout, stderr } = await suite.tractest([...JOBS, "--json"]);
    assertEquals(code, 0, stdout + stderr);
    assertEquals(JSON.parse(stdout).counts.passed, 5);
    assertIncludes(
      stderr,
      '"-n 3" (addopts in pyproject.toml) is overridden: tractest shares the tests',
    );
    assertIncludes(stderr, '"--cache-clear" (addopts in pyproject.toml)');
    const names = namesIn(suite.root);
    for (const name of ["r.0.html", "r.1.html", "log.0.jsonl", "log.1.jsonl", "o.xml"]) {
      assert(names.includes(name), `${name}: ${names}`);
    }

    await Deno.remove(join(suite.path, "once"));
    const retried = await suite.tractest([
      "run",
      "--no-preflight",
      "--no-defaults",
      "--retries",
      "1",
      "--json",
    ]);
    assertEquals(retried.code, 0, retried.stdout + retried.stderr);
    assertEquals(JSON.parse(retried.stdout).counts.passed, 5);
    // Not only what was tried again.
    assertEquals(await testsIn(join(suite.root, "o.xml")), ["5", 5]);
    assertEquals(
      (await suite.tractest(["run", "--no-preflight", "--no-defaults", "--shard", "1/1"])).code,
      0,
    );
  },
});

Deno.test({
  name: "pytest-xdist in addopts: a worker that crashes is its test's failure, and --jobs keeps " +
    "together what --dist does",
  ignore,
  fn: async () => {
    const tests = `
import os, time, pytest
@pytest.mark.parametrize("n", range(8))
@pytest.mark.xdist_group("db")
def test_db(n):
    open(f"{os.environ['SUITE']}/db-of-{os.environ.get('TRACTEST_SHARD')}", "a").close()
    time.sleep(0.02)
@pytest.mark.parametrize("n", range(8))
def test_free(n): time.sleep(0.02)
def test_crashes():
    if "TRACTEST_SHARD" not in os.environ: os._exit(3)
`;
    await using suite = await pytestSuite({ "test_a.py": tests }, "8.*", ["pytest-xdist"]);
    await suite.write({
      "pyproject.toml": '[tool.pytest.ini_options]\ntestpaths = ["tests"]\n' +
        'addopts = "-n 2 --dist loadgroup"\n',
    });
    // With loadgroup pytest-xdist itself hangs after a crash.
    const words = ["run", "--no-preflight", "--no-defaults", "--json", "--dist=load"];
    const plain = await suite.tractest(words);
    const { counts, failures } = JSON.parse(plain.stdout);
    assertEquals([plain.code, counts.passed, counts.failed], [1, 16, 1], plain.stdout);
    assertIncludes(failures[0].message, "crashed while running 'tests/test_a.py::test_crashes'");
    for (const name of namesIn(suite.path).filter((one) => one.startsWith("db-of-"))) {
      await Deno.remove(join(suite.path, name));
    }

    const shared = await suite.tractest(JOBS);
    assertEquals(shared.code, 0, shared.stdout + shared.stderr);
    assertIncludes(
      shared.stderr,
      '"--dist loadgroup" (addopts in pyproject.toml): tests with the same xdist_group run in ' +
        "one pytest",
    );
    const makers = namesIn(suite.path).filter((name) => name.startsWith("db-of-"));
    assertEquals(makers.length, 1, String(makers));
  },
});
