/**
 * The environment variable that marks every process started by a run: children inherit it.
 */
export const RUN_COOKIE = "TRACTEST_RUN";
/** The variable in which pytest names the running test; what that test starts inherits it. */
export const TEST_COOKIE = "PYTEST_CURRENT_TEST";

/**
 * The origin of a process, from the environment that it was started with. At least one is not null.
 */
export interface Mark {
  /** The run in which a test or pytest itself started it. */
  readonly runId: string | null;
  /** Pytest's id of the test that started it. */
  readonly test: string | null;
}

/** Characters kept of a test's id. */
const TEXT_LIMIT = 500;

/**
 * The id of a run from {@linkcode RUN_COOKIE}; null if another program gave that variable another
 * meaning.
 */
export function runIdOf(value: string): string | null {
  return /^[0-9a-zA-Z-]{1,64}$/.test(value) ? value : null;
}

/** The test id in `tests/test_a.py::test_a (call)`; null for a value that pytest did not write. */
export function testIdOf(value: string): string | null {
  const id = /^(.+) \((?:setup|call|teardown)\)$/s.exec(value)?.[1];
  return id?.slice(0, TEXT_LIMIT) ?? null;
}

/** Children of a fork server have its environment, which names the test that used it first. */
const FORKED_BY_SERVER = /\bfrom [\w.]*(forkserver|_forkserver_override) import /;

/**
 * The test that started a process of that title, from its mark; null if it got the mark from a fork
 * server.
 */
export function startedBy({ test }: Mark, title: string): string | null {
  return FORKED_BY_SERVER.test(title) ? null : test;
}
