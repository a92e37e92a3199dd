import type { HangReport } from "../pytest/hang_event.ts";
import { emptyReport, isSettled, judgeHang, type Judgement, shownProcesses } from "./rules.ts";
import { runningByChildren } from "./rules_endings.ts";
import { type FoundNote, hangRecipe, type RecipeScene } from "./recipe.ts";
import { signatureOf } from "./rules_signature.ts";
import type { HangScene } from "./hang_scene.ts";
import type { Host } from "../system/host.ts";
import { gatherHang, type GatherRequest } from "./gather.ts";
import { backendOf, capturesOutput, logLevelOf } from "../pytest/pytest_command.ts";
import { findNotes } from "./notes.ts";
import { readOutput } from "./read_output.ts";

/** A tree to look at, and what is known of its run. */
export interface ExamineRequest extends GatherRequest {
  /** The root of the project; null outside of any. */
  readonly checkout: string | null;
  /** Null: no run has recorded it. */
  readonly running: HangReport["running"];
  /** The command of pytest; null when unknown. */
  readonly command: readonly string[] | null;
  /** What was asked for by options. */
  readonly asked: RecipeScene["asked"];
  /** Reads Python stacks; null: nobody asked for them. */
  readonly readStacks:
    | ((
      scene: HangScene,
    ) => Promise<
      { readonly stacks: ReadonlyMap<number, string>; readonly unknowns: readonly string[] }
    >)
    | null;
}

/**
 * What a stuck tree waits for, with proof where there is one. Changes nothing and takes well under
 * a second for a tree of 30 processes.
 */
export async function examineHang(host: Host, request: ExamineRequest): Promise<HangReport> {
  return host.platform === "linux"
    ? await reportOn(host, await look(host, request), request)
    : notHere(request);
}

/** Seconds after which looking is given up where something else waits for it. */
const LIMIT_SECONDS = 4;

/**
 * The same by looks that are repeated until they agree, in a bounded time: then the last one
 * counts. Stacks are read once, in the end.
 */
export async function examineInTime(
  host: Host,
  request: ExamineRequest,
  options: { readonly limitSeconds: number } = { limitSeconds: LIMIT_SECONDS },
): Promise<HangReport> {
  if (host.platform !== "linux") return notHere(request);
  const over = new AbortController();
  const late = host.clock.sleep(options.limitSeconds * 1000, over.signal).then(() => null);
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
    ? emptyReport(request.root, request.running, [
      `looking took longer than ${options.limitSeconds} s and was given up`,
    ])
    : await reportOn(host, seen, request);
}

/** What was seen at one look. */
interface Seen {
  readonly scene: HangScene;
  readonly notes: readonly FoundNote[];
}

async function look(host: Host, request: ExamineRequest): Promise<Seen> {
  const [scene, notes] = await Promise.all([
    gatherHang(host, request),
    request.checkout === null ? [] : findNotes(host, request.checkout),
  ]);
  return { scene, notes };
}

async function reportOn(
  host: Host,
  { scene: gathered, notes }: Seen,
  request: ExamineRequest,
): Promise<HangReport> {
  const { root, command, asked } = request;
  const [extra, output] = await Promise.all([
    request.readStacks?.(gathered),
    readOutput(host, gathered),
  ]);
  const scene = extra === undefined ? gathered : { ...gathered, stacks: extra.stacks };
  const judgement = judgeHang(scene);
  const running = request.running ?? runningOf(scene);
  const captured = command === null ? null : capturesOutput(command);
  const facts = {
    captured,
    logLevel: command && logLevelOf(command),
    notes,
    root,
    asked,
    hasStacks: scene.stacks.size > 0,
  };
  return {
    verdict: judgement.verdict,
    root,
    running,
    processes: shownProcesses(scene),
    evidence: judgement.evidence,
    signature: signatureOf(scene, {
      command,
      captured,
      backend: command && backendOf(command),
      output,
    }),
    recipe: hangRecipe(judgement, { ...facts, tests: (running ?? []).map((test) => test.id) }),
    stacks: [...scene.stacks].map(([pid, text]) => ({ pid, text })),
    unknowns: [...scene.unknowns, ...extra?.unknowns ?? []],
    seconds: scene.seconds,
  };
}

/** Of a run that nobody has recorded. */
function runningOf(scene: HangScene): HangReport["running"] {
  const id = runningByChildren(scene);
  return id === null ? null : [{ id, seconds: null }];
}

function notHere({ root, running }: ExamineRequest): HangReport {
  return emptyReport(root, running, ["not supported on this platform"]);
}
