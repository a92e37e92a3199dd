import { dirname, isAbsolute, join, normalize, relative } from "@std/path";
import { distance } from "fastest-levenshtein";
import { UsageError } from "../errors.ts";
import { globExpression } from "../base/glob.ts";
import { lastPart, parent } from "../base/paths.ts";

/** The test files on disk, and the working directory. Relative paths have no leading `./`. */
export interface TestTree {
  /** Python files in the tests directories, and test files elsewhere; relative to the root. */
  readonly files: readonly string[];
  /** Directories that contain one of them, at any depth; relative, no trailing slash. */
  readonly directories: readonly string[];
  /** Absolute. */
  readonly root: string;
  /** Absolute. */
  readonly cwd: string;
  /** Relative to the root, no trailing slash; `.` for the root itself. Usually one, `tests`. */
  readonly testsDirectories: readonly string[];
  /** Named targets, such as `core`: paths or file names, found by name if they have moved. */
  readonly namedTargets: Readonly<Record<string, readonly string[]>>;
  /** Other existing paths that were typed, relative to the root: plugins collect any file. */
  readonly others?: readonly { readonly path: string; readonly kind: "file" | "directory" }[];
  /** Directories below the root with a pytest configuration of their own; relative. */
  readonly configured?: readonly string[];
  /** Whether pytest collects tests from a file; by its default names unless given. */
  readonly isTest?: (path: string) => boolean;
  /** Whether naming the tests directories gives the whole suite; otherwise name no target. */
  readonly byName?: boolean;
}

/** Resolved targets. */
export interface Targets {
  /** As pytest takes them, relative to the root: `tests/ipc/`, `tests/test_rpc.py::test_x[a b]`. */
  readonly targets: readonly string[];
  /** The whole suite, tests of one file, or anything between; selects the time limit. */
  readonly scope: "full" | "file" | "many";
  /** Warnings to show, such as missing entries of a named target. */
  readonly notes: readonly string[];
}

/** Maximum number of candidates that an error message lists. */
const LISTED_CANDIDATES = 12;

/**
 * Resolves words to targets. A word can be a path relative to the working directory, the root or a
 * tests directory; the bare name of a file or directory; a test id; a named target; a glob; or a
 * part of a file's name. No word means the whole suite. The first of these meanings that matches
 * wins. Except for a glob, it has to match one file or directory.
 *
 * @throws {UsageError} for a word that matches nothing or several, or is outside the project
 */
export function resolveTargets(words: readonly string[], tree: TestTree): Targets {
  const notes: string[] = [];
  if (words.length === 0) return { targets: wholeSuite(tree), scope: "full", notes };
  const targets = words.flatMap((word) => {
    const named = namedTarget(word, tree);
    return named ? resolveNamed(word, named, tree, notes) : resolveWord(word, tree);
  });
  const unique = [...new Set(targets)];
  return { targets: unique, scope: scopeOf(unique, tree), notes };
}

/** The targets of the whole suite; none if naming its directories would select other tests. */
export function wholeSuite(tree: TestTree): string[] {
  const named = tree.testsDirectories.map(asDirectory);
  return tree.byName !== false && configurationOf(named, tree) === null ? named : [];
}

/**
 * The directory whose configuration pytest uses for some targets: the nearest one that contains
 * all of them; null for the root.
 */
export function configurationOf(
  targets: readonly string[],
  tree: Pick<TestTree, "root" | "directories" | "configured">,
): string | null {
  if (targets.length === 0) return null;
  const places = targets.map((target) => {
    const { path } = splitWord(target, tree.root);
    const place = path.replace(/\/$/, "");
    return path.endsWith("/") || tree.directories.includes(place) ? place : parent(place);
  });
  const above = (tree.configured ?? []).filter((directory) =>
    places.every((place) => isWithin(place, directory))
  );
  return above.sort((one, other) => other.length - one.length)[0] ?? null;
}

/**
 * Whether a word after an unknown option is a target, not the option's value: it names a file,
 * directory, test id or named target exactly. A part of a name (`debug`) counts as the value.
 */
export function looksLikeTarget(word: string, tree: TestTree): boolean {
  if (word === "" || word.startsWith("-")) return false;
  if (namedTarget(word, tree)) return true;
  const { path, node } = splitWord(word, tree.root);
  const kept = node === "" ? tree : { ...tree, directories: [] };
  if (isGlob(path)) return node === "" && globMatches(path, tree).length > 0;
  return EXACT_MEANINGS.some((meaning) => meaning(path, kept).length > 0);
}

/** Finds a file or directory from a table: at its path in the tests directory, or by its name. */
export function findByName(entry: string, tree: TestTree): string[] {
  const found = belowTests(entry, tree);
  return (found.length > 0 ? found : bySuffix(entry.replace(/^.*\/(?=[^/]+\/?$)/, ""), tree))
    .flatMap((path) => asTargets(path, tree));
}

/** Whether pytest collects a file with this name by default. */
export function isTestFile(path: string): boolean {
  return /(^|\/)(test_[^/]*|[^/]*_test)\.py$/.test(path);
}

/** Whether pytest collects tests from a file of a project. */
export function isTestIn(tree: Pick<TestTree, "isTest">, path: string): boolean {
  return (tree.isTest ?? isTestFile)(path);
}

/**
 * Which files pytest collects tests from, by `python_files`: a pattern is for the name, or with a
 * slash for the end of the path. With doctests it is every module.
 */
export function testFilesBy(patterns: readonly string[], doctests: boolean): TestTree["isTest"] {
  const expressions = patterns.map((pattern) => ({
    expression: globExpression(pattern.includes("/") ? `**/${pattern}` : pattern),
    isPath: pattern.includes("/"),
  }));
  return (path) => {
    const name = lastPart(path);
    if (!name.endsWith(".py") || name === "conftest.py" || name === "__init__.py") return false;
    return doctests ||
      expressions.some(({ expression, isPath }) => expression?.test(isPath ? path : name));
  };
}

/** Whether a path is a directory or inside it. Both are relative; `.` contains everything. */
export function isWithin(path: string, directory: string): boolean {
  return directory === "." || path === directory || path.startsWith(`${directory}/`);
}

function resolveNamed(
  name: string,
  entries: readonly string[],
  tree: TestTree,
  notes: string[],
): string[] {
  const found = entries.map((entry) => {
    const { path, node } = splitWord(entry, tree.root);
    return { entry, targets: findByName(path, tree).map((target) => target + node) };
  });
  const missing = found.filter(({ targets }) => targets.length === 0).map(({ entry }) => entry);
  const targets = found.flatMap((one) => one.targets);
  if (targets.length === 0) {
    throw new UsageError(
      `No file of the named target "${name}" exists: ${entries.join(", ")}`,
      "redefine it in pyproject.toml: [tool.tractest] targets = { … }",
    );
  }
  if (missing.length > 0) {
    notes.push(`the named target "${name}" lists missing files: ${missing.join(", ")}`);
  }
  return targets;
}

function namedTarget(word: string, tree: TestTree): readonly string[] | undefined {
  return Object.hasOwn(tree.namedTargets, word) ? tree.namedTargets[word] : undefined;
}

function resolveWord(word: string, tree: TestTree): string[] {
  const { path, node } = splitWord(word, tree.root);
  const place = insideRoot(path, tree.cwd, tree);
  if (place === null && (isAbsolute(path) || path.split("/").includes(".."))) {
    throw new UsageError(
      `"${word}" is outside the project "${tree.root}"`,
      "name a test inside it, or go there with -C DIR",
    );
  }
  // A test id names a file, never a directory.
  const isFile = (other: { readonly kind: string }) => other.kind === "file";
  const kept = node === ""
    ? tree
    : { ...tree, directories: [], others: tree.others?.filter(isFile) };
  if (isGlob(path) && !kept.files.includes(place ?? "") && onDisk(path, kept).length === 0) {
    const all = globMatches(path, kept);
    if (all.length === 0) throw unknownWord(word, path, kept);
    return all.flatMap((found) => asTargets(found, tree)).map((target) => target + node);
  }
  for (const meaning of [...EXACT_MEANINGS, byFileName, byFragment, onDisk]) {
    const found = [...new Set(meaning(path, kept))];
    if (found.length === 1) return asTargets(found[0]!, tree).map((target) => target + node);
    if (found.length > 1) {
      throw new UsageError(
        `"${word}" matches ${found.length} test files or directories`,
        `name one, nearest first: ${ranked(path, found, kept).join(", ")}`,
      );
    }
  }
  throw unknownWord(word, path, kept);
}

/** A meaning of a path: the files and directories that it matches, relative to the root. */
type Meaning = (path: string, tree: TestTree) => string[];

/** Relative to the working directory. */
const fromHere: Meaning = (path, tree) => existing(insideRoot(path, tree.cwd, tree), path, tree);
/** Relative to the root: `tests/ipc/`, even in the directory `tests/`. */
const fromRoot: Meaning = (path, tree) => existing(insideRoot(path, tree.root, tree), path, tree);
/** Relative to a tests directory: `ipc/`, `discovery/test_registrar.py`. */
const belowTests: Meaning = (path, tree) =>
  tree.testsDirectories.flatMap((tests) =>
    existing(insideRoot(path, join(tree.root, tests), tree), path, tree)
  );
/** The end of a path in a tests directory: `test_local.py`, `test_registrar`, `deep/test_x`. */
const bySuffix: Meaning = (path, tree) => {
  const end = normalize(path).replace(/\/$/, "");
  if (end === "." || isAbsolute(end) || end.startsWith("..")) return [];
  const ends = (candidate: string) => candidate === end || candidate.endsWith(`/${end}`);
  const files = path.endsWith("/")
    ? []
    : testFiles(tree).filter((file) => ends(file) || ends(file.replace(/\.py$/, "")));
  return [...files, ...testDirectories(tree).filter(ends)];
};
/** The name of a test file without `test_`: `rpc`. */
const byFileName: Meaning = (path, tree) =>
  path.includes("/")
    ? []
    : testFiles(tree).filter((file) => stemOf(file) === `test_${path.replace(/\.py$/, "")}`);
/** A part of a test file's name, as the glob `test_*PART*.py`; a directory may precede it. */
const byFragment: Meaning = (path, tree) => {
  if (path.endsWith("/")) return [];
  const [, directory = "", name = ""] = /^(?:(.*)\/)?([^/]*)$/.exec(path) ?? [];
  const pattern = name.replace(/\.py$/, "").toLowerCase();
  if (pattern === "" || pattern === "." || pattern === "..") return [];
  const inside = directory === ""
    ? testFiles(tree)
    : testFiles(tree).filter((file) => `/${file}`.includes(`/${normalize(directory)}/`));
  const starts = pattern.startsWith("test_");
  return inside.filter((file) =>
    starts
      ? stemOf(file).toLowerCase().startsWith(pattern)
      : stemOf(file).toLowerCase().includes(pattern)
  );
};
/** Any other existing path: a file that a plugin or an option makes pytest collect. */
const onDisk: Meaning = (path, tree) => {
  const starts = [
    tree.cwd,
    tree.root,
    ...tree.testsDirectories.map((tests) => join(tree.root, tests)),
  ];
  const found = starts.map((start) => insideRoot(path, start, tree)).filter((place) =>
    tree.others?.some((other) => other.path === place)
  );
  return found.slice(0, 1) as string[];
};
const EXACT_MEANINGS: readonly Meaning[] = [fromHere, fromRoot, belowTests, bySuffix];

/** Splits a test id: `tests/test_a.py`, `::test_b[x::y]`. The root itself may contain `::`. */
function splitWord(word: string, root: string): { path: string; node: string } {
  const start = word.startsWith(`${root}/`) ? root.length : 0;
  const at = word.indexOf("::", start);
  return at < 0 ? { path: word, node: "" } : { path: word.slice(0, at), node: word.slice(at) };
}

/** Makes a path relative to the root; null if it is outside. */
function insideRoot(path: string, start: string, tree: TestTree): string | null {
  const place = relative(tree.root, isAbsolute(path) ? normalize(path) : join(start, path));
  return place === ".." || place.startsWith("../") ? null : place.replace(/\/$/, "") || ".";
}

function existing(place: string | null, path: string, tree: TestTree): string[] {
  if (place === null) return [];
  if (tree.directories.includes(place)) return [place];
  // The root, or a directory that contains all tests.
  if (
    tree.directories.length > 0 && tree.testsDirectories.every((tests) => isWithin(tests, place))
  ) return [place];
  if (path.endsWith("/")) return [];
  return [place, `${place}.py`].filter((file) => tree.files.includes(file)).slice(0, 1);
}

function isGlob(path: string): boolean {
  return /[*?]/.test(path);
}

/**
 * The test files, or else the directories, that a glob matches: relative to the working directory,
 * the root or a tests directory, or by name.
 */
function globMatches(glob: string, tree: TestTree): string[] {
  const here = relative(tree.root, tree.cwd) || ".";
  const starts: [string, string][] = [
    [here, glob],
    [".", glob],
    ...tree.testsDirectories.map((tests): [string, string] => [tests, glob]),
    [".", `**/${glob}`],
  ];
  for (let [start, pattern] of starts) {
    if (isAbsolute(pattern)) [start, pattern] = [".", relative(tree.root, pattern)];
    for (pattern = normalize(pattern); pattern.startsWith("../"); pattern = pattern.slice(3)) {
      start = dirname(start);
    }
    const expression = globExpression(pattern.replace(/\/$/, ""));
    if (!expression) return [];
    // Only the part below the start is matched: the start itself may contain glob characters.
    const matches = (path: string) =>
      isWithin(path, start) && expression.test(start === "." ? path : path.slice(start.length + 1));
    const files = glob.endsWith("/")
      ? []
      : tree.files.filter((file) => isTestFile(file) && matches(file));
    const found = files.length > 0
      ? files
      : tree.directories.filter((directory) => directory !== "." && matches(directory));
    if (found.length > 0) return found;
  }
  return [];
}

function testFiles(tree: TestTree): string[] {
  return tree.files.filter((file) =>
    isTestFile(file) && tree.testsDirectories.some((tests) => isWithin(file, tests))
  );
}

function testDirectories(tree: TestTree): string[] {
  return tree.directories.filter((directory) =>
    directory !== "." && tree.testsDirectories.some((tests) => isWithin(directory, tests))
  );
}

function stemOf(file: string): string {
  return lastPart(file).replace(/\.py$/, "");
}

/** The root stands for its tests directories: pytest would search every directory in it. */
function asTargets(path: string, tree: TestTree): string[] {
  if (path === ".") return tree.byName === false ? ["."] : tree.testsDirectories.map(asDirectory);
  const isFile = tree.files.includes(path) ||
    tree.others?.some((other) => other.path === path && other.kind === "file");
  return [isFile ? path : asDirectory(path)];
}

function asDirectory(path: string): string {
  return `${path}/`;
}

function scopeOf(targets: readonly string[], tree: TestTree): Targets["scope"] {
  const places = targets.map((target) => splitWord(target, tree.root).path.replace(/\/$/, ""));
  if (tree.testsDirectories.every((tests) => places.some((place) => isWithin(tests, place)))) {
    return "full";
  }
  const [first, ...others] = new Set(places);
  const isFile = tree.files.includes(first ?? "") ||
    tree.others?.some(({ path, kind }) => path === first && kind === "file");
  return isFile && others.length === 0 ? "file" : "many";
}

function unknownWord(word: string, path: string, tree: TestTree): UsageError {
  const candidates = [
    ...testFiles(tree),
    ...testDirectories(tree).map(asDirectory),
    ...Object.keys(tree.namedTargets),
  ];
  const near = ranked(path, candidates, tree).slice(0, 5);
  const keyword = /^[A-Za-z_]\w*$/.test(word)
    ? `; to select tests by a word in their name: -k ${word}`
    : "";
  return new UsageError(
    `No test file, directory or named target matches "${word}"`,
    (near.length > 0 ? `nearest first: ${near.join(", ")}` : "there are no test files") + keyword,
  );
}

/** The candidates, nearest first by any of their spellings, and how many more there are. */
function ranked(path: string, candidates: readonly string[], tree: TestTree): string[] {
  const typed = path.toLowerCase().replace(/^.*\/(?=.)/, "").replace(/\/$|\.py$/g, "");
  const away = (candidate: string) => {
    const name = stemOf(candidate.replace(/\/$/, "")).toLowerCase();
    return Math.min(distance(typed, name), distance(typed, name.replace(/^test_/, "")));
  };
  const standing = relative(tree.root, tree.cwd) || ".";
  const sorted = candidates
    .map((candidate) => ({
      candidate,
      away: away(candidate),
      here: isWithin(candidate, standing) ? 0 : 1,
    }))
    .sort((a, b) => a.away - b.away || a.here - b.here || (a.candidate < b.candidate ? -1 : 1))
    .map((entry) => entry.candidate);
  const rest = sorted.length - LISTED_CANDIDATES;
  return rest > 0 ? [...sorted.slice(0, LISTED_CANDIDATES), `and ${rest} more`] : sorted;
}
