import fc from "fast-check";
import {
  bashReply,
  nushellReply,
  readBashLine,
  unquoted,
} from "../../lib/completion/rules_typed_line.ts";
import { assertEquals } from "../assert.ts";

const BREAKS = " \t\n\"'@><=;|&(:";

/** What bash makes of a line once it has put the reply in place. */
async function completedBy(line: string, value: string): Promise<string> {
  const typed = readBashLine(line, BREAKS);
  const at = typed.quote === ""
    ? Math.max(...[...line.matchAll(/(?<!\\)[ =:@]/g)].map(({ index }) => index)) + 1
    : line.lastIndexOf(typed.quote) + 1;
  const script = `set -- ${line.slice(at - at, at)}${bashReply({ value }, typed)}${typed.quote}
printf '%s\\0' "$@"`;
  const { stdout } = await new Deno.Command("bash", { args: ["--norc", "-c", script] }).output();
  return new TextDecoder().decode(stdout).split("\0").at(-2)!;
}

Deno.test("a line of bash is read as its words, with what readline replaces", () => {
  const read = (line: string) => {
    const { words, kept, quote } = readBashLine(line, BREAKS);
    return [words, words.at(-1)!.slice(kept), quote];
  };
  assertEquals(read("tractest run a::te"), [["tractest", "run", "a::te"], "te", ""]);
  assertEquals(read("tractest run --ui="), [["tractest", "run", "--ui="], "", ""]);
  assertEquals(read("tractest run "), [["tractest", "run", ""], "", ""]);
  assertEquals(read("tractest run a\\ b\\[c"), [["tractest", "run", "a b[c"], "a b[c", ""]);
  assertEquals(read("tractest run 'a::b c"), [["tractest", "run", "a::b c"], "a::b c", "'"]);
  assertEquals(read('tractest run x"a::\\$b'), [["tractest", "run", "xa::$b"], "a::$b", '"']);
  assertEquals(read("tractest run 'a b' c"), [["tractest", "run", "a b", "c"], "c", ""]);
  assertEquals(readBashLine("tractest run > x", BREAKS).redirects, true);
  assertEquals(readBashLine("tractest run > x y", BREAKS).redirects, false);
});

Deno.test("what bash puts in place is the candidate, whatever it contains", async () => {
  const starts = ["tractest run ", 'tractest run "', "tractest run '", "tractest run t/a.py::"];
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...starts),
      fc.string({
        minLength: 1,
        unit: fc.constantFrom(..."ab[]() $`\"'\\!*?{},;&|<>#~^:=@é".split("")),
      }),
      async (start, text) => {
        const value = start.endsWith("::") ? `t/a.py::${text}x` : `${text}x`;
        assertEquals(await completedBy(start, value), value);
      },
    ),
    { numRuns: 60 },
  );
});

Deno.test("the word of fish or nushell at the cursor is read without its quotes", () => {
  assertEquals(unquoted("'a b"), "a b");
  assertEquals(unquoted('"a b"'), "a b");
  assertEquals(unquoted("a\\ b"), "a b");
  assertEquals(nushellReply({ value: "tests/" }), "tests/");
  assertEquals(nushellReply({ value: "a.py::x[b c]" }), "'a.py::x[b c]' ");
  assertEquals(nushellReply({ value: 'it\'s "x"' }), '"it\'s \\"x\\"" ');
});
