import { type OptionsOf, type OptionTable, SHARED } from "../command_line/options.ts";
import { RUNS_PYTEST } from "../command_line/session_options.ts";

/** The options of `run`. */
export const RUN_OPTIONS = {
  ...RUNS_PYTEST,
  "dry-run": { kind: "flag", doc: "print the command and start nothing" },
  tpdb: {
    kind: "flag",
    doc: "tractor's multi-process debugger: keeps the terminal, implies -s, no time limit",
  },
  "debug-mode": { kind: "flag", doc: "the same as --tpdb" },
  resume: {
    kind: "flag",
    doc:
      "run the rest in a fresh pytest after a test that hung or crashed (default for the full suite without -x)",
  },
  retries: {
    kind: "count",
    default: 0,
    doc:
      "try a failed test again up to N times, in a fresh pytest each time: FLAKY if it passes then",
  },
  affected: {
    kind: "flag",
    doc:
      "first the tests that the current changes bear on, as `affected` lists them, then the rest",
  },
  only: { kind: "flag", doc: "with --affected: stop there" },
  jobs: {
    kind: "count",
    least: 1,
    // More pytests at once help nobody.
    most: 256,
    choices: ["auto"],
    doc:
      "N pytests at once, or auto, that share the tests, longest first, each isolated; what fails beside others is tried again alone",
  },
  matrix: {
    kind: "texts",
    pairs: true,
    metavar: "KEY=V1,V2",
    doc:
      "run every combination of tpt-proto=…, spawn-backend=… and python=…, and say what differs; --jobs N: so many at once",
  },
  diff: {
    kind: "flag",
    doc: "with --matrix: all tests that did not end alike in all cells, and what explains it",
  },
  shard: {
    kind: "text",
    metavar: "K/N",
    doc: "only the Kth of N parts of the suite, for one of N machines",
  },
  "durations-from": {
    kind: "file",
    doc:
      "cut and order by the durations in FILE: a JUnit report, --events, or tractest merge --durations; history: by this machine's own record",
  },
  header: { kind: "flag", doc: "pytest's header, which is left out otherwise" },
  "no-defaults": { kind: "flag", doc: "none of -x --tb=short --no-header" },
  "preflight-only": { kind: "flag", doc: "only the checks before the run" },
  strict: {
    kind: "flag",
    doc:
      "exit 84 if the tests passed but left processes behind, hung at exit or passed only when retried; 82 if that can't be told",
  },
  events: {
    kind: "file",
    doc: "copy the events of the run to FILE as JSON lines while it runs; - for standard output",
  },
  ui: {
    kind: "choice",
    choices: ["pytest", "bar"],
    doc:
      "pytest's own output (default), or a progress bar with what runs now, and failures as they happen (t at a terminal: what runs, in which processes); a debugger keeps pytest's",
  },
  "slow-after": {
    kind: "seconds",
    doc:
      "tell that a test is slow after this time, then after twice that, and so on; 0: never (60 with --ui bar and --jobs, else 0)",
  },
  junit: SHARED.junit,
  bg: { kind: "flag", doc: "run in the background: prints the run's id and returns at once" },
  notify: {
    kind: "flag",
    doc:
      "announce the end: on the desktop by notify-send or osascript, by the bell of the terminal where there is one",
  },
  "notify-command": {
    kind: "text",
    metavar: "'COMMAND …'",
    doc:
      "announce the end by this shell command; it gets TRACTEST_RUN_ID, TRACTEST_EXIT_CODE and TRACTEST_SUMMARY",
  },
  "background-run": {
    kind: "text",
    metavar: "ID",
    hidden: true,
    doc: "be the run that --bg has reserved",
  },
  base: SHARED.base,
  staged: SHARED.staged,
  uncommitted: SHARED.uncommitted,
} as const satisfies OptionTable;

/** Their values. */
export type RunOptions = OptionsOf<typeof RUN_OPTIONS>;
