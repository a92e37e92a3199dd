import { assert, assertEquals, assertIncludes } from "../assert.ts";
import { pytestSuite } from "./suites.ts";

const RUN = ["run", "--no-preflight", "--no-defaults"];
/** The checks before a run import it. */
const TRACTOR = { "tractor/__init__.py": "" };
const configured = (...lines: string[]) => ["[tool.pytest.ini_options]", ...lines, ""].join("\n");

for (
  const testpaths of [
    '["*/tests"]',
    '["a/tests", "nothere"]',
    `"a/tests 'my tests'"`,
    '["nothere"]',
    null,
  ]
) {
  Deno.test(
    "the whole suite is the same as for bare pytest, with testpaths = " +
      `${testpaths}`,
    async () => {
      await using suite = await pytestSuite({});
      await suite.write({
        "pyproject.toml": configured(testpaths === null ? "" : `testpaths = ${testpaths}`),
        "a/tests/test_a.py": "def test_a(): pass\n",
        "my tests/test_b.py": "def test_b(): assert 0\n",
        "c/test_c.py": "def test_c(): pass\n",
      });
      const bare = await new Deno.Command("py310/bin/python", {
        args: ["-m", "pytest", "-q"],
        cwd: suite.root,
        stdout: "piped",
      }).output();
      const counts =
        /\d+ (?:failed|passed).*(?= in )/.exec(new TextDecoder().decode(bare.stdout))![0];
      const { code, stdout, stderr } = await suite.tractest([
        "run",
        "--no-defaults",
        "--no-preflight",
      ]);
      assertEquals(code, bare.code, stdout + stderr);
      assertIncludes(stdout, `${counts} in `);
      const { stdout: check } = await suite.tractest(["check", "--json"]);
      const row = JSON.parse(check).checks.find((each: { id: string }) => each.id === "collection");
      assertEquals(row.status, "ok", row.detail);
    },
  );
}

Deno.test("a configuration in the tests directory does not affect the whole suite", async () => {
  await using suite = await pytestSuite({
    "pytest.ini": "[pytest]\n",
    "test_a.py": "import os\nfrom helper import Y\ndef test_a():\n" +
      "    assert os.path.exists('seen') or open('seen', 'w').close()\n    assert Y == 2\n",
  });
  await suite.write({
    "pyproject.toml": configured('testpaths = ["tests"]', 'pythonpath = ["lib"]'),
    "lib/helper.py": "Y = 1\n",
    ...TRACTOR,
  });
  const first = await suite.tractest([...RUN, "--retries", "1"]);
  assertEquals(first.code, 1, first.stdout + first.stderr);
  assertIncludes(first.stdout, "FAILED 2 times tests/test_a.py::test_a");
  assertEquals(first.stderr.split("\n")[0], "py310/bin/python -m pytest");
  const again = await suite.tractest(["failed", "--run"]);
  assertEquals(again.code, 1, again.stdout + again.stderr);
  assertIncludes(again.stdout, "1 failed in ");
  assertIncludes(again.stderr, "-c pyproject.toml tests/test_a.py::test_a");
});

const YAML = `
import pytest

def pytest_collect_file(parent, file_path):
    if file_path.suffix == ".spec":
        return File.from_parent(parent, path=file_path)

class File(pytest.File):
    def collect(self):
        for line in self.path.read_text().splitlines():
            yield Item.from_parent(self, name=line)

class Item(pytest.Item):
    def runtest(self):
        assert "bad" not in self.name
`;

Deno.test("any file that pytest collects is a target, and failed lists its tests", async () => {
  await using suite = await pytestSuite({
    "a.md": "    >>> 2\n    3\n",
    "one.spec": "good\nbad one\n",
    "conftest.py": YAML,
  });
  await suite.write({
    "pyproject.toml": configured('testpaths = ["tests"]', 'addopts = "--doctest-glob=*.md"'),
    ...TRACTOR,
  });
  assertEquals((await suite.tractest(RUN)).code, 1);
  const listed = (await suite.tractest(["failed"])).stdout.split("\n").slice(1, 3).map((line) =>
    line.trim()
  );
  assertEquals(listed, ["tests/a.md::a.md", "tests/one.spec::bad one"]);
  const again = await suite.tractest(["failed", "--run"]);
  assertEquals(again.code, 1, again.stderr);
  for (
    const [words, counts] of [[["tests/a.md"], "1 failed"], [
      ["tests/one.spec"],
      "1 failed, 1 passed",
    ], [listed, "2 failed"]] as const
  ) {
    const { code, stdout, stderr } = await suite.tractest([...RUN, ...words]);
    assertEquals(code, 1, stderr);
    assertIncludes(stdout, `${counts} in `);
  }
  assertEquals((await suite.tractest([...RUN, "tests/one.spec::good"])).code, 0);
});

Deno.test("the checks before a run collect its targets", async () => {
  await using suite = await pytestSuite({
    "test_a.py": "def test_a(): pass\n",
    "test_b.py": "import nope\n",
  });
  await suite.write(TRACTOR);
  const target = await suite.tractest(["run", "test_a"]);
  assertIncludes(target.stderr, "collection  1 test collected from tests/test_a.py");
  assert(!target.stderr.includes("nope"), target.stderr);
  const whole = await suite.tractest(["run"]);
  assertIncludes(whole.stderr, "ModuleNotFoundError: No module named 'nope'");
  // The check knows nothing of options that leave files out.
  const without = await suite.tractest(["run", "--ignore=tests/test_b.py"]);
  assert(!without.stderr.includes("nope"), without.stderr);
});

Deno.test("without tractor what can't be collected is pytest's to say, with its code", async () => {
  await using suite = await pytestSuite({
    "test_a.py": "def test_a(): pass\n",
    "test_b.py": "import nope\n",
  });
  const broken = await suite.tractest(["run", "--no-defaults"]);
  assertEquals(broken.code, 2, broken.stderr);
  assertIncludes(broken.stdout, "Interrupted: 1 error during collection");
  const words = ["run", "--no-defaults", "--continue-on-collection-errors"];
  const others = await suite.tractest(words);
  assertEquals(others.code, 1, others.stderr);
  assertIncludes(others.stdout, "1 passed, 1 error in ");
  await suite.write({ "tests/test_a.py": "", "tests/test_b.py": "" });
  assertEquals((await suite.tractest(["run"])).code, 5);
  await suite.write({ "tests/conftest.py": "import nope\n" });
  assertEquals((await suite.tractest(["run"])).code, 4);
});
