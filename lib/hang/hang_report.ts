import type { HangProcess, HangReport } from "../pytest/hang_event.ts";
import { activityOf, fileOf } from "./activity.ts";
import { type HangScene, mainThread, sigintOf, treeOf, usedSeconds } from "./scene.ts";
import { describeActivity } from "./evidence_sentences.ts";

/** The processes of the tree as they are shown: the root first, then by pid. */
export function shownProcesses(scene: HangScene): HangProcess[] {
  const isRoot = ({ pid }: { readonly pid: number }) => Number(pid === scene.root);
  const sorted = treeOf(scene).sort((a, b) => isRoot(b) - isRoot(a) || a.pid - b.pid);
  return sorted.map((process) => {
    const { pid, ppid, title, threads, files, asleepSeconds } = process;
    const main = mainThread(process) ?? threads[0]!;
    const activity = activityOf(main, scene.readNumber);
    return {
      pid,
      ppid,
      state: main.state,
      waitsIn: main.waitsIn,
      call: main.syscall === null ? null : describeActivity(process, activity),
      threads: threads.length,
      standardFiles: files && [0, 1, 2].map((fd) => fileOf(process, fd)?.target ?? null),
      sigint: sigintOf(process),
      cpuSeconds: usedSeconds(scene, process),
      asleepSeconds,
      title,
    };
  });
}

/** A report of a tree that could not be inspected. */
export function emptyReport(
  root: number,
  running: HangReport["running"],
  unknowns: readonly string[],
): HangReport {
  return {
    verdict: "no-verdict",
    root,
    running,
    processes: [],
    evidence: ["nothing could be read"],
    signature: [],
    recipe: [],
    stacks: [],
    unknowns,
    seconds: 0,
  };
}

/** The document of one tree, `tractest.hang/1` without its schema; null: there is none. */
export function hangDocument(report: HangReport | null): Record<string, unknown> {
  if (report === null) {
    const unknown = { verdict: null, test: null, root: null, running: null, waitsForChildOf: null };
    const empty = { processes: [], evidence: [], signature: [], recipe: [], stacks: [] };
    return { ...unknown, ...empty, unknowns: [] };
  }
  const { verdict, running: all, ...rest } = report;
  // A test that was not recorded may have finished: all that is known is that it started a child.
  const guess = all?.find(({ seconds }) => seconds === null)?.id ?? null;
  const running = guess === null ? all : null;
  const test = running?.[0]?.id ?? null;
  return { verdict, test, running, waitsForChildOf: guess, ...rest };
}
