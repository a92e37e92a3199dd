import { type Activity, fileOf, isPipe } from "./activity.ts";
import { say } from "./evidence_sentences.ts";
import { type Finding, findingOf } from "./finding.ts";
import {
  type ActiveThread,
  childrenOf,
  type HangScene,
  holdersOf,
  type SeenProcess,
  threadsOf,
  treeOf,
} from "./scene.ts";

/** Processes in the evidence. */
const SHOWN = 6;
/** `idtype` of `waitid`, from `include/uapi/linux/wait.h`. */
const P_ALL = 0, P_PID = 1;
/** Operations of `futex`, from `include/uapi/linux/futex.h`. */
const FUTEX_WAIT = 0, FUTEX_WAIT_BITSET = 9, FUTEX_PRIVATE = 128, FUTEX_CLOCK_REALTIME = 256;

/** Waits of a thread that only these processes can end; null: something else may end it. */
type WaitsFor = readonly SeenProcess[] | null;

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
  const reads = members.flatMap((process) => readsOf(scene, process));
  // Locks of threads alone are not about processes.
  if (reads.length === 0) return null;
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
      thread.catches?.alarm === false
    );
}

function waitsFor(scene: HangScene, { process, thread, activity }: ActiveThread): WaitsFor {
  if (!activity.isProven) return null;
  if (activity.does === "lock") return isOwnLock(activity) ? [process] : null;
  if (activity.does === "wait") return childrenAwaited(scene, process, activity);
  const file = fileOf(process, activity.fd);
  if (activity.does !== "read" || !isPipe(file)) return null;
  if (thread.waitsIn !== null && !thread.waitsIn.includes("pipe_read")) return null;
  const writers = holdersOf(scene, file.target, "writes").map((pid) => scene.processes.get(pid));
  // Without a writer its read would have ended: the writer is not visible.
  return writers.length > 0 && writers.every((one) => one !== undefined) ? writers : null;
}

/** Whether only threads of the same process can end this wait for a lock, which has no timeout. */
function isOwnLock({ name, args }: Activity): boolean {
  const [, operation, , timeout] = args;
  if (name !== "futex" || operation === undefined || timeout !== 0) return false;
  const isPrivate = (operation & FUTEX_PRIVATE) !== 0;
  const command = operation & ~(FUTEX_PRIVATE | FUTEX_CLOCK_REALTIME);
  return isPrivate && [FUTEX_WAIT, FUTEX_WAIT_BITSET].includes(command);
}

/** The children whose end would end the wait. */
function childrenAwaited(
  scene: HangScene,
  process: SeenProcess,
  { name, args }: Activity,
): WaitsFor {
  const [first, second] = args;
  const isAny = name === "waitid" ? first === P_ALL : first === 0 || first! >= 2 ** 31;
  if (isAny) {
    // Any child, or any of a group; orphans of its descendants may become its own children.
    const below = descendantsOf(scene, process);
    return below.length > 0 ? below : null;
  }
  const pid = name !== "waitid" ? first : first === P_PID ? second : 0;
  const children = childrenOf(scene, process).filter((child) =>
    child.threads.some((thread) => thread.tid === child.pid && thread.ownTid === pid)
  );
  return pid !== 0 && children.length === 1 ? children : null;
}

function descendantsOf(scene: HangScene, process: SeenProcess): SeenProcess[] {
  const children = childrenOf(scene, process);
  return children.flatMap((child) => [child, ...descendantsOf(scene, child)]);
}

function readsOf(scene: HangScene, process: SeenProcess): ActiveThread[] {
  return threadsOf(scene, process).filter(({ activity }) => activity.does === "read");
}

/** What a process of a closed set waits for. */
function evidenceOf(scene: HangScene, process: SeenProcess): string[] {
  const lines = threadsOf(scene, process).flatMap((active) => {
    const { activity } = active;
    const awaited = (waitsFor(scene, active) ?? []).map(({ pid }) => pid);
    if (activity.does === "read") return [say.onlyTheseWrite(process, activity, awaited)];
    return activity.does === "wait" ? [say.waitsForEnd(process, activity.name, awaited)] : [];
  });
  return lines.length > 0 ? lines : [say.waitsForOwnThreads(process)];
}
