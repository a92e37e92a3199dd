/**
 * One option of one or more commands. The table drives parsing, validation, help and completions.
 */
export interface OptionRow {
  /** Without the dashes. */
  readonly name: string;
  /** One letter, without the dash. */
  readonly short?: string;
  /**
   * `flag` takes no value, `value` one, `values` one each time it is given; `optional` one after
   * `=`, or else {@linkcode otherwise}.
   */
  readonly kind: "flag" | "value" | "values" | "optional";
  /** What an `optional` one that has no value stands for. */
  readonly otherwise?: string;
  /** Words `KEY=…` right after its value are more values of it. */
  readonly pairs?: boolean;
  readonly metavar?: string;
  /** The only values that are allowed. */
  readonly choices?: readonly string[];
  /** Commands that take it; `*` for all. */
  readonly commands: readonly string[] | "*";
  readonly help: string;
  /** Between tractests: neither help nor completions tell people of it. */
  readonly hidden?: boolean;
}

/** Commands about runs that are under way. */
const WATCHERS = ["status", "wait", "stop"] as const;

/** Commands that run pytest, once or several times. */
const RUNS = ["run", "bisect", "stress"] as const;
const REPORTS = [
  ...RUNS,
  "merge",
  "doctor",
  "zombies",
  "failed",
  "affected",
  "check",
  "layout",
  "flaky",
  "history",
  "slow",
  "hang",
  "version",
  "permissions",
  "hooks",
  ...WATCHERS,
] as const;

/** Every option of tractest. pytest's own options are in `pytest_options.ts`. */
export const OPTIONS = [
  // Every command
  {
    name: "help",
    short: "h",
    kind: "flag",
    commands: "*",
    help: "show usage, options, examples and exit codes",
  },
  {
    name: "directory",
    short: "C",
    kind: "value",
    metavar: "DIR",
    commands: "*",
    help: "work as if started in DIR",
  },
  {
    name: "color",
    kind: "value",
    metavar: "WHEN",
    choices: ["auto", "always", "never"],
    commands: "*",
    help: "colour of our own text and of pytest's",
  },
  {
    name: "verbose",
    short: "v",
    kind: "flag",
    commands: "*",
    help: "also print every program that is run, with its arguments, and why",
  },
  { name: "json", kind: "flag", commands: REPORTS, help: "one JSON document on standard output" },
  {
    name: "yes",
    short: "y",
    kind: "flag",
    commands: [...RUNS, "check", "doctor", "zombies", "failed", "affected", "hang"],
    help: "answer yes to every question",
  },
  {
    name: "dry-run",
    short: "n",
    kind: "flag",
    commands: ["doctor", "zombies", "failed", "affected", "hooks", "stop"],
    help: "show what would be done and do nothing",
  },
  // In a run `-n` is pytest-xdist's.
  { name: "dry-run", kind: "flag", commands: ["run"], help: "print the command and start nothing" },

  // run
  {
    name: "ll",
    kind: "value",
    metavar: "LEVEL",
    commands: RUNS,
    help: "tractor's log level: error, info, debug, runtime …",
  },
  {
    name: "tpdb",
    kind: "flag",
    commands: ["run"],
    help: "tractor's multi-process debugger: keeps the terminal, implies -s, no time limit",
  },
  { name: "debug-mode", kind: "flag", commands: ["run"], help: "the same as --tpdb" },
  {
    name: "tpt-proto",
    kind: "values",
    choices: ["tcp", "uds"],
    commands: RUNS,
    help: "IPC transport",
  },
  {
    name: "spawn-backend",
    kind: "value",
    metavar: "BACKEND",
    commands: RUNS,
    help: "how actors are started: trio, mp_spawn, mp_forkserver, as far as the checkout has them",
  },
  {
    name: "timeout",
    kind: "value",
    metavar: "SECONDS",
    commands: RUNS,
    help: "time limit from outside pytest; 0: none (600 for all, 120 for one file)",
  },
  {
    name: "test-timeout",
    kind: "value",
    metavar: "SECONDS",
    commands: RUNS,
    help:
      "time limit of each test, from outside pytest: what hangs is ended with its tree and reported",
  },
  {
    name: "exit-timeout",
    kind: "value",
    metavar: "SECONDS",
    commands: RUNS,
    help: "how long pytest may take to exit after its report, before it is ended (30)",
  },
  {
    name: "resume",
    kind: "flag",
    commands: ["run"],
    help:
      "run the rest in a fresh pytest after a test that hung or crashed (default for the full suite without -x)",
  },
  {
    name: "retries",
    kind: "value",
    metavar: "N",
    commands: ["run"],
    help:
      "try a failed test again up to N times, in a fresh pytest each time: FLAKY if it passes then",
  },
  {
    name: "isolate",
    kind: "optional",
    otherwise: "always",
    choices: ["always", "auto"],
    commands: RUNS,
    help:
      "pytest in namespaces of its own: its own registry port, sockets, shared memory, and nothing outlives it; auto: where that can be had",
  },
  {
    name: "no-isolate",
    kind: "flag",
    commands: RUNS,
    help: "none of that, whatever the configuration says",
  },
  {
    name: "affected",
    kind: "flag",
    commands: ["run"],
    help:
      "first the tests that the current changes bear on, as `affected` lists them, then the rest",
  },
  { name: "only", kind: "flag", commands: ["run"], help: "with --affected: stop there" },
  {
    name: "jobs",
    kind: "value",
    metavar: "N",
    commands: ["run"],
    help:
      "N pytests at once, or auto, that share the tests, longest first, each isolated; what fails beside others is tried again alone",
  },
  {
    name: "matrix",
    kind: "values",
    pairs: true,
    metavar: "KEY=V1,V2",
    commands: ["run"],
    help:
      "run every combination of tpt-proto=…, spawn-backend=… and python=…, and say what differs; --jobs N: so many at once",
  },
  {
    name: "diff",
    kind: "flag",
    commands: ["run"],
    help: "with --matrix: all tests that did not end alike in all cells, and what explains it",
  },
  {
    name: "shard",
    kind: "value",
    metavar: "K/N",
    commands: ["run"],
    help: "only the Kth of N parts of the suite, for one of N machines",
  },
  {
    name: "durations-from",
    kind: "value",
    metavar: "FILE",
    commands: ["run"],
    help:
      "cut and order by the durations in FILE: a JUnit report, --events, or tractest merge --durations; history: by this machine's own record",
  },
  {
    name: "header",
    kind: "flag",
    commands: ["run"],
    help: "pytest's header, which is left out otherwise",
  },
  {
    name: "no-defaults",
    kind: "flag",
    commands: ["run"],
    help: "none of -x --tb=short --no-header",
  },
  { name: "no-preflight", kind: "flag", commands: RUNS, help: "skip the checks before the run" },
  {
    name: "preflight-only",
    kind: "flag",
    commands: ["run"],
    help: "only the checks before the run",
  },
  {
    name: "clean",
    kind: "flag",
    commands: RUNS,
    help: "clean up leaked actors and stale sockets before the run",
  },
  {
    name: "wait",
    kind: "flag",
    commands: RUNS,
    help: "wait until another run in this repo has ended",
  },
  {
    name: "strict",
    kind: "flag",
    commands: ["run"],
    help:
      "exit 84 if the tests passed but left processes behind, hung at exit or passed only when retried; 82 if that can't be told",
  },
  {
    name: "events",
    kind: "value",
    metavar: "FILE",
    commands: ["run"],
    help: "copy the events of the run to FILE as JSON lines while it runs; - for standard output",
  },
  {
    name: "ui",
    kind: "value",
    metavar: "KIND",
    choices: ["pytest", "bar"],
    commands: ["run"],
    help:
      "pytest's own output (default), or a progress bar with what runs now, and failures as they happen (t at a terminal: what runs, in which processes); a debugger keeps pytest's",
  },
  {
    name: "slow-after",
    kind: "value",
    metavar: "SECONDS",
    commands: ["run"],
    help:
      "tell that a test is slow after this time, then after twice that, and so on; 0: never (60 with --ui bar and --jobs, else 0)",
  },
  {
    name: "junit",
    kind: "value",
    metavar: "FILE",
    commands: ["run", "merge"],
    help: "write a JUnit report to FILE, of a run that was cut short too",
  },
  {
    name: "bg",
    kind: "flag",
    commands: ["run"],
    help: "run in the background: prints the run's id and returns at once",
  },
  {
    name: "notify",
    kind: "flag",
    commands: ["run"],
    help:
      "announce the end: on the desktop by notify-send or osascript, by the bell of the terminal where there is one",
  },
  {
    name: "notify-command",
    kind: "value",
    metavar: "'COMMAND …'",
    commands: ["run"],
    help:
      "announce the end by this shell command; it gets TRACTEST_RUN_ID, TRACTEST_EXIT_CODE and TRACTEST_SUMMARY",
  },
  {
    name: "background-run",
    kind: "value",
    metavar: "ID",
    commands: ["run"],
    hidden: true,
    help: "be the run that --bg has reserved",
  },

  // status, wait, logs, stop
  {
    name: "all",
    kind: "flag",
    commands: ["status", "wait", "logs"],
    help: "the runs of all repos, not of this one alone",
  },
  {
    name: "timeout",
    kind: "value",
    metavar: "SECONDS",
    commands: ["wait"],
    help: "wait no longer than this, then exit with 124; the run goes on",
  },
  {
    name: "follow",
    short: "f",
    kind: "flag",
    commands: ["logs"],
    help: "go on with what is printed, until the run is over",
  },

  // merge
  {
    name: "events",
    kind: "value",
    metavar: "FILE",
    commands: ["merge"],
    help: "write the events of all machines to FILE as those of one run",
  },
  {
    name: "durations",
    kind: "value",
    metavar: "FILE",
    commands: ["merge"],
    help:
      "write to FILE how long each test took: the next cut is balanced by it, with --durations-from FILE on every machine",
  },
  {
    name: "record",
    kind: "flag",
    commands: ["merge"],
    help: "add the machines' runs to the history of this project",
  },
  // bisect
  {
    name: "symptom",
    kind: "value",
    metavar: "SYMPTOM",
    choices: ["fail", "hang", "leak"],
    commands: ["bisect"],
    help:
      "what the test does after the other one (default: what it did in the recorded run, else what shows first)",
  },
  {
    name: "repeat",
    kind: "value",
    metavar: "N",
    commands: ["bisect"],
    help: "run each step up to N times: the symptom has to show once (1)",
  },
  {
    name: "from",
    kind: "value",
    metavar: "FILE",
    commands: ["bisect"],
    help:
      "take the order from these events (run --events FILE), instead of the newest recorded run in which the test went wrong",
  },
  {
    name: "in",
    kind: "values",
    metavar: "TARGET",
    commands: ["bisect"],
    help: "only the tests of TARGET, in the order of their collection; again for one more",
  },

  // stress
  {
    name: "copies",
    kind: "value",
    metavar: "N",
    commands: ["stress"],
    help: "pytests at once, each isolated (4)",
  },
  {
    name: "rounds",
    kind: "value",
    metavar: "M",
    commands: ["stress"],
    help: "how often that is done (10)",
  },
  {
    name: "until-fail",
    kind: "flag",
    commands: ["stress"],
    help: "stop after the first round with a failure",
  },
  {
    name: "baseline",
    kind: "flag",
    commands: ["stress"],
    help: "then as often alone, one after another: does contention make it fail?",
  },

  // preflight
  {
    name: "python",
    kind: "value",
    metavar: "PATH",
    commands: [...RUNS, "check", "doctor"],
    help: "this Python, or the venv at PATH",
  },
  {
    name: "sync",
    kind: "flag",
    commands: [...RUNS, "check"],
    help: "make the venv, or bring it in line with uv.lock, before anything else",
  },
  {
    name: "uv-run",
    kind: "flag",
    commands: [...RUNS, "check", "doctor"],
    help: "Python by `uv run`: slower than a venv that is there",
  },

  // zombies
  {
    name: "kill",
    kind: "flag",
    commands: ["zombies"],
    help: "end leaked actors (SIGINT, then SIGKILL) and remove stale sockets",
  },
  {
    name: "hook",
    kind: "flag",
    commands: ["zombies"],
    help: "for git hooks: silent when clean, exit 0 for what is not ours or can't be seen",
  },
  {
    name: "hook",
    kind: "flag",
    commands: ["affected"],
    help: "for git hooks, with --run: isolated where a registry is held; the work tree as it is",
  },
  {
    name: "pid",
    kind: "value",
    metavar: "PID",
    commands: ["zombies"],
    help: "look at this process too; with --kill end it alone",
  },
  {
    name: "shm",
    kind: "flag",
    commands: ["zombies"],
    help:
      "also segments of shared memory that a run left; with --kill remove those that nobody maps",
  },
  {
    name: "parent",
    kind: "value",
    metavar: "PID",
    commands: ["zombies"],
    help: "only what is below this process, or was when a run recorded it; no sockets",
  },
  {
    name: "registry",
    kind: "values",
    metavar: "HOST:PORT",
    commands: ["zombies"],
    help: "look at this registry address instead of the configured ones",
  },
  {
    name: "grace",
    kind: "value",
    metavar: "SECONDS",
    commands: ["zombies", ...RUNS],
    help: "seconds between SIGINT and SIGKILL (3)",
  },
  {
    name: "grace",
    kind: "value",
    metavar: "SECONDS",
    commands: ["stop"],
    help: "seconds after each signal, before the next one (10)",
  },

  // hang
  {
    name: "confirm",
    kind: "flag",
    commands: ["hang"],
    help:
      "run the test that hangs again with -s, and decide whether capture is the cause; a run that still hangs is ended first, after asking",
  },
  {
    name: "stacks",
    kind: "flag",
    commands: ["hang"],
    help: "also Python stacks, by py-spy (in the venv or on PATH), where the system permits it",
  },

  // doctor
  { name: "fix", kind: "flag", commands: ["doctor"], help: "apply the safe fixes, after asking" },

  // failed, affected
  { name: "run", kind: "flag", commands: ["failed", "affected"], help: "run these tests" },
  {
    name: "rootdir",
    kind: "value",
    metavar: "DIR",
    commands: ["failed"],
    help: "the --rootdir that pytest was given: its cache and ids start there",
  },
  {
    name: "base",
    kind: "value",
    metavar: "REV",
    commands: ["affected", "run"],
    help: "compare with REV (default: the merge base with the main branch)",
  },
  { name: "staged", kind: "flag", commands: ["affected", "run"], help: "only what is staged" },
  {
    name: "uncommitted",
    kind: "flag",
    commands: ["affected", "run"],
    help: "only what is not committed yet",
  },

  // report
  {
    name: "output",
    kind: "value",
    metavar: "FILE",
    commands: ["report"],
    help: "where the page goes (tractest-report.html); - for standard output",
  },
  { name: "force", kind: "flag", commands: ["report"], help: "overwrite a file that is no report" },

  // history, slow, flaky
  {
    name: "limit",
    kind: "value",
    metavar: "N",
    commands: ["history", "slow", "flaky"],
    help: "show N rows at most (20)",
  },
  {
    name: "commit",
    kind: "value",
    metavar: "COMMIT",
    commands: ["history"],
    help: "only runs at this commit: its name, or the beginning of it",
  },
  {
    name: "regressed",
    kind: "flag",
    commands: ["slow"],
    help: "tests that take longer than they did, beyond noise",
  },

  // hooks
  {
    name: "command",
    kind: "values",
    metavar: "'COMMAND …'",
    commands: ["hooks"],
    help: "a tractest command line to run instead of the hook's own; again for one more",
  },
  {
    name: "binary",
    kind: "value",
    metavar: "PATH",
    commands: ["hooks"],
    help: "the tractest that the hook calls (default: this one)",
  },
  {
    name: "print",
    kind: "value",
    metavar: "FOR",
    choices: ["lefthook", "pre-commit", "husky", "agent", "shell"],
    commands: ["hooks"],
    help: "print entries for a hook manager or a coding agent, write nothing",
  },
  {
    name: "force",
    kind: "flag",
    commands: ["hooks"],
    help:
      "beside a hook manager that has not installed itself; over our own lines when they were edited (a copy is kept)",
  },

  // permissions (for the curious, and for tests)
  {
    name: "row",
    kind: "value",
    metavar: "ROW",
    commands: ["permissions"],
    help: "drop to this row and try every capability for real",
  },
] as const satisfies readonly OptionRow[];
