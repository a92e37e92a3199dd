import { parse } from "smol-toml";
import { dirname, join, relative } from "@std/path";
import { globExpression } from "../base/glob.ts";
import type { Host } from "../system/host.ts";
import { table } from "./project_files.ts";

/**
 * The root of the workspace of uv that contains a project, where uv keeps `uv.lock` and `.venv`;
 * null without one. uv finds it above git's top level too.
 */
export async function workspaceOf(host: Host, root: string): Promise<string | null> {
  let member: string | null = null;
  for (let place = root;; place = dirname(place)) {
    const text = await host.files.readText(join(place, "pyproject.toml")).catch(() => null);
    if (text !== null) {
      member ??= place;
      if (contains(text, relative(place, member))) return place;
    }
    if (place === dirname(place)) return null;
  }
}

/** Whether uv keeps a lock file where it keeps the venv: then it would make a missing venv. */
export async function hasUvLock(host: Host, home: string): Promise<boolean> {
  return await host.files.stat(join(home, "uv.lock")) !== null;
}

/** Whether a pyproject.toml is that of a workspace with a member. */
function contains(pyproject: string, member: string): boolean {
  // Most say nothing of a workspace, and need no parsing.
  if (!pyproject.includes("workspace")) return false;
  try {
    const { workspace } = table(table(parse(pyproject).tool).uv);
    if (workspace === undefined) return false;
    if (member === "") return true;
    const matches = (globs: unknown) =>
      Array.isArray(globs) &&
      globs.some((glob) => globExpression(String(glob).replace(/\/$/, ""))?.test(member));
    return matches(table(workspace).members) && !matches(table(workspace).exclude);
  } catch {
    return false;
  }
}
