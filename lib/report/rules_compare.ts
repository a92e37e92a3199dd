import { RED, type TestResult } from "../pytest/results.ts";

/** A test that took clearly longer, or clearly less time, than in the other run. */
export interface Paced {
  readonly id: string;
  readonly before: number;
  readonly now: number;
}

/** A test whose outcome changed. */
export interface Turned {
  readonly id: string;
  /** Its outcome in the other run; null if that run did not have it. */
  readonly before: string | null;
  readonly now: string;
}

/** What differs between two runs. */
export interface Differences {
  /** Red now, and not red or not there before. */
  readonly broken: readonly Turned[];
  /** Red before, and a pass or an expected failure now. */
  readonly fixed: readonly Turned[];
  /** Ran before, and skipped now. */
  readonly skipped: readonly Turned[];
  /** How many are red in both. */
  readonly stillRed: number;
  readonly slower: readonly Paced[];
  readonly faster: readonly Paced[];
  /** Only in the later run, and only in the earlier one. */
  readonly added: readonly string[];
  readonly gone: readonly string[];
  /** Seconds of the tests that passed in both. */
  readonly seconds: readonly [before: number, now: number];
}

/** The least change of a duration to report: both a factor and seconds. */
export const WORTH = { factor: 1.5, seconds: 0.1 } as const;

/** A test, as far as it is compared. */
export type Compared = Pick<TestResult, "id" | "outcome" | "seconds" | "hasResult">;

/** Compares the tests of a run with those of an earlier one, as far as they have a result. */
export function compareRuns(before: Iterable<Compared>, now: Iterable<Compared>): Differences {
  const [old, current] = [byId(before), byId(now)];
  const turned = [...current.values()].map((test): Turned => (
    { id: test.id, before: old.get(test.id)?.outcome ?? null, now: test.outcome }
  ));
  const paired = [...current.values()].flatMap((test): Paced[] => {
    const other = old.get(test.id);
    const bothPassed = other?.outcome === "passed" && test.outcome === "passed";
    return bothPassed ? [{ id: test.id, before: other.seconds, now: test.seconds }] : [];
  });
  const sum = (of: (test: Paced) => number) => paired.reduce((total, test) => total + of(test), 0);
  const change = ({ before, now }: Paced) => Math.abs(now - before);
  const byChange = (tests: Paced[]) => tests.sort((a, b) => change(b) - change(a));
  return {
    broken: turned.filter((test) => isRed(test.now) && !isRed(test.before)),
    fixed: turned.filter((test) => isRed(test.before) && isGood(test.now)),
    skipped: turned.filter(({ before, now }) =>
      now === "skipped" && before !== null && before !== "skipped"
    ),
    stillRed: turned.filter((test) => isRed(test.now) && isRed(test.before)).length,
    slower: byChange(paired.filter(({ before, now }) => isLonger(now, before))),
    faster: byChange(paired.filter(({ before, now }) => isLonger(before, now))),
    added: turned.filter((test) => test.before === null).map((test) => test.id),
    gone: [...old.keys()].filter((id) => !current.has(id)),
    seconds: [sum((test) => test.before), sum((test) => test.now)],
  };
}

/** Tests that have a result. Of several with the same id the red one counts. */
function byId(tests: Iterable<Compared>): Map<string, Compared> {
  const found = new Map<string, Compared>();
  for (const test of tests) {
    if (test.hasResult && !isRed(found.get(test.id)?.outcome ?? null)) found.set(test.id, test);
  }
  return found;
}

function isLonger(one: number, other: number): boolean {
  return one >= other * WORTH.factor && one - other >= WORTH.seconds;
}

function isRed(outcome: string | null): boolean {
  return (RED as ReadonlySet<string | null>).has(outcome);
}

function isGood(outcome: string): boolean {
  return ["passed", "xfailed", "xpassed"].includes(outcome);
}
