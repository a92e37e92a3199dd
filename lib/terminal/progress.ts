import type { Host } from "../system/host.ts";
import type { Printer } from "./printer.ts";

/** Milliseconds until unfinished work is shown on a terminal. */
const SILENT_MS = 700;
/** The same where a line can't be erased. */
const SILENT_WITHOUT_TERMINAL_MS = 2_000;

/** Shows unfinished work on standard error: a line that counts seconds, or one plain line. */
export class Progress {
  #host: Host;
  #printer: Printer;
  #running = new Set<string>();
  #started = 0;
  #shown = false;
  #timer: ReturnType<typeof setInterval> | null = null;

  constructor(host: Host, printer: Printer) {
    this.#host = host;
    this.#printer = printer;
  }

  /** Waits for `work`; shows `what` (`collecting the tests`) if that takes long. */
  async during<T>(what: string, work: Promise<T>): Promise<T> {
    this.#begin(what);
    try {
      return await work;
    } finally {
      this.#end(what);
    }
  }

  /** Erases the line, so that others can be printed; it is redrawn later. */
  clear(): void {
    if (this.#shown && this.#redraws()) this.#host.terminal.stderr.write("\r\x1b[K");
    if (this.#redraws()) this.#shown = false;
  }

  #begin(what: string): void {
    if (this.#running.size === 0) {
      this.#started = this.#host.clock.monotonic();
      this.#shown = false;
      if (!this.#printer.keepsLines) this.#timer = setInterval(() => this.#draw(), 250);
    }
    this.#running.add(what);
  }

  #end(what: string): void {
    this.#running.delete(what);
    if (this.#running.size > 0) return;
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
    this.clear();
  }

  #draw(): void {
    const elapsed = this.#host.clock.monotonic() - this.#started;
    const what = [...this.#running].join(", ");
    if (this.#redraws()) {
      if (elapsed < SILENT_MS) return;
      const { stderr } = this.#host.terminal;
      const text = `${what} … ${Math.floor(elapsed / 1000)} s`.slice(0, stderr.columns - 1);
      stderr.write(`\r\x1b[K${this.#printer.paint("dim", text, "stderr")}`);
      this.#shown = true;
    } else if (!this.#shown && elapsed >= SILENT_WITHOUT_TERMINAL_MS) {
      this.#printer.note(`${what} …`);
      this.#shown = true;
    }
  }

  /** Not with `-v`, where other lines come at any time, nor on a terminal that can't erase. */
  #redraws(): boolean {
    return this.#host.terminal.stderr.isTerminal && !this.#printer.verbose &&
      this.#host.env("TERM") !== "dumb";
  }
}
