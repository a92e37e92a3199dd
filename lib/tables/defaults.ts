/**
 * The default registry address of tractor; the Unix one is
 * `registry@1616.sock` in a socket directory.
 */
export const DEFAULT_REGISTRY = "127.0.0.1:1616";

/** Where a run puts its venv: `py313` for Python 3.13. */
export const DEFAULT_VENV = "py<MINOR>";

/** Named targets: the tests of `tractest run NAME`. */
export const DEFAULT_TARGETS: Readonly<Record<string, readonly string[]>> = {
  core: ["test_local.py", "test_rpc.py", "test_spawning.py", "discovery/test_registrar.py"],
};

/** pytest's options that are always given unless their counterpart is. */
export const DEFAULT_FLAGS = ["-x", "--tb=short", "--no-header"] as const;

/** Seconds that a run may take: the whole suite, and when all targets lie in one file. */
export const TIME_LIMITS = { full: 600, file: 120 } as const;

/**
 * A run is cut at a limit that was not typed only if no test and no phase of a fixture has ended
 * for so many seconds.
 */
export const QUIET_SECONDS = 120;

/** Seconds between SIGINT and SIGKILL: ten checks, 0.3 s apart. */
export const GRACE_SECONDS = 3;

/**
 * Seconds that pytest may take to exit after its report: coverage reports and the like are made
 * there.
 */
export const EXIT_SECONDS = 30;

/**
 * What is kept in the history: runs of the project, their age in days, and megabytes of the
 * database. A full suite a day for years fits.
 */
export const HISTORY_LIMITS = { runs: 10_000, days: 730, megabytes: 500 } as const;

/** Limits for the files of past runs: number of runs, age in days, total bytes. */
export const KEPT_RUNS = { count: 50, days: 30, bytes: 500_000_000 } as const;

/** Seconds that a run gets after each signal of `stop`, for pytest's report and the clean-up. */
export const STOP_SECONDS = 10;

/** What can show a run while it lasts. */
export const UIS = ["pytest", "bar", "agent"] as const;

/** How often a failed test may run again, at most. */
export const MOST_RETRIES = 1000;
