import type { EventOf, PytestEvent, SessionPurpose } from "./events.ts";
import type { Item } from "./work.ts";

/** Clock ticks per second that Linux shows to programs. */
const TICKS = 100;
/** The clocks differ by up to so many seconds: near the start of a test they decide nothing. */
const CLOCK_SECONDS = 0.005;

/** A test that runs, and the seconds since it began; since its teardown began, where it has. */
export interface RunningFor {
  readonly id: string;
  readonly seconds: number;
  readonly teardownSeconds?: number;
}

/** What interrupted pytest: the error's class and text, and the test that ran then. */
export interface Interruption {
  readonly error: string;
  readonly message: string;
  readonly test: string | null;
}

/** What is known of one pytest of a run besides its results. Times in seconds since the epoch. */
export class SessionModel {
  purpose: SessionPurpose | null = null;
  /** As pytest itself sees it; null before it began. */
  pid: number | null = null;
  /** It has begun, and its collection has not ended. */
  collecting = true;
  /** pytest's exit status as the session reported it; null if it has not finished. */
  exitStatus: number | null = null;
  /** What interrupted it first. */
  interruption: Interruption | null = null;
  /** An error of pytest itself, or else one that nothing caught after its session. */
  error: string | null = null;
  /** Tests that began and did not end, with the time at which they began. */
  readonly running = new Map<string, number>();
  /** The test that left a child of pytest behind, by the pid under which pytest knows it. */
  readonly leftBy = new Map<number, string>();
  /** Places in the queue that it claimed. */
  readonly claimed: number[] = [];
  /** Tests ran at the same time, as with pytest-xdist: then times say nothing. */
  isParallel = false;
  /** Running tests that are in their teardown, with the time at which it began. */
  readonly #teardowns = new Map<string, number>();
  readonly #items: Item[] = [];
  /** When it had collected, and when it took its first test; null: not yet, or without a queue. */
  #waitedFrom: number | null = null;
  #waitedUntil: number | null = null;
  /** How many reports and collections failed, and how many pytest itself counts as failed. */
  #failed = 0;
  #countedFailed: number | null = null;
  /** When the kernel's clock for starts of processes was 0; null where unknown. */
  #booted: number | null = null;
  readonly #starts: { readonly id: string; readonly time: number }[] = [];

  /** @param began and `latest`: times of its first and its last event */
  constructor(readonly name: string, readonly began: number, public latest: number = began) {}

  /** Takes an event of this session. */
  apply(event: PytestEvent): void {
    this.latest = event.time;
    switch (event.event) {
      case "session-begin":
        this.purpose = event.purpose;
        break;
      case "session-start":
        this.pid = event.pid;
        this.collecting = true;
        this.exitStatus = null;
        this.#booted = event.booted ?? null;
        break;
      case "collected":
        this.collecting = false;
        break;
      case "items":
        for (const item of event.items) this.#items.push(item);
        if (event.last) this.#waitedFrom ??= event.time;
        break;
      case "claimed":
        this.claimed.push(event.index);
        this.#waitedUntil ??= event.time;
        break;
      case "collection-error":
        this.#failed++;
        break;
      case "test-start":
        this.#end(event.id);
        this.running.set(event.id, event.time);
        this.isParallel ||= this.running.size > 1;
        this.#starts.push({ id: event.id, time: event.time });
        break;
      case "report":
        if (event.outcome === "failed") this.#failed++;
        this.#onPhase(event);
        break;
      case "timeout":
      case "crash":
        this.#end(event.id);
        break;
      case "children":
        for (const pid of event.pids) this.leftBy.set(pid, event.id);
        break;
      case "interrupted": {
        const { error, message } = event;
        const test = [...this.running.keys()][0] ?? null;
        this.interruption ??= { error: error ?? "", message, test };
        break;
      }
      case "internal-error":
      case "uncaught":
        this.error ??= event.message;
        break;
      case "session-finish":
        this.exitStatus = event.exitStatus;
        this.#countedFailed = event.failed ?? null;
        break;
    }
  }

  /** A report comes at the end of its phase; a test that is run again has no start of its own. */
  #onPhase({ id, phase, outcome, time }: EventOf<"report">): void {
    if (phase === "teardown") return this.#end(id);
    if (phase === "setup" && !this.running.has(id)) this.running.set(id, time);
    if (this.running.has(id) && (phase === "call" || outcome !== "passed")) {
      this.#teardowns.set(id, time);
    }
  }

  #end(id: string): void {
    this.running.delete(id);
    this.#teardowns.delete(id);
  }

  /** The running tests, and for how long; `teardownSeconds` of those in their teardown. */
  runningFor(now: number): RunningFor[] {
    const seconds = (since: number) => Math.max(0, now - since);
    return [...this.running].map(([id, since]) => {
      const teardown = this.#teardowns.get(id);
      const more = teardown === undefined ? {} : { teardownSeconds: seconds(teardown) };
      return { id, seconds: seconds(since), ...more };
    });
  }

  /** All tests that it collected; null before it has reported all of them. */
  get items(): readonly Item[] | null {
    return this.#waitedFrom === null ? null : this.#items;
  }

  /** The test that runs, the one that began last where several do; between tests the one before. */
  get runningTest(): string | null {
    return [...this.running.keys()].at(-1) ?? this.#starts.at(-1)?.id ?? null;
  }

  /**
   * Whether it did anything in a span of time. Between its collection and its first test one that
   * has a queue only waits.
   */
  wasBusy(from: number, to: number): boolean {
    const onlyWaited = this.#waitedFrom !== null && this.#waitedFrom <= from &&
      (this.#waitedUntil === null || to <= this.#waitedUntil);
    return this.began < to && from < this.latest && !onlyWaited;
  }

  /** Whether it has collected and waits until it is given its first test. */
  get isWaiting(): boolean {
    return this.#waitedFrom !== null && this.#waitedUntil === null && this.exitStatus === null;
  }

  /** Whether tests or collections failed in it, and pytest counts no others as failed. */
  get hasFailures(): boolean {
    return this.#failed > 0 && (this.#countedFailed ?? 0) <= this.#failed;
  }

  /**
   * The test that ran when a process started; null before the first test. A process is often seen
   * only when the next test runs.
   *
   * @param startTicks clock ticks from boot to its start
   * @param guess the answer where the time does not decide
   */
  testAt(startTicks: number | null, guess: string | null): string | null {
    if (startTicks === null || this.#booted === null || this.isParallel) return guess;
    const earliest = this.#booted + startTicks / TICKS - CLOCK_SECONDS;
    const latest = this.#booted + (startTicks + 1) / TICKS + CLOCK_SECONDS;
    const last = this.#starts.findLastIndex((start) => start.time <= latest);
    const first = this.#starts.findLastIndex((start) => start.time <= earliest);
    const within = this.#starts.slice(Math.max(0, first), last + 1).map((start) => start.id);
    return within.find((id) => id === guess) ?? within.at(-1) ?? null;
  }
}
