import { lastError, oneLine } from "../../lib/base/last_lines.ts";
import { assertEquals } from "../assert.ts";

Deno.test("the last error of an output is no rule of pytest and none of its failed tests", () => {
  const rows: readonly (readonly [readonly string[], string | null])[] = [
    [["collected 2 items", "test_a.py ..   [100%]"], null],
    [["====== 1 failed, 2 errors ======"], null],
    [
      ["FAIL Required test coverage of 90%", "FAILED a.py::b - assert 0", "=== 1 failed ==="],
      "FAIL Required test coverage of 90%",
    ],
    [["ERROR: not found: x.py", "", "rootdir: /x"], "ERROR: not found: x.py"],
    [["  RuntimeError: a", "", "ok"], "  RuntimeError: a"],
    [["ERROR: a", ...Array(8).fill("x")], null],
    [[], null],
  ];
  for (const [lines, error] of rows) assertEquals(lastError(lines), error);
});

Deno.test("one line of a text has no colours, no blanks at its ends, and an end", () => {
  assertEquals(oneLine("\n  \x1b[31mred\x1b[0m text \nmore"), "red text");
  assertEquals(oneLine("abcdef", 3), "abc…");
  assertEquals(oneLine(""), "");
});
