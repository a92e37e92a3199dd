import { join } from "@std/path";
import { directoriesOf } from "../base/paths.ts";
import { ignoreTractestError, nullForTractestError } from "../errors.ts";
import type { Project } from "../project/project.ts";
import { SKIPPED_DIRECTORIES } from "../project/targets.ts";
import { fileOf } from "../pytest/lastfailed.ts";
import { lastFailedIn } from "../pytest/read_lastfailed.ts";
import type { Host } from "../system/host.ts";
import { Git } from "../system/programs/git.ts";
import { targetOfFailed, watchedAmong } from "./rules.ts";

/** The files below a root that are watched, relative to it: those that git does not ignore. */
export async function listFiles(host: Host, root: string): Promise<string[]> {
  const listed = await new Git(host, root).files().catch((error) => {
    ignoreTractestError(error);
    return [];
  });
  // Outside of a repository, and where git ignores the whole project.
  return watchedAmong(listed.length > 0 ? listed : await walk(host, root));
}

async function walk(host: Host, root: string): Promise<string[]> {
  const files: string[] = [];
  const directories = ["."];
  for (let below = directories.pop(); below !== undefined; below = directories.pop()) {
    const entries = await entriesOf(host, join(root, below));
    if (entries.some(({ name }) => name === "pyvenv.cfg")) continue;
    for (const { name, kind } of entries) {
      const path = join(below, name);
      if (kind !== "directory") files.push(path);
      else if (mayHoldFiles(name)) directories.push(path);
    }
  }
  return files;
}

function mayHoldFiles(name: string): boolean {
  return !name.startsWith(".") && !SKIPPED_DIRECTORIES.includes(name);
}

async function entriesOf(host: Host, path: string) {
  const entries = await host.files.readDirectory(path).catch(nullForTractestError);
  return entries ?? [];
}

/** The tests that failed last time, without those that are gone. */
export async function failedTests(host: Host, project: Project): Promise<string[]> {
  return [...(await failures(host, project)).keys()];
}

/** Targets for them, see {@linkcode targetOfFailed}. */
export async function failedTargets(host: Host, project: Project): Promise<string[]> {
  return [...new Set((await failures(host, project)).values())];
}

/** The tests that failed last time, with their targets. */
async function failures(host: Host, project: Project): Promise<Map<string, string>> {
  const tests = await lastFailedIn(host, project);
  const texts = new Map<string, string>();
  for (const file of new Set(tests.map(fileOf))) {
    const text = await host.files.readText(join(project.root, file)).catch(() => null);
    texts.set(file, text ?? "");
  }
  return new Map(tests.flatMap((test) => {
    const target = targetOfFailed(test, texts.get(fileOf(test))!);
    return target === null ? [] : [[test, target]];
  }));
}

/** How deep below a directory with files the empty ones are watched, and how many. */
const EMPTY_DEPTH = 2;
const MOST_EMPTY = 500;

/**
 * The directories to watch: those with files, and empty ones below them, where files may appear.
 */
export async function watchedDirectories(
  host: Host,
  root: string,
  files: readonly string[],
): Promise<string[]> {
  const holding = new Set([".", ...directoriesOf(files)]);
  const empty = new Set<string>();
  let level = [...holding];
  for (let depth = 0; depth < EMPTY_DEPTH && level.length > 0; depth++) {
    const found: string[] = [];
    for (const directory of level) {
      const entries = await entriesOf(host, join(root, directory));
      if (entries.some(({ name }) => name === "pyvenv.cfg")) continue;
      for (const { name, kind } of entries) {
        const path = join(directory, name);
        if (kind !== "directory" || !mayHoldFiles(name) || holding.has(path)) continue;
        if (empty.size >= MOST_EMPTY) break;
        empty.add(path);
        found.push(path);
      }
    }
    level = found;
  }
  const existing = new Set<string>();
  for (const directory of [...holding, ...empty]) {
    const status = await host.files.stat(join(root, directory)).catch(() => null);
    if (status?.kind === "directory") existing.add(directory);
  }
  return [...existing].sort();
}

/** Larger files count as changed when their size or time did; smaller ones by their content. */
const DIGESTED_SIZE = 1024 * 1024;

/** Reads digests of files. */
export class Digests {
  readonly #known = new Map<string, { readonly stamp: string; readonly digest: string }>();

  constructor(private readonly host: Host, private readonly root: string) {}

  /**
   * The digest of a file; null if there is none.
   *
   * @param touched read it even if it has its size, time and inode of before
   */
  async of(path: string, touched: boolean): Promise<string | null> {
    const { files } = this.host;
    const whole = join(this.root, path);
    const status = await files.stat(whole).catch(() => null);
    if (status?.kind !== "file") return null;
    const stamp = `${status.size} ${status.modifiedMs} ${status.inode}`;
    const known = this.#known.get(path);
    if (known?.stamp === stamp && !touched) return known.digest;
    const content = status.size > DIGESTED_SIZE
      ? null
      : await files.readFile(whole).catch(() => null);
    const digest = content === null ? stamp : await digestOf(content);
    this.#known.set(path, { stamp, digest });
    return digest;
  }
}

async function digestOf(content: Uint8Array): Promise<string> {
  const bytes = new Uint8Array(await crypto.subtle.digest("SHA-1", new Uint8Array(content)));
  return bytes.toBase64();
}

/** The file by which git says that it is changing the work tree; null outside of a repository. */
export async function gitLock(host: Host, root: string): Promise<string | null> {
  const location = await new Git(host, root).location().catch(nullForTractestError);
  return location && join(location.gitDirectory, "index.lock");
}
