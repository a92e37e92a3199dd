import { plural } from "../base/plural.ts";
import { findCascades } from "../pytest/cascade.ts";
import type { TestResult } from "../pytest/results.ts";
import type { RunModel } from "../pytest/run_model.ts";
import { runExitCode } from "../pytest/run_exit_code.ts";
import type { Host } from "../system/host.ts";
import { findLeaks } from "../leaks/gather.ts";
import type { LeakReport } from "../leaks/leak_report.ts";
import type { Project } from "../project/project.ts";
import type { ExitCode } from "../tables/exit_codes.ts";
import { type EngineOutcome, interruptionText } from "./engine/engine_outcome.ts";
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
 * The exit code of a run.
 *
 * @param leaks found after the run; null if it cannot have leaked anything
 */
export function exitCodeAfter(
  { cut, code, hungAtExit, run }: EngineOutcome,
  leaks: Pick<LeakReport, "clean"> | null,
  strict: boolean,
): ExitCode {
  return runExitCode({
    cut,
    pytest: code,
    leaked: leaks === null ? false : leaks.clean === null ? null : !leaks.clean,
    blemished: hungAtExit || run.leaked.length > 0 ||
      [...run.tests.values()].some((test) => test.flaky || test.leaked.length > 0),
    strict,
  });
}

/** The duration of a run in seconds, to the millisecond. */
export function secondsOf({ seconds }: Pick<EngineOutcome, "seconds">): number {
  return Math.round(seconds * 1000) / 1000;
}

/** pytest's exit code for unknown options. */
const PYTEST_USAGE = 4;

/**
 * How a run ended if not by itself; null otherwise.
 *
 * @param limit the time limit of the run, seconds
 */
export function endingOf(outcome: EngineOutcome, limit: number): string | null {
  const { cut, code, signal, run, stoppedAt, vanished, interrupted, unexplained } = outcome;
  if (stoppedAt !== null && cut === "time-limit") return `time limit of one test, ${stoppedAt}`;
  if (cut === "time-limit") return `time limit of ${limit} s`;
  if (cut === "SIGINT") return "interrupted";
  if (cut !== null) return `ended by ${cut}`;
  if (code === PYTEST_USAGE && !run.began) {
    return "pytest did not accept its command line or its configuration";
  }
  if (vanished) return "pytest ended with exit code 0 before its session was over";
  if (interrupted !== null) {
    return `pytest was interrupted by ${interruptionText(interrupted)}${inTest(interrupted.test)}`;
  }
  if (outcome.missed.length > 0) return missedText(outcome);
  if (unexplained !== null) {
    const reasons = "see its output (a coverage limit, warnings as errors, a plugin)";
    return `pytest exited with ${unexplained.code} although no test failed: ${reasons}`;
  }
  if (signal === null) {
    const isEarly = !run.began && code !== 0;
    return isEarly ? `pytest ended with exit code ${code} before its session began` : null;
  }
  return `pytest was ended by ${signal}${inTest(run.running[0]?.id ?? stoppedAt)}`;
}

function inTest(id: string | null): string {
  return id === null ? "" : ` in ${id}`;
}

function missedText({ missed, diskFailed }: EngineOutcome): string {
  const first = `${missed[0]} first`;
  return diskFailed
    ? `${plural(missed.length, "test")} without a result, ${first}: the disk is full`
    : `${plural(missed.length, "collected test")} never ran, ${first}: ` +
      "another pytest did not collect them";
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
