/** The environment that selects the venv of uv, relative to the project. */
export function uvEnvironment(venv: string): Record<string, string> {
  return { UV_PROJECT_ENVIRONMENT: venv };
}

/** How uv creates or syncs the venv of a project. */
export interface UvRequest {
  /** Whether the venv exists; then packages installed by hand are kept. */
  readonly venvExists: boolean;
  /** Whether there is a `uv.lock`; then it is not rewritten. */
  readonly locked: boolean;
  /** The Python for a new venv: a path or version; null: uv chooses. */
  readonly python: string | null;
}

/** Arguments of uv that create or sync the venv. */
export function syncArguments({ venvExists, locked, python }: UvRequest): string[] {
  return [
    "sync",
    ...(venvExists ? ["--inexact"] : []),
    ...(locked ? ["--frozen"] : []),
    ...(python === null ? [] : ["--python", python]),
  ];
}

/** Arguments of uv that run Python, before Python's own arguments. */
export function runPythonArguments(locked: boolean): string[] {
  return ["run", ...(locked ? ["--frozen"] : []), "python"];
}

/** Arguments of uv that print the Python that it would use, without downloading one. */
export function findArguments(): string[] {
  return ["python", "find", "--system", "--no-python-downloads"];
}

/** `0.13.9` from `uv 0.13.9 (…)`; null for anything else. */
export function uvVersion(stdout: string): string | null {
  return /^uv (\d+(?:\.\d+)*)/.exec(stdout)?.[1] ?? null;
}
