/** One option of one or more commands. The table drives parsing, validation, help and completions. */
export interface OptionRow {
  /** Without the dashes. */
  readonly name: string;
  /** One letter, without the dash. */
  readonly short?: string;
  /** `flag` takes no value, `value` one, `values` one each time it is given. */
  readonly kind: "flag" | "value" | "values";
  readonly metavar?: string;
  /** The only values that are allowed. */
  readonly choices?: readonly string[];
  /** Commands that take it; `*` for all. */
  readonly commands: readonly string[] | "*";
  readonly help: string;
}

const REPORTS = ["run", "doctor", "zombies", "failed", "affected", "check", "layout", "flaky", "version", "permissions"] as const;

/** Every option of tractest. pytest's own options are in `pytest_options.ts`. */
export const OPTIONS = [
  // Every command
  { name: "help", short: "h", kind: "flag", commands: "*", help: "show usage, options, examples and exit codes" },
  { name: "directory", short: "C", kind: "value", metavar: "DIR", commands: "*", help: "work as if started in DIR" },
  {
    name: "color",
    kind: "value",
    metavar: "WHEN",
    choices: ["auto", "always", "never"],
    commands: "*",
    help: "colour of our own text and of pytest's",
  },
  { name: "verbose", short: "v", kind: "flag", commands: "*", help: "also print every program that is run, with its arguments, and why" },
  { name: "json", kind: "flag", commands: REPORTS, help: "one JSON document on standard output" },
  { name: "yes", short: "y", kind: "flag", commands: ["run", "doctor", "zombies", "failed", "affected"], help: "answer yes to every question" },
  {
    name: "dry-run",
    short: "n",
    kind: "flag",
    commands: ["run", "doctor", "zombies", "failed", "affected"],
    help: "show what would be done and do nothing",
  },

  // zombies
  { name: "kill", kind: "flag", commands: ["zombies"], help: "end leaked actors (SIGINT, then SIGKILL) and remove stale sockets" },
  { name: "hook", kind: "flag", commands: ["zombies"], help: "for git hooks: silent when clean, exit 0 for what can't be seen" },
  { name: "grace", kind: "value", metavar: "SECONDS", commands: ["zombies", "run"], help: "seconds between SIGINT and SIGKILL (3)" },

  // doctor
  { name: "fix", kind: "flag", commands: ["doctor"], help: "apply the safe fixes, after asking" },

  // failed, affected
  { name: "run", kind: "flag", commands: ["failed", "affected"], help: "run these tests" },
  {
    name: "base",
    kind: "value",
    metavar: "REV",
    commands: ["affected", "run"],
    help: "compare with REV (default: the merge base with the main branch)",
  },
  { name: "staged", kind: "flag", commands: ["affected"], help: "only what is staged" },
  { name: "uncommitted", kind: "flag", commands: ["affected"], help: "only what is not committed yet" },

  // permissions (for the curious, and for tests)
  { name: "row", kind: "value", metavar: "ROW", commands: ["permissions"], help: "drop to this row and try every capability for real" },
] as const satisfies readonly OptionRow[];
