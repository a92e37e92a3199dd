import type { Cut } from "../../pytest/verdict.ts";
import { looksStuck } from "../time_limit.ts";
import type { RunLimits } from "./engine_request.ts";
import type { Host } from "../../system/host.ts";
import { ENDING_SIGNAL_NAMES, type EndingSignal } from "../../tables/exit_codes.ts";
import type { Printer } from "../../terminal/printer.ts";
import type { Session } from "./session.ts";

/** What {@linkcode Control} is told. Times in seconds. */
export interface ControlOptions {
  /** What has cut the run short before. */
  readonly cut: Cut | null;
  readonly grace: number;
  /** Ctrl-C belongs to a debugger. */
  readonly debugging: boolean;
  /** SIGHUP ends nothing: there is no terminal that could have gone. */
  readonly survivesHangup: boolean;
  /** Seconds since a test, or a phase of a fixture, has ended, or a session has begun. */
  readonly idleSeconds: () => number;
  /** Gathers what a session waits for before it is ended: evidence comes first. */
  readonly onHang: (session: Session) => Promise<void>;
  /** Gets what went wrong where nobody waits for it. */
  readonly onFailure: (error: unknown) => void;
}

/** Seconds that pytest may need to finish its report after a signal before it is mentioned. */
const PATIENCE_SECONDS = 3;

/** Seconds that are waited at least before it is looked again whether something has ended. */
const LEAST_WAIT_SECONDS = 0.2;

/**
 * Ends the sessions of a run before their time: on signals to us and at time limits, politely
 * first.
 */
export class Control {
  /** What cut the run short; null while nothing has. */
  cut: Cut | null;
  readonly #sessions = new Set<Session>();
  readonly #off: (() => void)[] = [];
  readonly #over = new AbortController();
  #forced = false;

  constructor(
    private readonly host: Host,
    private readonly printer: Printer,
    private readonly options: ControlOptions,
  ) {
    this.cut = options.cut;
    const ending = ENDING_SIGNAL_NAMES.filter((signal) =>
      signal !== "SIGHUP" || !options.survivesHangup
    );
    for (const signal of ending) {
      this.#off.push(host.onSignal(signal, () => this.#onSignal(signal)));
    }
  }

  /**
   * A session that is to be ended when the run is. One that begins after that was asked for is
   * ended at once.
   */
  add(session: Session): void {
    this.#sessions.add(session);
    if (this.cut !== null) session.end().catch(this.options.onFailure);
  }

  /** A session that is over. */
  remove(session: Session): void {
    this.#sessions.delete(session);
  }

  /** The tests are over: the time limit counts no more. */
  endLimit(): void {
    this.#over.abort();
  }

  /** Signals are no longer looked after, and the time limit counts no more. */
  release(): void {
    for (const off of this.#off) off();
    this.endLimit();
  }

  /** Ends the run at its limit. */
  async limit(limits: Pick<RunLimits, "run" | "quiet">): Promise<void> {
    const { run: seconds, quiet } = limits;
    if (seconds <= 0) return;
    await this.host.clock.sleep(seconds * 1000, this.#over.signal);
    if (this.#isOver) return;
    const { grace, idleSeconds } = this.options;
    if (quiet > 0 && idleSeconds() < quiet) {
      this.printer.note(
        `\n${seconds} s are over and tests still end: the run goes on until none has ended for ${quiet} s; --timeout sets a hard limit`,
      );
      for (let idle = 0; idle < quiet && !this.#isOver; idle = idleSeconds()) {
        await this.host.clock.sleep(
          Math.max(quiet - idleSeconds(), LEAST_WAIT_SECONDS) * 1000,
          this.#over.signal,
        );
      }
      if (this.#isOver) return;
    }
    this.cut = "time-limit";
    // pytest is in the middle of a line.
    this.printer.note();
    const why = quiet > 0 ? `, and nothing has ended for ${quiet} s` : "";
    this.printer.warn(
      `time limit of ${seconds} s${why}: SIGINT to pytest, ${grace} s of grace, then SIGKILL to what is left`,
    );
    const stuck = looksStuck(idleSeconds(), limits);
    await this.#each((session) => this.evict(session, stuck));
  }

  get #isOver(): boolean {
    return this.#over.signal.aborted || this.cut !== null;
  }

  /**
   * Ends one session: first, if it hangs, the evidence, then SIGINT, the grace, SIGKILL to what is
   * left.
   *
   * @param hangs whether it looks stuck; else it only ran when its time was over
   */
  evict(session: Session, hangs = true): Promise<void> {
    return session.attend(this.#evict(session, hangs));
  }

  async #evict(session: Session, hangs: boolean): Promise<void> {
    await session.remember();
    if (hangs) await this.options.onHang(session);
    await session.interrupt();
    await this.host.clock.sleep(this.options.grace * 1000, session.gone);
    if (!session.gone.aborted) await session.end();
  }

  #onSignal(signal: EndingSignal): void {
    // A debugger reads Ctrl-C itself; the terminal has sent it there already.
    if (signal === "SIGINT" && this.options.debugging) return;
    if (this.cut !== null) {
      // A terminal shows ^C in the middle of a line.
      this.printer.note(`\n${signal} again: ending what is left`);
      this.#force();
      return;
    }
    this.cut = signal;
    this.#askToStop(signal).catch(this.options.onFailure);
  }

  async #askToStop(signal: EndingSignal): Promise<void> {
    await this.#each(async (session) => {
      // At a terminal Ctrl-C went to all of the foreground: pytest has it already, and a second one
      // would cut its report short.
      if (signal !== "SIGINT" || session.detached) await session.interrupt();
      await session.remember();
    });
    const patience = signal === "SIGINT" ? PATIENCE_SECONDS : this.options.grace;
    await this.#each((session) => this.host.clock.sleep(patience * 1000, session.gone));
    if (this.#forced || [...this.#sessions].every((session) => session.gone.aborted)) return;
    if (signal === "SIGINT") {
      this.printer.note("\npytest is still finishing; interrupt once more to end it at once");
    } else this.#force();
  }

  #force(): void {
    if (this.#forced) return;
    this.#forced = true;
    this.#each((session) => session.end()).catch(this.options.onFailure);
  }

  async #each(action: (session: Session) => Promise<void>): Promise<void> {
    await Promise.all([...this.#sessions].map((session) => session.attend(action(session))));
  }
}
