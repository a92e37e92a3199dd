import { dirname, join, resolve } from "@std/path";
import { type Configuration, CONFIGURATION_FILES, type PytestConfiguration, readConfiguration, readProjectFiles } from "../core/configuration.ts";
import { PreflightError } from "../errors.ts";
import type { Host } from "../host/host.ts";

/** The project that a command works on. Paths are absolute, symlinks resolved. */
export interface Project {
  /** The nearest ancestor with a pytest configuration or `[tool.tractest]`; git's top level may lie above. */
  readonly root: string;
  /** Where the tests are: the first of pytest's `testpaths`, else `tests`. */
  readonly testsDirectory: string;
  readonly pytest: PytestConfiguration | null;
  /** pytest's cache directory. */
  readonly cacheDirectory: string;
  readonly configuration: Configuration;
  /** `[project] name` of pyproject.toml. */
  readonly name: string | null;
}

/**
 * Finds the project upward from the working directory.
 *
 * @throws {PreflightError} when there is none, or when its configuration can't be read
 */
export async function findProject(host: Host): Promise<Project> {
  const start = await host.realPath(host.cwd) ?? host.cwd;
  for (let directory = start;; directory = dirname(directory)) {
    const files = new Map<string, string>();
    const texts = await Promise.all(CONFIGURATION_FILES.map(async (name) => [name, await host.readText(join(directory, name))] as const));
    for (const [name, text] of texts) if (text !== null) files.set(name, text);
    if (files.size > 0) {
      const { pytest, tractest, projectName } = readProjectFiles(files);
      if (pytest || tractest) {
        return {
          root: directory,
          testsDirectory: join(directory, pytest?.testPaths[0] ?? "tests"),
          pytest,
          cacheDirectory: resolve(directory, pytest?.cacheDirectory ?? ".pytest_cache"),
          configuration: readConfiguration(tractest),
          name: projectName,
        };
      }
    }
    if (directory === dirname(directory)) break;
  }
  throw new PreflightError(
    "no-project",
    `No project found: no pytest configuration and no [tool.tractest] in "${start}" or above`,
    "go to the repo, or name it: tractest -C DIR …",
  );
}
