import { awaitedBy } from "./awaited.ts";
import { type Finding, findingOf } from "./finding.ts";
import {
  allThreads,
  type HangScene,
  isDeafToSigint,
  isSharedHelper,
  mainThread,
  type SeenProcess,
  sigintOf,
  threadsOf,
} from "./scene.ts";
import { say } from "./evidence_sentences.ts";

/** A parent that waits for a child which can't be ended by SIGINT, by which tractor cancels. */
export function childIgnoresSigint(scene: HangScene): Finding | null {
  const root = scene.processes.get(scene.root);
  // Inherited from the root it says nothing about the child: it is an observation then.
  if (root === undefined || sigintOf(root) === "ignored") return null;
  // By parent and child: several threads of a parent may wait for the same one.
  const evidence = new Map<string, readonly string[]>();
  for (const { process, thread, activity } of allThreads(scene)) {
    if (thread.ran !== false) continue;
    for (const awaited of awaitedBy(scene, process, activity)) {
      const { child, isWait } = awaited;
      const pair = `${process.pid} ${child.pid}`;
      if (!isDeafToSigint(child) || isSharedHelper(child) || evidence.has(pair)) continue;
      // A child in its event loop would take a cancel that comes as a message.
      if (!isWait && !isOutsideOfLoop(scene, child)) continue;
      const waits = say.waitsForChild(process, awaited, activity.name);
      evidence.set(pair, [waits, say.ignoresSigint(scene, child)]);
    }
  }
  return findingOf([...evidence.values()].flat());
}

/** Whether the main thread of a process sleeps where no message reaches it. */
function isOutsideOfLoop(scene: HangScene, process: SeenProcess): boolean {
  const main = threadsOf(scene, process).find(({ thread }) => thread === mainThread(process));
  return main?.thread.ran === false &&
    !["poll", "read", "accept", "run", "unknown"].includes(main.activity.does);
}
