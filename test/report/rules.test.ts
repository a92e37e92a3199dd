import { compareRuns } from "../../lib/report/rules_compare.ts";
import { excerptOf } from "../../lib/report/rules_excerpt.ts";
import { linkTemplate, linkToLine, placeOf } from "../../lib/report/rules_links.ts";
import { UsageError } from "../../lib/errors.ts";
import { assertEquals, assertThrows } from "../assert.ts";

const LONG = `
    def test_a():
        one = 1
        two = 2

        three = 3
>       helper(three)

test_a.py:7:
_ _ _ _
    def helper(value):
>       assert value == 4, "no"
E       AssertionError: no
E       assert 3 == 4

helper.py:2: AssertionError`;

Deno.test("the excerpt of a long traceback is the line that raised, its code and its error", () => {
  assertEquals(excerptOf({ message: "AssertionError: no", traceback: LONG }), {
    lines: [
      { kind: "plain", text: "    def helper(value):" },
      { kind: "failing", text: '>       assert value == 4, "no"' },
      { kind: "error", text: "E       AssertionError: no" },
      { kind: "error", text: "E       assert 3 == 4" },
    ],
    hidden: 7,
    isPart: true,
  });
});

Deno.test("the excerpt of a short test is all of its traceback but the place", () => {
  const traceback =
    "def test_a():\n        one = 1\n>       assert one == 2\nE       assert 1 == 2\n" +
    "\ntest_a.py:7: AssertionError";
  const { lines, hidden } = excerptOf({ message: "assert 1 == 2", traceback });
  assertEquals(
    lines.map(({ text }) => text.trim()),
    traceback.split("\n", 4).map((line) => line.trim()),
  );
  assertEquals(hidden, 0);
});

Deno.test("the excerpt of a short traceback is its last line of code and its error", () => {
  const traceback = "test_a.py:7: in test_a\n    helper()\nhelper.py:2: in helper\n    1 / 0\n" +
    "E   ZeroDivisionError: division by zero";
  assertEquals(excerptOf({ message: "ZeroDivisionError", traceback }).lines, [
    { kind: "failing", text: "    1 / 0" },
    { kind: "error", text: "E   ZeroDivisionError: division by zero" },
  ]);
});

Deno.test("without marked lines the excerpt is the message, and the traceback is hidden", () => {
  const excerpt = excerptOf({
    message: "it took 2 s\nand was ended",
    traceback: "File x\n  y()\n",
  });
  assertEquals(excerpt, {
    lines: [{ kind: "error", text: "it took 2 s" }, { kind: "error", text: "and was ended" }],
    hidden: 2,
    isPart: false,
  });
  assertEquals(excerptOf({ message: "m", traceback: "" }).hidden, 0);
});

function test(id: string, outcome: "passed" | "failed" | "skipped" | "unfinished", seconds = 0.1) {
  return { id, outcome, seconds, hasResult: outcome !== "unfinished" };
}

Deno.test("a comparison names what broke, what is fixed, skipped, new and gone", () => {
  const before = [
    test("broke", "passed"),
    test("fixed", "failed"),
    test("hidden", "failed"),
    test("still", "failed"),
    test("gone", "passed"),
    test("cut", "passed"),
  ];
  const now = [
    test("broke", "failed"),
    test("fixed", "passed"),
    test("hidden", "skipped"),
    test("still", "failed"),
    test("new", "failed"),
    test("cut", "unfinished"),
  ];
  const { broken, fixed, skipped, stillRed, added, gone } = compareRuns(before, now);
  assertEquals(broken.map(({ id, before }) => [id, before]), [["broke", "passed"], ["new", null]]);
  assertEquals([fixed, skipped].map(([first]) => first!.id), ["fixed", "hidden"]);
  assertEquals([fixed.length, skipped.length, stillRed], [1, 1, 1]);
  assertEquals([added, gone], [["new"], ["gone", "cut"]]);
});

Deno.test("slower and faster take both a factor and a floor, and a pass in both runs", () => {
  const before = [
    test("a", "passed", 1),
    test("b", "passed", 0.001),
    test("c", "passed", 9),
    test("d", "failed", 1),
    test("e", "passed", 3),
    test("f", "passed", 1),
  ];
  const now = [
    test("a", "passed", 1.6),
    test("b", "passed", 0.09),
    test("c", "passed", 10),
    test("d", "passed", 9),
    test("e", "passed", 1),
    test("f", "passed", 9),
  ];
  const { slower, faster, seconds } = compareRuns(before, now);
  assertEquals(slower.map(({ id }) => id), ["f", "a"]);
  assertEquals(faster.map(({ id }) => id), ["e"]);
  assertEquals(seconds.map((sum) => Number(sum.toFixed(3))), [14.001, 21.69]);
});

Deno.test("of several tests with one id the red one counts", () => {
  const twice = [test("a", "failed"), test("a", "passed")];
  assertEquals(compareRuns([test("a", "passed")], twice).broken.length, 1);
  assertEquals(compareRuns(twice, [test("a", "passed")]).fixed.length, 1);
});

Deno.test("links fill a path and a line into a template, and encode what is special", () => {
  const link = (word: string, where: string) => {
    const { file, line } = placeOf(where);
    return linkToLine({ root: "/home/me", template: linkTemplate(word) }, file, line);
  };
  assertEquals(link("file", "tests/a b#?.py:7"), "file:///home/me/tests/a%20b%23%3F.py");
  assertEquals(link("vscode", "tests/a.py:7"), "vscode://file/home/me/tests/a.py:7");
  assertEquals(link("vscode", "/usr/lib/x.py"), "vscode://file/usr/lib/x.py:1");
  const web = "https://host/blob/main/{file}#L{line}";
  assertEquals(link(web, "a{line}.py:3"), "https://host/blob/main/a%7Bline%7D.py#L3");
  assertEquals(link(web, "/usr/lib/x.py:3"), null);
  assertEquals(link(web, "\ud800.py:3"), "https://host/blob/main/%EF%BF%BD.py#L3");
});

Deno.test("a template has to be a URL that leads to a file and runs no code", () => {
  for (
    const word of [
      "x",
      "javascript:alert('{path}')",
      "JavaScript:{path}",
      "data:text/html,{path}",
      "https://host/{line}",
      'https://host/"{file}',
      " javascript:{path}",
    ]
  ) assertThrows(() => linkTemplate(word), UsageError);
});
