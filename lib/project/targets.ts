import { isAbsolute, join, relative } from "@std/path";
import { withoutContained } from "../core/project/target_order.ts";
import { directoriesOf } from "../core/project/paths.ts";
import { isTestFile, isWithin, looksLikeTarget, resolveTargets, type Targets, type TestTree } from "../core/project/targets.ts";
import type { Host } from "../host/host.ts";
import type { Project } from "./project.ts";

/** Directories that hold no tests of the project: those that pytest itself does not enter (`norecursedirs`), and caches. */
const SKIPPED_DIRECTORIES = [
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
 * The tests tree of a project. When one of `words` names nothing in the tests directories, the rest of the root is looked at too,
 * so that a path to a test anywhere in the project works.
 */
export async function testTree(host: Host, project: Project, words: readonly string[] = []): Promise<TestTree> {
  const testsDirectories = testsDirectoriesOf(project);
  const found = await Promise.all(testsDirectories.map((tests) => pythonFiles(host, project, join(project.root, tests))));
  const cwd = await host.realPath(host.cwd) ?? host.cwd;
  const tree = treeOf(project, cwd, testsDirectories, found.flat());
  const everywhere = words.some((word) => /\/|\.py/.test(word) && !looksLikeTarget(word, tree));
  if (!everywhere) return tree;
  const others = (await pythonFiles(host, project, project.root)).filter(isTestFile);
  return treeOf(project, cwd, testsDirectories, [...new Set([...tree.files, ...others])]);
}

/**
 * What the words of a user stand for in this project.
 *
 * @throws {UsageError} as {@linkcode resolveTargets}
 */
export async function targetsOf(host: Host, project: Project, words: readonly string[]): Promise<Targets> {
  const typed = await Promise.all(words.map((word) => withoutSymlinks(host, project, word)));
  const { targets, scope, notes } = resolveTargets(typed, await testTree(host, project, typed));
  const kept = withoutContained(targets);
  const left = targets.filter((target) => !kept.includes(target));
  if (left.length === 0) return { targets, scope, notes };
  // pytest 8.4 collects nothing else of a directory then.
  return { targets: kept, scope, notes: [...notes, `left out, since it lies in another target: ${left.join(", ")}`] };
}

/** The tests directories of a project relative to its root, `.` for the root: pytest's `testpaths`, else `tests`. */
export function testsDirectoriesOf(project: Project): string[] {
  const configured = project.pytest?.testPaths ?? [];
  const paths = configured.length > 0 ? configured.map((path) => join(project.root, path)) : [project.testsDirectory];
  return [...new Set(paths.map((path) => relative(project.root, path) || "."))];
}

function treeOf(project: Project, cwd: string, testsDirectories: readonly string[], files: readonly string[]): TestTree {
  return {
    files: [...files].sort(),
    directories: [...new Set([...testsDirectories, ...directoriesOf(files)])].sort(),
    root: project.root,
    cwd,
    testsDirectories,
    namedTargets: project.configuration.targets,
  };
}

/** Every Python file of a project, relative to its root, without venvs and caches, and its tests tree. */
export async function filesOf(host: Host, project: Project): Promise<{ files: string[]; tree: TestTree }> {
  const files = await pythonFiles(host, project, project.root);
  const testsDirectories = testsDirectoriesOf(project);
  const tests = await Promise.all(testsDirectories.map((directory) => {
    const found = files.filter((file) => isWithin(file, directory));
    // The way to it may lead through a symlink, or a directory that is left out.
    return found.length > 0 ? found : pythonFiles(host, project, join(project.root, directory));
  }));
  return { files, tree: treeOf(project, await host.realPath(host.cwd) ?? host.cwd, testsDirectories, tests.flat()) };
}

/** Python files below a directory, relative to the root. Venvs are left out by their name pattern. */
async function pythonFiles(host: Host, project: Project, directory: string): Promise<string[]> {
  const status = await host.stat(directory);
  if (status?.kind !== "directory") return [];
  const venvs = (await host.readDirectory(project.root) ?? []).map((entry) => entry.name).filter((name) => venvPattern(project).test(name));
  const files: string[] = [];
  for await (const path of host.walk(directory, ["py"], [...SKIPPED_DIRECTORIES, ...venvs])) {
    files.push(path.slice(project.root.length + 1));
  }
  return files;
}

function venvPattern(project: Project): RegExp {
  const quoted = project.configuration.venv.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  return new RegExp(`^${quoted.replace("<MINOR>", "\\d+")}$`);
}

/** An absolute path that leads into the project through a symlink, as the path below the root. */
async function withoutSymlinks(host: Host, project: Project, word: string): Promise<string> {
  if (!isAbsolute(word) || word.startsWith(`${project.root}/`)) return word;
  const at = word.indexOf("::");
  const path = at < 0 ? word : word.slice(0, at);
  const real = await host.realPath(path);
  return real === null ? word : real + word.slice(path.length) + (path.endsWith("/") && at < 0 ? "/" : "");
}
