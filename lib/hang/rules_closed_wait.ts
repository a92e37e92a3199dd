import { type Activity, lockOf } from "./activity.ts";
import { say } from "./evidence_sentences.ts";
import { type Finding, findingOf } from "./finding.ts";
import { waitsFor } from "./rules_waits.ts";
import { childrenOf, type HangScene, type SeenProcess, threadsOf, treeOf } from "./scene.ts";

/** Processes in the evidence. */
const SHOWN = 6;

/**
 * The tree's root waits, without a time limit, for processes that wait in the same way for each
 * other: only one of them could write what another one reads, and none ever runs.
 */
export function closedWait(scene: HangScene): Finding | null {
  const root = scene.processes.get(scene.root);
  // A process of the tree that could not be read, or has just ended, may be a child or a writer.
  const isSeen = [...scene.processes.values()].every((process) =>
    !process.inTree || process.threads.length > 0
  );
  if (root === undefined || !isSeen || scene.unseenEnds > 0) return null;
  const closed = closedSet(scene);
  if (!closed.has(root)) return null;
  const members = [root];
  for (const process of members) {
    const awaited = threadsOf(scene, process).flatMap((active) => waitsFor(scene, active) ?? []);
    members.push(...new Set(awaited.filter((one) => !members.includes(one))));
  }
  // Locks of threads alone are not about processes, nor is an ended child alone.
  const waits = members.flatMap((process) => threadsOf(scene, process));
  if (!waits.some(({ activity }) => isForMore(activity))) return null;
  const evidence = members.slice(0, SHOWN).flatMap((process) => evidenceOf(scene, process));
  return findingOf([...evidence, say.isClosed(members.map(({ pid }) => pid))], {
    pids: members.filter((process) => process !== root).map(({ pid }) => pid),
  });
}

/** The largest set of processes in which each thread waits for processes of the set alone. */
function closedSet(scene: HangScene): ReadonlySet<SeenProcess> {
  const closed = new Set(treeOf(scene).filter((process) => isWhole(process)));
  for (let size = -1; size !== closed.size;) {
    size = closed.size;
    for (const process of closed) {
      const isClosed = threadsOf(scene, process).every((active) => {
        const awaited = waitsFor(scene, active);
        return awaited !== null && awaited.every((one) => closed.has(one));
      });
      // The end of a child may start a handler of signals, which may write.
      const isAlone = process.threads.every(({ catches }) => catches?.child === false) ||
        childrenOf(scene, process).every((child) => closed.has(child));
      if (!isClosed || !isAlone) closed.delete(process);
    }
  }
  return closed;
}

/** Whether all of a process was read, it slept all the time, and no alarm of its own wakes it. */
function isWhole({ files, threads }: SeenProcess): boolean {
  // The kernel may write for a process that has an io_uring.
  const isPlain = files?.every(({ target }) => !target.includes("io_uring")) ?? false;
  return isPlain &&
    threads.every((thread) =>
      thread.ran === false && thread.state === "S" && thread.siblings === threads.length &&
      // A signal may come from anywhere, and its handler may do anything.
      thread.catches?.alarm === false && !thread.catches.other
    );
}

/** Whether a wait is for more than a thread of the same process, or the end of a child. */
function isForMore(activity: Activity): boolean {
  return activity.does !== "wait" && lockOf(activity) !== "own";
}

/** What a process of a closed set waits for. */
function evidenceOf(scene: HangScene, process: SeenProcess): string[] {
  const lines = threadsOf(scene, process).flatMap((active) => {
    const { activity } = active;
    const awaited = (waitsFor(scene, active) ?? []).map(({ pid }) => pid);
    if (activity.does === "read") return [say.onlyTheseWrite(process, activity, awaited)];
    if (activity.does === "wait") return [say.waitsForEnd(process, activity.name, awaited)];
    if (!isForMore(activity)) return [];
    return activity.does === "lock"
      ? [say.onlyTheseRelease(process, awaited)]
      : [say.onlyTheseWake(process, activity.name, awaited)];
  });
  return lines.length > 0 ? lines : [say.waitsForOwnThreads(process)];
}
