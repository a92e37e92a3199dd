import fc from "fast-check";
import { fileOf, LASTFAILED_SIZE_LIMIT, readLastFailed } from "../../lib/pytest/lastfailed.ts";
import { assert, assertEquals, assertIncludes } from "../assert.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const read = (data: unknown, prefixes = ["tests/"]) =>
  readLastFailed(bytes(JSON.stringify(data)), prefixes);
const recorded = Deno.readTextFileSync(
  new URL("../fixtures/suite/lastfailed.json", import.meta.url),
);

Deno.test("readLastFailed() reads what a real run left, sorted", () => {
  const { tests, unreadable } = readLastFailed(bytes(recorded), ["tests/"]);
  assertEquals(unreadable, null);
  assertEquals(tests.length, 27);
  assertEquals(tests, Object.keys(JSON.parse(recorded)).sort());
});

Deno.test("readLastFailed() leaves out what is no test of the project", () => {
  const junk = [
    "/usr/lib/python3/x.py",
    "../tests/test_a.py::x",
    "tests/../../x.py",
    "testsuite/test_a.py",
    "tests/",
    "tests",
    "",
    "conftest.py",
  ];
  const ids = Object.fromEntries(
    [...junk, "tests/test_b.py::t", "tests/test_a.py"].map((id) => [id, true]),
  );
  assertEquals(read(ids).tests, ["tests/test_a.py", "tests/test_b.py::t"]);
  assertEquals(
    read({ "a/x.py::t": true, "b/c/x.py::t": true, "c/x.py": true }, ["a/", "b/c/"]).tests,
    ["a/x.py::t", "b/c/x.py::t"],
  );
});

Deno.test("readLastFailed() takes files and tests where the rootdir has only tests", () => {
  assertEquals(
    read({
      "test_a.py::t": true,
      "sub/test_b.py": true,
      "/abs/test_c.py": true,
      "notes": true,
      ".": true,
      "a.md::a.md": true,
    }, [""]).tests,
    [
      "a.md::a.md",
      "sub/test_b.py",
      "test_a.py::t",
    ],
  );
});

Deno.test("fault 48: a damaged record, or one not in UTF-8, is empty, with the reason", () => {
  const cases: [Uint8Array, string][] = [
    [bytes("[]"), "it holds no object of test ids"],
    [bytes('"x"'), "it holds no object of test ids"],
    [bytes("null"), "it holds no object of test ids"],
    [bytes("7"), "it holds no object of test ids"],
    [bytes(recorded.slice(0, 300)), "it is not JSON"],
    [bytes(""), "it is empty"],
    [new Uint8Array([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x3a, 0x31, 0x7d]), "it is not UTF-8"],
    [new Uint8Array(LASTFAILED_SIZE_LIMIT + 1), "bytes"],
  ];
  for (const [content, why] of cases) {
    const { tests, unreadable } = readLastFailed(content, ["tests/"]);
    assertEquals(tests, []);
    assertIncludes(unreadable ?? "", why);
  }
});

Deno.test("fault 48: ids that look like options are no tests", () => {
  assertEquals(
    read({ "--pdb": true, "-x": true, "--rootdir=/x.py::t": true, "-c.py::t": true }, [
      "",
      "tests/",
    ]).tests,
    [],
  );
});

Deno.test("readLastFailed() never throws and returns only ids of tests, for any bytes", () => {
  const anything = fc.oneof(
    fc.uint8Array(),
    fc.json().map(bytes),
    fc.dictionary(fc.string(), fc.boolean()).map((data) => bytes(JSON.stringify(data))),
  );
  fc.assert(fc.property(anything, (content) => {
    for (const id of readLastFailed(content, ["tests/"]).tests) {
      assert(id.startsWith("tests/") && !fileOf(id).split("/").includes(".."), id);
    }
  }));
});

Deno.test("fileOf() ends at the first double colon", () => {
  assertEquals(fileOf("tests/test_a.py::T::t[a::b]"), "tests/test_a.py");
  assertEquals(fileOf("tests/test_a.py"), "tests/test_a.py");
});
