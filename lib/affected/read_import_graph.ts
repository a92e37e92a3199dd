import type { Change } from "./affected_targets.ts";
import { dirname, join } from "@std/path";
import type { Surroundings } from "./rules_change.ts";
import { ImportGraph } from "./import_graph.ts";
import { ImportLines } from "./import_lines.ts";
import { isModuleFile, type Sources } from "./module_index.ts";
import { ENTRY_POINT_FILES, pluginModules } from "./plugin_modules.ts";
import { importLines } from "./python_imports.ts";
import { directoriesOf, lastPart } from "../base/paths.ts";
import { isTestIn, isWithin } from "../project/rules_targets.ts";
import { TractestError } from "../errors.ts";
import type { Host } from "../system/host.ts";
import { Git } from "../system/programs/git.ts";
import type { Project } from "../project/project.ts";

/** Larger files are data, whatever their name: 4 MiB. */
const SOURCE_SIZE_LIMIT = 4 * 1024 * 1024;

/** Searching for the names of more packages than these takes longer than reading all files. */
const MOST_PACKAGES = 500;

/** A project with more Python files is searched at once, while git finds the changes. */
const MANY_FILES = 1_000;

/**
 * Reads the imports of the project's Python files. Runs nothing; unreadable files have none.
 *
 * @param files the Python files, relative to the root
 * @param changes the changes of interest: deleted modules, and files that are not Python, are part
 *   of the graph too
 */
export async function readImportGraph(
  host: Host,
  project: Project,
  around: Surroundings,
  files: ReadonlySet<string>,
  changes: readonly Change[],
  search: ImportSearch,
): Promise<ImportGraph> {
  const { testsDirectories } = around.tree;
  const { pythonPaths = [], addopts = "" } = project.pytest ?? {};
  const home = around.packageDirectory === null ? [] : [dirname(around.packageDirectory)];
  const paths = pythonPaths.map((path) => join(path));
  const searching = search.linesIn(files);
  const graph = new ImportGraph({
    sources: new Texts(
      host,
      project.root,
      files,
      changes.map((change) => change.path).filter(isModuleFile),
    ),
    starts: [...new Set([...paths, ...home, "src", ".", ...testsDirectories])],
    isTest: (path) =>
      isTestIn(around.tree, path) &&
      testsDirectories.some((directory) => isWithin(path, directory)),
    isInTests: (path) => testsDirectories.some((directory) => isWithin(path, directory)),
    plugins: pluginModules(addopts, await entryPointFiles(host, project)),
  });
  const lines = await searching;
  if (lines !== null) graph.prefer(lines);
  return graph;
}

async function entryPointFiles(host: Host, { root }: Project): Promise<Map<string, string>> {
  const texts = new Map<string, string>();
  for (const name of ENTRY_POINT_FILES) {
    const text = await host.files.readText(join(root, name)).catch(nullIfTrouble);
    if (text !== null) texts.set(name, text);
  }
  return texts;
}

/**
 * Searches for the lines that may import. git reads thousands of files in a fraction of the time
 * that Deno takes, but only tracked ones.
 */
export class ImportSearch {
  readonly #git: Git;
  readonly #tracked: Promise<readonly string[] | null>;
  /** A search that began at once; null in a small project. */
  readonly #ahead: Promise<
    { readonly packages: ReadonlySet<string>; readonly lines: Promise<string | null> } | null
  >;

  /** Begins at once in a large project. */
  constructor(host: Host, project: Project) {
    this.#git = new Git(host, project.root);
    this.#tracked = this.#git.plainFiles(["*.py"]).catch(nullIfTrouble);
    this.#ahead = this.#tracked.then((tracked) => {
      if (tracked === null || tracked.length <= MANY_FILES) return null;
      const packages = packagesOf(tracked);
      return packages.size > MOST_PACKAGES ? null : { packages, lines: this.#search(packages) };
    });
  }

  /** Resolves once the search has begun, if it begins at once. */
  get begun(): Promise<unknown> {
    return this.#ahead;
  }

  /** The Python files that git tracks; none if git fails. */
  async tracked(): Promise<readonly string[]> {
    return await this.#tracked ?? [];
  }

  /** The lines, in a project with these files; null if git fails. */
  async linesIn(files: ReadonlySet<string>): Promise<ImportLines | null> {
    const packages = packagesOf(files);
    const [tracked, ahead] = await Promise.all([this.#tracked, this.#ahead]);
    if (tracked === null || packages.size > MOST_PACKAGES) return null;
    // The first search does not know packages without tracked files.
    const isEnough = ahead !== null && packages.isSubsetOf(ahead.packages);
    const lines = await (isEnough ? ahead.lines : this.#search(packages));
    if (lines === null) return null;
    // A line end in a path can't be distinguished from that of a line.
    return new ImportLines(lines, new Set(tracked.filter((path) => !path.includes("\n"))));
  }

  #search(packages: ReadonlySet<string>): Promise<string | null> {
    return this.#git.linesMatching(importLines(packages), ["*.py"]).catch(nullIfTrouble);
  }
}

function nullIfTrouble(error: unknown): null {
  if (error instanceof TractestError) return null;
  throw error;
}

function packagesOf(files: Iterable<string>): Set<string> {
  return new Set([...directoriesOf(files)].map(lastPart));
}

/** Texts of a project's files, read on demand. An unreadable or too large file is empty. */
class Texts implements Sources {
  readonly #read = new Map<string, string>();
  readonly #paths: ReadonlySet<string>;

  /** @param more paths without a text */
  constructor(
    readonly host: Host,
    readonly root: string,
    readonly files: ReadonlySet<string>,
    more: readonly string[],
  ) {
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
      this.#read.set(
        path,
        text = this.files.has(path) ? sourceOf(this.host, join(this.root, path)) : "",
      );
    }
    return text;
  }
}

function sourceOf(host: Host, path: string): string {
  try {
    const text = host.files.readTextSync(path);
    if (text === null || text.length > SOURCE_SIZE_LIMIT) return "";
    // As Python reads it: a lone CR ends a line too.
    return text.replace(/^\ufeff/, "").replaceAll(/\r\n?/g, "\n");
  } catch (error) {
    if (error instanceof TractestError) return "";
    throw error;
  }
}
