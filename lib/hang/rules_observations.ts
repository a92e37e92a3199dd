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
    ...openConnections(scene),
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

/** Connections in a lengthy observation. */
const SHOWN_CONNECTIONS = 3;

/**
 * Connections of the root to other processes of the tree, of which it waits for one, or for
 * something else: an answer may be due, or not.
 */
function openConnections(scene: HangScene): string[] {
  const root = scene.processes.get(scene.root);
  if (root === undefined || !isAsleep(root)) return [];
  // What `poll` and `select` wait for is in the memory of the process.
  const polls = threadsOf(scene, root).some(({ thread, activity }) =>
    thread.tid === root.pid && activity.does === "poll" && !activity.name.startsWith("epoll")
  );
  return scene.connections.flatMap((connection) => {
    const { pid, fd, state, holders } = connection;
    const isWatched = pid === root.pid && state === "accepted" &&
      (polls || root.watched.includes(fd));
    const holder = holders.map((one) => scene.processes.get(one))
      .find((one) => one !== undefined && one !== root && one.inTree);
    return isWatched && holder ? [say.mayWaitForAnswer(scene, connection, holder)] : [];
  }).slice(0, SHOWN_CONNECTIONS);
}

function ignoredFromStart({ processes, root }: HangScene): string[] {
  const process = processes.get(root);
  const isIgnored = process !== undefined && sigintOf(process) === "ignored";
  return isIgnored ? [say.inheritsIgnoredSigint(process)] : [];
}
