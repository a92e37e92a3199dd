import { isStoppedByTerminal } from "./activity.ts";
import { type Finding, findingOf } from "./finding.ts";
import { type HangScene, mainThread, type SeenProcess, threadsOf, treeOf } from "./scene.ts";
import { say } from "./evidence_sentences.ts";

/** Stopped processes that are named one by one. */
const SHOWN = 5;

/** A process that was stopped by a signal and needs SIGCONT. */
export function stopped(scene: HangScene): Finding | null {
  const found = treeOf(scene).filter((process) => isStopped(scene, process));
  const more = found.length > SHOWN ? [`and ${found.length - SHOWN} more`] : [];
  const shown = found.slice(0, SHOWN).map((process) => say.isStopped(scene, process));
  return findingOf([...shown, ...more], { pids: found.map(({ pid }) => pid) });
}

/** Whether all of a process is stopped, and not because it used a terminal in the background. */
function isStopped(scene: HangScene, process: SeenProcess): boolean {
  const main = threadsOf(scene, process).find(({ thread }) => thread === mainThread(process));
  return main !== undefined && !isStoppedByTerminal(main.thread, main.activity) &&
    process.threads.every(({ state, ran }) => state === "T" && ran !== true);
}
