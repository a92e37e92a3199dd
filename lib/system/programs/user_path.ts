import { isInside } from "../../base/paths.ts";
import { isAbsolute, join, resolve } from "@std/path";
import { TractestError } from "../../errors.ts";
import type { Host } from "../host.ts";

/** Where installers put programs of a user: hooks and desktop sessions often lack these in PATH. */
const USER_DIRECTORIES = [".local/bin", ".cargo/bin"] as const;

/**
 * The absolute path of a program that the user has installed (uv, python): on the user's PATH, then
 * where installers put it. Relative entries and those inside `outside` (the project) are left out:
 * what lies there is the project's, not the user's.
 */
export async function findOnPath(
  host: Host,
  program: string,
  outside: string,
): Promise<string | null> {
  const home = host.env("HOME");
  const entries = [
    ...(host.env("PATH") ?? "").split(":"),
    ...(home && isAbsolute(home) ? USER_DIRECTORIES.map((name) => join(home, name)) : []),
  ];
  for (const entry of entries) {
    if (!isAbsolute(entry) || isInside(resolve(entry), outside)) continue;
    const path = join(entry, program);
    if (
      await isExecutable(host, path) &&
      !isInside(await host.files.realPath(entry) ?? entry, outside)
    ) return path;
  }
  return null;
}

/** Whether there is a file that somebody may execute; false too for what can't be looked at. */
export async function isExecutable(host: Host, path: string): Promise<boolean> {
  try {
    const status = await host.files.stat(path);
    return status?.kind === "file" && (status.mode & 0o111) !== 0;
  } catch (error) {
    if (error instanceof TractestError) return false;
    throw error;
  }
}
