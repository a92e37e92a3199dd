import { keepsOutput, modelOf } from "../background/known_runs.ts";
import { chosenRun } from "../background/chosen_run.ts";
import { hintAtLeftovers, runFacts, stateText } from "../background/show.ts";
import { RunWatch } from "../background/watch_run.ts";
import type { Context } from "../command_line/context.ts";
import { type OptionsOf, type OptionTable, SHARED, WITH_JSON } from "../command_line/options.ts";
import type { Verb } from "../command_line/verb.ts";
import { EXIT, type ExitCode } from "../tables/exit_codes.ts";
import { Progress } from "../terminal/progress.ts";

/** The options of `wait`. */
export const OPTIONS = {
  ...WITH_JSON,
  all: SHARED.all,
  timeout: { kind: "seconds", doc: "wait at most so long, then exit with 124; the run continues" },
} as const satisfies OptionTable;

/** Their values. */
export type WaitOptions = OptionsOf<typeof OPTIONS>;

/**
 * `tractest wait`: waits until a run is over, and exits with its exit code; with 124 after
 * `--timeout`, with 82 for a run that died without one.
 */
export async function wait(context: Context<WaitOptions>): Promise<ExitCode> {
  const { host, printer, line } = context;
  const limit = line.options.timeout;
  const watch = new RunWatch(host, await chosenRun(context));
  const deadline = limit === null ? Infinity : host.clock.monotonic() + limit * 1000;
  const untilOver = async () => {
    while (watch.isUnderWay && host.clock.monotonic() < deadline) await watch.next();
  };
  const { runId } = watch.run.record;
  await new Progress(host, printer).during(`waiting for run ${runId}`, untilOver());
  const { run } = watch;
  const now = host.clock.now();
  const code = watch.isUnderWay ? EXIT.timeLimit : run.record.end?.exitCode ?? EXIT.unverified;
  if (printer.json) {
    const model = await modelOf(host, run);
    printer.document("tractest.wait/1", { exitCode: code, run: runFacts({ ...run, model }, now) });
  }
  printer.line(`${runId}  ${stateText(run, now)}`);
  if (watch.isUnderWay) printer.warn(`it still runs after ${limit} s`);
  else if (run.state === "died") {
    printer.warn("it was killed, or the machine went down: it has no exit code");
    hintAtLeftovers(printer);
  } else if (code !== EXIT.ok) {
    const kept = await keepsOutput(host, run);
    printer.hint(
      kept ? `its output: tractest logs ${runId}` : `its results: tractest status ${runId}`,
    );
  }
  return code;
}

/** `tractest wait`, described. */
export const VERB: Verb<typeof OPTIONS> = {
  name: "wait",
  group: "background",
  summary: "wait until a run is over, exit with its code",
  usage: "tractest wait [ID] [OPTIONS]",
  options: OPTIONS,
  operands: { words: [], paths: null, sources: ["runs"] },
  examples: [
    ["tractest wait", "the newest run that is under way, else the last one"],
    ["tractest wait --timeout 60", "at most a minute"],
  ],
  exits: [0, 1, 80, 81, 82, 83, 84, 124, 130, 131, 143],
  row: "wait",
  run: wait,
};
