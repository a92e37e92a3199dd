import type { NamedProcess, ProcessIdentity, Refusal } from "../processes/process.ts";
import { occupies, parseRegistryAddress } from "./registry.ts";
import type { Judged } from "./rules.ts";
import type {
  CleanupReport,
  JudgedProcess,
  LeakReport,
  ListedProcess,
  RegistryReport,
} from "./leak_report.ts";
import { escapeText } from "../base/escape.ts";
import type { Host } from "../system/host.ts";
import {
  listTcpListeners,
  listUnixSockets,
  type SocketList,
  type TcpListener,
} from "../system/programs/ss.ts";
import type { Printer } from "../terminal/printer.ts";
import { type FirstLook, startFirstLook } from "./first_look.ts";
import { ProcessSurvey } from "./survey.ts";
import { isNoneOfOurs, judgeSocketFiles, listSocketFiles, removeSockets } from "./sockets.ts";
import { endTree } from "../processes/kill_ladder.ts";
import type { Project } from "../project/project.ts";

export type { CleanupReport, LeakReport } from "./leak_report.ts";

/** How often new leaks may appear while leaks are being ended before that is given up. */
const ROUNDS = 3;

/** Where to look. */
export interface FindLeaksOptions {
  /** Addresses to look at instead of the configured ones, as `host:port`. */
  readonly registries?: readonly string[];
  /** A process to judge too, whatever it looks like; see {@linkcode LeakReport.named}. */
  readonly pid?: number;
  /** Only what is below this process, or was when a run that it led was recorded. */
  readonly parent?: number;
  /** A first look that was started already. */
  readonly firstLook?: FirstLook;
  /** What is known by its origin alone counts as leaked only if it belongs to this checkout too. */
  readonly isHook?: boolean;
}

/**
 * Looks for leaked actors, registry holders and stale sockets of a project. Changes nothing. On a
 * clean machine that is one round of two programs; what costs more is asked only when there is
 * something to ask about.
 *
 * @throws {UsageError} if an address of a registry is none
 */
export async function findLeaks(
  host: Host,
  project: Project,
  options: FindLeaksOptions = {},
): Promise<LeakReport> {
  const addresses = options.registries ?? project.configuration.registries;
  const parsed = addresses.map(parseRegistryAddress);
  if (host.platform !== "linux") {
    const registries = addresses.map((address) => ({ address, bound: null, holders: [] }));
    return {
      clean: null,
      registries,
      actors: [],
      sockets: [],
      refused: [],
      liveRun: null,
      unknowns: ["not supported on this platform"],
    };
  }
  const survey = new ProcessSurvey(host, project, options.isHook);
  const first = options.firstLook ?? startFirstLook(host);
  const [listeners, candidates, socketFiles] = await Promise.all([
    first.listeners,
    first.processes.then((list) => survey.candidates(list)).then(async (pids) => {
      return [...new Set([...pids, ...await survey.mark(await first.marks)])];
    }),
    listSocketFiles(host, project),
  ]);
  const isHeld = parsed.some((address) => listeners.rows.some((row) => occupies(row, address)));
  const [holders, sockets] = await Promise.all([
    isHeld ? listTcpListeners(host, true) : listeners,
    socketFiles.paths.length > 0
      ? listUnixSockets(host).then((bound) => judgeSocketFiles(host, socketFiles.paths, bound))
      : [],
    survey.lookCloser(candidates),
  ]);
  const unknowns = [holders.failure, rejectedRows(holders)].filter((unknown) => unknown !== null);

  const holderPids = parsed.map((address) => [
    ...new Set(holders.rows.filter((row) => occupies(row, address)).flatMap((row) => row.pids)),
  ]);
  const others = [...holderPids.flat(), ...(options.pid === undefined ? [] : [options.pid])];
  await survey.lookCloser(others);
  const judged = await survey.judge([...new Set([...candidates, ...others])]);
  const registries = parsed.map((address, index): RegistryReport => {
    const rows = holders.rows.filter((row) => occupies(row, address));
    const bound = rows.length > 0
      ? true
      : holders.failure !== null || holders.rejected > 0
      ? null
      : false;
    return {
      address: addresses[index]!,
      bound,
      holders: holderPids[index]!.map((pid) => reportOf(pid, judged, survey)),
    };
  });

  const below = options.parent === undefined ? null : survey.below(options.parent);
  const actors = judged.filter((process) => process.uid === host.uid() && isListed(process)).filter(
    ({ pid }) => below?.has(pid) ?? true,
  );
  const foreign = candidates.map((pid) => survey.row(pid)).filter((row) =>
    row !== undefined && row.uid !== host.uid()
  )
    .filter((row) => judged.find((process) => process.pid === row!.pid)?.ours !== false)
    .map((row): Refusal => ({ pid: row!.pid, reason: `belongs to uid ${row!.uid}; not touched` }));
  const run = judged.find((process) =>
    process.isOfLiveRun && holderPids.flat().includes(process.pid)
  );
  const pytest = run === undefined ? undefined : survey.row(run.pytest ?? run.pid);
  const skipped = sockets.filter(isNoneOfOurs);
  // Whose process made a socket can't be told any more once it is stale.
  const relevant = sockets.filter((socket) => !skipped.includes(socket) && below === null);
  unknowns.push(
    ...survey.failures,
    ...socketFiles.refused.filter(({ reason }) => !reason.includes("not absolute")).map((
      { path, reason },
    ) => `${path}: ${reason}`),
  );
  const abandoned = [...survey.abandoned].flatMap(([pid, { runId }]) =>
    survey.isThere(pid) ? [{ pid, title: survey.row(pid)!.args, runId: runId ?? "" }] : []
  );
  const report = {
    registries,
    actors: await listed(host, actors),
    sockets: relevant,
    refused: [
      ...socketFiles.refused,
      ...await survey.refused(),
      ...foreign,
      ...[...actors, ...judged.filter(isWoken)].filter((actor) => actor.verdict === "unknown").map((
        { pid, evidence },
      ) => ({
        pid,
        reason: evidence[0] ?? "unknown",
      })),
      ...[...skipped, ...relevant.filter((socket) => socket.verdict === "unknown")].map((
        { path, evidence },
      ) => ({
        path,
        reason: evidence.join("; "),
      })),
    ],
    ...(options.pid === undefined ? {} : await named(options.pid, judged, survey)),
    abandoned,
    ...(below === null ? {} : { below: [...below] }),
    liveRun: pytest ? { pid: pytest.pid, title: pytest.args } : null,
    unknowns: [...new Set(unknowns)],
  };
  return { clean: isClean(report, judged), ...report };
}

/** The process that a user named, and what is below it. */
async function named(
  pid: number,
  judged: readonly Judged[],
  survey: ProcessSurvey,
): Promise<Pick<LeakReport, "named" | "tree">> {
  if (!survey.isThere(pid)) return { named: null, tree: [] };
  const isPytest = judged.some((process) => process.pid === pid && process.kind.isPytest) ||
    survey.abandoned.has(pid);
  const below = await survey.endedWith(pid, isPytest);
  return { named: reportOf(pid, judged, survey), tree: below.map(plain) };
}

/**
 * Whether a process is listed: an actor that is or may be ours, whatever leaked, and what may be
 * left of a run.
 */
function isListed({ kind, ours, verdict, origin }: Judged): boolean {
  if (kind.signature) return ours !== false;
  if (verdict === "leaked") return true;
  // What is not known to be ours is somebody's program, unless a test started it.
  return verdict === "unknown" &&
    (origin === "started" || (ours === true && (kind.isPytest || kind.helper === "worker")));
}

/** A daemon that a test only woke: left alone, and no reason to doubt that all is clean. */
function isWoken({ kind, ours, verdict, origin }: Judged): boolean {
  return origin === "woken" && verdict === "unknown" && ours === true && kind.signature === null;
}

/**
 * Processes as they are listed. Who listens where is asked only when something leaked: it costs a
 * look at every open file.
 */
async function listed(host: Host, processes: readonly Judged[]): Promise<ListedProcess[]> {
  const isAsked = processes.some((process) => process.verdict === "leaked");
  const { rows } = isAsked ? await listTcpListeners(host, true) : { rows: [] };
  return processes.map((process) => ({
    ...plain(process),
    kind: process.kind.signature
      ? "actor"
      : process.kind.isPytest
      ? "pytest"
      : process.kind.helper
      ? "helper"
      : "process",
    test: process.test,
    ports: [...new Set(rows.filter((row) => row.pids.includes(process.pid)).map((row) => row.port))]
      .sort((one, other) => one - other),
  }));
}

/** Whether a report is clean; null if it can't be told. */
function isClean(report: Omit<LeakReport, "clean">, judged: readonly Judged[]): boolean | null {
  const isOwnRun = (pid: number) =>
    judged.some((process) => process.pid === pid && process.isOfLiveRun);
  const isHeld = report.registries.some((registry) =>
    registry.bound && (report.below === undefined || registry.holders.some(({ pid }) =>
      report.below!.includes(pid)
    )) &&
    !(registry.holders.length > 0 && registry.holders.every(({ pid }) => isOwnRun(pid)))
  );
  const leaks = report.actors.some((actor) => actor.verdict === "leaked") ||
    report.sockets.some((socket) => socket.verdict === "stale");
  if (leaks || isHeld) return false;
  const open = report.unknowns.length > 0 ||
    report.registries.some((registry) => registry.bound === null) ||
    report.actors.some((actor) => actor.verdict === "unknown") ||
    report.sockets.some((socket) => socket.verdict === "unknown");
  return open ? null : true;
}

function rejectedRows({ rejected }: SocketList<TcpListener>): string | null {
  return rejected > 0 ? `${rejected} rows of "ss" can't be read` : null;
}

function reportOf(pid: number, judged: readonly Judged[], survey: ProcessSurvey): JudgedProcess {
  const known = judged.find((process) => process.pid === pid);
  if (known) return plain(known);
  const row = survey.row(pid);
  return {
    pid,
    startTicks: null,
    title: row?.args ?? "",
    uid: row?.uid ?? -1,
    ours: null,
    verdict: row ? "foreign" : "unknown",
    evidence: [row ? `belongs to uid ${row.uid}; not touched` : "it can't be read"],
  };
}

function plain(
  { pid, startTicks, title, uid, ours, verdict, evidence }: JudgedProcess,
): JudgedProcess {
  return { pid, startTicks, title, uid, ours, verdict, evidence };
}

/** How {@linkcode endLeaks} works. */
export interface EndLeaksOptions extends FindLeaksOptions {
  /** Seconds between SIGINT and SIGKILL. */
  readonly graceSeconds: number;
  /** Say what would be done, and do nothing. */
  readonly dryRun: boolean;
  /**
   * End this process and what is below it, though it may not be leaked, and leave all else alone:
   * the user named it.
   */
  readonly pid?: number;
}

/**
 * Ends what {@linkcode findLeaks} found leaked and removes what it found stale, then looks again. A
 * holder of the registry that is not proven ours and leaked is left.
 */
export async function endLeaks(
  host: Host,
  printer: Printer,
  project: Project,
  report: LeakReport,
  options: EndLeaksOptions,
): Promise<CleanupReport> {
  if (options.dryRun) {
    for (const target of targetsOf(report)) {
      printer.line(`would end pid ${target.pid} ${escapeText(target.args)}`);
    }
    for (const { path } of staleOf(report)) printer.line(`would remove ${escapeText(path)}`);
    return {
      killed: [],
      removed: [],
      refused: [],
      after: report,
      ok: report.clean,
      survivors: false,
    };
  }
  const killed: CleanupReport["killed"][number][] = [];
  const removed: string[] = [];
  const refused: Refusal[] = [];
  const met = new Set<string>();
  let survivors = false;
  let now = report;
  for (let round = 0; round < ROUNDS; round++) {
    const targets = targetsOf(now).filter((target) => !met.has(identityKey(target)));
    for (const target of targets) met.add(identityKey(target));
    const ended = await endTree(host, printer, targets, options);
    killed.push(...ended.killed);
    refused.push(...ended.refused);
    survivors ||= ended.survivors;
    if (targets.length > 0) now = await findLeaks(host, project, options);
    const sockets = await removeSockets(
      host,
      staleOf(now).map((socket) => socket.path),
      () => listUnixSockets(host),
    );
    for (const path of sockets.removed) printer.note(`removed ${escapeText(path)}`);
    removed.push(...sockets.removed);
    refused.push(...sockets.refused);
    if (sockets.removed.length + sockets.refused.length > 0) {
      now = await findLeaks(host, project, options);
    }
    if (targetsOf(now).every((target) => met.has(identityKey(target)))) break;
    if (round === ROUNDS - 1) {
      refused.push(...targetsOf(now).map(({ pid }) => ({ pid, reason: "still respawning" })));
    }
  }
  survivors ||= targetsOf(now).length > 0 || staleOf(now).length > 0;
  const after = { ...now, refused: [...refused, ...now.refused] };
  return { killed, removed, refused, after, survivors, ok: survivors ? false : now.clean };
}

/**
 * What is to be ended: leaked actors and a leaked holder of the registry; or, when the user named
 * one, that process and what is below it, unless somebody uses it.
 */
export function targetsOf(report: LeakReport): NamedProcess[] {
  const processes = report.named !== undefined
    ? targetsOfNamed(report)
    : [...report.actors, ...report.registries.flatMap((registry) => registry.holders)].filter((
      process,
    ) => process.verdict === "leaked")
      .filter(({ pid }) => report.below?.includes(pid) ?? true);
  return [...new Map(processes.map((target) => [target.pid, target])).values()]
    .map(({ pid, uid, startTicks, title }) => ({ pid, uid, startTicks, args: title }));
}

function targetsOfNamed({ named, tree = [], abandoned = [] }: LeakReport): JudgedProcess[] {
  if (!named) return [];
  const mayEnd = named.verdict === "leaked" || named.verdict === "unknown" ||
    abandoned.some(({ pid }) => pid === named.pid);
  return mayEnd ? [named, ...tree] : [];
}

/** Whether a clean-up has anything to do. */
export function isCleanable(report: LeakReport): boolean {
  return targetsOf(report).length > 0 || staleOf(report).length > 0;
}

/**
 * Whether registries are held, and nothing else is wrong: nothing of ours leaked, and no holder
 * did.
 */
export function isOnlyHeld(report: LeakReport): boolean {
  const held = report.registries.filter((registry) => registry.bound === true);
  const leaks = report.actors.some((actor) => actor.verdict === "leaked") ||
    report.sockets.some((socket) => socket.verdict === "stale");
  return held.length > 0 && !leaks && !isCleanable(report);
}

function staleOf(report: LeakReport): LeakReport["sockets"] {
  if (report.named !== undefined) return [];
  return report.sockets.filter((socket) => socket.verdict === "stale");
}

function identityKey({ pid, startTicks }: ProcessIdentity): string {
  return `${pid} ${startTicks}`;
}
