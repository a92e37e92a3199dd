import type { Refusal } from "../processes/process.ts";
import type { ProcessList } from "../system/programs/ps.ts";
import type { Project } from "../project/project.ts";
import type { Host } from "../system/host.ts";
import { listSocketsOf } from "../system/programs/net_tables.ts";
import {
  listensOf,
  listTcpListeners,
  listUnixSockets,
  type SocketList,
  type TcpListener,
} from "../system/programs/ss.ts";
import { type FirstScan, startFirstScan } from "./first_scan.ts";
import type {
  JudgedProcess,
  LeakReport,
  ListedProcess,
  RegistryReport,
  SocketReport,
} from "./leak_report.ts";
import { occupies, parseRegistryAddress } from "./registry.ts";
import type { Judged } from "./rules.ts";
import type { Kind } from "./rules_actor.ts";
import { isClean, isListed, isWoken } from "./rules_report.ts";
import { isNoneOfOurs, judgeSocketFiles, listSocketFiles, type SocketFiles } from "./sockets.ts";
import { ProcessSurvey } from "./survey.ts";

/** Where to search, and for what. */
export interface FindLeaksOptions {
  /** Addresses to check instead of the configured ones, as `host:port`. */
  readonly registries?: readonly string[];
  /** A process to judge too, whatever it is; see {@linkcode LeakReport.named}. */
  readonly pid?: number;
  /** Only what is below this process, or was when a run that it led was recorded. */
  readonly parent?: number;
  /** A first scan that was started already. */
  readonly firstScan?: FirstScan | undefined;
  /** All processes, where they were just listed. */
  readonly processes?: ProcessList;
  /** What is known by its origin alone counts as leaked only if it belongs to this checkout too. */
  readonly isHook?: boolean;
}

/**
 * Finds leaked actors, registry holders and stale sockets of a project. Changes nothing. On a clean
 * machine that is one round of two programs; costlier ones run only when there is a reason.
 *
 * @throws {UsageError} for a malformed registry address
 */
export async function findLeaks(
  host: Host,
  project: Project,
  options: FindLeaksOptions = {},
): Promise<LeakReport> {
  const addresses = options.registries ?? project.configuration.registries;
  for (const address of addresses) parseRegistryAddress(address);
  if (host.platform !== "linux") return notSupported(addresses);
  const scene = await survey(host, project, addresses, options);
  const { judged, processes, sockets } = scene;
  const below = options.parent === undefined ? null : processes.below(options.parent);
  const listed = judged.filter((process) =>
    process.uid === host.uid() && isListed(process) && (below?.has(process.pid) ?? true)
  );
  const skipped = sockets.filter(isNoneOfOurs);
  // A stale socket does not say whose process made it.
  const relevant = below === null ? sockets.filter((socket) => !skipped.includes(socket)) : [];
  // Both before the named process is examined, which may read more.
  const areAsked = project.profile === "tractor" || addresses.length > 0;
  const [abandoned, unknowns] = [abandonedOf(processes), unknownsOf(scene, areAsked)];
  const report = {
    registries: scene.registries,
    actors: await withPorts(host, listed),
    sockets: relevant,
    refused: [
      ...scene.socketFiles.refused,
      ...await processes.refused(),
      ...foreignOf(host, scene),
      ...openOf([...listed, ...judged.filter(isWoken)]),
      ...[...skipped, ...relevant.filter(({ verdict }) => verdict === "unknown")]
        .map(({ path, evidence }) => ({ path, reason: evidence.join("; ") })),
    ],
    ...(options.pid === undefined ? {} : await named(options.pid, scene)),
    abandoned,
    ...(below === null ? {} : { below: [...below] }),
    liveRun: liveRunOf(scene),
    unknowns,
  };
  return { clean: isClean(report, judged), ...report };
}

function notSupported(addresses: readonly string[]): LeakReport {
  return {
    clean: null,
    registries: addresses.map((address) => ({ address, bound: null, holders: [] })),
    ...{ actors: [], sockets: [], refused: [], liveRun: null },
    unknowns: ["not supported on this platform"],
  };
}

/** What was found, before it is sorted into a report. */
interface Scene {
  readonly processes: ProcessSurvey;
  /** Pids whose command lines called for details. */
  readonly candidates: readonly number[];
  readonly judged: readonly Judged[];
  readonly holders: SocketList<TcpListener>;
  readonly registries: readonly RegistryReport[];
  readonly socketFiles: SocketFiles;
  readonly sockets: readonly SocketReport[];
}

async function survey(
  host: Host,
  project: Project,
  addresses: readonly string[],
  options: FindLeaksOptions,
): Promise<Scene> {
  const processes = new ProcessSurvey(host, project, options.isHook);
  const first = options.firstScan ?? startFirstScan(host, options.processes);
  const [listeners, candidates, socketFiles] = await Promise.all([
    first.listeners,
    candidatesOf(processes, first),
    listSocketFiles(host, project),
  ]);
  const isHeld = addresses.some((address) => rowsAt(address, listeners).length > 0);
  const [holders, sockets] = await Promise.all([
    isHeld ? listTcpListeners(host, true) : listeners,
    judgeSockets(host, socketFiles),
    processes.readDetails(candidates),
  ]);
  const pids = addresses.flatMap((address) => holdersAt(address, holders));
  const others = [...pids, ...(options.pid === undefined ? [] : [options.pid])];
  await processes.readDetails(others);
  const judged = await processes.judge([...new Set([...candidates, ...others])]);
  const registries = addresses.map((address) => ({
    address,
    bound: isBound(address, holders),
    holders: holdersAt(address, holders).map((pid) => reportOf(pid, judged, processes)),
  }));
  return { processes, candidates, judged, holders, registries, socketFiles, sockets };
}

async function candidatesOf(processes: ProcessSurvey, first: FirstScan): Promise<number[]> {
  const pids = await processes.candidates(await first.processes);
  return [...new Set([...pids, ...processes.mark(await first.marks)])];
}

async function judgeSockets(host: Host, { paths }: SocketFiles): Promise<SocketReport[]> {
  return paths.length > 0 ? await judgeSocketFiles(host, paths, await listUnixSockets(host)) : [];
}

function rowsAt(address: string, { rows }: SocketList<TcpListener>): TcpListener[] {
  const parsed = parseRegistryAddress(address);
  return rows.filter((row) => occupies(row, parsed));
}

function holdersAt(address: string, listeners: SocketList<TcpListener>): number[] {
  return [...new Set(rowsAt(address, listeners).flatMap((row) => row.pids))];
}

function isBound(address: string, listeners: SocketList<TcpListener>): boolean | null {
  if (rowsAt(address, listeners).length > 0) return true;
  return listeners.failure !== null || listeners.rejected > 0 ? null : false;
}

/** The process that a user named, and what is below it. */
async function named(
  pid: number,
  { judged, processes }: Scene,
): Promise<Pick<LeakReport, "named" | "tree">> {
  if (!processes.isAlive(pid)) return { named: null, tree: [] };
  const isPytest = judged.some((process) => process.pid === pid && process.kind.isPytest) ||
    processes.abandoned.has(pid);
  const below = await processes.descendantsToEnd(pid, isPytest);
  return { named: reportOf(pid, judged, processes), tree: below.map(plain) };
}

/** Candidates that belong to other users. */
function foreignOf(host: Host, { candidates, judged, processes }: Scene): Refusal[] {
  return candidates.flatMap((pid) => {
    const { uid = null } = processes.row(pid) ?? {};
    const isForeign = uid !== null && uid !== host.uid() &&
      judged.find((process) => process.pid === pid)?.ours !== false;
    return isForeign ? [{ pid, reason: `belongs to uid ${uid}; not touched` }] : [];
  });
}

/** Processes that may be leaked, and why they are left alone. */
function openOf(judged: readonly Judged[]): Refusal[] {
  return judged.filter(({ verdict }) => verdict === "unknown")
    .map(({ pid, evidence }) => ({ pid, reason: evidence[0] ?? "unknown" }));
}

function abandonedOf(processes: ProcessSurvey): NonNullable<LeakReport["abandoned"]> {
  return [...processes.abandoned].flatMap(([pid, { runId }]) =>
    processes.isAlive(pid) ? [{ pid, title: processes.row(pid)!.args, runId: runId ?? "" }] : []
  );
}

/** The live pytest of this project that holds a registry. */
function liveRunOf({ judged, processes, registries }: Scene): LeakReport["liveRun"] {
  const holders = registries.flatMap((registry) => registry.holders.map(({ pid }) => pid));
  const run = judged.find(({ isOfLiveRun, pid }) => isOfLiveRun && holders.includes(pid));
  const pytest = run && processes.row(run.pytest ?? run.pid);
  return pytest ? { pid: pytest.pid, title: pytest.args } : null;
}

/** @param areAsked whether anything depends on who listens where */
function unknownsOf({ holders, processes, socketFiles }: Scene, areAsked: boolean): string[] {
  const unreadable = socketFiles.refused.filter(({ reason }) => !reason.includes("not absolute"));
  return [
    ...new Set([
      ...(holders.failure === null || !areAsked ? [] : [holders.failure]),
      ...(holders.rejected > 0 && areAsked
        ? [`${holders.rejected} rows of "ss" can't be read`]
        : []),
      ...processes.failures,
      ...unreadable.map(({ path, reason }) => `${path}: ${reason}`),
    ]),
  ];
}

/** Processes as they are listed. What they listen on is read only if one may be leaked: that lists
 * all open files. */
async function withPorts(host: Host, judged: readonly Judged[]): Promise<ListedProcess[]> {
  const isAsked = judged.some(({ verdict }) => verdict !== "in-use");
  const why = "on what leaked processes listen";
  const pids = isAsked ? judged.map(({ pid }) => pid) : [];
  const sockets = await listSocketsOf(host, pids, why);
  return judged.map((process) => ({
    ...plain(process),
    kind: wordFor(process.kind),
    test: process.test,
    runner: process.runner,
    ...listensOf(process.pid, sockets),
  }));
}

function wordFor({ helper, isPytest, signature }: Kind): ListedProcess["kind"] {
  return signature ? "actor" : isPytest ? "pytest" : helper ? "helper" : "process";
}

function reportOf(pid: number, judged: readonly Judged[], processes: ProcessSurvey): JudgedProcess {
  const known = judged.find((process) => process.pid === pid);
  if (known) return plain(known);
  const row = processes.row(pid);
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
