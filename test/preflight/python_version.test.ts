import { oldestMinor, requiresPythonOf, satisfies } from "../../lib/preflight/python_version.ts";
import { assertEquals } from "../assert.ts";

Deno.test("requires-python is read as by Python's packaging tools", () => {
  for (
    const [version, requirement, fits] of [
      ["3.12.1", ">=3.10,<3.13", true],
      ["3.13.0", ">=3.10,<3.13", false],
      ["3.9.18", ">=3.10", false],
      ["3.13.0", ">=3.13, <3.15", true],
      ["3.12.4", "==3.12.*", true],
      ["3.13.0", "==3.12.*", false],
      ["3.12.4", "!=3.12.4", false],
      ["3.12.4", "!=3.11.*", true],
      ["3.12.4", "~=3.11", true],
      ["4.0.0", "~=3.11", false],
      ["3.12.4", "~=3.11.2", false],
      ["3.12.0", "==3.12", true],
      ["3.12.1", "<=3.12", false],
      ["3.12.1", ">3.12.1", false],
      ["3.12.1", "", true],
      ["3.12.1", ">=3.10 || <2", null],
      ["nonsense", ">=3", null],
    ] as const
  ) assertEquals(satisfies(version, requirement), fits, `${version} ${requirement}`);
});

Deno.test("oldestMinor() is the oldest Python that requires-python accepts", () => {
  assertEquals([oldestMinor(">=3.10,<3.13"), oldestMinor("~=3.11"), oldestMinor("<4")], [
    "310",
    "311",
    null,
  ]);
});

Deno.test("requires-python is read from any pyproject.toml, even an invalid one", () => {
  assertEquals(requiresPythonOf('[project]\nrequires-python = ">=3.13"\n'), ">=3.13");
  for (
    const text of [
      null,
      "",
      "[project]",
      "project = 1",
      "[project]\nrequires-python = 3",
      "not toml [",
    ]
  ) {
    assertEquals(requiresPythonOf(text), null);
  }
});
