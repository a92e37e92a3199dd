import type { Host } from "../system/host.ts";
import { Printer, type PrinterOptions } from "./printer.ts";

/** A document as a command makes it. */
export type DocumentBody = Readonly<Record<string, unknown>>;

/** Keeps the document and the lines of a command instead of printing them. */
export class CapturingPrinter extends Printer {
  override readonly keepsLines = true;
  schema: string | null = null;
  body: DocumentBody | null = null;
  /** Lines of data; with `silent` what goes to standard error too. */
  readonly lines: string[] = [];
  readonly #silent: boolean;

  constructor(host: Host, options: Omit<PrinterOptions, "json">) {
    super(host, { ...options, json: true });
    this.#silent = options.silent ?? false;
  }

  override line(text = ""): void {
    this.lines.push(text);
  }

  override note(text = ""): void {
    if (this.#silent) this.lines.push(text);
    else super.note(text);
  }

  override document(schema: string, body: DocumentBody): void {
    this.schema = schema;
    this.body = body;
  }
}
