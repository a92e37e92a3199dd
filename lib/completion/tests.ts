import { lastPart } from "../base/paths.ts";
import { isAbsolute, join, relative, resolve } from "@std/path";
import { findRoot } from "../project/project.ts";
import type { ProjectRoot } from "../project/rules_root.ts";
import { isTestFile, testFilesBy } from "../project/rules_targets.ts";
import { SKIPPED_DIRECTORIES } from "../project/targets.ts";
import { fileOf, plainId } from "../pytest/lastfailed.ts";
import { lastFailedIn } from "../pytest/read_lastfailed.ts";
import type { DirectoryEntry, Host } from "../system/host.ts";
import { nameCandidates, namesAt, testNames } from "./rules_test_names.ts";
import type { Candidate } from "./rules_wanted.ts";

/** Bytes of the largest file that is read: the ids of 100,000 tests need about 10 MB. */
const LARGEST = 16 << 20;

/**
 * The tests to offer for a part of a target: directories and test files, then the tests of a file.
 * pytest is not asked: its cache has the ids of the last collections, and the file what was written
 * since then.
 */
export async function testCandidates(host: Host, part: string): Promise<Candidate[]> {
  if (part.startsWith("~")) return [];
  const project = await findRoot(host).catch(() => null);
  const colons = part.indexOf("::");
  if (colons >= 0) {
    const file = part.slice(0, colons);
    return await testsIn(host, project, { file, part: part.slice(colons + 2) });
  }
  const paths = await pathsAt(host, project, part);
  if (paths.some(({ value }) => value === part)) {
    return [...paths, ...await testsIn(host, project, { file: part, part: "" })];
  }
  if (paths.length > 0 || part === "" || part.includes("/") || project === null) return paths;
  const files = new Set((await recordedIds(host, project)).map(fileOf));
  const bare = [...files].map((file) => lastPart(file));
  return bare.filter((name) => bare.indexOf(name) === bare.lastIndexOf(name))
    .map((value) => ({ value }));
}

/** The directories and test files that begin with a part of a path. */
async function pathsAt(
  host: Host,
  project: ProjectRoot | null,
  part: string,
): Promise<Candidate[]> {
  const before = part.slice(0, part.lastIndexOf("/") + 1);
  const start = part.slice(before.length);
  const directory = resolve(host.cwd, before || ".");
  const entries = await host.files.readDirectory(directory).catch(() => null) ?? [];
  const isTest = testsOf(project);
  const below = project === null ? "" : relative(project.root, directory);
  const found = await Promise.all(
    entries.filter(({ name }) => name.startsWith(start)).map(async (entry) => {
      const { name } = entry;
      const path = join(directory, name);
      if (await isDirectory(host, path, entry)) {
        const isOffered = (start !== "" || !name.startsWith(".")) &&
          !SKIPPED_DIRECTORIES.includes(name) &&
          await host.files.lstat(join(path, "pyvenv.cfg")).catch(() => null) === null;
        return isOffered ? [`${before}${name}/`] : [];
      }
      return isTest(join(below, name)) ? [before + name] : [];
    }),
  );
  return found.flat().sort().map((value) => ({ value }));
}

async function isDirectory(host: Host, path: string, { kind }: DirectoryEntry): Promise<boolean> {
  if (kind !== "symlink") return kind === "directory";
  return (await host.files.stat(path).catch(() => null))?.kind === "directory";
}

function testsOf(project: ProjectRoot | null): (path: string) => boolean {
  const { pythonFiles, addopts } = project?.pytest ?? {};
  const doctests = /(?:^|\s)--doctest-modules(?:\s|$)/.test(addopts ?? "");
  if (pythonFiles === undefined && !doctests) return isTestFile;
  return testFilesBy(pythonFiles ?? ["test_*.py", "*_test.py"], doctests) ?? isTestFile;
}

/** The tests of a file that begin with a part of a name. */
async function testsIn(
  host: Host,
  project: ProjectRoot | null,
  { file, part }: { readonly file: string; readonly part: string },
): Promise<Candidate[]> {
  const ids = project === null ? [] : await recordedIds(host, project);
  const path = await placeOf(host, project, file, ids);
  if (path === null) return [];
  const start = project === null ? "" : `${relative(project.rootdir, path)}::`;
  const recorded = ids.filter((id) => id.startsWith(start) && plainId(id) === id);
  const text = await readSmall(host, path);
  const names = testNames(recorded.map((id) => id.slice(start.length)), text);
  const failed = project === null ? [] : await lastFailedIn(host, project).catch(() => []);
  const own = project === null ? "" : `${relative(project.root, path)}::`;
  return nameCandidates(
    namesAt(names, part),
    `${file}::`,
    new Set(failed.filter((id) => id.startsWith(own)).map((id) => id.slice(own.length))),
  );
}

/** The real path of a file by its path, else by its bare name among the recorded ids. */
async function placeOf(
  host: Host,
  project: ProjectRoot | null,
  file: string,
  ids: readonly string[],
): Promise<string | null> {
  const real = await host.files.realPath(resolve(host.cwd, file)).catch(() => null);
  if (real !== null || project === null || isAbsolute(file)) return real;
  const known = new Set(ids.map(fileOf));
  const named = [...known].filter((one) => one === file || one.endsWith(`/${file}`));
  return named.length === 1 ? join(project.rootdir, named[0]!) : null;
}

/** The ids of the last collections, relative to pytest's rootdir. */
async function recordedIds(host: Host, project: ProjectRoot): Promise<string[]> {
  const text = await readSmall(host, join(project.cacheDirectory, "v/cache/nodeids"));
  try {
    const ids: unknown = JSON.parse(text ?? "[]");
    return Array.isArray(ids) ? ids.filter((id) => typeof id === "string") : [];
  } catch {
    return [];
  }
}

async function readSmall(host: Host, path: string): Promise<string | null> {
  const status = await host.files.stat(path).catch(() => null);
  if (status?.kind !== "file" || status.size > LARGEST) return null;
  return await host.files.readText(path).catch(() => null);
}
