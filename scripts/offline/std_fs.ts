/**
 * Replaces `@std/fs` where JSR can't be reached, as far as this project uses it, based on Deno's
 * own API.
 */

import { basename, join } from "./std_path.ts";

/**
 * Whether a path exists. If that can't be checked (no permission for the directory), it counts as
 * existing.
 */
export async function exists(
  path: string,
  options: { isDirectory?: boolean; isFile?: boolean } = {},
): Promise<boolean> {
  try {
    const status = await Deno.stat(path);
    return !(options.isDirectory && !status.isDirectory) && !(options.isFile && !status.isFile);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    if (error instanceof Deno.errors.PermissionDenied) return true;
    throw error;
  }
}

/** Makes a directory and those above it, unless it is there. */
export function ensureDirSync(path: string): void {
  Deno.mkdirSync(path, { recursive: true });
}

/** What {@linkcode walk} finds. */
export interface WalkEntry extends Deno.DirEntry {
  path: string;
}

/** The options of {@linkcode walk} that this project uses. */
export interface WalkOptions {
  maxDepth?: number;
  includeFiles?: boolean;
  includeDirs?: boolean;
  includeSymlinks?: boolean;
  exts?: string[];
  match?: RegExp[];
  skip?: RegExp[];
}

/** Everything below `root`, `root` itself first. Symbolic links are named, not followed. */
export async function* walk(
  root: string,
  options: WalkOptions = {},
): AsyncIterableIterator<WalkEntry> {
  const { maxDepth = Infinity, includeFiles = true, includeDirs = true, includeSymlinks = true } =
    options;
  if (maxDepth < 0) return;
  const exts = options.exts?.map((ext) => ext.startsWith(".") ? ext : `.${ext}`);
  const skipped = (path: string) => options.skip?.some((pattern) => path.match(pattern)) ?? false;
  const wanted = (path: string) =>
    (exts?.some((ext) => path.endsWith(ext)) ?? true) && (options.match?.some((pattern) =>
      path.match(pattern)
    ) ?? true) && !skipped(path);

  if (includeDirs && wanted(root)) {
    const { isFile, isDirectory, isSymlink } = await Deno.stat(root);
    yield { path: root, name: basename(root), isFile, isDirectory, isSymlink };
  }
  if (maxDepth < 1 || skipped(root)) return;
  for await (const entry of Deno.readDir(root)) {
    const path = join(root, entry.name);
    if (entry.isDirectory) yield* walk(path, { ...options, maxDepth: maxDepth - 1 });
    else if ((entry.isSymlink ? includeSymlinks : includeFiles) && wanted(path)) {
      yield { path, ...entry };
    }
  }
}
