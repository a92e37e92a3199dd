import { escapeText } from "../base/escape.ts";
import { EVENTS_SCHEMA } from "../pytest/events.ts";
import { TractestError } from "../errors.ts";
import type { EventSink } from "./event_log.ts";
import type { Host } from "../system/host.ts";
import type { Printer } from "../terminal/printer.ts";
import { type Expected, isReplaced, outputPath, TypedPipe } from "./typed_files.ts";

/** Lines of events, of this version or another. */
export const EVENTS: Expected = {
  kind: "file of events",
  isOne: (head) => head.startsWith(`{"schema":"${EVENTS_SCHEMA.replace(/\d+$/, "")}`),
};

/** Where `--events` sends the lines of a run. */
export class EventsFile {
  #trouble: TractestError | null = null;
  /** Null where it is no pipe. */
  #pipe: TypedPipe | null = null;

  private constructor(private readonly host: Host, private readonly path: string | null) {}

  /**
   * Looks at the place before the run takes its time: a file, a pipe or device, or standard output
   * for `-`.
   *
   * @throws {UsageError} if nothing can be written there, or if something else would be overwritten
   */
  static async at(host: Host, typed: string): Promise<EventsFile> {
    return new EventsFile(host, typed === "-" ? null : await outputPath(host, typed, EVENTS));
  }

  /**
   * Begins the file anew: nobody is to take what an earlier run wrote for the events of this one,
   * however it ends.
   *
   * @throws {TractestError} if it can't be written, or if it is a pipe that nobody reads
   */
  async begin(): Promise<void> {
    if (this.path === null) return;
    if (await isReplaced(this.host, this.path)) await this.host.files.writeFile(this.path, "");
    else this.#pipe = await TypedPipe.open(this.host, this.path);
  }

  /**
   * Takes lines as they come. A disk that does not take them is no failure of a test: {@linkcode
   * EventsFile.end} tells of it.
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

  /** Why lines are missing; null while none are. */
  get trouble(): TractestError | null {
    return this.#trouble;
  }

  /** Ends it, and says if lines are missing. */
  end(printer: Printer): void {
    this.#pipe?.close();
    if (this.#trouble) {
      printer.warn(
        `events are missing from the file of --events: ${escapeText(this.#trouble.message)}`,
      );
    }
  }
}
