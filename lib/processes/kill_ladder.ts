import { escapeText } from "../base/escape.ts";
import type { Host, Signal } from "../system/host.ts";
import { sendSignal, signalTarget } from "../system/programs/kill.ts";
import { type ProcessFiles, type Read, readProcessFiles } from "../system/programs/proc.ts";
import { listProcesses } from "../system/programs/ps.ts";
import type { Printer } from "../terminal/printer.ts";
import { Forest } from "./forest.ts";
import {
  type NamedProcess,
  type Process,
  type ProcessIdentity,
  processOf,
  type Refusal,
} from "./process.ts";

/** A process that ended, and the signal after which it did. */
export interface KilledProcess {
  readonly pid: number;
  readonly by: "SIGINT" | "SIGKILL";
}

/** How processes ended, see {@linkcode endTree}. */
export interface EndedTree {
  /** Those that ended; one that was gone before any signal is not among them. */
  readonly killed: readonly KilledProcess[];
  /** Those that were not signalled, or that are still there, and why. */
  readonly refused: readonly Refusal[];
  /** Whether any of them is still there. */
  readonly survivors: boolean;
}

/** Milliseconds that the kernel gets to end a process after SIGKILL. */
const KILL_WAIT_MS = 2_000;
/** Milliseconds between checks: short at first, since most actors end at once. */
const CHECKS_MS = [30, 60, 100, 150, 300];

/**
 * The processes of a tree: the root and all below it, parents first; empty where processes can't be
 * listed.
 *
 * @param earlier processes of the same tree that were seen before: those that still live belong to
 *   it with all below them, whoever has adopted them since
 */
export async function treeOf(
  host: Host,
  rootPid: number | null,
  earlier: readonly Pick<ProcessIdentity, "pid" | "startTicks">[] = [],
): Promise<Process[]> {
  const forest = new Forest((await listProcesses(host)).processes);
  const startOf = new Map(earlier.map(({ pid, startTicks }) => [pid, startTicks]));
  const adopted = (await identify(host, [...startOf.keys()]))
    .filter((process) => process.startTicks === startOf.get(process.pid));
  const roots = [...(rootPid === null ? [] : [rootPid]), ...adopted.map(({ pid }) => pid)];
  return await identify(host, forest.withDescendants(roots).filter((pid) => pid !== host.pid));
}

async function identify(host: Host, pids: readonly number[]): Promise<Process[]> {
  const { rows } = await readIdentities(host, pids, "who these processes are");
  return [...rows.values()].filter((row) => row.state !== "Z").map(processOf);
}

/**
 * Ends exactly these processes: SIGINT (and SIGCONT to a stopped one), a bounded wait, SIGKILL for
 * the rest. Right before each signal the process is identified again (pid, start, user); one that
 * is another process by now, or can't be identified, gets none.
 *
 * @param options.graceSeconds how long they may take after SIGINT; the wait ends as soon as they
 *   are gone
 */
export async function endTree(
  host: Host,
  printer: Printer,
  targets: readonly NamedProcess[],
  options: { readonly graceSeconds: number },
): Promise<EndedTree> {
  return await new KillLadder(host, printer).end(targets, options.graceSeconds * 1000);
}

/** A target that has not ended. */
interface Survivor {
  readonly target: NamedProcess;
  /** Null where it can't be read. */
  readonly state: string | null;
}

class KillLadder {
  readonly #killed: KilledProcess[] = [];
  readonly #refused: Refusal[] = [];

  constructor(private readonly host: Host, private readonly printer: Printer) {}

  async end(targets: readonly NamedProcess[], graceMs: number): Promise<EndedTree> {
    const interrupted = await this.#signalAll(targets, "SIGINT");
    const stubborn = await this.#waitUntilGone(interrupted, graceMs, "SIGINT");
    if (stubborn.length > 0) await this.#killAll(stubborn.map(({ target }) => target));
    const survivors = await this.#stillThere(targets.filter(({ pid }) => this.#isRefused(pid)));
    await this.#reportUncollected(targets);
    return { killed: this.#killed, refused: this.#refused, survivors: survivors.length > 0 };
  }

  /** Signals each target that is still the same process, and returns those that got the signal. */
  async #signalAll(targets: readonly NamedProcess[], signal: Signal): Promise<NamedProcess[]> {
    const isSent = await Promise.all(targets.map((target) => this.#signal(target, signal)));
    return targets.filter((_, index) => isSent[index]);
  }

  async #signal(target: NamedProcess, signal: Signal): Promise<boolean> {
    const { host } = this;
    const recipient = await signalTarget(host, target.pid);
    const now = await identifyAgain(host, target);
    if (now === "gone") return false;
    if (typeof now === "string") return this.#refuse(target.pid, now);
    const outcome = await sendSignal(host, recipient, signal);
    if (typeof outcome === "object") return this.#refuse(target.pid, outcome.refused);
    if (outcome === "gone") return false;
    const isStopped = /[Tt]/.test(now.state);
    if (signal === "SIGINT" && isStopped) await sendSignal(host, recipient, "SIGCONT");
    this.printer.note(`${signal} ${target.pid} ${escapeText(target.args)}`);
    return true;
  }

  async #killAll(targets: readonly NamedProcess[]): Promise<void> {
    this.printer.note("graceful teardown timed out — escalating to SIGKILL");
    const killed = await this.#signalAll(targets, "SIGKILL");
    // Those that ended between the last check and SIGKILL did so by SIGINT.
    const late = targets.filter((one) => !killed.includes(one) && !this.#isRefused(one.pid));
    for (const { pid } of late) this.#killed.push({ pid, by: "SIGINT" });
    for (const { target, state } of await this.#waitUntilGone(killed, KILL_WAIT_MS, "SIGKILL")) {
      const still = state === "D"
        ? "still in D after SIGKILL"
        : `still there after SIGKILL (state ${state ?? "unknown"})`;
      this.#refuse(target.pid, still);
    }
  }

  /** Waits until all have ended, or the time is over; returns those that have not. */
  async #waitUntilGone(
    targets: readonly NamedProcess[],
    milliseconds: number,
    by: KilledProcess["by"],
  ): Promise<Survivor[]> {
    const { clock } = this.host;
    const deadline = clock.monotonic() + milliseconds;
    let waiting = targets;
    for (let check = 0;; check++) {
      const alive = await this.#stillThere(waiting);
      const left = alive.map(({ target }) => target);
      for (const one of waiting) if (!left.includes(one)) this.#killed.push({ pid: one.pid, by });
      waiting = left;
      const remaining = deadline - clock.monotonic();
      if (waiting.length === 0 || remaining <= 0) return alive;
      await clock.sleep(Math.min(remaining, CHECKS_MS[check] ?? CHECKS_MS.at(-1)!));
    }
  }

  /** The targets that still run, also as long as that can't be read; a zombie does not. */
  async #stillThere(targets: readonly NamedProcess[]): Promise<Survivor[]> {
    const rows = await this.#sameProcesses(targets);
    if (rows === null) return targets.map((target) => ({ target, state: null }));
    return targets.flatMap((target) => {
      const row = rows.get(target.pid);
      return row && row.state !== "Z" ? [{ target, state: row.state }] : [];
    });
  }

  /** A zombie waits for its parent; this program collects its own children by itself. */
  async #reportUncollected(targets: readonly NamedProcess[]): Promise<void> {
    const rows = [...await this.#sameProcesses(targets).then((same) => same?.values() ?? [])];
    const zombies = rows.filter((row) => row.state === "Z" && row.ppid !== this.host.pid);
    for (const [parent, children] of Map.groupBy(zombies, (row) => row.ppid)) {
      const pids = children.map((row) => row.pid).join(", ");
      const [have, them] = children.length === 1 ? ["has", "it"] : ["have", "them"];
      this.printer.note(
        `pid ${pids} ${have} ended; the parent, pid ${parent}, has not collected ${them} yet`,
      );
    }
  }

  /** The rows of those targets whose pid is still theirs; null if that can't be read. */
  async #sameProcesses(
    targets: readonly NamedProcess[],
  ): Promise<Map<number, ProcessFiles> | null> {
    const pids = targets.map(({ pid }) => pid);
    const { rows, failure } = await readIdentities(this.host, pids, "have they ended");
    if (failure !== null) return null;
    const same = targets.filter(({ pid, startTicks }) => rows.get(pid)?.startTicks === startTicks);
    return new Map(same.map(({ pid }) => [pid, rows.get(pid)!]));
  }

  #isRefused(pid: number): boolean {
    return this.#refused.some((refusal) => refusal.pid === pid);
  }

  #refuse(pid: number, reason: string): false {
    this.#refused.push({ pid, reason });
    return false;
  }
}

/** The process as it is now, if it is still the one that is meant; else why it gets no signal. */
async function identifyAgain(host: Host, target: ProcessIdentity): Promise<ProcessFiles | string> {
  const { pid, uid, startTicks } = target;
  if (pid <= 1 || pid === host.pid) return "never signalled";
  if (startTicks === null) return "identity unknown";
  const { rows, failure } = await readIdentities(host, [pid], "is it still the same process");
  if (failure !== null) return `identity unknown: ${failure}`;
  const now = rows.get(pid);
  if (!now || now.state === "Z" || now.state === "X") return "gone";
  if (now.startTicks !== startTicks) return `pid ${pid} is now another process; skipped`;
  if (now.uid !== host.uid() || now.uid !== uid) return `belongs to uid ${now.uid}; not touched`;
  return now;
}

async function readIdentities(
  host: Host,
  pids: readonly number[],
  why: string,
): Promise<Read<ProcessFiles>> {
  return await readProcessFiles(host, pids, { mapped: false, why });
}
