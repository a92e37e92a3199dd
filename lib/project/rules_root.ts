import type { PytestConfiguration } from "./project_files.ts";

/** What decides whether a directory is the root of a project. */
export interface DirectoryFacts {
  /** Absolute. */
  readonly path: string;
  /** Whether it has `[tool.tractest]` or a pytest configuration. */
  readonly isConfigured: boolean;
  /** Whether it has a pytest configuration. */
  readonly configuresPytest: boolean;
  /** Those of `pyproject.toml`, `setup.py`, `setup.cfg` and `tox.ini` that exist. */
  readonly projectFiles: readonly string[];
  /** Whether git's work tree begins here. */
  readonly isGitTop: boolean;
}

/**
 * The root of a project: the nearest directory that is configured, else the nearest with a project
 * file, else git's top level; null without any. Nothing above git's top level is one: pytest, too,
 * collects nothing there. Neither are the home directory and `/` for being git's top level alone:
 * people keep their settings there.
 *
 * @param above the working directory and all above it, nearest first
 */
export function chooseRoot(above: readonly DirectoryFacts[], home: string | null): string | null {
  const at = above.findIndex(({ isGitTop }) => isGitTop);
  const inside = at < 0 ? above : above.slice(0, at + 1);
  const found = inside.find(({ isConfigured }) => isConfigured) ??
    inside.find(({ projectFiles }) => projectFiles.length > 0);
  if (found) return found.path;
  const top = above[at]?.path ?? null;
  return top === "/" || top === home ? null : top;
}

/**
 * The rootdir that pytest (8.1 or newer) determines when it starts in a directory without
 * arguments: the nearest with a configuration, else the nearest with a `pyproject.toml`, else with
 * a `setup.py`, else that directory.
 *
 * @param above that directory and all above it, nearest first
 */
export function pytestRootdir(above: readonly DirectoryFacts[]): string {
  const has = (name: string) => (one: DirectoryFacts) => one.projectFiles.includes(name);
  return (above.find(({ configuresPytest }) => configuresPytest) ??
    above.find(has("pyproject.toml")) ?? above.find(has("setup.py")) ?? above[0]!).path;
}

/** A project's root and pytest configuration. Paths are absolute, symlinks resolved. */
export interface ProjectRoot {
  /** Where pytest starts. */
  readonly root: string;
  /** The top of git's work tree around it; null outside of one. */
  readonly top: string | null;
  /** pytest's rootdir when it starts there: the root, or a directory above it. */
  readonly rootdir: string;
  /** Paths are relative to the root, even if the file is in a directory above it. */
  readonly pytest: PytestConfiguration | null;
  /** pytest's cache directory. */
  readonly cacheDirectory: string;
  /** `[project] name` of pyproject.toml. */
  readonly name: string | null;
  /** `[tool.tractest]`, not validated. */
  readonly tractest: Readonly<Record<string, unknown>> | null;
}
