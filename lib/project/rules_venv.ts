/** A venv of the project. */
export interface Venv {
  /** Absolute; symlinks are not resolved. */
  readonly path: string;
  /** From its name: `313`. */
  readonly minor: string;
}

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

/** Sorts venvs, best first: the active one, that of `.python-version`, then the newest. */
export function rankVenvs(
  venvs: readonly Venv[],
  wanted: { readonly active: string | null; readonly minor: string | null },
): Venv[] {
  const rank = (venv: Venv) =>
    venv.path === wanted.active ? 2 : wanted.minor !== null && venv.minor === wanted.minor ? 1 : 0;
  return [...venvs].sort((a, b) =>
    rank(b) - rank(a) || age(b) - age(a) || (a.path < b.path ? -1 : 1)
  );
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
