import { parseSeconds } from "../base/numbers.ts";
import type { Context } from "../command_line/context.ts";
import { escapeText } from "../base/escape.ts";
import { chosenRun, RunWatch } from "../background/known_runs.ts";
import { stopRun } from "../background/stop_run.ts";
import { EXIT, type ExitCode } from "../tables/exit_codes.ts";
import { STOP_SECONDS } from "../tables/defaults.ts";
import { runFacts, stateText } from "../background/show.ts";

/**
 * `tractest stop`: ends a run as Ctrl-C does, whatever terminal it is at. 0 when it is over, 82
 * when it is not.
 */
export async function stop(context: Context): Promise<ExitCode> {
  const { host, printer, line } = context;
  const grace = line.has("grace") ? parseSeconds("grace", line.value("grace")!) : STOP_SECONDS;
  const watch = new RunWatch(host, await chosenRun(context));
  const { runId, pid, command } = watch.run.record;
  if (watch.isUnderWay && line.has("dry-run")) {
    printer.line(`would signal pid ${pid}: ${escapeText(command)}`);
    if (printer.json) {
      printer.document("tractest.stop/1", {
        signalled: [],
        refused: null,
        run: runFacts({ ...watch.run, told: null }, host.clock.now()),
      });
    }
    return EXIT.ok;
  }
  const { signalled, refused } = await stopRun(
    host,
    watch,
    grace,
    (signal) => printer.note(`${signal} ${pid} ${escapeText(command)}`),
  );
  const { record, state } = watch.run;
  if (printer.json) {
    printer.document("tractest.stop/1", {
      signalled,
      refused,
      run: runFacts({ ...watch.run, told: null }, host.clock.now()),
    });
  }
  printer.line(`${runId}  ${stateText(record, state, host.clock.now())}`);
  if (!watch.isUnderWay) return EXIT.ok;
  printer.warn(
    refused === null ? "it is still there" : `it was not signalled: ${escapeText(refused)}`,
  );
  return EXIT.unverified;
}
