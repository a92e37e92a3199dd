/** The content of pytest's `lastfailed` file. */
export interface LastFailed {
  /** Ids of tests of this project, sorted. */
  readonly tests: readonly string[];
  /** Why the file could not be read; null if it was read or does not exist. */
  readonly unreadable: string | null;
}

/** The largest file that is read: the ids of 100,000 failures need about 10 MB. */
export const LASTFAILED_SIZE_LIMIT = 32 * 1024 * 1024;

/**
 * Reads `lastfailed` as pytest writes it: an object whose keys are test ids. It may have stale
 * entries for system paths, so only ids below a tests directory count.
 *
 * @param prefixes tests directories relative to pytest's rootdir, each with a slash at its end;
 *   empty for the rootdir itself
 */
export function readLastFailed(bytes: Uint8Array, prefixes: readonly string[]): LastFailed {
  if (bytes.length > LASTFAILED_SIZE_LIMIT) return unreadable(`it has ${bytes.length} bytes`);
  let data: unknown;
  try {
    data = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (error) {
    if (error instanceof TypeError) return unreadable("it is not UTF-8");
    return unreadable(bytes.length === 0 ? "it is empty" : "it is not JSON");
  }
  if (typeof data !== "object" || data === null || Array.isArray(data)) {
    return unreadable("it holds no object of test ids");
  }
  const ids = Object.keys(data).filter((id) => isTestId(id, prefixes)).map(plainId);
  return { tests: [...new Set(ids)].sort(), unreadable: null };
}

/** An id without addresses of parameters (`<P object at 0x…>`), which differ in each process. */
export function plainId(id: string): string {
  return id.replace(/ at 0x[0-9a-fA-F]+/g, " at 0x…");
}

/** The file of a test id, relative to pytest's rootdir. */
export function fileOf(id: string): string {
  return id.split("::", 1)[0]!;
}

/** Whether this is an id below a tests directory: no absolute path, no `..`, no option. */
function isTestId(id: string, prefixes: readonly string[]): boolean {
  const file = fileOf(id);
  if (file.startsWith("/") || file.startsWith("-") || file.split("/").includes("..")) return false;
  const looksLikeOne = id.length > file.length || /[^/]\.[^/]+$/.test(file);
  return prefixes.some((prefix) =>
    prefix === ""
      ? file !== "" && looksLikeOne
      : file.startsWith(prefix) && file.length > prefix.length
  );
}

/** A file that counts as empty. */
export function unreadable(why: string): LastFailed {
  return { tests: [], unreadable: why };
}
