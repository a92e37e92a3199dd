import type { DetailedProcess } from "../processes/process.ts";
import type { ProcessRow } from "../system/programs/ps.ts";
import { XDIST_WORKER } from "./actor_signatures.ts";
import { type AdopterRow, ADOPTERS } from "./adopters.ts";
import { baseName, isPythonName, kindOf } from "./rules_actor.ts";
import type { IsLeaked, Scene } from "./rules_scene.ts";
import { usesRuntime } from "./rules_ties.ts";

/** A living parent, as far as it was read. */
export interface Parent {
  readonly row: ProcessRow;
  /** Null where the details were not read, or could not be. */
  readonly details: DetailedProcess | null;
}

/** The program of a process, as messages call it. */
export function programOf({ row, details }: Parent): string {
  return details?.comm ?? baseName(row.args.split(" ")[0]!);
}

/** What proves that a process was adopted by its parent, not started by it; null for nothing. */
export function adoptionOf(
  process: DetailedProcess,
  parent: Parent,
  scene: Scene,
  isLeaked: IsLeaked,
): string | null {
  const { pid } = parent.row;
  const recorded = scene.seen.ledger?.get(process.pid);
  const since = recorded?.since ?? null;
  const ticks = parent.details?.startTicks ?? null;
  const isOfTest = recorded?.mark === "test";
  // Both may be what the same test started: then one may have started the other.
  if (isOfTest && scene.seen.ledger?.get(pid)?.id === recorded.id) return null;
  // What is older than a run started none of its processes. The environment alone does not prove
  // the run: some servers start their workers with the environment of whoever asks.
  const isOlder = recorded?.mark === undefined && ticks !== null && since !== null && ticks < since;
  if (recorded && !isOfTest && (pid === 1 || isOlder)) {
    return ", which is older than the run that recorded it";
  }
  if (ticks !== null && process.startTicks !== null && ticks > process.startTicks) {
    return ", which is younger";
  }
  // An application that adopts may well use what a process between has started for it.
  if (!mayUseChildren(parent) && isOfOtherSession(process, pid, parent.details)) {
    return `, and its session was begun by pid ${process.session}`;
  }
  const kind = kindOf(process.argv, process.comm);
  // A service is started by such a program; an actor never is.
  const isNoService = kind.signature !== null || recorded !== undefined ||
    XDIST_WORKER.test(process.args) ||
    scene.isLeakedRoot(process, kind);
  return isNoService && isAdopter(parent) && isBelowAdopters(pid, scene, isLeaked)
    ? ` (${programOf(parent)}), which adopts orphans`
    : null;
}

/** Whether all above adopts, or is leaked: an init that a live program runs adopts for that one. */
function isBelowAdopters(pid: number, { seen }: Scene, isLeaked: IsLeaked): boolean {
  return seen.forest.ancestorsOf(pid).every((above) => {
    const [row, details = null] = [seen.forest.get(above), seen.details.get(above)];
    return row !== undefined &&
      (isAdopter({ row, details }) || (details !== null && isLeaked(details)));
  });
}

function isAdopter({ row, details }: Parent): boolean {
  const names = [details?.comm, baseName(row.args.split(" ")[0]!)];
  const rows: readonly AdopterRow[] = ADOPTERS;
  return rows.some(({ as, name }) =>
    (as === "any" || row.pid === 1) && names.some((one) => one !== undefined && name.test(one))
  );
}

/** Whether a parent may be an application: any Python, and whatever uses tractor's modules. */
function mayUseChildren({ row, details }: Parent): boolean {
  if (details === null) return kindOf(row.args.split(" "), "").isPython;
  return kindOf(details.argv, details.comm).isPython || isPythonName(details.comm) ||
    usesRuntime(details);
}

/**
 * Whether a process is in a session that its parent can't have given it. A session is inherited, or
 * left for a new one of one's own: a process in a third process's session was not started by a
 * parent that was never in it.
 */
export function isOfOtherSession(
  { pid, session }: DetailedProcess,
  parent: number,
  details: DetailedProcess | null,
): boolean {
  if (session === undefined || session === pid || session === parent) return false;
  if (parent === 1) return session > 1;
  return details?.session !== undefined && details.session !== session &&
    details.session !== parent;
}
