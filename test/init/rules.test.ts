import fc from "fast-check";
import { parse } from "smol-toml";
import { appendix, configurationLines, portsIn } from "../../lib/init/rules.ts";
import { readConfiguration } from "../../lib/project/configuration.ts";
import { assert, assertEquals, assertIncludes } from "../assert.ts";

const name = fc.string({ unit: "binary", minLength: 1, maxLength: 20 });

const facts = fc.record({
  profile: fc.constantFrom("plain" as const, "tractor" as const),
  venv: fc.option(name),
  pytestFile: fc.option(name),
  testPaths: fc.array(name, { maxLength: 3 }),
  testFile: fc.option(name),
  ports: fc.array(fc.record({ port: fc.integer({ min: 1024, max: 65535 }), place: name })),
  workers: fc.option(fc.record({ text: name, source: name })),
  ciFiles: fc.array(name, { maxLength: 2 }),
});

type Tables = { tool: { tractest: Record<string, unknown> } };

Deno.test("whatever the repository, the lines are TOML that switches nothing on", () => {
  fc.assert(fc.property(facts, (one) => {
    const { tool: { tractest } } = parse(configurationLines(one).join("\n")) as unknown as Tables;
    const { profile = {}, ...rest } = tractest;
    assertEquals(rest, {});
    assertEquals(Object.keys(profile as object), one.ciFiles.length > 0 ? ["ci"] : []);
    readConfiguration(tractest, one.profile);
  }));
});

Deno.test("with every # removed from the keys, the table is a valid configuration", () => {
  fc.assert(fc.property(facts, (one) => {
    const lines = configurationLines(one).map((line) => line.replace(/^# (?=[a-z-]+ = |\[)/, ""));
    const { tool: { tractest } } = parse(lines.join("\n")) as unknown as Tables;
    assert(Object.keys(tractest).length >= 10);
    readConfiguration(tractest, one.profile);
  }));
});

Deno.test("a file keeps its bytes and its line ends, and gets the lines as a paragraph", () => {
  assertEquals(appendix("a = 1\n", ["[b]", "c = 1"]), "\n[b]\nc = 1\n");
  assertEquals(appendix("a = 1", ["[b]"]), "\n\n[b]\n");
  assertEquals(appendix("a = 1\r\n", ["[b]"]), "\r\n[b]\r\n");
  assertEquals(appendix("", ["[b]"]), "[b]\n");
});

Deno.test("fixed ports are found as tests write them, with the line of each", () => {
  const source = `
ADDR = ("127.0.0.1", 1616)
URL = "http://localhost:8000/"
# localhost:9000 is a comment
server = start(port=7070)
year = 2024
other = ("127.0.0.1", 1616)
free = bind(port=0)
`;
  assertEquals(portsIn(source), [{ port: 1616, line: 2 }, { port: 8000, line: 3 }, {
    port: 7070,
    line: 5,
  }]);
});

Deno.test("what was seen is named with its place", () => {
  const text = configurationLines({
    profile: "plain",
    venv: ".venv",
    pytestFile: "pyproject.toml",
    testPaths: ["tests"],
    testFile: "tests/test_a.py",
    ports: [{ port: 7070, place: "tests/conftest.py:4" }],
    workers: { text: "-n 4", source: "addopts in pyproject.toml" },
    ciFiles: [".github/workflows"],
  }).join("\n");
  assertIncludes(text, "# Found without it: the venv .venv; tests in tests");
  assertIncludes(text, "7070 (tests/conftest.py:4)");
  assertIncludes(text, '# registries = ["127.0.0.1:7070"]');
  assertIncludes(text, '# "-n 4" (addopts in pyproject.toml) starts workers of pytest-xdist');
  assertIncludes(text, "# For .github/workflows: tractest run --profile ci");
});
