/** The part of a file's status that a fingerprint includes. */
export interface FileMark {
  readonly path: string;
  readonly size: number;
  /** Milliseconds since the epoch. */
  readonly modifiedMs: number;
  /** Differs for a file that replaced another with the same time stamp. */
  readonly inode: number;
}

/** The remembered result of a preflight without a problem. */
export interface Remembered {
  readonly fingerprint: string;
  /** `3.13.0` */
  readonly pythonVersion: string;
  /** `__file__` of the imported packages. */
  readonly files: readonly string[];
  /** Whether they were found only with the project's root as working directory. */
  readonly byDirectoryOnly: boolean;
  /** Number of tests; null if pytest did not print it. */
  readonly collected: number | null;
  /** Installed files that were imported, and their fingerprint. */
  readonly imported: readonly string[];
  readonly importedMark: string;
}

const SCHEMA = "tractest.preflight-memory/3";

/** A digest that changes when any file or fact changes. */
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

/** Whether an environment variable affects imports or collection. */
export function matters(variable: string): boolean {
  return /^(PYTHON|PYTEST|TRACTOR|UV_|LD_|DYLD_)/.test(variable) &&
    variable !== "PYTEST_CURRENT_TEST";
}

/** The text of the file for a result. */
export function writeRemembered(remembered: Remembered): string {
  return JSON.stringify({ schema: SCHEMA, ...remembered });
}

/** Parses the text of the file; null if it is malformed. */
export function readRemembered(text: string | null): Remembered | null {
  let value: unknown;
  try {
    value = JSON.parse(text ?? "null");
  } catch {
    return null;
  }
  if (typeof value !== "object" || value === null) return null;
  const { schema, fingerprint, pythonVersion, files, collected, imported, ...rest } =
    value as Record<string, unknown>;
  const { byDirectoryOnly, importedMark } = rest;
  if (
    schema !== SCHEMA || typeof fingerprint !== "string" || typeof pythonVersion !== "string" ||
    typeof importedMark !== "string" || typeof byDirectoryOnly !== "boolean"
  ) return null;
  if (
    !areTexts(files) || !areTexts(imported) || (typeof collected !== "number" && collected !== null)
  ) return null;
  return {
    fingerprint,
    pythonVersion,
    files,
    byDirectoryOnly,
    collected,
    imported,
    importedMark,
  };
}

function areTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === "string");
}
