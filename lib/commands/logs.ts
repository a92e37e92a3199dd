import { join } from "@std/path";
import { FileTail } from "../background/file_tail.ts";
import { chosenRun } from "../background/chosen_run.ts";
import { OUTPUT_FILE } from "../background/run_directory.ts";
import { keepsOutput } from "../background/known_runs.ts";
import { RunWatch } from "../background/watch_run.ts";
import type { Context } from "../command_line/context.ts";
import {
  EVERY_COMMAND,
  type OptionsOf,
  type OptionTable,
  SHARED,
} from "../command_line/options.ts";
import type { Verb } from "../command_line/verb.ts";
import { UsageError } from "../errors.ts";
import type { Host } from "../system/host.ts";
import { EXIT, type ExitCode } from "../tables/exit_codes.ts";

/** The options of `logs`. */
export const OPTIONS = {
  ...EVERY_COMMAND,
  all: SHARED.all,
  session: {
    kind: "text",
    metavar: "NAME",
    doc: "the output of one of its pytests, where these print nothing, as with --jobs",
  },
  follow: { short: "f", kind: "flag", doc: "follow the output until the run is over" },
} as const satisfies OptionTable;

/** Their values. */
export type LogsOptions = OptionsOf<typeof OPTIONS>;

/** `tractest logs`: the output of a run, byte for byte; follows it with `-f`. */
export async function logs(context: Context<LogsOptions>): Promise<ExitCode> {
  const { host, printer, line } = context;
  const { stdout } = host.terminal;
  const watch = new RunWatch(host, await chosenRun(context));
  const { record: { runId }, directory } = watch.run;
  const { session } = line.options;
  const path = session === null
    ? join(directory, OUTPUT_FILE)
    : await outputOfSession(host, directory, session);
  if (session === null && !await keepsOutput(host, watch.run)) {
    const verb = watch.isUnderWay ? "prints" : "printed";
    throw new UsageError(
      `The output of run "${runId}" is not kept: it ${verb} to its terminal or a file`,
      "tractest run --bg keeps it; tractest status has the results",
    );
  }
  const tail = new FileTail(host, path);
  const copy = async () => {
    for (const size = await tail.size(); tail.offset < size && !stdout.isBroken;) {
      stdout.write(await tail.read());
    }
  };
  await copy();
  while (line.options.follow && watch.isUnderWay && !stdout.isBroken) {
    await watch.next();
    await copy();
  }
  if (watch.run.state === "finished" && !stdout.isBroken) {
    await watch.untilExit();
    await copy();
  }
  if (line.options.follow && watch.run.state === "died") {
    printer.warn(`run ${runId} died without an exit code`);
  }
  return EXIT.ok;
}

/**
 * The file with the output of one pytest of a run.
 *
 * @throws {UsageError} if there is none
 */
async function outputOfSession(host: Host, directory: string, name: string): Promise<string> {
  // One of a cell of a matrix is in the directory of the cell.
  const cell = /^cell(\d+)-/.exec(name)?.[1];
  const place = cell === undefined ? directory : join(directory, `cell-${cell}`);
  const path = join(place, `output-${name}.log`);
  if (/^[\w-]+$/.test(name) && await host.files.stat(path) !== null) return path;
  throw new UsageError(
    `No output of a pytest "${name}" is kept`,
    "only a pytest that prints nothing itself has one, as with --jobs; the run's events name them",
  );
}

/** `tractest logs`, described. */
export const VERB: Verb<typeof OPTIONS> = {
  name: "logs",
  group: "background",
  summary: "the output of a run",
  usage: "tractest logs [ID] [OPTIONS]",
  options: OPTIONS,
  operands: { words: [], paths: null, sources: ["runs"] },
  examples: [
    ["tractest logs", "the output so far"],
    ["tractest logs -f", "follow the output until the run is over"],
    ["tractest logs --session 1", "what the second pytest of `run --jobs` wrote"],
  ],
  exits: [0, 80],
  row: "logs",
  run: logs,
};
