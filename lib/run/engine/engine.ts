import type { HangReport } from "../../pytest/hang_event.ts";
import { join } from "@std/path";
import { RUN_COOKIE } from "../../base/cookie.ts";
import type { EventOf, PytestEvent, SessionPurpose } from "../../pytest/events.ts";
import { RED, type TestResult } from "../../pytest/results.ts";
import {
  type Interruption,
  isPytestsOwn,
  isUnexplained,
  passedOn,
  pytestCode,
  type SessionCode,
  sessionCode,
} from "../../pytest/verdict.ts";
import type { Group, Item } from "../../pytest/work.ts";
import { isOwnFailure } from "../../pytest/failure.ts";
import type { RunModel } from "../../pytest/run_model.ts";
import { beginsSession } from "../../pytest/pytest_command.ts";
import { escapeText } from "../../base/escape.ts";
import { TractestError } from "../../errors.ts";
import type { Host } from "../../system/host.ts";
import { RunLedger } from "../../leaks/ledger.ts";
import type { Printer } from "../../terminal/printer.ts";
import { Control } from "./control.ts";
import { LeftBehindWatch } from "./left_behind.ts";
import { Queue } from "./queue.ts";
import type { EngineRequest, SessionKind } from "./engine_request.ts";
import { type EngineOutcome, interruptionText } from "./engine_outcome.ts";
import { Session, type SessionEnd } from "./session.ts";

/** Milliseconds between looks at what comes: often while something does, seldom else. */
const LOOK_MS = { busy: 30, idle: 60 } as const;
/**
 * Sessions that a run starts at most after tests that were ended: a suite in which everything hangs
 * is not worth more.
 */
const MOST_RESUMES = 50;
/** Failures that are tried again at most: that many are no flakes. */
const MOST_RETRIED = 50;

/** Ids on one line. */
const TOLD_AT_ONCE = 500;

/** A session that ended in the middle of a test. */
interface Broken {
  readonly id: string;
  /** For how many seconds the test had run. */
  readonly seconds: number;
}

/** Events that show that a run goes on: something has ended, or begins anew. */
const ENDS: ReadonlySet<string> = new Set([
  "session-begin",
  "session-start",
  "collected",
  "collection-error",
  "report",
  "fixture",
]);

/**
 * Runs pytest until every test had its chance: several at once if asked, again after a test that
 * hung or crashed, and for those that failed.
 */
export class Engine {
  readonly #run: RunModel;
  readonly #control: Control;
  readonly #leaks: LeftBehindWatch;
  readonly #sessions = new Set<Session>();
  /**
   * Sessions that are being ended, with the test at whose limit; null for one that does not exit.
   */
  readonly #evicted = new Map<Session, Broken | null>();
  readonly #finishedAt = new Map<Session, number>();
  readonly #ends: (SessionCode & { readonly session: string })[] = [];
  /** A pytest ended with 0 before its session did, in no test. */
  #vanished = false;
  /**
   * What interrupted a pytest, with the test that it was in: nothing more is begun then, as with
   * one pytest alone.
   */
  #interrupted: Interruption | null = null;
  /** What the first session that knew it has collected; null before. */
  #offered: ReadonlySet<string> | null = null;
  /** Sessions that collect all there is. */
  readonly #whole: string[] = [];
  readonly #retried = new Set<string>();
  #queue: Queue | null = null;
  readonly #over = new AbortController();
  #pumping: Promise<void> | null = null;
  /** When something ended last, as the host's monotonic time. */
  #lastEnd: number;
  /** The time limit of the whole run. */
  #limit: Promise<void> | null = null;
  #hang: HangReport | null = null;
  #hungAtExit = false;
  #stoppedAt: string | null = null;
  /** A test beside others that was ended, and that stops the run unless it passes alone. */
  #halted: string | null = null;
  #groups: readonly Group[] | null = null;
  /** The sessions of each shard. */
  readonly #shards: string[][] = [];
  /** Why the run can't go on; null as long as it can. */
  #failure: { readonly error: unknown } | null = null;
  /** Whether the disk does not take what another pytest would need. */
  #isUnable = false;
  /** What is left is run, whatever it is. */
  #isLast = false;
  /** As pytest itself says, as soon as it does. */
  #maxfail: number;
  #started = 0;
  #resumes = 0;

  constructor(
    private readonly host: Host,
    private readonly printer: Printer,
    private readonly request: EngineRequest,
  ) {
    this.#run = request.scene.log.run;
    this.#lastEnd = host.clock.monotonic();
    this.#leaks = new LeftBehindWatch(host, request.scene.log, {
      runId: request.scene.runId,
      isolated: request.scene.isolation !== null,
      translate: async (name, pids) => {
        if (request.scene.isolation === null) return pids;
        return await [...this.#sessions].find((session) => session.request.name === name)?.hostPids(
          pids,
        ) ?? [];
      },
    });
    this.#maxfail = request.policy.exitFirst ? 1 : 0;
    this.#control = new Control(host, printer, {
      ...request.policy,
      grace: request.limits.grace,
      idleSeconds: () => (this.host.clock.monotonic() - this.#lastEnd) / 1000,
      onHang: (session) => this.#gather(session),
      onFailure: (error) => this.#fail(error),
    });
    request.scene.log.on((event) => this.#on(event));
  }

  /** Runs all of it. */
  async run(): Promise<EngineOutcome> {
    const { request } = this;
    const began = this.host.clock.monotonic();
    try {
      if (request.plan.order !== null) this.#queue = await this.#newQueue();
      for (
        let purpose: SessionPurpose = request.plan.jobs > 1 ? "shard" : "tests";;
        purpose = request.plan.jobs > 1 ? "shard" : "resume"
      ) {
        await this.#lanes(purpose);
        this.#throwFailure();
        if (request.plan.jobs > 1) await this.#runAlone();
        const wasStopped = this.#isStopped;
        await this.#retry();
        if (this.#halted !== null && RED.has(this.#run.tests.get(this.#halted)!.outcome)) {
          this.#stoppedAt = this.#halted;
        }
        this.#halted = null;
        // What stopped it was a flake.
        if (!wasStopped || this.#isStopped || this.#unfinished === 0 || !this.#goesOn) break;
        this.#queue = await this.#prepared(this.#newQueue());
        if (this.#isUnable) break;
      }
      if (this.#goesOn && !this.#isUnable && this.#missed().length > 0) {
        this.#isLast = true;
        this.#queue = await this.#prepared(this.#newQueue());
        if (this.#queue !== null) await this.#lane("resume", 1);
      }
      this.#throwFailure();
      this.#control.endLimit();
      const seconds = (this.host.clock.monotonic() - began) / 1000;
      // A signal counts as long as anything is waited for.
      const [scan] = await Promise.all([this.#leaks.finish(), this.#limit]);
      await this.#stopPump();
      return { ...this.#verdict(), seconds, scan };
    } catch (error) {
      this.#fail(error);
      await Promise.all([...this.#sessions].map((session) => session.end().catch(() => {})));
      await this.#stopPump().catch(() => {});
      throw error;
    } finally {
      this.#control.release();
    }
  }

  /**
   * Starts the pytests that share what is to be run, and sees each through: where one can't be, the
   * others are ended.
   */
  async #lanes(purpose: SessionPurpose): Promise<void> {
    const lane = (_: unknown, index: number) =>
      this.#lane(purpose, index + 1).catch((error) => this.#fail(error));
    await Promise.all(Array.from({ length: this.request.plan.jobs }, lane));
  }

  /** What goes on beside the tests: where it fails the run does, in good order. */
  #beside(work: Promise<unknown>): void {
    work.catch((error) => this.#fail(error));
  }

  #throwFailure(): void {
    if (this.#failure !== null) throw this.#failure.error;
  }

  /** Nothing more is begun, and what runs is ended. */
  #fail(error: unknown): void {
    this.#failure ??= { error };
    for (const session of this.#sessions) session.end().catch(() => {});
  }

  /** One pytest, and after a test that was ended another one for the rest. */
  async #lane(first: SessionPurpose, shard: number): Promise<void> {
    const queue = this.#queue;
    for (
      let purpose = first;
      this.#goesOn && this.#halted === null;
      purpose = purpose === "shard" ? "shard" : "resume"
    ) {
      const broken = await this.#session({ purpose, tests: null }, this.#queue, shard);
      if (broken === null || !this.#goesOn) return;
      if (!this.request.policy.resume || this.#isEnough || this.#resumes++ >= MOST_RESUMES) {
        // Beside others it may be no fault of the test's own: it is tried again alone first.
        if (this.request.plan.jobs > 1) this.#halted ??= broken.id;
        else this.#stoppedAt = broken.id;
        await queue?.stop();
        return;
      }
      this.#queue ??= await this.#prepared(this.#newQueue());
      if (this.#isUnable) return;
    }
  }

  /**
   * Makes what the next pytest needs. Where the disk does not take it nothing more is begun, and
   * what was tested counts.
   */
  async #prepared<Made>(making: Promise<Made>): Promise<Made | null> {
    try {
      return await making;
    } catch (error) {
      if (!(error instanceof TractestError)) throw error;
      if (!this.#isUnable) {
        this.printer.warn(`no more tests are run, nor tried again: ${escapeText(error.message)}`);
      }
      this.#isUnable = true;
      return null;
    }
  }

  async #filledQueue(groups: readonly Group[]): Promise<Queue> {
    const queue = await this.#newQueue();
    await queue.fill(groups);
    return queue;
  }

  async #runAlone(): Promise<void> {
    const ids = this.#planned.filter((id) =>
      this.request.plan.runsAlone(id) && !this.#run.hasEnded(id)
    );
    if (ids.length === 0 || !this.#goesOn || this.#isStopped) return;
    this.#queue = await this.#prepared(this.#filledQueue([ids]));
    if (this.#queue !== null) await this.#lane("alone", 1);
  }

  /**
   * Tries what failed again. What failed beside others is tried alone first, one after another in
   * one pytest; a retry that was asked for is in a pytest of its own.
   */
  async #retry(): Promise<void> {
    const { plan: { jobs }, policy: { retries } } = this.request;
    const untried = this.#red.filter((test) => !this.#retried.has(test.id));
    const failed = untried.filter((test) => this.#canPassAlone(test));
    if (retries > 0 || jobs > 1) {
      this.#sayNotTried(untried.filter((test) => !failed.includes(test)));
    }
    const beside = jobs > 1
      ? failed.filter((test) => this.#run.ranBesideOthers(test.attempts.at(-1)!))
      : [];
    if ((retries === 0 && beside.length === 0) || !this.#goesOn || this.#isUnable) return;
    if (failed.length > MOST_RETRIED) {
      this.printer.note(`${failed.length} failures are too many to be flakes: none is tried again`);
      return;
    }
    for (const { id } of failed) this.#retried.add(id);
    await this.#again(beside);
    for (const test of failed) {
      const left = retries - (beside.includes(test) ? 1 : 0);
      for (
        let attempt = 0;
        attempt < left && RED.has(test.outcome) && this.#goesOn && !this.#isUnable;
        attempt++
      ) await this.#again([test]);
    }
  }

  /**
   * Whether a test that passes by itself is good: not where a fixture of a wider scope failed,
   * which it may not even use, nor where several tests have its id.
   */
  #canPassAlone({ id, attempts }: TestResult): boolean {
    return attempts.at(-1)!.failures.every(isOwnFailure) && !this.#run.isRepeated(id);
  }

  #sayNotTried(tests: readonly TestResult[]): void {
    for (const { id } of tests) this.#retried.add(id);
    const ofOthers = tests.filter(({ id }) => !this.#run.isRepeated(id));
    if (ofOthers.length === 0) return;
    const ids = ofOthers.slice(0, 3).map(({ id }) => escapeText(id)).join(", ");
    const more = ofOthers.length > 3 ? ` and ${ofOthers.length - 3} more` : "";
    this.printer.note(
      `not tried again alone: ${ids}${more}: what failed in the teardown may be a fixture that other tests have set up`,
    );
  }

  /**
   * Runs tests once more, in a fresh pytest; in another one those after a test that ended it, or at
   * which it stopped.
   */
  async #again(tests: readonly TestResult[]): Promise<void> {
    const before = new Map(tests.map((test) => [test, test.attempts.length]));
    for (let rest = [...tests]; rest.length > 0 && this.#goesOn;) {
      const queue = await this.#prepared(this.#filledQueue(rest.map(({ id }) => [id])));
      if (queue === null) return;
      await this.#session({ purpose: "retry", tests: rest.map(({ id }) => id) }, queue, 1);
      const untried = rest.filter((test) => test.attempts.length === before.get(test));
      if (untried.length === rest.length) return;
      rest = untried;
    }
  }

  /** Runs one pytest to its end. Returns the test that it ended in, if it did. */
  async #session(kind: SessionKind, queue: Queue | null, shard: number): Promise<Broken | null> {
    const { request } = this;
    const name = `${request.sessions.prefix ?? ""}${this.#started++}`;
    if (kind.tests === null) this.#whole.push(name);
    if (kind.purpose === "shard") (this.#shards[shard - 1] ??= []).push(name);
    const session = await Session.start(this.host, this.printer, {
      name,
      purpose: kind.purpose,
      argv: request.sessions.command(kind, name),
      environment: {
        ...request.sessions.environment?.(shard, name),
        [RUN_COOKIE]: request.scene.runId,
      },
      queue: queue?.directory ?? null,
      output: request.sessions.output,
      keepsTerminal: request.policy.debugging,
      ledger: RunLedger.open(
        this.host,
        request.scene.root,
        request.scene.runId,
        name,
        request.scene.isolation !== null,
      ),
      onStart: request.hooks.onSessionStart,
    }, request.scene);
    this.#sessions.add(session);
    this.#control.add(session);
    this.#attend();
    await session.exited;
    // All that it told counts before anything is decided.
    await request.scene.log.drain();
    const end = await session.finish();
    this.#sessions.delete(session);
    this.#control.remove(session);
    const outlived = await request.scene.isolation?.outlived(name) ?? null;
    await this.#leaks.sessionEnded(
      name,
      outlived,
      session.ended?.killed.map(({ pid }) => pid) ?? [],
    );
    const broken = await this.#brokenAt(session, end);
    this.#note(session, end, broken);
    if (queue?.isFilled && (broken !== null || this.#evicted.has(session))) {
      await this.#prepared(queue.add(this.#run.leftoverOf(name, (index) => queue.group(index))));
    }
    return broken;
  }

  /** Puts down how a session ended. */
  #note(session: Session, { code, signal }: SessionEnd, broken: Broken | null): void {
    const { exitStatus, hasFailures } = session.facts;
    // One that did not exit has told how it ended before.
    const hungWith = this.#evicted.get(session) === null ? exitStatus : null;
    this.#ends.push({
      session: session.request.name,
      code: hungWith ?? code,
      // In an isolation a signal is seen by the code alone, which is the session's own where that
      // has said so.
      signal: hungWith === null && exitStatus !== code ? signal : null,
      exitStatus,
      isBroken: broken !== null,
      hasFailures,
    });
    // With any other code it says itself that something is wrong.
    const isSilent = code === 0 && exitStatus === null && broken === null &&
      beginsSession(session.request.argv);
    if (isSilent && this.#control.cut === null && !this.request.scene.log.isCut) {
      this.#vanished = true;
    }
  }

  /** The test in which a session ended: at its limit, or with a crash of pytest itself. */
  async #brokenAt(session: Session, end: SessionEnd): Promise<Broken | null> {
    const { log } = this.request.scene;
    const name = session.request.name;
    const evicted = this.#evicted.get(session);
    if (evicted) {
      const limit = this.request.limits.test;
      const seconds = round(evicted.seconds);
      await log.append({
        event: "timeout",
        session: name,
        id: evicted.id,
        seconds,
        limit,
        message: `it took longer than ${limit} s and was ended`,
      });
      await log.drain();
      return evicted;
    }
    const [running] = session.facts.running;
    if (running === undefined) return null;
    if (this.#control.cut !== null || session.facts.exitStatus !== null) {
      await this.#noteCut(session);
      return null;
    }
    const [id, since] = running;
    const how = end.signal === null ? `with exit code ${end.code}` : `by ${end.signal}`;
    const seconds = round(this.host.clock.now() / 1000 - since);
    await log.append({
      event: "crash",
      session: name,
      id,
      seconds,
      message: `pytest ended ${how} while it ran`,
    });
    await log.drain();
    return log.isCut ? null : { id, seconds };
  }

  /** Puts down what ran when the run, or its pytest, came to its end. */
  async #noteCut(session: Session): Promise<void> {
    const { log } = this.request.scene;
    const { cut } = this.#control;
    const why = cut === "time-limit"
      ? `the time limit of ${this.request.limits.run} s ended the run`
      : cut !== null
      ? `${cut} ended the run`
      : this.#interrupted !== null
      ? `pytest was interrupted: ${interruptionText(this.#interrupted)}`
      : "pytest ended";
    for (const [id, since] of session.facts.running) {
      const seconds = round(Math.max(0, this.host.clock.now() / 1000 - since));
      await log.append({
        event: "cut",
        session: session.request.name,
        id,
        seconds,
        message: `${why} while it ran`,
      });
    }
    await log.drain();
  }

  #on(event: PytestEvent): void {
    if (ENDS.has(event.event)) this.#lastEnd = this.host.clock.monotonic();
    this.#leaks.on(event);
    if (event.event === "interrupted") this.#onInterrupted(event);
    if (event.event === "tests") this.#hasToldTests = true;
    if (event.event === "session-start") this.#maxfail = event.maxfail ?? this.#maxfail;
    // The first session that knows what there is lets all of them begin.
    if (event.event === "items" && event.last) {
      this.#beside(this.#fill(this.#run.session(event.session ?? "").items ?? []));
    }
    const isRed = event.event === "timeout" || event.event === "crash" ||
      (event.event === "report" && event.outcome === "failed");
    if (isRed && this.request.plan.jobs > 1 && this.#isEnough && this.#queue) {
      this.#beside(this.#queue.stop());
    }
  }

  /**
   * A pytest was interrupted, by a test or from outside, but not by us: the others end after the
   * tests that they are in.
   */
  #onInterrupted(
    { error: given, message, session: name }: EventOf<"interrupted">,
  ): void {
    const error = given ?? "";
    if (this.#interrupted !== null || this.#control.cut !== null || isPytestsOwn(error)) return;
    const session = [...this.#sessions].find((one) => one.request.name === name);
    if (session === undefined || this.#evicted.has(session)) return;
    this.#interrupted = { error, message, test: [...session.facts.running.keys()][0] ?? null };
    if (this.#queue) this.#beside(this.#queue.stop());
  }

  /** Lets the sessions of a queue begin that wait for it. */
  async #fill(items: readonly Item[]): Promise<void> {
    const queue = this.#queue;
    if (queue === null || queue.isFilled) return;
    queue.isFilled = true;
    try {
      this.#offered ??= new Set(items.map((item) => item.id));
      this.#groups ??= await this.request.plan.order?.(items) ?? [items.map((item) => item.id)];
      const isShared = this.request.plan.jobs > 1 && !this.#isLast;
      const rest = this.#groups.map((group) =>
        this.#run.restOf(group).filter((id) => !isShared || !this.request.plan.runsAlone(id))
      );
      await this.#tellTests();
      await queue.fill(rest.filter((group) => group.length > 0));
    } catch (error) {
      this.#failure ??= { error };
      await queue.stop();
    }
  }

  /** Puts down what is going to run: pytest tells it only where no queue hands it out. */
  async #tellTests(): Promise<void> {
    if (this.#hasToldTests) return;
    this.#hasToldTests = true;
    const ids = this.#planned;
    for (let start = 0; start < ids.length; start += TOLD_AT_ONCE) {
      await this.request.scene.log.append({
        event: "tests",
        ids: ids.slice(start, start + TOLD_AT_ONCE),
      });
    }
  }

  #hasToldTests = false;

  /**
   * Begins what goes on beside the tests as soon as there are any: the first timer of a program
   * takes longer than to start a pytest.
   */
  #attend(): void {
    if (this.#pumping !== null) return;
    this.#pumping = this.#pump().catch((error) => this.#fail(error));
    this.#beside(
      this.#limit = this.#control.limit(this.request.limits),
    );
    this.request.hooks.onFirstSession?.();
  }

  /**
   * Reads events and output as they come, and minds the limits of single tests, until it is
   * stopped.
   */
  async #pump(): Promise<void> {
    const { signal } = this.#over;
    while (!signal.aborted) {
      const seen = await Promise.all([
        this.request.scene.log.poll(),
        ...[...this.#sessions].map((session) => session.look()),
      ]);
      for (const session of this.#sessions) this.#mind(session);
      await this.host.clock.sleep(seen.some(Boolean) ? LOOK_MS.busy : LOOK_MS.idle, signal);
    }
  }

  async #stopPump(): Promise<void> {
    this.#over.abort();
    await this.#pumping;
    await this.request.scene.log.drain();
  }

  /** The limits of single tests, and of pytest's own exit. */
  #mind(session: Session): void {
    if (
      this.#evicted.has(session) || session.gone.aborted || this.#control.cut !== null ||
      this.request.policy.debugging
    ) return;
    const now = this.host.clock.now() / 1000;
    const { facts } = session;
    const { exit: exitLimit, test: testLimit } = this.request.limits;
    if (facts.exitStatus !== null) {
      const since = this.#finishedAt.get(session) ?? now;
      if (!this.#finishedAt.has(session)) {
        this.#finishedAt.set(session, now);
        if ([...this.#sessions].every((one) => this.#finishedAt.has(one))) {
          this.request.hooks.onSessionsFinished?.(this.#run);
        }
      }
      if (now - since < exitLimit) return;
      this.#evicted.set(session, null);
      this.#hungAtExit = true;
      this.printer.warn(`pytest has finished and did not exit within ${exitLimit} s: ending it`);
      this.#beside(this.#control.evict(session));
      return;
    }
    if (testLimit === 0) return;
    for (const [id, since] of facts.running) {
      if (now - since < testLimit) continue;
      this.#evicted.set(session, { id, seconds: now - since });
      const { name } = session.request;
      this.#beside(
        this.request.scene.log.append({
          event: "terminating",
          session: name,
          id,
          seconds: round(now - since),
          limit: testLimit,
        }),
      );
      this.#beside(this.#control.evict(session));
      return;
    }
  }

  /** Looks at a session that hangs, before it is ended, and puts down what it waits for. */
  async #gather(session: Session): Promise<void> {
    const now = this.host.clock.now() / 1000;
    const command = session.request.argv;
    const [{ examineInTime }, { readStacks }] = await Promise.all([
      import("../../hang/examine.ts"),
      import("../../hang/stacks.ts"),
    ]);
    const report = await examineInTime(this.host, {
      // What is around an isolated pytest waits for nothing but its end.
      root: session.members[0]?.pid ?? session.pid,
      also: session.members.map((identity) => identity.pid),
      registries: this.request.scene.registries,
      checkout: this.request.scene.root,
      running: [...session.facts.running].map(([id, since]) => ({
        id,
        seconds: Math.max(0, now - since),
      })),
      session: session.facts,
      startedIn: new Map(),
      asked: { stacks: false, confirm: false },
      command,
      readStacks: (scene) => readStacks(this.host, this.request.scene.root, scene),
    });
    this.#hang = report;
    const { verdict, evidence, running, processes, stacks } = report;
    const id = running?.[0]?.id ?? null;
    await this.request.scene.log.append({
      event: "hang",
      session: session.request.name,
      id,
      verdict,
      evidence,
      processes,
      stacks,
    });
  }

  /** Whether nothing has stopped the run. */
  get #goesOn(): boolean {
    return this.#control.cut === null && this.#stoppedAt === null && this.#failure === null &&
      this.#interrupted === null;
  }

  /** Whether as many tests failed as pytest was told to stop at. */
  get #isEnough(): boolean {
    return this.#maxfail > 0 && this.#red.length >= this.#maxfail;
  }

  /**
   * Whether nothing is begun any more because of tests that failed, as far as they are not tried
   * again.
   */
  get #isStopped(): boolean {
    return this.#isEnough || this.#halted !== null;
  }

  /** What is to be run, once that is known. */
  get #planned(): readonly string[] {
    return this.#groups?.flat() ?? [];
  }

  get #red(): TestResult[] {
    return [...this.#run.tests.values()].filter((test) =>
      test.attempts.length > 0 && RED.has(test.outcome)
    );
  }

  /** How many tests were collected and did not get their chance. */
  get #unfinished(): number {
    return (this.#groups === null ? this.#run.collected ?? 0 : this.#planned.length) -
      this.#run.done;
  }

  /** What was planned and no session has run, although none of them broke. */
  #missed(): string[] {
    const stopped = this.#isEnough || this.#run.collectionErrors.length > 0;
    return stopped || !this.#goesOn ? [] : this.#planned.filter((id) => !this.#run.hasEnded(id));
  }

  /** What a session collected, but not the one by which the plan was made: nobody was given it. */
  #unplanned(): string[] {
    const offered = this.#offered;
    if (offered === null || this.#isEnough || !this.#goesOn) return [];
    const others = this.#whole.flatMap((session) =>
      this.#run.session(session).items?.map((item) => item.id) ?? []
    );
    return [...new Set(others)].filter((id) => !offered.has(id));
  }

  get #wasStoppedByLimit(): boolean {
    return this.#stoppedAt !== null &&
      this.#run.tests.get(this.#stoppedAt)?.attempts.at(-1)?.ended === "timeout";
  }

  async #newQueue(): Promise<Queue> {
    return await Queue.create(
      this.host,
      join(this.request.scene.directory, `queue-${this.#queues++}`),
    );
  }

  #queues = 0;

  #verdict(): Omit<EngineOutcome, "seconds" | "scan"> {
    const single = this.#ends.length === 1 ? this.#ends[0]! : null;
    const missed = [...this.#missed(), ...this.#unplanned()];
    const isRed = this.#red.length > 0 || this.#run.collectionErrors.length > 0;
    // What was not run has not passed, and a process can end itself with any code.
    const isBad = isRed || missed.length > 0 || this.#vanished;
    const pytestExitCode = pytestCode(isRed, this.#ends);
    const ended = this.#ends.find((end) =>
      end.signal !== null && end.code === pytestExitCode && (single !== null || !end.isBroken)
    );
    const code = ended === undefined ? passedOn(pytestExitCode) : pytestExitCode;
    const unexplained = isRed ? undefined : this.#ends.find(isUnexplained);
    return {
      run: this.#run,
      code: code === 0 && isBad ? 1 : code,
      pytestExitCode,
      unexplained: unexplained
        ? { session: unexplained.session, code: sessionCode(unexplained) }
        : null,
      interrupted: this.#interrupted,
      signal: ended?.signal ?? null,
      cut: this.#control.cut ?? (this.#wasStoppedByLimit ? "time-limit" : null),
      stoppedAt: this.#stoppedAt,
      hang: this.#hang,
      hungAtExit: this.#hungAtExit,
      missed,
      diskFailed: this.#isUnable,
      vanished: this.#vanished,
      sessions: this.#started,
      queued: this.#groups !== null,
      shards: this.#shards,
    };
  }
}

/** Seconds to the hundredth. */
function round(seconds: number): number {
  return Math.round(seconds * 100) / 100;
}
