import { Forest } from "../processes/forest.ts";
import { join } from "@std/path";
import { escapeText, withoutAnsi } from "../base/escape.ts";
import { Live, type LiveOptions } from "./live.ts";
import type { PytestEvent } from "../pytest/events.ts";
import type { TestResult } from "../pytest/results.ts";
import { ignoreTractestError } from "../errors.ts";
import type { Host } from "../system/host.ts";
import { latestDurations } from "../history/project_history.ts";
import { listProcesses } from "../system/programs/ps.ts";
import { barLines, noteLines, nowLines, progressText, type ShownProcess } from "./bar.ts";
import { LiveRegion } from "../terminal/live_region.ts";
import type { Colour, Printer } from "../terminal/printer.ts";
import type { EngineOutcome } from "./engine/engine_outcome.ts";
import type { EventLog } from "./event_log.ts";
import { Keyboard } from "./keyboard.ts";

/** How {@linkcode LiveView} is told what to show. */
export interface LiveViewOptions extends Omit<LiveOptions, "durations"> {
  readonly root: string;
  /** Whether lines may be drawn anew in place, where the terminal can do that. */
  readonly redraws: boolean;
}

/** Milliseconds between two drawings, when something comes all the time and when nothing does. */
const DRAW_MS = { most: 100, least: 500 } as const;
/** Milliseconds between two lines about the progress where lines can't be taken back. */
const TELL_MS = 20_000;

/** Lines of pytest's output that are shown where it told nothing else. */
const SHOWN_LOG_LINES = 30;
/** Bytes of a log that are looked at for them. */
const LOG_BYTES = 64 * 1024;

/**
 * Says where pytest's own output is, and shows its end when pytest could not begin: it says why
 * there.
 */
export async function showLog(
  host: Host,
  printer: Printer,
  directory: string,
  outcome: EngineOutcome,
): Promise<void> {
  const { code, run, sessions, unexplained } = outcome;
  // 3 is an error of pytest itself, 4 one of its command line.
  if (run.began && unexplained === null && code !== 3 && code !== 4) {
    return printer.note(`pytest's own output: ${join(directory, "output-*.log")}`);
  }
  const path = join(directory, `output-${unexplained?.session ?? sessions - 1}.log`);
  const size = (await host.files.stat(path))?.size ?? 0;
  const end = await host.files.readFrom(path, Math.max(0, size - LOG_BYTES), LOG_BYTES) ??
    new Uint8Array();
  const lines = withoutAnsi(new TextDecoder().decode(end)).trimEnd().split("\n").slice(
    -SHOWN_LOG_LINES,
  );
  for (const line of lines) printer.note(escapeText(line));
}

/**
 * The live view of a run on standard error: a region at the bottom of a terminal, or lines where
 * there is none.
 */
export class LiveView {
  readonly #live: Live;
  readonly #region: LiveRegion | null;
  readonly #keyboard: Keyboard | null;
  readonly #off: () => void;
  readonly #timer: ReturnType<typeof setInterval>;
  #drawnAt = 0;
  /** Something came since the last drawing. */
  #changed = true;
  #toldAt: number;
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
    const redraws = options.redraws && host.terminal.stderr.isTerminal &&
      host.env("TERM") !== "dumb";
    this.#region = redraws ? new LiveRegion(host.terminal.stderr, () => this.#lines()) : null;
    if (this.#region) {
      const region = this.#region;
      printer.above = (print) => this.#stopped ? print() : region.above(print);
    }
    this.#toldAt = host.clock.monotonic();
    this.#off = log.on((event, test) => this.#on(event, test));
    this.#timer = setInterval(() => this.#tick(), DRAW_MS.most);
    this.#keyboard = this.#region && host.terminal.stdinIsTerminal
      ? new Keyboard(host, {
        onKey: (key) => key === "t" ? void this.#tellNow().catch(ignoreTractestError) : undefined,
        onStop: () => this.#suspend(),
        onContinue: () => this.#resume(),
      })
      : null;
  }

  /** Takes what is going to run, where that is not simply what pytest collected. */
  plan(ids: readonly string[]): void {
    this.#live.plan(ids);
  }

  /** Takes the region away and gives the keyboard back. */
  stop(): void {
    this.#off();
    clearInterval(this.#timer);
    this.#keyboard?.close();
    this.printer.above = null;
    this.#region?.clear();
  }

  #on(event: PytestEvent, test: TestResult | null): void {
    this.#changed = true;
    for (const note of this.#live.take(event, test)) this.#print(noteLines(note, this.#paint));
  }

  #tick(): void {
    for (const note of this.#live.slow(this.#now)) this.#print(noteLines(note, this.#paint));
    const time = this.host.clock.monotonic();
    if (this.#region === null) {
      if (time - this.#toldAt < TELL_MS) return;
      this.#toldAt = time;
      this.#print([progressText(this.#live, this.#now)]);
    } else if (!this.#stopped && (this.#changed || time - this.#drawnAt >= DRAW_MS.least)) {
      this.#draw();
    }
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
    return barLines(this.#live, { columns, rows, now: this.#now, paint: this.#paint });
  }

  async #tellNow(): Promise<void> {
    const { processes } = await listProcesses(this.host);
    const forest = new Forest(processes);
    const below = new Map(this.#live.sessions.map(({ name, pid }): [string, ShownProcess[]] => {
      // In a pid namespace pytest knows another number of its own.
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
    if (pids.length > 0) this.printer.note(`stopped; pytest (pid ${pids.join(", ")}) goes on`);
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

/**
 * Tells on standard error which tests are slow, beside pytest's own output; the returned function
 * stops that.
 */
export function tellSlow(host: Host, printer: Printer, log: EventLog, slow: number): () => void {
  const live = new Live(log.run, { slow, tries: 1, durations: new Map() });
  const timer = setInterval(() => {
    for (const note of live.slow(host.clock.now() / 1000)) {
      // pytest is in the middle of a line.
      printer.note(
        `\n${noteLines(note, (colour, text) => printer.paint(colour, text, "stderr")).join("\n")}`,
      );
    }
  }, DRAW_MS.most);
  return () => {
    clearInterval(timer);
  };
}
