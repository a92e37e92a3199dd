import { escapeText } from "../base/escape.ts";
import { plural } from "../base/plural.ts";
import { registryName } from "./registry.ts";
import type { CleanupReport, LeakReport, SharedMemoryReport } from "./leak_report.ts";
import { parsePid } from "./parse_pid.ts";
import type { ZombiesOptions } from "./zombies_options.ts";
import { EXIT, type ExitCode } from "../tables/exit_codes.ts";
import { hintLeaks, showLeaks, shownTitle, showSharedMemory } from "./show.ts";
import type { Context } from "../command_line/context.ts";
import { endLeaks, type EndLeaksOptions } from "./end_leaks.ts";
import { findLeaks } from "./gather.ts";
import type { FirstScan } from "./first_scan.ts";
import { cleanUpQuestion, isCleanable, isOnlyHeld, targetsOf } from "./rules_report.ts";
import { findProject, type Project } from "../project/project.ts";

/** Runs `tractest zombies` with a first scan that is under way; null where there is none. */
export async function runZombies(
  context: Context<ZombiesOptions>,
  first: FirstScan | null,
): Promise<ExitCode> {
  const { host, printer, line } = context;
  const options: EndLeaksOptions = {
    graceSeconds: line.options.grace,
    dryRun: line.options.dryRun,
    isHook: line.options.hook,
    ...(line.options.pid !== null ? { pid: parsePid(line.options.pid, host.pid) } : {}),
    ...(line.options.parent !== null
      ? { parent: parsePid(line.options.parent, host.pid, "parent") }
      : {}),
    ...(line.options.registry.length > 0 ? { registries: line.options.registry } : {}),
  };
  const project = await findProject(host);
  const found = await findLeaks(host, project, {
    ...options,
    ...(first === null ? {} : { firstScan: first }),
  });
  const findSegments = async () =>
    line.options.shm
      ? await (await import("./shared_memory.ts")).findSharedMemory(host, project)
      : null;
  const segments = await findSegments();
  const kill = async () => {
    const cleanup = await endLeaks(host, printer, project, found, options);
    if (options.dryRun) {
      for (const { path } of staleOf(segments)) printer.line(`would remove ${escapeText(path)}`);
      return listed(context, project, found, segments);
    }
    if (segments === null) {
      return cleaned(context, project, { before: found, cleanup, segments: null });
    }
    const { removeSharedMemory } = await import("./shared_memory.ts");
    const memory = await removeSharedMemory(host, project);
    for (const path of memory.removed) printer.note(`removed ${escapeText(path)}`);
    for (const { path, reason } of memory.refused) {
      printer.note(`left alone: ${escapeText(`${path}: ${reason}`)}`);
    }
    const removed = [...cleanup.removed, ...memory.removed];
    return cleaned(context, project, {
      before: found,
      cleanup: { ...cleanup, removed },
      segments: await findSegments(),
    });
  };
  if (line.options.kill) return await kill();
  const mayAsk = codeOf(found, segments) === EXIT.leaksFound && isCleanable(found) &&
    !options.dryRun && !line.options.hook;
  if (!mayAsk) return listed(context, project, found, segments);
  const { canAsk, confirm } = await import("../terminal/prompt.ts");
  const asks = canAsk(host, printer);
  const code = listed(context, project, found, segments, asks);
  if (!asks) return code;
  const { yes } = line.options;
  return await confirm(host, printer, cleanUpQuestion(found), { yes }) ? await kill() : code;
}

/** What was found of shared memory; null if not asked. */
type Segments = readonly SharedMemoryReport[] | null;

function staleOf(segments: Segments): readonly SharedMemoryReport[] {
  return segments?.filter((segment) => segment.verdict === "stale") ?? [];
}

function codeOf(report: LeakReport, segments: Segments): ExitCode {
  const leaks = report.clean === false || staleOf(segments).length > 0;
  return leaks ? EXIT.leaksFound : report.clean === true ? EXIT.ok : EXIT.unverified;
}

/**
 * Shows what was found.
 *
 * @param asks whether a question follows, so that no hint is needed
 */
function listed(
  { printer, line }: Context<ZombiesOptions>,
  project: Project,
  report: LeakReport,
  segments: Segments,
  asks = false,
): ExitCode {
  const code = codeOf(report, segments);
  if (printer.json) {
    printer.document("tractest.zombies/1", {
      ...facts(report),
      ...(segments === null ? {} : { sharedMemory: segments }),
    });
  }
  if (line.options.hook) {
    if (code === EXIT.unverified) return warnUnverified({ printer }, project, report);
    if (code === EXIT.ok || (staleOf(segments).length === 0 && warnHeld({ printer }, report))) {
      return EXIT.ok;
    }
  }
  showLeaks(printer, report, { project });
  showSharedMemory(printer, segments);
  if (code !== EXIT.ok && !asks) hintLeaks(printer, report);
  return code;
}

/** A clean-up, with what was found before it and what of shared memory was found after it. */
interface Cleaned {
  readonly before: LeakReport;
  readonly cleanup: CleanupReport;
  readonly segments: Segments;
}

/** Shows what the clean-up did, and what remains. */
function cleaned(
  { printer, line }: Context<ZombiesOptions>,
  project: Project,
  { before, cleanup, segments }: Cleaned,
): ExitCode {
  const { after, killed, removed } = cleanup;
  const code = cleanup.survivors || staleOf(segments).length > 0
    ? EXIT.unverified
    : after.clean === true
    ? EXIT.ok
    : after.clean === false
    ? EXIT.leaksFound
    : EXIT.unverified;
  if (printer.json) {
    printer.document("tractest.zombies/1", {
      ...facts(after),
      ...(segments === null ? {} : { sharedMemory: segments }),
      killed,
      removed,
    });
  }
  if (line.options.hook) {
    if (killed.length + removed.length > 0) {
      printer.note(`tractest: ${didText(project, cleanup)}`);
    }
    if (cleanup.survivors) return warnSurvivors({ printer }, cleanup);
    if (code === EXIT.unverified) return warnUnverified({ printer }, project, after);
    if (code === EXIT.ok || warnHeld({ printer }, after)) return EXIT.ok;
  }
  showLeaks(printer, after, { project, before });
  showSharedMemory(printer, segments);
  if (code !== EXIT.ok) hintLeaks(printer, after);
  return code;
}

/** `ended 1 leaked process, removed 2 stale sockets` */
function didText({ profile }: Project, { killed, removed }: CleanupReport): string {
  const [one, more] = profile === "tractor"
    ? ["leaked actor", "leaked actors"]
    : ["leaked process", "leaked processes"];
  return [
    ...(killed.length > 0 ? [`ended ${plural(killed.length, one, more)}`] : []),
    ...(removed.length > 0 ? [`removed ${plural(removed.length, "stale socket")}`] : []),
  ].join(", ");
}

/** In a hook, an open question blocks nothing: one line, and 0. */
function warnUnverified(
  { printer }: Pick<Context, "printer">,
  { profile }: Project,
  report: LeakReport,
): ExitCode {
  // Not everything refused leaves the question open: other users' processes don't.
  const [why = "something could not be verified"] = [
    ...report.actors.filter((actor) => actor.verdict === "unknown").map(({ pid, evidence }) =>
      `pid ${pid}: ${evidence[0]}`
    ),
    ...report.sockets.filter((socket) => socket.verdict === "unknown").map(({ path, evidence }) =>
      `${path}: ${evidence.join("; ")}`
    ),
    ...report.unknowns,
  ];
  const what = profile === "tractor" ? "actors" : "processes";
  printer.warn(`not verified whether ${what} leaked: ${escapeText(why)}`);
  return EXIT.ok;
}

/** In a hook, leaks that survived the clean-up are named. */
function warnSurvivors({ printer }: Pick<Context, "printer">, { after }: CleanupReport): ExitCode {
  const processes = targetsOf(after).map(({ pid, args }) => `pid ${pid} ${args}`);
  const sockets = after.sockets.filter((socket) => socket.verdict === "stale").map((socket) =>
    socket.path
  );
  const [why] = after.refused.filter(({ pid, path }) =>
    targetsOf(after).some((target) => target.pid === pid) || sockets.includes(path ?? "")
  );
  const what = [...processes, ...sockets].join(", ") || "leaked processes";
  printer.warn(escapeText(`leaked and still there: ${what}${why ? `: ${why.reason}` : ""}`));
  return EXIT.leaksFound;
}

/** In a hook, a registry that others hold blocks nothing: one line. */
function warnHeld({ printer }: Pick<Context, "printer">, report: LeakReport): boolean {
  if (!isOnlyHeld(report)) return false;
  const { address, holders: [holder] } = report.registries.find((registry) => registry.bound)!;
  const by = holder ? `pid ${holder.pid} ${shownTitle(holder)}` : "a process you can't see";
  const why = holder ? `: ${holder.evidence.at(-1)}` : " (another user or container)";
  printer.warn(escapeText(`${registryName(address)} is held by ${by}; left alone${why}`));
  return true;
}

function facts(report: LeakReport): Readonly<Record<string, unknown>> {
  const { clean, registries, actors, sockets, refused, liveRun, abandoned, unknowns, named, tree } =
    report;
  const asked = named === undefined ? {} : { named, tree };
  return { clean, registries, actors, sockets, refused, liveRun, abandoned, unknowns, ...asked };
}
