import { join } from "@std/path";
import { shellCommand } from "../base/escape.ts";
import type { Context } from "../command_line/context.ts";
import { wordsOf } from "../command_line/parse.ts";
import type { SharedOptions } from "../command_line/session_options.ts";
import { ignoreTractestError, TractestError } from "../errors.ts";
import { surroundingsOf } from "../leaks/ledger.ts";
import type { RecordedIdentity } from "../processes/process.ts";
import { onEndingSignal } from "../system/ending_signals.ts";
import type { Host } from "../system/host.ts";
import { ownProcess } from "../system/programs/own_process.ts";
import { ENDING_SIGNALS, type EndingSignal, EXIT, type ExitCode } from "../tables/exit_codes.ts";
import { announceEnd, type NotifyOptions } from "./notify.ts";
import { type RunEnd, type RunFile, runFileText } from "./rules_run_file.ts";
import { REFUSAL_FILE, removeDirectory, RUN_FILE, type RunState } from "./run_directory.ts";

/** Reads why a background run could not begin; null if it gave no reason. */
export function readRefusal(text: string | null): TractestError | null {
  try {
    const { code, message, exitCode, hint } = JSON.parse(text ?? "");
    const exit = Number.isSafeInteger(exitCode) ? exitCode : EXIT.bug;
    return new TractestError(String(code), String(message), exit, hint ? String(hint) : undefined);
  } catch {
    return null;
  }
}

/** The facts of a run that are known when it begins. */
export type RunFileFacts = Pick<RunFile, "root" | "command" | "background">;

/**
 * Keeps `run.json` of one run, and the signals that came. A disk that refuses costs the record,
 * never a result.
 */
export class RunRecorder {
  #record: RunFile | null = null;
  #end: Pick<RunEnd, "ending" | "counts"> = { ending: null, counts: null };
  #writes: Promise<void> = Promise.resolve();
  #identity: Promise<RecordedIdentity | null> | null = null;
  /** How many tasks handle signals themselves at the moment. */
  #handlers = 0;
  /** The first signal that is to end the run, for sessions that start after it; null if none. */
  cut: EndingSignal | null = null;
  /**
   * Set when the tests are over and the verdict is about to be shown, with the first signal since
   * then: only a second one ends the run before that.
   */
  afterTests: Pick<RunRecorder, "cut"> | null = null;

  constructor(
    private readonly host: Host,
    private readonly state: RunState,
    private readonly facts: RunFileFacts,
  ) {}

  /** Whether it is a background run. */
  get isBackground(): boolean {
    return this.facts.background;
  }

  /** Whether a task handles signals itself. */
  get delegatesSignals(): boolean {
    return this.#handlers > 0;
  }

  /** Leaves signals to a task as long as it takes. */
  async delegateSignals<T>(task: () => Promise<T>): Promise<T> {
    this.#handlers++;
    try {
      return await task();
    } finally {
      this.#handlers--;
    }
  }

  /** Records that the run waits for another one. */
  recordWaiting(): void {
    this.#begin(true);
  }

  /** Records that the run has begun. */
  recordBegin(): void {
    this.#begin(false);
  }

  /** Notes for the record of its end how it ended. */
  noteEnd(end: Partial<Pick<RunEnd, "ending" | "counts">>): void {
    this.#end = { ...this.#end, ...end };
  }

  /** Records that the run is over; null for a run that never began, which leaves no record. */
  async recordEnd(exitCode: ExitCode, ending = this.#end.ending): Promise<RunEnd | null> {
    if (this.#record === null) {
      // The directory of a background run is removed by the process that has reserved it.
      if (!this.isBackground) {
        await removeDirectory(this.host, this.state.directory).catch(ignoreTractestError);
      }
      return null;
    }
    const seconds = Math.round(this.host.clock.now() - this.#record.began) / 1000;
    const end = { ...this.#end, ending, exitCode, seconds };
    this.#write({ end });
    await this.#writes;
    return end;
  }

  /** Reports to the process that started this background run why it could not begin. */
  async recordRefusal({ code, message, exitCode, hint }: TractestError): Promise<void> {
    if (this.#record !== null || !this.isBackground) return;
    const file = join(this.state.directory, REFUSAL_FILE);
    const text = JSON.stringify({ code, message, exitCode, hint });
    await this.host.files.writeFile(file, text).catch(ignoreTractestError);
  }

  #begin(waiting: boolean): void {
    const { host, facts, state: { runId } } = this;
    const [pid, began] = [host.pid, host.clock.now()];
    this.#record = { runId, ...facts, waiting, pid, identity: null, began, end: null };
    this.#identity ??= ownIdentity(host);
    this.#write({});
  }

  /** Writes one change after another. The first waits for the identity, which takes programs. */
  #write(changes: Partial<RunFile>): void {
    const record = this.#record = { ...this.#record!, ...changes };
    const file = join(this.state.directory, RUN_FILE);
    this.#writes = this.#writes.then(async () => {
      const identity = await this.#identity;
      await this.host.files.writeFile(file, runFileText({ ...record, identity }));
    }).catch(ignoreTractestError);
  }
}

async function ownIdentity(host: Host): Promise<RecordedIdentity | null> {
  const [here, own] = await Promise.all([surroundingsOf(host), ownProcess(host)]);
  return here && own ? { pid: host.pid, startTicks: own.startTicks, ...here } : null;
}

/** Only `run` can be in the background and announce its end. */
export type RecordedOptions = SharedOptions & NotifyOptions & {
  readonly backgroundRun?: string | null;
};

/**
 * Runs `action` and records the run, up to its exit code or error. A signal before or after the
 * tests ends the run at once, which is recorded too. A background run ignores SIGHUP.
 */
export async function recorded(
  { host, printer, line }: Context<RecordedOptions>,
  state: RunState,
  root: string,
  action: (recorder: RunRecorder) => Promise<ExitCode>,
): Promise<ExitCode> {
  const command = shellCommand(["tractest", line.command, ...wordsOf(line, ["background-run"])]);
  const background = line.options.backgroundRun != null;
  const recorder = new RunRecorder(host, state, { root, command, background });
  const finish = async (exitCode: ExitCode, ending?: string) => {
    const [end] = await Promise.all([recorder.recordEnd(exitCode, ending), state.prune()]);
    const { runId } = state;
    if (end) await announceEnd(host, printer, line.options, { ...end, runId, root, command });
  };
  const interrupted = Promise.withResolvers<ExitCode>();
  const onSignal = (signal: EndingSignal) => {
    // SIGHUP says that the terminal is gone, and a background run has none.
    if (signal === "SIGHUP" && background) return;
    const isFirst = recorder.cut === null;
    recorder.cut ??= signal;
    if (recorder.delegatesSignals) return;
    const ending = signal === "SIGINT" ? "interrupted" : `ended by ${signal}`;
    recorder.noteEnd({ ending });
    if (isFirst && recorder.afterTests) {
      recorder.afterTests.cut = signal;
      printer.note(`\n${ending}: the tests are over, the verdict follows; a second signal ends it`);
      return;
    }
    printer.note(`\n${ending}`);
    interrupted.resolve(ENDING_SIGNALS[signal]);
  };
  const stopTaking = onEndingSignal(host, onSignal);
  try {
    const code = await Promise.race([
      action(recorder),
      interrupted.promise.then((code) => host.abandon().then(() => code)),
    ]);
    await finish(code);
    return code;
  } catch (error) {
    const known = error instanceof TractestError ? error : null;
    if (known) await recorder.recordRefusal(known);
    await finish(known?.exitCode ?? EXIT.bug, known?.message ?? "a bug in tractest");
    throw error;
  } finally {
    stopTaking();
    if (state.isTemporary) await removeDirectory(host, state.directory).catch(ignoreTractestError);
  }
}
