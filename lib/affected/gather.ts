import type { Affected, Change, RecentFailures } from "./affected_targets.ts";
import { affectedBy, withFailures } from "./rules.ts";
import { asksForImports } from "./rules_change.ts";
import type { Host } from "../system/host.ts";
import type { ChangeSet } from "./changes.ts";
import { ImportSearch, readImportGraph } from "./read_import_graph.ts";
import { lastFailedIn } from "../pytest/read_lastfailed.ts";
import { packageOf } from "../project/package.ts";
import type { Project } from "../project/project.ts";
import { OPTION_MAP } from "../project/change_map.ts";
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
  const [{ files, tree }, underTest] = await Promise.all([
    filesOf(host, project),
    packageOf(host, project),
  ]);
  const changes = await known;
  const around = {
    tree,
    packageDirectory: underTest?.directory ?? null,
    changeMap: project.configuration.changeMap,
    optionMap: underTest?.importName === "tractor" ? OPTION_MAP : [],
  };
  const asking = changes.filter((change) => asksForImports(change, around));
  const graph = asking.length === 0
    ? null
    : await readImportGraph(host, project, around, new Set(files), asking, search);
  return affectedBy(changes, { ...around, graph });
}

/**
 * Finds the changes and their targets, with tests that failed before as the last of the nearer ones.
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
  const set = ask();
  const found = await affectedIn(host, project, set.then(({ changes }) => changes), search);
  if ((await set).changes.length === 0) return { set: await set, found };
  return {
    set: await set,
    found: withFailures(found, await lastFailedIn(host, project), await recent()),
  };
}
