import { dirname, join } from "@std/path";
import { isInside } from "../base/paths.ts";
import type { Place } from "../processes/process.ts";
import type { Host } from "../system/host.ts";

/** Files that mark a directory as a project of its own, outside of ours. */
const PROJECT_FILES = [".git", "pyproject.toml", "pytest.ini", "setup.py", "setup.cfg", "tox.ini"];

/** Where a process works: in this checkout, another project, a temporary directory or elsewhere. */
export async function placeOf(
  host: Host,
  root: string,
  cwd: string | null,
  directory: { readonly device: number; readonly inode: number } | null,
): Promise<Place> {
  if (cwd === null || directory === null) return "unknown";
  const here = await host.files.stat(cwd).catch(() => null);
  const same = here !== null && here.device === directory.device &&
    here.inode === directory.inode;
  if (!same) return cwd.endsWith(" (deleted)") ? "gone" : "elsewhere";
  const temporary = temporaryOf(cwd, host.env("TMPDIR"));
  const rootIsTemporary = temporary !== null && isInside(root, temporary);
  if (isInside(cwd, root)) {
    return await isNestedCheckout(host, root, cwd) ? "other-project" : "checkout";
  }
  if (temporary !== null && !rootIsTemporary) return "pytest-temporary";
  if (await isOtherProject(host, root, cwd)) return "other-project";
  return temporary !== null ? "pytest-temporary" : "elsewhere";
}

/** Whether another checkout (a worktree, say) lies between the root and a directory below it. */
async function isNestedCheckout(host: Host, root: string, cwd: string): Promise<boolean> {
  for (let directory = cwd; directory !== root; directory = dirname(directory)) {
    if (await host.files.lstat(join(directory, ".git")).catch(() => null)) return true;
  }
  return false;
}

/** Whether a directory outside of the root belongs to a project that does not contain ours. */
async function isOtherProject(host: Host, root: string, cwd: string): Promise<boolean> {
  for (let directory = cwd;; directory = dirname(directory)) {
    const found = await Promise.all(
      PROJECT_FILES.map((name) => host.files.lstat(join(directory, name)).catch(() => null)),
    );
    if (found.some((file) => file !== null)) return !isInside(root, directory);
    if (directory === dirname(directory)) return false;
  }
}

/** pytest's directory of temporary directories above a path: `/tmp/pytest-of-dev`. */
function temporaryOf(path: string, temporary: string | undefined): string | null {
  for (const parent of [temporary, "/tmp", "/var/tmp"]) {
    if (!parent?.startsWith("/")) continue;
    const [below] = isInside(path, parent)
      ? path.slice(parent.length).split("/").filter((part) => part !== "")
      : [];
    if (below?.startsWith("pytest-of-")) return join(parent, below);
  }
  return null;
}
