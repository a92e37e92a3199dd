import { EXIT } from "../tables/exit_codes.ts";

/** What a coding agent may be about to do, and the command for it. */
export interface Situation {
  readonly when: string;
  /** As typed: TEST stands for a test, a file or a directory, WORD for a part of a test's name. */
  readonly command: string;
  /** Only in projects that use tractor. */
  readonly tractor?: true;
}

/** Every command that the guide names, in the order in which an agent needs them. */
export const SITUATIONS: readonly Situation[] = [
  {
    when: "before the first run, and after a run that was cut short: is anything left over?",
    command: "tractest zombies",
  },
  {
    when: "leftovers were found, and the user agreed to end them",
    command: "tractest zombies --kill",
  },
  {
    when: "which tests are there?",
    command: "tractest run --collect-only -q",
  },
  {
    when: "after a refactoring: does everything import, are all tests collected?",
    command: "tractest check",
  },
  { when: "the code has changed: the tests for it", command: "tractest affected --run" },
  { when: "a test, a file or a directory", command: "tractest run TEST" },
  { when: "tests by a part of their name", command: "tractest run -k WORD" },
  { when: "the whole suite", command: "tractest run" },
  { when: "the whole suite, while you do something else", command: "tractest run --bg" },
  { when: "how far is it?", command: "tractest status" },
  { when: "its exit code, when it has ended", command: "tractest wait" },
  { when: "its output", command: "tractest logs" },
  { when: "end it", command: "tractest stop" },
  { when: "what failed last, without running anything", command: "tractest failed" },
  { when: "only those again, after a fix", command: "tractest failed --run" },
  { when: "is the failing test known to be flaky?", command: "tractest flaky" },
  { when: "how often has it failed before?", command: "tractest history WORD" },
  { when: "it hangs: first try it without capture", command: "tractest run TEST -s" },
  { when: "it hangs now: what does it wait for?", command: "tractest hang" },
  { when: "it fails now and then", command: "tractest stress TEST --rounds 3" },
  { when: "it passes alone and fails among others", command: "tractest bisect TEST" },
  {
    when: "many tests fail alike, or a port is in use by another program",
    command: "tractest run --isolate",
  },
  { when: "the environment is in doubt", command: "tractest doctor" },
  {
    when: "timeouts come in waves, on unchanged code: is the machine slow?",
    command: "tractest doctor --cpu",
  },
  { when: "the project uses uv, and no venv may be made", command: "tractest run --uv-run" },
  { when: "facts for a program", command: "tractest run --json" },
  { when: "the core subset, for a quick answer", command: "tractest run core", tractor: true },
  { when: "over Unix sockets", command: "tractest run TEST --tpt-proto uds", tractor: true },
  { when: "with more of the actors' logs", command: "tractest run TEST --ll info", tractor: true },
  { when: "which directory tests what", command: "tractest layout", tractor: true },
];

/** pytest's own exit codes; 1 is one of {@linkcode EXIT} too. */
const PYTEST_ASKS = {
  2: "collection failed or pytest was interrupted: fix the import error before running any test",
  3: "pytest or a plugin broke: show the user the error",
  4: "pytest refused the command line: correct the option or the target",
  5: "no test was selected: correct the target",
  6: "more warnings than the project allows: report them",
} as const;

const ASKS: Readonly<Record<typeof EXIT[keyof typeof EXIT], string>> = {
  [EXIT.ok]: "report the counts in one line",
  [EXIT.testsFailed]:
    "report each failing test and its short error; `tractest flaky` first, then " +
    "start at the line that `changed:` names; without one report the last line",
  [EXIT.usage]: "correct the command line; the hint names the nearest option",
  [EXIT.toolMissing]: "ask the user to install the package that the message names",
  [EXIT.bug]: "show the user the message and the command line; do not try again",
  [EXIT.preflight]: "no test was started: do what `fix:` says; without a venv ask the user",
  [EXIT.leaksFound]: "show the user the pids and their commands, and offer `tractest zombies " +
    "--kill`; don't look for the cause in the tests",
  [EXIT.unverified]: "show the user what survived or could not be verified; leave it alone",
  [EXIT.isolationUnavailable]: "run without `--isolate`, or do what the hint says",
  [EXIT.leakedButPassed]: "not green: report the LEAK, FLAKY or CONTENTION lines",
  [EXIT.timeLimit]: "try the test that TIMEOUT names with `-s`, then `tractest hang`",
  [EXIT.interrupted]: "cut short: `tractest zombies` before the next run",
  [EXIT.quit]: "cut short: `tractest zombies` before the next run",
  [EXIT.terminated]: "cut short: `tractest zombies` before the next run",
};

/** What each exit code asks of an agent, by ascending code. */
export const EXIT_CODE_ASKS: readonly (readonly [number, string])[] = Object
  .entries({ ...PYTEST_ASKS, ...ASKS })
  .map(([code, asks]) => [Number(code), asks] as const)
  .sort(([one], [other]) => one - other);

/** What holds in every situation. */
export const RULES: readonly string[] = [
  "Never commit or stage. Leave each fix unstaged, say what changed, and let the user review it, " +
  "run `git add` and commit.",
  "Never create or choose a venv silently. If none fits, ask the user: create or sync it " +
  "(`tractest run --sync`), or activate their own first. In a git worktree `tractest doctor` " +
  "proves that the package comes from this checkout.",
  "Check flaky first. A failure marked `[known flaky]` or `[likely timing]` (TooSlowError, " +
  "TIMEOUT) in code that you did not touch is not yours: note it and continue.",
  "`-s` first. A test that hangs and passes with `-s` fills pytest's capture pipe: lower the log " +
  "level or redirect the children's output, and look no further.",
  "Many tests that fail alike (connection refused, address in use, timeouts) have one cause " +
  "outside the tests: `tractest zombies` before you read test code.",
  "Never end a process or remove a socket by other means (`pkill`, `kill`, `rm`): " +
  "`tractest zombies --kill` sends SIGINT first and ends only what is proven to be left over; " +
  "what it refuses is in use.",
  "A run may take 10 minutes, one of a single file 2: give your tool that long, or use `--bg` " +
  "and `tractest wait`.",
  "A debugger (`--pdb`) needs a terminal: give the user the command instead.",
];
