import { isInside } from "../../base/paths.ts";
import { isAbsolute, join, resolve } from "@std/path";
import { ignoreTractestError } from "../../errors.ts";
import type { Host } from "../host.ts";

/** Where installers put a user's programs; hooks and desktops often lack these in PATH. */
const USER_DIRECTORIES = [".local/bin", ".cargo/bin"] as const;

/**
 * The absolute path of a program that the user has installed (uv, python): on PATH, or where
 * installers put it. Relative entries and those inside `outside` (the project) are ignored: those
 * programs are the project's, not the user's.
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
    if (!await isExecutable(host, path)) continue;
    if (!isInside(await host.files.realPath(entry) ?? entry, outside)) return path;
  }
  return null;
}

/** Whether a path is an executable file; false if that can't be read. */
export async function isExecutable(host: Host, path: string): Promise<boolean> {
  try {
    const status = await host.files.stat(path);
    return status?.kind === "file" && (status.mode & 0o111) !== 0;
  } catch (error) {
    ignoreTractestError(error);
    return false;
  }
}
