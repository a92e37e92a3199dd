import type { EventOf, PytestEvent, SessionPurpose } from "../../pytest/events.ts";
import type { HangReport } from "../../pytest/hang_event.ts";
import { RED } from "../../pytest/results.ts";
import { isPytestsOwn } from "../../pytest/session_reasons.ts";
import type { Host } from "../../system/host.ts";
import { PYTEST_EXIT } from "../../tables/exit_codes.ts";
import type { Printer } from "../../terminal/printer.ts";
import { Control } from "./control.ts";
import { Distributor } from "./distributor.ts";
import { type EngineOutcome, verdictOf } from "./engine_outcome.ts";
import type { EngineRequest } from "./engine_request.ts";
import { recordHang } from "./hang_evidence.ts";
import { LeftBehindWatch } from "./left_behind.ts";
import { Retries } from "./retries.ts";
import { RunProgress } from "./run_progress.ts";
import type { Session } from "./session.ts";
import { SessionRunner } from "./session_runner.ts";
import { SessionWatch } from "./session_watch.ts";
import { say } from "./show.ts";
import { Standby, type StandbyParts } from "./standby.ts";

/**
 * Sessions started in place of those that a test has ended, at most: a suite in which everything
 * hangs is not worth more.
 */
const MOST_RESUMES = 50;

/**
 * Runs pytest until every test has had its chance: in several sessions at once if asked, in a new
 * session after a test that hung or crashed, and again for those that failed.
 */
export class Engine {
  readonly #progress: RunProgress;
  readonly #control: Control;
  readonly #watch: SessionWatch;
  readonly #leaks: LeftBehindWatch;
  readonly #distributor: Distributor;
  readonly #sessions: SessionRunner;
  readonly #parts: StandbyParts;
  readonly #retries: Retries;
  #hang: HangReport | null = null;
  #resumes = 0;
  /** The place of a session that has run its tests, while the next one can prepare; else null. */
  #finishedShard: number | null = null;
  /** Has started for the tests that run alone; null: none has. */
  #standby: Standby | null = null;

  constructor(
    private readonly host: Host,
    private readonly printer: Printer,
    private readonly request: EngineRequest,
  ) {
    const { scene } = request;
    const progress = this.#progress = new RunProgress(host, scene.log.run, request.policy);
    const control = this.#control = new Control(
      host,
      printer,
      request,
      progress,
      async (session) => void (this.#hang = await recordHang(host, scene, session)),
    );
    const watch = this.#watch = new SessionWatch(host, printer, request, progress, control);
    const leaks = this.#leaks = new LeftBehindWatch(host, scene.log, {
      runId: scene.runId,
      isIsolated: (name) => this.#sessions.isIsolated(name),
      translate: async (name, pids) => {
        if (!this.#sessions.isIsolated(name)) return pids;
        return await this.#sessionNamed(name)?.hostPids(pids) ?? [];
      },
    });
    const distributor = this.#distributor = new Distributor(host, printer, request, progress);
    const parts = { progress, control, watch, leaks, distributor };
    this.#sessions = new SessionRunner(host, printer, request, parts);
    this.#parts = { control, distributor, sessions: this.#sessions };
    this.#retries = new Retries(printer, request, progress, this.#parts);
    scene.log.on((event) => this.#apply(event));
  }

  /** Runs all of it. */
  async run(): Promise<EngineOutcome> {
    const began = this.host.clock.monotonic();
    try {
      await this.#runTests();
      await this.#standby?.end();
      await this.#runMissed();
      await this.#sessions.settled();
      this.#progress.throwFailure();
      this.#control.endLimit();
      const seconds = (this.host.clock.monotonic() - began) / 1000;
      // Signals still count while anything is awaited.
      // With several jobs another session may have ended since.
      const listed = this.request.plan.jobs === 1 ? this.#sessions.listed : null;
      const [scan] = await Promise.all([this.#leaks.finish(listed), this.#watch.runLimitIsOver()]);
      await this.#watch.stop();
      return { ...this.#outcome(), seconds, scan };
    } catch (error) {
      this.#control.fail(error);
      const ending = [...this.#control.sessions].map((session) => session.end().catch(() => {}));
      await Promise.all(ending);
      await this.#watch.stop().catch(() => {});
      throw error;
    } finally {
      this.#control.release();
    }
  }

  /** Runs the tests and the retries; once more if the test that stopped them then passes. */
  async #runTests(): Promise<void> {
    const { jobs, order } = this.request.plan;
    const progress = this.#progress;
    if (order !== null) this.#distributor.queue = await this.#distributor.newQueue();
    for (let purpose: SessionPurpose = "tests";; purpose = "resume") {
      await this.#runShards(jobs > 1 ? "shard" : purpose);
      progress.throwFailure();
      await this.#runApart();
      const wasStopped = progress.isStoppedByTests;
      await this.#retries.run();
      const { suspect } = progress;
      if (suspect !== null && RED.has(progress.run.tests.get(suspect)!.outcome)) {
        progress.stoppedAt = suspect;
      }
      progress.suspect = null;
      const wasFlaky = wasStopped && !progress.isStoppedByTests;
      if (!wasFlaky || progress.unfinished === 0 || !progress.mayContinue) return;
      await this.#distributor.renew();
      if (progress.diskFailed) return;
    }
  }

  /** Runs one shard for each job, which share the queue. If one of them fails, all end. */
  async #runShards(purpose: SessionPurpose): Promise<void> {
    const run = (_: unknown, index: number) =>
      this.#runShard(purpose, index + 1).catch((error) => this.#control.fail(error));
    await Promise.all(Array.from({ length: this.request.plan.jobs }, run));
    this.#finishedShard = null;
  }

  /**
   * Starts the session that comes next once a shard has run its tests, while others still run
   * theirs, or all exit.
   */
  #prepareNext(): void {
    const { run, planned, mayContinue, isStoppedByTests, diskFailed } = this.#progress;
    const shard = this.#finishedShard;
    if (shard === null || this.#standby !== null) return;
    if (!mayContinue || isStoppedByTests || diskFailed || run.collectionErrors.length > 0) return;
    const parts = this.#parts;
    const rest = planned.filter((id) => !run.hasEnded(id));
    const tests = rest.filter(this.#runsAlone);
    if (tests.length > 0) this.#standby = new Standby(parts, { purpose: "alone", tests }, shard);
    else if (!rest.some((id) => parts.distributor.runsIsolated(id))) {
      this.#retries.prepare(rest, shard);
    }
  }

  /** Whether a test runs after all others, but not isolated from them. */
  readonly #runsAlone = (id: string): boolean =>
    this.request.plan.runsAlone(id) && !this.#distributor.runsIsolated(id);

  /**
   * Runs a session, and after a test that ended it another one for the remaining tests.
   *
   * @param tests those that the queue has, if few; null: all
   * @param begun a session that has started with them; null: none has
   */
  async #runShard(
    first: SessionPurpose,
    shard: number,
    tests: readonly string[] | null = null,
    begun: Standby | null = null,
  ): Promise<void> {
    const progress = this.#progress;
    const distributor = this.#distributor;
    const { queue } = distributor;
    for (
      let purpose = first;
      progress.mayContinue && progress.suspect === null;
      purpose = purpose === "shard" ? "shard" : "resume"
    ) {
      const kind = { purpose, tests, isIsolated: distributor.isIsolated };
      const ended = begun !== null && purpose === first
        ? await begun.ended
        : await this.#sessions.run(kind, distributor.queue, shard);
      if (ended === null || !progress.mayContinue) return;
      if (!this.#mayResume()) {
        // With several jobs it may not be the test's own fault: it runs alone first.
        if (this.request.plan.jobs > 1) progress.suspect ??= ended.id;
        else progress.stoppedAt = ended.id;
        await queue?.stop();
        return;
      }
      if (distributor.queue === null) await distributor.renew();
      if (progress.diskFailed || tests?.every((id) => progress.run.hasEnded(id))) return;
      this.#noteResume(ended.id);
    }
  }

  /** Says why a second pytest begins, where its output is shown. */
  #noteResume(ended: string): void {
    const { unfinished } = this.#progress;
    if (this.request.sessions.output === "log" || unfinished <= 0) return;
    this.printer.note(say.resumes(ended, unfinished));
  }

  #mayResume(): boolean {
    return this.request.policy.resume && !this.#progress.reachedMaxFail &&
      this.#resumes++ < MOST_RESUMES;
  }

  /** Runs the tests that must not run at the same time as others, or not in their namespaces. */
  async #runApart(): Promise<void> {
    const distributor = this.#distributor;
    const standby = this.#standby;
    this.#standby = null;
    if (this.request.plan.jobs > 1) await this.#runRest(this.#runsAlone, standby);
    // Ends it unless it has run its tests.
    await standby?.end();
    this.#finishedShard = null;
    distributor.isIsolated = true;
    await this.#runRest((id) => distributor.runsIsolated(id));
    distributor.isIsolated = false;
  }

  /** Runs those of these tests that have not run, in pytest's order. */
  async #runRest(
    isMeant: (id: string) => boolean,
    standby: Standby | null = null,
  ): Promise<void> {
    const { planned, run, mayContinue, isStoppedByTests } = this.#progress;
    const ids = planned.filter((id) => isMeant(id) && !run.hasEnded(id));
    if (ids.length === 0 || !mayContinue || isStoppedByTests || this.#stopsAtErrors) return;
    // Fixtures of a wide scope may depend on pytest's order.
    const ordered = this.#distributor.asCollected(ids);
    const begun = ordered.every((id) => standby?.knows(id)) ? standby : null;
    const queue = await (begun?.give([ordered]) ?? this.#distributor.queueOf([ordered]));
    this.#distributor.queue = queue;
    if (queue !== null) await this.#runShard("alone", 1, ordered, begun);
  }

  /** Whether pytest runs nothing because of errors in the collection. */
  get #stopsAtErrors(): boolean {
    return this.#progress.run.collectionErrors.length > 0 &&
      this.#sessions.ends.some(({ exitStatus }) => exitStatus === PYTEST_EXIT.interrupted);
  }

  /** Runs the tests that no session has run, in one more session; two where some are isolated. */
  async #runMissed(): Promise<void> {
    const distributor = this.#distributor;
    for (const isIsolated of [false, true]) {
      const { mayContinue, diskFailed, missed } = this.#progress;
      const isLeft = missed.some((id) => distributor.runsIsolated(id) === isIsolated);
      if (!mayContinue || diskFailed || !isLeft) continue;
      distributor.isLast = true;
      distributor.isIsolated = isIsolated;
      if (await distributor.renew() !== null) await this.#runShard("resume", 1);
    }
  }

  #apply(event: PytestEvent): void {
    const distributor = this.#distributor;
    this.#progress.add(event);
    this.#leaks.on(event);
    if (event.event === "interrupted") this.#onInterrupted(event);
    if (event.event === "tests") distributor.isAnnounced = true;
    // As soon as one session knows the tests, all can begin.
    if (event.event === "items" && event.last) {
      const items = this.#progress.run.session(event.session ?? "").items ?? [];
      this.#control.inBackground(distributor.fill(items));
    }
    if (event.event === "session-finish") this.#onSessionFinished(event.session ?? "");
    const isRed = event.event === "timeout" || event.event === "crash" ||
      (event.event === "report" && event.outcome === "failed");
    if (!isRed || this.request.plan.jobs === 1) return;
    if (this.#progress.reachedMaxFail) this.#stopQueue();
    this.#prepareNext();
  }

  /**
   * A pytest was interrupted, by a test or from outside, but not by tractest: the other sessions
   * end after their current tests.
   */
  #onInterrupted({ error, session: name }: EventOf<"interrupted">): void {
    const progress = this.#progress;
    if (progress.interrupted !== null || progress.cut !== null || isPytestsOwn(error ?? "")) return;
    const session = this.#sessionNamed(name);
    if (session === undefined || this.#watch.evictions.has(session)) return;
    progress.interrupted = session.facts.interruption;
    this.#stopQueue();
  }

  /** A session has ended: its place is free, unless another one goes on with its tests. */
  #onSessionFinished(name: string): void {
    const { run, planned } = this.#progress;
    const session = this.#sessionNamed(name);
    const isAlone = run.session(name).purpose === "alone";
    const index = this.#sessions.shards.findIndex((names) => names.includes(name));
    if (session === undefined || this.#watch.evictions.has(session)) return;
    if (index < 0 && !isAlone) return;
    if (isAlone && planned.some((id) => this.#runsAlone(id) && !run.hasEnded(id))) return;
    this.#finishedShard = isAlone ? 1 : index + 1;
    this.#prepareNext();
  }

  #stopQueue(): void {
    const { queue } = this.#distributor;
    if (queue !== null) this.#control.inBackground(queue.stop());
  }

  #sessionNamed(name: string | undefined): Session | undefined {
    return [...this.#control.sessions].find((session) => session.request.name === name);
  }

  #outcome(): Omit<EngineOutcome, "seconds" | "scan"> {
    const progress = this.#progress;
    const sessions = this.#sessions;
    const { run } = progress;
    const cut = progress.cut ?? (progress.wasStoppedByTestLimit ? "time-limit" : null);
    const { stoppedAt } = progress;
    return {
      run,
      verdict: verdictOf({
        ends: sessions.ends,
        failed: progress.failed.length + run.collectionErrors.length,
        cut,
        limit: this.request.limits.run,
        stoppedAt,
        interrupted: progress.interrupted,
        missed: [...progress.missed, ...this.#distributor.unplannedIn(sessions.whole)],
        diskFailed: progress.diskFailed,
        vanished: sessions.vanished,
      }),
      cut,
      stoppedAt,
      hang: this.#hang,
      hungAtExit: this.#watch.hungAtExit,
      sessions: sessions.started,
      queued: progress.groups !== null,
      shards: sessions.shards,
    };
  }
}
