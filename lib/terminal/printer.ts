import { shortCommand } from "../base/escape.ts";
import { plural } from "../base/plural.ts";
import type { Host, Output, ProgramNotice } from "../system/host.ts";
import { columns } from "./columns.ts";
import { asWritten, foldFor, unbroken } from "./wrap.ts";

/** The colours of our own text, which never carry meaning without a word. */
export type Colour = "red" | "green" | "yellow" | "blue" | "dim" | "bold";

/** Colours a text if its stream shows colours. */
export type Paint = (colour: Colour, text: string) => string;

const CODES: Readonly<Record<Colour, readonly [number, number]>> = {
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
  blue: [34, 39],
  dim: [2, 22],
  bold: [1, 22],
};

/** How a printer prints. */
export interface PrinterOptions {
  readonly json: boolean;
  readonly verbose: boolean;
  readonly color: "auto" | "always" | "never";
  /** Whether nothing is written to standard error, as in one of many steps. */
  readonly silent?: boolean;
}

/** A line that waits for the end of its command. */
export interface KeptLine {
  readonly stream: "stdout" | "stderr";
  readonly text: string;
}

/**
 * Prints everything that people see: data on standard output, everything else on standard error.
 * Callers escape foreign text (`escapeText`). With `--json` only {@linkcode Printer.document}
 * writes to standard output.
 */
export class Printer {
  readonly json: boolean;
  readonly verbose: boolean;
  readonly color: PrinterOptions["color"];
  /** Whether lines are kept besides the document: no progress is among them. */
  readonly keepsLines: boolean = false;
  /** Prints above a live region; null while there is none. */
  above: ((print: () => void) => void) | null = null;
  /** Changes what a reader of the log would take for a command; null: there is none. */
  guard: ((text: string) => string) | null = null;
  readonly #silent: boolean;
  #host: Host;
  /** Lines of both streams, in order, while a pager may show them; null: they are printed. */
  #kept: KeptLine[] | null = null;

  constructor(host: Host, options: PrinterOptions) {
    this.#host = host;
    this.json = options.json;
    this.verbose = options.verbose;
    this.color = options.color;
    this.#silent = options.silent ?? false;
    if (options.verbose) host.programs.onProgram = (notice) => this.#program(notice);
  }

  /** A line of data on standard output; nothing with `--json`. A terminal's width folds it. */
  line(text = ""): void {
    if (!this.json) this.#write("stdout", this.#folded("stdout", text));
  }

  /** A line of a file or a script to copy, on standard output: never folded. */
  exact(text: string): void {
    if (!this.json) this.#write("stdout", text);
  }

  /** A table, on standard output if it is data; `least`: the least widths of its columns. */
  rows(
    rows: readonly (readonly string[])[],
    { stream = "stdout", least = [] }: {
      readonly stream?: "stdout" | "stderr";
      readonly least?: readonly number[];
    } = {},
  ): void {
    for (const text of columns(rows, { width: this.width(stream), least })) {
      if (stream === "stderr") this.#note(text);
      else if (!this.json) this.#write(stream, text);
    }
  }

  /** The columns of a terminal; null: the stream is not one. */
  width(stream: "stdout" | "stderr"): number | null {
    const { isTerminal, columns } = this.#host.terminal[stream];
    return isTerminal ? columns : null;
  }

  /** A line on standard error. */
  note(text = ""): void {
    this.#note(this.#folded("stderr", text));
  }

  /** The same printer without standard error, unless it is verbose. */
  silenced(): Printer {
    const { json, verbose, color } = this;
    if (verbose) return this;
    const silenced = new Printer(this.#host, { json, verbose, color, silent: true });
    silenced.guard = this.guard;
    return silenced;
  }

  /** Keeps all lines from now on; returns the list of them. */
  keepLines(): KeptLine[] {
    return this.#kept = [];
  }

  /** Prints the lines that were kept, or those of one stream, and keeps no more. */
  release(only?: "stdout" | "stderr"): void {
    const kept = this.#kept ?? [];
    this.#kept = null;
    for (const { stream, text } of kept) {
      if (only === undefined || stream === only) this.#print(stream, text);
    }
  }

  /** `warning: …` on standard error. */
  warn(text: string): void {
    this.note(`${this.paint("yellow", "warning:", "stderr")} ${text}`);
  }

  /** `hint: …` on standard error. */
  hint(text: string): void {
    this.note(`${this.paint("blue", "hint:", "stderr")} ${text}`);
  }

  /** The one JSON document of a command. `schema` is its first key. */
  document(schema: string, body: Readonly<Record<string, unknown>>): void {
    this.#host.terminal.stdout.write(`${toJson({ schema, ...body })}\n`);
  }

  /** Colours a text if the stream shows colours. */
  paint(colour: Colour, text: string, stream: "stdout" | "stderr" = "stdout"): string {
    if (!this.colours(stream)) return text;
    const [on, off] = CODES[colour];
    return `\x1b[${on}m${text}\x1b[${off}m`;
  }

  /**
   * Whether a stream shows colours, by `--color`, NO_COLOR, FORCE_COLOR, TERM, and if it is a
   * terminal.
   */
  colours(stream: "stdout" | "stderr"): boolean {
    if (this.color !== "auto") return this.color === "always";
    if (this.#host.env("NO_COLOR")) return false;
    if (this.#host.env("FORCE_COLOR")) return true;
    const output: Output = this.#host.terminal[stream];
    return output.isTerminal && this.#host.env("TERM") !== "dumb";
  }

  #note(text: string): void {
    if (!this.#silent) this.#write("stderr", text);
  }

  #folded(stream: "stdout" | "stderr", text: string): string {
    return foldFor(this.#host.terminal[stream], text);
  }

  #write(stream: "stdout" | "stderr", joined: string): void {
    const text = asWritten(joined);
    if (this.#kept === null) this.#print(stream, text);
    else this.#kept.push({ stream, text });
  }

  #print(stream: "stdout" | "stderr", text: string): void {
    const print = () => this.#host.terminal[stream].write(`${this.guard?.(text) ?? text}\n`);
    if (this.above) this.above(print);
    else print();
  }

  #program(notice: ProgramNotice): void {
    const { command, omitted } = shortCommand(notice.argv);
    const more = omitted === 0 ? "" : `${plural(omitted, "more file")}: `;
    const line = `${unbroken(`+ ${command}`)}  # ${more}${notice.why}`;
    this.note(this.paint("dim", line, "stderr"));
  }
}

/**
 * JSON that is safe on a terminal: C1 controls and bidirectional marks, which `JSON.stringify` does
 * not escape, are written as `\uXXXX`.
 */
export function toJson(value: unknown): string {
  return JSON.stringify(value, null, 2).replace(
    /[\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
