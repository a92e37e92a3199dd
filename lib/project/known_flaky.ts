import type { Profile } from "./rules_profile.ts";

/** A test that is known to fail at times, in a known way, whatever was changed. */
export interface KnownFlakyRow {
  /** Path below the tests directory, and test name: `test_rpc.py::test_x`, or `…::test_x[a]`. */
  readonly test: string;
  /** An error class or the end of its name (`TooSlowError`), or a text in the message. */
  readonly error: string;
  readonly notes: string;
}

/** The known-flaky tests of tractor's own suite; `[tool.tractest] known-flaky` adds more. */
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

/** Error classes that mean "too slow". In code that was not changed, such a failure is flaky. */
export const TIMING_ERRORS = [
  "trio.TooSlowError",
  "tractor._exceptions.ActorTooSlowError",
  "pexpect.exceptions.TIMEOUT",
] as const;

/** Those of {@linkcode TIMING_ERRORS} that a project of this profile can raise. */
export function timingErrorsOf(profile: Profile): readonly string[] {
  return TIMING_ERRORS.filter((error) => profile === "tractor" || !error.startsWith("tractor."));
}
