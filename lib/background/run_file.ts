import { join } from "@std/path";
import type { Context } from "../command_line/context.ts";
import { wordsOf } from "../command_line/parse.ts";
import { shellCommand } from "../base/escape.ts";
import type { RecordedIdentity } from "../processes/process.ts";
import { type RunEnd, type RunFile, runFileText } from "./rules_run_file.ts";
import { ignoreTractestError, TractestError } from "../errors.ts";
import type { Host } from "../system/host.ts";
import { surroundingsOf } from "../leaks/ledger.ts";
import { ownProcess } from "../system/programs/own_process.ts";
import {
  ENDING_SIGNAL_NAMES,
  ENDING_SIGNALS,
  type EndingSignal,
  EXIT,
  type ExitCode,
} from "../tables/exit_codes.ts";
import { announced } from "./notify.ts";
import { removeDirectory } from "./prune.ts";
import { RUN_FILE } from "./known_runs.ts";
import type { RunState } from "./state.ts";

/**
 * The file in which a run in the background that could not begin says why, for whoever has started
 * it.
 */
export const REFUSAL_FILE = "refused.json";

/** Reads why a run could not begin; null if it does not say. */
export function readRefusal(text: string | null): TractestError | null {
  try {
    const { code, message, exitCode, hint } = JSON.parse(text ?? "");
    return new TractestError(
      String(code),
      String(message),
      Number.isSafeInteger(exitCode) ? exitCode : EXIT.bug,
      hint ? String(hint) : undefined,
    );
  } catch {
    return null;
  }
}

/** What a run knows of itself when it begins. */
export type RunFileFacts = Pick<RunFile, "root" | "command" | "background">;

/** Keeps the record of one run. A disk that does not take it costs the record, never a result. */
export class RunRecorder {
  #record: RunFile | null = null;
  #end: Omit<RunEnd, "exitCode" | "seconds"> = { ending: null, counts: null };
  #writes: Promise<void> = Promise.resolve();
  #identity: Promise<RecordedIdentity | null> | null = null;
  /** How many things mind signals. */
  #minding = 0;
  /**
   * The signal that is to end the run, whoever minds it: what begins after it has to know; null
   * while none has come.
   */
  cut: EndingSignal | null = null;
  /**
   * Once the tests are over and their verdict is about to be told: the signal that came first
   * since. It does not keep the verdict back.
   */
  afterwards: Pick<RunRecorder, "cut"> | null = null;

  constructor(
    private readonly host: Host,
    private readonly state: RunState,
    private readonly facts: RunFileFacts,
  ) {}

  /** It waits for another run. */
  waits(): void {
    this.#begin(true);
  }

  /** Nothing is in its way. */
  begins(): void {
    this.#begin(false);
  }

  /** What is known of how it ended, besides its exit code. */
  tells(end: Partial<Omit<RunEnd, "exitCode" | "seconds">>): void {
    this.#end = { ...this.#end, ...end };
  }

  /** While this is done a signal is the business of whoever does it. */
  async minded<T>(work: () => Promise<T>): Promise<T> {
    this.#minding++;
    try {
      return await work();
    } finally {
      this.#minding--;
    }
  }

  /** Whether it runs where nobody looks. */
  get isBackground(): boolean {
    return this.facts.background;
  }

  /** Whether signals are somebody else's business. */
  get isMinded(): boolean {
    return this.#minding > 0;
  }

  /** It is over. One that never began leaves no record. */
  async ends(exitCode: ExitCode, ending: string | null = this.#end.ending): Promise<RunEnd | null> {
    if (this.#record === null) {
      // Of one in the background whoever started it takes care.
      if (!this.facts.background) {
        await this.#quietly(() => removeDirectory(this.host, this.state.directory));
      }
      return null;
    }
    const seconds = Math.round(this.host.clock.now() - this.#record.began) / 1000;
    const end = { ...this.#end, ending, exitCode, seconds };
    this.#write({ end });
    await this.#writes;
    return end;
  }

  /** It has never begun: says so to whoever has started it in the background. */
  async refuses({ code, message, exitCode, hint }: TractestError): Promise<void> {
    if (this.#record !== null || !this.facts.background) return;
    await this.#quietly(() =>
      this.host.files.writeFile(
        join(this.state.directory, REFUSAL_FILE),
        JSON.stringify({ code, message, exitCode, hint }),
      )
    );
  }

  #begin(waiting: boolean): void {
    const { host, facts, state } = this;
    this.#record = {
      runId: state.runId,
      ...facts,
      waiting,
      pid: host.pid,
      identity: null,
      began: host.clock.now(),
      end: null,
    };
    this.#identity ??= ownIdentity(host);
    this.#write({});
  }

  /**
   * Writes what is new, one after another: the identity takes programs, which nothing waits for.
   */
  #write(changes: Partial<RunFile>): void {
    const record = this.#record = { ...this.#record!, ...changes };
    this.#writes = this.#writes.then(() =>
      this.#quietly(async () => {
        const identity = await this.#identity;
        await this.host.files.writeFile(
          join(this.state.directory, RUN_FILE),
          runFileText({ ...record, identity }),
        );
      })
    );
  }

  async #quietly(action: () => Promise<unknown>): Promise<void> {
    try {
      await action();
    } catch (error) {
      if (!(error instanceof TractestError)) throw error;
    }
  }
}

async function ownIdentity(host: Host): Promise<RecordedIdentity | null> {
  const [here, own] = await Promise.all([surroundingsOf(host), ownProcess(host)]);
  return here && own ? { pid: host.pid, startTicks: own.startTicks, ...here } : null;
}

/**
 * Runs `action` with a record of it: the exit code that it comes to, also that of an error. Where
 * nobody minds signals, before and after the tests, one ends the run at once, and that is recorded
 * too. A run in the background goes on after SIGHUP.
 */
export async function recorded(
  { host, printer, line }: Context,
  state: RunState,
  root: string,
  action: (recorder: RunRecorder) => Promise<ExitCode>,
): Promise<ExitCode> {
  const command = shellCommand(["tractest", line.command, ...wordsOf(line, ["background-run"])]);
  const background = line.has("background-run");
  const recorder = new RunRecorder(host, state, { root, command, background });
  const over = async (exitCode: ExitCode, ending?: string) => {
    const [end] = await Promise.all([recorder.ends(exitCode, ending), state.prune()]);
    if (end) await announced(host, printer, line, { ...end, runId: state.runId, root, command });
  };
  const interrupted = Promise.withResolvers<ExitCode>();
  const listen = (signal: EndingSignal) =>
    host.onSignal(signal, () => {
      // There is no terminal that could have gone.
      if (signal === "SIGHUP" && background) return;
      const isFirst = recorder.cut === null;
      recorder.cut ??= signal;
      if (recorder.isMinded) return;
      const ending = signal === "SIGINT" ? "interrupted" : `ended by ${signal}`;
      recorder.tells({ ending });
      if (isFirst && recorder.afterwards) {
        recorder.afterwards.cut = signal;
        printer.note(
          `\n${ending}: the tests are over, and their verdict follows; once more ends it at once`,
        );
        return;
      }
      printer.note(`\n${ending}`);
      interrupted.resolve(ENDING_SIGNALS[signal]);
    });
  const off = ENDING_SIGNAL_NAMES.map(listen);
  try {
    const code = await Promise.race([
      action(recorder),
      interrupted.promise.then((code) => host.abandon().then(() => code)),
    ]);
    await over(code);
    return code;
  } catch (error) {
    const known = error instanceof TractestError ? error : null;
    if (known) await recorder.refuses(known);
    await over(known?.exitCode ?? EXIT.bug, known?.message ?? "a bug in tractest");
    throw error;
  } finally {
    for (const stop of off) stop();
    if (state.isTemporary) await removeDirectory(host, state.directory).catch(ignoreTractestError);
  }
}
