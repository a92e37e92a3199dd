import { assertEquals } from "../assert.ts";
import { describeFailure, describeLeast, growAll, makeKit } from "../forests/forest.ts";
import type { Forest } from "../forests/plan.ts";
import { isRoot } from "./scene.ts";

const FORESTS = 40;
const NEEDS_ROOT = isRoot ? "" : " (needs root)";

Deno.test({
  name: `in random process forests exactly the provable leaks are ended${NEEDS_ROOT}`,
  ignore: !isRoot,
  fn: async (test) => {
    const seed = crypto.getRandomValues(new Uint32Array(1))[0]! >>> 1;
    const kit = await makeKit();
    const failures: string[] = [];
    const bad: Forest[] = [];
    const sums = await growAll(seed, FORESTS, kit, (forest, outcome) => {
      failures.push(describeFailure(forest, outcome));
      bad.push(forest);
    });
    if (bad.length > 0) failures.push(await describeLeast(bad[0]!, kit));
    // The name of a step is what a quiet test run prints.
    await test.step(`${sums.text()} (seeds from ${seed})`, () =>
      assertEquals([sums.failed, sums.harmed], [0, 0], failures.join("\n")));
  },
});
