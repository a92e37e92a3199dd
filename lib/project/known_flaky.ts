/**
 * A test whose failure is known and not caused by current changes, when it fails in the known way.
 */
export interface KnownFlakyRow {
  /**
   * Path below the tests directory and test name, brackets left out unless they matter:
   * `test_rpc.py::test_x`.
   */
  readonly test: string;
  /**
   * How it fails: the name of an error's class, or the end of one (`TooSlowError`); anything else
   * is a text that the failure's message has to contain.
   */
  readonly error: string;
  readonly notes: string;
}

/**
 * The known-flaky tests of tractor's own suite. Rows of `[tool.tractest] known-flaky` are added to
 * these.
 */
export const KNOWN_FLAKY = [
  {
    test: "devx/test_debugger.py::test_multi_nested_subactors_error_through_nurseries",
    error: "TIMEOUT",
    notes: "pexpect TIMEOUT: debugger timing under pexpect",
  },
  {
    test: "test_cancellation.py::test_cancel_via_SIGINT_other_task",
    error: "TooSlowError",
    notes: "signal handling race",
  },
  {
    test: "test_inter_peer_cancellation.py::test_peer_spawns_and_cancels_service_subactor",
    error: "TooSlowError",
    notes: "async timing, all parametrizations",
  },
  {
    test: "test_docs_examples.py::test_example[we_are_processes.py]",
    error: "assert None == 0",
    notes: "`__main__` misses `__file__` in the subprocess",
  },
] as const satisfies readonly KnownFlakyRow[];

/**
 * Error classes that mean "the machine was too slow": in a code path that nobody touched, such a
 * failure is flaky.
 */
export const TIMING_ERRORS = [
  "trio.TooSlowError",
  "tractor._exceptions.ActorTooSlowError",
  "pexpect.exceptions.TIMEOUT",
] as const;
