import type { CheckResult } from "./rules.ts";
import type { Host, ProgramResult } from "../system/host.ts";
import { killTakesInode } from "../system/programs/kill.ts";
import { runThroughEnv } from "../system/programs/python.ts";
import { missingTool } from "../system/programs/probe.ts";
import { findInStandardDirectories } from "../system/programs/standard_directory.ts";
import { findOnPath } from "../system/programs/user_path.ts";
import { uvVersion } from "../system/programs/uv.ts";
import { type ProgramName, PROGRAMS, STANDARD_DIRECTORIES } from "../tables/programs.ts";
import type { Project } from "../project/project.ts";

/** A tool that does not even say its version within this time hangs. */
const LIMIT_MS = 3_000;

/** How each tool says its version. */
const VERSION_OPTION: Readonly<Partial<Record<ProgramName, string>>> = {
  git: "--version",
  ss: "-V",
  ps: "--version",
  pgrep: "--version",
  lsof: "-v",
};

/**
 * Nothing here starts these: they are for recipes typed by hand, so a machine without them is not
 * broken.
 */
const TYPED_BY_HAND: readonly ProgramName[] = ["pgrep", "lsof"];

/** The rows of the tools that look, and of git: present, and which version. */
export async function toolChecks(host: Host): Promise<CheckResult[]> {
  return await Promise.all(
    Object.entries(VERSION_OPTION).map(([name, option]) =>
      toolCheck(host, name as ProgramName, option)
    ),
  );
}

async function toolCheck(host: Host, name: ProgramName, option: string): Promise<CheckResult> {
  const id = `tool-${name}`;
  const result = await host.programs.run(name, [option], {
    why: `which ${name} this is`,
    timeoutMs: LIMIT_MS,
  });
  if (result.outcome === "missing") {
    const packages = PROGRAMS.find((row) => row.name === name)?.packages ?? name;
    const status = TYPED_BY_HAND.includes(name) ? "warn" : "fail";
    return {
      id,
      status,
      detail: `${missingTool(name)}: ${STANDARD_DIRECTORIES.join(", ")}`,
      fix: `install the package ${packages}`,
    };
  }
  if (result.outcome === "timed-out") {
    return {
      id,
      status: "unknown",
      detail: `"${name} ${option}" timed out`,
      fix: `${name} ${option}`,
    };
  }
  return { id, status: "ok", detail: versionOf(result) ?? "version unknown", fix: null };
}

/**
 * The row that says how processes are signalled: by a name that can't come to mean another, or by a
 * pid that was verified right before.
 */
export async function signalsCheck(
  host: Host,
  inherited: ReadonlyMap<string, string>,
): Promise<CheckResult> {
  const id = "signals";
  // Not started as a program of ours: `doctor` may signal nobody.
  const ask = async (name: ProgramName) => {
    const path = await findInStandardDirectories(host, name);
    const options = {
      cwd: "/",
      why: "how processes can be signalled",
      inherited,
      timeoutMs: LIMIT_MS,
    };
    return path === null ? null : await runThroughEnv(host, [path, "--version"], options);
  };
  const [kill, getino] = await Promise.all([ask("kill"), ask("getino")]);
  if (kill === null) {
    return { id, status: "warn", detail: missingTool("kill"), fix: "install the package procps" };
  }
  if (kill.outcome !== "exited") {
    return {
      id,
      status: "unknown",
      detail: '"kill --version" does not answer',
      fix: "kill --version",
    };
  }
  const said = new TextDecoder().decode(kill.stdout).split("\n", 1)[0]!;
  const byInode = killTakesInode(said) && getino?.code === 0;
  const detail = byInode
    ? `by PID:INODE, which never means another process (${said})`
    : `by pid, verified right before each signal: ${said || "this kill"} takes no PID:INODE`;
  return { id, status: "ok", detail, fix: null };
}

/** The row of uv. Without it tests run, but no venv can be made or synced. */
export async function uvCheck(
  host: Host,
  project: Project,
  inherited: ReadonlyMap<string, string>,
  hasVenv: boolean,
): Promise<CheckResult> {
  const id = "tool-uv";
  const path = await findOnPath(host, "uv", project.root);
  if (path === null) {
    const detail = "uv is neither on PATH nor in ~/.local/bin" +
      (hasVenv ? ": the venv can't be synced" : "");
    return { id, status: hasVenv ? "warn" : "fail", detail, fix: "pip install uv" };
  }
  const result = await runThroughEnv(host, [path, "--version"], {
    cwd: "/",
    why: "which uv this is",
    inherited,
    timeoutMs: LIMIT_MS,
  });
  if (result.outcome === "timed-out") {
    return {
      id,
      status: "unknown",
      detail: `"${path} --version" timed out`,
      fix: `${path} --version`,
    };
  }
  const version = uvVersion(new TextDecoder().decode(result.stdout));
  if (version !== null) return { id, status: "ok", detail: `${version} (${path})`, fix: null };
  return {
    id,
    status: "fail",
    detail: `"${path} --version" ended with exit code ${result.code}`,
    fix: `${path} --version`,
  };
}

/** The first thing that looks like a version in what a tool printed. */
function versionOf({ stdout, stderr }: ProgramResult): string | null {
  const text = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
  return /\d+(?:\.\d+)+(?:-\w+)?/.exec(text)?.[0] ?? null;
}
