/** Whether full capture pipes are the cause: tractor's best-known hang. */
import type { Profile } from "../project/rules_profile.ts";
import type { SignaturePoint } from "../pytest/hang_event.ts";
import { plural } from "../base/plural.ts";
import { fileOf, isPipe, isTerminal } from "./activity.ts";
import { writersTo } from "./rules_blocked_write.ts";
import type { Confirmation } from "./rules_confirm.ts";
import {
  belowRoot,
  type HangScene,
  isMadeInTree,
  type SeenProcess,
  threadsOf,
  treeOf,
} from "./scene.ts";
import { describeActivity, nameOf, say } from "./evidence_sentences.ts";

/** What the signature rests on, apart from the scene. */
export interface SignatureScene {
  readonly profile: Profile;
  /** The command of pytest; null when unknown. */
  readonly command: readonly string[] | null;
  /** Whether it captures output; null when unknown. */
  readonly captured: boolean | null;
  /** The spawn backend that the command names; null when it names none. */
  readonly backend: string | null;
  readonly output: ReadOutput;
}

/** What the tree has written so far, as far as it can be read. */
export interface ReadOutput {
  readonly texts: readonly string[];
  /** What could not be read: `a pipe`. */
  readonly unread: readonly string[];
}

/** Fork servers of tractor's backends, and of multiprocessing, by their titles. */
const FORK_SERVER = /subint-forkserv|_forkserver_override|\bmultiprocessing\.forkserver\b/;

/** A point without its name. */
type Answer = Pick<SignaturePoint, "answer" | "evidence">;

const yes = (evidence: string): Answer => ({ answer: "yes", evidence });
const no = (evidence: string): Answer => ({ answer: "no", evidence });
const unknown = (evidence: string): Answer => ({ answer: "unknown", evidence });

/**
 * The four points that distinguish the hang of full capture pipes from a hang in the code, in the
 * order of tractor's recipe.
 */
export function signatureOf(scene: HangScene, more: SignatureScene): SignaturePoint[] {
  const isHungWithoutCapture = more.captured === false;
  return [
    { point: "fork-backend", ...forkBackend(scene, more) },
    { point: "error-tracebacks", ...tracebacks(more.output, more.profile) },
    {
      point: "passes-with-s",
      ...(isHungWithoutCapture ? no("it hangs with -s too") : unknown("not tried")),
    },
    { point: "actors-blocked-in-write", ...blockedActors(scene) },
  ];
}

/** The points after the test was rerun with `-s`. */
export function withConfirmation(
  points: readonly SignaturePoint[],
  { confirmed, reason }: Confirmation,
): SignaturePoint[] {
  const answer = confirmed === null ? "unknown" : confirmed ? "yes" : "no";
  return points.map((point) =>
    point.point === "passes-with-s" ? { ...point, answer, evidence: reason } : point
  );
}

function forkBackend(scene: HangScene, { profile, command, backend }: SignatureScene): Answer {
  const below = belowRoot(scene);
  const processes = `${plural(below.length, "process", "processes")} below pytest`;
  if (backend !== null && /fork/.test(backend)) {
    return yes(`--spawn-backend ${backend}; ${processes}`);
  }
  const server = below.find(({ title }) => FORK_SERVER.test(title));
  if (server) return yes(`${nameOf(server)} is a fork server; ${processes}`);
  const forked = below.find((process) => isForked(scene, process));
  if (forked) return yes(`${nameOf(forked)} is a fork of its parent by its title; ${processes}`);
  if (profile === "plain") return no(`no fork server, and no title shows a fork; ${processes}`);
  if (backend !== null) return no(`--spawn-backend ${backend} starts each actor as a new program`);
  return command === null
    ? unknown(`pytest's command is unknown, no title shows a fork; ${processes}`)
    : no(`no --spawn-backend: by default each actor starts as a new program; ${processes}`);
}

/** Whether a process still has its parent's command line; one that renames itself is unknown. */
function isForked({ processes, root }: HangScene, { ppid, title }: SeenProcess): boolean {
  const parent = processes.get(ppid) ?? processes.get(root);
  return title !== "" && title === parent?.title;
}

/** So many tracebacks are "several". */
const SEVERAL = 2;

function tracebacks({ texts, unread }: ReadOutput, profile: Profile): Answer {
  const counts = texts.map(countTracebacks);
  const remote = counts.reduce((sum, one) => sum + one.remote, 0);
  const groups = counts.reduce((sum, one) => sum + one.groups, 0);
  const missing = unread.length === 0 ? "" : `; not read: ${unread.join(", ")}`;
  const both = profile === "tractor" ? `${remote} RemoteActorError and ` : "";
  const found = `${both}${groups} ExceptionGroup so far${missing}`;
  if (remote + groups >= SEVERAL) return yes(found);
  if (texts.length === 0) return unknown(`no output can be read${missing}`);
  return unread.length > 0 ? unknown(found) : no(found);
}

/** How many tracebacks end in a RemoteActorError, and how many are those of groups. */
export function countTracebacks(
  text: string,
): { readonly remote: number; readonly groups: number } {
  const remote = /^[\s|+E]*(?:[A-Za-z_]\w*\.)*RemoteActorError\b\s*[:(]/gm;
  const group = /^[\s|+]*(?:\+ )?Exception Group Traceback \(most recent call last\)/gm;
  return { remote: text.match(remote)?.length ?? 0, groups: text.match(group)?.length ?? 0 };
}

/** Blocked actors that are named one by one. */
const SHOWN_WRITERS = 3;

function blockedActors(scene: HangScene): Answer {
  const writers = writersTo(scene)
    .filter(({ process, isOutput }) => isOutput && process.pid !== scene.root)
    .map(({ process, activity, doubt }) => ({
      doubt,
      text: `${nameOf(process)} is in ${describeActivity(process, activity)}`,
    }));
  const blocked = writers.filter(({ doubt }) => doubt === null);
  if (blocked.length > 0) {
    const shown = blocked.slice(0, SHOWN_WRITERS).map(({ text }) => text).join(", ");
    const more = blocked.length - SHOWN_WRITERS;
    return yes(more > 0 ? `${shown} and ${more} more` : shown);
  }
  const [doubtful] = writers;
  if (doubtful) return unknown(`${doubtful.text}, but ${doubtful.doubt}`);
  const below = belowRoot(scene);
  const hidden = below.find((process) =>
    threadsOf(scene, process).some(({ activity }) => activity.does === "unknown")
  );
  if (hidden) return unknown(`${nameOf(hidden)} can't be inspected`);
  return no(
    below.length === 0
      ? "no processes below pytest"
      : `${below.length} below pytest, none in a write to an output that it inherited`,
  );
}

/** A line that rules out full capture pipes; none where some output goes into one from outside. */
export function outputElsewhere(scene: HangScene): string[] {
  const outputs = treeOf(scene).flatMap((process) => [fileOf(process, 1), fileOf(process, 2)])
    .filter((file) => file !== null);
  const mayBePiped = outputs.some((file) =>
    isPipe(file) ? !isMadeInTree(scene, file.target) : file.target.startsWith("socket:")
  );
  if (outputs.length === 0 || mayBePiped) return [];
  const kinds = outputs.map((file) =>
    isPipe(file)
      ? "a pipe of the tests themselves"
      : isTerminal(file)
      ? "a terminal"
      : file.target === "/dev/null"
      ? "/dev/null"
      : "a file"
  );
  return [say.goesElsewhere([...new Set(kinds)])];
}

/** A line about forked actors, which makes full capture pipes likelier without proving them. */
export function forkBackendNote(scene: HangScene): string[] {
  const forked = treeOf(scene).filter(({ title }) => FORK_SERVER.test(title)).length;
  return forked === 0 ? [] : [say.isForkBackend(forked)];
}
