import { join } from "@std/path";
import { allVerbs } from "../../lib/cli.ts";
import { parseCommandLine } from "../../lib/command_line/parse.ts";
import { assert, assertEquals } from "../assert.ts";
import { documentationPages, readPage } from "../build/documentation.ts";
import { difference, type Example, examplesOf } from "./console_examples.ts";
import { endLeft, shell, storeProject } from "./store_project.ts";
import type { Suite } from "./suites.ts";
import { atTerminal, shownLines } from "./terminal_lines.ts";

const PAGES = (await documentationPages())
  .map((page) => ({ page, examples: examplesOf(page, readPage(page)) }))
  .filter(({ examples }) => examples.length > 0);

/** Begins what an example prints. */
const MARK = "\x1e";

/** The width of the terminal of examples that are typed at one. */
const COLUMNS = 80;

for (const { page, examples } of PAGES) {
  const run = examples.filter(({ notRun }) => notRun === null);
  if (run.length === 0) continue;
  Deno.test(`the examples of ${page} print what the page shows`, async () => {
    await using project = await storeProject();
    const printed = await typed(project, run);
    const differing = run.flatMap((example, index) => {
      const why = difference(example, printed[index] ?? []);
      return why === null ? [] : [`${example.place} ${example.command}\n${why}`];
    });
    assertEquals(differing, [], printed.flat().join("\n"));
    assertEquals(await endLeft(project), [], "an example left processes behind");
  });
}

Deno.test("every command of an example has the options that it is given", async () => {
  const verbs = new Map((await allVerbs()).map((verb) => [verb.name, verb]));
  let count = 0;
  for (const { examples } of PAGES) {
    for (const { command, place } of examples) {
      for (const [, text] of command.matchAll(/(?:^|[;&(] *|\w=\S+ )tractest\b([^;&|)#>]*)/g)) {
        const [name, ...words] = shellWords(text!);
        if (name === undefined) continue;
        const verb = verbs.get(name);
        assert(verb, `${place}: there is no command ${name}`);
        assertEquals(parseCommandLine(verb, words).slips, [], place);
        count++;
      }
    }
  }
  assert(count > 30, `${count} commands`);
});

Deno.test("difference() compares all but what varies", () => {
  const example = {
    command: "",
    place: "",
    printed: ["2 passed in 0.10 s", "…", "pid 12 ends …"],
    numbersVary: false,
    atTerminal: false,
    notRun: null,
  };
  assertEquals(difference(example, ["2 passed in 3.4 s", "a", "b", "pid 9 ends soon"]), null);
  assert(difference(example, ["3 passed in 3.4 s", "pid 9 ends soon"]));
  assert(difference(example, ["2 passed in 3.4 s", "pid 9 lives"]));
  assert(difference(example, ["2 passed in 3.4 s", "pid 9 ends soon", "more"]));
  assert(difference(example, ["first", "2 passed in 3.4 s", "pid 9 ends soon"]));
});

/** What each example printed, in lines. */
async function typed(suite: Suite, examples: readonly Example[]): Promise<string[][]> {
  const script = examples.map(({ command, atTerminal: isThere }) =>
    `printf '${MARK}'\n${isThere ? atTerminal("python3", COLUMNS, [command]) : command}`
  );
  const printed = (await shell(suite, ["exec 2>&1", ...script].join("\n")))
    .replaceAll(suite.root, "/home/dev/store")
    .replaceAll(join(suite.path, "state"), "~/.local/state")
    .replaceAll(suite.path, "/tmp");
  return printed.split(MARK).slice(1).map((part, index) =>
    examples[index]!.atTerminal
      ? shownLines(part).map(({ text }) => text)
      : part.trimEnd().split("\n")
  );
}

/** The words of a command line without variables. */
function shellWords(text: string): string[] {
  return [...text.matchAll(/(?:"[^"]*"|'[^']*'|[^\s"'])+/g)].map(([word]) =>
    word!.replace(/"([^"]*)"|'([^']*)'/g, "$1$2")
  );
}
