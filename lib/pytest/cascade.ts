import type { TestResult } from "./results.ts";

/** Failures with a common cause: an earlier test left trio running in their process. */
export interface Cascade {
  /** The test that ran right before the first of them in the same process; null when unknown. */
  readonly culprit: string | null;
  /** Ids, in the order in which they ran. */
  readonly poisoned: readonly string[];
}

/** trio's error in every test after one that was torn out of its event loop. */
const POISON = "Attempted to call run() from inside a run()";

/**
 * Finds tests that failed only because trio still ran in their process, and the test before them.
 *
 * @param tests in the order in which they began
 */
export function findCascades(tests: Iterable<TestResult>): Cascade[] {
  const cascades = new Map<string, { culprit: string | null; poisoned: string[] }>();
  const before = new Map<string, string>();
  for (const { id, attempts } of tests) {
    const attempt = attempts.at(-1);
    if (!attempt) continue;
    const { session, failure } = attempt;
    const isPoisoned = failure !== null &&
      (failure.message.includes(POISON) || failure.traceback.includes(POISON));
    if (!isPoisoned) before.set(session, id);
    else {
      const culprit = before.get(session) ?? null;
      const key = `${session} ${culprit}`;
      const cascade = cascades.get(key) ?? { culprit, poisoned: [] };
      cascade.poisoned.push(id);
      cascades.set(key, cascade);
    }
  }
  return [...cascades.values()];
}
