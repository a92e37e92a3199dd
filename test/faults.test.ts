import { sourceFiles } from "../scripts/check_imports.ts";
import { assertEquals } from "./assert.ts";

/** The numbers at the beginning of the lines of FAULTS.md. */
async function listedFaults(): Promise<number[]> {
  const text = await Deno.readTextFile(new URL("FAULTS.md", import.meta.url));
  return [...text.matchAll(/^(\d+)\. /gm)].map(([, number]) => Number(number));
}

/** The numbers in the names of tests: `fault 3: …`, `faults 27, 29: …`. */
async function testedFaults(): Promise<Set<number>> {
  const root = new URL("..", import.meta.url).pathname;
  const tested = new Set<number>();
  for (const path of await sourceFiles(["test"], root)) {
    if (!path.endsWith(".test.ts")) continue;
    const source = await Deno.readTextFile(`${root}/${path}`);
    for (const [, numbers] of source.matchAll(/["'`]faults? (\d+(?:, \d+)*): /g)) {
      for (const number of numbers!.split(", ")) tested.add(Number(number));
    }
  }
  return tested;
}

Deno.test("the faults are numbered from 1 without a gap", async () => {
  const faults = await listedFaults();
  assertEquals(faults, faults.map((_, index) => index + 1));
});

Deno.test("every fault has a test named by its number, and no test names another", async () => {
  const [faults, tested] = [await listedFaults(), await testedFaults()];
  assertEquals(faults.filter((fault) => !tested.has(fault)), []);
  assertEquals([...tested].filter((fault) => !faults.includes(fault)), []);
});
