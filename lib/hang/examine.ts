import type { HangReport } from "../pytest/hang_event.ts";
import { emptyReport, shownProcesses } from "./hang_report.ts";
import { isSettled, judgeHang, type Judgement } from "./rules.ts";
import { runningByChildren } from "./rules_running.ts";
import { type FoundNote, hangRecipe, type RecipeScene } from "./recipe.ts";
import { signatureOf } from "./rules_capture.ts";
import type { HangScene } from "./scene.ts";
import type { Profile } from "../project/rules_profile.ts";
import type { Host } from "../system/host.ts";
import { gatherHang, type GatherRequest } from "./gather.ts";
import { backendOf, capturesOutput, logLevelOf } from "../pytest/pytest_command.ts";
import { findNotes } from "./notes.ts";
import { readOutput } from "./read_output.ts";

/** A tree to examine, and what is known of its run. */
export interface ExamineRequest extends GatherRequest {
  /** That of the project; plain outside of any. */
  readonly profile: Profile;
  /** The root of the project; null outside of any. */
  readonly checkout: string | null;
  /** Null: not recorded. */
  readonly running: HangReport["running"];
  /** The command of pytest; null when unknown. */
  readonly command: readonly string[] | null;
  /** Options of this call. */
  readonly asked: RecipeScene["asked"];
  /** Whether the processes are ended after this; missing: they stay. */
  readonly isEnding?: boolean;
  /** Reads Python stacks; null: not wanted. */
  readonly readStacks: ((scene: HangScene) => Promise<ReadStacks>) | null;
}

/** Python stacks by pid, and why some are missing. */
export interface ReadStacks {
  readonly stacks: ReadonlyMap<number, string>;
  readonly unknowns: readonly string[];
}

/**
 * What a stuck tree waits for, with proof where there is one. Changes nothing and takes well under
 * a second for a tree of 30 processes.
 */
export async function examineHang(host: Host, request: ExamineRequest): Promise<HangReport> {
  return host.platform === "linux"
    ? await reportOn(host, await observe(host, request), request)
    : notHere(request);
}

/** Seconds after which a run stops examining: a time limit waits for it. */
const LIMIT_SECONDS = 4;

/**
 * The same, repeated until the judgement is settled, in a bounded time: then the last one counts.
 * Stacks are read once, at the end.
 */
export async function examineInTime(
  host: Host,
  request: ExamineRequest,
  options: { readonly limitSeconds: number } = { limitSeconds: LIMIT_SECONDS },
): Promise<HangReport> {
  if (host.platform !== "linux") return notHere(request);
  const over = new AbortController();
  const late = host.clock.sleep(options.limitSeconds * 1000, over.signal).then(() => null);
  let last: Observation | null = null;
  try {
    for (let before: Judgement | null = null;;) {
      const next: Observation | null = await Promise.race([observe(host, request), late]);
      if (next === null) break;
      last = next;
      const judgement = judgeHang(last.scene);
      if (isSettled(judgement, before)) break;
      before = judgement;
    }
  } finally {
    over.abort();
  }
  return last === null
    ? emptyReport(request.root, request.running, [`gave up after ${options.limitSeconds} s`])
    : await reportOn(host, last, request);
}

/** What was gathered at one time. */
interface Observation {
  readonly scene: HangScene;
  readonly notes: readonly FoundNote[];
}

async function observe(host: Host, request: ExamineRequest): Promise<Observation> {
  const [scene, notes] = await Promise.all([
    gatherHang(host, request),
    request.checkout === null || request.profile === "plain"
      ? []
      : findNotes(host, request.checkout),
  ]);
  return { scene, notes };
}

async function reportOn(
  host: Host,
  { scene: gathered, notes }: Observation,
  request: ExamineRequest,
): Promise<HangReport> {
  const { root, command, asked, profile } = request;
  const [extra, output] = await Promise.all([
    request.readStacks?.(gathered),
    readOutput(host, gathered),
  ]);
  const scene = extra === undefined ? gathered : { ...gathered, stacks: extra.stacks };
  const judgement = judgeHang(scene);
  const id = runningByChildren(scene);
  const running = request.running ?? (id === null ? null : [{ id, seconds: null }]);
  const captured = command && capturesOutput(command);
  const [backend, logLevel] = [command && backendOf(command), command && logLevelOf(command)];
  const tests = (running ?? []).map(({ id }) => id);
  const hasStacks = scene.stacks.size > 0;
  const isEnding = request.isEnding === true;
  const known = { profile, captured, logLevel, tests, notes, root, asked, isEnding, hasStacks };
  return {
    verdict: judgement.verdict,
    root,
    running,
    processes: shownProcesses(scene),
    evidence: judgement.evidence,
    signature: signatureOf(scene, { profile, command, captured, backend, output }),
    recipe: hangRecipe(judgement, known),
    stacks: [...scene.stacks].map(([pid, text]) => ({ pid, text })),
    unknowns: [...scene.unknowns, ...extra?.unknowns ?? []],
    seconds: scene.seconds,
  };
}

function notHere({ root, running }: ExamineRequest): HangReport {
  return emptyReport(root, running, ["not supported on this platform"]);
}
