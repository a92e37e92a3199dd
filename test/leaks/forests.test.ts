import { assertEquals } from "../assert.ts";
import { describeFailure, grow, makeKit, smallest, Sums } from "../forests/forest.ts";
import { describe, forestOf } from "../forests/plan.ts";
import { isRoot } from "./scene.ts";

const FORESTS = 10;
const FIRST = 675201726;

Deno.test({
  name: `in random process forests all that provably leaked is found and ended, and nothing else${isRoot ? "" : " (needs root)"}`,
  ignore: !isRoot,
  fn: async (test) => {
    const seed = FIRST;
    const kit = await makeKit();
    const sums = new Sums();
    for (let at = 0; at < FORESTS; at++) {
      const forest = forestOf(seed + at);
      const outcome = await grow(forest, kit);
      sums.add(outcome);
      if (outcome.problems.length === 0) continue;
      const least = await smallest(forest, kit);
      const told = `${describeFailure(forest, outcome)}\nthe least that shows it:\n${describe(least.forest)}\n  ${
        least.outcome.problems.join("\n  ")
      }`;
      throw new Error(told);
    }
    // The name of a step is what a quiet test run prints.
    await test.step(`${sums.text()} (seeds from ${seed})`, () => assertEquals([sums.failed, sums.harmed], [0, 0]));
  },
});
