import type { PytestEvent } from "./events.ts";

/** Clock ticks in a second, as Linux counts them for everybody outside of the kernel. */
const TICKS = 100;
/**
 * Seconds around the start of a test in which the clocks don't say on which side of it a process
 * started.
 */
const VAGUE_SECONDS = 0.005;

/**
 * Which test ran when a process started. What is known of a process may come long after: the test
 * that runs by then is often the next one.
 */
export class TestClock {
  /**
   * Seconds since the epoch at which the kernel's clock for starts of processes was 0; null where
   * no session has said so.
   */
  #booted: number | null = null;
  readonly #starts: { readonly id: string; readonly time: number }[] = [];
  readonly #running = new Set<string>();
  /** Tests ran at the same time, as the workers of pytest-xdist do: then the time says nothing. */
  #isParallel = false;

  /** Gets the events of one session. */
  add(event: PytestEvent): void {
    if (event.event === "session-start") this.#booted = event.booted ?? null;
    if (event.event === "report" && event.phase === "teardown") this.#running.delete(event.id);
    if (event.event !== "test-start") return;
    this.#running.add(event.id);
    this.#isParallel ||= this.#running.size > 1;
    this.#starts.push({ id: event.id, time: event.time });
  }

  /**
   * The test that ran when a process started; null before the first one.
   *
   * @param startTicks clock ticks from boot to its start
   * @param guess what counts where the time does not decide
   */
  at(startTicks: number | null, guess: string | null): string | null {
    if (startTicks === null || this.#booted === null || this.#isParallel) return guess;
    const earliest = this.#booted + startTicks / TICKS - VAGUE_SECONDS;
    const latest = this.#booted + (startTicks + 1) / TICKS + VAGUE_SECONDS;
    const last = this.#starts.findLastIndex((start) => start.time <= latest);
    const first = this.#starts.findLastIndex((start) => start.time <= earliest);
    const within = this.#starts.slice(Math.max(0, first), last + 1).map((start) => start.id);
    return within.find((id) => id === guess) ?? within.at(-1) ?? null;
  }
}
