import { chosenRun, runsInScope } from "../background/chosen_run.ts";
import { type KnownRun, knownRuns, modelOf } from "../background/known_runs.ts";
import { isUnderWay } from "../background/rules_run_file.ts";
import {
  hintAtLeftovers,
  runFacts,
  showEarlier,
  type ShownRun,
  showRun,
} from "../background/show.ts";
import type { Context } from "../command_line/context.ts";
import { type OptionsOf, type OptionTable, SHARED, WITH_JSON } from "../command_line/options.ts";
import type { Verb } from "../command_line/verb.ts";
import { EXIT, type ExitCode } from "../tables/exit_codes.ts";

/** The options of `status`. */
export const OPTIONS = {
  ...WITH_JSON,
  all: SHARED.all,
} as const satisfies OptionTable;

/** Their values. */
export type StatusOptions = OptionsOf<typeof OPTIONS>;

/** Runs that are over and listed after those that are under way. */
const SHOWN_EARLIER = 5;

/** `tractest status`: the runs that are under way, in whatever terminal, and the last ones. */
export async function status(context: Context<StatusOptions>): Promise<ExitCode> {
  const { host, printer, line } = context;
  const [detailed, earlier] = line.operands.length > 0
    ? [[await chosenRun(context)], []]
    : await newestRuns(context);
  const details: ShownRun[] = [];
  for (const run of detailed) details.push({ ...run, model: await modelOf(host, run) });
  const others = earlier.map((run) => ({ ...run, model: null }));
  const all = [...details, ...others];
  const now = host.clock.now();
  if (printer.json) {
    printer.document("tractest.status/1", { runs: all.map((run) => runFacts(run, now)) });
    return EXIT.ok;
  }
  if (all.length === 0) {
    printer.line(line.options.all ? "no run is on record" : "no run of this repo is on record");
  }
  for (const run of details) showRun(printer, run, now);
  if (details.length > 0 && others.length > 0) printer.line("earlier:");
  showEarlier(printer, others, now);
  if (details.some(({ state }) => isUnderWay(state))) {
    printer.hint("follow its output: tractest logs -f");
  }
  if (all.some(({ state }) => state === "died")) hintAtLeftovers(printer);
  return EXIT.ok;
}

/** All runs that are under way, and the latest of the others. */
async function newestRuns(context: Context<StatusOptions>): Promise<[KnownRun[], KnownRun[]]> {
  const runs = await runsInScope(context, await knownRuns(context.host));
  const over = runs.filter(({ state }) => !isUnderWay(state));
  return [runs.filter(({ state }) => isUnderWay(state)), over.slice(0, SHOWN_EARLIER)];
}

/** `tractest status`, described. */
export const VERB: Verb<typeof OPTIONS> = {
  name: "status",
  group: "background",
  summary: "the runs that are under way, at any terminal, and the last ones",
  usage: "tractest status [ID] [OPTIONS]",
  options: OPTIONS,
  operands: { words: [], paths: null, sources: ["runs"] },
  examples: [
    ["tractest status", "running tests, progress and failures so far"],
    ["tractest status last", "the last run"],
    ["tractest status --all", "the runs of all repos"],
  ],
  exits: [0, 80],
  row: "status",
  run: status,
};
