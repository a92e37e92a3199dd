import { escapeText } from "../base/escape.ts";
import { junit, type JunitSuite } from "../pytest/junit.ts";
import type { RunModel } from "../pytest/run_model.ts";
import { TractestError, UsageError } from "../errors.ts";
import type { Host } from "../system/host.ts";
import type { Printer } from "../terminal/printer.ts";
import { type Expected, isReplaced, outputPath, TypedPipe, writeTyped } from "./output_file.ts";

const XML: Expected = { kind: "a JUnit report (XML)", isOne: (head) => /^\ufeff?\s*</.test(head) };

/** The file of a run's JUnit report. */
export class JunitFile {
  /** Null for a file, and before it is opened. */
  #pipe: TypedPipe | null = null;

  private constructor(private readonly host: Host, private readonly path: string) {}

  /**
   * Checks the typed path before the run starts.
   *
   * @throws {UsageError} if it can't be written, or if a file of another kind would be overwritten
   */
  static async at(host: Host, typed: string): Promise<JunitFile> {
    if (typed === "-") {
      const message = '"--junit -" is not possible: pytest writes to standard output';
      throw new UsageError(message, "name a file");
    }
    return new JunitFile(host, await outputPath(host, typed, XML));
  }

  /**
   * Removes an earlier report, so that it is never taken for this run's.
   *
   * @throws {TractestError} if it can't be written, or if it is a pipe without a reader
   */
  async begin(): Promise<void> {
    if (await isReplaced(this.host, this.path)) {
      await this.host.files.writeFile(this.path, "");
      await this.host.files.remove(this.path);
    } else this.#pipe = await TypedPipe.open(this.host, this.path);
  }

  /** Writes the report. An error here fails no test: it is a warning. */
  async write(printer: Printer, results: RunModel | readonly JunitSuite[]): Promise<void> {
    try {
      await (this.#pipe?.write(junit(results)) ?? writeTyped(this.host, this.path, junit(results)));
    } catch (error) {
      if (!(error instanceof TractestError)) throw error;
      printer.warn(`no JUnit report: ${escapeText(error.message)}`);
    }
  }
}
