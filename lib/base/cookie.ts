/**
 * The variable by which what a run's tests start is known: everything that is started inherits it.
 */
export const RUN_COOKIE = "TRACTEST_RUN";
/** Where pytest itself says which test runs, for what that test starts. */
export const TEST_COOKIE = "PYTEST_CURRENT_TEST";

/**
 * What the environment that a process was started with says of its origin. At least one of them is
 * there.
 */
export interface Mark {
  /** The run of which a test, or pytest itself, started it. */
  readonly runId: string | null;
  /** The test that started it, by pytest's id. */
  readonly test: string | null;
}

/** Characters of a test's id that are kept. */
const TEXT_LIMIT = 500;

/**
 * The id of a run as {@linkcode RUN_COOKIE} has it; null where others gave the variable another
 * meaning.
 */
export function runIdOf(value: string): string | null {
  return /^[0-9a-zA-Z-]{1,64}$/.test(value) ? value : null;
}

/** The id of the test in `tests/test_a.py::test_a (call)`; null where pytest did not write that. */
export function testIdOf(value: string): string | null {
  const id = /^(.+) \((?:setup|call|teardown)\)$/s.exec(value)?.[1];
  return id?.slice(0, TEXT_LIMIT) ?? null;
}

/** Children of a fork server have its environment: of the test that used it first. */
const FORKED_BY_SERVER = /\bfrom [\w.]*(forkserver|_forkserver_override) import /;

/**
 * The test that started a process of that title, as its mark says; null where the mark is another
 * process's.
 */
export function startedBy({ test }: Mark, title: string): string | null {
  return FORKED_BY_SERVER.test(title) ? null : test;
}
