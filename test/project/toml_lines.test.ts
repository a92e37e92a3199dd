import fc from "fast-check";
import { parse } from "smol-toml";
import { linesOfKeys } from "../../lib/project/toml_lines.ts";
import { assertEquals } from "../assert.ts";

const TOML = `[project]
name = "x"
text = """
[tool.tractest]
jobs = 1
"""

[tool.tractest]
# a comment
jobs = 2

alone = [
  "a",  # "x"
  "b",
]
targets.core = ["a"]

[tool.tractest.profile.ci]
jobs = 4
[[tool.tractest.overrides]]
filter = "a"
`;

Deno.test("each key is found on the line where it begins, in any of TOML's forms", () => {
  const of = (toml: string, ...paths: string[]) =>
    linesOfKeys(toml, paths.map((path) => ["tool", "tractest", ...path.split(".")]));
  assertEquals(of(TOML, "jobs", "alone", "targets.core", "profile.ci.jobs", "overrides", "none"), [
    10,
    12,
    16,
    19,
    20,
    undefined,
  ]);
  assertEquals(of('[tool]\ntractest = { jobs = 2,\n "venv" = "x" }\n', "jobs", "venv"), [2, 2]);
  assertEquals(of('\ntool.tractest."jobs" = 2\r\ntool.tractest.venv = ""\r\n', "jobs", "venv"), [
    2,
    3,
  ]);
});

Deno.test("a generated file has each key on its own line", () => {
  const values = fc.constantFrom(
    "1",
    '"x"',
    "[1,\n 2]",
    '"""\na = 1\n[b]\n"""',
    "{ a = 1 }",
    "'#'",
  );
  const row = fc.tuple(fc.constantFrom("", "# c\n", "\n\n"), values);
  fc.assert(
    fc.property(fc.array(row, { maxLength: 8 }), (rows) => {
      let text = "[other]\n[tool.tractest]\n";
      const expected = rows.map(([before, value], index) => {
        const line = (text + before).split("\n").length;
        text += `${before}key${index} = ${value}\n`;
        return line;
      });
      parse(text);
      const paths = rows.map((_, index) => ["tool", "tractest", `key${index}`]);
      assertEquals(linesOfKeys(text, paths), expected, text);
    }),
    { numRuns: 300 },
  );
});
