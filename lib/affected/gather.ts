import type { Affected, Change, RecentFailures } from "./affected_targets.ts";
import { affectedBy, withFailures } from "./rules.ts";
import { asksForImports, type Surroundings } from "./rules_change.ts";
import {
  linkedChanges,
  linkedDirectories,
  type LinkedDirectory,
  linkedPaths,
} from "./linked_directories.ts";
import type { Host } from "../system/host.ts";
import type { ChangeSet } from "./changes.ts";
import { ImportSearch, readImportGraph } from "./read_import_graph.ts";
import { lastFailedIn } from "../pytest/read_lastfailed.ts";
import { packageOf } from "../project/package.ts";
import type { Project } from "../project/project.ts";
import { OPTION_MAP } from "../project/change_map.ts";
import { isWithin } from "../project/rules_targets.ts";
import { filesOf } from "../project/targets.ts";

/** Finds the targets for changes of this project. Imports are read only if a change needs them. */
export async function affectedIn(
  host: Host,
  project: Project,
  changed: readonly Change[] | Promise<readonly Change[]>,
  search: ImportSearch = new ImportSearch(host, project),
): Promise<Affected> {
  const known = Promise.resolve(changed);
  // It may fail before it is awaited.
  known.catch(() => {});
  await search.begun;
  // The files are listed while git still answers.
  const { files, around, links } = await surroundingsOf(host, project);
  const listed = await known;
  const changes = linkedChanges(listed, links);
  const asking = changes.filter((change) => asksForImports(change, around));
  const graph = asking.length === 0 ? null : await readImportGraph(
    host,
    project,
    around,
    await withTracked(files, search),
    asking,
    search,
  );
  const found = affectedBy(changes, { ...around, graph });
  // Under its own path nothing may use a file that is used under a link.
  const hasLink = ({ file }: { file: string }) => linkedPaths(file, links).length > 0;
  return { ...found, unmapped: found.unmapped.filter((one) => !hasLink(one)) };
}

async function surroundingsOf(
  host: Host,
  project: Project,
): Promise<{
  readonly files: ReadonlySet<string>;
  readonly around: Surroundings;
  readonly links: readonly LinkedDirectory[];
}> {
  const [{ files, tree }, underTest] = await Promise.all([
    filesOf(host, project),
    packageOf(host, project),
  ]);
  const links = await linkedDirectories(host, project.root, files);
  const linked = links.length === 0 ? [] : files.flatMap((path) => linkedPaths(path, links));
  const around = {
    tree,
    packageDirectory: underTest?.directory ?? null,
    changeMap: project.configuration.changeMap,
    optionMap: underTest?.importName === "tractor" ? OPTION_MAP : [],
  };
  return { files: new Set([...files, ...linked]), around, links };
}

/** Packages may be in directories without tests, such as `build` and `dist`. */
async function withTracked(
  files: ReadonlySet<string>,
  search: ImportSearch,
): Promise<ReadonlySet<string>> {
  return files.union(new Set(await search.tracked()));
}

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
  const { files, around, links } = await surroundingsOf(host, project);
  const all = await withTracked(files, search);
  const graph = await readImportGraph(host, project, around, all, modules, search);
  const reaches = linkedChanges(modules, links).map(({ path }) => {
    const { named, loaded } = graph.reach(path);
    return { path, reached: [...named, ...loaded] };
  });
  return (testFile) => {
    const loads = (target: string | null) =>
      target === null || isWithin(testFile, target.replace(/\/$/, ""));
    return reaches.find(({ reached }) => reached.some(({ target }) => loads(target)))?.path ?? null;
  };
}

/**
 * Finds the changes and their targets, with tests that failed before after the nearer ones.
 *
 * @param ask reads the changes
 * @param recent reads the recorded failures; called only if something changed
 */
export async function runFirst(
  host: Host,
  project: Project,
  ask: () => Promise<ChangeSet>,
  recent: () => Promise<readonly RecentFailures[]>,
): Promise<{ set: ChangeSet; found: Affected }> {
  // It takes longest in a large project, so it begins first, before it is known to be needed.
  const search = new ImportSearch(host, project);
  const asked = ask();
  const found = await affectedIn(host, project, asked.then(({ changes }) => changes), search);
  const set = await asked;
  if (set.changes.length === 0) return { set, found };
  const lastFailed = await lastFailedIn(host, project);
  return { set, found: withFailures(found, lastFailed, await recent()) };
}
