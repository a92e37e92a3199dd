import { fileOf, isPipe } from "./activity.ts";
import { writersTo } from "./rules_blocked_write.ts";
import { notYetExited } from "./rules_exit.ts";
import {
  type ActiveThread,
  type HangScene,
  holdersOf,
  isAsleep,
  type SeenProcess,
  sigintOf,
  threadsOf,
  treeOf,
  usedSeconds,
} from "./scene.ts";
import { say } from "./evidence_sentences.ts";

/** What was observed of a tree, where nothing is proven. */
export function observationsOf(scene: HangScene): string[] {
  const processes = treeOf(scene);
  const lines = [
    ...processes.flatMap((process) => computing(scene, process)),
    ...writersTo(scene).flatMap(({ process, activity, doubt }) =>
      doubt === null ? [] : [say.mayNotBeStuck(process, activity, doubt)]
    ),
    ...processes.flatMap((process) => waiting(scene, process)),
    ...scene.listeners.filter((listener) => listener.waiting > 0)
      .map((listener) => say.doesNotAccept(scene, listener)),
    ...notYetExited(scene),
    ...ignoredFromStart(scene),
  ];
  if (lines.length > 0) return lines;
  const asleep = processes.filter(isAsleep).length;
  return asleep === 0 ? [] : [say.allAsleep(scene, asleep)];
}

/** A process that used at least a quarter of the time, or is running right now. */
function computing(scene: HangScene, process: SeenProcess): string[] {
  const used = usedSeconds(scene, process);
  const isRunning = process.threads.some(({ state, usedTicks }) => state === "R" && usedTicks > 0);
  return used >= scene.seconds / 4 || isRunning ? [say.computes(scene, process, used)] : [];
}

function waiting(scene: HangScene, process: SeenProcess): string[] {
  const threads = threadsOf(scene, process);
  const locks = threads.filter(({ activity }) => activity.does === "lock").length;
  const sleep = threads.find(({ activity }) => activity.does === "sleep");
  // Idle workers of a pool wait for a lock too: only the first thread counts.
  const isLocked = threads[0]?.activity.does === "lock" && isAsleep(process);
  return [
    ...(isLocked ? [say.waitsForLocks(process, locks)] : []),
    ...(sleep ? [say.sleeps(process, sleep.activity.name)] : []),
    ...(process.threads.some(({ state }) => state === "t") ? [say.isTraced(process)] : []),
    ...threads.flatMap((active) => reading(scene, active)),
  ];
}

function reading(scene: HangScene, { process, thread, activity }: ActiveThread): string[] {
  const file = fileOf(process, activity.fd);
  if (activity.does !== "read" || thread.ran !== false || !isPipe(file)) return [];
  return [say.readsEmptyPipe(process, activity, holdersOf(scene, file.target, "writes"))];
}

function ignoredFromStart({ processes, root }: HangScene): string[] {
  const process = processes.get(root);
  const isIgnored = process !== undefined && sigintOf(process) === "ignored";
  return isIgnored ? [say.inheritsIgnoredSigint(process)] : [];
}
