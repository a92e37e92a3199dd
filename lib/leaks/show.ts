import { listensText } from "../base/listens.ts";
import { plural } from "../base/plural.ts";
import { escapeText, shellCommand } from "../base/escape.ts";
import { registryName } from "./registry.ts";
import type {
  JudgedProcess,
  LeakReport,
  ListedProcess,
  RegistryReport,
  SharedMemoryReport,
} from "./leak_report.ts";
import type { Project } from "../project/project.ts";
import type { Profile } from "../project/rules_profile.ts";
import type { Printer } from "../terminal/printer.ts";

/** How a report is shown. */
export interface ShowLeaksOptions {
  /** What belongs to the project: without tractor nothing is said of what was not searched for. */
  readonly project: Pick<Project, "profile" | "configuration">;
  /** What was found before a clean-up; left out when there was none. */
  readonly before?: LeakReport;
}

/**
 * Shows who holds the registries, what leaked, which sockets are stale, and what was left alone and
 * why.
 */
export function showLeaks(
  printer: Printer,
  report: LeakReport,
  { project, before }: ShowLeaksOptions,
): void {
  for (const [index, registry] of report.registries.entries()) {
    showRegistry(printer, registry, report, before?.registries[index]?.bound === true);
  }
  showActors(printer, report, project.profile);
  const isPlain = project.profile === "plain";
  if (!isPlain || project.configuration.socketDirectories.length > 0) {
    showSockets(printer, report, isPlain ? "UDS sockets" : "UDS registry sockets");
  }
  if (report.named !== undefined) showNamed(printer, report.named, before?.named ?? null);
  for (const run of report.abandoned ?? []) showAbandoned(printer, run);
  const shown = new Set(
    report.actors.filter((actor) => actor.verdict === "unknown").map((actor) => actor.pid),
  );
  const refused = report.refused.filter(({ pid }) => pid === undefined || !shown.has(pid));
  for (const { pid, path, reason } of refused) {
    printer.note(`left alone: ${escapeText(path ?? `pid ${pid}`)}: ${escapeText(reason)}`);
  }
  for (const unknown of report.unknowns) printer.warn(escapeText(unknown));
}

function showRegistry(
  printer: Printer,
  { address, bound, holders }: RegistryReport,
  report: LeakReport,
  wasBound: boolean,
): void {
  const name = escapeText(registryName(address));
  if (bound === null) return printer.line(`${name} ${printer.paint("yellow", "unknown")}`);
  if (!bound) return printer.line(`${name} ${wasBound ? "now free" : "free"}`);
  const run = report.liveRun;
  if (run && report.clean !== false) {
    return printer.line(
      `${name} held by a live run of this repo: pid ${run.pid} ${escapeText(run.title)}; no leak`,
    );
  }
  const held = `${name} ${printer.paint("red", "bound")}: held by`;
  if (holders.length === 0) {
    printer.line(`${held} a process you can't see (another user or container)`);
  }
  for (const holder of holders) {
    printer.line(`${held} ${processLine(holder)}`);
    printer.line(`    ${STANDING[holder.verdict]}: ${reasons(holder)}`);
  }
}

const STANDING = {
  leaked: "leaked",
  "in-use": "in use",
  foreign: "not of this repo",
  unknown: "unknown",
} as const;

function showActors(printer: Printer, report: LeakReport, profile: Profile): void {
  const leaked = report.actors.filter((actor) => actor.verdict === "leaked");
  const nothing = profile === "tractor" ? "actor procs" : "processes";
  if (leaked.length === 0) printer.line(`no leaked ${nothing} from this repo`);
  else printer.line(`${printer.paint("red", leakedCount(leaked))} from this repo:`);
  for (const actor of leaked) {
    printer.line(`  ${processLine(actor)}${portsOf(actor)}`);
    printer.line(`    ${reasons(actor)}`);
  }
  const doubtful = report.actors.filter((actor) => actor.verdict === "unknown");
  if (doubtful.length > 0) {
    printer.line(`${plural(doubtful.length, "process", "processes")} left alone, may be leaked:`);
  }
  for (const actor of doubtful) {
    printer.line(`  ${processLine(actor)}${portsOf(actor)}\n    ${reasons(actor)}`);
  }
  const used = report.actors.filter((actor) => actor.verdict === "in-use");
  if (used.length > 0) {
    const [procs, are] = used.length === 1 ? ["proc", "is"] : ["procs", "are"];
    const end = printer.verbose ? ":" : "; left alone";
    printer.note(`${used.length} actor ${procs} of this repo ${are} in use${end}`);
  }
  if (printer.verbose) {
    for (const actor of used) printer.note(`  ${processLine(actor)}: ${reasons(actor)}`);
  }
}

/** Counts leaks; they are called actors if all of them are. */
export function leakedCount(leaked: readonly ListedProcess[]): string {
  const what = leaked.every((process) => process.kind === "actor") ? "actor " : "";
  return plural(leaked.length, `leaked ${what}proc`);
}

/** What a process keeps from others, for the end of a line about it. */
export function portsOf({ listens }: ListedProcess): string {
  return escapeText(listensText(listens));
}

/** Only tractest was killed: its pytest still runs. */
function showAbandoned(
  printer: Printer,
  { pid, title, runId }: NonNullable<LeakReport["abandoned"]>[number],
): void {
  printer.warn(
    escapeText(
      `pid ${pid} (${title}) still runs, though the tractest of its run ${runId} was killed`,
    ),
  );
  printer.hint(`${killCommand(pid)} ends it and its descendants`);
}

function showSockets(printer: Printer, { sockets }: LeakReport, what: string): void {
  const stale = sockets.filter((socket) => socket.verdict === "stale");
  const open = sockets.filter((socket) => socket.verdict === "unknown").length;
  if (stale.length === 0) {
    printer.line(
      open === 0 ? `no leaked ${what}` : `${plural(open, "UDS socket")} that may be leaked`,
    );
  } else printer.line(`${printer.paint("red", plural(stale.length, "stale UDS socket"))}:`);
  for (const socket of stale) {
    printer.line(`  ${escapeText(socket.path)}`);
    printer.line(`    ${escapeText(socket.evidence.join("; "))}`);
  }
  if (!printer.verbose) return;
  for (const socket of sockets.filter((one) => one.verdict === "live")) {
    printer.note(
      `live socket: ${escapeText(socket.path)}: ${escapeText(socket.evidence.join("; "))}`,
    );
  }
}

/**
 * Shows segments of shared memory that a run left, and why others are kept; nothing if not asked.
 */
export function showSharedMemory(
  printer: Printer,
  segments: readonly SharedMemoryReport[] | null,
): void {
  if (segments === null) return;
  const stale = segments.filter((segment) => segment.verdict === "stale");
  if (stale.length === 0) printer.line("no leaked shared memory");
  else {
    const count = plural(stale.length, "leaked segment");
    printer.line(`${printer.paint("red", `${count} of shared memory`)}:`);
  }
  for (const { path, evidence } of stale) {
    printer.line(`  ${escapeText(path)}\n    ${escapeText(evidence.join("; "))}`);
  }
  for (const { path, verdict, evidence } of segments) {
    if (verdict === "unknown" || (verdict === "live" && printer.verbose)) {
      printer.note(`left alone: ${escapeText(`${path}: ${evidence.join("; ")}`)}`);
    }
  }
}

function showNamed(
  printer: Printer,
  named: JudgedProcess | null,
  before: JudgedProcess | null,
): void {
  if (!named) {
    return printer.line(before ? `pid ${before.pid} is gone` : "there is no such process");
  }
  printer.line(processLine(named));
  printer.line(`    ${STANDING[named.verdict]}: ${reasons(named)}`);
}

/** Processes that a hint is given for, at most. */
const HINTS = 5;

/** What to type next: one command where one does it. */
export function hintLeaks(printer: Printer, report: LeakReport): void {
  const cleanable = report.actors.some((actor) => actor.verdict === "leaked") ||
    report.sockets.some((socket) => socket.verdict === "stale");
  if (cleanable) return printer.hint("tractest zombies --kill");
  const holders = report.registries.flatMap((registry) =>
    registry.bound && report.clean === false ? registry.holders : []
  );
  const unknown = report.actors.filter((actor) => actor.verdict === "unknown");
  const runners = new Set(unknown.flatMap(({ runner }) => runner ?? []));
  const doubtful = [
    ...holders.filter((process) => process.verdict === "unknown"),
    ...unknown.filter(({ runner }) => runner === null),
  ].map((process) => process.pid);
  const pytests = unknown.filter(({ kind }) => kind === "pytest").map(({ pid }) => pid);
  for (const pid of [...new Set(doubtful)].slice(0, HINTS)) {
    const what = pytests.includes(pid) ? "if it runs no tests" : "if it is not needed";
    const then = runners.has(pid) ? "; then: tractest zombies --kill" : "";
    printer.hint(`${killCommand(pid)} ${what}${then}`);
  }
  for (const pid of [...runners].filter((one) => !doubtful.includes(one)).slice(0, HINTS)) {
    printer.hint(`when pid ${pid} has ended: tractest zombies --kill`);
  }
  for (const { pid, verdict } of holders) {
    if (verdict === "in-use" || verdict === "foreign") {
      const command = shellCommand(["kill", "-INT", String(pid)]);
      printer.hint(`it is left alone; ${command} if it is not needed`);
    }
  }
}

function killCommand(pid: number): string {
  return shellCommand(["tractest", "zombies", "--kill", "--pid", String(pid)]);
}

/** Characters of a title that are shown; JSON has all of it. */
const SHOWN_TITLE = 200;

/** The title of a process, cut where it is very long; not escaped. */
export function shownTitle({ title }: JudgedProcess): string {
  return title.length > SHOWN_TITLE ? `${title.slice(0, SHOWN_TITLE)}…` : title;
}

function processLine(process: JudgedProcess): string {
  return `${process.pid} ${escapeText(shownTitle(process))}`;
}

function reasons({ evidence }: JudgedProcess): string {
  return escapeText(evidence.join("; "));
}
