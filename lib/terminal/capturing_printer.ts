import type { Host } from "../system/host.ts";
import { columns } from "./columns.ts";
import { Printer, type PrinterOptions } from "./printer.ts";
import { asWritten } from "./wrap.ts";

/** A document as a command makes it. */
export type DocumentBody = Readonly<Record<string, unknown>>;

/** Keeps the document and the lines of a command instead of printing them. */
export class CapturingPrinter extends Printer {
  override readonly keepsLines: boolean;
  schema: string | null = null;
  body: DocumentBody | null = null;
  /** Lines of data; with `silent` what goes to standard error too, but no progress. */
  readonly lines: string[] = [];

  constructor(host: Host, options: Omit<PrinterOptions, "json">) {
    super(host, { ...options, json: true });
    this.keepsLines = options.silent ?? false;
  }

  override line(text = ""): void {
    this.lines.push(asWritten(text));
  }

  override exact(text: string): void {
    this.line(text);
  }

  override rows(
    rows: readonly (readonly string[])[],
    { least = [] }: { readonly least?: readonly number[] } = {},
  ): void {
    for (const text of columns(rows, { least })) this.line(text);
  }

  /** A text that is kept is not laid out for a terminal. */
  override width(): null {
    return null;
  }

  override note(text = ""): void {
    if (this.keepsLines) this.line(text);
    else super.note(text);
  }

  override document(schema: string, body: DocumentBody): void {
    this.schema = schema;
    this.body = body;
  }
}
