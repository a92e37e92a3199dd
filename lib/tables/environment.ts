/** An environment variable that tractest reads, and why. */
export interface EnvironmentRow {
  readonly name: string;
  readonly purpose: string;
}

/** Every environment variable that tractest itself reads. pytest inherits the whole environment. */
export const ENVIRONMENT = [
  {
    name: "HOME",
    purpose: "place of the state and cache directories if XDG's variables are unset",
  },
  { name: "XDG_STATE_HOME", purpose: "history, logs, ledger: `$XDG_STATE_HOME/tractest`" },
  { name: "XDG_CACHE_HOME", purpose: "extracted helper files: `$XDG_CACHE_HOME/tractest`" },
  { name: "XDG_CONFIG_HOME", purpose: "place of git's user configuration, with HOME" },
  { name: "XDG_RUNTIME_DIR", purpose: "place of the Unix sockets of current tractor" },
  { name: "TMPDIR", purpose: "place of pytest's base temporary directory" },
  { name: "NO_COLOR", purpose: "no colour if set and not empty" },
  { name: "TERM", purpose: "`dumb`: no colour, no progress line" },
  { name: "VIRTUAL_ENV", purpose: "the active venv" },
  { name: "UV_PROJECT_ENVIRONMENT", purpose: "the venv that uv uses, instead of `.venv`" },
  { name: "PATH", purpose: "place of the user's `python` and `uv`" },
  { name: "PYTEST_ADDOPTS", purpose: "further options of pytest; `doctor` shows them" },
  {
    name: "TRACTEST_PROFILE",
    purpose: "the profile of the configuration, as `--profile` chooses one",
  },
  { name: "TRACTEST_UI", purpose: "`agent`, `bar` or `pytest`: the default of `run --ui`" },
] as const satisfies readonly EnvironmentRow[];

/** The name of a variable in {@linkcode ENVIRONMENT}. */
export type EnvironmentName = typeof ENVIRONMENT[number]["name"];
