import { type Activity, isPipe, isTimed } from "./activity.ts";
import { type Awaited, awaitedBy, readFrom } from "./awaited.ts";
import { type Finding, findingOf } from "./finding.ts";
import {
  childrenOf,
  type HangScene,
  holdersOf,
  isSharedHelper,
  type SeenProcess,
  threadsOf,
} from "./scene.ts";
import { say } from "./evidence_sentences.ts";

/** Children that are named one by one. */
const SHOWN = 5;

/** A pytest whose session has finished, and that waits for a child before it exits. */
export function exitWaitsForChild(scene: HangScene): Finding | null {
  const root = finishedRoot(scene);
  if (root === null) return null;
  const waits = new Map<number, readonly string[]>();
  for (const { thread, activity } of threadsOf(scene, root)) {
    if (thread.ran !== false) continue;
    const awaited = [
      ...awaitedBy(scene, root, activity),
      ...readFrom(scene, root, activity),
      ...polledPipes(scene, root, activity),
    ];
    for (const one of awaited) {
      const { child } = one;
      if (isSharedHelper(child) || waits.has(child.pid)) continue;
      waits.set(child.pid, say.exitWaitsFor(scene, one, activity.name));
    }
  }
  const shown = [...waits].slice(0, SHOWN);
  return findingOf(shown.flatMap(([, evidence]) => evidence), { pids: shown.map(([pid]) => pid) });
}

/**
 * Children whose end a thread waits for in a call without a time limit, by a pipe that only such a
 * child writes to: the pool of `concurrent.futures` does so at the exit of its program.
 */
function polledPipes(
  scene: HangScene,
  root: SeenProcess,
  activity: Activity,
): Omit<Awaited, "isWait">[] {
  if (activity.does !== "poll" || !activity.isProven || isTimed(activity)) return [];
  const children = childrenOf(scene, root);
  const pipes = (root.files ?? []).filter((file) => file.reads && isPipe(file));
  return pipes.flatMap(({ target }) => {
    const [writer, ...others] = holdersOf(scene, target, "writes");
    const child = others.length > 0 ? undefined : children.find(({ pid }) => pid === writer);
    return child ? [{ child, how: `it alone holds the write end of ${target}` }] : [];
  });
}

/** That pytest has finished but not exited, where it is not proven what it waits for. */
export function notYetExited(scene: HangScene): string[] {
  const root = finishedRoot(scene);
  if (root === null) return [];
  const children = childrenOf(scene, root).filter((child) => !isSharedHelper(child));
  return [
    say.hasNotExited(scene, root),
    ...children.slice(0, SHOWN).map((child) => say.isStillThere(scene, child)),
  ];
}

/** The tree's pytest; null unless its session has finished. */
function finishedRoot({ processes, root, session }: HangScene): SeenProcess | null {
  return session === null || session.exitStatus === null ? null : processes.get(root) ?? null;
}
