import type { Change } from "./affected_targets.ts";
import type { Surroundings } from "./rules_change.ts";
import { isWithin } from "../project/rules_targets.ts";
import type { Host } from "../system/host.ts";
import { ImportSearch, readImportGraph } from "./read_import_graph.ts";
import { packageOf } from "../project/package.ts";
import type { Project } from "../project/project.ts";
import { filesOf } from "../project/targets.ts";

/**
 * Returns a function from a test file to a change that it loads in any way, such as by a package's
 * `__init__.py` or for a conftest.py; null if it loads none. Imports are read, and nothing is run.
 */
export async function loadedBy(
  host: Host,
  project: Project,
  changes: readonly Change[],
): Promise<(testFile: string) => string | null> {
  const modules = changes.filter(({ path, submodule }) => path.endsWith(".py") && !submodule);
  if (modules.length === 0) return () => null;
  const search = new ImportSearch(host, project);
  await search.begun;
  const [{ files, tree }, underTest] = await Promise.all([
    filesOf(host, project),
    packageOf(host, project),
  ]);
  const around: Surroundings = {
    tree,
    packageDirectory: underTest?.directory ?? null,
    changeMap: project.configuration.changeMap,
  };
  const graph = await readImportGraph(host, project, around, new Set(files), modules, search);
  const reaches = modules.map(({ path }) => ({ path, reached: graph.reachOfAll(path) }));
  return (testFile) => {
    const loads = (target: string | null) =>
      target === null || isWithin(testFile, target.replace(/\/$/, ""));
    return reaches.find(({ reached }) => reached.some(({ target }) => loads(target)))?.path ?? null;
  };
}
