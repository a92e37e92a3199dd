import { type Activity, fileOf, isEndlessPoll, isPipe, lockOf } from "./activity.ts";
import {
  type ActiveThread,
  childrenOf,
  type HangScene,
  holdersOf,
  type SeenProcess,
  treeOf,
} from "./scene.ts";

/** `idtype` of `waitid`, from `include/uapi/linux/wait.h`. */
const P_ALL = 0, P_PID = 1;

/** Processes that alone can end a wait; null: something else may end it. */
export type WaitsFor = readonly SeenProcess[] | null;

/** Which processes alone can end the wait of a thread, but for a signal. */
export function waitsFor(scene: HangScene, active: ActiveThread): WaitsFor {
  const { process, thread, activity } = active;
  if (!activity.isProven) return null;
  switch (activity.does) {
    case "lock":
      return lockOf(activity) === "own" ? [process] : whoReleases(scene, process, activity);
    case "wait":
      return childrenAwaited(scene, process, activity);
    case "poll":
      return whoWakes(scene, process, activity, process.polled.get(thread.tid));
    case "read":
      return whoWrites(scene, active);
    default:
      return null;
  }
}

function whoWrites(scene: HangScene, { process, thread, activity }: ActiveThread): WaitsFor {
  const file = fileOf(process, activity.fd);
  if (file === null) return null;
  const sleepsIn = (pattern: RegExp) => thread.waitsIn === null || pattern.test(thread.waitsIn);
  if (isPipe(file)) {
    const writers = holdersOf(scene, file.target, "writes");
    // Without a writer its read would have ended: the writer is not visible.
    return sleepsIn(/pipe_read/) && writers.length > 0 ? seen(scene, writers) : null;
  }
  // A receive, or a socket with a name, may have a time limit of its own (SO_RCVTIMEO).
  const ends = scene.sockets.get(file.target);
  const isPair = ends?.isPair && activity.name.startsWith("read") && sleepsIn(/^unix_/);
  return isPair ? seen(scene, ends.holders) : null;
}

/** Who can make one of the files ready for which a poll sleeps. */
function whoWakes(
  scene: HangScene,
  process: SeenProcess,
  activity: Activity,
  polled: readonly number[] | undefined,
): WaitsFor {
  if (polled === undefined || !isEndlessPoll(activity)) return null;
  const { name, args } = activity;
  const all = polled.map((fd) => whoReadies(scene, process, fd));
  // A child may have inherited an epoll set, and may change it.
  const shared = name.startsWith("epoll")
    ? treeOf(scene).filter((one) => isEpollSet(one, args[0]!))
    : [];
  return all.includes(null) ? null : [...new Set([...all.flatMap((one) => one ?? []), ...shared])];
}

function isEpollSet(process: SeenProcess, fd: number): boolean {
  return fileOf(process, fd)?.target.includes("eventpoll") ?? false;
}

function whoReadies(scene: HangScene, process: SeenProcess, fd: number): WaitsFor {
  const file = fileOf(process, fd);
  if (file === null) return null;
  if (isPipe(file)) {
    // An end that no process holds any more is ready at once.
    const writers = file.reads ? holdersOf(scene, file.target, "writes") : [];
    const readers = file.writes ? holdersOf(scene, file.target, "reads") : [];
    return writers.length + readers.length > 0 ? seen(scene, [...writers, ...readers]) : null;
  }
  const ends = scene.sockets.get(file.target);
  if (ends !== undefined) return seen(scene, ends.holders);
  const child = process.pidfds.find((one) => one.fd === fd);
  return child === undefined ? null : seen(scene, [child.of]);
}

/** Who shares the semaphore that a thread waits for, and so may release it. */
function whoReleases(scene: HangScene, process: SeenProcess, activity: Activity): WaitsFor {
  const [address = 0] = activity.args;
  const semaphore = process.semaphores?.find(({ from, to }) => from <= address && address < to);
  if (lockOf(activity) !== "shared" || semaphore === undefined) return null;
  const holders = seen(scene, scene.semaphores.get(semaphore.key) ?? []);
  // One that is just being started may know its name, and has yet to open it.
  return holders && [...new Set([...holders, ...treeOf(scene)])];
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

/** These processes; null if one of them was not inspected. */
function seen(scene: HangScene, pids: readonly number[]): WaitsFor {
  const found = [...new Set(pids)].map((pid) => scene.processes.get(pid));
  return found.every((one) => one !== undefined) ? found : null;
}
