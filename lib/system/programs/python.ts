import { activation, type EnvironmentChange } from "./activation.ts";
import type { Host, ProgramResult } from "../host.ts";
import checkSource from "./tractest_check.py" with { type: "text" };
import { envCommand } from "./env.ts";

/** How to run a Python whose output is wanted. */
export interface PythonOptions {
  readonly cwd: string;
  readonly why: string;
  /** Milliseconds; the host's default if not given. */
  readonly timeoutMs?: number;
  /** From `inheritedEnvironment`. */
  readonly inherited: ReadonlyMap<string, string>;
}

/** Runs a Python to its end. Never throws for how it ends. */
export function runPython(
  host: Host,
  interpreter: Interpreter,
  args: readonly string[],
  options: PythonOptions,
): Promise<ProgramResult> {
  const { set, unset } = activation(interpreter, options.inherited);
  return runThroughEnv(host, [...interpreter.argv, ...args], {
    ...options,
    set: { ...interpreter.environment, ...set },
    unset,
  });
}

/** Runs a program by its absolute path through `env`; exit code 127 if it does not exist. */
export function runThroughEnv(
  host: Host,
  argv: readonly string[],
  { cwd, why, timeoutMs, inherited, set, unset }: PythonOptions & Partial<EnvironmentChange>,
): Promise<ProgramResult> {
  const { args, env } = envCommand({ inherited, set, unset, argv });
  return host.programs.run("env", args, { cwd, why, timeoutMs, env, exactEnv: true });
}

/** What a Python reports about itself and some packages. */
export interface ImportFacts {
  /** `3.13.0` */
  readonly version: string;
  /**
   * The file of each package as found outside of the project's root; empty for a namespace package.
   * Null: a package was not found.
   */
  readonly files: readonly string[] | null;
  /** Whether they were found only with the project's root as working directory. */
  readonly byDirectoryOnly: boolean;
  /** The package whose import failed, empty if none did; null if the imports did not end. */
  readonly failed: string | null;
  /** Files of all installed packages that were imported. */
  readonly imported: readonly string[];
}

/**
 * The arguments with which pytest collects tests for {@linkcode checkArguments}.
 *
 * @param targets as pytest takes them; none: pytest finds the suite
 * @param cacheDirectory keeps the collection from changing the project's record of failed tests
 */
export function collectArguments(
  targets: readonly string[],
  cacheDirectory: string | null,
): string[] {
  const cache = cacheDirectory === null ? [] : ["-o", `cache_dir=${cacheDirectory}`];
  return [...targets, "-x", "-q", "--co", "--color=no", ...cache];
}

/**
 * Arguments with which Python finds some packages, collects with pytest's arguments (if any), and
 * imports the packages, in one process.
 */
export function checkArguments(
  packages: readonly string[],
  pytestArguments: readonly string[],
): string[] {
  return ["-c", checkSource, packages.join(","), ...pytestArguments];
}

/** In place of pytest's arguments: the packages are only searched, not imported. */
export const FIND_ONLY = ["--find"] as const;

/** The output of such a Python. */
export interface CheckAnswer {
  /** Null if Python did not start. */
  readonly facts: ImportFacts | null;
  /** The output of pytest: standard output, or standard error if that is empty. */
  readonly pytest: string;
  /** The traceback of a failed import. */
  readonly traceback: string;
}

/** Parses the output of {@linkcode checkArguments}. */
export function parseCheck(stdout: string, stderr: string): CheckAnswer {
  const [noise = "", found, between = "", imported, after = ""] = stdout.split("\0\0");
  const [elsewhere = "", ...traceback] = stderr.split("\0\0");
  const printed = [noise, between, after].join("");
  const words = (record: string | undefined) =>
    record?.split("\0").map((word) => word === "-" ? "" : word) ?? [];
  const [, version, where, ...files] = words(found);
  const facts = version === undefined ? null : {
    version,
    files: files.length === 0 ? null : files,
    byDirectoryOnly: where === "working directory",
    failed: words(imported)[1] ?? null,
    imported: words(imported).slice(2),
  };
  return {
    facts,
    pytest: printed.trim() === "" ? elsewhere : printed,
    traceback: traceback.join("\n"),
  };
}

/**
 * The number in `471 tests collected in 1.73s` of `pytest --co -q`, or in its form with `-v`; null
 * if there is none.
 */
export function collectedCount(stdout: string): number | null {
  const quiet = /^(?:=+ )?(?:(\d+)\/)?(\d+) tests? collected/m.exec(stdout);
  if (quiet) return Number(quiet[1] ?? quiet[2]);
  const verbose = /^collected (\d+) items?/m.exec(stdout);
  return verbose ? Number(verbose[1]) : null;
}

/** `3.13.0` to `313`. */
export function minorOf(version: string): string | null {
  const match = /^(\d+)\.(\d+)/.exec(version);
  return match ? `${match[1]}${match[2]}` : null;
}

/** The Python of a run. */
export interface Interpreter {
  /** The words before `-m pytest`: a path, or `["/usr/bin/uv", "run", "--frozen", "python"]`. */
  readonly argv: readonly string[];
  /** Variables that it needs: `UV_PROJECT_ENVIRONMENT` for `uv run`. */
  readonly environment: Readonly<Record<string, string>>;
  /** The venv's directory, absolute; null when uv chooses it. */
  readonly venv: string | null;
  /** `312` for Python 3.12; null when unknown. */
  readonly minor: string | null;
}
