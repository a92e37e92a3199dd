import type { Verified } from "./import_scene.ts";
import { basename } from "@std/path";
import { type CheckResult, checkResult } from "./rules.ts";
import { dotted } from "../project/rules_venv.ts";
import type { Interpreter } from "../system/programs/python.ts";

/** What is known about the venv that a run uses. */
export interface VenvFacts {
  /** As it is shown: relative to the project's root where it is inside. */
  readonly name: string;
  readonly interpreter: Interpreter;
  /** `313`, as Python itself reports; null when unknown. */
  readonly minor: string | null;
  readonly verified: Verified;
  /** How it was chosen. */
  readonly how: string;
  /** Why better candidates were not used, and other warnings. */
  readonly warnings: readonly string[];
  /** The path to which its directory is a symlink; null if it is not one. */
  readonly linkedTo: string | null;
  /** Whether {@linkcode worktreeCheck} reports a venv that does not fit. */
  readonly inWorktree: boolean;
  /** The command that creates or syncs a venv that fits. */
  readonly fix: string;
}

/** Checks that the venv works and belongs to this checkout. */
export function venvCheck(
  { name, interpreter, minor, verified, how, warnings, linkedTo, inWorktree, fix }: VenvFacts,
): CheckResult {
  const { pythonVersion, fits, fit, isCopy } = verified;
  const version = pythonVersion === null ? "Python does not start" : `Python ${pythonVersion}`;
  const misfit = fits === false && !inWorktree;
  const wrongName = interpreter.minor !== null && minor !== null &&
    interpreter.minor !== minor && basename(name).includes(interpreter.minor);
  const detail = [
    `${name} (${version}), ${how}`,
    ...(interpreter.argv.length > 1 ? [UV_RUN_IS_SLOWER] : []),
    ...warnings,
    ...(linkedTo === null ? [] : [`it is a symlink to ${linkedTo}`]),
    ...(misfit || isCopy ? [fit] : []),
    ...(wrongName ? [`its name says Python ${dotted(interpreter.minor!)}`] : []),
  ].join("\n");
  if (pythonVersion === null || misfit) return checkResult("venv", "fail", detail, fix);
  return checkResult("venv", warnings.length > 0 || wrongName || isCopy ? "warn" : "ok", detail);
}

const UV_RUN_IS_SLOWER =
  "uv run checks the lock file on every start: an existing venv is faster, even if not active";

/** Checks that a linked worktree does not use the code of another checkout. */
export function worktreeCheck({ fits, fit }: Verified, fix: string): CheckResult {
  if (fits === null) return checkResult("worktree", "unknown", "nothing could be imported");
  return fits ? checkResult("worktree", "ok", fit) : checkResult("worktree", "fail", fit, fix);
}

/** What is known when there is no venv. */
export interface NoVenvFacts {
  readonly root: string;
  /** The names that were looked for. */
  readonly names: readonly string[];
  readonly warnings: readonly string[];
  /** The command that creates the venv. */
  readonly command: string;
  /** Whether the user wants to activate a venv themselves. */
  readonly activatesItself: boolean;
  readonly inWorktree: boolean;
}

/** Says that there is no venv. */
export function noVenvText(root: string, names: readonly string[]): string {
  return `no virtual environment found in ${root} (looked for ${names.join(", ")})`;
}

/** Whether a command that makes a venv is one that `--sync` would run. */
export function syncsWithUv(command: string): boolean {
  return /\buv sync\b/.test(command);
}

/** The failed checks of a project without a venv. */
export function noVenvChecks(
  { root, names, warnings, command, activatesItself, inWorktree }: NoVenvFacts,
): CheckResult[] {
  const name = /(?:UV_PROJECT_ENVIRONMENT=|\bvenv )(\S+)/.exec(command)?.[1] ?? ".venv";
  const detail = [noVenvText(root, names), ...warnings];
  const next = activatesItself
    ? `source ${name}/bin/activate`
    : !syncsWithUv(command)
    ? "tractest run --python PATH"
    : "tractest run --sync (creates it), --uv-run (slower), or --python PATH";
  const checks = [checkResult("venv", "fail", detail.join("\n"), `${command}\n${next}`)];
  if (inWorktree) checks.push(checkResult("worktree", "fail", NO_VENV_IN_WORKTREE, command));
  return checks;
}

const NO_VENV_IN_WORKTREE =
  "this linked worktree has no venv of its own, and another checkout's venv imports that checkout";
