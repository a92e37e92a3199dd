import { RUN_COOKIE } from "../../base/cookie.ts";
import { RunLedger } from "../../leaks/ledger.ts";
import { beginsSession } from "../../pytest/pytest_command.ts";
import type { SessionPurpose } from "../../pytest/events.ts";
import type { SessionCode } from "../../pytest/session_reasons.ts";
import type { Host } from "../../system/host.ts";
import type { ProcessList } from "../../system/programs/ps.ts";
import type { Printer } from "../../terminal/printer.ts";
import type { Control } from "./control.ts";
import type { Distributor } from "./distributor.ts";
import { type EndedTest, EndedTestLog } from "./ended_test.ts";
import type { EngineRequest, SessionKind } from "./engine_request.ts";
import type { LeftBehindWatch } from "./left_behind.ts";
import type { Queue } from "./queue.ts";
import type { RunProgress } from "./run_progress.ts";
import { Session, type SessionEnd } from "./session.ts";
import type { SessionWatch } from "./session_watch.ts";

/** The parts of the engine that a session needs. */
export interface SessionParts {
  readonly progress: RunProgress;
  readonly control: Control;
  readonly watch: SessionWatch;
  readonly leaks: LeftBehindWatch;
  readonly distributor: Distributor;
}

/** What sessions of each purpose are called; of several workers each has a number. */
const LABELS = {
  tests: null,
  resume: "the remaining tests",
  alone: "tests that run alone",
  retry: "retry",
} as const satisfies Record<Exclude<SessionPurpose, "shard">, string | null>;

/** Runs the sessions of a run, and keeps how each of them ended. */
export class SessionRunner {
  /** How many sessions were started. */
  started = 0;
  readonly ends: SessionCode[] = [];
  /** The names of the sessions of each shard. */
  readonly shards: string[][] = [];
  /** The names of the sessions that collected everything. */
  readonly whole: string[] = [];
  /** The first session that ended with code 0 before it was over, and in no test. */
  vanished: string | null = null;
  /** All processes, as listed when the latest session was over; null if they were not. */
  listed: ProcessList | null = null;
  readonly #isolated = new Set<string>();
  readonly #finishing: Promise<void>[] = [];
  readonly #endedTests: EndedTestLog;

  constructor(
    private readonly host: Host,
    private readonly printer: Printer,
    private readonly request: EngineRequest,
    private readonly parts: SessionParts,
  ) {
    this.#endedTests = new EndedTestLog(host, request, parts.progress);
  }

  /** Whether a session has namespaces of its own; undefined: whether all have. */
  isIsolated(session: string | undefined): boolean {
    return this.request.scene.isolation !== null || this.#isolated.has(session ?? "");
  }

  /** Runs one session to its end. Returns the test in which it ended, if any. */
  async run(kind: SessionKind, queue: Queue | null, shard: number): Promise<EndedTest | null> {
    const { control, watch, distributor, progress } = this.parts;
    const session = await this.#start(kind, queue, shard);
    control.add(session);
    watch.startWatching();
    const end = await session.pytestExited;
    // Nothing is decided before all of its events are read.
    await this.request.scene.log.drain();
    const finishing = this.#finish(session);
    // It may fail long before it is awaited.
    finishing.catch(() => {});
    const eviction = watch.evictions.get(session);
    const isCut = eviction !== undefined || progress.cut !== null;
    // What is left in its namespaces disturbs no other session.
    if (session.request.isolation !== null && !isCut) this.#finishing.push(finishing);
    else await finishing;
    const endedTest = await this.#endedTests.record(session, end, eviction);
    await this.#keepEnd(session, end, endedTest);
    if (queue?.isFilled && (endedTest !== null || eviction !== undefined)) {
      await distributor.takeBack(queue, session.request.name);
    }
    return endedTest;
  }

  /** Waits for what the namespaces of ended sessions still wait for. */
  async settled(): Promise<void> {
    await Promise.all(this.#finishing);
  }

  async #finish(session: Session): Promise<void> {
    await session.finish();
    this.parts.control.remove(session);
    this.listed = session.request.ledger.listedAfterwards;
    await this.#reportLeaks(session);
  }

  async #start(kind: SessionKind, queue: Queue | null, shard: number): Promise<Session> {
    const { scene, sessions, plan, policy, hooks } = this.request;
    const { root, runId } = scene;
    const isolation = scene.isolation ?? (kind.isIsolated ? scene.isolationOfSome : null);
    const name = `${sessions.prefix ?? ""}${this.started++}`;
    if (isolation !== null) this.#isolated.add(name);
    if (kind.tests === null) this.whole.push(name);
    if (kind.purpose === "shard") (this.shards[shard - 1] ??= []).push(name);
    return await Session.start(this.host, this.printer, {
      name,
      purpose: kind.purpose,
      argv: sessions.command(kind, name),
      environment: { ...sessions.environment?.(shard, name), [RUN_COOKIE]: runId },
      queue: queue?.directory ?? null,
      hasOthers: plan.jobs > 1 || sessions.prefix !== undefined,
      output: sessions.output,
      isolation,
      keepsTerminal: policy.debugging,
      ledger: RunLedger.open(this.host, root, runId, name, isolation !== null),
      onStart: hooks.onSessionStart,
    }, scene);
  }

  async #reportLeaks(session: Session): Promise<void> {
    const { name, isolation } = session.request;
    const outlived = await isolation?.outlived(name) ?? null;
    const killed = session.ended?.killed.map(({ pid }) => pid) ?? [];
    const recorded = session.request.ledger.processes;
    await this.parts.leaks.sessionEnded(name, { outlived, ended: killed, recorded });
  }

  async #keepEnd(
    session: Session,
    { code, signal }: SessionEnd,
    endedTest: EndedTest | null,
  ): Promise<void> {
    const { pid, exitStatus, hasFailures, interruption, error, running } = session.facts;
    const { name, purpose } = session.request;
    const isBroken = endedTest !== null;
    // A pytest that did not exit had said before how it ended.
    const hungWith = this.parts.watch.evictions.get(session) === "no-exit" ? exitStatus : null;
    this.ends.push({
      session: name,
      label: purpose === "shard" ? this.#workerOf(name) : LABELS[purpose],
      code: hungWith ?? code,
      // In an isolation only the code shows a signal. If the session itself has reported this code,
      // it is no signal.
      signal: hungWith === null && exitStatus !== code ? signal : null,
      exitStatus,
      began: pid !== null,
      isBroken,
      hasFailures,
      test: endedTest?.id ?? [...running.keys()][0] ?? null,
      interruption,
      said: error ?? (code === 0 ? null : await session.lastError()),
    });
    // Any other code shows by itself that something is wrong.
    const isSilent = code === 0 && exitStatus === null && !isBroken &&
      beginsSession(session.request.argv);
    const isExpected = this.parts.progress.cut !== null || this.request.scene.log.isCut;
    if (isSilent && !isExpected) this.vanished ??= name;
  }

  #workerOf(name: string): string {
    return `worker ${1 + this.shards.findIndex((names) => names.includes(name))}`;
  }
}
