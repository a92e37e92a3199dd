/** Environment of uv that names the venv: relative to the project. */
export function uvEnvironment(venv: string): Record<string, string> {
  return { UV_PROJECT_ENVIRONMENT: venv };
}

/** What is known about the project when uv is to make or to use its venv. */
export interface UvRequest {
  /** Whether the venv exists: then nothing that was installed by hand is removed. */
  readonly venvExists: boolean;
  /** Whether there is a `uv.lock`: then it is not rewritten. */
  readonly locked: boolean;
  /** An interpreter to build the venv with, absolute; null: uv chooses. */
  readonly python: string | null;
}

/** Arguments of uv that make or sync the venv. */
export function syncArguments({ venvExists, locked, python }: UvRequest): string[] {
  return [
    "sync",
    ...(venvExists ? ["--inexact"] : []),
    ...(locked ? ["--frozen"] : []),
    ...(python === null ? [] : ["--python", python]),
  ];
}

/** Arguments of uv that run its Python, to be followed by Python's own. */
export function runPythonArguments(locked: boolean): string[] {
  return ["run", ...(locked ? ["--frozen"] : []), "python"];
}

/** Arguments of uv that print the Python it would use, without a download. */
export function findArguments(): string[] {
  return ["python", "find", "--system", "--no-python-downloads"];
}

/** `0.13.9` from `uv 0.13.9 (…)`; null for anything else. */
export function uvVersion(stdout: string): string | null {
  return /^uv (\d+(?:\.\d+)*)/.exec(stdout)?.[1] ?? null;
}
