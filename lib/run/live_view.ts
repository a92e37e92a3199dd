import { readLogEnd } from "../background/last_output.ts";
import { Forest } from "../processes/forest.ts";
import { join } from "@std/path";
import { escapeText } from "../base/escape.ts";
import { Live, type LiveOptions, type Note } from "./live.ts";
import type { PytestEvent } from "../pytest/events.ts";
import type { TestResult } from "../pytest/results.ts";
import { ignoreTractestError } from "../errors.ts";
import type { Host } from "../system/host.ts";
import { latestDurations } from "../history/project_history.ts";
import { listProcesses } from "../system/programs/ps.ts";
import { barLines, noteLines, nowLines, progressText, type ShownProcess } from "./bar.ts";
import { LiveRegion } from "../terminal/live_region.ts";
import type { Colour, Printer } from "../terminal/printer.ts";
import type { RunState } from "../background/run_directory.ts";
import type { EngineOutcome } from "./engine/engine_outcome.ts";
import type { EventLog } from "./event_log.ts";
import { Keyboard } from "./keyboard.ts";

/** Settings of a {@linkcode LiveView}. */
export interface LiveViewOptions extends Omit<LiveOptions, "durations"> {
  readonly root: string;
  /** Whether lines may be redrawn in place, where the terminal supports it. */
  readonly redraws: boolean;
  /** Whether incidents are shown as they happen, besides the progress. */
  readonly notes: boolean;
}

/** Milliseconds between two drawings while events come, and while none does. */
const DRAW_MS = { most: 100, least: 500 } as const;
/** Milliseconds between two progress lines where lines can't be redrawn. */
const PROGRESS_MS = 20_000;

/** Lines of pytest's output that are shown where pytest reported nothing. */
const SHOWN_LOG_LINES = 30;

/**
 * Says where pytest's own output is, if it stays there; shows its end when pytest could not begin,
 * for the reason stands there.
 */
export async function showLog(
  host: Host,
  printer: Printer,
  { directory, isTemporary }: Pick<RunState, "directory" | "isTemporary">,
  outcome: EngineOutcome,
): Promise<void> {
  const { run, sessions, verdict: { code, unexplained } } = outcome;
  // 3 is an error of pytest itself, 4 one of its command line.
  if (run.began && unexplained === null && code !== 3 && code !== 4) {
    if (isTemporary) return;
    return printer.note(`pytest's own output: ${join(directory, "output-*.log")}`);
  }
  const path = join(directory, `output-${unexplained?.session ?? sessions - 1}.log`);
  const lines = (await readLogEnd(host, path)).trimEnd().split("\n");
  for (const line of lines.slice(-SHOWN_LOG_LINES)) printer.note(escapeText(line));
}

/**
 * The live view of a run on standard error: a region at the bottom of a terminal, or lines where
 * there is none.
 */
export class LiveView {
  readonly #live: Live;
  readonly #region: LiveRegion | null;
  readonly #keyboard: Keyboard | null;
  readonly #notes: boolean;
  readonly #off: () => void;
  readonly #timer: ReturnType<typeof setInterval>;
  #drawnAt = 0;
  /** An event came since the last drawing. */
  #changed = true;
  #progressAt: number;
  #stopped = false;

  /** Begins to show a run of the project at `root`. */
  static async open(
    host: Host,
    printer: Printer,
    log: EventLog,
    options: LiveViewOptions,
  ): Promise<LiveView> {
    return new LiveView(host, printer, log, {
      ...options,
      durations: await latestDurations(host, options),
    });
  }

  private constructor(
    private readonly host: Host,
    private readonly printer: Printer,
    log: EventLog,
    options: LiveViewOptions & LiveOptions,
  ) {
    this.#live = new Live(log.run, options);
    this.#notes = options.notes;
    const redraws = options.redraws && host.terminal.stderr.isTerminal &&
      host.env("TERM") !== "dumb";
    this.#region = redraws ? new LiveRegion(host.terminal.stderr, () => this.#lines()) : null;
    if (this.#region) {
      const region = this.#region;
      printer.above = (print) => this.#stopped ? print() : region.above(print);
    }
    this.#progressAt = host.clock.monotonic();
    this.#off = log.on((event, test) => this.#on(event, test));
    this.#timer = setInterval(() => this.#tick(), DRAW_MS.most);
    this.#keyboard = this.#region && host.terminal.stdinIsTerminal
      ? new Keyboard(host, {
        onKey: (key) => key === "t" ? void this.#showNow().catch(ignoreTractestError) : undefined,
        onStop: () => this.#suspend(),
        onContinue: () => this.#resume(),
      })
      : null;
  }

  /** Sets the tests to run, if they differ from what pytest collects. */
  plan(ids: readonly string[]): void {
    this.#live.plan(ids);
  }

  /** Removes the region and releases the keyboard. */
  stop(): void {
    this.#off();
    clearInterval(this.#timer);
    this.#keyboard?.close();
    this.printer.above = null;
    this.#region?.clear();
  }

  #on(event: PytestEvent, test: TestResult | null): void {
    this.#changed = true;
    for (const note of this.#live.take(event, test)) this.#note(note);
  }

  #tick(): void {
    const time = this.host.clock.monotonic();
    if (this.#region === null) {
      if (time - this.#progressAt < PROGRESS_MS) return;
      this.#progressAt = time;
      this.#print([progressText(this.#live, this.#now)]);
    } else if (!this.#stopped && (this.#changed || time - this.#drawnAt >= DRAW_MS.least)) {
      this.#draw();
    }
  }

  #note(note: Note): void {
    if (this.#notes) this.#print(noteLines(note, this.#paint));
  }

  #draw(): void {
    this.#drawnAt = this.host.clock.monotonic();
    this.#changed = false;
    this.#region?.draw();
  }

  #print(lines: readonly string[]): void {
    if (lines.length > 0) this.printer.note(lines.join("\n"));
  }

  #lines(): string[] {
    const { columns, rows } = this.host.terminal.stderr;
    const hasKeys = this.#keyboard !== null;
    return barLines(this.#live, { columns, rows, now: this.#now, paint: this.#paint, hasKeys });
  }

  async #showNow(): Promise<void> {
    const { processes } = await listProcesses(this.host);
    const forest = new Forest(processes);
    const below = new Map(this.#live.sessions.map(({ name, pid }): [string, ShownProcess[]] => {
      // In a pid namespace pytest sees another pid of its own.
      const root = pid === null ? undefined : forest.get(pid);
      const pids = root && forest.descendantsOf(this.host.pid).includes(root.pid)
        ? [root.pid, ...forest.descendantsOf(root.pid)]
        : [];
      return [name, pids.map((one) => ({ pid: one, title: forest.get(one)!.args }))];
    }));
    this.#print(nowLines(this.#live, below, this.#now, this.#paint));
  }

  #suspend(): void {
    const pids = this.#live.sessions.flatMap(({ pid }) => pid === null ? [] : [pid]);
    if (pids.length > 0) this.printer.note(`stopped; pytest (pid ${pids.join(", ")}) continues`);
    this.#region?.clear();
    this.#stopped = true;
  }

  #resume(): void {
    this.#stopped = false;
    this.#draw();
  }

  get #now(): number {
    return this.host.clock.now() / 1000;
  }

  readonly #paint = (colour: Colour, text: string): string =>
    this.printer.paint(colour, text, "stderr");
}
