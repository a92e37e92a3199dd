/** Grows random process forests and says what came of them; see `scripts/forests`. */

import { describeFailure, grow, makeKit, smallest, Sums } from "../test/forests/forest.ts";
import { describe, forestOf } from "../test/forests/plan.ts";

/** Forests of a soak. */
const COUNT = 500;

const { seed, many, shrinks } = read(Deno.args);
const kit = await makeKit();
const sums = new Sums();
for (let at = 0; at < many; at++) {
  const forest = forestOf(seed + at);
  const outcome = await grow(forest, kit);
  sums.add(outcome);
  if (outcome.problems.length === 0) continue;
  console.log(describeFailure(forest, outcome));
  if (!shrinks) continue;
  const least = await smallest(forest, kit);
  console.log(`  the least that shows it:\n${describe(least.forest)}\n  ${least.outcome.problems.join("\n  ")}`);
}
console.log(sums.text());
Deno.exit(sums.failed === 0 ? 0 : 1);

/** What was asked for: one seed, or many from a fresh one. */
function read(words: readonly string[]): { seed: number; many: number; shrinks: boolean } {
  const numbers = words.filter((word) => /^\d+$/.test(word)).map(Number);
  const named = words.indexOf("--seed");
  const known = words.every((word) => /^\d+$/.test(word) || ["--seed", "--no-shrink"].includes(word));
  if (!known || numbers.length > (named < 0 ? 1 : 2) || (named >= 0 && !/^\d+$/.test(words[named + 1] ?? ""))) {
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
