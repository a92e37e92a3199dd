import { descendantsOf } from "./forest.ts";
import type { ProcessIdentity, Refusal } from "./process.ts";
import { escapeText } from "../base/escape.ts";
import type { Host, Signal } from "../system/host.ts";
import { sendSignal, signalTarget } from "../system/programs/kill.ts";
import { type ProcessFiles, readProcessFiles } from "../system/programs/proc.ts";
import { listProcesses } from "../system/programs/ps.ts";
import type { Printer } from "../terminal/printer.ts";

/** How processes ended, see {@linkcode endTree}. */
export interface EndedTree {
  /**
   * Those that ended, and the signal after which they did; one that was gone before any signal is
   * not among them.
   */
  readonly killed: readonly { readonly pid: number; readonly by: "SIGINT" | "SIGKILL" }[];
  /** Those that were not signalled, or that are still there, and why. */
  readonly refused: readonly Refusal[];
  /** Whether any of them is still there. */
  readonly survivors: boolean;
}

/** Milliseconds that the kernel gets to end what was sent SIGKILL. */
const KILL_WAIT_MS = 2_000;
/** Milliseconds between looks: short at first, since most actors end at once. */
const LOOKS_MS = [30, 60, 100, 150, 300];

/**
 * The processes of a tree: the root and all below it, parents first.
 *
 * @param earlier identities of the same tree that were seen before: those that still live are
 *   part of it too, with all below them,
 *   whoever has adopted them since
 * @returns nothing where the processes can't be listed
 */
export async function treeOf(
  host: Host,
  rootPid: number | null,
  earlier: readonly ProcessIdentity[] = [],
): Promise<ProcessIdentity[]> {
  const { processes } = await listProcesses(host);
  const forest = new Map(processes.map((row) => [row.pid, row]));
  const known = new Map(earlier.map((identity) => [identity.pid, identity]));
  const adopted = (await identify(host, earlier.map((identity) => identity.pid)))
    .filter((identity) => identity.startTicks === known.get(identity.pid)?.startTicks);
  const roots = [
    ...(rootPid === null ? [] : [rootPid]),
    ...adopted.map((identity) => identity.pid),
  ];
  const pids = new Set(roots.flatMap((pid) => [pid, ...descendantsOf(pid, forest)]));
  pids.delete(host.pid);
  return await identify(host, [...pids]);
}

async function identify(host: Host, pids: readonly number[]): Promise<ProcessIdentity[]> {
  const { rows } = await readProcessFiles(host, pids, {
    mapped: false,
    why: "who these processes are",
  });
  return [...rows.values()].filter((row) => row.state !== "Z").map(identityOf);
}

/** What a process is known by. */
export function identityOf(
  { pid, ppid, uid, startTicks, state, argv, comm }: ProcessFiles,
): ProcessIdentity {
  return { pid, ppid, uid, startTicks, state, title: argv?.join(" ") ?? comm };
}

/**
 * Ends exactly these processes: SIGINT (and SIGCONT to one that is stopped), a bounded wait,
 * SIGKILL for what is left. Right before each signal the process is identified again (pid, start,
 * user); one that is another by now, or can't be identified, gets none.
 *
 * @param options.graceSeconds how long they may take after SIGINT; the wait ends as soon as they
 *   are gone
 */
export async function endTree(
  host: Host,
  printer: Printer,
  identities: readonly ProcessIdentity[],
  options: { readonly graceSeconds: number },
): Promise<EndedTree> {
  const killed: { pid: number; by: "SIGINT" | "SIGKILL" }[] = [];
  const refused: Refusal[] = [];
  const uid = host.uid();
  let waiting: ProcessIdentity[] = [];

  const refuse = (pid: number, reason: string) => void refused.push({ pid, reason });
  const signalAll = async (
    targets: readonly ProcessIdentity[],
    signal: Signal,
  ): Promise<ProcessIdentity[]> => {
    const sent = await Promise.all(targets.map(async (target) => {
      const whom = await signalTarget(host, target.pid);
      const now = await identifyAgain(host, target, uid);
      if (now === "gone") return [];
      if (typeof now === "string") return refuse(target.pid, now), [];
      const outcome = await sendSignal(host, whom, signal);
      if (typeof outcome === "object") return refuse(target.pid, outcome.refused), [];
      if (outcome === "gone") return [];
      if (signal === "SIGINT" && /[Tt]/.test(now.state)) await sendSignal(host, whom, "SIGCONT");
      printer.note(`${signal} ${target.pid} ${escapeText(target.title)}`);
      return [target];
    }));
    return sent.flat();
  };
  const untilGone = async (
    milliseconds: number,
    by: "SIGINT" | "SIGKILL",
  ): Promise<ProcessFiles[]> => {
    const deadline = host.clock.monotonic() + milliseconds;
    for (let look = 0;; look++) {
      const alive = await stillThere(host, waiting);
      const ended = waiting.filter((target) => !alive.some((row) => row.pid === target.pid));
      for (const { pid } of ended) killed.push({ pid, by });
      waiting = waiting.filter((target) => !ended.includes(target));
      const left = deadline - host.clock.monotonic();
      if (waiting.length === 0 || left <= 0) return alive;
      await host.clock.sleep(Math.min(left, LOOKS_MS[look] ?? LOOKS_MS.at(-1)!));
    }
  };

  waiting = await signalAll(identities, "SIGINT");
  await untilGone(options.graceSeconds * 1000, "SIGINT");
  if (waiting.length > 0) {
    printer.note("graceful teardown timed out — escalating to SIGKILL");
    const targets = waiting;
    waiting = await signalAll(targets, "SIGKILL");
    // Gone between the last look and SIGKILL: SIGINT did it.
    for (const { pid } of targets) {
      if (
        !waiting.some((target) => target.pid === pid) &&
        !refused.some((refusal) => refusal.pid === pid)
      ) killed.push({ pid, by: "SIGINT" });
    }
    for (const row of await untilGone(KILL_WAIT_MS, "SIGKILL")) {
      refuse(
        row.pid,
        row.state === "D"
          ? "still in D after SIGKILL"
          : `still there after SIGKILL (state ${row.state})`,
      );
    }
  }
  const survivors = await stillThere(
    host,
    identities.filter((target) => refused.some((refusal) => refusal.pid === target.pid)),
  );
  // Its own children this program collects by itself.
  const uncollected = await whichAre(
    host,
    identities,
    (row) => row.state === "Z" && row.ppid !== host.pid,
  );
  for (const [parent, rows] of Map.groupBy(uncollected ?? [], (row) => row.ppid)) {
    const [whom, what] = rows.length === 1 ? ["has", "it"] : ["have", "them"];
    printer.note(
      `pid ${
        rows.map((row) => row.pid).join(", ")
      } ${whom} ended; the parent, pid ${parent}, has not collected ${what} yet`,
    );
  }
  return { killed, refused, survivors: survivors.length > 0 };
}

/**
 * The process as it is right now, if it is still the one that is meant; else why it must not be
 * signalled.
 */
async function identifyAgain(
  host: Host,
  target: ProcessIdentity,
  uid: number | null,
): Promise<ProcessFiles | string> {
  if (target.pid <= 1 || target.pid === host.pid) return "never signalled";
  if (target.startTicks === null) return "identity unknown";
  const { rows, failure } = await readProcessFiles(host, [target.pid], {
    mapped: false,
    why: "is it still the same process",
  });
  if (failure !== null) return `identity unknown: ${failure}`;
  const now = rows.get(target.pid);
  if (!now || now.state === "Z" || now.state === "X") return "gone";
  if (now.startTicks !== target.startTicks) {
    return `pid ${target.pid} is now another process; skipped`;
  }
  if (now.uid !== uid || now.uid !== target.uid) return `belongs to uid ${now.uid}; not touched`;
  return now;
}

/**
 * Which of these still run; one that has ended but was not collected by its parent does not. Where
 * that can't be read, all of them.
 */
async function stillThere(
  host: Host,
  targets: readonly ProcessIdentity[],
): Promise<ProcessFiles[]> {
  return await whichAre(host, targets, (row) => row.state !== "Z") ?? targets.map(asFiles);
}

/** Those of the targets that are still the same process and fit; null if that can't be read. */
async function whichAre(
  host: Host,
  targets: readonly ProcessIdentity[],
  fits: (row: ProcessFiles) => boolean,
): Promise<ProcessFiles[] | null> {
  const { rows, failure } = await readProcessFiles(host, targets.map((target) => target.pid), {
    mapped: false,
    why: "have they ended",
  });
  if (failure !== null) return null;
  return targets.filter((target) => rows.get(target.pid)?.startTicks === target.startTicks).map((
    target,
  ) => rows.get(target.pid)!).filter(fits);
}

function asFiles(target: ProcessIdentity): ProcessFiles {
  const unread = { group: 0, session: 0, isForkedCopy: false, comm: "", argv: null, mapped: null };
  return {
    ...target,
    ...unread,
    innerPid: target.pid,
    depth: 1,
    startTicks: target.startTicks ?? 0,
    state: "?",
  };
}
