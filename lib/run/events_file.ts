import { escapeText } from "../base/escape.ts";
import { EVENTS_SCHEMA } from "../pytest/events.ts";
import { TractestError } from "../errors.ts";
import type { EventSink } from "./event_log.ts";
import type { Host } from "../system/host.ts";
import type { Printer } from "../terminal/printer.ts";
import { type Expected, isReplaced, outputPath, TypedPipe } from "./output_file.ts";

/** A file of events, of any version. */
export const EVENTS: Expected = {
  kind: "a file of events",
  isOne: (head) => head.startsWith(`{"schema":"${EVENTS_SCHEMA.replace(/\d+$/, "")}`),
};

/** The target of `--events`: a file, a pipe or device, or standard output. */
export class EventsFile {
  #trouble: TractestError | null = null;
  /** Null for a file and for standard output. */
  #pipe: TypedPipe | null = null;

  private constructor(private readonly host: Host, private readonly path: string | null) {}

  /**
   * Checks the typed path before the run starts; `-` is standard output.
   *
   * @throws {UsageError} if it can't be written, or if a file of another kind would be overwritten
   */
  static async at(host: Host, typed: string): Promise<EventsFile> {
    return new EventsFile(host, typed === "-" ? null : await outputPath(host, typed, EVENTS));
  }

  /**
   * Empties the file, so that an earlier run's events are never taken for this run's.
   *
   * @throws {TractestError} if it can't be written, or if it is a pipe without a reader
   */
  async begin(): Promise<void> {
    if (this.path === null) return;
    if (await isReplaced(this.host, this.path)) await this.host.files.writeFile(this.path, "");
    else this.#pipe = await TypedPipe.open(this.host, this.path);
  }

  /**
   * Writes lines as they arrive. An error here fails no test: {@linkcode EventsFile.end} reports
   * it.
   */
  readonly sink: EventSink = async (lines) => {
    const text = lines.map((line) => `${line}\n`).join("");
    if (this.path === null) return this.host.terminal.stdout.write(text);
    if (this.#trouble) return;
    try {
      await (this.#pipe?.write(text) ?? this.host.files.appendFile(this.path, text));
    } catch (error) {
      if (!(error instanceof TractestError)) throw error;
      this.#trouble = error;
    }
  };

  /** Why lines are missing; null if none are. */
  get trouble(): TractestError | null {
    return this.#trouble;
  }

  /** Closes it, and warns if lines are missing. */
  end(printer: Printer): void {
    this.#pipe?.close();
    if (this.#trouble === null) return;
    const why = escapeText(this.#trouble.message);
    printer.warn(`events are missing from the file of --events: ${why}`);
  }
}
