import { emptyReport, judgeHang, shownProcesses } from "../core/hang/hang.ts";
import { hangRecipe } from "../core/hang/recipe.ts";
import type { HangReport, HangScene } from "../core/hang/types.ts";
import type { Host } from "../host/host.ts";
import { gatherHang, type GatherRequest } from "./gather.ts";
import { findNotes } from "./notes.ts";

/** A tree to look at, and what is known of its run. */
export interface ExamineRequest extends GatherRequest {
  /** The root of the project. */
  readonly checkout: string;
  readonly running: HangReport["running"];
  /** Whether pytest captured output; null when unknown. */
  readonly captured: boolean | null;
  /** The level of `--ll`; null when it was not given. */
  readonly logLevel: string | null;
  /** Reads Python stacks; null: nobody asked for them. */
  readonly readStacks: ((scene: HangScene) => Promise<{ readonly stacks: ReadonlyMap<number, string>; readonly unknowns: readonly string[] }>) | null;
}

/** What a stuck tree waits for, with proof where there is one. Changes nothing and takes well under a second for a tree of 30 processes. */
export async function examineHang(host: Host, request: ExamineRequest): Promise<HangReport> {
  const { root, running } = request;
  if (host.platform !== "linux") return emptyReport(root, running, ["not supported on this platform"]);
  const [gathered, notes] = await Promise.all([gatherHang(host, request), findNotes(host, request.checkout)]);
  const extra = await request.readStacks?.(gathered);
  const scene = extra === undefined ? gathered : { ...gathered, stacks: extra.stacks };
  const judgement = judgeHang(scene);
  return {
    verdict: judgement.verdict,
    root,
    running,
    processes: shownProcesses(scene),
    evidence: judgement.evidence,
    recipe: hangRecipe(judgement, { ...request, tests: (running ?? []).map((test) => test.id), notes }),
    stacks: [...scene.stacks].map(([pid, text]) => ({ pid, text })),
    unknowns: [...scene.unknowns, ...extra?.unknowns ?? []],
    seconds: scene.seconds,
  };
}

/** Seconds after which looking is given up where something else waits for it. */
const LIMIT_SECONDS = 1.4;

/** The same, bounded: what is not there in time is left out, and it says so. */
export async function examineInTime(host: Host, request: ExamineRequest): Promise<HangReport> {
  const over = new AbortController();
  const late = host.sleep(LIMIT_SECONDS * 1000, over.signal).then(() =>
    emptyReport(request.root, request.running, [`looking took longer than ${LIMIT_SECONDS} s and was given up`])
  );
  try {
    return await Promise.race([examineHang(host, request), late]);
  } finally {
    over.abort();
  }
}
