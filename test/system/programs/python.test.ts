import { RealHost } from "../../../lib/system/real_host.ts";
import {
  type CheckAnswer,
  checkArguments,
  collectArguments,
  collectedCount,
  type Interpreter,
  minorOf,
  parseCheck,
  runPython,
} from "../../../lib/system/programs/python.ts";
import { syncArguments, uvVersion } from "../../../lib/system/programs/uv.ts";
import { assert, assertEquals, assertIncludes } from "../../assert.ts";

const python: Interpreter = {
  argv: ["/usr/bin/env", "python3"],
  environment: {},
  venv: null,
  minor: null,
};

/**
 * Checks packages in a directory with these files; `installed` is on PYTHONPATH, `root` the working
 * directory.
 */
async function checking(
  packages: readonly string[],
  files: Readonly<Record<string, string>>,
  pytestArguments: readonly string[] = [],
): Promise<CheckAnswer & { readonly directory: string; readonly code: number }> {
  const scratch = await Deno.realPath(await Deno.makeTempDir());
  const directory = `${scratch}/two línes\nand a quote'`;
  try {
    for (
      const [name, text] of Object.entries({ "installed/empty": "", "root/empty": "", ...files })
    ) {
      const path = `${directory}/${name}`;
      await Deno.mkdir(path.slice(0, path.lastIndexOf("/")), { recursive: true });
      await Deno.writeTextFile(path, text);
    }
    const inherited = new Map([["PATH", Deno.env.get("PATH") ?? ""], [
      "PYTHONPATH",
      `${directory}/installed`,
    ]]);
    const options = { cwd: `${directory}/root`, why: "test", inherited };
    const { code, stdout, stderr } = await runPython(
      new RealHost(),
      python,
      checkArguments(packages, pytestArguments),
      options,
    );
    return {
      directory,
      code,
      ...parseCheck(new TextDecoder().decode(stdout), new TextDecoder().decode(stderr)),
    };
  } finally {
    await Deno.remove(scratch, { recursive: true });
  }
}

Deno.test("a Python reports its version and packages, whatever they print", async () => {
  const { directory, facts } = await checking(["first", "second"], {
    "installed/first.py": "print('noise')",
    "installed/second/__init__.py": "import os; os.write(1, b'more noise')",
  });
  assert(facts && /^3\.\d+\.\d+/.test(facts.version));
  assertEquals(facts.files, [
    `${directory}/installed/first.py`,
    `${directory}/installed/second/__init__.py`,
  ]);
  assertEquals([facts.failed, facts.byDirectoryOnly], ["", false]);
});

Deno.test("packages are searched as if from outside of the project", async () => {
  const { directory, facts } = await checking(["first"], {
    "installed/first.py": "",
    "root/first.py": "",
  });
  assertEquals([facts?.files, facts?.byDirectoryOnly], [
    [`${directory}/installed/first.py`],
    false,
  ]);
  const here = await checking(["first"], { "root/first.py": "" });
  assertEquals([here.facts?.files, here.facts?.byDirectoryOnly], [[
    `${here.directory}/root/first.py`,
  ], true]);
});

Deno.test("a failed import is named, and its traceback separated from other output", async () => {
  const { facts, traceback, pytest } = await checking(["first", "second"], {
    "installed/first.py": "import sys; print('warning', file=sys.stderr)",
    "installed/second.py": "1/0",
  });
  assertEquals(facts?.failed, "second");
  assertIncludes(traceback, "ZeroDivisionError");
  assert(!traceback.includes("warning"));
  assertIncludes(pytest, "warning");
  const missing = await checking(["first"], {});
  assertEquals([missing.facts?.files, missing.facts?.failed], [null, "first"]);
  assertIncludes(missing.traceback, "No module named 'first'");
});

Deno.test("what a library puts in place of a module is asked for nothing", async () => {
  const { code, facts } = await checking(["first"], {
    "installed/first.py": "import sys\nclass Layer:\n  def __getattr__(self, name):\n" +
      "    raise NotImplementedError(name)\nsys.modules['first.layer'] = Layer()\n" +
      "sys.modules['first.number'] = 1\n",
    "installed/pytest/__init__.py": "",
    "installed/pytest/__main__.py": "",
  }, collectArguments([], null));
  assertEquals([code, facts?.failed], [0, ""]);
});

Deno.test("pytest runs as by python -m before packages are imported; its code counts", async () => {
  const { code, pytest, facts } = await checking(["first"], {
    "installed/first.py": "",
    "installed/pytest/__init__.py": "",
    "installed/pytest/__main__.py":
      "import os, sys\nprint(__name__, sys.argv[1:], 'first' in sys.modules, sys.path[0] " +
      "== os.getcwd())\nprint(os.path.basename(sys.argv[0]))\n" +
      "sys.exit(4)",
  }, ["tests/", "-q"]);
  assertEquals([code, facts?.failed], [4, ""]);
  assertEquals(pytest, "__main__ ['tests/', '-q'] False True\n__main__.py\n");
});

Deno.test("without pytest, its traceback is shown and the import still checked", async () => {
  const { code, pytest, facts } = await checking(["first"], {
    "installed/first.py": "",
    "installed/pytest.py": "raise ImportError('no pytest')",
  }, [
    "-q",
  ]);
  assertEquals([code, facts?.failed], [1, ""]);
  assertIncludes(pytest, "no pytest");
});

Deno.test("a collection that ends the process leaves the import unknown", async () => {
  const { facts, code } = await checking(["first"], {
    "installed/first.py": "",
    "installed/pytest.py": "import os; os._exit(9)",
  }, ["-q"]);
  assertEquals([code, facts?.failed], [9, null]);
});

Deno.test("a namespace package has no file", async () => {
  assertEquals((await checking(["spread"], { "installed/spread/part.py": "" })).facts?.files, [""]);
});

Deno.test("a Python that does not exist gives no facts", async () => {
  const options = { cwd: "/", why: "test", inherited: new Map<string, string>() };
  const result = await runPython(
    new RealHost(),
    { ...python, argv: ["/nowhere/python"] },
    ["-V"],
    options,
  );
  assertEquals([result.outcome, result.code], ["exited", 127]);
  assertEquals(parseCheck(new TextDecoder().decode(result.stdout), "").facts, null);
});

Deno.test("the number of collected tests is read however much pytest prints", () => {
  for (
    const [text, count] of [
      ["tests/a.py::b\n\n471 tests collected in 1.73s\n", 471],
      ["1 test collected in 0.01s", 1],
      ["50/55 tests collected (5 deselected) in 0.10s", 50],
      ["======= 7 tests collected in 1s =======", 7],
      ["collected 12 items\n<Module x>", 12],
      ["no tests collected in 0.01s", null],
      ["", null],
    ] as const
  ) assertEquals(collectedCount(text), count, text);
});

Deno.test("collecting leaves the record of failed tests alone", () => {
  assertEquals(collectArguments(["tests/"], "/c"), [
    "tests/",
    "-x",
    "-q",
    "--co",
    "--color=no",
    "-o",
    "cache_dir=/c",
  ]);
  assertEquals(collectArguments(["."], null).includes("-o"), false);
});

Deno.test("versions become the names of venvs", () => {
  assertEquals([minorOf("3.13.0"), minorOf("3.9.18+"), minorOf("PyPy")], ["313", "39", null]);
  assertEquals([uvVersion("uv 0.13.9 (x86_64-unknown-linux-gnu)"), uvVersion("uvicorn 1")], [
    "0.13.9",
    null,
  ]);
});

Deno.test("a sync removes nothing from an existing venv, and keeps the lock file", () => {
  assertEquals(syncArguments({ venvExists: true, locked: true, python: null }), [
    "sync",
    "--inexact",
    "--frozen",
  ]);
  assertEquals(syncArguments({ venvExists: false, locked: true, python: "3.13" }), [
    "sync",
    "--frozen",
    "--python",
    "3.13",
  ]);
  assertEquals(syncArguments({ venvExists: false, locked: false, python: null }), ["sync"]);
});
