import type { Host } from "../../system/host.ts";
import { QUIET_SECONDS } from "../../tables/defaults.ts";
import { onEndingSignal } from "../../system/ending_signals.ts";
import { ENDING_SIGNAL_NAMES, type EndingSignal } from "../../tables/exit_codes.ts";
import type { Printer } from "../../terminal/printer.ts";
import type { EngineRequest } from "./engine_request.ts";
import type { RunProgress } from "./run_progress.ts";
import type { Session } from "./session.ts";
import { say } from "./show.ts";

/** Seconds that pytest may take to finish its report before the user hears about it. */
const PATIENCE_SECONDS = 3;
/** The shortest time, in seconds, between two checks of whether anything has finished. */
const LEAST_WAIT_SECONDS = 0.2;

/**
 * Ends the sessions of a run early: on signals to tractest, at time limits, and after errors, with
 * SIGINT first.
 */
export class Control {
  /** The sessions that run now. */
  readonly sessions = new Set<Session>();
  readonly #stopTaking: () => void;
  readonly #over = new AbortController();
  #forced = false;

  /** @param onHang collects evidence about a session that hangs, before it is ended */
  constructor(
    private readonly host: Host,
    private readonly printer: Printer,
    private readonly request: Pick<EngineRequest, "limits" | "policy">,
    private readonly progress: RunProgress,
    private readonly onHang: (session: Session) => Promise<void>,
  ) {
    this.#stopTaking = onEndingSignal(
      host,
      (signal) => this.#onSignal(signal),
      ENDING_SIGNAL_NAMES.filter((name) => name !== "SIGHUP" || !request.policy.survivesHangup),
    );
  }

  /** Takes a session that has started. If the run is already ending, ends it at once. */
  add(session: Session): void {
    this.sessions.add(session);
    const { cut, failure } = this.progress;
    if (cut !== null || failure !== null) this.inBackground(session.end());
  }

  /** Forgets a session that is over. */
  remove(session: Session): void {
    this.sessions.delete(session);
  }

  /** Runs work in the background of the tests. If it fails, the run does. */
  inBackground(work: Promise<unknown>): void {
    work.catch((error) => this.fail(error));
  }

  /** Ends the run because of an error. */
  fail(error: unknown): void {
    this.progress.failure ??= { error };
    for (const session of this.sessions) session.end().catch(() => {});
  }

  /** The time limit no longer applies: the tests are over. */
  endLimit(): void {
    this.#over.abort();
  }

  /** Stops handling signals and the time limit. */
  release(): void {
    this.#stopTaking();
    this.endLimit();
  }

  /** Waits for the time limit of the run, and ends the run then. */
  async enforceRunLimit(): Promise<void> {
    const { limits } = this.request;
    if (limits.run <= 0) return;
    await this.host.clock.sleep(limits.run * 1000, this.#over.signal);
    if (this.#isOver) return;
    if (limits.quiet > 0 && this.progress.idleSeconds < limits.quiet) {
      this.printer.note(say.waitsForQuiet(limits));
      await this.#untilQuiet(limits.quiet);
      if (this.#isOver) return;
    }
    this.progress.cut = "time-limit";
    // pytest is in the middle of a line.
    this.printer.note();
    this.printer.warn(say.reachedLimit(limits, limits.grace));
    // Otherwise it just happened to be running then.
    const stuckAfter = Math.min(limits.quiet > 0 ? limits.quiet : QUIET_SECONDS, limits.run / 2);
    const isStuck = this.progress.idleSeconds >= stuckAfter;
    await this.#each((session) => this.evict(session, isStuck));
  }

  async #untilQuiet(seconds: number): Promise<void> {
    for (let idle = 0; idle < seconds && !this.#isOver; idle = this.progress.idleSeconds) {
      const wait = Math.max(seconds - this.progress.idleSeconds, LEAST_WAIT_SECONDS);
      await this.host.clock.sleep(wait * 1000, this.#over.signal);
    }
  }

  get #isOver(): boolean {
    return this.#over.signal.aborted || this.progress.cut !== null;
  }

  /**
   * Ends one session: collects evidence if it hangs, then sends SIGINT, and after the grace SIGKILL
   * to whatever is left.
   *
   * @param hangs whether it looks stuck; otherwise it only happened to run when time was up
   */
  evict(session: Session, hangs = true): Promise<void> {
    return session.finishAfter(this.#evict(session, hangs));
  }

  async #evict(session: Session, hangs: boolean): Promise<void> {
    await session.remember();
    if (hangs && !session.facts.isWaiting) await this.onHang(session);
    await session.interrupt();
    await this.host.clock.sleep(this.request.limits.grace * 1000, session.gone);
    if (!session.gone.aborted) await session.end();
  }

  #onSignal(signal: EndingSignal): void {
    // The terminal has already sent Ctrl-C to the debugger.
    if (signal === "SIGINT" && this.request.policy.debugging) return;
    if (this.progress.cut !== null) {
      this.printer.note(say.endsAll(signal));
      this.#force();
      return;
    }
    this.progress.cut = signal;
    this.inBackground(this.#askToStop(signal));
  }

  async #askToStop(signal: EndingSignal): Promise<void> {
    await this.#each(async (session) => {
      // At a terminal, Ctrl-C reaches the whole foreground: pytest has it already, and a second
      // SIGINT would cut its report short.
      if (signal !== "SIGINT" || session.detached) await session.interrupt();
      await session.remember();
    });
    const patience = signal === "SIGINT" ? PATIENCE_SECONDS : this.request.limits.grace;
    await this.#each((session) => this.host.clock.sleep(patience * 1000, session.gone));
    if (this.#forced || [...this.sessions].every((session) => session.gone.aborted)) return;
    if (signal === "SIGINT") this.printer.note(say.stillFinishing());
    else this.#force();
  }

  #force(): void {
    if (this.#forced) return;
    this.#forced = true;
    this.inBackground(this.#each((session) => session.end()));
  }

  async #each(action: (session: Session) => Promise<void>): Promise<void> {
    await Promise.all([...this.sessions].map((session) => session.finishAfter(action(session))));
  }
}
