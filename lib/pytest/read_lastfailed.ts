import type { ProjectRoot } from "../project/rules_root.ts";
import { join, relative, resolve } from "@std/path";
import {
  fileOf,
  type LastFailed,
  LASTFAILED_SIZE_LIMIT,
  readLastFailed,
  unreadable,
} from "./lastfailed.ts";
import { TractestError } from "../errors.ts";
import type { Host } from "../system/host.ts";
import { testPathsOf } from "../project/test_paths.ts";

/** pytest's record of failed tests, and which of their files no longer exist. */
export interface Recorded extends LastFailed {
  /** Absolute path of `lastfailed`, whether or not it exists. */
  readonly source: string;
  readonly found: boolean;
  /** Tests whose file no longer exists. */
  readonly missing: readonly string[];
}

/** Reads the record in pytest's cache. An unreadable one counts as empty, with the reason. */
export async function readRecord(
  host: Host,
  project: ProjectRoot,
  rootdir: string,
): Promise<Recorded> {
  const configured = project.pytest?.cacheDirectory ?? ".pytest_cache";
  const home = configured.startsWith("~") || configured.includes("$")
    ? host.env("HOME")
    : undefined;
  const source = join(resolve(rootdir, withHome(configured, home)), "v", "cache", "lastfailed");
  const places = await testPathsOf(host, project);
  // Without test paths pytest searches the whole project.
  const isLimited = places.byName || project.pytest?.testPaths.length;
  const directories = isLimited ? places.directories : ["."];
  const prefixes = directories.map((one) => prefixOf(rootdir, join(project.root, one)));
  const record = await readFile(host, source, prefixes);
  if (!record) return { tests: [], unreadable: null, source, found: false, missing: [] };
  const files = [...new Set(record.tests.map(fileOf))];
  const gone = new Set<string>();
  await Promise.all(files.map(async (file) => {
    if (await host.files.stat(join(rootdir, file)).catch(() => null) === null) gone.add(file);
  }));
  const missing = record.tests.filter((test) => gone.has(fileOf(test)));
  return { ...record, source, found: true, missing };
}

/** Null if there is no file. An unreadable one counts as empty, so that it never stops a run. */
async function readFile(
  host: Host,
  source: string,
  prefixes: readonly string[],
): Promise<LastFailed | null> {
  try {
    const status = await host.files.stat(source);
    if (status === null) return null;
    if (status.kind !== "file") return unreadable("it is no file");
    if (status.size > LASTFAILED_SIZE_LIMIT) {
      return unreadable(`it has ${status.size} bytes, which no record of failed tests has`);
    }
    const bytes = await host.files.readFile(source);
    return bytes && readLastFailed(bytes, prefixes);
  } catch (error) {
    if (error instanceof TractestError) return unreadable(error.message);
    throw error;
  }
}

/** The start of ids in a tests directory; empty if pytest's rootdir is in or at it. */
function prefixOf(rootdir: string, directory: string): string {
  const path = relative(rootdir, directory);
  return path === "" || path.startsWith("..") ? "" : `${path}/`;
}

/** pytest expands `~` and variables in `cache_dir`; only HOME is supported here. */
function withHome(path: string, home: string | undefined): string {
  return home === undefined ? path : path.replace(/^~(?=\/|$)|\$HOME\b|\$\{HOME\}/g, home);
}

/** A test id of pytest, which is relative to its rootdir, relative to the project's root. */
export function fromRoot({ root }: ProjectRoot, rootdir: string, test: string): string {
  if (rootdir === root) return test;
  const file = fileOf(test);
  return relative(root, join(rootdir, file)) + test.slice(file.length);
}

/** The record of a project, with ids relative to its root. */
export async function readOwnRecord(host: Host, project: ProjectRoot): Promise<Recorded> {
  const { rootdir } = project;
  const recorded = await readRecord(host, project, rootdir);
  const relative = (test: string) => fromRoot(project, rootdir, test);
  const [tests, missing] = [recorded.tests.map(relative), recorded.missing.map(relative)];
  return { ...recorded, tests, missing };
}

/** Ids of the tests that failed last time and whose files exist, relative to the project's root. */
export async function lastFailedIn(host: Host, project: ProjectRoot): Promise<string[]> {
  const { tests, missing } = await readOwnRecord(host, project);
  return tests.filter((test) => !missing.includes(test));
}
