import { escapeText } from "../base/escape.ts";
import { endTree, type KilledProcess } from "../processes/kill_ladder.ts";
import type { NamedProcess, Refusal } from "../processes/process.ts";
import type { Project } from "../project/project.ts";
import type { Host } from "../system/host.ts";
import { listUnixSockets } from "../system/programs/ss.ts";
import type { Printer } from "../terminal/printer.ts";
import { findLeaks, type FindLeaksOptions } from "./gather.ts";
import type { CleanupReport, LeakReport } from "./leak_report.ts";
import { staleOf, targetsOf } from "./rules_report.ts";
import { removeSockets } from "./sockets.ts";

/** How often new leaks may appear during a clean-up before it gives up. */
const ROUNDS = 3;

/** How {@linkcode endLeaks} works. */
export interface EndLeaksOptions extends FindLeaksOptions {
  /** Seconds between SIGINT and SIGKILL. */
  readonly graceSeconds: number;
  /** Say what would be done, and do nothing. */
  readonly dryRun: boolean;
  /** The user named it: end it and what is below it, though it may not be leaked, and no others. */
  readonly pid?: number;
}

/**
 * Ends the processes that {@linkcode findLeaks} found leaked and removes the stale sockets, then
 * searches again. A holder of the registry that is not proven ours and leaked stays.
 */
export async function endLeaks(
  host: Host,
  printer: Printer,
  project: Project,
  report: LeakReport,
  options: EndLeaksOptions,
): Promise<CleanupReport> {
  if (options.dryRun) return announce(printer, report);
  const done = { killed: [] as KilledProcess[], removed: [] as string[] };
  const refused: Refusal[] = [];
  const tried = new Set<string>();
  const untried = (now: LeakReport) => targetsOf(now).filter((one) => !tried.has(keyOf(one)));
  let survivors = false;
  let now = report;
  for (let round = 1; round <= ROUNDS; round++) {
    const targets = untried(now);
    for (const target of targets) tried.add(keyOf(target));
    const ended = await endTree(host, printer, targets, options);
    done.killed.push(...ended.killed);
    survivors ||= ended.survivors;
    if (targets.length > 0) now = await findLeaks(host, project, options);
    const paths = staleOf(now).map(({ path }) => path);
    const sockets = await removeSockets(host, paths, () => listUnixSockets(host));
    for (const path of sockets.removed) printer.note(`removed ${escapeText(path)}`);
    done.removed.push(...sockets.removed);
    refused.push(...ended.refused, ...sockets.refused);
    if (sockets.removed.length + sockets.refused.length > 0) {
      now = await findLeaks(host, project, options);
    }
    if (untried(now).length === 0) break;
    if (round === ROUNDS) {
      refused.push(...targetsOf(now).map(({ pid }) => ({ pid, reason: "still respawning" })));
    }
  }
  survivors ||= targetsOf(now).length + staleOf(now).length > 0;
  const after = { ...now, refused: [...refused, ...now.refused] };
  return { ...done, refused, after, survivors, ok: survivors ? false : now.clean };
}

/** Says what a clean-up would do. */
function announce(printer: Printer, report: LeakReport): CleanupReport {
  for (const { pid, args } of targetsOf(report)) {
    printer.line(`would end pid ${pid} ${escapeText(args)}`);
  }
  for (const { path } of staleOf(report)) printer.line(`would remove ${escapeText(path)}`);
  const nothing = { killed: [], removed: [], refused: [] };
  return { ...nothing, after: report, ok: report.clean, survivors: false };
}

function keyOf({ pid, startTicks }: NamedProcess): string {
  return `${pid} ${startTicks}`;
}
