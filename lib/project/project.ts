import { dirname, join, resolve } from "@std/path";
import type { ChosenProfile, Configuration } from "./configuration.ts";
import {
  CONFIGURATION_FILES,
  PROJECT_FILES,
  type ProjectFiles,
  readProjectFiles,
  seenFrom,
} from "./project_files.ts";
import { chooseRoot, type DirectoryFacts, type ProjectRoot, pytestRootdir } from "./rules_root.ts";
import { PreflightError } from "../errors.ts";
import type { Profile } from "./rules_profile.ts";
import type { DirectoryEntry, Host } from "../system/host.ts";

/** The project that a command works on. */
export interface Project extends ProjectRoot {
  readonly profile: Profile;
  readonly configuration: Configuration;
  /** The profile of the configuration that was asked for; null for none. */
  readonly chosen?: ChosenProfile | null;
}

/**
 * Finds the project upward from the working directory.
 *
 * @param named `--profile`; null if it was not given: then TRACTEST_PROFILE counts
 * @param python `--python`; null if it was not given
 * @throws {PreflightError} if there is none, or its configuration can't be read
 * @throws {UsageError} for a profile that the configuration does not have
 */
export async function findProject(
  host: Host,
  named: string | null = null,
  python: string | null = null,
): Promise<Project> {
  const [found, { readConfiguration }, { findProfile }] = await Promise.all([
    findRoot(host),
    import("./configuration.ts"),
    import("./profile.ts"),
  ]);
  const profile = await findProfile(host, found, python);
  const chosen = chosenProfile(named, host.env("TRACTEST_PROFILE") ?? "");
  const configuration = readConfiguration(found.tractest, profile, chosen);
  return { ...found, profile, configuration, chosen };
}

function chosenProfile(named: string | null, fromEnvironment: string): ChosenProfile | null {
  if (named !== null) return { name: named, from: "--profile" };
  return fromEnvironment === "" ? null : { name: fromEnvironment, from: "TRACTEST_PROFILE" };
}

/**
 * Finds the project without reading the configuration of tractest, for the quickest commands: no
 * program is run.
 *
 * @throws {PreflightError} if there is none, or a configuration file can't be parsed
 */
export async function findRoot(host: Host): Promise<ProjectRoot> {
  const start = await host.files.realPath(host.cwd) ?? host.cwd;
  const above: Visited[] = [];
  for (let directory = start;; directory = dirname(directory)) {
    const visited = await visit(host, directory);
    above.push(visited);
    // No configuration above it counts.
    if (visited.files.pytest !== null || directory === dirname(directory)) break;
  }
  const root = chooseRoot(above, host.env("HOME") ?? null) ??
    (await mayHoldTests(host, above[0]!) ? start : null);
  if (root === null) throw noProject(start);
  const project = projectAt(root, above.slice(above.findIndex(({ path }) => path === root)));
  return { ...project, top: project.top ?? await gitTopAbove(host, above.at(-1)!.path) };
}

async function gitTopAbove(host: Host, directory: string): Promise<string | null> {
  for (let place = directory; place !== dirname(place);) {
    place = dirname(place);
    if (await host.files.lstat(join(place, ".git")).catch(() => null) !== null) return place;
  }
  return null;
}

/** @param above the root and the directories above it, nearest first */
function projectAt(root: string, above: readonly Visited[]): ProjectRoot {
  const { name, tractest } = above[0]!.files;
  const rootdir = pytestRootdir(above);
  const configured = above.find(({ files }) => files.pytest !== null);
  const pytest = configured ? seenFrom(root, configured.path, configured.files.pytest!) : null;
  return {
    root,
    top: above.find(({ isGitTop }) => isGitTop)?.path ?? null,
    rootdir,
    pytest,
    cacheDirectory: resolve(rootdir, pytest?.cacheDirectory ?? ".pytest_cache"),
    name,
    tractest,
  };
}

interface Visited extends DirectoryFacts {
  readonly files: ProjectFiles;
  /** Null without permission to list it. */
  readonly entries: readonly DirectoryEntry[] | null;
}

/**
 * Reads the configuration files of a directory. Listing it is quicker than trying to read each
 * file; without permission to list it, each is tried.
 */
async function visit(host: Host, directory: string): Promise<Visited> {
  const entries = await host.files.readDirectory(directory).catch(() => null);
  const names = entries && new Set(entries.map((entry) => entry.name));
  const exists = async (name: string) =>
    names?.has(name) ?? await host.files.stat(join(directory, name)).catch(() => null) !== null;
  const texts = new Map<string, string>();
  for (const name of CONFIGURATION_FILES) {
    const text = names?.has(name) === false
      ? null
      : await host.files.readText(join(directory, name));
    if (text !== null) texts.set(name, text);
  }
  const files = readProjectFiles(texts);
  const found: string[] = [];
  for (const name of PROJECT_FILES) if (await exists(name)) found.push(name);
  return {
    path: directory,
    files,
    entries,
    isConfigured: files.pytest !== null || files.tractest !== null,
    configuresPytest: files.pytest !== null,
    projectFiles: found,
    isGitTop: await exists(".git"),
  };
}

/** Whether a directory without any configuration holds tests. */
async function mayHoldTests(host: Host, { path, entries }: Visited): Promise<boolean> {
  if (entries === null || path === "/" || path === host.env("HOME")) return false;
  const { holdsTests } = await import("./holds_tests.ts");
  return await holdsTests(host, path);
}

function noProject(start: string): PreflightError {
  return new PreflightError(
    "no-project",
    `No project found: neither "${start}" nor a directory above it has a pytest configuration, ` +
      `[tool.tractest], ${PROJECT_FILES.join(", ")} or a git repository, and no tests are here`,
    "go to the project, or name it: tractest -C DIR …",
  );
}
