import { guideLines } from "../../lib/agent_guide/guide.ts";
import { EXIT_CODE_ASKS, SITUATIONS } from "../../lib/agent_guide/situations.ts";
import { allVerbs } from "../../lib/cli.ts";
import { parseCommandLine } from "../../lib/command_line/parse.ts";
import { EXIT } from "../../lib/tables/exit_codes.ts";
import { assert, assertEquals, assertIncludes } from "../assert.ts";

/** What the recipe demands of an agent, each in a phrase of the guide. */
const RECIPE = [
  "Never commit or stage",
  "ask the user: create or sync it",
  "proves that the package comes from this checkout",
  "Check flaky first",
  "`-s` first",
  "lower the log level",
  "Many tests that fail alike",
  "sends SIGINT first",
  "may take 10 minutes, one of a single file 2",
  "report the counts in one line",
  "each failing test and its short error",
  "show the user the pids and their commands",
  "fix the import error before running any test",
];

Deno.test("every command in the guide exists, with the options that it is given", async () => {
  const verbs = new Map((await allVerbs()).map((verb) => [verb.name, verb]));
  let count = 0;
  for (const [, text] of guideLines("skill").join("\n").matchAll(/`tractest ([^`]+)`/g)) {
    const [name, ...words] = text!.split(" ");
    const verb = verbs.get(name!);
    assert(verb, `there is no command ${name}`);
    assertEquals(parseCommandLine(verb, words).slips, [], text);
    count++;
  }
  assert(count > SITUATIONS.length, `${count} commands`);
});

Deno.test("the guide has every rule of the recipe and every exit code, and stays short", () => {
  for (const format of ["skill", "agents-md"] as const) {
    const text = guideLines(format).join("\n");
    for (const phrase of RECIPE) assertIncludes(text, phrase);
    assert(text.length < 6000, `${text.length} characters`);
    assertEquals(text.startsWith("---\nname: run-tests\n"), format === "skill");
  }
  const codes = EXIT_CODE_ASKS.map(([code]) => code);
  assertEquals(codes, [...new Set([...Object.values(EXIT), 2, 3, 4, 5, 6])].sort((a, b) => a - b));
});
