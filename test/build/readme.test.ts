import { withTables } from "../../scripts/readme.ts";
import { COMMANDS } from "../../lib/tables/commands.ts";
import { VERSION } from "../../lib/tables/version.ts";
import { assert, assertEquals, assertIncludes } from "../assert.ts";

const read = (name: string) => Deno.readTextFileSync(new URL(`../../${name}`, import.meta.url));

Deno.test("the tables of the README are those of lib/tables", () => {
  assertEquals(withTables(read("README.md")), read("README.md"), "run `deno task readme`");
});

Deno.test("the README names every command, and no command that is not there", () => {
  const readme = read("README.md");
  const names = new Set<string>(COMMANDS.map((row) => row.name));
  for (const name of names) assertIncludes(readme, `\`${name}`);
  for (const [, name] of readme.matchAll(/tractest ([a-z]+)[ `\n]/g)) {
    assert(names.has(name!) || ["itself", "reads", "answers"].includes(name!), `tractest ${name}`);
  }
});

Deno.test("the changelog has a heading for this version", () => {
  assertIncludes(read("CHANGELOG.md"), `\n## ${VERSION}`);
});
