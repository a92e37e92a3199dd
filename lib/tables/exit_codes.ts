/**
 * Every exit code of tractest. pytest's own 0 to 6 pass through from `run`; tractest's verdicts
 * stay apart from them. The help pages and the documentation are checked against {@linkcode
 * EXIT_CODE_MEANINGS}.
 */
export const EXIT = {
  ok: 0,
  testsFailed: 1,
  usage: 64,
  toolMissing: 69,
  bug: 70,
  preflight: 80,
  leaksFound: 81,
  unverified: 82,
  isolationUnavailable: 83,
  leakedButPassed: 84,
  timeLimit: 124,
  interrupted: 130,
  quit: 131,
  terminated: 143,
} as const;

/** pytest's own exit codes besides those of {@linkcode EXIT}, from its `ExitCode`. */
export const PYTEST_EXIT = { interrupted: 2, internalError: 3, usage: 4, noTests: 5 } as const;

/** A process exit code, 0 to 255: pytest's own or one of {@linkcode EXIT}. */
export type ExitCode = number;

/** The signals that end a run, first politely, and its exit code then. */
export const ENDING_SIGNALS = {
  SIGINT: EXIT.interrupted,
  SIGQUIT: EXIT.quit,
  SIGTERM: EXIT.terminated,
  SIGHUP: EXIT.terminated,
} as const;

/** One of {@linkcode ENDING_SIGNALS}. */
export type EndingSignal = keyof typeof ENDING_SIGNALS;

/** All of {@linkcode ENDING_SIGNALS}. */
export const ENDING_SIGNAL_NAMES = Object.keys(ENDING_SIGNALS) as readonly EndingSignal[];

/** What each code means, as help and README print it. */
export const EXIT_CODE_MEANINGS = [
  { code: EXIT.ok, meaning: "success" },
  {
    code: EXIT.testsFailed,
    meaning: "tests failed (pytest's own codes 1 to 6, and a plugin's, pass through from `run`)",
  },
  { code: EXIT.usage, meaning: "usage error of tractest" },
  { code: EXIT.toolMissing, meaning: "a required tool is missing (the message names its package)" },
  { code: EXIT.bug, meaning: "a bug in tractest" },
  { code: EXIT.preflight, meaning: "preflight failed: the environment, not the tests" },
  {
    code: EXIT.leaksFound,
    meaning: "leaked processes, a held registry or stale sockets were found",
  },
  {
    code: EXIT.unverified,
    meaning: "leaks survived the clean-up, or something could not be verified",
  },
  { code: EXIT.isolationUnavailable, meaning: "the requested isolation is not available here" },
  {
    code: EXIT.leakedButPassed,
    meaning: "tests passed, but leaked, hung at exit or passed only when retried",
  },
  { code: EXIT.timeLimit, meaning: "time limit" },
  { code: EXIT.interrupted, meaning: "interrupted (SIGINT)" },
  { code: EXIT.quit, meaning: "quit (SIGQUIT, Ctrl-\\ at a terminal)" },
  { code: EXIT.terminated, meaning: "terminated (SIGTERM)" },
] as const satisfies readonly { code: ExitCode; meaning: string }[];
