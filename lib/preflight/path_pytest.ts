import { isInside } from "../base/paths.ts";
import { basename, dirname, join } from "@std/path";
import { isUvInstalled } from "../project/install_commands.ts";
import { hasUvLock } from "../project/workspace.ts";
import type { Host } from "../system/host.ts";
import { findOnPath, isExecutable } from "../system/programs/user_path.ts";
import type { Project } from "../project/project.ts";
import type { Venvs } from "../project/venvs.ts";

/**
 * The Python of the `pytest` that a person would start by typing it, for a project without a venv;
 * null where that should not be used: with uv and its lock file, which would make a venv, for
 * tractor, or if it is in an active venv of another project.
 */
export async function pythonOfPytest(
  host: Host,
  { root, profile }: Project,
  { home }: Venvs,
): Promise<string | null> {
  if (profile === "tractor") return null;
  const isLocked = await hasUvLock(host, home).catch(() => false);
  if (isLocked && await isUvInstalled(host, root)) return null;
  const pytest = await findOnPath(host, "pytest", root);
  if (pytest === null || !(host.env("PATH") ?? "").split(":").includes(dirname(pytest))) {
    return null;
  }
  const active = host.env("VIRTUAL_ENV");
  if (active && isInside(pytest, active)) return null;
  const places = [
    await interpreterIn(host, pytest),
    join(dirname(pytest), "python"),
    join(dirname(pytest), "python3"),
  ];
  for (const python of places) {
    if (python !== null && await isExecutable(host, python)) return python;
  }
  return null;
}

/** The Python in the first line of a script; null if it names another program. */
async function interpreterIn(host: Host, script: string): Promise<string | null> {
  const text = await host.files.readText(script).catch(() => null);
  const [, program] = /^#!\s*(\/\S+)/.exec(text ?? "") ?? [];
  return program !== undefined && /^(python|pypy)[\d.]*$/.test(basename(program)) ? program : null;
}
