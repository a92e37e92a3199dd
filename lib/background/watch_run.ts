import { dirname } from "@std/path";
import type { Host, Signal } from "../system/host.ts";
import { sendSignal, signalTarget } from "../system/programs/kill.ts";
import { type KnownRun, livesOf, runFileIn, runsNamed } from "./known_runs.ts";
import { isUnderWay } from "./rules_run_file.ts";

/** Milliseconds between reads of a run's record, and between checks of its process. */
const INTERVAL_MS = { record: 100, process: 1_000 } as const;
/** Milliseconds that the process of a run may take to exit after it has recorded its end. */
const EXIT_MS = 2_000;

/**
 * Follows a run until it is over. Its record is read often, which is cheap; its process is checked
 * rarely, which takes a program.
 */
export class RunWatch {
  #processSeen: number;

  constructor(private readonly host: Host, public run: KnownRun) {
    this.#processSeen = host.clock.monotonic();
  }

  get isUnderWay(): boolean {
    return isUnderWay(this.run.state);
  }

  /** Waits a moment, then reads the state of the run again. */
  async next(signal?: AbortSignal): Promise<void> {
    const { clock } = this.host;
    await clock.sleep(INTERVAL_MS.record, signal);
    if (clock.monotonic() - this.#processSeen >= INTERVAL_MS.process) {
      this.#processSeen = clock.monotonic();
      return await this.refresh();
    }
    const { directory, state } = this.run;
    const record = await runFileIn(this.host, directory);
    if (record === null) return;
    const hasBegun = state === "waiting" && !record.waiting;
    const now = record.end !== null ? "finished" : hasBegun ? "running" : state;
    this.run = { directory, record, state: now };
  }

  /** Reads the record of the run and checks its process. */
  async refresh(): Promise<void> {
    const { directory, record: { runId } } = this.run;
    const [run] = await runsNamed(this.host, dirname(directory), [runId]);
    // A run that was pruned is over.
    this.run = run ?? { ...this.run, state: "died" };
  }

  /** Waits until the process of a finished run has exited: its last output comes before that. */
  async untilExit(): Promise<void> {
    const { host, run: { record: { identity } } } = this;
    const deadline = host.clock.monotonic() + EXIT_MS;
    while (identity !== null && host.clock.monotonic() < deadline) {
      const lives = await livesOf(host, [identity], "whether that run's process has exited");
      if (lives(identity) !== "alive") break;
      await host.clock.sleep(INTERVAL_MS.record / 2);
    }
  }
}

/**
 * The signals that end a run, in order. A background run takes SIGINT as Ctrl-C. At a terminal a
 * run leaves SIGINT to pytest, which the terminal interrupts too, but passes SIGTERM on.
 */
const SIGNALS = {
  background: ["SIGINT", "SIGINT", "SIGTERM"],
  foreground: ["SIGTERM", "SIGTERM", "SIGINT"],
} as const satisfies Record<string, readonly Signal[]>;

/** What {@linkcode stopRun} did. */
export interface Stopped {
  readonly signalled: readonly Signal[];
  /** Why it was not signalled; null if it was, or was over. */
  readonly refused: string | null;
}

/**
 * Signals a run to end, and waits. Its process is identified again right before each signal, and
 * gets none where that is not possible. It is never killed: the run itself ends its processes.
 *
 * @param graceSeconds how long to wait after each signal
 * @param onSignal called for each signal that was sent
 */
export async function stopRun(
  host: Host,
  watch: RunWatch,
  graceSeconds: number,
  onSignal: (signal: Signal) => void,
): Promise<Stopped> {
  const signalled: Signal[] = [];
  for (const signal of SIGNALS[watch.run.record.background ? "background" : "foreground"]) {
    if (!watch.isUnderWay) break;
    const { pid } = watch.run.record;
    const target = await signalTarget(host, pid);
    await watch.refresh();
    if (!watch.isUnderWay) break;
    if (watch.run.state === "unknown") {
      return { signalled, refused: `can't see from here whether pid ${pid} is that run` };
    }
    const outcome = await sendSignal(host, target, signal);
    if (typeof outcome === "object") return { signalled, refused: outcome.refused };
    if (outcome === "sent") {
      signalled.push(signal);
      onSignal(signal);
    }
    const deadline = host.clock.monotonic() + graceSeconds * 1000;
    while (watch.isUnderWay && host.clock.monotonic() < deadline) await watch.next();
  }
  return { signalled, refused: null };
}
