import fc from "fast-check";
import { pythonCode } from "../../lib/affected/python_code.ts";
import { attributesOf, pythonImports } from "../../lib/affected/python_imports.ts";
import { assert, assertEquals } from "../assert.ts";

/** Each import as `module:name=bound`, with a leading `?` for what only type checkers read. */
const found = (text: string): string[] =>
  pythonImports(text).map(({ level, module, name, bound, typing }) => {
    const taken = name === null ? module : `${module}:${name}`;
    return `${typing ? "?" : ""}${".".repeat(level)}${taken}=${bound ?? ""}`;
  });

Deno.test("pythonImports() reads every form of the two statements", () => {
  const forms: [string, string[]][] = [
    ["import a", ["a=a"]],
    ["import a.b.c", ["a.b.c=a"]],
    ["import a.b as c, d", ["a.b=c", "d=d"]],
    ["from a.b import c", ["a.b:c=c"]],
    ["from a import b as c, d", ["a:b=c", "a:d=d"]],
    ["from .x import y", [".x:y=y"]],
    ["from . import z", [".:z=z"]],
    ["from .import z", [".:z=z"]],
    ["from ... a import z", ["...a:z=z"]],
    ["from ..p.q import r", ["..p.q:r=r"]],
    ["from a import *", ["a:*="]],
    ["from a import (b)", ["a:b=b"]],
    ["from a import (\n    b,\n    c as d,  # )\n)\nx = 1", ["a:b=b", "a:c=d"]],
    ["from a import(b)", ["a:b=b"]],
    ["from a import \\\n    b, \\\n    c", ["a:b=b", "a:c=c"]],
    ["from a \\\r\n  import b\r\nimport c\r\n", ["a:b=b", "c=c"]],
    ["import a; import b;from c import d", ["a=a", "b=b", "c:d=d"]],
    ["try: import a\nexcept ImportError: import b", ["a=a", "b=b"]],
    ["if x:\n    import a\nelse:\n    from b import c\n", ["a=a", "b:c=c"]],
    ["async def f():\n\tfrom a import b\n\timport c", ["a:b=b", "c=c"]],
    ["class A:\n    from importlib import import_module", [
      "importlib:import_module=import_module",
    ]],
    ["from .importlib import importx\nimport importlib.util", [
      ".importlib:importx=importx",
      "importlib.util=importlib",
    ]],
    ["from ünï import cödé", ["ünï:cödé=cödé"]],
  ];
  for (const [text, expected] of forms) assertEquals(found(text), expected, text);
});

Deno.test("pythonImports() ignores strings, docstrings, comments and longer names", () => {
  const nothing = [
    '"""Says\n\nimport a\nfrom b import c\n"""\n',
    "'''\nimport a\n'''",
    'x = "import a"\n',
    "s = 'it\\'s \\\nimport a'\n",
    'r"""\\"""\n',
    '"""a \\""" \nimport b\n"""',
    "# import a\n    # from b import c\n",
    "x = 1  # import a",
    "important = reimport(a)\n",
    "yield from a\nfrom_ = import_\n",
    "x.import_module(name)\nimport_module(f'{x}')\n",
    "raise ImportError from error\n",
    "message = (\n    'from a '\n    'import b'\n)\n",
  ];
  for (const text of nothing) assertEquals(found(text), [], text);
  assertEquals(found('f"{x["import a"]}"\nimport b\n'), ["b=b"]);
  assertEquals(found("x = 'never closed\nimport a\n"), ["a=a"]);
  assertEquals(found('"""doc"""\nimport a\n"""never closed\nimport b\n'), ["a=a"]);
});

Deno.test("pythonImports() marks imports in TYPE_CHECKING, and none after it", () => {
  const text = [
    "from typing import TYPE_CHECKING",
    "if TYPE_CHECKING:",
    "    from a import (",
    "        b,",
    ")",
    "",
    "    # a comment",
    "    import c",
    "else:",
    "    import d",
    "if typing.TYPE_CHECKING: import e",
    "def f():",
    "    if t.TYPE_CHECKING:",
    "        import g",
    "    import h",
  ].join("\n");
  assertEquals(found(text), [
    "typing:TYPE_CHECKING=TYPE_CHECKING",
    "?a:b=b",
    "?c=c",
    "d=d",
    "?e=e",
    "?g=g",
    "h=h",
  ]);
});

Deno.test("pythonImports() reads modules that a literal names", () => {
  assertEquals(found("m = importlib.import_module('a.b')\n"), ["a.b="]);
  assertEquals(
    found("m = import_module('.b', __name__)\nn = import_module('.c', package=__package__)"),
    [".b=", ".c="],
  );
  assertEquals(found("m = import_module('.b', other)\nn = import_module('.b')\n"), [".b="]);
  assertEquals(found("m = __import__('a')\nn = pytest.importorskip( 'b' )\n"), ["a=", "b="]);
  assertEquals(found("pytest_plugins = ['a.b', \"c\"]\n"), ["a.b=", "c="]);
  assertEquals(found("pytest_plugins: list[str] = (\n    'a',  # why\n    'b',\n)\n"), [
    "a=",
    "b=",
  ]);
  assertEquals(found("pytest_plugins = 'a'\n"), ["a="]);
});

Deno.test("attributesOf() finds used attributes of a name, in code only", () => {
  const text =
    "tractor.open_nursery()\nx = tractor . msg.types.Start  # tractor.no\n'tractor.no2'\n" +
    "mytractor.no3\na.tractor.no4\ntractors.no5\ntractor.msg\n";
  assertEquals(attributesOf(text, ["tractor"]), [
    "tractor.open_nursery",
    "tractor.msg.types.Start",
    "tractor.msg",
  ]);
  assertEquals(attributesOf(text, ["other"]), []);
});

Deno.test("pythonCode() separates strings from code", () => {
  const { code, strings } = pythonCode("a = 'x' + \"\"\"y\n'z'\"\"\" + ''  # c\nb = r'\\'' \n");
  assertEquals(strings, ["x", "y\n'z'", "", "\\'"]);
  assertEquals(code, 'a = "0" + "1" + "2"  \nb = r"3" \n');
});

Deno.test("pythonImports() throws for no text, in time that grows with its length", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
    pythonImports(new TextDecoder().decode(bytes));
    pythonCode(new TextDecoder("latin1").decode(bytes));
  }));
  const pieces = [
    "import",
    "from",
    " ",
    "\n",
    "\t",
    ".",
    "(",
    ")",
    ",",
    ";",
    ":",
    "\\",
    '"',
    "'",
    '"""',
    "'''",
    "#",
    "*",
    "as",
    "a",
    "if TYPE_CHECKING:",
    "pytest_plugins",
    "=",
    "[",
  ];
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...pieces), { maxLength: 60 }), (words) => {
      const text = words.join("");
      pythonImports(text);
      attributesOf(text, ["a"]);
    }),
    { numRuns: 2_000 },
  );
  for (const piece of pieces) pythonImports(`import a\n${piece.repeat(20_000)}\nimport b`);
});

Deno.test("pythonImports() does not depend on comments, blank lines and docstrings", () => {
  const name = fc.constantFrom("a", "b.c", "_d", "e1.f.g");
  const statement = fc.oneof(
    name.map((module) => `import ${module}`),
    fc.tuple(fc.constantFrom("", ".", ".."), name).map(([dots, module]) =>
      `from ${dots}${module} import x, y as z`
    ),
    name.map((module) => `from ${module} import (\n    x,\n    y,\n)`),
    name.map((module) => `def f():\n    import ${module}`),
    name.map((module) => `m = importlib.import_module("${module}")`),
  );
  const noise = fc.constantFrom(
    "# import no",
    "    # from no import (",
    '"""import no"""',
    "'''\nfrom no import no\n'''",
    "s = 'import no'  # \"",
    "",
    "x = (1, # )\n2)",
    "# it's",
  );
  fc.assert(fc.property(fc.array(fc.tuple(statement, noise), { maxLength: 12 }), (parts) => {
    const plain = parts.map(([text]) => text).join("\n");
    const commented = parts.map(([text, more]) =>
      `${more}\n${text.replaceAll(",\n", ",  # (no, import no\n")}  # import no`
    ).join("\n");
    assertEquals(found(commented), found(plain));
    assert(parts.length === 0 || found(plain).length >= parts.length);
  }));
});
