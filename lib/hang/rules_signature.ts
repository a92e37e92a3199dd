import type { SignaturePoint } from "../pytest/hang_event.ts";
import { activityOf, describeActivity } from "./activity.ts";
import type { Confirmation } from "./rules_confirm.ts";
import { type Writer, writersTo } from "./rules.ts";
import { name, tree } from "./scene.ts";
import type { HangScene, SeenProcess } from "./hang_scene.ts";

/** What the points rest on besides what was seen of the tree. */
export interface SignatureScene {
  /** The command of pytest; null when unknown. */
  readonly command: readonly string[] | null;
  /** Whether it runs without capture; null when unknown. */
  readonly captured: boolean | null;
  /** The spawn backend that the command names; null when it names none. */
  readonly backend: string | null;
  readonly output: ReadOutput;
}

/** What the tree has written so far, as far as it can be read. */
export interface ReadOutput {
  readonly texts: readonly string[];
  /** What could not be read, and why. */
  readonly unread: readonly string[];
}

/** Fork servers of tractor's backends, and of multiprocessing, by their titles. */
const FORK_SERVER = /subint-forkserv|_forkserver_override|\bmultiprocessing\.forkserver\b/;

/**
 * The four points by which the hang of full capture pipes is told from a hang in the code, in the
 * order in which tractor's recipe has them. A point that can't be decided is unknown.
 */
export function signatureOf(scene: HangScene, more: SignatureScene): SignaturePoint[] {
  return [
    forkBackend(scene, more),
    tracebacks(more.output),
    passesWithoutCapture(more.captured),
    blockedActors(scene),
  ];
}

/** The points with what running the test again has shown. */
export function withConfirmation(
  points: readonly SignaturePoint[],
  { confirmed, reason }: Confirmation,
): SignaturePoint[] {
  const answer = confirmed === null ? "unknown" : confirmed ? "yes" : "no";
  return points.map((point) =>
    point.point === "passes-with-s" ? { ...point, answer, evidence: reason } : point
  );
}

function forkBackend(scene: HangScene, { command, backend }: SignatureScene): SignaturePoint {
  const is = (answer: SignaturePoint["answer"], evidence: string): SignaturePoint => ({
    point: "fork-backend",
    answer,
    evidence,
  });
  const below = [...tree(scene)].filter((process) => process.pid !== scene.root);
  const processes = `${below.length} process${below.length === 1 ? "" : "es"} below pytest`;
  if (backend !== null && /fork/.test(backend)) {
    return is("yes", `--spawn-backend ${backend}, with ${processes}`);
  }
  const server = below.find((process) => FORK_SERVER.test(process.title));
  if (server !== undefined) return is("yes", `${name(server)} is a fork server, with ${processes}`);
  const root = scene.processes.get(scene.root);
  const forked = below.find((process) =>
    isForkOf(process, scene.processes.get(process.ppid) ?? root)
  );
  if (forked !== undefined) {
    return is(
      "yes",
      `${name(forked)} has the command line of its parent: it was forked, with ${processes}`,
    );
  }
  if (backend !== null) {
    return is("no", `--spawn-backend ${backend} starts each actor as a program of its own`);
  }
  if (command === null) {
    return is(
      "unknown",
      `the command of pytest is not known, and none of ${processes} shows that it was forked`,
    );
  }
  return is(
    "no",
    `no --spawn-backend: the default one starts each actor as a program of its own; ${processes}`,
  );
}

/** Whether a process goes on with its parent's command line; a title of its own says nothing. */
function isForkOf(process: SeenProcess, parent: SeenProcess | undefined): boolean {
  return parent !== undefined && process.title !== "" && process.title === parent.title;
}

/** So many are "multiple". */
const SEVERAL = 2;

function tracebacks({ texts, unread }: ReadOutput): SignaturePoint {
  const is = (answer: SignaturePoint["answer"], evidence: string): SignaturePoint => ({
    point: "error-tracebacks",
    answer,
    evidence,
  });
  const { remote, groups } = texts.map(countTracebacks)
    .reduce((sum, one) => ({ remote: sum.remote + one.remote, groups: sum.groups + one.groups }), {
      remote: 0,
      groups: 0,
    });
  const found =
    `${remote} of RemoteActorError and ${groups} of ExceptionGroup in what was written so far`;
  const missing = unread.length === 0 ? "" : `; not read: ${unread.join(", ")}`;
  if (remote + groups >= SEVERAL) return is("yes", `${found}${missing}`);
  if (texts.length === 0) return is("unknown", `nothing of the output can be read${missing}`);
  return is(unread.length > 0 ? "unknown" : "no", `${found}${missing}`);
}

/** How many tracebacks end in a RemoteActorError, and how many are those of groups. */
export function countTracebacks(
  text: string,
): { readonly remote: number; readonly groups: number } {
  const remote = text.match(/^[\s|+E]*(?:[A-Za-z_]\w*\.)*RemoteActorError\b\s*[:(]/gm)?.length ?? 0;
  const groups =
    text.match(/^[\s|+]*(?:\+ )?Exception Group Traceback \(most recent call last\)/gm)?.length ??
      0;
  return { remote, groups };
}

function passesWithoutCapture(captured: boolean | null): SignaturePoint {
  return captured === false
    ? { point: "passes-with-s", answer: "no", evidence: "it hangs although it runs with -s" }
    : { point: "passes-with-s", answer: "unknown", evidence: "not tried" };
}

function blockedActors(scene: HangScene): SignaturePoint {
  const is = (answer: SignaturePoint["answer"], evidence: string): SignaturePoint => ({
    point: "actors-blocked-in-write",
    answer,
    evidence,
  });
  const writers = writersTo(scene).filter(({ process, isOutput }) =>
    isOutput && process.pid !== scene.root
  );
  const say = ({ process, activity }: Writer) =>
    `${name(process)} is in ${describeActivity(process, activity)}`;
  const blocked = writers.filter((writer) => writer.isBlocked);
  if (blocked.length > 0) {
    const more = blocked.length > SHOWN_WRITERS
      ? ` and ${blocked.length - SHOWN_WRITERS} more`
      : "";
    return is("yes", `${blocked.slice(0, SHOWN_WRITERS).map(say).join(", ")}${more}`);
  }
  const [doubtful] = writers;
  if (doubtful !== undefined) return is("unknown", `${say(doubtful)}, but ${doubtful.doubt}`);
  const below = [...tree(scene)].filter((process) => process.pid !== scene.root);
  const hidden = below.filter((process) =>
    process.threads.some((thread) => activityOf(thread, scene.readNumber).does === "unknown")
  );
  if (hidden.length > 0) return is("unknown", `what ${name(hidden[0]!)} does can't be read`);
  return is(
    "no",
    below.length === 0
      ? "pytest has no process below it"
      : `none of ${below.length} below pytest is in a write to its standard output or error`,
  );
}

const SHOWN_WRITERS = 3;

/** What each point is called where people read it. */
export const POINT_NAMES: Readonly<Record<SignaturePoint["point"], string>> = {
  "fork-backend": "a fork-based backend",
  "error-tracebacks": "several tracebacks of RemoteActorError or ExceptionGroup",
  "passes-with-s": "passes with -s",
  "actors-blocked-in-write": "actors blocked in write to an inherited descriptor",
};
