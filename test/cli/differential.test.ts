import { bareOf, described, differTwice, modesOf, shrink } from "../differential/differential.ts";
import { ALONE } from "../differential/place.ts";
import { randomSuite } from "../differential/suite.ts";

const SUITES = 20;
const MODES_PER_SUITE = 3;

/** Other suites each time; TRACTEST_SEED gives those of a run that failed. */
const SEED = Number(Deno.env.get("TRACTEST_SEED") ?? Math.floor(Math.random() * 2 ** 31));

Deno.test({
  name: ALONE === null ? "random suites end as pytest says, in every mode (needs namespaces)" : "random suites end as pytest says, in every mode",
  ignore: ALONE === null,
  async fn() {
    console.log(`suites from seed ${SEED}: TRACTEST_SEED=${SEED} runs them again`);
    for (let index = 0; index < SUITES; index++) {
      const suite = randomSuite(SEED + index);
      const bare = await bareOf(suite);
      for (const mode of modesOf(index, MODES_PER_SUITE, SEED)) {
        const [first] = await differTwice(suite, bare, mode);
        if (first === undefined) continue;
        throw new Error(described(await shrink(suite, mode, first)));
      }
    }
  },
});
