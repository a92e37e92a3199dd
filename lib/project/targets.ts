import { isAbsolute, join, relative } from "@std/path";
import { withoutContained } from "./target_order.ts";
import { directoriesOf, parent } from "../base/paths.ts";
import { CONFIGURATION_FILES, readProjectFiles } from "./project_files.ts";
import {
  isTestFile,
  isWithin,
  looksLikeTarget,
  resolveTargets,
  type Targets,
  type TestTree,
  wholeSuite,
} from "./rules_targets.ts";
import { TractestError } from "../errors.ts";
import type { Host } from "../system/host.ts";
import type { Project } from "./project.ts";
import { type TestPaths, testPathsOf } from "./test_paths.ts";

/**
 * Directories that hold no tests of the project: those that pytest itself does not enter
 * (`norecursedirs`), and caches.
 */
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
 * The tests tree of a project. When one of `words` names nothing in the tests directories, the rest
 * of the root is looked at too, so that a path to a test anywhere in the project works.
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
  const configured = await configuredDirectories(
    host,
    project,
    found.flatMap(({ configurations }) => configurations),
  );
  const files = found.flatMap(({ python }) => python);
  const tree = { ...treeOf(project, cwd, places, files), configured };
  const unknown = words.filter((word) => !looksLikeTarget(word, tree));
  const others = await typedPaths(host, { ...tree, words: unknown });
  const everywhere = unknown.some((word) => /\/|\.py/.test(word) && !others.words.includes(word));
  if (!everywhere) return { ...tree, others: others.paths };
  const rest = (await suiteFiles(host, project, project.root)).python.filter(isTestFile);
  return {
    ...treeOf(project, cwd, places, [...new Set([...files, ...rest])]),
    configured,
    others: others.paths,
  };
}

/**
 * Which of some words are paths of what exists, from where the user stands, the root or a tests
 * directory; nothing outside of the root.
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

/**
 * The directories, relative to the root and below it, in which one of some files holds a
 * configuration of pytest's.
 */
async function configuredDirectories(
  host: Host,
  project: Project,
  files: readonly string[],
): Promise<string[]> {
  const directories = [...new Set(files.map(parent))].filter((directory) => directory !== ".");
  const configured = await Promise.all(directories.map(async (directory) => {
    const names = files.filter((file) => parent(file) === directory);
    const texts = await Promise.all(
      names.map(async (file) =>
        [
          file.slice(directory.length + 1),
          await host.files.readText(join(project.root, file)) ?? "",
        ] as const
      ),
    );
    return holdsConfiguration(new Map(texts)) ? [directory] : [];
  }));
  return configured.flat().sort();
}

/** One that can't be parsed is pytest's to refuse. */
function holdsConfiguration(texts: ReadonlyMap<string, string>): boolean {
  try {
    return readProjectFiles(texts).pytest !== null;
  } catch (error) {
    if (error instanceof TractestError) return true;
    throw error;
  }
}

/**
 * What the words of a user stand for in this project.
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
  const kept = withoutContained(targets);
  const left = targets.filter((target) => !kept.includes(target));
  if (left.length === 0) return { targets, scope, notes, tree };
  // pytest 8.4 collects nothing else of a directory then.
  return {
    targets: kept,
    scope,
    notes: [...notes, `left out, since it lies in another target: ${left.join(", ")}`],
    tree,
  };
}

/** The whole suite as targets of pytest's; none where pytest has to find it by itself. */
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
  };
}

/**
 * Every Python file of a project, relative to its root, without venvs and caches, and its tests
 * tree.
 */
export async function filesOf(
  host: Host,
  project: Project,
): Promise<{ files: string[]; tree: TestTree }> {
  const files = (await suiteFiles(host, project, project.root)).python;
  const places = await testPathsOf(host, project);
  const tests = await Promise.all(places.directories.map(async (directory) => {
    const found = files.filter((file) => isWithin(file, directory));
    // The way to it may lead through a symlink, or a directory that is left out.
    return found.length > 0
      ? found
      : (await suiteFiles(host, project, join(project.root, directory))).python;
  }));
  return {
    files,
    tree: treeOf(project, await host.files.realPath(host.cwd) ?? host.cwd, places, tests.flat()),
  };
}

/**
 * Files below a directory, relative to the root: Python's, and those that may configure pytest.
 * Venvs are left out by their name pattern.
 */
async function suiteFiles(
  host: Host,
  project: Project,
  directory: string,
): Promise<{ python: string[]; configurations: string[] }> {
  const [python, configurations]: [string[], string[]] = [[], []];
  const status = await host.files.stat(directory);
  if (status?.kind !== "directory") return { python, configurations };
  const venvs = (await host.files.readDirectory(project.root) ?? []).map((entry) => entry.name)
    .filter((name) => venvPattern(project).test(name));
  for await (
    const path of host.files.walk(directory, ["py", "toml", "ini", "cfg"], [
      ...SKIPPED_DIRECTORIES,
      ...venvs,
    ])
  ) {
    const file = path.slice(project.root.length + 1);
    if (file.endsWith(".py")) python.push(file);
    else if (
      (CONFIGURATION_FILES as readonly string[]).includes(file.slice(file.lastIndexOf("/") + 1))
    ) configurations.push(file);
  }
  return { python, configurations };
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
  const real = await host.files.realPath(path);
  return real === null
    ? word
    : real + word.slice(path.length) + (path.endsWith("/") && at < 0 ? "/" : "");
}
