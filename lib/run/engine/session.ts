import type { Process } from "../../processes/process.ts";
import { join } from "@std/path";
import { endOfIsolated } from "../../isolation/rules.ts";
import type { LedgerEntry } from "../../leaks/rules_ledger.ts";
import { activation } from "../../system/programs/activation.ts";
import type { PytestEvent, SessionPurpose } from "../../pytest/events.ts";
import type { SessionModel } from "../../pytest/session_model.ts";
import type { Host, Output, Signal, StartedProgram } from "../../system/host.ts";
import type { RunLedger, TestOf } from "../../leaks/ledger.ts";
import { type EndedTree, endTree, treeOf } from "../../processes/kill_ladder.ts";
import { envCommand } from "../../system/programs/env.ts";
import { sendSignal } from "../../system/programs/kill.ts";
import { type ProcessFiles, readProcessFiles } from "../../system/programs/proc.ts";
import type { Printer } from "../../terminal/printer.ts";
import type { OutputMode, RunScene } from "./engine_request.ts";
import { FileTail } from "../../background/file_tail.ts";
import { pluginEnvironment } from "../../pytest/plugin_environment.ts";

/** A pytest to start. */
export interface SessionRequest {
  /** Tells the pytests of a run apart. */
  readonly name: string;
  readonly purpose: SessionPurpose;
  /** The command, as a person would type it; its first words are the interpreter's. */
  readonly argv: readonly string[];
  /** Variables besides those of every session. */
  readonly environment: Readonly<Record<string, string>>;
  /** The directory of the queue that hands out its tests; null: it runs what it collects. */
  readonly queue: string | null;
  readonly output: OutputMode;
  /** It keeps the terminal, for a debugger. */
  readonly keepsTerminal: boolean;
  /** Records the processes of the session. */
  readonly ledger: RunLedger;
  /** Gets what was started; null where that can't be identified. */
  readonly onStart: ((child: LedgerEntry | null) => Promise<void>) | null;
}

/** A {@linkcode SessionRequest} whose ledger may still be on its way. */
export type SessionOrder = Omit<SessionRequest, "ledger"> & { readonly ledger: Promise<RunLedger> };

/** How a pytest ended. */
export interface SessionEnd {
  /** 0 to 6 from pytest itself, 128 + n when signal n ended it. */
  readonly code: number;
  readonly signal: string | null;
}

/**
 * Milliseconds between looks at the processes of the session: one when tests end, one however long
 * a test takes.
 */
const RECORD_MS = { busy: 1_000, idle: 2_000 } as const;
/** Seconds that what is left gets when it is ended by force: it had its SIGINT before. */
const LAST_GRACE_SECONDS = 1;

/** One pytest: started, looked after, and, if need be, ended with all that it started. */
export class Session {
  /**
   * Whether a signal meant for us has to be passed on to it: the terminal does not send it there.
   */
  readonly detached: boolean;
  /** Where its output is kept; null if it goes to the terminal. */
  readonly logFile: string | null;
  /** What had to be ended by force; null when nothing had to. */
  ended: EndedTree | null = null;
  /** Processes of this session, as last seen. */
  seen: Process[] = [];
  /** Resolves when the process ended, whoever still holds its output. */
  readonly exited: Promise<SessionEnd>;
  readonly #gone = new AbortController();
  readonly #child: StartedProgram;
  readonly #output: { readonly tail: FileTail; readonly to: Output } | null;
  readonly #off: () => void;
  #recorded: number;
  #noted: Promise<void>;
  #lastLook: Promise<void> | null = null;
  #lookedLast = false;
  #ending: Promise<void> | null = null;
  readonly #work: Promise<void>[] = [];

  private constructor(
    private readonly host: Host,
    private readonly printer: Printer,
    readonly request: SessionRequest,
    private readonly scene: RunScene,
    started: Started,
  ) {
    this.#child = started.child;
    this.detached = started.detached;
    this.logFile = started.logFile;
    this.#output = started.logFile !== null && started.copyTo
      ? { tail: new FileTail(host, started.logFile, started.logSize), to: started.copyTo }
      : null;
    this.#recorded = host.clock.monotonic();
    this.#off = scene.log.on((event) => {
      if (event.session === request.name) this.#on(event);
    });
    this.exited = this.#child.status.then((status) => {
      request.ledger.rootIsGone();
      this.#gone.abort();
      return scene.isolation === null ? status : endOfIsolated(status);
    });
    this.#noted = request.ledger.begin(this.#child.pid).then(request.onStart ?? (() => undefined));
  }

  /** Starts it. */
  static async start(
    host: Host,
    printer: Printer,
    order: SessionOrder,
    scene: RunScene,
  ): Promise<Session> {
    const [ledger, spawn] = await Promise.all([
      order.ledger,
      preparePytest(host, order, scene),
      scene.log.append({
        event: "session-begin",
        session: order.name,
        pid: host.pid,
        purpose: order.purpose,
      }),
    ]);
    return new Session(host, printer, { ...order, ledger }, scene, spawn());
  }

  get pid(): number {
    return this.#child.pid;
  }

  /** Aborted when the process is gone. */
  get gone(): AbortSignal {
    return this.#gone.signal;
  }

  /** What its events say of it so far. */
  get facts(): SessionModel {
    return this.scene.log.run.session(this.request.name);
  }

  /** Looks after what has come: shows its output, notes its processes. True if there was output. */
  async look(): Promise<boolean> {
    if (!this.gone.aborted && this.host.clock.monotonic() - this.#recorded >= RECORD_MS.idle) {
      this.#record();
    }
    return await this.#copy();
  }

  /**
   * What is left to do when the process is gone: its last output is shown, its processes are noted.
   */
  async finish(): Promise<SessionEnd> {
    const end = await this.exited;
    // What is there now is all of it: a process that leaked may hold the file and write for ever.
    const size = await this.#output?.tail.size() ?? 0;
    while (this.#output && this.#output.tail.offset < size) if (!await this.#copy()) break;
    await Promise.all([this.#noted, this.#lastLook]);
    // Else what it left in its session is there to be seen.
    if (!this.#lookedLast) await this.request.ledger.look(this.#testOf);
    await this.request.ledger.settled();
    await Promise.all(this.#work);
    await this.#ending;
    // What a session that was cut short left below it has lost its parent: it belongs to the run
    // and to nobody else.
    if (this.seen.length > 0) await this.end();
    this.#off();
    return end;
  }

  /** Something that is done to it and has to be over before it counts as finished. */
  attend(work: Promise<void>): Promise<void> {
    this.#work.push(work);
    // It may fail long before anybody waits for it to be over.
    work.catch(() => {});
    return work;
  }

  /**
   * One SIGINT to the process that runs the session: below `uv run` or an isolation that is not the
   * one that was started.
   */
  async interrupt(): Promise<void> {
    if (this.gone.aborted) return;
    const target = this.scene.isolation === null ? await this.#pytest() : await this.#isolated();
    if (target !== null && target !== this.pid) {
      await sendSignal(this.host, { pid: target, inode: null }, "SIGINT");
    } else this.#child.kill("SIGINT" satisfies Signal);
  }

  /** Notes who belongs to the session while they are still below pytest. */
  async remember(): Promise<void> {
    // Once pytest is gone its pid means nothing any more.
    this.seen = await treeOf(this.host, this.gone.aborted ? null : this.pid, this.seen);
    await this.request.ledger.add(this.seen, this.#testOf);
  }

  /** Ends it with all that it started: SIGINT, a short grace, SIGKILL. */
  end(): Promise<void> {
    const end = () =>
      this.#end().catch((error) => {
        // Where nothing can be looked at, at least what was started goes: it is our own child.
        this.#child.kill("SIGKILL");
        throw error;
      });
    return this.#ending = (this.#ending ?? Promise.resolve()).then(end, end);
  }

  async #end(): Promise<void> {
    await this.remember();
    if (this.seen.length === 0) return;
    const ended = await endTree(this.host, this.printer, this.members, {
      graceSeconds: LAST_GRACE_SECONDS,
    });
    // With it ends what would not go.
    if (this.scene.isolation !== null) this.#child.kill("SIGKILL");
    this.seen = [];
    const before = this.ended;
    this.ended = before
      ? {
        killed: [...before.killed, ...ended.killed],
        refused: [...before.refused, ...ended.refused],
        survivors: ended.survivors,
      }
      : ended;
  }

  /** pytest's own pid as we see it; null when it can't be told from what it said. */
  async #pytest(): Promise<number | null> {
    const { pid } = this.facts;
    if (pid === null) return null;
    const tree = await treeOf(this.host, this.pid);
    return tree.some((identity) => identity.pid === pid) ? pid : null;
  }

  /**
   * Pids as we see them of processes that call themselves otherwise in an isolation, in no
   * particular order; those that are not below this session are left out.
   */
  async hostPids(inner: readonly number[]): Promise<number[]> {
    if (this.scene.isolation === null) return [...inner];
    if (this.gone.aborted || inner.length === 0) return [];
    const rows = await this.#inside();
    return rows.filter((row) => inner.includes(row.innerPid)).map((row) => row.pid);
  }

  /**
   * The processes in the session's own pid namespace. One that a test has made for itself, further
   * inside, is not looked into.
   */
  async #inside(): Promise<ProcessFiles[]> {
    const tree = await treeOf(this.host, this.pid);
    const init = tree.find((identity) => identity.ppid === this.pid);
    const { rows } = await readProcessFiles(this.host, tree.map(({ pid }) => pid), {
      mapped: false,
      why: "what the isolated call themselves",
    });
    const depth = init && rows.get(init.pid)?.depth;
    return [...rows.values()].filter((row) => row.depth === depth);
  }

  /**
   * Whom to interrupt in an isolation: pytest, before it has said its pid what will become it,
   * before that what makes the isolation.
   */
  async #isolated(): Promise<number | null> {
    const rows = await this.#inside();
    const init = rows.find((row) => row.innerPid === 1);
    const { pid } = this.facts;
    const main = rows.find((row) => pid === null ? row.ppid === init?.pid : row.innerPid === pid);
    return main?.pid ?? init?.pid ?? null;
  }

  /** Processes of this session, as last seen, without the two that are the isolation around it. */
  get members(): readonly Process[] {
    if (this.scene.isolation === null) return this.seen;
    return this.seen.filter(({ pid, ppid }) => pid !== this.pid && ppid !== this.pid);
  }

  /**
   * The test that started a process, once all that has come is read: what is late may be the start
   * of that very test.
   */
  readonly #testOf = async (): Promise<TestOf> => {
    await this.scene.log.poll();
    const { facts } = this;
    const { runningTest } = facts;
    return (startTicks) => facts.testAt(startTicks, runningTest);
  };

  #on(event: PytestEvent): void {
    if (this.gone.aborted) return;
    // Where a session comes to its end its processes are still below it; a moment later they may
    // not be.
    if (event.event === "session-finish") {
      const { ledger } = this.request;
      // It tells all only if pytest was still there.
      this.#lastLook = ledger.settled().then(() => ledger.look(this.#testOf)).then((wasThere) =>
        void (this.#lookedLast = wasThere)
      );
    } else if (
      event.event === "report" && this.host.clock.monotonic() - this.#recorded >= RECORD_MS.busy
    ) this.#record();
  }

  #record(): void {
    this.#recorded = this.host.clock.monotonic();
    void this.request.ledger.look(this.#testOf);
  }

  async #copy(): Promise<boolean> {
    const bytes = await this.#output?.tail.read();
    if (!bytes || bytes.length === 0) return false;
    this.#output!.to.write(bytes);
    return true;
  }
}

interface Started {
  readonly child: StartedProgram;
  readonly detached: boolean;
  readonly logFile: string | null;
  /** Bytes that the log had before. */
  readonly logSize: number;
  readonly copyTo: Output | null;
}

/** Makes all ready for a pytest; what it returns starts it. */
async function preparePytest(
  host: Host,
  request: SessionOrder,
  scene: RunScene,
): Promise<() => Started> {
  const { inherited, sigint, interpreter } = scene;
  // Sessions that run one after another share what is shown; those beside each other have a log
  // each.
  const logFile = join(
    scene.directory,
    request.output === "log" ? `output-${request.name}.log` : "output.log",
  );
  const streams = streamsOf(host, request.output);
  const [plugin, logSize] = await Promise.all([
    pluginEnvironment(host, inherited, {
      events: scene.log.path,
      session: request.name,
      queue: request.queue,
      isolated: scene.isolation !== null,
      otherwise: scene.directory,
    }),
    streams.redirect === "" ? 0 : sizeOfLog(host, logFile),
  ]);
  const wrapper = streams.redirect === ""
    ? []
    : ["/bin/sh", "-c", `log=$1; shift; ${redirection(streams)}`, "sh", logFile];
  const wrapped = scene.isolation?.wrap(request.argv, request.name) ?? request.argv;
  const activated = activation(interpreter, inherited);
  const { args, env } = envCommand({
    inherited,
    set: { ...interpreter.environment, ...activated.set, ...request.environment, ...plugin },
    unset: activated.unset,
    argv: [...wrapper, ...wrapped],
    sigint,
    pythonWords: wrapper.length + (wrapped.length - request.argv.length) + interpreter.argv.length,
  });
  // Without a terminal of its own pytest gets a session of its own, so that a signal meant for us
  // reaches it once, from us.
  const detached = !request.keepsTerminal &&
    (request.output === "log" ||
      !(host.terminal.stdinIsTerminal || host.terminal.stdout.isTerminal ||
        host.terminal.stderr.isTerminal));
  return () => {
    const child = host.programs.start("env", args, {
      why: "the tests",
      cwd: scene.root,
      env,
      stdin: host.terminal.stdinIsTerminal && request.output !== "log" ? "inherit" : "null",
      stdout: "inherit",
      stderr: "inherit",
      detached,
    });
    return {
      child,
      detached,
      logFile: streams.redirect === "" ? null : logFile,
      logSize,
      copyTo: streams.copyTo,
    };
  };
}

/** Makes the log if it is missing; bytes that it has. */
async function sizeOfLog(host: Host, path: string): Promise<number> {
  await host.files.createFile(path, "");
  return (await host.files.stat(path))?.size ?? 0;
}

/** Where pytest's output goes, in words of the shell. */
interface Streams {
  /** Empty: where ours does. */
  readonly redirect: string;
  /** What the log is copied to. */
  readonly copyTo: Output | null;
  /**
   * The number of that stream, and what takes the place of `redirect` where it is a file or a
   * device such as `/dev/null`.
   */
  readonly direct?: { readonly stream: 1 | 2; readonly redirect: string };
}

/**
 * Starts what `$@` says. A file needs no log before it: nobody waits for its end, whoever still has
 * it open.
 */
function redirection({ redirect, direct }: Streams): string {
  const started = `exec "$@" ${redirect}`;
  if (direct === undefined) return started;
  const path = `/dev/fd/${direct.stream}`;
  return `if [ -f ${path} ] || [ -c ${path} ]; then exec "$@" ${direct.redirect}; fi; ${started}`;
}

/**
 * Where pytest's standard output and error go: each where ours does, but to a pipe by the log,
 * which is copied to it.
 */
function streamsOf(host: Host, mode: OutputMode): Streams {
  const log = '>>"$log"';
  if (mode === "inherited") return { redirect: "", copyTo: null };
  if (mode === "log") return { redirect: `${log} 2>&1`, copyTo: null };
  if (mode === "stderr") {
    if (host.terminal.stderr.isTerminal) return { redirect: ">&2", copyTo: null };
    return {
      redirect: `${log} 2>&1`,
      copyTo: host.terminal.stderr,
      direct: { stream: 2, redirect: ">&2" },
    };
  }
  if (host.terminal.stdout.isTerminal && host.terminal.stderr.isTerminal) {
    return { redirect: "", copyTo: null };
  }
  if (host.terminal.stdout.isTerminal) {
    return {
      redirect: `2${log}`,
      copyTo: host.terminal.stderr,
      direct: { stream: 2, redirect: "" },
    };
  }
  if (host.terminal.stderr.isTerminal) {
    return { redirect: log, copyTo: host.terminal.stdout, direct: { stream: 1, redirect: "" } };
  }
  return {
    redirect: `${log} 2>&1`,
    copyTo: host.terminal.stdout,
    direct: { stream: 1, redirect: "2>&1" },
  };
}
