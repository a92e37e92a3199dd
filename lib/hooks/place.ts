import { isAbsolute, join, relative, resolve } from "@std/path";
import { hookRow, shellQuote } from "./block.ts";
import { type Manager, managerOf } from "./managers.ts";
import { PreflightError } from "../errors.ts";
import type { FileStatus, Host } from "../system/host.ts";
import { Git } from "../system/programs/git.ts";
import { type HookName, MANAGERS, PRE_PUSH_RUN } from "./git_hooks.ts";
import { findProject } from "../project/project.ts";

/** The schema of every document of `tractest hooks`. */
export const SCHEMA = "tractest.hooks/1";

/** Where a repo's hooks are. Paths are absolute. */
export interface HookPlace {
  /** The top of the work tree, where git starts hooks. */
  readonly top: string;
  /**
   * The repo's own hooks directory, shared by all its work trees. Only there is anything written.
   */
  readonly own: string;
  /** The directory that git runs hooks from: `core.hooksPath` or the own one. */
  readonly used: string;
  /** `core.hooksPath` as written, where it names another directory. */
  readonly hooksPath: string | null;
  readonly symlinkedDirectory: boolean;
  /** Whether git finds any hooks at all: `core.hooksPath = /dev/null` switches them off. */
  readonly off: boolean;
  readonly managerFiles: readonly string[];
}

/** One hook file, as it is. */
export interface HookFile {
  readonly hook: HookName;
  readonly path: string;
  readonly status: FileStatus | null;
  /** Null when there is no file that could be read without following a link. */
  readonly content: Uint8Array | null;
  readonly manager: Manager | null;
}

/**
 * The places of the hooks of the repo around the working directory.
 *
 * @throws {PreflightError} outside of a work tree
 */
export async function findPlace(host: Host): Promise<HookPlace> {
  const git = new Git(host, host.cwd);
  const [location, configured] = await Promise.all([git.location(), git.hooksPath()]);
  if (!location) {
    await git.prefix(); // says why, in git's words
    throw new PreflightError(
      "no-repository",
      `"${host.cwd}" is in no work tree of git`,
      "go to one, or name it: tractest -C DIR hooks …",
    );
  }
  const top = location.topLevel;
  const own = join(location.commonDirectory, "hooks");
  const used = configured === null ? own : resolve(top, configured);
  const real = async (path: string) => await host.files.realPath(path) ?? path;
  const elsewhere = configured !== null && await real(used) !== await real(own);
  const names = MANAGERS.flatMap((row): readonly string[] => row.files);
  const seen = await Promise.all(
    names.map(async (name) => await host.files.lstat(join(top, name)) ? [name] : []),
  );
  return {
    top,
    own,
    used: elsewhere ? used : own,
    hooksPath: elsewhere ? configured : null,
    symlinkedDirectory: (await host.files.lstat(own))?.kind === "symlink",
    off: elsewhere && (await host.files.stat(used))?.kind !== "directory",
    managerFiles: seen.flat(),
  };
}

/** The file of one hook, and who manages it. */
export async function lookAt(host: Host, place: HookPlace, hook: HookName): Promise<HookFile> {
  const path = join(place.own, hook);
  const status = await host.files.lstat(path);
  const content = status?.kind === "file" ? await host.files.readFile(path) : null;
  const text = content && new TextDecoder().decode(content);
  const manager = managerOf({
    hooksPath: place.hooksPath,
    symlinkedDirectory: place.symlinkedDirectory,
    files: place.managerFiles,
    content: text,
  });
  return { hook, path, status, content, manager };
}

/**
 * The command lines of a hook, the `typed` ones if there are any. Each leads with `-C` from git's
 * top, where hooks start, to the project.
 */
export async function commandsFor(
  host: Host,
  hook: HookName,
  top: string | null,
  typed: readonly (readonly string[])[] = [],
): Promise<(readonly string[])[]> {
  // Entries for a manager can be printed anywhere; our own hooks need the project.
  if (top === null) return [...(typed.length > 0 ? typed : hookRow(hook).commands)];
  const project = await findProject(host);
  const more = hook === "pre-push" && project.configuration.prePushRun ? [PRE_PUSH_RUN] : [];
  const own = [...hookRow(hook).commands, ...more];
  const below = relative(top, project.root);
  return (typed.length > 0 ? typed : own).map((words) =>
    below === "" || words[0] === "-C" ? [...words] : ["-C", below, ...words]
  );
}

/** The first tractest on PATH, absolute; null if there is none. */
export async function onPath(host: Host): Promise<string | null> {
  for (const directory of (host.env("PATH") ?? "").split(":").filter(isAbsolute)) {
    const path = join(directory, "tractest");
    if (await isExecutable(host, path)) return path;
  }
  return null;
}

/** Whether there is a file that may be executed. */
export async function isExecutable(host: Host, path: string): Promise<boolean> {
  try {
    const status = await host.files.stat(path);
    return status?.kind === "file" && (status.mode & 0o111) !== 0;
  } catch {
    return false; // a directory on PATH that may not be read
  }
}

/** A manager and its evidence, in words. */
export function managerText(manager: Manager): string {
  return `${manager.name === "shared" ? "others" : manager.name} (${manager.evidence})`;
}

/** A command line as a person would type it. */
export function commandText(words: readonly string[]): string {
  return ["tractest", ...words].map(shellQuote).join(" ");
}
