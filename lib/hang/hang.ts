import { emptyReport, isSettled, judgeHang, type Judgement, shownProcesses } from "../core/hang/hang.ts";
import { type FoundNote, hangRecipe } from "../core/hang/recipe.ts";
import type { HangReport, HangScene } from "../core/hang/types.ts";
import type { Host } from "../host/host.ts";
import { gatherHang, type GatherRequest } from "./gather.ts";
import { findNotes } from "./notes.ts";

/** A tree to look at, and what is known of its run. */
export interface ExamineRequest extends GatherRequest {
  /** The root of the project; null outside of any. */
  readonly checkout: string | null;
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
  return host.platform === "linux" ? await reportOn(await look(host, request), request) : notHere(request);
}

/** Seconds after which looking is given up where something else waits for it. */
const LIMIT_SECONDS = 4;

/** The same by looks that are repeated until they agree, in a bounded time: then the last one counts. Stacks are read once, in the end. */
export async function examineInTime(
  host: Host,
  request: ExamineRequest,
  options: { readonly limitSeconds: number } = { limitSeconds: LIMIT_SECONDS },
): Promise<HangReport> {
  if (host.platform !== "linux") return notHere(request);
  const over = new AbortController();
  const late = host.sleep(options.limitSeconds * 1000, over.signal).then(() => null);
  let seen: Seen | null = null;
  try {
    for (let before: Judgement | null = null;;) {
      const next: Seen | null = await Promise.race([look(host, request), late]);
      if (next === null) break;
      seen = next;
      const judgement = judgeHang(seen.scene);
      if (isSettled(judgement, before)) break;
      before = judgement;
    }
  } finally {
    over.abort();
  }
  return seen === null
    ? emptyReport(request.root, request.running, [`looking took longer than ${options.limitSeconds} s and was given up`])
    : await reportOn(seen, request);
}

/** What was seen at one look. */
interface Seen {
  readonly scene: HangScene;
  readonly notes: readonly FoundNote[];
}

async function look(host: Host, request: ExamineRequest): Promise<Seen> {
  const [scene, notes] = await Promise.all([gatherHang(host, request), request.checkout === null ? [] : findNotes(host, request.checkout)]);
  return { scene, notes };
}

async function reportOn({ scene: gathered, notes }: Seen, request: ExamineRequest): Promise<HangReport> {
  const { root, running } = request;
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

function notHere({ root, running }: ExamineRequest): HangReport {
  return emptyReport(root, running, ["not supported on this platform"]);
}
