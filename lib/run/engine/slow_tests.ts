import { ignoreTractestError } from "../../errors.ts";
import type { Host } from "../../system/host.ts";
import { LEAST_SLOW_SECONDS, nextReport, SLOW_SECONDS, slowAfter } from "../rules_slow.ts";
import type { EngineRequest } from "./engine_request.ts";
import { examineSession } from "./hang_evidence.ts";
import type { Session } from "./session.ts";

/** Sentences of evidence in one report. */
const EVIDENCE = 3;

/**
 * Reports tests that take far longer than ever before, and collections that take long: long before
 * any time limit, with what they wait for.
 */
export class SlowTests {
  /** Seconds after which each test that runs is reported next. */
  readonly #due = new Map<string, number>();
  /** Seconds that each test took at most; null: not read yet. */
  #longest: ReadonlyMap<string, number> | null = null;
  #isReading = false;

  constructor(
    private readonly host: Host,
    private readonly request: Pick<EngineRequest, "scene" | "limits">,
  ) {}

  /** Starts the reports on a session that are due. @param now seconds since the epoch */
  check(session: Session, now: number): Promise<void>[] {
    const { slow = 0 } = this.request.limits;
    if (slow === 0) return [];
    const { running, collecting, began } = session.facts;
    const all = collecting ? [[null, began] as const] : [...running];
    const least = collecting ? SLOW_SECONDS : slow ?? LEAST_SLOW_SECONDS;
    return all.filter(([, since]) => now - since >= least)
      .flatMap(([id, since]) => this.#check(session, { id, since }, now - since) ?? []);
  }

  #check(
    session: Session,
    { id, since }: { readonly id: string | null; readonly since: number },
    seconds: number,
  ): Promise<void> | null {
    if (this.#longest === null) return this.#readLongest();
    const key = `${session.request.name}\n${since}\n${id ?? ""}`;
    const longest = this.#longest.get(id ?? "") ?? null;
    // A typed time is about tests.
    const typed = id === null ? null : this.request.limits.slow;
    const due = this.#due.get(key) ?? typed ?? slowAfter(longest);
    if (seconds < due) return null;
    this.#due.set(key, nextReport(due, seconds));
    return this.#report(session, { id, seconds: due, longest }).catch(ignoreTractestError);
  }

  async #readLongest(): Promise<void> {
    if (this.#isReading) return;
    this.#isReading = true;
    const { longestDurations } = await import("../../history/project_history.ts");
    this.#longest = await longestDurations(this.host, this.request.scene);
  }

  async #report(
    session: Session,
    about: {
      readonly id: string | null;
      readonly seconds: number;
      readonly longest: number | null;
    },
  ): Promise<void> {
    const { scene } = this.request;
    const { id } = about;
    // One that is slow by a short limit alone is hardly stuck.
    const found = about.seconds < LEAST_SLOW_SECONDS
      ? null
      : await examineSession(this.host, scene, session, await session.processes());
    const { running, collecting } = session.facts;
    if (session.gone.aborted || !(id === null ? collecting : running.has(id))) return;
    await scene.log.append({
      event: "slow",
      session: session.request.name,
      ...about,
      verdict: found?.verdict ?? null,
      evidence: (found?.evidence ?? []).slice(0, EVIDENCE),
    });
  }
}
