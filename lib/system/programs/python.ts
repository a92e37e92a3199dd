import { activation, type EnvironmentChange } from "./activation.ts";
import type { Host, ProgramResult } from "../host.ts";
import checkSource from "./tractest_check.py" with { type: "text" };
import { envCommand } from "./env.ts";

/** How to run a Python whose output is wanted. */
export interface PythonOptions {
  readonly cwd: string;
  readonly why: string;
  /** Milliseconds; the host's default unless given. */
  readonly timeoutMs?: number;
  /** From `inheritedEnvironment`. */
  readonly inherited: ReadonlyMap<string, string>;
}

/** Runs a Python to its end. Never throws for what it does. */
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

/**
 * Runs any program by its absolute path, through `env`. A path that does not exist ends with code
 * 127.
 */
export function runThroughEnv(
  host: Host,
  argv: readonly string[],
  { cwd, why, timeoutMs, inherited, set, unset }: PythonOptions & Partial<EnvironmentChange>,
): Promise<ProgramResult> {
  const { args, env } = envCommand({ inherited, set, unset, argv });
  return host.programs.run("env", args, { cwd, why, timeoutMs, env, exactEnv: true });
}

/** What a Python says about itself and about the packages that it was asked for. */
export interface ImportFacts {
  /** `3.13.0` */
  readonly version: string;
  /**
   * Where a process finds each package that is started outside of the project; empty for a
   * namespace package. Null: one is nowhere.
   */
  readonly files: readonly string[] | null;
  /** Whether they were found only because the project's root was the working directory. */
  readonly byDirectoryOnly: boolean;
  /** The package whose import failed, empty if none did; null if it never came to that. */
  readonly failed: string | null;
  /** Files of installed packages that were imported by the end. */
  readonly imported: readonly string[];
}

/**
 * The options of {@linkcode checkArguments} that collect tests; `cacheDirectory` keeps the record
 * of failed tests out of it.
 *
 * @param targets as pytest takes them; none: it finds the suite by itself
 */
export function collectArguments(
  targets: readonly string[],
  cacheDirectory: string | null,
): string[] {
  const cache = cacheDirectory === null ? [] : ["-o", `cache_dir=${cacheDirectory}`];
  return [...targets, "-x", "-q", "--co", "--color=no", ...cache];
}

/**
 * Arguments for a Python that finds the packages, collects (with pytest's arguments, if any) and
 * imports the packages, in one start.
 */
export function checkArguments(
  packages: readonly string[],
  pytestArguments: readonly string[],
): string[] {
  return ["-c", checkSource, packages.join(","), ...pytestArguments];
}

/** What such a Python wrote: its answers, and what pytest and the failed import printed. */
export interface CheckAnswer {
  /** Null if not even Python itself could start. */
  readonly facts: ImportFacts | null;
  /** Standard output and, if that is empty, standard error without the failed import. */
  readonly pytest: string;
  /** The traceback of the failed import. */
  readonly traceback: string;
}

/** Reads the answer to {@linkcode checkArguments}. */
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
 * The `471 tests collected in 1.73s` of `pytest --co -q`, or what it says when the project adds
 * `-v`; null if there is none.
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

/** The Python that a run uses, as words to put before `-m pytest`. */
export interface Interpreter {
  /**
   * `["/repo/py312/bin/python"]`, or `["/usr/bin/uv", "run", "--frozen", "python"]` for the
   * fallback.
   */
  readonly argv: readonly string[];
  /** What has to be set beside it: `UV_PROJECT_ENVIRONMENT` for the fallback. */
  readonly environment: Readonly<Record<string, string>>;
  /** The venv's directory, absolute; null when uv chooses it. */
  readonly venv: string | null;
  /** `312` for Python 3.12; null when unknown. */
  readonly minor: string | null;
}
