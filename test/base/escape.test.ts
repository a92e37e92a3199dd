import fc from "fast-check";
import { escapeText, shellCommand, shellWord, shortCommand } from "../../lib/base/escape.ts";
import { assert, assertEquals } from "../assert.ts";

Deno.test("fault 33: escapeText() escapes what could control a terminal", () => {
  assertEquals(escapeText("\x1b[31mred\x1b]0;title\x07"), "\\e[31mred\\e]0;title\\x07");
  assertEquals(escapeText("a\rb\nc\td"), "a\\rb\\nc\\td");
  assertEquals(escapeText("\u009b31m"), "\\x9b31m");
  assertEquals(escapeText("\u202eevil\u2069"), "\\u202eevil\\u2069");
  assertEquals(escapeText("\ud800 \ufeff"), "\\ud800 \\ufeff");
});

Deno.test("escapeText() leaves readable text of any language alone", () => {
  const text = "ünïcode 日本語 🎭 test[a b -> c=d,'e'] ~!@#$%^&*()";
  assertEquals(escapeText(text), text);
});

Deno.test("escapeText() never leaves a control character", () => {
  fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => {
    // deno-lint-ignore no-control-regex
    assert(!/[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]/.test(escapeText(text)));
  }));
});

Deno.test("shellWord() quotes only what a shell would not read literally", () => {
  assertEquals(shellWord("tests/test_local.py::test_x"), "tests/test_local.py::test_x");
  assertEquals(shellWord("a b"), "'a b'");
  assertEquals(shellWord("it's"), "'it'\\''s'");
  assertEquals(shellWord(""), "''");
  assertEquals(shellWord("x[a -> b]"), "'x[a -> b]'");
});

Deno.test("shellCommand() puts variables first", () => {
  assertEquals(
    shellCommand(["uv", "run"], { UV_PROJECT_ENVIRONMENT: "py 313" }),
    "UV_PROJECT_ENVIRONMENT='py 313' uv run",
  );
});

Deno.test("shellCommand() is read back by a shell as the same words", async () => {
  const argv = [
    "a b",
    "it's",
    "",
    "x[1 -> $HOME]",
    "`id`",
    "\\",
    "*",
    "line\nbreak",
    "tab\tq'uote",
    "ünïcode",
  ];
  const { stdout } = await new Deno.Command("bash", {
    args: ["-c", `printf '%s\\0' ${shellCommand(argv)}`],
  }).output();
  assertEquals(new TextDecoder().decode(stdout).split("\0").slice(0, -1), argv);
});

Deno.test("a command in short has the first of many /proc files, and can be pasted", () => {
  const argv = ["cat", "-s", "/proc/1/stat", "/proc/2/stat", "/proc/3/stat", "a b"];
  assertEquals(shortCommand(argv), { command: "cat -s /proc/1/stat 'a b'", omitted: 2 });
  for (const whole of [["ls", "/proc/1", "-l", "/proc/2"], ["python", "-c", "import x\nx()\n"]]) {
    assertEquals(shortCommand(whole), { command: shellCommand(whole), omitted: 0 });
  }
});
