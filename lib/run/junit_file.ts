import { escapeText } from "../base/escape.ts";
import { junit, type JunitSuite } from "../pytest/junit.ts";
import type { RunModel } from "../pytest/run_model.ts";
import { TractestError, UsageError } from "../errors.ts";
import type { Host } from "../system/host.ts";
import type { Printer } from "../terminal/printer.ts";
import { isReplaced, outputPath, TypedPipe, writeTyped } from "./typed_files.ts";

/** Where the JUnit report of a run goes. */
export class JunitFile {
  /** Null where it is no pipe, or not yet open. */
  #pipe: TypedPipe | null = null;

  private constructor(private readonly host: Host, private readonly path: string) {}

  /**
   * Looks at the place before the run takes its time.
   *
   * @throws {UsageError} if no report can be written there, or if something else would be
   *   overwritten
   */
  static async at(host: Host, typed: string): Promise<JunitFile> {
    if (typed === "-") {
      throw new UsageError(
        '"--junit -" is not possible: standard output is pytest\'s',
        "name a file",
      );
    }
    return new JunitFile(
      host,
      await outputPath(host, typed, { kind: "XML", isOne: (head) => /^\ufeff?\s*</.test(head) }),
    );
  }

  /**
   * Takes an earlier report away: nobody is to take it for that of this run, however it ends.
   *
   * @throws {TractestError} if no report can be written, or if it is a pipe that nobody reads
   */
  async begin(): Promise<void> {
    if (await isReplaced(this.host, this.path)) {
      await this.host.files.writeFile(this.path, "");
      await this.host.files.remove(this.path);
    } else this.#pipe = await TypedPipe.open(this.host, this.path);
  }

  /** Writes the report. A disk that does not take it is no failure of a test. */
  async write(printer: Printer, results: RunModel | readonly JunitSuite[]): Promise<void> {
    try {
      await (this.#pipe?.write(junit(results)) ?? writeTyped(this.host, this.path, junit(results)));
    } catch (error) {
      if (!(error instanceof TractestError)) throw error;
      printer.warn(`no JUnit report: ${escapeText(error.message)}`);
    }
  }
}
