import type { Host } from "../host.ts";
import { probe } from "./probe.ts";

const KINDS: Readonly<Record<string, FileFacts["kind"]>> = {
  "regular file": "file",
  "regular empty file": "file",
  directory: "directory",
  "symbolic link": "symlink",
  socket: "socket",
};

/**
 * What is at paths that Deno itself may not look at, by path; links are not followed. A path that
 * is not in it is gone, or can't be read.
 */
export async function statPaths(
  host: Host,
  paths: readonly string[],
  why: string,
): Promise<ReadonlyMap<string, FileFacts>> {
  if (paths.length === 0) return new Map();
  const { text } = await probe(host, "stat", ["-c", "%d %i %u %a %F\t%n", ...paths], {
    why,
    codes: [0, 1],
  });
  return text === null ? new Map() : parseStat(text);
}

/** Parses what {@linkcode statPaths} makes `stat` print; lines that do not parse are left out. */
export function parseStat(text: string): Map<string, FileFacts> {
  const rows = new Map<string, FileFacts>();
  for (const line of text.split("\n")) {
    const row = /^(\d+) (\d+) (\d+) ([0-7]+) ([^\t]+)\t(.+)$/.exec(line);
    if (!row) continue;
    const [, device, inode, uid, mode, kind, path] = row;
    rows.set(path!, {
      kind: KINDS[kind!] ?? "other",
      device: Number(device),
      inode: Number(inode),
      uid: Number(uid),
      mode: parseInt(mode!, 8),
    });
  }
  return rows;
}

/** What is at a path, as far as a verdict on a socket needs it. */
export interface FileFacts {
  readonly kind: "file" | "directory" | "symlink" | "socket" | "other";
  readonly device: number;
  readonly inode: number;
  readonly uid: number;
  /** Permission bits, the sticky one among them. */
  readonly mode: number;
}
