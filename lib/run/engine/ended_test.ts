import type { Host } from "../../system/host.ts";
import { interruptionText } from "../../pytest/session_reasons.ts";
import { type EngineRequest, testLimit } from "./engine_request.ts";
import type { RunProgress } from "./run_progress.ts";
import type { Session, SessionEnd } from "./session.ts";

/** A test in which a session ended, and for how many seconds it had run. */
export interface EndedTest {
  readonly id: string;
  readonly seconds: number;
}

/** Why a session is being ended: a test at its limit, or a pytest that does not exit. */
export type Eviction = EndedTest | "no-exit";

/** Logs which tests ran when their session ended, and why it ended. */
export class EndedTestLog {
  constructor(
    private readonly host: Host,
    private readonly request: EngineRequest,
    private readonly progress: RunProgress,
  ) {}

  /** Returns the test that ended the session, by its time limit or a crash of pytest, if any. */
  async record(
    session: Session,
    end: SessionEnd,
    eviction: Eviction | undefined,
  ): Promise<EndedTest | null> {
    if (eviction !== undefined && eviction !== "no-exit") {
      await this.#recordTimeout(session, eviction);
      return eviction;
    }
    const [running] = session.facts.running;
    if (running === undefined) return null;
    if (this.progress.cut === null && session.facts.exitStatus === null) {
      return await this.#recordCrash(session, end, running);
    }
    await this.#recordCut(session);
    return null;
  }

  async #recordTimeout(session: Session, { id, seconds }: EndedTest): Promise<void> {
    const { log } = this.request.scene;
    const limit = testLimit(this.request.limits, id);
    const message = `it took longer than ${limit} s and was ended`;
    await log.append({ event: "timeout", limit, ...endOf(session, id, seconds, message) });
    await log.drain();
  }

  async #recordCrash(
    session: Session,
    { code, signal }: SessionEnd,
    [id, since]: readonly [string, number],
  ): Promise<EndedTest | null> {
    const { log } = this.request.scene;
    const how = signal === null ? `with exit code ${code}` : `by ${signal}`;
    const seconds = this.host.clock.now() / 1000 - since;
    const end = endOf(session, id, seconds, `pytest ended ${how} while it ran`);
    await log.append({ event: "crash", ...end });
    await log.drain();
    return log.isCut ? null : { id, seconds: end.seconds };
  }

  async #recordCut(session: Session): Promise<void> {
    const { log } = this.request.scene;
    for (const [id, since] of session.facts.running) {
      const seconds = Math.max(0, this.host.clock.now() / 1000 - since);
      const message = `${this.#whyCut()} while it ran`;
      await log.append({ event: "cut", ...endOf(session, id, seconds, message) });
    }
    await log.drain();
  }

  #whyCut(): string {
    const { cut, interrupted } = this.progress;
    if (cut === "time-limit") return `the time limit of ${this.request.limits.run} s ended the run`;
    if (cut !== null) return `${cut} ended the run`;
    return interrupted === null
      ? "pytest ended"
      : `pytest was interrupted: ${interruptionText(interrupted)}`;
  }
}

function endOf({ request }: Session, id: string, seconds: number, message: string) {
  return { session: request.name, id, seconds: toHundredths(seconds), message };
}

/** Seconds, rounded to hundredths. */
export function toHundredths(seconds: number): number {
  return Math.round(seconds * 100) / 100;
}
