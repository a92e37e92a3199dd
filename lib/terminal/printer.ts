import { shellCommand } from "../base/escape.ts";
import type { Host, Output, ProgramNotice } from "../system/host.ts";

/**
 * The colours that our own text uses; each has a word beside it, so that nothing depends on colour.
 */
export type Colour = "red" | "green" | "yellow" | "blue" | "dim" | "bold";

/** Text in a colour, where its stream shows colours. */
export type Paint = (colour: Colour, text: string) => string;

const CODES: Readonly<Record<Colour, readonly [number, number]>> = {
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
  blue: [34, 39],
  dim: [2, 22],
  bold: [1, 22],
};

/** How the printer was asked to behave. */
export interface PrinterOptions {
  readonly json: boolean;
  readonly verbose: boolean;
  readonly color: "auto" | "always" | "never";
  /** No talk at all: for what is one step of many, and is told by its outcome. */
  readonly silent?: boolean;
}

/**
 * Everything people see goes through here. Data goes to standard output, talk to standard error.
 * Text that others wrote has to be escaped by the caller (`escapeText`); with `--json` only
 * {@linkcode Printer.json} writes to standard output.
 */
export class Printer {
  readonly json: boolean;
  readonly verbose: boolean;
  readonly color: PrinterOptions["color"];
  /**
   * Puts what is printed above lines that are drawn anew all the time; null while there are none.
   */
  above: ((print: () => void) => void) | null = null;
  readonly #silent: boolean;
  #host: Host;

  constructor(host: Host, options: PrinterOptions) {
    this.#host = host;
    this.json = options.json;
    this.verbose = options.verbose;
    this.color = options.color;
    this.#silent = options.silent ?? false;
    if (options.verbose) host.programs.onProgram = (notice) => this.#program(notice);
  }

  /** A line of data on standard output; nothing with `--json`. */
  line(text = ""): void {
    if (!this.json) this.#write("stdout", text);
  }

  /** A line of talk on standard error. */
  note(text = ""): void {
    if (!this.#silent) this.#write("stderr", text);
  }

  /** The same without talk, unless all is to be told. */
  silenced(): Printer {
    return this.verbose ? this : new Printer(this.#host, {
      json: this.json,
      verbose: false,
      color: this.color,
      silent: true,
    });
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

  /** Text in a colour, where the stream shows colours. */
  paint(colour: Colour, text: string, stream: "stdout" | "stderr" = "stdout"): string {
    if (!this.colours(stream)) return text;
    const [on, off] = CODES[colour];
    return `\x1b[${on}m${text}\x1b[${off}m`;
  }

  /**
   * Whether a stream shows colours: `--color`, then NO_COLOR and TERM, then whether it is a
   * terminal.
   */
  colours(stream: "stdout" | "stderr"): boolean {
    if (this.color !== "auto") return this.color === "always";
    const output: Output = this.#host.terminal[stream];
    return output.isTerminal && !this.#host.env("NO_COLOR") && this.#host.env("TERM") !== "dumb";
  }

  #write(stream: "stdout" | "stderr", text: string): void {
    const print = () => this.#host.terminal[stream].write(`${text}\n`);
    if (this.above) this.above(print);
    else print();
  }

  #program(notice: ProgramNotice): void {
    this.note(this.paint("dim", `+ ${shellCommand(notice.argv)}  # ${notice.why}`, "stderr"));
  }
}

/**
 * JSON whose text is safe on a terminal too: what `JSON.stringify` leaves alone (C1 controls, bidi
 * marks) is written as `\uXXXX`.
 */
export function toJson(value: unknown): string {
  return JSON.stringify(value, null, 2).replace(
    /[\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
