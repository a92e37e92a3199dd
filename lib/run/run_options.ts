import { type OptionsOf, type OptionTable, SHARED } from "../command_line/options.ts";
import { MOST_RETRIES, UIS } from "../tables/defaults.ts";
import { CI_CHOICES } from "../ci/providers.ts";
import { RUNS_PYTEST } from "../command_line/session_options.ts";

/** The options of `run`. */
export const RUN_OPTIONS = {
  ...RUNS_PYTEST,
  "dry-run": { section: "checks", kind: "flag", doc: "print the command, start nothing" },
  tpdb: {
    section: "tractor",
    kind: "flag",
    doc: "tractor's multi-process debugger: implies -s, no time limit, own terminal",
  },
  "debug-mode": { section: "tractor", kind: "flag", doc: "the same as --tpdb" },
  resume: {
    section: "execution",
    kind: "flag",
    doc: "after a test that hung or crashed run the rest in a fresh pytest " +
      "(default for the full suite without -x)",
  },
  retries: {
    section: "execution",
    kind: "count",
    most: MOST_RETRIES,
    doc: "retry a failed test up to N times, each in a fresh pytest: FLAKY if it passes",
  },
  affected: {
    section: "selection",
    kind: "flag",
    doc: "run the tests that `affected` lists first, then the rest",
  },
  only: { section: "selection", kind: "flag", doc: "with --affected: leave out the rest" },
  jobs: {
    section: "execution",
    kind: "count",
    least: 1,
    // More pytests at once are of no use.
    most: 256,
    choices: ["auto"],
    doc: "share the tests, in pytest's order, among N isolated pytests at once, or auto; " +
      "a test that fails is run again alone",
  },
  matrix: {
    section: "execution",
    kind: "texts",
    pairs: true,
    metavar: "KEY=V1,V2",
    offers: ["python=", "tpt-proto=", "spawn-backend="],
    doc: "run every combination of python=… and, for tractor, tpt-proto=… and spawn-backend=…, " +
      "and compare; --jobs N: N at once",
  },
  diff: {
    section: "execution",
    kind: "flag",
    doc: "with --matrix: all tests whose outcomes differ between cells, and what explains it",
  },
  shard: {
    section: "selection",
    kind: "text",
    metavar: "K/N",
    offers: ["auto"],
    doc: "run only part K of N of the suite, on one of N machines; auto: by the variables of " +
      "GitLab, CircleCI, Buildkite, Azure or Slurm, auto/N: of N by Kubernetes' index",
  },
  "durations-from": {
    section: "selection",
    kind: "file",
    offers: ["history"],
    doc: "cut and order the tests by the durations in FILE: a JUnit report, --events, " +
      "or tractest merge --durations; `history`: by the record of this machine",
  },
  "durations-file": {
    section: "selection",
    kind: "file",
    doc: "cut and order the tests by the durations in FILE, if it is there, and write them to it " +
      "at the end, for CI to keep; with --shard it is only read: merge --durations writes it",
  },
  header: {
    section: "execution",
    kind: "flag",
    doc: "show pytest's header where `default-flags` leave it out, as with tractor",
  },
  "no-defaults": {
    section: "execution",
    kind: "flag",
    doc: "leave out the flags of `default-flags`",
  },
  "preflight-only": { section: "checks", kind: "flag", doc: "run only the checks before the run" },
  strict: {
    section: "reports",
    kind: "flag",
    doc:
      "exit 84 if the tests passed but left processes behind, hung at exit or passed only when " +
      "retried; 82 if that is unknown",
  },
  "no-strict": {
    section: "reports",
    kind: "flag",
    doc: "not strict, whatever the configuration says",
  },
  events: {
    section: "reports",
    kind: "file",
    doc: "copy the events to FILE as JSON lines during the run; - for standard output",
  },
  ui: {
    section: "reports",
    kind: "choice",
    choices: UIS,
    doc: "pytest's own output (default); a progress bar with the running tests, and failures as " +
      "they happen (press t: the running tests and their processes); or a short report for " +
      "coding agents: each failure once, grouped by cause. Not with a debugger",
  },
  ci: {
    section: "reports",
    kind: "choice",
    default: "auto",
    choices: CI_CHOICES,
    doc: "structure the log for a CI service: groups; for github and azure failures at their " +
      "lines, for github a summary of the job. auto: for the one whose variables are set",
  },
  limit: {
    section: "reports",
    kind: "count",
    default: 8000,
    least: 500,
    most: 1_000_000,
    doc: "with --ui agent: the most characters of the report",
  },
  "slow-after": {
    section: "limits",
    kind: "seconds",
    doc: "report a slow test after this time, then after twice the time, and so on; 0: never " +
      "(10 times its longest recent run, at most a minute more than that and at least 10 s; 60 " +
      "without a record)",
  },
  junit: SHARED.junit,
  bg: {
    section: "reports",
    kind: "flag",
    doc: "run in the background: print the run's id and return at once",
  },
  notify: {
    section: "reports",
    kind: "flag",
    doc: "announce the end: on the desktop (notify-send, osascript) and by the terminal's bell",
  },
  "no-notify": {
    section: "reports",
    kind: "flag",
    doc: "don't announce it, whatever the configuration says",
  },
  "notify-command": {
    section: "reports",
    kind: "text",
    metavar: "'COMMAND …'",
    doc: "announce the end by this shell command, with TRACTEST_RUN_ID, TRACTEST_EXIT_CODE and " +
      "TRACTEST_SUMMARY in its environment",
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
