import { becauseOf } from "../../lib/affected/because_line.ts";
import { ImportGraph } from "../../lib/affected/import_graph.ts";
import { isModuleFile } from "../../lib/affected/module_index.ts";
import { affectedBy } from "../../lib/affected/rules.ts";
import {
  isTestFile,
  isTestIn,
  testFilesBy,
  type TestTree,
} from "../../lib/project/rules_targets.ts";
import { assertEquals } from "../assert.ts";
import { treeOf } from "../pytest/suite.ts";

const SOURCES: Readonly<Record<string, string>> = {
  "app/__init__.py": "",
  "app/page.py": "from . import _quick\n",
  "app/_quick.pyx": "",
  "app/report.py": "",
  "members/lib/src/lib/__init__.py": "",
  "members/lib/src/lib/core.py": "",
  "tests/readers.py": "def read(): return open('shared.json')\n",
  "tests/test_page.py": "import app.page\n",
  "tests/test_lib.py": "import lib.core\n",
  "tests/test_plain.py": "import os\n",
  "tests/unit/conftest.py": "TABLE = 'table.csv'\n",
  "tests/unit/test_a.py": "from readers import read\n",
  "tests/unit/test_b.py": "open('golden.json')\n",
  "tests/unit/test_c.py": "for file in here.glob('cases/*.txt'): pass\n",
  "tests/unit/test_d.py": "open('cases/first.txt')\n",
  "tests/test_fixture.py": "from unit.conftest import TABLE\n",
};

function targetsOf(path: string): [target: string, because: string][] {
  const sources = new Map(Object.entries(SOURCES));
  if (isModuleFile(path) && !sources.has(path)) sources.set(path, "");
  const isInTests = (file: string) => file.startsWith("tests/");
  const graph = new ImportGraph({
    sources,
    starts: [".", "tests"],
    isTest: (file) => isInTests(file) && isTestFile(file),
    isInTests,
    plugins: [],
  });
  const tree = treeOf([...sources.keys()].filter(isInTests));
  const around = { tree, packageDirectory: "app", changeMap: [], graph };
  const found = affectedBy([{ path, status: "modified", where: "unstaged" }], around);
  return found.targets.map((one) => [one.target, becauseOf(one)]);
}

Deno.test("affectedBy() finds the tests that data lies next to, and those that name it", () => {
  const cases: [changed: string, targets: readonly string[]][] = [
    ["tests/unit/__snapshots__/test_a.ambr", ["tests/unit/test_a.py"]],
    ["tests/unit/test_b/out.snap", ["tests/unit/test_b.py"]],
    ["tests/unit/golden.json", ["tests/unit/test_b.py"]],
    ["tests/unit/cases/first.txt", ["tests/unit/test_d.py", "tests/unit/test_c.py"]],
    ["tests/unit/cases/second.txt", ["tests/unit/"]],
    ["tests/unit/notes/first.md", ["tests/unit/"]],
    ["tests/shared.json", ["tests/unit/test_a.py"]],
    ["tests/table.csv", ["tests/unit/"]],
    ["tests/unknown.bin", ["tests/"]],
  ];
  for (const [changed, targets] of cases) {
    assertEquals(targetsOf(changed).map(([target]) => target), targets, changed);
  }
});

Deno.test("affectedBy() gives tests that import a package for its templates and data", () => {
  assertEquals(targetsOf("app/templates/page.html"), [[
    "tests/test_page.py",
    "app/templates/page.html → app/__init__.py → tests/test_page.py: " +
    "data of the package app, which the test imports",
  ]]);
  // It is not the module of that name.
  assertEquals(targetsOf("app/report.json").map(([target]) => target), ["tests/test_page.py"]);
  assertEquals(targetsOf("members/lib/src/lib/data/x.json").map(([target]) => target), [
    "tests/test_lib.py",
  ]);
});

Deno.test("affectedBy() follows the name of a compiled module, and adds all without one", () => {
  assertEquals(targetsOf("app/_quick.pyx").map(([target]) => target), ["tests/test_page.py"]);
  assertEquals(targetsOf("native/other.c"), [
    ["tests/", "native/other.c: everything: source of compiled code: any module may use it"],
  ]);
  assertEquals(targetsOf("Cargo.toml").map(([target]) => target), ["tests/"]);
});

Deno.test("affectedBy() adds what imports a conftest.py from elsewhere", () => {
  assertEquals(targetsOf("tests/unit/conftest.py").map(([target]) => target), [
    "tests/test_fixture.py",
    "tests/unit/",
  ]);
  assertEquals(targetsOf(".github/workflows/test.yml"), []);
});

Deno.test("affectedBy() knows test files by python_files, and modules with doctests", () => {
  const sources = new Map([
    ["app/__init__.py", ""],
    ["app/core.py", ""],
    ["app/page.py", "from .core import x\n"],
    ["app/tests.py", "from app import page\n"],
    ["app/test_no.py", "from app import page\n"],
  ]);
  const targets = (isTest: TestTree["isTest"]) => {
    const tree = { ...treeOf([...sources.keys()]), testsDirectories: ["."], isTest };
    const isTestOf = (path: string) => isTestIn(tree, path);
    const graph = new ImportGraph({ sources, starts: ["."], isTest: isTestOf, plugins: [] });
    const around = { tree, packageDirectory: "app", changeMap: [], graph };
    return affectedBy([{ path: "app/core.py", status: "modified", where: "unstaged" }], around)
      .targets.map(({ target }) => target);
  };
  assertEquals(targets(testFilesBy(["tests.py", "sub/check_*.py"], false)), ["app/tests.py"]);
  assertEquals(targets(undefined), ["app/test_no.py"]);
  assertEquals(targets(testFilesBy(["test_*.py"], true)).slice(0, 2), [
    "app/core.py",
    "app/page.py",
  ]);
  const isTest = testFilesBy(["sub/check_*.py"], false)!;
  assertEquals(["a/sub/check_a.py", "check_a.py", "conftest.py"].map(isTest), [true, false, false]);
});
