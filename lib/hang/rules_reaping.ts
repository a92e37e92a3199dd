import { isTimed } from "./activity.ts";
import { awaitedBy } from "./awaited.ts";
import { type Finding, findingOf } from "./finding.ts";
import { type DeadChild, type HangScene, isAsleep, type SeenProcess, threadsOf } from "./scene.ts";
import { say } from "./evidence_sentences.ts";

/** Dead children of one parent that are named one by one. */
const SHOWN = 5;
/** Seconds after which a parent that sleeps with a timeout counts as one that never reaps. */
const LONG_SECONDS = 2;

/** A dead child whose parent sleeps without reaping it, and waits for no other child. */
export function childNotReaped(scene: HangScene): Finding | null {
  const dead: DeadChild[] = [];
  const evidence: string[] = [];
  for (const [ppid, children] of Map.groupBy(scene.dead, (child) => child.ppid)) {
    const parent = scene.processes.get(ppid);
    if (!parent?.inTree || !neverReaps(scene, parent)) continue;
    dead.push(...children);
    const shown = children.slice(0, SHOWN);
    evidence.push(...shown.map((child) => say.wasNotReaped(scene, child, parent)));
  }
  return findingOf(evidence, { pids: dead.map(({ pid }) => pid) });
}

function neverReaps(scene: HangScene, parent: SeenProcess): boolean {
  if (!isAsleep(parent) || parent.threads.some(({ state }) => /[Tt]/.test(state))) return false;
  const activities = threadsOf(scene, parent).map(({ activity }) => activity);
  const mayReap = activities.some((activity) => activity.does === "unknown" || isTimed(activity));
  if (mayReap && (parent.asleepSeconds ?? 0) < LONG_SECONDS) return false;
  return !activities.some((activity) =>
    awaitedBy(scene, parent, activity).some(({ isWait }) => isWait)
  );
}
