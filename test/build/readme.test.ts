import { withTables } from "../../scripts/readme.ts";
import { COMMAND_NAMES } from "../../lib/cli.ts";
import { VERSION } from "../../lib/tables/release.ts";
import { assert, assertEquals, assertIncludes } from "../assert.ts";

const read = (name: string) => Deno.readTextFileSync(new URL(`../../${name}`, import.meta.url));

Deno.test("the tables of the README are those of lib/tables", () => {
  assertEquals(withTables(read("README.md")), read("README.md"), "run `deno task readme`");
});

Deno.test("the README names every command, and none that does not exist", () => {
  const readme = read("README.md");
  const names = new Set<string>(COMMAND_NAMES);
  for (const name of names) assertIncludes(readme, `\`${name}`);
  // In code spans and at prompts; elsewhere "tractest" is a word of a sentence.
  for (const [, name] of readme.matchAll(/(?:`|\$ |\n)tractest ([a-z]+)/g)) {
    assert(names.has(name!), `tractest ${name}`);
  }
});

Deno.test("the changelog has a heading for this version", () => {
  assertIncludes(read("CHANGELOG.md"), `\n## ${VERSION}`);
});
