/** What a tree waits for because of how one of its processes ended, or does not end. */
import { SHARED_HELPERS } from "../leaks/actor_signatures.ts";
import {
  type Activity,
  activityOf,
  describeActivity,
  fileOf,
  isPipe,
  isTimed,
} from "./activity.ts";
import type { Finding } from "./rules.ts";
import { awaited, isAsleep, isHeldBy, name, summaryOf, tree } from "./scene.ts";
import type { DeadChild, HangScene, SeenProcess, StartedIn } from "./hang_scene.ts";

/** Processes of one kind that are named, at most. */
const MOST_NAMED = 5;

/** A process that was stopped by a signal, and that another one lets go on. */
export function stopped(scene: HangScene): Finding[] {
  const found = [...tree(scene)].filter((process) => isStopped(scene, process));
  if (found.length === 0) return [];
  const evidence = found.slice(0, MOST_NAMED).map((process) => {
    const main = process.threads.find((thread) => thread.tid === process.pid)!;
    return `${name(process)} is stopped (state T, by SIGSTOP or SIGTSTP) in ${
      describeActivity(process, activityOf(main, scene.readNumber))
    }: ` +
      `kill -CONT ${process.pid} lets it go on`;
  });
  const more = found.length - evidence.length;
  return [{
    verdict: "stopped",
    isOutput: false,
    pids: found.map(({ pid }) => pid),
    evidence: more > 0 ? [...evidence, `and ${more} more`] : evidence,
  }];
}

/**
 * Whether a process is stopped as a whole, and not because it used a terminal that is another
 * one's.
 */
function isStopped({ readNumber }: HangScene, process: SeenProcess): boolean {
  const main = process.threads.find((thread) => thread.tid === process.pid);
  if (
    main?.state !== "T" ||
    process.threads.some((thread) => thread.state !== "T" || thread.moved === true)
  ) return false;
  const isBackground = main.terminal !== 0 && main.foreground > 0 && main.group !== main.foreground;
  return !isBackground || !["read", "ioctl", "write"].includes(activityOf(main, readNumber).does);
}

/**
 * A dead child of which its parent, asleep and waiting for no other child, never took note. One
 * that a clock wakes up soon may still do so, unless it has slept for long.
 */
export function childNotReaped(scene: HangScene): Finding[] {
  const findings: Finding[] = [];
  for (const [ppid, dead] of Map.groupBy(scene.dead, (child) => child.ppid)) {
    const parent = scene.processes.get(ppid);
    if (
      !parent?.inTree || !isAsleep(parent) || parent.threads.some(({ state }) => /[Tt]/.test(state))
    ) continue;
    const activities = parent.threads.map((thread) => activityOf(thread, scene.readNumber));
    const waitsForOther = activities.some((activity) =>
      awaited(scene, parent, activity).some(({ isWait }) => isWait)
    );
    const mayWait = activities.some((activity) =>
      activity.does === "unknown" || isTimed(activity)
    ) &&
      (parent.asleepSeconds ?? 0) < LONG_SECONDS;
    if (waitsForOther || mayWait) continue;
    findings.push({
      verdict: "child-not-reaped",
      isOutput: false,
      pids: dead.map(({ pid }) => pid),
      evidence: dead.slice(0, MOST_NAMED).map((child) =>
        `child ${child.pid}${
          child.title === "" ? "" : ` (${child.title})`
        } is dead, its parent never waited for it: ` +
        `${name(parent)} is in ${summaryOf(scene, parent)}${leftBy(scene, child)}`
      ),
    });
  }
  return findings;
}

/**
 * Seconds after which a parent that a clock will wake up counts as one that does not wait for its
 * child.
 */
const LONG_SECONDS = 2;

/** A pytest whose session has finished, and that waits for a child before it exits. */
export function exitWaitsForChild(scene: HangScene): Finding[] {
  const root = scene.processes.get(scene.root);
  if (root === undefined || scene.session === null || scene.session.exitStatus === null) return [];
  const waits = new Map<number, { child: SeenProcess; how: string }>();
  for (const thread of root.threads) {
    if (thread.moved !== false) continue;
    const activity = activityOf(thread, scene.readNumber);
    for (
      const { child, how } of [
        ...awaited(scene, root, activity),
        ...readFrom(scene, root, activity),
      ]
    ) {
      if (!SHARED_HELPERS.test(child.title) && !waits.has(child.pid)) {
        waits.set(child.pid, {
          child,
          how: `in ${activity.name} for its child ${name(child)}, ${how}`,
        });
      }
    }
  }
  return [...waits.values()].slice(0, MOST_NAMED).map(({ child, how }) => ({
    verdict: "exit-waits-for-child" as const,
    isOutput: false,
    pids: [child.pid],
    evidence: [
      `pytest, pid ${root.pid}, has finished its session (exit status ${
        scene.session!.exitStatus
      }), and waits ${how}`,
      `pid ${child.pid}: ${summaryOf(scene, child)}${
        leftBy(scene, child) || "; which test left it was not recorded"
      }`,
    ],
  }));
}

/** Children whose end would end a read: they alone hold the write end of the pipe. */
function readFrom(
  scene: HangScene,
  root: SeenProcess,
  { does, fd }: Activity,
): { child: SeenProcess; how: string }[] {
  const file = fileOf(root, fd);
  if (does !== "read" || !isPipe(file)) return [];
  return [...tree(scene)].filter((child) =>
    child.ppid === root.pid && isHeldBy(scene, file!.target, child.pid)
  )
    .map((child) => ({ child, how: `which holds the write end of ${file!.target}` }));
}

/** That a session has finished and pytest has not exited, where it is not proven what for. */
export function notYetExited(scene: HangScene): string[] {
  const root = scene.processes.get(scene.root);
  if (root === undefined || scene.session === null || scene.session.exitStatus === null) return [];
  const children = [...tree(scene)].filter((child) =>
    child.ppid === root.pid && !SHARED_HELPERS.test(child.title)
  );
  return [
    `pytest, pid ${root.pid}, has finished its session (exit status ${scene.session.exitStatus}) and has not exited: ${
      summaryOf(scene, root)
    }`,
    ...children.slice(0, MOST_NAMED).map((child) =>
      `it still has the child ${name(child)}${leftBy(scene, child)}`
    ),
  ];
}

/** `; tests/test_a.py::test_x left it`; empty where that is not known. */
function leftBy(
  { session, startedIn, root, processes }: HangScene,
  child: SeenProcess | DeadChild,
): string {
  const main = processes.get(root)?.threads.find((thread) => thread.tid === root);
  // In a pid namespace of its own pytest knows others by the pids that they have there.
  const isInside = main !== undefined && main.ownTid !== root;
  const ownPid = "ownPid" in child
    ? child.ownPid
    : child.threads.find((thread) => thread.tid === child.pid)?.ownTid ?? child.pid;
  const id = session?.leftBy.get(isInside ? ownPid : child.pid);
  if (id !== undefined) return `; ${id} left it`;
  const started = startedIn.get(child.pid);
  return started === undefined ? "" : `; ${started.id} started it`;
}

/**
 * The test that runs, where no run has recorded it: that in whose call the children were started
 * for which pytest waits, while its output is captured. Null where that can't be told: what a test
 * has left behind outlives it, and keeps its name.
 */
export function runningByChildren(scene: HangScene): string | null {
  const root = scene.processes.get(scene.root);
  // The file in place of standard output is there until the session has finished.
  if (root === undefined || !/^\/.* \(deleted\)$/.test(fileOf(root, 1)?.target ?? "")) return null;
  const ids = new Set<string | null>();
  for (const thread of root.threads) {
    const activity = activityOf(thread, scene.readNumber);
    const children = [...awaited(scene, root, activity), ...sharingPipes(scene, root, activity)];
    for (const { child } of children) {
      if (!SHARED_HELPERS.test(child.title)) ids.add(idIfCall(scene.startedIn.get(child.pid)));
    }
  }
  const [id = null] = ids;
  return ids.size === 1 ? id : null;
}

function idIfCall(started: StartedIn | undefined): string | null {
  return started?.phase === "call" ? started.id : null;
}

/**
 * Children whose output a thread may wait for: it waits for something, and reads pipes of theirs.
 */
function sharingPipes(
  scene: HangScene,
  root: SeenProcess,
  { does }: Activity,
): { child: SeenProcess }[] {
  if (does !== "poll" && does !== "read") return [];
  const pipes = (root.files ?? []).filter((file) => isPipe(file) && file.reads);
  return [...tree(scene)].filter((child) =>
    child.ppid === root.pid && pipes.some(({ target }) => isHeldBy(scene, target, child.pid))
  )
    .map((child) => ({ child }));
}
