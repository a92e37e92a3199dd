import { join, relative, resolve } from "@std/path";
import { fileOf, type LastFailed, LASTFAILED_SIZE_LIMIT, readLastFailed } from "./lastfailed.ts";
import { TractestError } from "../errors.ts";
import type { Host } from "../system/host.ts";
import type { ProjectRoot } from "../project/project.ts";
import { testPathsOf } from "../project/test_paths.ts";

/** What pytest recorded as failed: the record, where it lies, and what of it is gone. */
export interface Recorded extends LastFailed {
  /** Absolute path of `lastfailed`, whether or not it is there. */
  readonly source: string;
  readonly found: boolean;
  /** Tests whose file no longer exists. */
  readonly missing: readonly string[];
}

/**
 * Reads the record that pytest left in its cache. What can't be read counts as empty, with the
 * reason.
 */
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
  // Where pytest looks everywhere anything may have failed.
  const directories = places.byName || project.pytest?.testPaths.length
    ? places.directories
    : ["."];
  const record = await readFile(
    host,
    source,
    directories.map((directory) => prefixOf(rootdir, join(project.root, directory))),
  );
  if (!record) return { tests: [], unreadable: null, source, found: false, missing: [] };
  const files = [...new Set(record.tests.map(fileOf))];
  const gone = new Set<string>();
  await Promise.all(files.map(async (file) => {
    if (await host.files.stat(join(rootdir, file)).catch(() => null) === null) gone.add(file);
  }));
  return {
    ...record,
    source,
    found: true,
    missing: record.tests.filter((test) => gone.has(fileOf(test))),
  };
}

/**
 * Null when nothing is there. What can't be read counts as empty: this report never stands in the
 * way.
 */
async function readFile(
  host: Host,
  source: string,
  prefixes: readonly string[],
): Promise<LastFailed | null> {
  try {
    const status = await host.files.stat(source);
    if (status === null) return null;
    if (status.kind !== "file") return { tests: [], unreadable: "it is no file" };
    if (status.size > LASTFAILED_SIZE_LIMIT) {
      return {
        tests: [],
        unreadable: `it has ${status.size} bytes, which no record of failed tests has`,
      };
    }
    const bytes = await host.files.readFile(source);
    return bytes && readLastFailed(bytes, prefixes);
  } catch (error) {
    if (error instanceof TractestError) return { tests: [], unreadable: error.message };
    throw error;
  }
}

/**
 * How ids begin that lie in a tests directory: relative to pytest's rootdir, which may be that
 * directory or lie in it.
 */
function prefixOf(rootdir: string, directory: string): string {
  const path = relative(rootdir, directory);
  return path === "" || path.startsWith("..") ? "" : `${path}/`;
}

/** pytest expands `~` and variables in `cache_dir`; of those only HOME is known here. */
function withHome(path: string, home: string | undefined): string {
  return home === undefined ? path : path.replace(/^~(?=\/|$)|\$HOME\b|\$\{HOME\}/g, home);
}

/**
 * Ids of the tests that failed last time and whose files are there, relative to the project's root,
 * where pytest's own root is the same.
 */
export async function lastFailedIn(host: Host, project: ProjectRoot): Promise<string[]> {
  const { tests, missing } = await readRecord(host, project, project.root);
  return tests.filter((test) => !missing.includes(test));
}
