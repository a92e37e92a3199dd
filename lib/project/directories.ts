import { isAbsolute, join } from "@std/path";
import { TractestError } from "../errors.ts";
import type { Host } from "../system/host.ts";

/** A directory of tractest's own, or why it can't be used. */
export type OwnDirectory =
  | { readonly path: string; readonly exists: boolean; readonly problem: null }
  | { readonly path: string | null; readonly exists: boolean; readonly problem: string };

/** Where caches are: `${XDG_CACHE_HOME:-~/.cache}/tractest`. Losing it costs time. */
export function cacheDirectory(host: Host): Promise<OwnDirectory> {
  return look(host, place(host, "XDG_CACHE_HOME", ".cache"));
}

/**
 * Where history, logs and the ledger are: `${XDG_STATE_HOME:-~/.local/state}/tractest`. Losing it
 * costs history.
 */
export function stateDirectory(host: Host): Promise<OwnDirectory> {
  return look(host, place(host, "XDG_STATE_HOME", ".local/state"));
}

/** Makes the directory if it is missing; null if it can't be made private, or is not ours. */
export async function usable(
  host: Host,
  directory: OwnDirectory,
  below?: string,
): Promise<string | null> {
  if (directory.problem !== null) return null;
  try {
    if (!directory.exists) await host.files.makeDirectory(directory.path);
    const again = directory.exists ? directory : await look(host, directory.path);
    if (again.problem !== null || below === undefined) {
      return again.problem === null ? directory.path : null;
    }
    const inner = join(directory.path, below);
    const seen = await look(host, inner);
    if (seen.problem === null && !seen.exists) await host.files.makeDirectory(inner);
    return (await look(host, inner)).problem === null ? inner : null;
  } catch (error) {
    if (error instanceof TractestError) return null;
    throw error;
  }
}

/**
 * A relative path in XDG's variables is void, by their specification; a relative HOME is no better.
 */
function place(
  host: Host,
  variable: "XDG_CACHE_HOME" | "XDG_STATE_HOME",
  otherwise: string,
): string | null {
  const given = host.env(variable);
  if (given && isAbsolute(given)) return join(given, "tractest");
  const home = host.env("HOME");
  return home && isAbsolute(home) ? join(home, otherwise, "tractest") : null;
}

async function look(host: Host, path: string | null): Promise<OwnDirectory> {
  if (path === null) return { path, exists: false, problem: "HOME is not set" };
  try {
    const status = await host.files.lstat(path);
    if (status === null) return { path, exists: false, problem: null };
    const uid = host.uid();
    if (status.kind !== "directory") {
      return { path, exists: true, problem: `it is a ${status.kind}, not a directory` };
    }
    if (uid !== null && status.uid !== uid) {
      return { path, exists: true, problem: `it belongs to uid ${status.uid}, not to ${uid}` };
    }
    if ((status.mode & 0o077) !== 0) {
      return {
        path,
        exists: true,
        problem: `others may enter it (mode ${status.mode.toString(8)})`,
      };
    }
    return { path, exists: true, problem: null };
  } catch (error) {
    if (error instanceof TractestError) return { path, exists: true, problem: error.message };
    throw error;
  }
}

/** The first 16 hexadecimal digits of the SHA-256 of a text. */
export async function digest(text: string): Promise<string> {
  const hash = new Uint8Array(
    await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)),
  );
  return [...hash.subarray(0, 8)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/**
 * Where the ledger of a project's runs is, in the state directory: a file for each run. Null where
 * there is no such directory.
 */
export async function ledgerDirectory(host: Host, root: string): Promise<OwnDirectory | null> {
  const state = await stateDirectory(host);
  return state.path === null || state.problem !== null
    ? null
    : await look(host, join(state.path, "projects", await digest(root), "ledger"));
}

/**
 * Where runs keep their logs and events, a directory for each, in the state directory. Null where
 * there is no such directory.
 */
export async function runsDirectory(host: Host): Promise<string | null> {
  const state = await stateDirectory(host);
  if (state.path === null || state.problem !== null || !state.exists) return null;
  const runs = await look(host, join(state.path, "runs"));
  return runs.exists && runs.problem === null ? runs.path : null;
}
