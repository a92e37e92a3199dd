import { columns } from "../../lib/terminal/columns.ts";
import { asWritten, fold, shownId, unbroken, visibleWidth, wrap } from "../../lib/terminal/wrap.ts";
import { assert, assertEquals } from "../assert.ts";
import { Random } from "../differential/random.ts";

Deno.test("a line that fits stays as it is, and others are broken between words", () => {
  assertEquals(fold("  two  words", 12), ["  two  words"]);
  assertEquals(fold("    changed: a.py, a likely cause", 24), [
    "    changed: a.py, a",
    "      likely cause",
  ]);
  assertEquals(fold("\x1b[31mone two\x1b[39m three", 8), ["\x1b[31mone two\x1b[39m", "  three"]);
});

Deno.test("a command and an id are not broken, wherever they stand", () => {
  const lines = (text: string, width: number) => fold(text, width).map(asWritten);
  assertEquals(lines("hint: next: tractest run --lf --tpt-proto=tcp", 30), [
    "hint: next:",
    "  tractest run --lf --tpt-proto=tcp",
  ]);
  assertEquals(lines("to see it: git diff 4b639 -- a.py; after a fix: tractest run --lf", 30), [
    "to see it:",
    "  git diff 4b639 -- a.py;",
    "  after a fix:",
    "  tractest run --lf",
  ]);
  assertEquals(lines("fix: ps -eo pid,args --sort=-pcpu | head", 24), [
    "fix:",
    "  ps -eo pid,args --sort=-pcpu | head",
  ]);
  assertEquals(lines("exit code 4 after 0.4 s: pytest did not accept its command line", 30), [
    "exit code 4 after 0.4 s:",
    "  pytest did not accept its",
    "  command line",
  ]);
  assertEquals(lines("hint: tractest zombies --kill --pid 12 ends it", 24), [
    "hint:",
    "  tractest zombies --kill --pid 12",
    "  ends it",
  ]);
  assertEquals(lines(`FAILED ${shownId("a.py::b[c d e f]")}: it is over`, 18), [
    "FAILED",
    "  a.py::b[c d e f]:",
    "  it is over",
  ]);
});

Deno.test("foreign text can't join words", () => {
  assertEquals(shownId("a\x1fb c"), unbroken("a\\x1fb c"));
  assertEquals(asWritten(shownId("a\x1fb c")), "a\\x1fb c");
});

Deno.test("a table is aligned where it fits, wraps its last column, and is stacked at last", () => {
  const rows = [["ok", "venv", "py313"], ["fail", "leaks", "three processes were left behind"]];
  assertEquals(columns(rows), [
    "ok    venv   py313",
    "fail  leaks  three processes were left behind",
  ]);
  assertEquals(columns(rows, { width: 34 }), [
    "ok    venv   py313",
    "fail  leaks  three processes were",
    "             left behind",
  ]);
  assertEquals(columns(rows, { width: 24 }), [
    "ok    venv   py313",
    "fail  leaks",
    "    three processes were",
    "    left behind",
  ]);
});

/** Words of random lengths, some coloured, some that must not be broken. */
function someText(random: Random): string {
  const word = () => "x".repeat(random.between(1, random.pick([3, 9, 30])));
  return Array.from({ length: random.between(0, 12) }, () => {
    const one = random.chance(0.2) ? unbroken(`${word()} ${word()}`) : word();
    return random.chance(0.2) ? `\x1b[31m${one}\x1b[39m` : one;
  }).join(" ");
}

Deno.test("no line is wider than the terminal but by one word, and no word is lost", () => {
  for (let seed = 1; seed <= 2_000; seed++) {
    const random = new Random(seed);
    const width = random.between(20, 90);
    const rows = Array.from(
      { length: random.between(1, 4) },
      () => Array.from({ length: 3 }, () => someText(random)),
    );
    const texts = [
      [rows.flat(), columns(rows, { width })],
      [rows[0]!.slice(0, 1), fold(rows[0]![0]!, width)],
      [rows[0]!.slice(0, 1), wrap(rows[0]![0]!, width)],
    ] as const;
    for (const [before, after] of texts) {
      const words = (lines: readonly string[]) => lines.join(" ").split(/ +/).filter((one) => one);
      assertEquals(words(after), words(before), `seed ${seed}`);
      for (const line of after) {
        const isOneWord = words([line]).length === 1;
        assert(visibleWidth(line) <= width || isOneWord, `seed ${seed}: ${line}`);
      }
    }
  }
});
