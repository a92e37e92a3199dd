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
 * Describes files that Deno refuses to inspect, by path, without following links. Missing and
 * unreadable paths are not in the result.
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

/** Parses the output of {@linkcode statPaths}; ignores malformed lines. */
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

/** The part of a file's status that a verdict on a socket needs. */
export interface FileFacts {
  readonly kind: "file" | "directory" | "symlink" | "socket" | "other";
  readonly device: number;
  readonly inode: number;
  readonly uid: number;
  /** Permission bits, including the sticky bit. */
  readonly mode: number;
}
