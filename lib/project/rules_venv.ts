/** A venv of the project. */
export interface Venv {
  /** Absolute; symlinks are not resolved. */
  readonly path: string;
  /** From its name or its `pyvenv.cfg`: `313`; empty if unknown. */
  readonly minor: string;
}

/** Why a venv is one of the project's, in the order in which they are preferred. */
export const VENV_KINDS = ["active", "configured", "versioned", "uv", "conventional"] as const;

/** One of {@linkcode VENV_KINDS}. */
export type VenvKind = typeof VENV_KINDS[number];

/** A venv that was found, and what ranks it. */
export interface FoundVenv extends Venv {
  readonly kind: VenvKind;
  /** How many directories its place is above the project's root. */
  readonly height: number;
}

/** The names that everybody uses, in their order. uv makes `.venv`. */
export const CONVENTIONAL_VENVS = [".venv", "venv"] as const;

/**
 * The minor version in a directory's name, by the configured pattern (`py<MINOR>`): `313`, or empty
 * for a pattern without `<MINOR>`. Null if the name does not match.
 */
export function minorOfName(name: string, pattern: string): string | null {
  const [before, after] = halves(pattern);
  if (after === null) return name === pattern ? "" : null;
  if (!name.startsWith(before) || !name.endsWith(after)) return null;
  const minor = name.slice(before.length, name.length - after.length);
  return /^\d{2,4}$/.test(minor) ? minor : null;
}

/** The name of a venv: `py313`. */
export function venvName(pattern: string, minor: string): string {
  const [before, after] = halves(pattern);
  return after === null ? pattern : `${before}${minor}${after}`;
}

/**
 * Sorts venvs, best first: by kind; of several of one kind that of `.python-version`, else the
 * newest of those with a version in their name, else the nearest.
 */
export function rankVenvs(venvs: readonly FoundVenv[], wantedMinor: string | null): FoundVenv[] {
  const isWanted = (venv: Venv) => wantedMinor !== null && venv.minor === wantedMinor ? 0 : 1;
  const isNamed = (venv: FoundVenv) => venv.kind === "conventional" || venv.kind === "uv" ? 0 : 1;
  return [...venvs].sort((a, b) =>
    VENV_KINDS.indexOf(a.kind) - VENV_KINDS.indexOf(b.kind) || isWanted(a) - isWanted(b) ||
    (isNamed(a) && isNamed(b) ? age(b) - age(a) : 0) || a.height - b.height ||
    (a.path < b.path ? -1 : 1)
  );
}

/** `313` from the text of a `pyvenv.cfg`, as venv, virtualenv and uv write it; else empty. */
export function minorOfConfig(text: string | null): string {
  const match = /^version(?:_info)? *= *(\d+)\.(\d+)/m.exec(text ?? "");
  return match ? `${match[1]}${match[2]}` : "";
}

/** `313` from a `.python-version` (`3.13`, `3.13.1`, `cpython-3.13`); null for other content. */
export function minorOfVersionFile(text: string | null): string | null {
  const line = (text ?? "").split("\n").map((each) => each.trim()).find((each) =>
    each !== "" && !each.startsWith("#")
  );
  const match = /^(?:cpython[-@])?(\d)\.(\d+)(?:\.\w+)?t?$/.exec(line ?? "");
  return match ? `${match[1]}${match[2]}` : null;
}

/** `313` as people write it: `3.13`. */
export function dotted(minor: string): string {
  return `${minor.slice(0, 1)}.${minor.slice(1)}`;
}

/** Whether a module's file is an installed copy, not the source. */
export function isInstalledCopy(file: string): boolean {
  return file.split("/").some((part) => part === "site-packages" || part === "dist-packages");
}

function halves(pattern: string): [string, string | null] {
  const at = pattern.indexOf("<MINOR>");
  return at < 0 ? [pattern, null] : [pattern.slice(0, at), pattern.slice(at + "<MINOR>".length)];
}

function age({ minor }: Venv): number {
  return minor === "" ? 0 : Number(minor.slice(0, 1)) * 1000 + Number(minor.slice(1));
}

/** The names of the venvs to be found. */
export interface VenvNames {
  /** Of `[tool.tractest]`: relative to the root, `py<MINOR>`; null without one. */
  readonly configured: string | null;
  /** The name with a version: `py<MINOR>`. */
  readonly versioned: string;
  /** UV_PROJECT_ENVIRONMENT. */
  readonly uv: string | null;
  readonly conventional: readonly string[];
}
