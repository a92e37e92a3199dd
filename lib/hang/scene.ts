import type { HangProcess } from "../pytest/hang_event.ts";
import { SHARED_HELPERS } from "../leaks/actor_signatures.ts";
import { type Activity, activityOf, describeActivity, fileOf, isPipe } from "./activity.ts";
import type { HangScene, SeenProcess, Thread } from "./hang_scene.ts";

/** The processes of the tree that live. */
export function* tree(scene: HangScene): Generator<SeenProcess> {
  for (const process of scene.processes.values()) {
    if (process.inTree && process.threads.length > 0) yield process;
  }
}

/** Every thread of the tree, with what it does. */
export function* threadsOf(
  scene: HangScene,
): Generator<{ process: SeenProcess; thread: Thread; activity: Activity }> {
  for (const process of tree(scene)) {
    for (const thread of process.threads) {
      yield { process, thread, activity: activityOf(thread, scene.readNumber) };
    }
  }
}

/** Whether a process slept through the look, or is stopped; false where that can't be told. */
export function isAsleep({ threads }: SeenProcess): boolean {
  return threads.length > 0 &&
    threads.every((thread) => thread.moved === false && thread.state !== "R");
}

/** A child that a thread waits for. */
export interface Awaited {
  readonly child: SeenProcess;
  readonly how: string;
  /** It waits for the end of the child, by the call itself; else by what it holds of it. */
  readonly isWait: boolean;
}

/** The children that a thread waits for. */
export function awaited(
  scene: HangScene,
  process: SeenProcess,
  { does, name, args, isProven }: Activity,
): Awaited[] {
  const children = [...tree(scene)].filter((other) => other.ppid === process.pid);
  const byCall = (pid: number | undefined) =>
    children.filter((child) =>
      child.threads.some((thread) => thread.tid === child.pid && thread.ownTid === pid)
    ).map((child) => ({
      child,
      how: "which that call names",
      isWait: true,
    }));
  if (does === "poll") {
    return children.flatMap((child): Awaited[] => {
      if (process.watchedProcesses.includes(child.pid)) {
        return [{ child, how: "whose pidfd its event loop watches", isWait: true }];
      }
      if (process.heldProcesses.includes(child.pid)) {
        return [{ child, how: "which it supervises by a pidfd", isWait: false }];
      }
      const pipe = process.watched.map((fd) => fileOf(process, fd)).find((file) =>
        isPipe(file) && isHeldBy(scene, file!.target, child.pid)
      );
      return pipe
        ? [{ child, how: `whose ${pipe.target} its event loop watches`, isWait: false }]
        : [];
    });
  }
  if (does !== "wait") return [];
  const P_PID = 1, P_PIDFD = 3;
  if (isProven && name === "waitid") {
    if (args[0] === P_PID) return byCall(args[1]);
    if (args[0] === P_PIDFD) {
      const of = process.pidfds.find((file) => file.fd === args[1])?.of;
      return children.filter((child) => child.pid === of).map((child) => ({
        child,
        how: "whose pidfd that call names",
        isWait: true,
      }));
    }
  } else if (isProven && args[0]! > 0 && args[0]! < 2 ** 31) return byCall(args[0]);
  // Any child will do: it hangs for this reason only if none of them can be ended.
  const all = children.filter((child) => !SHARED_HELPERS.test(child.title));
  const stay = all.every((child) =>
    ["ignored", "blocked", "pending"].includes(interruptOf(child) ?? "")
  );
  return stay
    ? all.map((child) => ({ child, how: "as for any other that it has", isWait: true }))
    : [];
}

/** Whether a process has the write end of a pipe open. */
export function isHeldBy(scene: HangScene, pipe: string, pid: number): boolean {
  return scene.pipes.get(pipe)?.some((end) => end.writes && end.pid === pid) ?? false;
}

/** What a process does with SIGINT; null when that can't be read. */
export function interruptOf({ pid, threads }: SeenProcess): HangProcess["sigint"] {
  const main = threads.find((thread) => thread.tid === pid) ?? threads[0];
  if (main === undefined || main.interrupt.ignored === null) return null;
  const { ignored, caught, blocked, pending } = main.interrupt;
  if (ignored) return "ignored";
  // Any thread that does not block it will do.
  const isBlocked = blocked === true &&
    threads.every((thread) => thread.interrupt.blocked === true);
  if (pending && isBlocked) return "pending";
  if (isBlocked) return "blocked";
  return caught ? "caught" : "default";
}

/** What all threads of a process do, in one line. */
export function summaryOf(scene: HangScene, process: SeenProcess): string {
  if (process.threads.length === 0) return "what it does can't be read";
  const used = process.threads.reduce((sum, thread) => sum + thread.usedTicks, 0) /
    scene.ticksPerSecond;
  const doings = process.threads.map((thread) => {
    const doing = describeActivity(process, activityOf(thread, scene.readNumber));
    return /[Tt]/.test(thread.state) ? `stopped, in ${doing}` : doing;
  });
  const counted = [...Map.groupBy(doings, (doing) => doing)].map(([doing, all]) =>
    all.length === 1 ? doing : `${all.length} × ${doing}`
  );
  return `state ${process.threads[0]!.state}, ${counted.slice(0, 4).join(", ")}${
    used > 0.01 ? `, ${used.toFixed(2)} s of processor time used` : ""
  }`;
}

/** Characters of a title in a sentence. */
const SHOWN_TITLE = 60;

/** A process in a sentence. */
export function name({ pid, title }: SeenProcess): string {
  return title === ""
    ? `pid ${pid}`
    : `pid ${pid} (${title.length > SHOWN_TITLE ? `${title.slice(0, SHOWN_TITLE)}…` : title})`;
}

/** The same, and whether it is outside of the tree. */
export function holder(process: SeenProcess): string {
  return process.inTree ? name(process) : `${name(process)}, outside of this tree`;
}
