import { writtenPages } from "../../scripts/readme.ts";
import { COMMAND_NAMES } from "../../lib/cli.ts";
import { VERSION } from "../../lib/tables/release.ts";
import { assert, assertEquals, assertIncludes } from "../assert.ts";
import { documentationPages, readPage } from "./documentation.ts";

Deno.test("what the documentation says of commands and tables is what lib/ says", async () => {
  for (const [page, text] of await writtenPages(readPage)) {
    assertEquals(readPage(page), text, `${page}: run \`deno task readme\``);
  }
});

Deno.test("the pages name every command, and none that does not exist", async () => {
  const names = new Set<string>(COMMAND_NAMES);
  const pages = (await documentationPages()).filter((page) => page !== "CHANGELOG.md");
  const written = pages.filter((page) => page !== "docs/reference/cli.md").map(readPage).join("\n");
  for (const name of names) assertIncludes(written, `\`${name}`);
  // In code spans and at prompts; elsewhere "tractest" is a word of a sentence.
  for (const [, name] of written.matchAll(/(?:`|\$ )tractest ([a-z][a-z-]*)/g)) {
    assert(names.has(name!), `tractest ${name}`);
  }
});

Deno.test("the changelog has a heading for this version", () => {
  assertIncludes(readPage("CHANGELOG.md"), `\n## ${VERSION}`);
});
