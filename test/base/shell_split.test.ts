import { shellSplit } from "../../lib/base/shell_split.ts";
import { assertEquals } from "../assert.ts";

Deno.test("shellSplit() splits as shlex.split does", () => {
  const cases: [string, string[]][] = [
    ["", []],
    ["  a\n b\t", ["a", "b"]],
    ["a/tests 'my tests'", ["a/tests", "my tests"]],
    [`-k "a or 'b'" -x`, ["-k", "a or 'b'", "-x"]],
    [`a\\ b 'c\\d' "e\\"f\\g"`, ["a b", "c\\d", 'e"f\\g']],
    [`''""`, [""]],
    ["x'y z'w", ["xy zw"]],
    ["'open", ["open"]],
  ];
  for (const [text, words] of cases) assertEquals(shellSplit(text), words, text);
});
