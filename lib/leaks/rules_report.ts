import type { NamedProcess } from "../processes/process.ts";
import type { JudgedProcess, LeakReport, ListedProcess, SocketReport } from "./leak_report.ts";
import type { Judged } from "./rules.ts";

/** Whether a process is listed: an actor that may be ours, and whatever leaked or may have. */
export function isListed({ kind, ours, verdict, origin }: Judged): boolean {
  if (kind.signature) return ours !== false;
  if (verdict === "leaked") return true;
  // What is not known to be ours is someone else's program, unless a test started it.
  return verdict === "unknown" &&
    (origin === "started" || (ours === true && (kind.isPytest || kind.helper === "worker")));
}

/** A daemon that a test only woke: left alone, and no reason to doubt that all is clean. */
export function isWoken({ kind, ours, verdict, origin }: Judged): boolean {
  return origin === "woken" && verdict === "unknown" && ours === true && kind.signature === null;
}

/** Whether a report is clean; null if that is unknown. */
export function isClean(
  report: Omit<LeakReport, "clean">,
  judged: readonly Judged[],
): boolean | null {
  const { actors, below, registries, sockets, unknowns } = report;
  const ofLiveRuns = new Set(judged.filter((one) => one.isOfLiveRun).map(({ pid }) => pid));
  const isHeld = registries.some(({ bound, holders }) => {
    const isAsked = below === undefined || holders.some(({ pid }) => below.includes(pid));
    return bound && isAsked &&
      !(holders.length > 0 && holders.every(({ pid }) => ofLiveRuns.has(pid)));
  });
  if (isHeld || leakedOf(report).length > 0 || hasVerdict(sockets, "stale")) return false;
  const isOpen = unknowns.length > 0 || registries.some(({ bound }) => bound === null) ||
    hasVerdict(actors, "unknown") || hasVerdict(sockets, "unknown");
  return isOpen ? null : true;
}

function hasVerdict<Verdict>(
  reports: readonly { readonly verdict: Verdict }[],
  verdict: Verdict,
): boolean {
  return reports.some((report) => report.verdict === verdict);
}

/** Those of the listed processes that leaked. */
export function leakedOf({ actors }: Pick<LeakReport, "actors">): ListedProcess[] {
  return actors.filter(({ verdict }) => verdict === "leaked");
}

/** The sockets that a clean-up removes: none where the user named a process. */
export function staleOf({ named, sockets }: LeakReport): SocketReport[] {
  return named !== undefined ? [] : sockets.filter(({ verdict }) => verdict === "stale");
}

/**
 * The processes that a clean-up ends: leaked ones, holders of the registry among them. If the user
 * named one, that one and those below it instead, unless it is in use.
 */
export function targetsOf(report: LeakReport): NamedProcess[] {
  const all = report.named !== undefined ? targetsOfNamed(report) : leakedTargets(report);
  return [...new Map(all.map((target) => [target.pid, target])).values()]
    .map(({ pid, uid, startTicks, title }) => ({ pid, uid, startTicks, args: title }));
}

function leakedTargets({ actors, registries, below }: LeakReport): JudgedProcess[] {
  return [...actors, ...registries.flatMap(({ holders }) => holders)]
    .filter(({ verdict }) => verdict === "leaked")
    .filter(({ pid }) => below?.includes(pid) ?? true);
}

function targetsOfNamed({ named, tree = [], abandoned = [] }: LeakReport): JudgedProcess[] {
  if (!named) return [];
  const mayEnd = named.verdict === "leaked" || named.verdict === "unknown" ||
    abandoned.some(({ pid }) => pid === named.pid);
  return mayEnd ? [named, ...tree] : [];
}

/** Whether a clean-up has anything to do. */
export function isCleanable(report: LeakReport): boolean {
  return targetsOf(report).length + staleOf(report).length > 0;
}

/** Asks whether to clean up what {@linkcode isCleanable} has found. */
export function cleanUpQuestion(report: LeakReport): string {
  return questionAbout(targetsOf(report).length, staleOf(report).length);
}

/** Asks whether to end so many processes and to remove so many sockets. */
export function questionAbout(processes: number, sockets: number): string {
  const these = (count: number, one: string, many: string) =>
    count === 1 ? `this ${one}` : `these ${count} ${many}`;
  const steps = [
    ...(processes > 0 ? [`end ${these(processes, "process", "processes")}`] : []),
    ...(sockets > 0 ? [`remove ${these(sockets, "socket", "sockets")}`] : []),
  ].join(" and ");
  return `${steps.charAt(0).toUpperCase()}${steps.slice(1)}?`;
}

/** Whether registries are held, and nothing else is wrong: nothing of ours leaked. */
export function isOnlyHeld(report: LeakReport): boolean {
  return report.registries.some(({ bound }) => bound === true) &&
    leakedOf(report).length === 0 && !hasVerdict(report.sockets, "stale") && !isCleanable(report);
}
