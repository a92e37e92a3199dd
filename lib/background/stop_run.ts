import { dirname } from "@std/path";
import type { Host, Signal } from "../system/host.ts";
import { sendSignal, signalTarget } from "../system/programs/kill.ts";
import { judged, type KnownRun, type RunWatch } from "./known_runs.ts";

/**
 * The signals that a run is told to end by, in order. In the background they are Ctrl-C, and Ctrl-C
 * once more. At a terminal a run takes SIGINT for the terminal's, which has reached pytest too;
 * SIGTERM it passes on.
 */
const SIGNALS = {
  background: ["SIGINT", "SIGINT", "SIGTERM"],
  foreground: ["SIGTERM", "SIGTERM", "SIGINT"],
} as const satisfies Record<
  string,
  readonly Signal[]
>;

/** What became of a run that was told to end. */
export interface Stopped {
  readonly signalled: readonly Signal[];
  /** Why it was not signalled; null if it was, or was over. */
  readonly refused: string | null;
}

/**
 * Tells a run to end, and waits. Its process is identified again right before each signal; one that
 * can't be gets none, and it is never killed: the run itself ends what it started.
 *
 * @param graceSeconds how long to wait after each signal
 * @param onSignal is told of each signal that was sent
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
    const whom = await signalTarget(host, pid);
    const now = await again(host, watch.run);
    watch.run = now;
    if (!watch.isUnderWay) break;
    if (now.state === "unknown") {
      return { signalled, refused: `whether pid ${pid} is that run can't be seen from here` };
    }
    const outcome = await sendSignal(host, whom, signal);
    if (typeof outcome === "object") return { signalled, refused: outcome.refused };
    if (outcome === "sent") {
      signalled.push(signal);
      onSignal(signal);
    }
    const deadline = host.clock.monotonic() + graceSeconds * 1000;
    while (watch.isUnderWay && host.clock.monotonic() < deadline) await watch.look();
  }
  return { signalled, refused: null };
}

async function again(host: Host, run: KnownRun): Promise<KnownRun> {
  const [now] = await judged(host, dirname(run.directory), [run.record.runId]);
  return now ?? { ...run, state: "died" };
}
