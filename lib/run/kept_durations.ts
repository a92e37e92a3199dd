import { escapeText } from "../base/escape.ts";
import { TractestError } from "../errors.ts";
import {
  durationsText,
  isDurations,
  type KnownSeconds,
  readDurationsFrom,
} from "../history/durations_file.ts";
import type { RunModel } from "../pytest/run_model.ts";
import type { Host } from "../system/host.ts";
import type { Printer } from "../terminal/printer.ts";
import { outputPath, writeTyped } from "./output_file.ts";

/** The file of `--durations-file`, which one run leaves for the next. */
export class KeptDurations {
  private constructor(
    private readonly host: Host,
    private readonly path: string,
    private readonly before: string | null,
    /** What it says; null before the first run. */
    readonly seconds: KnownSeconds | null,
  ) {}

  /**
   * Reads it, if it is there.
   *
   * @throws {UsageError} if it can't be written, or is a file of another kind
   */
  static async at(host: Host, printer: Printer, typed: string): Promise<KeptDurations> {
    const path = await outputPath(host, typed, {
      kind: "a file of durations",
      isOne: isDurations,
    });
    const bytes = (await host.files.stat(path))?.kind === "file"
      ? await host.files.readFile(path)
      : null;
    const before = bytes === null || bytes.length === 0 ? null : new TextDecoder().decode(bytes);
    const seconds = before === null ? null : readDurationsFrom(before);
    if (before !== null && seconds === null) {
      printer.warn(`no durations can be read from ${escapeText(typed)}: it is written anew`);
    }
    return new KeptDurations(host, path, seconds === null ? null : before, seconds);
  }

  /**
   * Writes the durations of a run in one step. An error here fails no test: it is a warning.
   *
   * @param isFull whether all tests ran: if not, the others keep their durations
   */
  async write(printer: Printer, run: RunModel, isFull: boolean): Promise<void> {
    try {
      await writeTyped(this.host, this.path, durationsText(run, isFull ? null : this.before));
    } catch (error) {
      if (!(error instanceof TractestError)) throw error;
      printer.warn(`no file of durations: ${escapeText(error.message)}`);
    }
  }
}
