import { assertEquals } from "./assert.ts";

/** How many cases the fault list has that this project has to survive. */
const FAULTS = 79;

/** Every file with tests below a directory. */
async function* testFiles(directory: URL): AsyncGenerator<URL> {
  for await (const entry of Deno.readDir(directory)) {
    if (entry.isDirectory && !["sample", "fixtures"].includes(entry.name)) {
      yield* testFiles(new URL(`${entry.name}/`, directory));
    } else if (entry.name.endsWith(".test.ts") && !import.meta.url.endsWith(`/${entry.name}`)) {
      yield new URL(entry.name, directory);
    }
  }
}

Deno.test("every fault of the list has a test that is named by its number", async () => {
  const tested = new Set<number>();
  for await (const file of testFiles(new URL("./", import.meta.url))) {
    for (
      const [, numbers] of (await Deno.readTextFile(file)).matchAll(
        /["'`]faults? (\d+(?:, \d+)*): /g,
      )
    ) {
      for (const number of numbers!.split(", ")) tested.add(Number(number));
    }
  }
  assertEquals(
    Array.from({ length: FAULTS }, (_, index) => index + 1).filter((fault) => !tested.has(fault)),
    [],
  );
});
