import { COMMANDS } from "../../lib/command_line/verbs.ts";
import { assert, assertEquals } from "../assert.ts";

const BUNDLE = "dist/bundle";

/** Commands that a person or a hook waits for: they may load nothing that costs 20 ms. */
const QUICK = ["failed", "zombies", "version", "help", "layout"];

Deno.test(
  "each command is a chunk of its own, so that it is loaded only " +
    "when it is called",
  async () => {
    const names = [...Deno.readDirSync(BUNDLE)].map((entry) => entry.name);
    const main = await Deno.readTextFile(`${BUNDLE}/main.js`);
    for (const { name } of COMMANDS) {
      assert(names.some((file) => file.startsWith(`${name}-`)), `no chunk for ${name}`);
      assert(
        !staticImports(main).some((file) => file.startsWith(`${name}-`)),
        `${name} is loaded by every command`,
      );
    }
  },
);

Deno.test("nothing on the way to a quick command imports a node: module or a prompt", async () => {
  for (const name of QUICK) {
    const chunk = [...Deno.readDirSync(BUNDLE)].map((entry) => entry.name).find((file) =>
      file.startsWith(`${name}-`)
    )!;
    const loaded = new Set([...await closure("main.js"), ...await closure(chunk)]);
    const offenders: string[] = [];
    for (const file of loaded) {
      const source = await Deno.readTextFile(`${BUNDLE}/${file}`);
      if (
        staticImports(source).some((specifier) => specifier.startsWith("node:")) ||
        /createRequire|clack:cancel/.test(source)
      ) offenders.push(file);
    }
    assertEquals(offenders, [], `loaded by ${name}`);
  }
});

Deno.test("the bundle imports nothing from outside of itself but node: modules", async () => {
  for (const entry of Deno.readDirSync(BUNDLE)) {
    for (const specifier of staticImports(await Deno.readTextFile(`${BUNDLE}/${entry.name}`))) {
      assert(
        specifier.startsWith("node:") ||
          [...Deno.readDirSync(BUNDLE)].some((file) => file.name === specifier),
        `${entry.name} imports ${specifier}`,
      );
    }
  }
});

Deno.test("no chunk names a lazy one where Deno would load it ahead", async () => {
  let lazy = 0;
  for (const entry of Deno.readDirSync(BUNDLE)) {
    const source = await Deno.readTextFile(`${BUNDLE}/${entry.name}`);
    assertEquals(source.match(/\bimport\(\s*["'`]/), null, entry.name);
    lazy += source.match(/\bimport\(\(0,"/g)?.length ?? 0;
  }
  assert(lazy >= COMMANDS.length, "the lazy imports have another form now");
});

/** A chunk and everything that is loaded with it. */
async function closure(file: string, seen = new Set<string>()): Promise<Set<string>> {
  if (seen.has(file)) return seen;
  seen.add(file);
  for (const specifier of staticImports(await Deno.readTextFile(`${BUNDLE}/${file}`))) {
    if (!specifier.startsWith("node:")) await closure(specifier, seen);
  }
  return seen;
}

/**
 * What a chunk imports when it is loaded, without the `./`; a dynamic `import(…)` comes later or
 * never.
 */
function staticImports(source: string): string[] {
  const pattern = /\b(?:import|export)(?:[\w$*{},\s]*\bfrom)?\s*["']([^"']+)["']/g;
  return [...source.matchAll(pattern)].map((match) => match[1]!.replace(/^\.\//, "")).filter((
    name,
  ) => /^(node:|[\w-]+\.js$)/.test(name));
}
