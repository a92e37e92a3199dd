/** An environment variable that tractest reads, and why. */
export interface EnvironmentRow {
  readonly name: string;
  readonly purpose: string;
}

/**
 * Every environment variable that tractest itself reads. What pytest inherits is passed on whole
 * and is not listed here.
 */
export const ENVIRONMENT = [
  {
    name: "HOME",
    purpose: "where the state and cache directories are, when XDG's variables are unset",
  },
  { name: "XDG_STATE_HOME", purpose: "history, logs, ledger: `$XDG_STATE_HOME/tractest`" },
  { name: "XDG_CACHE_HOME", purpose: "extracted helper files: `$XDG_CACHE_HOME/tractest`" },
  { name: "XDG_CONFIG_HOME", purpose: "where git has the user's configuration, besides HOME" },
  { name: "XDG_RUNTIME_DIR", purpose: "where current tractor puts its Unix sockets" },
  { name: "TMPDIR", purpose: "where pytest puts its base temporary directory" },
  { name: "NO_COLOR", purpose: "no colour when set and not empty" },
  { name: "TERM", purpose: "`dumb`: no colour, no progress line" },
  { name: "VIRTUAL_ENV", purpose: "the venv that is active" },
  { name: "PATH", purpose: "where the user's `python` and `uv` are" },
  { name: "PYTEST_ADDOPTS", purpose: "options that pytest takes unseen; `doctor` shows them" },
] as const satisfies readonly EnvironmentRow[];

/** The name of a variable in {@linkcode ENVIRONMENT}. */
export type EnvironmentName = typeof ENVIRONMENT[number]["name"];
