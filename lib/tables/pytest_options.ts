/** An option of pytest or of a common plugin, as far as a command line is split by it. */
export interface PytestOptionRow {
  /** Every spelling, with its dashes. */
  readonly names: readonly string[];
  /**
   * Whether the next word is its value: `none`, `required`, or `optional` (only what cannot be a
   * target is taken).
   */
  readonly value: "none" | "required" | "optional";
  /** Shown by `tractest run --help`; rarely typed options have none. */
  readonly help?: string;
  readonly metavar?: string;
  /** Values that completions offer. */
  readonly offers?: readonly string[];
  /** What its value names, for completions. */
  readonly takes?: "files" | "directories" | "tests";
}

/**
 * pytest's options (6 to 9) and those of pytest-xdist, pytest-cov, pytest-rerunfailures and
 * tractor's own plugin. A word after one of these is its value or not without guessing; after an
 * option in no table the next word is a target only if it resolves.
 */
export const PYTEST_OPTIONS = [
  {
    names: ["-k"],
    value: "required",
    metavar: "EXPRESSION",
    help: "only tests whose names match the keyword expression",
  },
  { names: ["-m"], value: "required", metavar: "MARKEXPR", help: "only tests with these marks" },
  {
    names: ["-v", "--verbose"],
    value: "none",
    help: "more verbose, both pytest and tractest; -vv even more",
  },
  { names: ["-q", "--quiet"], value: "none", help: "less verbose" },
  { names: ["-x", "--exitfirst"], value: "none", help: "stop on the first failure (the default)" },
  {
    names: ["--maxfail"],
    value: "required",
    metavar: "N",
    help: "stop after N failures, instead of -x",
  },
  {
    names: ["-s"],
    value: "none",
    help: "no output capture: the first thing to try when a test hangs",
  },
  {
    names: ["--capture"],
    value: "required",
    metavar: "METHOD",
    help: "fd, sys, no or tee-sys",
    offers: ["fd", "sys", "no", "tee-sys"],
  },
  { names: ["--lf", "--last-failed"], value: "none", help: "only what failed last time" },
  { names: ["--ff", "--failed-first"], value: "none", help: "what failed last time first" },
  {
    names: ["--sw", "--stepwise"],
    value: "none",
    help: "stop at a failure, continue from there next time",
  },
  {
    names: ["--tb"],
    value: "required",
    metavar: "STYLE",
    help: "auto, long, line, native or no, instead of short (the default)",
    offers: ["auto", "long", "short", "line", "native", "no"],
  },
  {
    names: ["--pdb"],
    value: "none",
    help: "pytest's debugger on failures; keeps the terminal, no time limit",
  },
  {
    names: ["-n", "--numprocesses"],
    value: "required",
    metavar: "N",
    help: "pytest-xdist's worker processes",
    offers: ["auto", "logical"],
  },
  {
    names: ["--deselect"],
    value: "required",
    metavar: "ID",
    help: "leave these tests out",
    takes: "tests",
  },
  {
    names: ["--ignore"],
    value: "required",
    metavar: "PATH",
    help: "leave this file or directory out",
    takes: "files",
  },
  { names: ["--durations"], value: "required", metavar: "N", help: "show the N slowest" },
  { names: ["--co", "--collect-only", "--collectonly"], value: "none", help: "only collect" },

  // pytest, general
  { names: ["-c", "--config-file"], value: "required", takes: "files" },
  { names: ["-o", "--override-ini"], value: "required" },
  { names: ["-p"], value: "required" },
  {
    names: ["-r"],
    value: "required",
    offers: ["A", "a", "E", "f", "N", "p", "P", "s", "w", "x", "X"],
  },
  {
    names: ["-W", "--pythonwarnings"],
    value: "required",
    offers: ["error", "ignore", "default", "always", "module", "once"],
  },
  { names: ["-V", "--version"], value: "none" },
  { names: ["-l", "--showlocals"], value: "none" },
  { names: ["--no-showlocals"], value: "none" },
  { names: ["--assert"], value: "required", offers: ["rewrite", "plain"] },
  { names: ["--basetemp"], value: "required", takes: "directories" },
  { names: ["--report-log"], value: "required", takes: "files" },
  { names: ["--html"], value: "required", takes: "files" },
  { names: ["--self-contained-html"], value: "none" },
  { names: ["--json-report-file"], value: "required", takes: "files" },
  { names: ["--cache-clear"], value: "none" },
  { names: ["--cache-show"], value: "optional" },
  { names: ["--code-highlight"], value: "required", offers: ["yes", "no"] },
  { names: ["--collect-in-virtualenv"], value: "none" },
  { names: ["--confcutdir"], value: "required", takes: "directories" },
  { names: ["--continue-on-collection-errors"], value: "none" },
  { names: ["--debug"], value: "optional" },
  { names: ["--disable-plugin-autoload"], value: "none" },
  { names: ["--disable-warnings", "--disable-pytest-warnings"], value: "none" },
  { names: ["--doctest-continue-on-failure"], value: "none" },
  { names: ["--doctest-glob"], value: "required" },
  { names: ["--doctest-ignore-import-errors"], value: "none" },
  { names: ["--doctest-modules"], value: "none" },
  {
    names: ["--doctest-report"],
    value: "required",
    offers: ["none", "cdiff", "ndiff", "udiff", "only_first_failure"],
  },
  { names: ["--durations-min"], value: "required" },
  { names: ["--fixtures", "--funcargs"], value: "none" },
  { names: ["--fixtures-per-test"], value: "none" },
  { names: ["--force-short-summary"], value: "none" },
  { names: ["--full-trace", "--fulltrace"], value: "none" },
  { names: ["--ignore-glob"], value: "required" },
  { names: ["--import-mode"], value: "required", offers: ["prepend", "append", "importlib"] },
  { names: ["--junit-prefix", "--junitprefix"], value: "required" },
  { names: ["--junit-xml", "--junitxml"], value: "required", takes: "files" },
  { names: ["--keep-duplicates", "--keepduplicates"], value: "none" },
  { names: ["--last-failed-no-failures", "--lfnf"], value: "required", offers: ["all", "none"] },
  { names: ["--log-auto-indent"], value: "required" },
  { names: ["--log-cli-date-format"], value: "required" },
  { names: ["--log-cli-format"], value: "required" },
  {
    names: ["--log-cli-level"],
    value: "required",
    offers: ["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"],
  },
  { names: ["--log-date-format"], value: "required" },
  { names: ["--log-disable"], value: "required" },
  { names: ["--log-file"], value: "required", takes: "files" },
  { names: ["--log-file-date-format"], value: "required" },
  { names: ["--log-file-format"], value: "required" },
  {
    names: ["--log-file-level"],
    value: "required",
    offers: ["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"],
  },
  { names: ["--log-file-mode"], value: "required", offers: ["w", "a"] },
  { names: ["--log-format"], value: "required" },
  {
    names: ["--log-level"],
    value: "required",
    offers: ["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"],
  },
  { names: ["--markers"], value: "none" },
  { names: ["--new-first", "--nf"], value: "none" },
  { names: ["--no-fold-skipped"], value: "none" },
  { names: ["--no-header"], value: "none" },
  { names: ["--no-summary"], value: "none" },
  { names: ["--noconftest"], value: "none" },
  { names: ["--pastebin"], value: "required", offers: ["failed", "all"] },
  { names: ["--pdbcls"], value: "required" },
  { names: ["--pyargs"], value: "none" },
  { names: ["--rootdir"], value: "required", takes: "directories" },
  { names: ["--runxfail"], value: "none" },
  { names: ["--setup-only", "--setuponly"], value: "none" },
  { names: ["--setup-plan", "--setupplan"], value: "none" },
  { names: ["--setup-show", "--setupshow"], value: "none" },
  {
    names: ["--show-capture"],
    value: "required",
    offers: ["no", "stdout", "stderr", "log", "all"],
  },
  { names: ["--stepwise-reset", "--sw-reset"], value: "none" },
  { names: ["--stepwise-skip", "--sw-skip"], value: "none" },
  { names: ["--strict-config"], value: "none" },
  { names: ["--strict-markers"], value: "none" },
  { names: ["--trace"], value: "none" },
  { names: ["--trace-config", "--traceconfig"], value: "none" },
  { names: ["--verbosity"], value: "required" },
  { names: ["--xfail-tb"], value: "none" },

  // pytest-xdist
  { names: ["-d"], value: "none" },
  { names: ["-f", "--looponfail"], value: "none" },
  {
    names: ["--dist"],
    value: "required",
    offers: ["each", "load", "loadscope", "loadfile", "loadgroup", "worksteal", "no"],
  },
  { names: ["--loadscope-reorder"], value: "none" },
  { names: ["--no-loadscope-reorder"], value: "none" },
  { names: ["--max-worker-restart"], value: "required" },
  { names: ["--maxprocesses"], value: "required" },
  { names: ["--maxschedchunk"], value: "required" },
  { names: ["--px"], value: "required" },
  { names: ["--rsyncdir"], value: "required", takes: "directories" },
  { names: ["--rsyncignore"], value: "required" },
  { names: ["--testrunuid"], value: "required" },
  { names: ["--tx"], value: "required" },

  // pytest-cov
  { names: ["--cov"], value: "optional", takes: "directories" },
  { names: ["--cov-append"], value: "none" },
  { names: ["--cov-branch"], value: "none" },
  { names: ["--cov-config"], value: "required", takes: "files" },
  { names: ["--cov-context"], value: "required", offers: ["test"] },
  { names: ["--cov-fail-under"], value: "required" },
  { names: ["--cov-precision"], value: "required" },
  {
    names: ["--cov-report"],
    value: "required",
    offers: ["term", "term-missing", "annotate", "html", "xml", "json", "lcov"],
  },
  { names: ["--cov-reset"], value: "none" },
  { names: ["--no-cov"], value: "none" },
  { names: ["--no-cov-on-fail"], value: "none" },

  // pytest-rerunfailures
  { names: ["--fail-on-flaky"], value: "none" },
  { names: ["--only-rerun"], value: "required" },
  { names: ["--rerun-except"], value: "required" },
  { names: ["--reruns"], value: "required" },
  { names: ["--reruns-delay"], value: "required" },

  // tractor's own pytest plugin
  { names: ["--enable-stackscope"], value: "none" },
  { names: ["--loglevel"], value: "required" },
  { names: ["--tl"], value: "required" },
] as const satisfies readonly PytestOptionRow[];

/** Options that set the same thing: a default flag yields when any of its group is given. */
export const COUNTERPARTS = [
  ["-x", "--exitfirst", "--maxfail"],
  ["--no-header", "--header"],
  ["-s", "--capture"],
] as const satisfies readonly (readonly string[])[];

/** Options that give the terminal to a debugger: no capture, no time limit, its own Ctrl-C. */
export const DEBUGGER_OPTIONS = ["--pdb", "--trace", "--tpdb", "--debug-mode"] as const;

/** Options by which pytest begins where it stopped last: each of them switches that on. */
export const STEPWISE = ["--sw", "--stepwise", "--sw-skip", "--stepwise-skip"] as const;

/** Options by which the record of an earlier run leaves tests out. */
export const LEAVING_OUT = ["--lf", "--last-failed", ...STEPWISE] as const;

/** Options that don't go with several pytests at once, why, and what does. */
export const NOT_PARALLEL = [
  {
    names: ["-n", "--numprocesses", "--dist"],
    because: "pytest-xdist would start its workers in each shard",
    instead: "take one of the two",
  },
  {
    names: STEPWISE,
    because: "it goes through the tests in one order",
    instead: "leave --jobs out, or take --lf",
  },
  {
    names: ["--junit-xml", "--junitxml"],
    because: "each shard would write that file",
    instead: "--junit FILE has the tests of all of them",
  },
  {
    names: ["--basetemp"],
    because: "each shard would empty that directory",
    instead: "leave it out: each gets one of its own",
  },
  {
    names: ["--log-file", "--report-log"],
    because: "each shard would write that file",
    instead: "--events FILE has the tests of all of them",
  },
] as const satisfies readonly {
  readonly names: readonly string[];
  readonly because: string;
  readonly instead: string;
}[];

/** Options of pytest-xdist that start workers. */
export const WORKERS = [
  "-n",
  "--numprocesses",
  "-d",
  "--dist",
  "--tx",
] as const satisfies readonly string[];

/** Options that decide what pytest can collect: a check without them would check another suite. */
export const DECIDE_COLLECTION = [
  "--ignore",
  "--ignore-glob",
  "--confcutdir",
  "--noconftest",
  "--import-mode",
  "--pyargs",
  "--continue-on-collection-errors",
  "--doctest-modules",
  "-p",
  "-c",
  "--config-file",
  "-o",
  "--override-ini",
  "--rootdir",
] as const satisfies readonly string[];

/** Options that name a file or a directory which several pytests would write over. */
export const OWN_FILES = [
  "--basetemp",
  "--log-file",
  "--report-log",
  "--html",
  "--json-report-file",
  "--cov-report",
] as const satisfies readonly string[];

/** Options of the configuration that exclude several pytests at once, and why. */
export const CANNOT_SHARE = [
  { names: STEPWISE, because: "it goes through the tests in one order" },
  {
    names: ["--pdb", "--trace", "--tpdb", "--debug-mode"],
    because: "a debugger needs the terminal for itself",
  },
  { names: ["-f", "--looponfail"], because: "it never ends" },
] as const satisfies readonly { readonly names: readonly string[]; readonly because: string }[];
