/** What pytest's `lastfailed` file says. */
export interface LastFailed {
  /** Test ids, sorted, without what is no test of this project. */
  readonly tests: readonly string[];
  /** Why the file counts as empty although it is there; null when it could be read. */
  readonly unreadable: string | null;
}

/**
 * The largest file that is believed to be pytest's: a suite of 100,000 failures has about 10 MB of
 * ids.
 */
export const LASTFAILED_SIZE_LIMIT = 32 * 1024 * 1024;

/**
 * Reads `lastfailed` as pytest writes it: an object whose keys are test ids. Stale entries for
 * system paths gather there, so that only ids below a tests directory count.
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
    return unreadable(
      error instanceof TypeError
        ? "it is not UTF-8"
        : bytes.length === 0
        ? "it is empty"
        : "it is not JSON",
    );
  }
  if (typeof data !== "object" || data === null || Array.isArray(data)) {
    return unreadable("it holds no object of test ids");
  }
  const ids = Object.keys(data).filter((id) => isTestId(id, prefixes)).map(plainId);
  return { tests: [...new Set(ids)].sort(), unreadable: null };
}

/**
 * An id without the addresses of its parameters, `<P object at 0x…>`: those are others in each
 * process, for the same test.
 */
export function plainId(id: string): string {
  return id.replace(/ at 0x[0-9a-fA-F]+/g, " at 0x…");
}

/** The file of a test id, relative to pytest's rootdir. */
export function fileOf(id: string): string {
  return id.split("::", 1)[0]!;
}

/**
 * An id below a tests directory. Absolute paths, ways out (`..`) and words like options are no
 * ids.
 */
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

function unreadable(why: string): LastFailed {
  return { tests: [], unreadable: why };
}
