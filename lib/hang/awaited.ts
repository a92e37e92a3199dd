import { type Activity, fileOf, isPipe } from "./activity.ts";
import {
  childrenOf,
  type HangScene,
  holdersOf,
  isDeafToSigint,
  isSharedHelper,
  type SeenProcess,
} from "./scene.ts";

/** A child that a thread waits for. */
export interface Awaited {
  readonly child: SeenProcess;
  /** By what the thread waits: `by pid`, `watching its pidfd`. */
  readonly how: string;
  /** The call itself waits for the end of the child; else it is known by what the process holds. */
  readonly isWait: boolean;
}

/** `idtype` of `waitid`, from `include/uapi/linux/wait.h`. */
const P_PID = 1, P_PIDFD = 3;

/** The children that a thread waits for. */
export function awaitedBy(scene: HangScene, process: SeenProcess, activity: Activity): Awaited[] {
  const { does, name, args, isProven } = activity;
  const children = childrenOf(scene, process);
  if (does === "poll") return children.flatMap((child) => polledFor(scene, process, child));
  if (does !== "wait") return [];
  // A call names a process by the pid that it has in the caller's namespace.
  const byPid = (pid: number | undefined) =>
    children.filter((child) =>
      child.threads.some((thread) => thread.tid === child.pid && thread.ownTid === pid)
    ).map((child) => ({ child, how: "by pid", isWait: true }));
  if (isProven && name === "waitid") {
    if (args[0] === P_PID) return byPid(args[1]);
    if (args[0] === P_PIDFD) {
      const pid = process.pidfds.find((file) => file.fd === args[1])?.of;
      return children.filter((child) => child.pid === pid)
        .map((child) => ({ child, how: "by pidfd", isWait: true }));
    }
  } else if (isProven && args[0]! > 0 && args[0]! < 2 ** 31) return byPid(args[0]);
  // Any child will do: it hangs for this reason only if none of them can be ended.
  const candidates = children.filter((child) => !isSharedHelper(child));
  return candidates.every(isDeafToSigint)
    ? candidates.map((child) => ({ child, how: "any child would do", isWait: true }))
    : [];
}

/** By what an event loop waits for a child; empty where it does not. */
function polledFor(scene: HangScene, process: SeenProcess, child: SeenProcess): Awaited[] {
  const { watched, watchedProcesses, heldProcesses } = process;
  if (watchedProcesses.includes(child.pid)) {
    return [{ child, how: "watching its pidfd", isWait: true }];
  }
  if (heldProcesses.includes(child.pid)) {
    return [{ child, how: "holding its pidfd", isWait: false }];
  }
  const pipe = watched.map((fd) => fileOf(process, fd)).find((file) =>
    isPipe(file) && holdersOf(scene, file.target, "writes").includes(child.pid)
  );
  return pipe ? [{ child, how: `watching its ${pipe.target}`, isWait: false }] : [];
}

/** Children that hold the write end of the pipe which a thread reads: their end would end it. */
export function readFrom(
  scene: HangScene,
  process: SeenProcess,
  { does, fd }: Activity,
): Omit<Awaited, "isWait">[] {
  const file = fileOf(process, fd);
  if (does !== "read" || !isPipe(file)) return [];
  const writers = holdersOf(scene, file.target, "writes");
  return childrenOf(scene, process).filter((child) => writers.includes(child.pid))
    .map((child) => ({ child, how: `it holds the write end of ${file.target}` }));
}

/** Children whose output a thread may wait for: it polls or reads, and reads pipes of theirs. */
export function maybeReadFrom(
  scene: HangScene,
  process: SeenProcess,
  { does }: Activity,
): SeenProcess[] {
  if (does !== "poll" && does !== "read") return [];
  const pipes = (process.files ?? []).filter((file) => isPipe(file) && file.reads);
  const writers = pipes.flatMap(({ target }) => holdersOf(scene, target, "writes"));
  return childrenOf(scene, process).filter((child) => writers.includes(child.pid));
}
