import { bareOf, described, differTwice, modesOf, shrink } from "../differential/differential.ts";
import { ALONE } from "../differential/place.ts";
import { randomSuite } from "../differential/suite.ts";

const SUITES = 20;
const MODES_PER_SUITE = 2;
const NEEDS = ALONE === null ? " (needs namespaces)" : "";

/** Different suites each time; TRACTEST_SEED repeats those of a failed run. */
const SEED = Number(Deno.env.get("TRACTEST_SEED") ?? Math.floor(Math.random() * 2 ** 31));
if (ALONE !== null) console.log(`random suites: TRACTEST_SEED=${SEED} makes the same ones again`);

for (let index = 0; index < SUITES; index++) {
  Deno.test({
    name: `random suite ${index + 1} of ${SUITES} ends as pytest says, ` +
      `in ${MODES_PER_SUITE} of all modes in turn${NEEDS}`,
    ignore: ALONE === null,
    async fn() {
      const suite = randomSuite(SEED + index);
      const bare = await bareOf(suite);
      for (const mode of modesOf(index, MODES_PER_SUITE, SEED)) {
        const [first] = await differTwice(suite, bare, mode);
        if (first !== undefined) throw new Error(described(await shrink(suite, mode, first)));
      }
    },
  });
}
