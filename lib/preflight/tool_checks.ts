import { type CheckResult, checkResult } from "./rules.ts";
import type { Host, ProgramResult } from "../system/host.ts";
import { killTakesInode } from "../system/programs/kill.ts";
import { missingTool } from "../system/programs/probe.ts";
import { runThroughEnv } from "../system/programs/python.ts";
import { findInStandardDirectories } from "../system/programs/standard_directory.ts";
import { findOnPath } from "../system/programs/user_path.ts";
import { uvVersion } from "../system/programs/uv.ts";
import { PROGRAMS, STANDARD_DIRECTORIES } from "../tables/programs.ts";
import type { Project } from "../project/project.ts";
import { hasUvLock, workspaceOf } from "../project/workspace.ts";

/** Milliseconds for printing a version: a tool that needs longer hangs. */
const LIMIT_MS = 3_000;

/** The options with which the tools print their version. */
const VERSION_OPTIONS = [
  ["git", "--version"],
  ["ss", "-V"],
  ["ps", "--version"],
  ["pgrep", "--version"],
  ["lsof", "-v"],
] as const;
type Tool = typeof VERSION_OPTIONS[number][0];

/** tractest never starts these; people type them by hand, so a missing one is only a warning. */
const TYPED_BY_HAND: readonly Tool[] = ["pgrep", "lsof"];

/** Checks that git and the tools for process checks are installed, and shows their versions. */
export async function toolChecks(host: Host, project: Project): Promise<CheckResult[]> {
  const optional = needsSockets(project) ? TYPED_BY_HAND : [...TYPED_BY_HAND, "ss" as const];
  return await Promise.all(
    VERSION_OPTIONS.map(([name, option]) => toolCheck(host, name, option, optional)),
  );
}

/** Whether a run depends on who has which socket; else `ss` only adds ports to what is shown. */
function needsSockets({ profile, configuration }: Project): boolean {
  return profile === "tractor" || configuration.registries.length > 0 ||
    configuration.socketDirectories.length > 0;
}

async function toolCheck(
  host: Host,
  name: Tool,
  option: string,
  optional: readonly Tool[],
): Promise<CheckResult> {
  const id = `tool-${name}` as const;
  const result = await host.programs.run(name, [option], {
    why: `the version of ${name}`,
    timeoutMs: LIMIT_MS,
  });
  if (result.outcome === "missing") {
    const packages = PROGRAMS.find((row) => row.name === name)!.packages;
    const status = optional.includes(name) ? "warn" : "fail";
    const detail = `${missingTool(name)}: ${STANDARD_DIRECTORIES.join(", ")}`;
    return checkResult(id, status, detail, `install the package ${packages}`);
  }
  if (result.outcome === "timed-out") return timedOut(id, `${name} ${option}`);
  return checkResult(id, "ok", versionOf(result) ?? "version unknown");
}

/**
 * Shows how processes are signalled: by `PID:INODE`, which never names another process, or by a
 * pid that was verified right before.
 */
export async function signalsCheck(
  host: Host,
  inherited: ReadonlyMap<string, string>,
): Promise<CheckResult> {
  const id = "signals";
  // Started through `env`: `doctor` has no permission to start `kill` itself.
  const askVersion = async (name: string) => {
    const path = await findInStandardDirectories(host, name);
    return path === null
      ? null
      : await versionThroughEnv(host, path, "how processes can be signalled", inherited);
  };
  const [kill, getino] = await Promise.all([askVersion("kill"), askVersion("getino")]);
  if (kill === null) {
    return checkResult(id, "warn", missingTool("kill"), "install the package procps");
  }
  if (kill.outcome !== "exited") return timedOut(id, "kill --version");
  const version = new TextDecoder().decode(kill.stdout).split("\n", 1)[0]!;
  const detail = killTakesInode(version) && getino?.code === 0
    ? `by PID:INODE, which never names another process (${version})`
    : `by pid, verified right before each signal: ${version || "kill"} does not take PID:INODE`;
  return checkResult(id, "ok", detail);
}

/**
 * Checks uv. Without it tests run, but no venv can be created or synced by it, which only matters
 * where uv keeps the venv.
 */
export async function uvCheck(
  host: Host,
  project: Project,
  inherited: ReadonlyMap<string, string>,
): Promise<CheckResult> {
  const id = "tool-uv";
  const path = await findOnPath(host, "uv", project.root);
  if (path === null) {
    if (!await isKeptByUv(host, project)) {
      return checkResult(id, "skipped", "uv is not installed; only --sync and --uv-run need it");
    }
    const detail =
      "uv is neither on PATH nor in ~/.local/bin: --sync can't create or update the venv";
    return checkResult(id, "warn", detail, "pip install uv");
  }
  const result = await versionThroughEnv(host, path, "the version of uv", inherited);
  const command = `${path} --version`;
  if (result.outcome === "timed-out") return timedOut(id, command);
  const version = uvVersion(new TextDecoder().decode(result.stdout));
  return version === null
    ? checkResult(id, "fail", `"${command}" ended with exit code ${result.code}`, command)
    : checkResult(id, "ok", `${version} (${path})`);
}

async function isKeptByUv(host: Host, { profile, root }: Project): Promise<boolean> {
  const home = await workspaceOf(host, root) ?? root;
  return profile === "tractor" || await hasUvLock(host, home);
}

function versionThroughEnv(
  host: Host,
  path: string,
  why: string,
  inherited: ReadonlyMap<string, string>,
): Promise<ProgramResult> {
  const options = { cwd: "/", why, inherited, timeoutMs: LIMIT_MS };
  return runThroughEnv(host, [path, "--version"], options);
}

function timedOut(id: CheckResult["id"], command: string): CheckResult {
  return checkResult(id, "unknown", `"${command}" timed out`, command);
}

/** The first text that looks like a version in the output of a tool. */
function versionOf({ stdout, stderr }: ProgramResult): string | null {
  const text = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
  return /\d+(?:\.\d+)+(?:-\w+)?/.exec(text)?.[0] ?? null;
}
