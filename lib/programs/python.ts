import type { Interpreter } from "../core/preflight.ts";
import type { Host, ProgramResult } from "../host/host.ts";
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
export function runPython(host: Host, interpreter: Interpreter, args: readonly string[], options: PythonOptions): Promise<ProgramResult> {
  return runThroughEnv(host, [...interpreter.argv, ...args], { ...options, set: interpreter.environment });
}

/** Runs any program by its absolute path, through `env`. A path that does not exist ends with code 127. */
export function runThroughEnv(
  host: Host,
  argv: readonly string[],
  { cwd, why, timeoutMs, inherited, set }: PythonOptions & { readonly set?: Readonly<Record<string, string>> },
): Promise<ProgramResult> {
  const { args, env } = envCommand({ inherited, set, argv });
  return host.run("env", args, { cwd, why, timeoutMs, env, exactEnv: true });
}

/** What a Python says about itself and about the packages that were imported. */
export interface ImportFacts {
  /** `3.13.0` */
  readonly version: string;
  /** `sys.prefix`: the venv. */
  readonly prefix: string;
  /** `__file__` of each package, in the order asked for; empty for a namespace package. */
  readonly files: readonly string[];
}

/**
 * Arguments for a Python that imports the packages and answers with {@linkcode ImportFacts}, ended by NUL each: paths may hold
 * anything else. What the packages print meanwhile goes to standard error.
 */
export function importArguments(packages: readonly string[]): string[] {
  const imports = packages.map((name) => `import ${name}; show(${name}.__file__)`);
  return [
    "-c",
    [
      "import os,sys",
      "out=sys.stdout.buffer",
      "sys.stdout=sys.stderr",
      'show=lambda x: (out.write(os.fsencode(x or "")+b"\\0"), out.flush())',
      "show(sys.version.split()[0])",
      "show(sys.prefix)",
      ...imports,
    ].join("; "),
  ];
}

/** Reads the answer to {@linkcode importArguments}; null if not even Python itself could start. Fewer files than asked for: an import failed. */
export function parseImportFacts(stdout: string): ImportFacts | null {
  const [version, prefix, ...files] = stdout.split("\0").slice(0, -1);
  return version === undefined || prefix === undefined ? null : { version, prefix, files };
}

/** Arguments that collect all tests: `cacheDirectory` keeps the record of failed tests out of it. */
export function collectArguments(testsDirectories: readonly string[], cacheDirectory: string | null): string[] {
  const cache = cacheDirectory === null ? [] : ["-o", `cache_dir=${cacheDirectory}`];
  return ["-m", "pytest", ...testsDirectories, "-x", "-q", "--co", "--color=no", ...cache];
}

/** The `471 tests collected in 1.73s` of `pytest --co -q`, or what it says when the project adds `-v`; null if there is none. */
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
