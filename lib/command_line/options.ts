import { EXIT_SECONDS, GRACE_SECONDS, STOP_SECONDS } from "../tables/defaults.ts";

/**
 * What an option takes: nothing (`flag`), one value, or one each time it is given (`texts`,
 * `choices`). `path` names a file or a directory.
 */
export type OptionKind =
  | "flag"
  | "text"
  | "texts"
  | "choice"
  | "choices"
  | "count"
  | "seconds"
  | "file"
  | "directory"
  | "path";

/**
 * One option of one or more commands. The table drives parsing, types, validation, help and
 * completions.
 */
export interface OptionRow {
  /** Without the dashes. */
  readonly name: string;
  /** One letter, without the dash. */
  readonly short?: string;
  readonly kind: OptionKind;
  /** The value when the option is not given; without it null. */
  readonly default?: string | number;
  /** The bounds of a count (0 to 1000 unless said) or of seconds (0 to a million). */
  readonly least?: number;
  readonly most?: number;
  /** The only values of a `choice`; words that a `count` takes too. */
  readonly choices?: readonly string[];
  /** The value of a choice that was given without one: any other is tied to it by `=`. */
  readonly bare?: string;
  /** Words `KEY=…` right after its value are more values of it. */
  readonly pairs?: boolean;
  /** How help names the value of a text. */
  readonly metavar?: string;
  /** Commands that take it; `*` for all. */
  readonly commands: readonly string[] | "*";
  /** What it does; help adds the default. */
  readonly doc: string;
  /** Between tractests: neither help nor completions show it. */
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
    doc: "show usage, options, examples and exit codes",
  },
  {
    name: "directory",
    short: "C",
    kind: "directory",
    commands: "*",
    doc: "work as if started in DIR",
  },
  {
    name: "color",
    kind: "choice",
    default: "auto",
    choices: ["auto", "always", "never"],
    commands: "*",
    doc: "colour of our own text and of pytest's",
  },
  {
    name: "verbose",
    short: "v",
    kind: "flag",
    commands: "*",
    doc: "also print every program that is run, with its arguments, and why",
  },
  { name: "json", kind: "flag", commands: REPORTS, doc: "one JSON document on standard output" },
  {
    name: "yes",
    short: "y",
    kind: "flag",
    commands: [...RUNS, "check", "doctor", "zombies", "failed", "affected", "hang"],
    doc: "answer yes to every question",
  },
  {
    name: "dry-run",
    short: "n",
    kind: "flag",
    commands: ["doctor", "zombies", "failed", "affected", "hooks", "stop"],
    doc: "show what would be done and do nothing",
  },
  // In a run `-n` is pytest-xdist's.
  { name: "dry-run", kind: "flag", commands: ["run"], doc: "print the command and start nothing" },

  // run
  {
    name: "ll",
    kind: "text",
    metavar: "LEVEL",
    commands: RUNS,
    doc: "tractor's log level: error, info, debug, runtime …",
  },
  {
    name: "tpdb",
    kind: "flag",
    commands: ["run"],
    doc: "tractor's multi-process debugger: keeps the terminal, implies -s, no time limit",
  },
  { name: "debug-mode", kind: "flag", commands: ["run"], doc: "the same as --tpdb" },
  {
    name: "tpt-proto",
    kind: "choices",
    choices: ["tcp", "uds"],
    commands: RUNS,
    doc: "IPC transport",
  },
  {
    name: "spawn-backend",
    kind: "text",
    metavar: "BACKEND",
    commands: RUNS,
    doc: "how actors are started: trio, mp_spawn, mp_forkserver, as far as the checkout has them",
  },
  {
    name: "timeout",
    kind: "seconds",
    commands: RUNS,
    doc: "time limit from outside pytest; 0: none (600 for all, 120 for one file)",
  },
  {
    name: "test-timeout",
    kind: "seconds",
    commands: RUNS,
    doc:
      "time limit of each test, from outside pytest: what hangs is ended with its tree and reported",
  },
  {
    name: "exit-timeout",
    kind: "seconds",
    default: EXIT_SECONDS,
    commands: RUNS,
    doc: "how long pytest may take to exit after its report, before it is ended",
  },
  {
    name: "resume",
    kind: "flag",
    commands: ["run"],
    doc:
      "run the rest in a fresh pytest after a test that hung or crashed (default for the full suite without -x)",
  },
  {
    name: "retries",
    kind: "count",
    default: 0,
    commands: ["run"],
    doc:
      "try a failed test again up to N times, in a fresh pytest each time: FLAKY if it passes then",
  },
  {
    name: "isolate",
    kind: "choice",
    bare: "always",
    choices: ["always", "auto"],
    commands: RUNS,
    doc:
      "pytest in namespaces of its own: its own registry port, sockets, shared memory, and nothing outlives it; auto: where that can be had",
  },
  {
    name: "no-isolate",
    kind: "flag",
    commands: RUNS,
    doc: "none of that, whatever the configuration says",
  },
  {
    name: "affected",
    kind: "flag",
    commands: ["run"],
    doc:
      "first the tests that the current changes bear on, as `affected` lists them, then the rest",
  },
  { name: "only", kind: "flag", commands: ["run"], doc: "with --affected: stop there" },
  {
    name: "jobs",
    kind: "count",
    least: 1,
    // More pytests at once help nobody.
    most: 256,
    choices: ["auto"],
    commands: ["run"],
    doc:
      "N pytests at once, or auto, that share the tests, longest first, each isolated; what fails beside others is tried again alone",
  },
  {
    name: "matrix",
    kind: "texts",
    pairs: true,
    metavar: "KEY=V1,V2",
    commands: ["run"],
    doc:
      "run every combination of tpt-proto=…, spawn-backend=… and python=…, and say what differs; --jobs N: so many at once",
  },
  {
    name: "diff",
    kind: "flag",
    commands: ["run"],
    doc: "with --matrix: all tests that did not end alike in all cells, and what explains it",
  },
  {
    name: "shard",
    kind: "text",
    metavar: "K/N",
    commands: ["run"],
    doc: "only the Kth of N parts of the suite, for one of N machines",
  },
  {
    name: "durations-from",
    kind: "file",
    commands: ["run"],
    doc:
      "cut and order by the durations in FILE: a JUnit report, --events, or tractest merge --durations; history: by this machine's own record",
  },
  {
    name: "header",
    kind: "flag",
    commands: ["run"],
    doc: "pytest's header, which is left out otherwise",
  },
  {
    name: "no-defaults",
    kind: "flag",
    commands: ["run"],
    doc: "none of -x --tb=short --no-header",
  },
  { name: "no-preflight", kind: "flag", commands: RUNS, doc: "skip the checks before the run" },
  {
    name: "preflight-only",
    kind: "flag",
    commands: ["run"],
    doc: "only the checks before the run",
  },
  {
    name: "clean",
    kind: "flag",
    commands: RUNS,
    doc: "clean up leaked actors and stale sockets before the run",
  },
  {
    name: "wait",
    kind: "flag",
    commands: RUNS,
    doc: "wait until another run in this repo has ended",
  },
  {
    name: "strict",
    kind: "flag",
    commands: ["run"],
    doc:
      "exit 84 if the tests passed but left processes behind, hung at exit or passed only when retried; 82 if that can't be told",
  },
  {
    name: "events",
    kind: "file",
    commands: ["run"],
    doc: "copy the events of the run to FILE as JSON lines while it runs; - for standard output",
  },
  {
    name: "ui",
    kind: "choice",
    choices: ["pytest", "bar"],
    commands: ["run"],
    doc:
      "pytest's own output (default), or a progress bar with what runs now, and failures as they happen (t at a terminal: what runs, in which processes); a debugger keeps pytest's",
  },
  {
    name: "slow-after",
    kind: "seconds",
    commands: ["run"],
    doc:
      "tell that a test is slow after this time, then after twice that, and so on; 0: never (60 with --ui bar and --jobs, else 0)",
  },
  {
    name: "junit",
    kind: "file",
    commands: ["run", "merge"],
    doc: "write a JUnit report to FILE, of a run that was cut short too",
  },
  {
    name: "bg",
    kind: "flag",
    commands: ["run"],
    doc: "run in the background: prints the run's id and returns at once",
  },
  {
    name: "notify",
    kind: "flag",
    commands: ["run"],
    doc:
      "announce the end: on the desktop by notify-send or osascript, by the bell of the terminal where there is one",
  },
  {
    name: "notify-command",
    kind: "text",
    metavar: "'COMMAND …'",
    commands: ["run"],
    doc:
      "announce the end by this shell command; it gets TRACTEST_RUN_ID, TRACTEST_EXIT_CODE and TRACTEST_SUMMARY",
  },
  {
    name: "background-run",
    kind: "text",
    metavar: "ID",
    commands: ["run"],
    hidden: true,
    doc: "be the run that --bg has reserved",
  },

  // status, wait, logs, stop
  {
    name: "all",
    kind: "flag",
    commands: ["status", "wait", "logs"],
    doc: "the runs of all repos, not of this one alone",
  },
  {
    name: "timeout",
    kind: "seconds",
    commands: ["wait"],
    doc: "wait no longer than this, then exit with 124; the run goes on",
  },
  {
    name: "follow",
    short: "f",
    kind: "flag",
    commands: ["logs"],
    doc: "go on with what is printed, until the run is over",
  },

  // merge
  {
    name: "events",
    kind: "file",
    commands: ["merge"],
    doc: "write the events of all machines to FILE as those of one run",
  },
  {
    name: "durations",
    kind: "file",
    commands: ["merge"],
    doc:
      "write to FILE how long each test took: the next cut is balanced by it, with --durations-from FILE on every machine",
  },
  {
    name: "record",
    kind: "flag",
    commands: ["merge"],
    doc: "add the machines' runs to the history of this project",
  },
  // bisect
  {
    name: "symptom",
    kind: "choice",
    choices: ["fail", "hang", "leak"],
    commands: ["bisect"],
    doc:
      "what the test does after the other one (default: what it did in the recorded run, else what shows first)",
  },
  {
    name: "repeat",
    kind: "count",
    default: 1,
    least: 1,
    commands: ["bisect"],
    doc: "run each step up to N times: the symptom has to show once",
  },
  {
    name: "from",
    kind: "file",
    commands: ["bisect"],
    doc:
      "take the order from these events (run --events FILE), instead of the newest recorded run in which the test went wrong",
  },
  {
    name: "in",
    kind: "texts",
    metavar: "TARGET",
    commands: ["bisect"],
    doc: "only the tests of TARGET, in the order of their collection; again for one more",
  },

  // stress
  {
    name: "copies",
    kind: "count",
    default: 4,
    least: 1,
    // More copies need more processes than a machine has.
    most: 64,
    commands: ["stress"],
    doc: "pytests at once, each isolated",
  },
  {
    name: "rounds",
    kind: "count",
    default: 10,
    least: 1,
    commands: ["stress"],
    doc: "how often that is done",
  },
  {
    name: "until-fail",
    kind: "flag",
    commands: ["stress"],
    doc: "stop after the first round with a failure",
  },
  {
    name: "baseline",
    kind: "flag",
    commands: ["stress"],
    doc: "then as often alone, one after another: does contention make it fail?",
  },

  // preflight
  {
    name: "python",
    kind: "path",
    commands: [...RUNS, "check", "doctor"],
    doc: "this Python, or the venv at PATH",
  },
  {
    name: "sync",
    kind: "flag",
    commands: [...RUNS, "check"],
    doc: "make the venv, or bring it in line with uv.lock, before anything else",
  },
  {
    name: "uv-run",
    kind: "flag",
    commands: [...RUNS, "check", "doctor"],
    doc: "Python by `uv run`: slower than a venv that is there",
  },

  // zombies
  {
    name: "kill",
    kind: "flag",
    commands: ["zombies"],
    doc: "end leaked actors (SIGINT, then SIGKILL) and remove stale sockets",
  },
  {
    name: "hook",
    kind: "flag",
    commands: ["zombies"],
    doc: "for git hooks: silent when clean, exit 0 for what is not ours or can't be seen",
  },
  {
    name: "hook",
    kind: "flag",
    commands: ["affected"],
    doc: "for git hooks, with --run: isolated where a registry is held; the work tree as it is",
  },
  {
    name: "pid",
    kind: "text",
    metavar: "PID",
    commands: ["zombies"],
    doc: "look at this process too; with --kill end it alone",
  },
  {
    name: "shm",
    kind: "flag",
    commands: ["zombies"],
    doc:
      "also segments of shared memory that a run left; with --kill remove those that nobody maps",
  },
  {
    name: "parent",
    kind: "text",
    metavar: "PID",
    commands: ["zombies"],
    doc: "only what is below this process, or was when a run recorded it; no sockets",
  },
  {
    name: "registry",
    kind: "texts",
    metavar: "HOST:PORT",
    commands: ["zombies"],
    doc: "look at this registry address instead of the configured ones",
  },
  {
    name: "grace",
    kind: "seconds",
    default: GRACE_SECONDS,
    commands: RUNS,
    doc: "seconds between SIGINT and SIGKILL",
  },
  {
    name: "grace",
    kind: "seconds",
    default: GRACE_SECONDS,
    // A slip in the number must not hang a hook.
    most: 3600,
    commands: ["zombies"],
    doc: "seconds between SIGINT and SIGKILL",
  },
  {
    name: "grace",
    kind: "seconds",
    default: STOP_SECONDS,
    commands: ["stop"],
    doc: "seconds after each signal, before the next one",
  },

  // hang
  {
    name: "confirm",
    kind: "flag",
    commands: ["hang"],
    doc:
      "run the test that hangs again with -s, and decide whether capture is the cause; a run that still hangs is ended first, after asking",
  },
  {
    name: "stacks",
    kind: "flag",
    commands: ["hang"],
    doc: "also Python stacks, by py-spy (in the venv or on PATH), where the system permits it",
  },

  // doctor
  { name: "fix", kind: "flag", commands: ["doctor"], doc: "apply the safe fixes, after asking" },

  // failed, affected
  { name: "run", kind: "flag", commands: ["failed", "affected"], doc: "run these tests" },
  {
    name: "rootdir",
    kind: "directory",
    commands: ["failed"],
    doc: "the --rootdir that pytest was given: its cache and ids start there",
  },
  {
    name: "base",
    kind: "text",
    metavar: "REV",
    commands: ["affected", "run"],
    doc: "compare with REV (default: the merge base with the main branch)",
  },
  { name: "staged", kind: "flag", commands: ["affected", "run"], doc: "only what is staged" },
  {
    name: "uncommitted",
    kind: "flag",
    commands: ["affected", "run"],
    doc: "only what is not committed yet",
  },

  // report
  {
    name: "output",
    kind: "file",
    default: "tractest-report.html",
    commands: ["report"],
    doc: "where the page goes; - for standard output",
  },
  { name: "force", kind: "flag", commands: ["report"], doc: "overwrite a file that is no report" },

  // history, slow, flaky
  {
    name: "limit",
    kind: "count",
    default: 20,
    least: 1,
    commands: ["history", "slow", "flaky"],
    doc: "show N rows at most",
  },
  {
    name: "commit",
    kind: "text",
    metavar: "COMMIT",
    commands: ["history"],
    doc: "only runs at this commit: its name, or the beginning of it",
  },
  {
    name: "regressed",
    kind: "flag",
    commands: ["slow"],
    doc: "tests that take longer than they did, beyond noise",
  },

  // hooks
  {
    name: "command",
    kind: "texts",
    metavar: "'COMMAND …'",
    commands: ["hooks"],
    doc: "a tractest command line to run instead of the hook's own; again for one more",
  },
  {
    name: "binary",
    kind: "path",
    commands: ["hooks"],
    doc: "the tractest that the hook calls (default: this one)",
  },
  {
    name: "print",
    kind: "choice",
    choices: ["lefthook", "pre-commit", "husky", "agent", "shell"],
    commands: ["hooks"],
    doc: "print entries for a hook manager or a coding agent, write nothing",
  },
  {
    name: "force",
    kind: "flag",
    commands: ["hooks"],
    doc:
      "beside a hook manager that has not installed itself; over our own lines when they were edited (a copy is kept)",
  },

  // permissions (for the curious, and for tests)
  {
    name: "row",
    kind: "text",
    metavar: "ROW",
    commands: ["permissions"],
    doc: "drop to this row and try every capability for real",
  },
] as const satisfies readonly OptionRow[];

/** A row of {@linkcode OPTIONS}. */
export type Row = typeof OPTIONS[number];

/** The name of an option in {@linkcode OPTIONS}. */
export type OptionName = Row["name"];

/** The rows of a command. */
export type RowsOf<Command extends string> = Row extends infer R
  ? R extends { readonly commands: "*" } ? R
  : R extends { readonly commands: readonly (infer Taker)[] } ? Command extends Taker ? R : never
  : never
  : never;

/** `dry-run` as a property: `dryRun`. */
export type PropertyName<Name extends string> = Name extends `${infer First}-${infer Rest}`
  ? `${First}${Capitalize<PropertyName<Rest>>}`
  : Name;

/** What a row comes to: null stands for an option that was not given and has no default. */
export type ValueOf<R> = R extends { readonly kind: "flag" } ? boolean
  : R extends { readonly kind: "texts" } ? readonly string[]
  : R extends { readonly kind: "choices"; readonly choices: readonly (infer C)[] } ? readonly C[]
  : GivenValue<R> | (R extends { readonly default: string | number } ? never : null);

/** The value of an option that takes one and was given. */
export type GivenValue<R> = R extends { readonly kind: "count" | "seconds" }
  ? number | (R extends { readonly choices: readonly (infer C)[] } ? C : never)
  : R extends { readonly choices: readonly (infer C)[] } ? C
  : string;

/** The options of a command as it gets them: `options.dryRun`, `options.retries`. */
export type OptionsOf<Command extends string> = {
  readonly [
    R in RowsOf<Command> as R extends { readonly name: infer Name extends string }
      ? PropertyName<Name>
      : never
  ]: ValueOf<R>;
};

/** The options of `run`. */
export type RunOptions = OptionsOf<"run">;

/** The options of every command that runs pytest. */
export type SharedOptions = Pick<
  RunOptions,
  keyof RunOptions & keyof OptionsOf<"bisect"> & keyof OptionsOf<"stress">
>;
