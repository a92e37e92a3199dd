import { isAbsolute, join, relative } from "@std/path";
import { withoutContained } from "./target_order.ts";
import { directoriesOf, lastPart, parent } from "../base/paths.ts";
import { CONFIGURATION_FILES, readProjectFiles } from "./project_files.ts";
import {
  isTestFile,
  isWithin,
  looksLikeTarget,
  resolveTargets,
  type Targets,
  testFilesBy,
  type TestTree,
  wholeSuite,
} from "./rules_targets.ts";
import { ignoreTractestError } from "../errors.ts";
import type { Host } from "../system/host.ts";
import type { Project } from "./project.ts";
import { type TestPaths, testPathsOf } from "./test_paths.ts";

/** Directories without tests: those that pytest does not enter (`norecursedirs`), and caches. */
export const SKIPPED_DIRECTORIES: readonly string[] = [
  ".git",
  ".hg",
  ".tox",
  ".nox",
  ".venv",
  "venv",
  "node_modules",
  "__pycache__",
  ".pytest_cache",
  ".mypy_cache",
  "build",
  "dist",
];

/**
 * The tests of a project. If one of `words` names nothing in the tests directories, the whole root
 * is searched, so that the path of any test in the project works.
 */
export async function testTree(
  host: Host,
  project: Project,
  words: readonly string[] = [],
): Promise<TestTree> {
  const places = await testPathsOf(host, project);
  const found = await Promise.all(
    places.directories.map((tests) => suiteFiles(host, project, join(project.root, tests))),
  );
  const cwd = await host.files.realPath(host.cwd) ?? host.cwd;
  const configurations = found.flatMap((files) => files.configurations);
  const configured = await configuredDirectories(host, project, configurations);
  const files = found.flatMap(({ python }) => python);
  const tree = { ...treeOf(project, cwd, places, files), configured };
  const unknown = words.filter((word) => !looksLikeTarget(word, tree));
  const others = await typedPaths(host, { ...tree, words: unknown });
  const everywhere = unknown.some((word) => /\/|\.py/.test(word) && !others.words.includes(word));
  if (!everywhere) return { ...tree, others: others.paths };
  const rest = (await suiteFiles(host, project, project.root)).python.filter(isTestFile);
  const all = [...new Set([...files, ...rest])];
  return { ...treeOf(project, cwd, places, all), configured, others: others.paths };
}

/**
 * The words that are existing paths inside the root: relative to the working directory, the root
 * or a tests directory.
 */
async function typedPaths(
  host: Host,
  { root, cwd, testsDirectories, words }: TestTree & { readonly words: readonly string[] },
): Promise<{ words: string[]; paths: NonNullable<TestTree["others"]> }> {
  const paths: { path: string; kind: "file" | "directory" }[] = [];
  const known = await Promise.all(words.map(async (word) => {
    const path = word.split("::", 1)[0]!;
    if (path === "" || path.startsWith("-")) return [];
    for (const start of [cwd, root, ...testsDirectories.map((tests) => join(root, tests))]) {
      const whole = isAbsolute(path) ? path : join(start, path);
      const place = relative(root, whole).replace(/\/$/, "");
      if (place === "" || place === ".." || place.startsWith("../")) continue;
      const status = await host.files.stat(whole).catch(() => null);
      if (status?.kind !== "file" && status?.kind !== "directory") continue;
      paths.push({ path: place, kind: status.kind });
      return [word];
    }
    return [];
  }));
  return { words: known.flat(), paths };
}

/** The directories below the root in which one of these files configures pytest. */
async function configuredDirectories(
  host: Host,
  project: Project,
  files: readonly string[],
): Promise<string[]> {
  const directories = [...new Set(files.map(parent))].filter((directory) => directory !== ".");
  const configured = await Promise.all(directories.map(async (directory) => {
    const texts = new Map<string, string>();
    for (const file of files.filter((each) => parent(each) === directory)) {
      const text = await host.files.readText(join(project.root, file));
      texts.set(file.slice(directory.length + 1), text ?? "");
    }
    return configuresPytest(texts) ? [directory] : [];
  }));
  return configured.flat().sort();
}

/** True for a file that can't be parsed: pytest will reject it. */
function configuresPytest(texts: ReadonlyMap<string, string>): boolean {
  try {
    return readProjectFiles(texts).pytest !== null;
  } catch (error) {
    ignoreTractestError(error);
    return true;
  }
}

/**
 * Resolves the words of a user to targets of this project.
 *
 * @throws {UsageError} as {@linkcode resolveTargets}
 */
export async function targetsOf(
  host: Host,
  project: Project,
  words: readonly string[],
): Promise<Targets & { readonly tree: TestTree }> {
  const typed = await Promise.all(words.map((word) => withoutSymlinks(host, project, word)));
  const tree = await testTree(host, project, typed);
  const { targets, scope, notes } = resolveTargets(typed, tree);
  // If a directory and a test inside it are both named, pytest 8.4 collects only that test.
  const kept = withoutContained(targets);
  const left = targets.filter((target) => !kept.includes(target));
  const skipped = left.length === 0 ? [] : [`skipped, part of another target: ${left.join(", ")}`];
  return { targets: kept, scope, notes: [...notes, ...skipped], tree };
}

/** The whole suite as targets for pytest; none if pytest has to find the tests itself. */
export async function wholeSuiteOf(host: Host, project: Project): Promise<string[]> {
  return wholeSuite(await testTree(host, project));
}

function treeOf(
  project: Project,
  cwd: string,
  { directories, byName }: TestPaths,
  files: readonly string[],
): TestTree {
  return {
    files: [...files].sort(),
    directories: [...new Set([...directories, ...directoriesOf(files)])].sort(),
    root: project.root,
    cwd,
    testsDirectories: directories,
    namedTargets: project.configuration.targets,
    byName,
    ...testFilesOf(project),
  };
}

/** Which files are tests, where that is not pytest's default. */
function testFilesOf({ pytest }: Project): Pick<TestTree, "isTest"> {
  const doctests = /(?:^|\s)--doctest-modules(?:\s|$)/.test(pytest?.addopts ?? "");
  if (pytest?.pythonFiles === undefined && !doctests) return {};
  return { isTest: testFilesBy(pytest?.pythonFiles ?? ["test_*.py", "*_test.py"], doctests) };
}

/** All Python files of a project, relative to its root and without venvs, and its tests. */
export async function filesOf(
  host: Host,
  project: Project,
): Promise<{ files: string[]; tree: TestTree }> {
  const files = (await suiteFiles(host, project, project.root)).python;
  const places = await testPathsOf(host, project);
  const tests = await Promise.all(places.directories.map(async (directory) => {
    const found = files.filter((file) => isWithin(file, directory));
    // Its path may contain a symlink or a skipped directory.
    return found.length > 0
      ? found
      : (await suiteFiles(host, project, join(project.root, directory))).python;
  }));
  const cwd = await host.files.realPath(host.cwd) ?? host.cwd;
  return { files, tree: treeOf(project, cwd, places, tests.flat()) };
}

/** Python files and possible pytest configurations below a directory, relative to the root. */
async function suiteFiles(
  host: Host,
  project: Project,
  directory: string,
): Promise<{ python: string[]; configurations: string[] }> {
  const [python, configurations]: [string[], string[]] = [[], []];
  const status = await host.files.stat(directory);
  if (status?.kind !== "directory") return { python, configurations };
  const names = (await host.files.readDirectory(project.root) ?? []).map((entry) => entry.name);
  const venvs = names.filter((name) => venvPattern(project).test(name));
  const skip = [...SKIPPED_DIRECTORIES, ...venvs];
  const known: readonly string[] = CONFIGURATION_FILES;
  for await (const path of host.files.walk(directory, ["py", "toml", "ini", "cfg"], skip)) {
    const file = path.slice(project.root.length + 1);
    if (file.endsWith(".py")) python.push(file);
    else if (known.includes(lastPart(file))) configurations.push(file);
  }
  return { python, configurations };
}

function venvPattern(project: Project): RegExp {
  const quoted = project.configuration.venv.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  return new RegExp(`^${quoted.replace("<MINOR>", "\\d+")}$`);
}

/** The word; an absolute path outside the root with its symlinks resolved. */
async function withoutSymlinks(host: Host, project: Project, word: string): Promise<string> {
  if (!isAbsolute(word) || word.startsWith(`${project.root}/`)) return word;
  const at = word.indexOf("::");
  const path = at < 0 ? word : word.slice(0, at);
  const real = await host.files.realPath(path);
  return real === null
    ? word
    : real + word.slice(path.length) + (path.endsWith("/") && at < 0 ? "/" : "");
}
