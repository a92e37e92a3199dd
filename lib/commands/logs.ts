import { join } from "@std/path";
import type { Context } from "../command_line/context.ts";
import { UsageError } from "../errors.ts";
import { FileTail } from "../background/file_tail.ts";
import { chosenRun, OUTPUT_FILE, RunWatch } from "../background/known_runs.ts";
import { EXIT, type ExitCode } from "../tables/exit_codes.ts";

/**
 * `tractest logs`: what a run has printed, byte for byte, and with `-f` what it goes on to print.
 */
export async function logs(context: Context): Promise<ExitCode> {
  const { host, printer, line } = context;
  const watch = new RunWatch(host, await chosenRun(context));
  const { record, directory } = watch.run;
  const path = join(directory, OUTPUT_FILE);
  const kept = (await host.files.stat(path))?.size;
  if (kept === undefined || (kept === 0 && !record.background && !watch.isUnderWay)) {
    const why = watch.isUnderWay ? "it has printed nothing, or prints" : "it printed";
    throw new UsageError(
      `Run "${record.runId}" keeps no output: ${why} to its terminal or a file`,
      "tractest run --bg keeps it; tractest status has the results",
    );
  }
  const tail = new FileTail(host, path);
  const copy = async () => {
    for (const size = await tail.size(); tail.offset < size && !host.terminal.stdout.isBroken;) {
      host.terminal.stdout.write(await tail.read());
    }
  };
  await copy();
  while (line.has("follow") && watch.isUnderWay && !host.terminal.stdout.isBroken) {
    await watch.look();
    await copy();
  }
  if (watch.run.state === "finished" && !host.terminal.stdout.isBroken) {
    await watch.untilGone();
    await copy();
  }
  if (line.has("follow") && watch.run.state === "died") {
    printer.warn(`run ${record.runId} died without a word`);
  }
  return EXIT.ok;
}
