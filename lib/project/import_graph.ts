import { dirname, join } from "@std/path";
import type { Change, Surroundings } from "../core/changes/affected.ts";
import { ImportGraph } from "../core/changes/import_graph.ts";
import { isTestFile, isWithin } from "../core/project/targets.ts";
import { TractestError } from "../errors.ts";
import type { Host } from "../host/host.ts";
import type { Project } from "./project.ts";
import { pythonFilesOf } from "./targets.ts";

/** Files larger than this are data, whatever their name: 4 MiB. */
const SOURCE_SIZE_LIMIT = 4 * 1024 * 1024;

/**
 * Reads who imports whom among the project's Python files. Nothing of it is run, and a file that can't be read imports nothing.
 *
 * @param changes those that it is asked about: a module that was deleted, or that is no Python, is part of it too
 */
export async function readImportGraph(host: Host, project: Project, around: Surroundings, changes: readonly Change[]): Promise<ImportGraph> {
  const sources = new Map<string, string>();
  for (const path of await pythonFilesOf(host, project)) sources.set(path, await sourceOf(host, join(project.root, path)));
  for (const { path } of changes) if (!sources.has(path)) sources.set(path, "");
  const { testsDirectories } = around.tree;
  const { pythonPaths = [], addopts = "" } = project.pytest ?? {};
  const packageStart = around.packageDirectory === null ? [] : [dirname(around.packageDirectory)];
  return new ImportGraph({
    sources,
    starts: [...new Set([...pythonPaths.map((path) => join(path)), ...packageStart, "src", ".", ...testsDirectories])],
    isTest: (path) => isTestFile(path) && testsDirectories.some((directory) => isWithin(path, directory)),
    plugins: [...addopts.matchAll(/(?:^|\s)-p\s*(?!no:)([\w.]+)/g)].map((match) => match[1]!),
  });
}

async function sourceOf(host: Host, path: string): Promise<string> {
  try {
    const text = await host.readText(path);
    return text === null || text.length > SOURCE_SIZE_LIMIT ? "" : text;
  } catch (error) {
    if (error instanceof TractestError) return "";
    throw error;
  }
}
