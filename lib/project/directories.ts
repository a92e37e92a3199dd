import { dirname, isAbsolute, join } from "@std/path";
import { ignoreTractestError, TractestError } from "../errors.ts";
import type { FileStatus, Host } from "../system/host.ts";

/** A directory of tractest's own, and the reason if it can't be used. */
export type OwnDirectory =
  | { readonly path: string; readonly exists: boolean; readonly problem: null }
  | { readonly path: string | null; readonly exists: boolean; readonly problem: string };

/** The cache: `${XDG_CACHE_HOME:-~/.cache}/tractest`. Losing it costs only time. */
export function cacheDirectory(host: Host): Promise<OwnDirectory> {
  return inspect(host, pathFor(host, "XDG_CACHE_HOME", ".cache"));
}

/** History, logs and the ledger: `${XDG_STATE_HOME:-~/.local/state}/tractest`. */
export function stateDirectory(host: Host): Promise<OwnDirectory> {
  return inspect(host, pathFor(host, "XDG_STATE_HOME", ".local/state"));
}

/**
 * Creates the directory, or the one `below` it, if it is missing; returns its path, or null if it
 * can't be created, is not private, or is not ours.
 */
export async function usable(
  host: Host,
  directory: OwnDirectory,
  below?: string,
): Promise<string | null> {
  if (directory.problem !== null) return null;
  try {
    const own = await createIfMissing(host, directory.path, directory);
    if (own === null || below === undefined) return own;
    return await createIfMissing(host, join(own, below));
  } catch (error) {
    ignoreTractestError(error);
    return null;
  }
}

async function createIfMissing(
  host: Host,
  path: string,
  found?: OwnDirectory,
): Promise<string | null> {
  const { exists, problem } = found ?? await inspect(host, path);
  if (exists || problem !== null) return problem === null ? path : null;
  await host.files.makeDirectory(path);
  return (await inspect(host, path)).problem === null ? path : null;
}

/** Relative paths in the variables are ignored, as the XDG specification demands. */
function pathFor(
  host: Host,
  variable: "XDG_CACHE_HOME" | "XDG_STATE_HOME",
  otherwise: string,
): string | null {
  const given = host.env(variable);
  if (given && isAbsolute(given)) return join(given, "tractest");
  const home = host.env("HOME");
  return home && isAbsolute(home) ? join(home, otherwise, "tractest") : null;
}

async function inspect(host: Host, path: string | null): Promise<OwnDirectory> {
  if (path === null) return { path, exists: false, problem: "HOME is not set" };
  try {
    const status = await host.files.lstat(path);
    const problem = status === null ? await whyNotMade(host, path) : problemOf(status, host.uid());
    return { path, exists: status !== null, problem };
  } catch (error) {
    if (error instanceof TractestError) return { path, exists: true, problem: error.message };
    throw error;
  }
}

/** Why a missing directory can't be created; null if the permission bits don't forbid it. */
async function whyNotMade(host: Host, path: string): Promise<string | null> {
  const uid = host.uid();
  if (uid === null || uid === 0) return null;
  for (let parent = dirname(path);; parent = dirname(parent)) {
    const status = await host.files.stat(parent);
    if (status === null && parent !== dirname(parent)) continue;
    // Whether the group's bits are for this user is unknown.
    const forbids = status !== null && (status.mode & (uid === status.uid ? 0o200 : 0o022)) === 0;
    return forbids ? `${NOT_CREATABLE}: no permission to write to ${parent}` : null;
  }
}

/** How the problem of a directory begins that is missing and can't be created. */
export const NOT_CREATABLE = "it can't be created";

function problemOf({ kind, uid, mode }: FileStatus, ownUid: number | null): string | null {
  if (kind !== "directory") return `it is a ${kind}, not a directory`;
  if (ownUid !== null && uid !== ownUid) return `it belongs to uid ${uid}, not to ${ownUid}`;
  if ((mode & 0o077) !== 0) return `others may enter it (mode ${mode.toString(8)})`;
  return null;
}

/** The first 16 hexadecimal digits of the SHA-256 of a text. */
export async function digest(text: string): Promise<string> {
  const hash = new Uint8Array(
    await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)),
  );
  return [...hash.subarray(0, 8)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/**
 * The directory of embedded files: in the cache, or below `otherwise` if that can't be used. It is
 * private and named by the content of the files; existing ones are compared, never trusted.
 */
export async function embeddedDirectory(
  host: Host,
  kind: string,
  files: Readonly<Record<string, string>>,
  otherwise: string,
): Promise<string> {
  const name = `${kind}-${await digest(Object.values(files).join(""))}`;
  const cache = await usable(host, await cacheDirectory(host), name);
  const directory = cache ?? join(otherwise, name);
  if (cache === null) await host.files.makeDirectory(directory);
  for (const [name, text] of Object.entries(files)) {
    const file = join(directory, name);
    if (await host.files.readText(file) !== text) await host.files.writeFile(file, text);
  }
  return directory;
}

/** The ledger of a project, with a file for each run; null without a state directory. */
export async function ledgerDirectory(host: Host, root: string): Promise<OwnDirectory | null> {
  const state = await stateDirectory(host);
  return state.path === null || state.problem !== null
    ? null
    : await inspect(host, join(state.path, "projects", await digest(root), "ledger"));
}

/** The directory with a directory for each run, for its logs and events; null if missing. */
export async function runsDirectory(host: Host): Promise<string | null> {
  const state = await stateDirectory(host);
  if (state.path === null || state.problem !== null || !state.exists) return null;
  const runs = await inspect(host, join(state.path, "runs"));
  return runs.exists && runs.problem === null ? runs.path : null;
}
