import { dirname, join } from "@std/path";
import type { Change, Surroundings } from "../core/changes/affected.ts";
import { ImportGraph, lastPart, type Sources } from "../core/changes/import_graph.ts";
import { ImportLines } from "../core/changes/import_lines.ts";
import { importLines } from "../core/changes/python_imports.ts";
import { directoriesOf } from "../core/project/paths.ts";
import { isTestFile, isWithin } from "../core/project/targets.ts";
import { TractestError } from "../errors.ts";
import type { Host } from "../host/host.ts";
import { Git } from "../programs/git.ts";
import type { Project } from "./project.ts";

/** Files larger than this are data, whatever their name: 4 MiB. */
const SOURCE_SIZE_LIMIT = 4 * 1024 * 1024;

/** To look for the names of more packages than these takes longer than to read all files. */
const MOST_PACKAGES = 500;

/**
 * Reads who imports whom among the project's Python files. Nothing of it is run, and a file that can't be read imports nothing.
 *
 * @param files the Python files, relative to the root
 * @param changes those that it is asked about: a module that was deleted, or that is no Python, is part of it too
 * @param searching what {@linkcode searchImports} found, where that was begun before
 */
export async function readImportGraph(
  host: Host,
  project: Project,
  around: Surroundings,
  files: ReadonlySet<string>,
  changes: readonly Change[],
  searching: Promise<ImportLines | null> = searchImports(host, project, files),
): Promise<ImportGraph> {
  const { testsDirectories } = around.tree;
  const { pythonPaths = [], addopts = "" } = project.pytest ?? {};
  const packageStart = around.packageDirectory === null ? [] : [dirname(around.packageDirectory)];
  const graph = new ImportGraph({
    sources: new Texts(host, project.root, files, changes.map((change) => change.path)),
    starts: [...new Set([...pythonPaths.map((path) => join(path)), ...packageStart, "src", ".", ...testsDirectories])],
    isTest: (path) => isTestFile(path) && testsDirectories.some((directory) => isWithin(path, directory)),
    plugins: [...addopts.matchAll(/(?:^|\s)-p\s*(?!no:)([\w.]+)/g)].map((match) => match[1]!),
  });
  const lines = await searching;
  if (lines !== null) graph.prefer(lines);
  return graph;
}

/**
 * The lines that say something of imports; null where git can't tell. It reads thousands of files in a fraction of the time that Deno
 * takes, but only those that it tracks are looked for.
 */
export async function searchImports(host: Host, project: Project, files: ReadonlySet<string>): Promise<ImportLines | null> {
  const packages = new Set([...directoriesOf(files)].map(lastPart));
  if (packages.size > MOST_PACKAGES) return null;
  const git = new Git(host, project.root);
  try {
    const [tracked, lines] = await Promise.all([git.plainFiles(["*.py"]), git.linesMatching(importLines(packages), ["*.py"])]);
    // A line end in a path can't be told from that of a line.
    return lines === null ? null : new ImportLines(lines, new Set(tracked.filter((path) => !path.includes("\n"))));
  } catch (error) {
    if (error instanceof TractestError) return null;
    throw error;
  }
}

/** Texts of a project's files, read when they are asked for. What can't be read, or is too large, is empty. */
class Texts implements Sources {
  readonly #read = new Map<string, string>();
  readonly #paths: ReadonlySet<string>;

  /** @param more paths that have no text */
  constructor(readonly host: Host, readonly root: string, readonly files: ReadonlySet<string>, more: readonly string[]) {
    this.#paths = new Set([...files, ...more]);
  }

  has(path: string): boolean {
    return this.#paths.has(path);
  }

  keys(): SetIterator<string> {
    return this.#paths.keys();
  }

  get(path: string): string | undefined {
    let text = this.#read.get(path);
    if (text === undefined && this.#paths.has(path)) {
      this.#read.set(path, text = this.files.has(path) ? sourceOf(this.host, join(this.root, path)) : "");
    }
    return text;
  }
}

function sourceOf(host: Host, path: string): string {
  try {
    const text = host.readTextAtOnce(path);
    return text === null || text.length > SOURCE_SIZE_LIMIT ? "" : text;
  } catch (error) {
    if (error instanceof TractestError) return "";
    throw error;
  }
}
