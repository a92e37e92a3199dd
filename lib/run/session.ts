import { join } from "@std/path";
import type { HangEvidence } from "../core/hang.ts";
import type { ProcessIdentity } from "../core/leaks_types.ts";
import type { Interpreter, SigintMethod } from "../core/preflight.ts";
import type { LedgerEntry } from "../core/ledger.ts";
import { EventReader, type PytestEvent } from "../core/pytest_events.ts";
import { type Cut, Tally } from "../core/verdict.ts";
import type { Host, Output, Signal, StartedProgram } from "../host/host.ts";
import { envCommand } from "../programs/env.ts";
import { sendSignal } from "../programs/kill.ts";
import { processStates } from "../programs/ps_states.ts";
import type { Printer } from "../ui/printer.ts";
import type { RunLedger } from "../leaks/ledger.ts";
import { type EndedTree, endTree, treeOf } from "../leaks/process_tree.ts";
import { FileTail } from "./file_tail.ts";
import { pluginEnvironment } from "./plugin.ts";

/** A pytest to run. Times in seconds. */
export interface SessionRequest {
  /** The command, as a person would type it; its first words are the interpreter's. */
  readonly argv: readonly string[];
  readonly interpreter: Interpreter;
  /** The environment that it inherits. */
  readonly inherited: ReadonlyMap<string, string>;
  readonly sigint: SigintMethod;
  readonly cwd: string;
  /** A private directory for the log and the events. */
  readonly directory: string;
  /** 0: none. */
  readonly limit: number;
  readonly grace: number;
  /** Ctrl-C belongs to a debugger. */
  readonly debugging: boolean;
  /** Standard output carries data: what pytest writes goes to standard error. */
  readonly outputToStderr: boolean;
  /** Gets each line of events as it comes. */
  readonly onEvents: ((lines: readonly string[]) => Promise<void> | void) | null;
  /** Gets what was started; null where that can't be identified. */
  readonly onStart: (child: LedgerEntry | null) => Promise<void>;
  /** Records the processes of the run. */
  readonly ledger: RunLedger;
}

/** How a session ended. */
export interface SessionOutcome {
  readonly tally: Tally;
  /** 0 to 6 from pytest itself, 128 + n when signal n ended it. */
  readonly code: number;
  readonly signal: string | null;
  readonly cut: Cut | null;
  /** Whole duration, in seconds. */
  readonly seconds: number;
  readonly evidence: HangEvidence | null;
  /** What had to be ended, after pytest had its chance; null when nothing had to. */
  readonly ended: EndedTree | null;
  /** Where pytest's output is kept; null if it went to the terminal. */
  readonly log: string | null;
}

/** Milliseconds between looks at the files: often while something comes, seldom else. */
const LOOK_MS = { busy: 15, idle: 60 } as const;
/** Milliseconds between looks at the processes of the run: one when tests end, one however long a test takes. */
const RECORD_MS = { busy: 1_000, idle: 2_000 } as const;
/** Seconds that pytest may need to finish its report after a signal before it is mentioned. */
const PATIENCE_SECONDS = 3;
/** Seconds that what is left gets when it is ended by force: it had its SIGINT before. */
const LAST_GRACE_SECONDS = 1;

/** Runs pytest to its end, shows its output as it comes, and sees to signals and the time limit. */
export async function runSession(host: Host, printer: Printer, request: SessionRequest): Promise<SessionOutcome> {
  const eventsFile = join(request.directory, "events.jsonl");
  const logFile = join(request.directory, "output.log");
  const { inherited, sigint } = request;
  await Promise.all([host.createFile(eventsFile, ""), host.createFile(logFile, "")]);
  const plugin = await pluginEnvironment(host, inherited, eventsFile, request.directory);
  const streams = streamsOf(host, request.outputToStderr);
  const wrapper = streams.redirect === "" ? [] : ["/bin/sh", "-c", `log=$1; shift; exec "$@" ${streams.redirect}`, "sh", logFile];
  const { args, env } = envCommand({
    inherited,
    set: { ...request.interpreter.environment, ...plugin },
    argv: [...wrapper, ...request.argv],
    sigint,
    pythonWords: wrapper.length + request.interpreter.argv.length,
  });
  // Without a terminal pytest gets a session of its own, so that a signal meant for us reaches it once, from us.
  const detached = !host.stdinIsTerminal && !host.stdout.isTerminal && !host.stderr.isTerminal;
  const stop = new Stopper(host, printer, request, detached);
  const began = host.monotonic();
  const child = host.start("env", args, {
    why: "the tests",
    cwd: request.cwd,
    env,
    stdin: host.stdinIsTerminal ? "inherit" : "null",
    stdout: "inherit",
    stderr: "inherit",
    detached,
  });
  const tally = new Tally();
  stop.watch(child, tally);
  try {
    const output = streams.logTo ? new FileTail(host, logFile) : null;
    const events = new FileTail(host, eventsFile);
    const reader = new EventReader();
    const look = async (): Promise<boolean> => {
      const bytes = await events.read();
      const { lines, events: seen } = reader.read(bytes);
      for (const event of seen) tally.add(event);
      if (!ended) record(seen);
      if (lines.length > 0) await request.onEvents?.(lines);
      const shown = await output?.read();
      if (shown && shown.length > 0) streams.logTo!.write(shown);
      return bytes.length > 0 || (shown?.length ?? 0) > 0;
    };
    const { ledger } = request;
    let recorded = host.monotonic();
    let isLast = false;
    let last: Promise<void> | null = null;
    const record = (seen: readonly PytestEvent[]) => {
      // Where a session comes to its end its processes are still below it; a moment later they may not be.
      const isFinish = seen.some((event) => event.event === "session-finish");
      const since = host.monotonic() - recorded;
      if (!isFinish && since < (seen.length > 0 ? RECORD_MS.busy : RECORD_MS.idle)) return;
      recorded = host.monotonic();
      if (!isFinish) return void ledger.look(runningTest(tally));
      // It tells all only if pytest was still there when it was done.
      last = ledger.settled().then(() => ledger.look(runningTest(tally))).then(() => void (isLast = !ended));
    };
    let ended = false;
    const end = new AbortController();
    const status = child.status.then((result) => {
      ended = true;
      ledger.rootIsGone();
      end.abort();
      return result;
    });
    const noted = ledger.begin(child.pid).then(request.onStart);
    const limit = request.limit > 0 ? stop.atLimit(request.limit, end.signal) : Promise.resolve();
    while (!ended) await host.sleep(await look() ? LOOK_MS.busy : LOOK_MS.idle, end.signal);
    const seconds = (host.monotonic() - began) / 1000;
    // What is there now is all of it: a process that leaked may hold the files and write for ever.
    const sizes = await Promise.all([events.size(), output?.size() ?? 0]);
    while (events.offset < sizes[0] || (output && output.offset < sizes[1])) if (!await look()) break;
    const { code, signal } = await status;
    await Promise.all([noted, last]);
    // Else what it left in its session is there to be seen.
    if (!isLast) await ledger.look(runningTest(tally));
    await Promise.all([ledger.settled(), limit, stop.finish()]);
    return {
      tally,
      code,
      signal,
      cut: stop.cut,
      seconds,
      evidence: stop.evidence,
      ended: stop.ended,
      log: streams.logTo ? logFile : null,
    };
  } finally {
    stop.unwatch();
  }
}

/** The test that runs, the one that began last where several do; between tests the one before. */
function runningTest(tally: Tally): string | null {
  return [...tally.running.keys()].at(-1) ?? tally.latest;
}

/** Where pytest's standard output and error go: each to the terminal if ours does, else to the log, which is copied to ours. */
function streamsOf(host: Host, outputToStderr: boolean): { redirect: string; logTo: Output | null } {
  const log = '>>"$log"';
  if (outputToStderr) {
    return host.stderr.isTerminal ? { redirect: ">&2", logTo: null } : { redirect: `${log} 2>&1`, logTo: host.stderr };
  }
  if (host.stdout.isTerminal && host.stderr.isTerminal) return { redirect: "", logTo: null };
  if (host.stdout.isTerminal) return { redirect: `2${log}`, logTo: host.stderr };
  if (host.stderr.isTerminal) return { redirect: log, logTo: host.stdout };
  return { redirect: `${log} 2>&1`, logTo: host.stdout };
}

/** Ends a session before its time: on signals to us and at the time limit, politely first. */
class Stopper {
  cut: Cut | null = null;
  evidence: HangEvidence | null = null;
  ended: EndedTree | null = null;
  #child: StartedProgram | null = null;
  #tally: Tally | null = null;
  #seen: ProcessIdentity[] = [];
  #force: Promise<void> | null = null;
  #politely: Promise<void> | null = null;
  #off: (() => void)[] = [];
  #gone = new AbortController();

  constructor(
    private readonly host: Host,
    private readonly printer: Printer,
    private readonly request: SessionRequest,
    private readonly detached: boolean,
  ) {
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) this.#off.push(host.onSignal(signal, () => this.#onSignal(signal)));
  }

  watch(child: StartedProgram, tally: Tally): void {
    this.#child = child;
    this.#tally = tally;
    void child.status.then(() => this.#gone.abort());
  }

  unwatch(): void {
    for (const off of this.#off) off();
  }

  /** Resolves when what was begun to end the session is done. */
  async finish(): Promise<void> {
    await this.#politely;
    await this.#force;
    // What a session that was cut short left below it has lost its parent: it belongs to the run and to nobody else.
    if (this.#seen.length > 0) await this.#end();
  }

  #onSignal(signal: "SIGINT" | "SIGTERM" | "SIGHUP"): void {
    // A debugger reads Ctrl-C itself; the terminal has sent it there already.
    if (signal === "SIGINT" && this.request.debugging) return;
    if (this.cut !== null) {
      // A terminal shows ^C in the middle of a line.
      this.printer.note(`\n${signal} again: ending what is left`);
      this.#force ??= this.#end();
      return;
    }
    this.cut = signal;
    this.#politely = this.#askToStop(signal);
  }

  async #askToStop(signal: "SIGINT" | "SIGTERM" | "SIGHUP"): Promise<void> {
    // At a terminal Ctrl-C went to all of the foreground: pytest has it already, and a second one would cut its report short.
    if (signal !== "SIGINT" || this.detached) await this.#interrupt();
    await this.#remember();
    const patience = signal === "SIGINT" ? PATIENCE_SECONDS : this.request.grace;
    await this.host.sleep(patience * 1000, this.#gone.signal);
    if (this.#gone.signal.aborted || this.#force !== null) return;
    if (signal === "SIGINT") this.printer.note("\npytest is still finishing; interrupt once more to end it at once");
    else await (this.#force ??= this.#end());
  }

  /** Waits for the time limit and, if the session is not over by then, ends it. */
  async atLimit(seconds: number, over: AbortSignal): Promise<void> {
    await this.host.sleep(seconds * 1000, over);
    if (over.aborted || this.cut !== null) return;
    this.cut = "time-limit";
    // pytest is in the middle of a line.
    this.printer.note();
    this.printer.warn(`time limit of ${seconds} s: SIGINT to pytest, ${this.request.grace} s of grace, then SIGKILL to what is left`);
    await this.#remember();
    this.evidence = await this.#look();
    await this.#interrupt();
    await this.host.sleep(this.request.grace * 1000, over);
    if (!over.aborted) await (this.#force ??= this.#end());
  }

  /** One SIGINT to the process that runs the session: below `uv run` that is not the one that was started. */
  async #interrupt(): Promise<void> {
    const child = this.#child!;
    const pid = this.#tally!.pid;
    if (pid !== null && pid !== child.pid && (await treeOf(this.host, child.pid)).some((identity) => identity.pid === pid)) {
      await sendSignal(this.host, pid, "SIGINT");
    } else {
      child.kill("SIGINT" satisfies Signal);
    }
  }

  /** Notes who belongs to the run while they are still below pytest. */
  async #remember(): Promise<void> {
    // Once pytest is gone its pid means nothing any more.
    this.#seen = await treeOf(this.host, this.#gone.signal.aborted ? null : this.#child!.pid, this.#seen);
    await this.request.ledger.add(this.#seen, runningTest(this.#tally!));
  }

  async #look(): Promise<HangEvidence> {
    const now = this.host.now() / 1000;
    const running = [...this.#tally!.running].map(([id, since]) => ({ id, seconds: Math.max(0, now - since) }));
    return { running, processes: await processStates(this.host, this.#seen.map((identity) => identity.pid)) };
  }

  async #end(): Promise<void> {
    await this.#remember();
    if (this.#seen.length === 0) return;
    const ended = await endTree(this.host, this.printer, this.#seen, { graceSeconds: LAST_GRACE_SECONDS });
    this.#seen = [];
    const before = this.ended;
    this.ended = before
      ? { killed: [...before.killed, ...ended.killed], refused: [...before.refused, ...ended.refused], survivors: ended.survivors }
      : ended;
  }
}
