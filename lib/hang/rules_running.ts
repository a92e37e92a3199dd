import { fileOf } from "./activity.ts";
import { awaitedBy, maybeReadFrom } from "./awaited.ts";
import { type HangScene, isSharedHelper, threadsOf } from "./scene.ts";

/**
 * The test that runs, where no run has recorded it: the one whose call started the children for
 * which pytest waits, while its output is captured. Null when unknown: what a test left behind
 * outlives it and keeps its name.
 */
export function runningByChildren(scene: HangScene): string | null {
  const root = scene.processes.get(scene.root);
  // The capture file in place of stdout exists until the session has finished.
  if (root === undefined || !/^\/.* \(deleted\)$/.test(fileOf(root, 1)?.target ?? "")) return null;
  const ids = new Set<string | null>();
  for (const { activity } of threadsOf(scene, root)) {
    const awaited = awaitedBy(scene, root, activity).map(({ child }) => child);
    for (const child of [...awaited, ...maybeReadFrom(scene, root, activity)]) {
      const started = scene.startedIn.get(child.pid);
      if (!isSharedHelper(child)) ids.add(started?.phase === "call" ? started.id : null);
    }
  }
  const [id = null] = ids;
  return ids.size === 1 ? id : null;
}
