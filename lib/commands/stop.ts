import { chosenRun } from "../background/chosen_run.ts";
import { runFacts, stateText } from "../background/show.ts";
import { RunWatch, type Stopped, stopRun } from "../background/watch_run.ts";
import { escapeText } from "../base/escape.ts";
import type { Context } from "../command_line/context.ts";
import { type OptionsOf, type OptionTable, SHARED, WITH_JSON } from "../command_line/options.ts";
import type { Verb } from "../command_line/verb.ts";
import { STOP_SECONDS } from "../tables/defaults.ts";
import { EXIT, type ExitCode } from "../tables/exit_codes.ts";

/** The options of `stop`. */
export const OPTIONS = {
  ...WITH_JSON,
  "dry-run": SHARED["dry-run"],
  grace: { kind: "seconds", default: STOP_SECONDS, doc: "time between two signals" },
} as const satisfies OptionTable;

/** Their values. */
export type StopOptions = OptionsOf<typeof OPTIONS>;

/**
 * `tractest stop`: ends a run as Ctrl-C does, in whatever terminal it is. Exits with 0 when the run
 * is over, with 82 when it is not.
 */
export async function stop(context: Context<StopOptions>): Promise<ExitCode> {
  const { host, printer, line } = context;
  const grace = line.options.grace;
  const watch = new RunWatch(host, await chosenRun(context));
  const { runId, pid } = watch.run.record;
  const command = escapeText(watch.run.record.command);
  const report = ({ signalled, refused }: Stopped) => {
    if (!printer.json) return;
    const run = runFacts({ ...watch.run, model: null }, host.clock.now());
    printer.document("tractest.stop/1", { signalled, refused, run });
  };
  if (watch.isUnderWay && line.options.dryRun) {
    printer.line(`would signal pid ${pid}: ${command}`);
    report({ signalled: [], refused: null });
    return EXIT.ok;
  }
  if (!watch.isUnderWay) printer.note("nothing to stop: this run is over");
  const stopped = await stopRun(
    host,
    watch,
    grace,
    (signal) => printer.note(`${signal} ${pid} ${command}`),
  );
  report(stopped);
  printer.line(`${runId}  ${stateText(watch.run, host.clock.now())}`);
  if (!watch.isUnderWay) return EXIT.ok;
  const { refused } = stopped;
  printer.warn(refused === null ? "it still runs" : `it was not signalled: ${escapeText(refused)}`);
  return EXIT.unverified;
}

/** `tractest stop`, described. */
export const VERB: Verb<typeof OPTIONS> = {
  name: "stop",
  group: "background",
  summary: "end a run as Ctrl-C does",
  usage: "tractest stop [ID] [OPTIONS]",
  options: OPTIONS,
  operands: { words: [], paths: null, sources: ["runs"] },
  examples: [[
    "tractest stop",
    "the newest run of this repo: SIGINT in the background, SIGTERM at a terminal, " +
    "a second one if it continues",
  ]],
  exits: [0, 80, 82],
  row: "stop",
  run: stop,
};
