import { join } from "@std/path";
import { OUTPUT_FILE, type RunState } from "../background/run_directory.ts";
import { plural } from "../base/plural.ts";
import type { Context } from "../command_line/context.ts";
import type { OutputMode } from "./engine/engine_request.ts";
import type { RunOptions } from "./run_options.ts";
import type { KeptOutput } from "./run_findings.ts";
import { findCascades } from "../pytest/cascade.ts";
import type { TestResult } from "../pytest/results.ts";
import type { RunModel } from "../pytest/run_model.ts";
import { type Cut, cutReason, strictReasons, type Verdict } from "../pytest/run_exit_code.ts";
import type { Host } from "../system/host.ts";
import { findLeaks } from "../leaks/gather.ts";
import type { LeakReport } from "../leaks/leak_report.ts";
import type { Project } from "../project/project.ts";
import { cutText, type EngineOutcome } from "./engine/engine_outcome.ts";
import { writeLastFailed } from "../pytest/write_lastfailed.ts";

/** Milliseconds that actors get to end after a run: they have been asked to. */
const SETTLE_MS = 500;

/** Finds what a run left behind. */
export async function leaksAfter(
  host: Host,
  project: Project,
  { scan }: Pick<EngineOutcome, "scan">,
): Promise<LeakReport> {
  const first = await findLeaks(host, project, scan === null ? {} : { firstScan: scan });
  if (first.clean !== false) return first;
  await host.clock.sleep(SETTLE_MS);
  return await findLeaks(host, project);
}

/** Writes pytest's record of failures if pytest has not, or has not seen all of them. */
export async function recordFailures(
  host: Host,
  { sessions, queued, stoppedAt, run }: EngineOutcome,
): Promise<void> {
  if (queued || sessions > 1 || stoppedAt !== null || run.exitStatus === null) {
    await writeLastFailed(host, run.cache, run);
  }
}

/**
 * The verdict of a run.
 *
 * @param signal what came after the tests
 * @param leaks found after the run; null if it cannot have leaked anything
 */
export function verdictAfter(
  outcome: EngineOutcome,
  leaks: Pick<LeakReport, "clean"> | null,
  { strict, signal = null }: { readonly strict: boolean; readonly signal?: Cut | null },
): Verdict {
  const { verdict } = outcome;
  if (outcome.cut === null && signal !== null) {
    return verdict.and([cutReason(signal, cutText(signal, 0, null))]);
  }
  if (verdict.code !== 0 || !strict) return verdict;
  const leaked = leaks === null ? false : leaks.clean === null ? null : !leaks.clean;
  return verdict.and(strictReasons({ leaked, blemishes: blemishesOf(outcome) }));
}

/** What was not clean in a run, in words. */
function blemishesOf({ hungAtExit, run }: EngineOutcome): string[] {
  const tests = [...run.tests.values()];
  const flaky = tests.filter((test) => test.flaky).length;
  const leaking = tests.filter((test) => test.leaked.length > 0).length;
  return [
    ...(flaky > 0 ? [`${plural(flaky, "test")} passed only when run again`] : []),
    ...(leaking > 0 ? [`${plural(leaking, "test")} left processes behind`] : []),
    ...(run.leaked.length > 0 ? ["processes left behind (test unknown)"] : []),
    ...(hungAtExit ? ["pytest did not exit by itself"] : []),
  ];
}

/** What is kept of the output of a run. */
export async function keptOutput(
  { host, line }: Context<RunOptions>,
  { directory, isTemporary }: RunState,
  output: OutputMode,
): Promise<KeptOutput> {
  if (isTemporary) return null;
  if (output === "log") return "sessions";
  const isKept = line.options.backgroundRun !== null ||
    ((await host.files.stat(join(directory, OUTPUT_FILE)))?.size ?? 0) > 0;
  return isKept ? "run" : null;
}

/** The duration of a run in seconds, to the millisecond. */
export function secondsOf({ seconds }: Pick<EngineOutcome, "seconds">): number {
  return Math.round(seconds * 1000) / 1000;
}

/** The JSON document's facts about single tests, apart from their failures. */
export function describeTests(run: RunModel): Readonly<Record<string, unknown>> {
  const tests = [...run.tests.values()];
  const ids = (some: readonly TestResult[]) => some.map(({ id }) => id);
  const flaky = tests.filter((test) => test.flaky);
  const leaking = tests.filter((test) => test.leaked.length > 0);
  const unknown = run.leaked.length > 0 ? [{ id: null, processes: run.leaked }] : [];
  const outlived = tests.filter((test) => test.left.length > 0);
  return {
    timeouts: ids(tests.filter((test) => test.attempts.at(-1)?.ended === "timeout")),
    running: ids(tests.filter((test) => test.attempts.at(-1)?.cut != null)),
    contended: ids(tests.filter((test) => run.isContended(test))),
    flaky: flaky.map(({ id, attempts }) => ({ id, attempts: attempts.map((one) => one.outcome) })),
    leftBehind: [...leaking.map(({ id, leaked }) => ({ id, processes: leaked })), ...unknown],
    // Processes that outlived their test, but not pytest.
    left: outlived.map(({ id, left }) => ({ id, processes: left })),
    cascades: findCascades(tests),
  };
}
