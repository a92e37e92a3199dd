import { allVerbs, COMMAND_NAMES } from "../../lib/cli.ts";
import { COMMAND_SYNONYMS, OPTION_SYNONYMS } from "../../lib/command_line/synonyms.ts";
import { shownRows } from "../../lib/command_line/option_values.ts";
import { parseCommandLine } from "../../lib/command_line/parse.ts";
import { commandFacts } from "../../lib/help/document.ts";
import { manualPage } from "../../lib/help/manual_page.ts";
import { optionSections, overview, page } from "../../lib/help/pages.ts";
import { RUN_OPTIONS } from "../../lib/run/run_options.ts";
import { assert, assertEquals } from "../assert.ts";

const VERBS = await allVerbs();

/** The words of a text, which no wrapping may break. */
function wordsIn(lines: readonly string[]): string[] {
  return lines.join(" ").split(/\s+/).filter((word) => word !== "");
}

for (const width of [40, 80, 100]) {
  Deno.test(`every help page fits ${width} columns, and no word is broken`, () => {
    const pages = [overview, ...VERBS.map((verb) => () => page(verb, width))];
    const wide = [overview, ...VERBS.map((verb) => () => page(verb, 10_000))];
    pages.forEach((render, index) => {
      const lines = render(VERBS, width);
      assertEquals(wordsIn(lines), wordsIn(wide[index]!(VERBS, 10_000)));
      for (const line of lines) {
        // A term stays in one piece, since people paste commands.
        const isTerm = /^ {2}(tractest|source| {4}--|-\w)/.test(line);
        assert(line.length <= width || (width === 40 && isTerm), line);
      }
    });
  });
}

Deno.test("the overview lists each command once", () => {
  const lines = overview(VERBS, 80);
  for (const name of COMMAND_NAMES) {
    assertEquals(lines.filter((line) => line.startsWith(`  ${name} `)).length, 1, name);
  }
});

Deno.test("the help of a command shows each of its options once, whatever its section", () => {
  for (const verb of VERBS) {
    const shown = optionSections(verb).flatMap(({ rows }) => rows.map(([term]) => term));
    for (const { name } of shownRows(verb.options)) {
      const times = shown.filter((term) => new RegExp(`--${name}(?![\\w-])`).test(term)).length;
      assertEquals(times, verb.passesToPytest && name === "verbose" ? 2 : 1, name);
    }
  }
});

Deno.test("a synonym names a valid command line", () => {
  for (const [word, line] of Object.entries(COMMAND_SYNONYMS)) {
    assert(!COMMAND_NAMES.includes(word as never), `${word} is a command`);
    const [name, ...words] = line.split(" ");
    const verb = VERBS.find((each) => each.name === name);
    assert(verb !== undefined, line);
    if (!/[A-Z]/.test(line)) assertEquals(parseCommandLine(verb, words).slips ?? [], []);
  }
  for (const meant of Object.values(OPTION_SYNONYMS)) {
    const isOption = meant.startsWith("--") && Object.hasOwn(RUN_OPTIONS, meant.slice(2));
    assert(isOption || COMMAND_NAMES.includes(meant.split(" ")[1] as never), meant);
  }
});

Deno.test("the JSON description of a command has every option that its help shows", () => {
  const { commands } = commandFacts(VERBS) as {
    commands: { name: string; options: { name: string }[] }[];
  };
  assertEquals(commands.map(({ name }) => name), [...COMMAND_NAMES]);
  for (const [index, { options }] of commands.entries()) {
    assertEquals(
      options.map(({ name }) => name),
      shownRows(VERBS[index]!.options).map(({ name }) => `--${name}`),
    );
  }
});

Deno.test("the manual page has roff requests at the start of lines only where intended", () => {
  const lines = manualPage(VERBS, "1.2.3");
  for (const line of lines) {
    if (/^[.']/.test(line)) assert(/^\.(TH|SH|SS|TP|PP|B)( |$)/.test(line), line);
    assert(!/\\(?![-e&]|\(dq|\[u[0-9A-F]{4}\])/.test(line), line);
    assert(/^[\x20-\x7e]*$/.test(line), line);
  }
  for (const name of COMMAND_NAMES) {
    assert(lines.includes(`.B ${name.replaceAll("-", "\\-")}`), name);
  }
});
