import type { Host } from "../../system/host.ts";
import type { Printer } from "../../terminal/printer.ts";
import type { Control } from "./control.ts";
import { type EngineRequest, testLimit } from "./engine_request.ts";
import { type Eviction, toHundredths } from "./ended_test.ts";
import type { RunProgress } from "./run_progress.ts";
import type { Session } from "./session.ts";
import { say } from "./show.ts";
import { SlowTests } from "./slow_tests.ts";

/**
 * Milliseconds between reads of the output of sessions: short while there is some, and while
 * sessions wait for the order of their tests.
 */
const POLL_MS = { planning: 15, busy: 30, idle: 60, quiet: 120 } as const;
/** Reads without output after which there will hardly be any soon. */
const IDLE_READS = 16;

/** Reads the output of the sessions of a run, and enforces the limits of single tests and exits. */
export class SessionWatch {
  /** The sessions that are being ended. */
  readonly evictions = new Map<Session, Eviction>();
  /** A pytest had finished and did not exit. */
  hungAtExit = false;
  readonly #finishedAt = new Map<Session, number>();
  readonly #slow: SlowTests;
  readonly #over = new AbortController();
  #polling: Promise<void> | null = null;
  #runLimit: Promise<void> | null = null;

  constructor(
    private readonly host: Host,
    private readonly printer: Printer,
    private readonly request: EngineRequest,
    private readonly progress: RunProgress,
    private readonly control: Control,
  ) {
    this.#slow = new SlowTests(host, request);
  }

  /**
   * Starts watching, once the first session runs: the first timer of a program takes longer than
   * starting a pytest.
   */
  startWatching(): void {
    if (this.#polling !== null) return;
    this.#polling = this.#poll().catch((error) => this.control.fail(error));
    this.control.inBackground(this.#runLimit = this.control.enforceRunLimit());
    this.request.hooks.onFirstSession?.();
  }

  /** Resolves when the time limit of the run no longer applies, or has ended all sessions. */
  async runLimitIsOver(): Promise<void> {
    await this.#runLimit;
  }

  /** Stops watching, and reads the rest of the events. */
  async stop(): Promise<void> {
    this.#over.abort();
    await this.#polling;
    await this.request.scene.log.drain();
  }

  async #poll(): Promise<void> {
    const { signal } = this.#over;
    let idle = 0;
    while (!signal.aborted) {
      const seen = await Promise.all([
        this.request.scene.log.poll(),
        ...[...this.control.sessions].map((session) => session.poll()),
      ]);
      for (const session of this.control.sessions) this.#enforceLimits(session);
      const isPlanning = this.request.plan.order !== null && this.progress.groups === null;
      idle = seen.some(Boolean) ? 0 : idle + 1;
      const waits = idle > IDLE_READS ? "quiet" : "idle";
      const pace = isPlanning ? "planning" : idle === 0 ? "busy" : waits;
      await this.host.clock.sleep(POLL_MS[pace], signal);
    }
  }

  #enforceLimits(session: Session): void {
    const isEnding = this.evictions.has(session) || session.gone.aborted;
    if (isEnding || this.progress.cut !== null || this.request.policy.debugging) return;
    const now = this.host.clock.now() / 1000;
    for (const report of this.#slow.check(session, now)) this.control.inBackground(report);
    if (session.facts.exitStatus === null) this.#enforceTestLimit(session, now);
    else this.#enforceExitLimit(session, now);
  }

  #enforceTestLimit(session: Session, now: number): void {
    for (const [id, since] of session.facts.running) {
      const limit = testLimit(this.request.limits, id);
      if (limit === 0 || now - since < limit) continue;
      const seconds = toHundredths(now - since);
      const event = {
        event: "terminating",
        session: session.request.name,
        id,
        seconds,
        limit,
      } as const;
      this.control.inBackground(this.request.scene.log.append(event));
      this.#evict(session, { id, seconds: now - since });
      return;
    }
  }

  #enforceExitLimit(session: Session, now: number): void {
    const since = this.#finishedAt.get(session);
    if (since === undefined) {
      this.#finishedAt.set(session, now);
      const areAllFinished = [...this.control.sessions].every((one) => this.#finishedAt.has(one));
      if (areAllFinished) this.request.hooks.onSessionsFinished?.(this.progress.run);
    }
    if (now - (since ?? now) < this.request.limits.exit) return;
    this.hungAtExit = true;
    this.printer.warn(say.hungAtExit(this.request.limits.exit));
    this.#evict(session, "no-exit");
  }

  #evict(session: Session, eviction: Eviction): void {
    this.evictions.set(session, eviction);
    this.control.inBackground(this.control.evict(session));
  }
}
