import { COMMAND_NAMES, type CommandName } from "../../lib/cli.ts";
import { assert, assertEquals } from "../assert.ts";

const BUNDLE = "dist/bundle";

/** Commands for which a person or a hook waits: they may load nothing that takes 20 ms. */
const QUICK: readonly CommandName[] = ["failed", "zombies", "version", "help", "layout"];

const MAIN = await Deno.readTextFile(`${BUNDLE}/main.js`);

/** The chunk that the table of verbs loads for a command. */
function chunkOf(name: CommandName): string {
  const loader = new RegExp(
    `[{,]"?${name}"?:async\\(\\)=>\\(await import\\(\\(0,"\\./([\\w-]+\\.js)"`,
  );
  const chunk = loader.exec(MAIN)?.[1];
  assert(chunk !== undefined, `main.js has no loader of ${name}`);
  return chunk;
}

Deno.test(
  "each command is a chunk of its own, loaded only when the command is called",
  () => {
    const chunks = COMMAND_NAMES.map(chunkOf);
    assertEquals(new Set(chunks).size, COMMAND_NAMES.length);
    for (const file of staticImports(MAIN)) assert(!chunks.includes(file), file);
  },
);

Deno.test("no quick command imports a node: module or the prompt library", async () => {
  for (const name of QUICK) {
    const loaded = new Set([...await closure("main.js"), ...await closure(chunkOf(name))]);
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

Deno.test("the bundle imports nothing from outside but node: modules", async () => {
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

Deno.test("no chunk names a lazy chunk in a way that makes Deno preload it", async () => {
  let lazy = 0;
  for (const entry of Deno.readDirSync(BUNDLE)) {
    const source = await Deno.readTextFile(`${BUNDLE}/${entry.name}`);
    assertEquals(source.match(/\bimport\(\s*["'`]/), null, entry.name);
    lazy += source.match(/\bimport\(\(0,"/g)?.length ?? 0;
  }
  assert(lazy >= COMMAND_NAMES.length, "the lazy imports have another form now");
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
