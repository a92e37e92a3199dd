import { ImportGraph } from "../../lib/affected/import_graph.ts";
import { moduleKey } from "../../lib/affected/module_index.ts";
import { isTestFile } from "../../lib/project/rules_targets.ts";
import { assert, assertEquals } from "../assert.ts";

/**
 * A small library whose package re-exports names, and its tests; every edge below is written by
 * hand.
 */
const APP = {
  "app/__init__.py":
    "from ._core import open_it, Thing as Thing\nfrom .wire import Channel\nfrom . " +
    "import tools as tools\n",
  "app/_core.py": "from ._state import get\nfrom .log import get_logger\n",
  "app/_state.py": "",
  "app/log.py": "import logging\n",
  "app/_lazy.py": "",
  "app/_alone.py": "from .log import get_logger\n",
  "app/wire/__init__.py": "from ._chan import Channel\nfrom ._tcp import *\n",
  "app/wire/_chan.py": "from .. import _state\nfrom ..log import get_logger\n",
  "app/wire/_tcp.py": "class Address: pass\n",
  "app/wire/_types.py": "",
  "app/tools/__init__.py": "",
  "app/tools/shape.py": "def fmt(): pass\n",
  "app/typed.py": "",
  "tests/__init__.py": "",
  "tests/conftest.py": "from app.typed import X\n",
  "tests/helper.py": "",
  "tests/test_core.py": "from app._core import open_it\n",
  "tests/test_name.py": "from app import Thing\n",
  "tests/test_attribute.py":
    "import app\n\ndef test():\n    app.open_it()  # not app.Channel, nor app.log\n    " +
    "'app.wire'\n",
  "tests/test_alias.py": "import app as a\n\ndef test():\n    a.tools.shape.fmt()\n",
  "tests/test_wire.py": "from app.wire import Channel, Address\n",
  "tests/test_lazy.py": "def test():\n    from app import _lazy\n",
  "tests/test_helped.py": "from .helper import h\n",
  "tests/test_typing.py":
    "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from app.wire._types import T\n",
  "tests/sub/conftest.py": "from app.log import get_logger\n",
  "tests/sub/test_below.py": "import pytest\n",
};

function graphOf(
  files: Readonly<Record<string, string>>,
  parts: { starts?: string[]; plugins?: string[] } = {},
): ImportGraph {
  return new ImportGraph({
    sources: new Map(Object.entries(files)),
    starts: parts.starts ?? [".", "tests"],
    isTest: (path) => path.startsWith("tests/") && isTestFile(path),
    plugins: parts.plugins ?? [],
  });
}

const lines = (graph: ImportGraph, changed: string) =>
  graph.reach(changed).named.map(({ distance, chain }) => `${distance} ${chain.join(" → ")}`);

Deno.test("reach() finds importers of a module, near ones first, with the chain of imports", () => {
  assertEquals(lines(graphOf(APP), "app/_core.py"), [
    "1 app/_core.py → app/__init__.py → tests/test_attribute.py",
    "1 app/_core.py → tests/test_core.py",
    "1 app/_core.py → app/__init__.py → tests/test_name.py",
  ]);
  assertEquals(lines(graphOf(APP), "app/_state.py"), [
    "2 app/_state.py → app/_core.py → app/__init__.py → tests/test_attribute.py",
    "2 app/_state.py → app/_core.py → tests/test_core.py",
    "2 app/_state.py → app/_core.py → app/__init__.py → tests/test_name.py",
    "2 app/_state.py → app/wire/_chan.py → app/wire/__init__.py → tests/test_wire.py",
  ]);
});

Deno.test("reach() follows re-exported names and used attributes of a package only", () => {
  const graph = graphOf(APP);
  assertEquals(lines(graph, "app/wire/_chan.py"), [
    "1 app/wire/_chan.py → app/wire/__init__.py → tests/test_wire.py",
  ]);
  assertEquals(lines(graph, "app/wire/_tcp.py"), [
    "1 app/wire/_tcp.py → app/wire/__init__.py → tests/test_wire.py",
  ]);
  assertEquals(lines(graph, "app/tools/shape.py"), ["1 app/tools/shape.py → tests/test_alias.py"]);
  assertEquals(lines(graph, "app/_lazy.py"), ["1 app/_lazy.py → tests/test_lazy.py"]);
});

Deno.test("reach() gives the directory of a conftest.py, and continues outside of it", () => {
  assertEquals(lines(graphOf(APP), "app/typed.py"), ["1 app/typed.py → tests/conftest.py"]);
  assertEquals(graphOf(APP).reach("app/typed.py").named[0]!.target, "tests/");
  const [first, second] = graphOf(APP).reach("app/log.py").named;
  assertEquals([first?.target, first?.distance, second?.target, second?.distance], [
    "tests/sub/",
    1,
    "tests/test_attribute.py",
    2,
  ]);
});

/**
 * Whether a change of `app/a.py` reaches `tests/test_a.py`, while another test asks for it by name.
 */
const reaching = (init: string, test: string, more: Readonly<Record<string, string>> = {}) =>
  graphOf({
    "app/__init__.py": init,
    "app/a.py": "def f(): pass\n",
    "app/b.py": "def g(): pass\n",
    "tests/test_a.py": test,
    "tests/test_b.py": "from app.a import f\n",
    ...more,
  }).reach("app/a.py").named.some(({ target }) => target === "tests/test_a.py");

Deno.test("reach() follows every way in which an __init__.py re-exports a name", () => {
  const part = { "app/sub/__init__.py": "", "app/sub/deep.py": "from ..a import f\n" };
  const ways: [init: string, test: string, more?: Readonly<Record<string, string>>][] = [
    ["from .a import f as h", "import app\napp.h()"],
    ["from . import a as _a\n_b = _a", "import app\napp._a.f()"],
    ["from . import a\nh = a.f", "import app\napp.h()"],
    ["from . import a\ndef h(): return a.f()", "from app import h"],
    ["import app.a as h", "from app import h"],
    ["try:\n    from .b import f\nexcept ImportError:\n    from .a import f", "from app import f"],
    ["from .b import a", "from app import a"],
    ["from .c import *", "import app\napp.f()", { "app/c.py": "from .a import f\n" }],
    ["from .c import *", "from app import *\nf()", { "app/c.py": "from .a import f\n" }],
    ["from .c import *", "from app import f", {
      "app/c.py": "from .d import *\n",
      "app/d.py": "from .a import f\n",
    }],
    ["from .a import *", "from app import *\nf()"],
    ["from . import sub as s", "import app\napp.s.deep.f()", part],
    ["from . import sub as s", "from app import s\ns.deep.f()", part],
    ["from . import a\ndef __getattr__(name): return getattr(a, name)", "import app\napp.f()"],
    ["", "import app.a\nprint(f'{app.a.f()}')"],
    ["", "import importlib\nimportlib.import_module(name='app.a')"],
    ["", "from importlib import import_module\nimport_module('.a', 'app')"],
    ["", "from importlib import import_module\nimport_module('..a', package='app.sub')", part],
  ];
  for (const [init, test, more] of ways) {
    assert(reaching(`${init}\n`, `${test}\n`, more), `${init}\n--\n${test}`);
  }
  const none: [init: string, test: string][] = [
    ["from .b import g\nfrom .a import f", "import app\napp.g()"],
    ["from .b import *\nfrom .a import f", "from app import g"],
    ["from . import a", "import app\n'app.a.f'\n# app.a.f()\nf'app.a {1}'"],
    ["from .a import f\nVERSION = 1", '"""\nimport app.a\n"""\nx = "from app import f"\n'],
  ];
  for (const [init, test] of none) {
    assert(!reaching(`${init}\n`, `${test}\n`), `${init}\n--\n${test}`);
  }
});

Deno.test("reach() separates what only a package's run loads; it ignores imports for types", () => {
  const files = {
    "app/__init__.py": "from ._used import used\nfrom . import _registered\n",
    "app/_used.py": "",
    "app/_registered.py": "from ._deep import hook\n",
    "app/_deep.py": "",
    "tests/test_a.py": "from app import used\n",
    "tests/test_b.py": "import app._used\n",
    "tests/test_c.py": "import os\n",
  };
  const { named, loaded } = graphOf(files).reach("app/_deep.py");
  assertEquals(named, []);
  assertEquals(loaded.map((one) => one.chain.join(" → ")), [
    "app/_deep.py → app/_registered.py → app/__init__.py → tests/test_a.py",
    "app/_deep.py → app/_registered.py → app/__init__.py → tests/test_b.py",
  ]);
  const used = graphOf(files).reach("app/_used.py");
  assertEquals([used.named, used.loaded].map((all) => all.map((one) => one.target)), [
    ["tests/test_a.py", "tests/test_b.py"],
    [],
  ]);
  assertEquals(graphOf(APP).reach("app/wire/_types.py"), { named: [], loaded: [] });
});

Deno.test("reach() finds all importers of a package for a changed __init__.py", () => {
  const reached = graphOf(APP).reach("app/wire/__init__.py").named.filter((one) =>
    one.distance === 1
  ).map((one) => one.target);
  assertEquals(reached, ["tests/test_wire.py"]);
});

Deno.test("reach() finds relative, absolute and local imports of a helper of the tests", () => {
  const graph = graphOf({
    ...APP,
    "tests/flat/util.py": "",
    "tests/flat/test_flat.py": "import util\n",
    "tests/test_absolute.py": "from tests.helper import h\n",
    "tests/test_start.py": "import helper\n",
  });
  assertEquals(lines(graph, "tests/helper.py"), [
    "1 tests/helper.py → tests/test_absolute.py",
    "1 tests/helper.py → tests/test_helped.py",
    "1 tests/helper.py → tests/test_start.py",
  ]);
  assertEquals(lines(graph, "tests/flat/util.py"), [
    "1 tests/flat/util.py → tests/flat/test_flat.py",
  ]);
});

Deno.test("reach() works with a src layout, namespace packages and literal names", () => {
  const graph = graphOf({
    "src/space/part/mod.py": "",
    "src/space/other.py": "import space.part.mod\n",
    "tests/test_a.py": "from space.part import mod\n",
    "tests/test_b.py": "import importlib\nm = importlib.import_module('space.part.mod')\n",
    "tests/test_c.py": "import space.other\n",
    "tests/test_d.py": "import space\nspace.part.mod.f()\n",
  }, { starts: ["src", ".", "tests"] });
  assertEquals(lines(graph, "src/space/part/mod.py"), [
    "1 src/space/part/mod.py → tests/test_a.py",
    "1 src/space/part/mod.py → tests/test_b.py",
    "1 src/space/part/mod.py → tests/test_d.py",
    "2 src/space/part/mod.py → src/space/other.py → tests/test_c.py",
  ]);
});

Deno.test("reach() finds importers of a deleted module, and of one that became a package", () => {
  const graph = graphOf({
    "app/__init__.py": "",
    "app/gone.py": "",
    "app/gone/__init__.py": "",
    "tests/test_a.py": "from app.gone import x\n",
  });
  assertEquals(graph.reach("app/gone.py").named.map((one) => one.target), ["tests/test_a.py"]);
  assertEquals(graph.reach("app/gone/__init__.py").named.map((one) => one.target), [
    "tests/test_a.py",
  ]);
});

Deno.test("reach() ends at a plugin that pytest loads before every test", () => {
  const graph = graphOf({
    "app/plug.py": "from .inner import x\n",
    "app/inner.py": "",
    "tests/test_a.py": "",
  }, { plugins: ["app.plug"] });
  assertEquals(graph.reach("app/inner.py").named, [{
    target: null,
    chain: ["app/inner.py", "app/plug.py"],
    distance: 1,
  }]);
  assertEquals(graph.reach("app/plug.py").named, [{
    target: null,
    chain: ["app/plug.py"],
    distance: 0,
  }]);
});

Deno.test("reach() ends for imports in a circle, and for a package that imports itself", () => {
  const graph = graphOf({
    "app/__init__.py":
      "from .a import x\nfrom app import x as y\nfrom . import y as z\nfrom app.b import *\n",
    "app/a.py": "from .b import b\nfrom app import z\n",
    "app/b.py": "from .a import *\nimport app\napp.x.y.z\n",
    "tests/test_a.py": "from app import z, unknown\n",
  });
  assertEquals(graph.reach("app/a.py").named.map((one) => one.target), ["tests/test_a.py"]);
  assertEquals(graph.reach("app/b.py").named.map((one) => one.distance), [1]);
  assertEquals(graph.reach("nowhere.py"), { named: [], loaded: [] });
});

Deno.test("naming() ignores comments, docstrings and sentences", () => {
  const graph = graphOf({
    "tests/test_a.py":
      '"""Runs golden.json."""\n# golden.json\ndef test():\n    """golden.json"""\n    ' +
      'assert x, "golden.json is gone"\n',
    "tests/test_b.py": "def test():\n    spawn(\n        'golden.json'\n    )\n",
    "tests/test_c.py": "run(f'{PYTHON} -m golden.json')\n",
    "tests/test_d.py": "run('import golden.json')\nclass A:\n    'golden.json'\n",
    "tests/test_e.py": "x = 'import os; from golden.json import y'\n",
  });
  assertEquals(graph.naming(["golden.json"]), [
    "tests/test_b.py",
    "tests/test_c.py",
    "tests/test_d.py",
    "tests/test_e.py",
  ]);
});

Deno.test("naming() finds tests and fixtures that have a word as a whole", () => {
  const graph = graphOf({
    "tests/test_a.py": "open('data/golden.json')\n",
    "tests/test_b.py": "open('not-golden.json')\nx = 'golden.json5'\n",
    "tests/conftest.py": "GOLDEN = 'golden.json'\n",
    "app/x.py": "'golden.json'\n",
  });
  assertEquals(graph.naming(["golden.json"]), ["tests/conftest.py", "tests/test_a.py"]);
});

Deno.test("moduleKey() removes every suffix, that of a compiled module too", () => {
  assertEquals(
    [
      "app/x.py",
      "app/__init__.py",
      "app/_f.cpython-313-x86_64-linux-gnu.so",
      "x.py",
      "app/x.pyx",
      "Makefile",
    ].map(moduleKey),
    [
      "app/x",
      "app",
      "app/_f",
      "x",
      "app/x",
      "Makefile",
    ],
  );
});
