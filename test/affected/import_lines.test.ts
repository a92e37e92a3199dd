import fc from "fast-check";
import { ImportGraph, type PythonProject } from "../../lib/affected/import_graph.ts";
import { lastPart } from "../../lib/base/paths.ts";
import { ImportLines } from "../../lib/affected/import_lines.ts";
import { importLines, isWholeLine } from "../../lib/affected/python_imports.ts";
import { directoriesOf } from "../../lib/base/paths.ts";
import { assert, assertEquals } from "../assert.ts";

const PATHS = [
  "app/__init__.py",
  "app/one.py",
  "app/two.py",
  "app/part/__init__.py",
  "app/part/one.py",
  "app/part/three.py",
  "app/part/deep/__init__.py",
  "app/part/deep/four.py",
  "tests/__init__.py",
  "tests/conftest.py",
  "tests/helper.py",
  "tests/test_a.py",
  "tests/test_b.py",
  "tests/part/conftest.py",
  "tests/part/test_c.py",
];

/** Finds the lines that git would find, without git. */
function linesOf(texts: ReadonlyMap<string, string>, searched: readonly string[]): ImportLines {
  const expression = new RegExp(
    importLines(new Set([...directoriesOf(texts.keys())].map(lastPart))),
  );
  const found = searched.flatMap((path) =>
    texts.get(path)!.split("\n").filter((line) => expression.test(line)).map((line) =>
      `${path}\0${line}\n`
    )
  );
  return new ImportLines(found.join(""), new Set(searched));
}

function projectOf(
  texts: ReadonlyMap<string, string>,
  sources: PythonProject["sources"] = texts,
): PythonProject {
  return {
    sources,
    starts: [".", "tests"],
    isTest: (path) => lastPart(path).startsWith("test_"),
    plugins: [],
  };
}

/** A dotted name. */
const module = fc.constantFrom(
  "app",
  "app.one",
  "app.two",
  "app.part",
  "app.part.one",
  "app.part.deep",
  "app.part.deep.four",
  "trio",
  "helper",
);
const relative = fc.constantFrom(
  ".",
  "..",
  "...",
  ".one",
  "..two",
  ".part",
  "..part.deep",
  ".deep.four",
  ".helper",
);
const name = fc.constantFrom("one", "two", "three", "four", "part", "deep", "start", "helper");
const names = fc.uniqueArray(name, { minLength: 1, maxLength: 3 });
const from = fc.oneof(module, relative);
const chain = fc.tuple(
  fc.constantFrom("app", "part", "deep", "x"),
  fc.array(name, { minLength: 1, maxLength: 3 }),
).map((parts) => parts.flat().join("."));
/** A statement that imports, uses or only mentions something of the project. */
const statement = fc.oneof(
  module.map((one) => `import ${one}`),
  fc.tuple(module, module).map(([one, other]) => `import ${one}, ${other}`),
  fc.tuple(module, module).map(([one, other]) => `import ${one}, \\\n    ${other}`),
  module.map((one) => `import ${one} as x`),
  fc.tuple(from, names).map(([one, list]) => `from ${one} import ${list.join(", ")}`),
  fc.tuple(from, names).map(([one, list]) => `from ${one} import (${list.join(", ")})  # (why`),
  fc.tuple(from, names).map(([one, list]) =>
    `from ${one} import (  # why)\n    ${list.join(",  # app.two (\n    ")},\n)`
  ),
  fc.tuple(from, name).map(([one, taken]) => `from ${one} import ${taken} as x`),
  fc.tuple(from, name).map(([one, taken]) => `from ${one} import (\n    ${taken} as x\n)`),
  fc.tuple(from, name).map(([one, taken]) => `from ${one} \\\n    import ${taken}`),
  fc.tuple(from, name).map(([one, taken]) => `from \\\n  ${one} import \\\n  ${taken}`),
  from.map((one) => `from ${one} import *`),
  module.map((one) => `importlib.import_module("${one}")`),
  module.map((one) => `importlib.import_module(\n    "${one}",\n)`),
  module.map((one) => `pytest_plugins = [\n    "${one}",\n]`),
  chain.map((one) => `${one}()`),
  chain.map((one) => `if ${one.replace(".", " \\\n    .")}: pass`),
  chain.map((one) => `"""${one} import one ("""`),
  chain.map((one) => `# from ${one} import (`),
  name.map((one) => `def ${one}(): pass`),
);
const indented = fc.tuple(fc.boolean(), statement).map(([isIn, text]) =>
  isIn ? `def f():\n    ${text.replaceAll("\n", "\n    ")}` : text
);
const text = fc.tuple(fc.array(indented, { maxLength: 4 }), fc.boolean())
  .map(([statements, isWindows]) =>
    statements.map((one) => `${one}\n`).join("").replaceAll("\n", isWindows ? "\r\n" : "\n")
  );
/** The texts of all paths, and the paths that git has searched. */
const project = fc.tuple(
  fc.array(text, { minLength: PATHS.length, maxLength: PATHS.length }),
  fc.subarray(PATHS, { minLength: PATHS.length - 3 }),
);

Deno.test("reach() finds the same by found lines as by reading everything", () => {
  fc.assert(
    fc.property(project, ([all, searched]) => {
      const texts = new Map(PATHS.map((path, index) => [path, all[index]!]));
      for (const changed of PATHS) {
        const byLines = new ImportGraph(projectOf(texts));
        byLines.prefer(linesOf(texts, searched));
        assertEquals(
          byLines.reach(changed),
          new ImportGraph(projectOf(texts)).reach(changed),
          changed,
        );
      }
    }),
    { numRuns: 300 },
  );
});

Deno.test("reach() reads only files with a word of interest, and unsearched ones", () => {
  const texts = new Map(PATHS.map((path) => [path, ""]));
  texts.set("app/two.py", "import os\nfrom .one import (\n    start,\n)\n");
  texts.set("app/part/three.py", "from ..two import (\n    start,\n)\n");
  texts.set("tests/test_a.py", "import app\napp.part.three.start()\napp.start()\n");
  texts.set("tests/test_b.py", "import app\napp.start()\n");
  texts.set("tests/part/test_c.py", "from app import (\n    start,\n)\n");
  const read = new Set<string>();
  const get = (path: string) => {
    read.add(path);
    return texts.get(path);
  };
  const graph = new ImportGraph(
    projectOf(texts, { has: (path) => texts.has(path), keys: () => texts.keys(), get }),
  );
  graph.prefer(linesOf(texts, PATHS.filter((path) => path !== "tests/helper.py")));
  read.clear();
  assertEquals(graph.reach("app/two.py").named.map(({ target }) => target), ["tests/test_a.py"]);
  // What an `__init__.py` re-exports is known from the start.
  assertEquals([...read].filter((path) => !path.endsWith("__init__.py")).sort(), [
    "app/part/three.py",
    "tests/helper.py",
    "tests/part/test_c.py",
    "tests/test_a.py",
  ]);
});

Deno.test("isWholeLine() is false for lines that continue, or rename a package", () => {
  const packages = new Set(["app", "part"]);
  const whole = [
    "import os",
    "    from app.part import one, two  # why",
    "from app import (one, two)  # why",
    "from trio import (",
    "from .hub import (  # (why",
    "app.start(one,",
    "import numpy as np",
    'm = importlib.import_module("app.one")',
    "m = pytest.importorskip('app.one', reason=(",
    "assert one and \\",
  ];
  const others = [
    "from app import (",
    "from . import (",
    "from app.part import (one,",
    "from app import (  # one)",
    "import app.part as p",
    "from app import part as p",
    "import one, \\",
    "from app \\",
    "from app \\\r",
    "return app \\",
    "m = importlib.import_module(",
    "m = importlib.import_module(NAME)",
    'pytest_plugins = ["one"]',
  ];
  for (const line of whole) assert(isWholeLine(line, packages), line);
  for (const line of others) assert(!isWholeLine(line, packages), line);
});
