/** A file as a fingerprint sees it. */
export interface FileMark {
  readonly path: string;
  readonly size: number;
  /** Milliseconds since the epoch. */
  readonly modifiedMs: number;
  /** Tells a file from one that took its place with the old time stamp. */
  readonly inode: number;
}

/** What is remembered of a preflight that found nothing wrong. */
export interface Remembered {
  readonly fingerprint: string;
  /** `3.13.0` */
  readonly pythonVersion: string;
  /** `__file__` of the imported packages. */
  readonly files: readonly string[];
  /** How many tests; null when pytest did not say. */
  readonly collected: number | null;
  /** Installed files that were imported, and their fingerprint. */
  readonly imported: readonly string[];
  readonly importedMark: string;
}

const SCHEMA = "tractest.preflight-memory/2";

/** One text that changes when any file, variable or fact does. */
export async function fingerprint(
  files: readonly FileMark[],
  facts: readonly string[],
): Promise<string> {
  const marks = files.map((file) => `${file.path}\0${file.size}\0${file.modifiedMs}\0${file.inode}`)
    .sort();
  const digest = await crypto.subtle.digest(
    "SHA-256",
    new TextEncoder().encode([...marks, "\0facts", ...facts].join("\n")),
  );
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Whether a variable of the environment decides what is imported or collected. */
export function matters(variable: string): boolean {
  return /^(PYTHON|PYTEST|TRACTOR|UV_|LD_|DYLD_)/.test(variable) &&
    variable !== "PYTEST_CURRENT_TEST";
}

/** The file's text. */
export function writeRemembered(remembered: Remembered): string {
  return JSON.stringify({ schema: SCHEMA, ...remembered });
}

/** What the file's text says; null for anything that is not exactly such a text. */
export function readRemembered(text: string | null): Remembered | null {
  let value: unknown;
  try {
    value = JSON.parse(text ?? "null");
  } catch {
    return null;
  }
  if (typeof value !== "object" || value === null) return null;
  const { schema, fingerprint, pythonVersion, files, collected, imported, importedMark } =
    value as Record<string, unknown>;
  if (
    schema !== SCHEMA || typeof fingerprint !== "string" || typeof pythonVersion !== "string" ||
    typeof importedMark !== "string"
  ) return null;
  if (
    !areTexts(files) || !areTexts(imported) || (typeof collected !== "number" && collected !== null)
  ) return null;
  return { fingerprint, pythonVersion, files, collected, imported, importedMark };
}

function areTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === "string");
}
