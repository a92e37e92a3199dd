import { TractestError } from "../../errors.ts";
import type { Host } from "../host.ts";
import { EXIT } from "../../tables/exit_codes.ts";
import { ownProcess } from "./own_process.ts";
import { GIT_COUNTED_PREFIXES, GIT_LOCAL_VARIABLES } from "./git_variables.ts";

/** A program to start through `env`, and its environment. */
export interface EnvRequest {
  /** From {@linkcode inheritedEnvironment}. */
  readonly inherited: ReadonlyMap<string, string>;
  /** Variables to set. */
  readonly set?: Readonly<Record<string, string>>;
  /** Variables to remove. */
  readonly unset?: readonly string[];
  /** The program, absolute, and its arguments. */
  readonly argv: readonly string[];
  /** From {@linkcode sigintMethod}; `as-inherited` by default. */
  readonly sigint?: SigintMethod;
  /** Number of words that start Python: 1, or 4 for `uv run --frozen python`. */
  readonly pythonWords?: number;
}

/** Arguments for `env`, and the environment to start it with. */
export interface EnvCommand {
  readonly args: string[];
  readonly env: Record<string, string>;
}

/** Sets SIGINT to its default and executes the same Python again, which would keep it ignored. */
const TRAMPOLINE = "import os,signal,sys; signal.signal(signal.SIGINT,signal.SIG_DFL); " +
  "os.execv(sys.executable,[sys.executable]+sys.argv[1:])";

/**
 * The whole environment of tractest, without variables that its launcher set. Deno shows only
 * variables that it may read, so programs are asked.
 *
 * @throws {TractestError} code 70 if no program can read it
 */
export async function inheritedEnvironment(host: Host): Promise<Map<string, string>> {
  const variables = parseEnvironment((await ownProcess(host))?.environment ?? await askEnv(host));
  // The launcher of these two kinds sets them for its own Deno.
  if (["self-contained", "launcher"].includes(host.build().kind)) {
    variables.delete("DENO_NO_UPDATE_CHECK");
    if (OWN_DENO_DIR.test(variables.get("DENO_DIR") ?? "")) variables.delete("DENO_DIR");
    for (const [name, value] of [...variables]) {
      if (!name.startsWith(SET_ASIDE)) continue;
      variables.delete(name);
      variables.set(name.replace(SET_ASIDE, "DENO_"), value);
    }
    // It replaces the home where Deno couldn't read ~/.npmrc, and start.js puts it back.
    const home = host.env("HOME");
    if (home !== undefined) variables.set("HOME", home);
  }
  return variables;
}

async function askEnv(host: Host): Promise<string> {
  const { outcome, code, stdout } = await host.programs.run("env", ["-0"], {
    why: "the environment that pytest inherits",
    inherit: true,
  });
  if (outcome === "exited" && code === 0) return new TextDecoder().decode(stdout);
  throw new TractestError(
    "environment",
    "Cannot read the environment that tractest was started with",
    EXIT.bug,
    "pytest can't be started without it",
  );
}

/** How the launcher names settings of Deno that are the user's, and not for its own Deno. */
const SET_ASIDE = "TRACTEST_DENO_";
/** The DENO_DIR of a self-contained binary, if the user has set none. */
const OWN_DENO_DIR = /\/tractest[^/]*\/program-\w+\/deno$/;

/** Parses `NAME=value` records that end with NUL. The first of a name wins, as for getenv. */
export function parseEnvironment(text: string): Map<string, string> {
  const variables = new Map<string, string>();
  for (const record of text.split("\0")) {
    const equals = record.indexOf("=");
    if (equals <= 0) continue;
    const name = record.slice(0, equals);
    if (!variables.has(name)) variables.set(name, record.slice(equals + 1));
  }
  return variables;
}

/**
 * Builds the command that starts `argv` through `env`. Variables to set, and those that Deno
 * refuses to pass (`LD_*`, `DYLD_*`), become arguments; git's repository-local ones are dropped.
 */
export function envCommand(
  { inherited, set = {}, unset = [], argv, sigint = "as-inherited", pythonWords = 1 }: EnvRequest,
): EnvCommand {
  const env: Record<string, string> = {};
  const args = sigint === "env" ? ["--default-signal=INT"] : [];
  for (const [name, value] of inherited) {
    if (isGitLocal(name) || unset.includes(name) || name in set) continue;
    if (/^(LD_|DYLD_)/.test(name)) args.push(`${name}=${value}`);
    else env[name] = value;
  }
  // Arguments, so that the command that `-v` shows does the same when it is pasted.
  for (const [name, value] of Object.entries(set)) args.push(`${name}=${value}`);
  const words = sigint === "python"
    ? [...argv.slice(0, pythonWords), "-c", TRAMPOLINE, ...argv.slice(pythonWords)]
    : argv;
  // `env` reads every word with "=" before the program as a variable, so a program whose path has
  // one is started by a shell.
  args.push(...(words[0]?.includes("=") ? ["/bin/sh", "-c", 'exec "$0" "$@"', ...words] : words));
  return { args, env };
}

/** Whether git sets the variable to tie processes to one repository. */
export function isGitLocal(name: string): boolean {
  return (GIT_LOCAL_VARIABLES as readonly string[]).includes(name) ||
    GIT_COUNTED_PREFIXES.some((prefix) => name.startsWith(prefix));
}

/**
 * Whether tractest runs with SIGINT ignored, like a background job of a non-interactive shell; null
 * if unknown.
 */
export async function ignoresSigint(host: Host): Promise<boolean | null> {
  return (await ownProcess(host))?.ignoresSigint ?? null;
}

/**
 * How programs that tractest starts get SIGINT at its default. If it is unknown whether SIGINT is
 * ignored, a method that always works.
 *
 * @param ignored from {@linkcode ignoresSigint}, if already known
 */
export async function sigintMethod(host: Host, ignored?: boolean | null): Promise<SigintMethod> {
  if ((ignored === undefined ? await ignoresSigint(host) : ignored) === false) {
    return "as-inherited";
  }
  const { outcome, code, stdout } = await host.programs.run("env", ["--version"], {
    why: "whether env has --default-signal",
  });
  return outcome === "exited" && code === 0 && knowsDefaultSignal(new TextDecoder().decode(stdout))
    ? "env"
    : "python";
}

/** Whether `env --version` names a coreutils that has `--default-signal` (8.31 and newer). */
export function knowsDefaultSignal(version: string): boolean {
  const [, major, minor] = /GNU coreutils\) (\d+)\.(\d+)/.exec(version) ?? [];
  return major !== undefined && (Number(major) > 8 || (Number(major) === 8 && Number(minor) >= 31));
}

/** How SIGINT is set to its default: not at all, by GNU `env`, or by a line of Python. */
export type SigintMethod = "as-inherited" | "env" | "python";
