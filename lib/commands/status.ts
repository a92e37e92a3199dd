import type { Context } from "../command_line/context.ts";
import { isUnderWay } from "../background/rules_run_file.ts";
import {
  chosenRun,
  type KnownRun,
  knownRuns,
  runsInScope,
  toldBy,
} from "../background/known_runs.ts";
import { EXIT, type ExitCode } from "../tables/exit_codes.ts";
import { runFacts, showEarlier, type ShownRun, showRun } from "../background/show.ts";

/** Runs that are over and listed besides those that are not. */
const SHOWN_EARLIER = 5;

/** `tractest status`: what runs now, from whatever terminal it was started, and the last runs. */
export async function status(context: Context): Promise<ExitCode> {
  const { host, printer, line } = context;
  const [shown, earlier] = line.operands.length > 0
    ? [[await chosenRun(context)], []]
    : await newest(context);
  const details: ShownRun[] = [];
  for (const run of shown) details.push({ ...run, told: await toldBy(host, run) });
  const others = earlier.map((run) => ({ ...run, told: null }));
  const now = host.clock.now();
  if (printer.json) {
    printer.document("tractest.status/1", {
      runs: [...details, ...others].map((run) => runFacts(run, now)),
    });
    return EXIT.ok;
  }
  if (details.length + others.length === 0) {
    printer.line(line.has("all") ? "no run is on record" : "no run of this repo is on record");
  }
  for (const run of details) showRun(printer, run, now);
  if (details.length > 0 && others.length > 0) printer.line("earlier:");
  showEarlier(printer, others, now);
  if (details.some((run) => isUnderWay(run.state))) {
    printer.hint("what it prints: tractest logs -f");
  }
  if ([...details, ...others].some((run) => run.state === "died")) {
    printer.hint(
      "what a run that died has left: tractest zombies; its pytest, if that still runs, ends by: tractest run --clean",
    );
  }
  return EXIT.ok;
}

/** All that is under way, and the last of the others. */
async function newest(context: Context): Promise<[KnownRun[], KnownRun[]]> {
  const { true: underWay = [], false: over = [] } = Object.groupBy(
    await runsInScope(context, await knownRuns(context.host)),
    (run) => `${isUnderWay(run.state)}` as const,
  );
  return [underWay, over.slice(0, SHOWN_EARLIER)];
}
