/** One sitting: a suite in each mode, in turn. */

import { failsAlone, type Place, runSuite, startOnce } from "./run_suite.ts";
import { COMPARED, differences, type ModeName, type Sitting, type SuiteRun } from "./results.ts";

/** How many differing tests of a suite are run again alone, and how often each. */
const MOST_AGAIN = 30;
const TIMES_ALONE = 3;

/**
 * Runs a suite in each mode, those whose speed is compared in so many rounds, then each test whose
 * verdict differs alone.
 */
export async function sit(
  place: Place,
  modes: readonly ModeName[],
  rounds: number,
  note: (text: string) => void,
): Promise<Sitting> {
  await Deno.mkdir(`${place.scratch}/home`, { recursive: true });
  await startOnce(place);
  const { suite } = place;
  const runs: SuiteRun[] = [];
  for (let round = 0; round < rounds; round++) {
    for (const mode of modes.filter((one) => round === 0 || COMPARED.includes(one))) {
      const run = await runSuite(place, mode);
      runs.push(run);
      note(`${suite.name} ${mode}: exit ${run.code ?? "limit"}, ${run.seconds.toFixed(1)} s`);
    }
  }
  const alone = new Map<string, { failed: number; of: number }>();
  const ids = new Set(differences(runs).map(({ id }) => id));
  for (const id of [...ids].slice(0, MOST_AGAIN)) {
    note(`${suite.name}: ${id} again, alone`);
    alone.set(id, await failsAlone(place, id, TIMES_ALONE));
  }
  return { suite, runs, alone };
}
