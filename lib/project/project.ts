import { dirname, join, resolve } from "@std/path";
import type { Configuration } from "./configuration.ts";
import {
  CONFIGURATION_FILES,
  type PytestConfiguration,
  readProjectFiles,
} from "./project_files.ts";
import { PreflightError } from "../errors.ts";
import type { Host } from "../system/host.ts";

/** A project's root and pytest configuration. Paths are absolute, symlinks resolved. */
export interface ProjectRoot {
  /** The nearest directory with a pytest configuration or `[tool.tractest]`. */
  readonly root: string;
  readonly pytest: PytestConfiguration | null;
  /** pytest's cache directory. */
  readonly cacheDirectory: string;
  /** `[project] name` of pyproject.toml. */
  readonly name: string | null;
  /** `[tool.tractest]`, not validated. */
  readonly tractest: Readonly<Record<string, unknown>> | null;
}

/** The project that a command works on. */
export interface Project extends ProjectRoot {
  readonly configuration: Configuration;
}

/**
 * Finds the project upward from the working directory.
 *
 * @throws {PreflightError} if there is none, or its configuration can't be read
 */
export async function findProject(host: Host): Promise<Project> {
  const [found, { readConfiguration }] = await Promise.all([
    findRoot(host),
    import("./configuration.ts"),
  ]);
  return { ...found, configuration: readConfiguration(found.tractest) };
}

/**
 * Finds the project without reading the configuration of tractest, for the quickest commands.
 *
 * @throws {PreflightError} if there is none, or a configuration file can't be parsed
 */
export async function findRoot(host: Host): Promise<ProjectRoot> {
  const start = await host.files.realPath(host.cwd) ?? host.cwd;
  for (let directory = start;; directory = dirname(directory)) {
    const files = await configurationFiles(host, directory);
    const { pytest, tractest, projectName } = readProjectFiles(files);
    if (pytest || tractest) {
      const cacheDirectory = resolve(directory, pytest?.cacheDirectory ?? ".pytest_cache");
      return { root: directory, pytest, cacheDirectory, name: projectName, tractest };
    }
    if (directory === dirname(directory)) break;
  }
  throw new PreflightError(
    "no-project",
    `No project found: no pytest configuration and no [tool.tractest] in "${start}" or above`,
    "go to the repo, or name it: tractest -C DIR …",
  );
}

/**
 * The texts of the configuration files in a directory, by name. Listing the directory is quicker
 * than trying to read each file; without permission to list it, each is tried.
 */
async function configurationFiles(host: Host, directory: string): Promise<Map<string, string>> {
  const files = new Map<string, string>();
  const listed = await host.files.readDirectory(directory).catch(() => null);
  const names = listed && new Set(listed.map((entry) => entry.name));
  for (const name of CONFIGURATION_FILES) {
    const text = names?.has(name) === false
      ? null
      : await host.files.readText(join(directory, name));
    if (text !== null) files.set(name, text);
  }
  return files;
}
