/** A check of `doctor`; the preflight of `run` and `check` has some of them. */
export interface CheckRow {
  /** Stable: readers of `--json` rely on it. */
  readonly id: string;
  readonly means: string;
}

/** Every check, in the order in which `doctor` shows them. */
export const CHECKS = [
  { id: "tool-python", means: "there is a Python to run the tests with" },
  { id: "tool-uv", means: "uv makes and syncs the venv" },
  { id: "tool-git", means: "git says what changed, and whether this is a worktree" },
  { id: "tool-ss", means: "ss says who holds the registry and which Unix sockets are alive" },
  { id: "tool-ps", means: "ps lists processes, their ancestors and states" },
  { id: "tool-pgrep", means: "pgrep, for the recipes that people type by hand" },
  { id: "tool-lsof", means: "lsof, for the recipes that people type by hand" },
  {
    id: "venv",
    means: "the venv of this project, named as configured (`py<MINOR>`), holds this checkout",
  },
  { id: "python-version", means: "its Python is the one that the project asks for" },
  { id: "worktree", means: "in a linked git worktree the package resolves inside of it" },
  { id: "import", means: "the package can be imported" },
  { id: "collection", means: "all tests can be collected" },
  { id: "registry", means: "nobody holds the registry's address" },
  { id: "actors", means: "no actor of this project was left behind" },
  { id: "sockets", means: "no stale Unix socket was left behind" },
  { id: "sigint", means: "SIGINT is at its default, so that tests which cancel by it work" },
  {
    id: "signals",
    means:
      "how processes are signalled: by `PID:INODE` where the system's kill takes it, else by a verified pid",
  },
  { id: "isolation", means: "`run --isolate` can be had: the system permits namespaces" },
  { id: "ld-variables", means: "`LD_*` variables, which pytest gets and the probes don't" },
  { id: "pytest-addopts", means: "options that pytest takes unseen from PYTEST_ADDOPTS" },
  { id: "tractor-variables", means: "`TRACTOR_*` variables, which change how actors run" },
  { id: "state-directories", means: "tractest's own directories are private and can be written" },
  { id: "binary", means: "this program is what was built, and has no permission beyond its table" },
] as const satisfies readonly CheckRow[];

/** The id of a check in {@linkcode CHECKS}. */
export type CheckId = typeof CHECKS[number]["id"];
