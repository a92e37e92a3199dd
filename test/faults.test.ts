import { assertEquals } from "./assert.ts";

/** The cases of the fault list that this project has to survive, by their numbers there. */
const FAULTS = [...range(1, 39), ...range(45, 56)];

/** Of those, the ones of what does not exist yet. */
const LATER: ReadonlyMap<number, string> = new Map();

function range(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}

/** Every file with tests below a directory. */
async function* testFiles(directory: URL): AsyncGenerator<URL> {
  for await (const entry of Deno.readDir(directory)) {
    if (entry.isDirectory && !["sample", "fixtures"].includes(entry.name)) yield* testFiles(new URL(`${entry.name}/`, directory));
    else if (entry.name.endsWith(".test.ts") && !import.meta.url.endsWith(`/${entry.name}`)) yield new URL(entry.name, directory);
  }
}

Deno.test("every fault of the list has a test that is named by its number", async () => {
  const tested = new Set<number>();
  for await (const file of testFiles(new URL("./", import.meta.url))) {
    for (const [, number] of (await Deno.readTextFile(file)).matchAll(/["'`]fault (\d+): /g)) tested.add(Number(number));
  }
  assertEquals(FAULTS.filter((fault) => !tested.has(fault) && !LATER.has(fault)), []);
});
