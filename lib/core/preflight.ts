/** One row of `doctor` and of the preflight. */
export interface CheckResult {
  /** Stable; listed in the README. */
  readonly id: string;
  readonly status: "ok" | "warn" | "fail" | "unknown" | "skipped";
  /** What was found: the evidence. */
  readonly detail: string;
  /** A command to paste, or what to do; null when nothing is to be done. */
  readonly fix: string | null;
}

/** The Python that a run uses, as words to put before `-m pytest`. */
export interface Interpreter {
  /** `["/repo/py312/bin/python"]`, or `["uv", "run", "--frozen", "python"]` for the fallback. */
  readonly argv: readonly string[];
  /** What has to be set beside it: `UV_PROJECT_ENVIRONMENT` for the fallback. */
  readonly environment: Readonly<Record<string, string>>;
  /** The venv's directory, absolute; null when uv chooses it. */
  readonly venv: string | null;
  /** `312` for Python 3.12; null when unknown. */
  readonly minor: string | null;
}

/** What the preflight came to. */
export interface PreflightResult {
  readonly checks: readonly CheckResult[];
  /** 0 to go on, 80 when the environment stands in the way, 81 when only leaks, a held registry or stale sockets do. */
  readonly exitCode: 0 | 80 | 81;
  /** Null when there is none to use. */
  readonly interpreter: Interpreter | null;
}
