import { dirname, resolve } from "@std/path";
import { shellCommand } from "../core/escape.ts";
import { junit, type JunitSuite } from "../core/results/junit.ts";
import type { Results } from "../core/results/results.ts";
import { TractestError, UsageError } from "../errors.ts";
import type { Host } from "../host/host.ts";
import type { Printer } from "../ui/printer.ts";

/** Read by whoever collects the reports of a CI job. */
const MODE = 0o644;

/** Where the JUnit report of a run goes. */
export class JunitFile {
  private constructor(private readonly host: Host, private readonly path: string) {}

  /**
   * Looks at the place before the run takes its time.
   *
   * @throws {UsageError} if no report can be written there, or if something else would be overwritten
   */
  static async at(host: Host, typed: string): Promise<JunitFile> {
    if (typed === "-") throw new UsageError('"--junit -" is not possible: standard output is pytest\'s', "name a file");
    const path = resolve(host.cwd, typed);
    const directory = dirname(path);
    if ((await host.stat(directory))?.kind !== "directory") {
      throw new UsageError(`Cannot write "${typed}": there is no directory "${directory}"`, shellCommand(["mkdir", "-p", directory]));
    }
    const status = await host.stat(path);
    if (status?.kind === "directory") throw new UsageError(`Cannot write "${typed}": it is a directory`, "name a file in it");
    const head = status?.kind === "file" ? await host.readFrom(path, 0, 64) : null;
    if (head && head.length > 0 && !/^\ufeff?\s*</.test(new TextDecoder().decode(head))) {
      throw new UsageError(`"${typed}" is no XML and would be overwritten`, "name another file, or remove it");
    }
    return new JunitFile(host, path);
  }

  /** Takes an earlier report away: nobody is to take it for that of this run, however it ends. */
  async clear(): Promise<void> {
    if ((await this.host.stat(this.path))?.kind === "file") await this.host.remove(this.path);
  }

  /** Writes the report. A disk that does not take it is no failure of a test. */
  async write(printer: Printer, results: Results | readonly JunitSuite[]): Promise<void> {
    try {
      const status = await this.host.stat(this.path);
      // A pipe or a device is written to as it is.
      if (status === null || status.kind === "file") await this.host.writeFile(this.path, junit(results), MODE);
      else await this.host.appendFile(this.path, junit(results));
    } catch (error) {
      if (!(error instanceof TractestError)) throw error;
      printer.warn(`no JUnit report: ${error.message}`);
    }
  }
}
