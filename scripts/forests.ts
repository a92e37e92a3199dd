/** Starts random process forests and reports the results; see `scripts/forests`. */

import { describeFailure, describeLeast, growAll, makeKit } from "../test/forests/forest.ts";
import type { Forest } from "../test/forests/plan.ts";

/** How many forests there are unless a number is given. */
const COUNT = 500;

const { seed, many, shrinks } = read(Deno.args);
const kit = await makeKit();
const bad: Forest[] = [];
const sums = await growAll(seed, many, kit, (forest, outcome) => {
  bad.push(forest);
  console.log(describeFailure(forest, outcome));
});
if (shrinks && bad.length > 0) console.log(await describeLeast(bad[0]!, kit));
console.log(sums.text());
Deno.exit(sums.failed === 0 ? 0 : 1);

/** The requested forests: one seed, or many from a new one. */
function read(words: readonly string[]): { seed: number; many: number; shrinks: boolean } {
  const numbers = words.filter((word) => /^\d+$/.test(word)).map(Number);
  const named = words.indexOf("--seed");
  const known = words.every((word) =>
    /^\d+$/.test(word) || ["--seed", "--no-shrink"].includes(word)
  );
  if (
    !known || numbers.length > (named < 0 ? 1 : 2) ||
    (named >= 0 && !/^\d+$/.test(words[named + 1] ?? ""))
  ) {
    console.error("usage: scripts/forests [COUNT] [--seed N] [--no-shrink]");
    Deno.exit(64);
  }
  const rest = named < 0 ? words : words.toSpliced(named, 2);
  const asked = rest.find((word) => /^\d+$/.test(word));
  return {
    seed: named < 0 ? Math.floor(Math.random() * 2 ** 31) : Number(words[named + 1]),
    many: asked === undefined ? (named < 0 ? COUNT : 1) : Number(asked),
    shrinks: !words.includes("--no-shrink"),
  };
}
