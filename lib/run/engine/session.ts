import type { SessionOrder, SessionRequest } from "./session_request.ts";
import { FileTail } from "../../background/file_tail.ts";
import { readLogEnd } from "../../background/last_output.ts";
import { lastError, linesWithText } from "../../base/last_lines.ts";
import { endOfIsolated } from "../../isolation/rules.ts";
import type { TestOf } from "../../leaks/ledger.ts";
import { type EndedTree, endTree, treeOf } from "../../processes/kill_ladder.ts";
import type { Process } from "../../processes/process.ts";
import type { PytestEvent } from "../../pytest/events.ts";
import type { SessionModel } from "../../pytest/session_model.ts";
import type { Host, Output, StartedProgram } from "../../system/host.ts";
import { sendSignal } from "../../system/programs/kill.ts";
import type { Printer } from "../../terminal/printer.ts";
import type { RunScene } from "./engine_request.ts";
import {
  isolatedProcesses,
  isolatedPytest,
  pytestBelow,
  withoutIsolation,
} from "./session_processes.ts";
import { preparePytest, type StartedPytest } from "./start_pytest.ts";

/** How a pytest ended. */
export interface SessionEnd {
  /** 0 to 6 from pytest itself, 128 + n when signal n ended it. */
  readonly code: number;
  readonly signal: string | null;
}

/**
 * Milliseconds between records of a session's processes: after tests, and during a long test. What
 * is isolated ends with the run, and is only recorded for those who look at it.
 */
const RECORD_MS = { busy: 1_000, idle: 2_000, isolated: 5_000 } as const;
/** Seconds between SIGINT and SIGKILL in the end, since pytest has had its SIGINT before. */
const LAST_GRACE_SECONDS = 1;

/** One pytest and all processes that it starts. */
export class Session {
  /** Whether it gets the terminal's signals only from tractest. */
  readonly detached: boolean;
  /** Where its output is kept; null if it goes to our own output. */
  readonly logFile: string | null;
  /** What had to be ended by force; null: nothing. */
  ended: EndedTree | null = null;
  /** The processes last seen in this session. */
  seen: Process[] = [];
  /** Resolves when the process has ended, even if another one still holds its output. */
  readonly exited: Promise<SessionEnd>;
  /**
   * Resolves when pytest has ended. An isolation may exist for a moment more, in which it waits for
   * what the tests have left behind.
   */
  readonly pytestExited: Promise<SessionEnd>;
  readonly #resolveExited: (end: SessionEnd) => void;
  readonly #gone = new AbortController();
  readonly #child: StartedProgram;
  readonly #output: { readonly tail: FileTail; readonly to: Output } | null;
  readonly #off: () => void;
  #recorded: number;
  #hasRecorded = false;
  #noted: Promise<void>;
  #lastScan: Promise<void> | null = null;
  /** Whether the ledger has all of its processes. Those of an isolation end with it. */
  #isScanned: boolean;
  #ending: Promise<void> | null = null;
  readonly #work: Promise<void>[] = [];

  private constructor(
    private readonly host: Host,
    private readonly printer: Printer,
    readonly request: SessionRequest,
    private readonly scene: RunScene,
    started: StartedPytest,
  ) {
    this.#child = started.child;
    this.detached = started.detached;
    this.logFile = started.logFile;
    this.#output = started.logFile !== null && started.copyTo
      ? { tail: new FileTail(host, started.logFile, started.logSize), to: started.copyTo }
      : null;
    this.#isScanned = request.isolation !== null;
    this.#recorded = host.clock.monotonic();
    this.#off = scene.log.on((event) => {
      if (event.session === request.name) this.#on(event);
    });
    this.exited = this.#child.status.then((status) => {
      request.ledger.rootIsGone();
      this.#gone.abort();
      return request.isolation === null ? status : endOfIsolated(status);
    });
    const { promise, resolve, reject } = Promise.withResolvers<SessionEnd>();
    this.pytestExited = promise;
    this.#resolveExited = resolve;
    this.exited.then(resolve, reject);
    this.#noted = request.ledger.begin(this.#child.pid).then(request.onStart);
  }

  /** Starts it. */
  static async start(
    host: Host,
    printer: Printer,
    order: SessionOrder,
    scene: RunScene,
  ): Promise<Session> {
    const { name: session, purpose } = order;
    const [ledger, spawn] = await Promise.all([
      order.ledger,
      preparePytest(host, order, scene),
      scene.log.append({ event: "session-begin", session, pid: host.pid, purpose }),
    ]);
    return new Session(host, printer, { ...order, ledger }, scene, spawn());
  }

  get pid(): number {
    return this.#child.pid;
  }

  /** Aborted when the process has ended. */
  get gone(): AbortSignal {
    return this.#gone.signal;
  }

  /** The facts from its events so far. */
  get facts(): SessionModel {
    return this.scene.log.run.session(this.request.name);
  }

  /** Shows new output and records the session's processes. Returns whether there was output. */
  async poll(): Promise<boolean> {
    if (!this.gone.aborted) {
      this.#record("idle");
      // What the next session writes into the same file is its own.
      const isAsked = this.facts.exitStatus !== null && this.#output === null;
      if (isAsked) await this.#askWhetherPytestExited();
    }
    return await this.#copy();
  }

  async #askWhetherPytestExited(): Promise<void> {
    const code = await this.request.isolation?.exitCode(this.request.name) ?? null;
    if (code !== null) this.#resolveExited(endOfIsolated({ code, signal: null }));
  }

  /** Waits for the process to end, then shows the last output and records its processes. */
  async finish(): Promise<SessionEnd> {
    const end = await this.exited;
    // Output up to here belongs to pytest: a leaked process may write to the file for ever.
    const size = await this.#output?.tail.size() ?? 0;
    while (this.#output && this.#output.tail.offset < size) if (!await this.#copy()) break;
    await Promise.all([this.#noted, this.#lastScan]);
    // Processes may have been left in its session since.
    if (!this.#isScanned) await this.request.ledger.scan(this.#testOf);
    await this.request.ledger.settled();
    await Promise.all(this.#work);
    await this.#ending;
    // Processes left by a session that was cut short have no parent, and belong to this run alone.
    if (this.seen.length > 0) await this.end();
    this.#off();
    return end;
  }

  /** The line about an error near the end of its output; null: none, or the output is not kept. */
  async lastError(): Promise<string | null> {
    if (this.logFile === null) return null;
    return lastError(linesWithText(await readLogEnd(this.host, this.logFile)));
  }

  /** Makes the session count as finished only when this work is over. */
  finishAfter(work: Promise<void>): Promise<void> {
    this.#work.push(work);
    // It may fail long before it is awaited.
    work.catch(() => {});
    return work;
  }

  /** Sends SIGINT to pytest itself, which may run below `uv run` or inside an isolation. */
  async interrupt(): Promise<void> {
    if (this.gone.aborted) return;
    const find = this.request.isolation === null ? pytestBelow : isolatedPytest;
    const target = await find(this.host, this.pid, this.facts.pid);
    if (target !== null && target !== this.pid) {
      await sendSignal(this.host, { pid: target, inode: null }, "SIGINT");
    } else this.#child.kill("SIGINT");
  }

  /** Records the processes of the session while they are still below pytest. */
  async remember(): Promise<void> {
    // Once pytest is gone, its pid may belong to another process.
    this.seen = await treeOf(this.host, this.gone.aborted ? null : this.pid, this.seen);
    await this.request.ledger.add(this.seen, this.#testOf);
  }

  /** Ends it with all that it started: SIGINT, a short grace, SIGKILL. */
  end(): Promise<void> {
    const end = () =>
      this.#end().catch((error) => {
        // Without a list of processes, at least our own child can be killed.
        this.#child.kill("SIGKILL");
        throw error;
      });
    return this.#ending = (this.#ending ?? Promise.resolve()).then(end, end);
  }

  async #end(): Promise<void> {
    await this.remember();
    if (this.seen.length === 0) return;
    const grace = { graceSeconds: LAST_GRACE_SECONDS };
    const ended = await endTree(this.host, this.printer, this.members, grace);
    // This ends the isolation, and with it everything inside.
    if (this.request.isolation !== null) this.#child.kill("SIGKILL");
    this.seen = [];
    const { killed = [], refused = [] } = this.ended ?? {};
    this.ended = {
      killed: [...killed, ...ended.killed],
      refused: [...refused, ...ended.refused],
      survivors: ended.survivors,
    };
  }

  /** Pids as seen from outside, for pids of processes inside this session. */
  async hostPids(inner: readonly number[]): Promise<number[]> {
    if (this.request.isolation === null) return [...inner];
    if (this.gone.aborted || inner.length === 0) return [];
    const rows = await isolatedProcesses(this.host, this.pid);
    return rows.filter((row) => inner.includes(row.innerPid)).map((row) => row.pid);
  }

  /** Its processes now, without the two around an isolated one. */
  async processes(): Promise<Process[]> {
    return this.#withoutIsolation(await treeOf(this.host, this.pid));
  }

  /** The processes last seen in this session, without the two around an isolated one. */
  get members(): readonly Process[] {
    return this.#withoutIsolation(this.seen);
  }

  #withoutIsolation(processes: Process[]): Process[] {
    return this.request.isolation === null ? processes : withoutIsolation(processes, this.pid);
  }

  /** Finds the test that started a process, once all events so far are read. */
  readonly #testOf = async (): Promise<TestOf> => {
    await this.scene.log.poll();
    const { facts } = this;
    const guess = facts.isParallel ? null : facts.runningTest;
    return (startTicks) => facts.testAt(startTicks, guess);
  };

  #on(event: PytestEvent): void {
    if (this.gone.aborted) return;
    // At the end of a session its processes are still below it; a moment later they may not be.
    if (event.event === "session-finish" && !this.#isScanned) {
      const { ledger } = this.request;
      // The scan is complete only if pytest was still there.
      this.#lastScan = ledger.settled().then(() => ledger.scan(this.#testOf)).then((wasThere) =>
        void (this.#isScanned = wasThere)
      );
    } else if (event.event === "report") this.#record("busy");
  }

  /** Records its processes if that is due. */
  #record(pace: "busy" | "idle"): void {
    const isAgain = this.#hasRecorded && this.request.isolation !== null;
    const now = this.host.clock.monotonic();
    if (now - this.#recorded < RECORD_MS[isAgain ? "isolated" : pace]) return;
    this.#recorded = now;
    this.#hasRecorded = true;
    void this.request.ledger.scan(this.#testOf);
  }

  async #copy(): Promise<boolean> {
    const bytes = await this.#output?.tail.read();
    if (!bytes || bytes.length === 0) return false;
    this.#output!.to.write(bytes);
    return true;
  }
}
