import { parseSeconds } from "../base/numbers.ts";
import type { Context } from "../command_line/context.ts";
import { chosenRun, RunWatch, toldBy } from "../background/known_runs.ts";
import { EXIT, type ExitCode } from "../tables/exit_codes.ts";
import { Progress } from "../terminal/progress.ts";
import { runFacts, stateText } from "../background/show.ts";

/**
 * `tractest wait`: until a run is over; its exit code is the run's, 124 after `--timeout`, 82 for a
 * run that died without one.
 */
export async function wait(context: Context): Promise<ExitCode> {
  const { host, printer, line } = context;
  const limit = line.has("timeout") ? parseSeconds("timeout", line.value("timeout")!) : null;
  const watch = new RunWatch(host, await chosenRun(context));
  const began = host.clock.monotonic();
  const isInTime = () => limit === null || host.clock.monotonic() - began < limit * 1000;
  await new Progress(host, printer).during(
    `waiting for run ${watch.run.record.runId}`,
    untilOver(watch, isInTime),
  );
  const { run } = watch;
  const now = host.clock.now();
  const { record, state } = run;
  const code = watch.isUnderWay ? EXIT.timeLimit : record.end?.exitCode ?? EXIT.unverified;
  if (printer.json) {
    printer.document("tractest.wait/1", {
      exitCode: code,
      run: runFacts({ ...run, told: await toldBy(host, run) }, now),
    });
  }
  printer.line(`${record.runId}  ${stateText(record, state, now)}`);
  if (watch.isUnderWay) printer.warn(`it is not over after ${limit} s, and goes on`);
  else if (state === "died") {
    printer.warn("it was killed, or the machine went down: it has no exit code");
    printer.hint(
      "what it has left: tractest zombies; its pytest, if that still runs, ends by: tractest run --clean",
    );
  } else if (code !== EXIT.ok) printer.hint(`what it printed: tractest logs ${record.runId}`);
  return code;
}

async function untilOver(watch: RunWatch, goesOn: () => boolean): Promise<void> {
  while (watch.isUnderWay && goesOn()) await watch.look();
}
