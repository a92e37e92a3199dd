import { findCascades } from "../pytest/cascade.ts";
import type { RunModel } from "../pytest/run_model.ts";
import { runExitCode } from "../pytest/verdict.ts";
import type { Host } from "../system/host.ts";
import { findLeaks } from "../leaks/gather.ts";
import type { LeakReport } from "../leaks/leak_report.ts";
import type { Project } from "../project/project.ts";
import type { ExitCode } from "../tables/exit_codes.ts";
import { type EngineOutcome, interruptionText } from "./engine/engine_outcome.ts";
import { writeLastFailed } from "../pytest/write_lastfailed.ts";

/**
 * Milliseconds that actors of a run get to end after it: they are told to, and it takes them a
 * moment.
 */
const SETTLE_MS = 500;

/** What is left behind of a project after a run. */
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

/** Writes pytest's record of failures where pytest itself has not, or has not seen all of them. */
export async function recordFailures(
  host: Host,
  { sessions, queued, stoppedAt, run }: EngineOutcome,
): Promise<void> {
  if (queued || sessions > 1 || stoppedAt !== null || run.exitStatus === null) {
    await writeLastFailed(host, run.cache, run);
  }
}

/**
 * The exit code of a run, with what was found after it.
 *
 * @param leaks null where what is left is none of this run's doing
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

/** pytest's exit code for options that it does not know. */
const PYTEST_USAGE = 4;

/**
 * How a run ended when that was not by itself; null when it was.
 *
 * @param limit the time limit of the run, seconds
 */
export function endingOf(outcome: EngineOutcome, limit: number): string | null {
  const { cut, code, signal, run, stoppedAt, missed, vanished, interrupted, unexplained } = outcome;
  const running = run.running.map(({ id }) => id);
  if (stoppedAt !== null && cut === "time-limit") return `time limit of one test, ${stoppedAt}`;
  if (cut === "time-limit") return `time limit of ${limit} s`;
  if (cut === "SIGINT") return "interrupted";
  if (cut !== null) return `ended by ${cut}`;
  if (code === PYTEST_USAGE && !run.began) {
    return "pytest did not accept its command line or its configuration";
  }
  if (vanished) return "pytest ended with exit code 0 before its session was over";
  if (interrupted !== null) {
    return `pytest was interrupted by ${interruptionText(interrupted)}${
      interrupted.test === null ? "" : ` in ${interrupted.test}`
    }`;
  }
  if (missed.length > 0 && outcome.diskFailed) {
    return `${missed.length} test(s) have no result, ${
      missed[0]
    } first: the disk did not take more`;
  }
  if (missed.length > 0) {
    return `${missed.length} collected test(s) never ran, ${
      missed[0]
    } first: another pytest did not collect them`;
  }
  if (unexplained !== null) {
    return `pytest exited with ${unexplained.code} although no test failed: its output says why (a coverage limit, warnings as errors, a plugin)`;
  }
  if (signal === null) return null;
  const where = running[0] ?? stoppedAt;
  return `pytest was ended by ${signal}${where === null ? "" : ` in ${where}`}`;
}

/** What a run says of single tests besides their failures, for `--json`. */
export function describeTests(
  run: RunModel,
): Readonly<
  Record<
    "timeouts" | "running" | "contended" | "flaky" | "leftBehind" | "left" | "cascades",
    readonly unknown[]
  >
> {
  const tests = [...run.tests.values()];
  return {
    timeouts: tests.filter((test) => test.attempts.at(-1)?.ended === "timeout").map((test) =>
      test.id
    ),
    running: tests.filter((test) => test.attempts.at(-1)?.cut != null).map((test) => test.id),
    contended: tests.filter((test) => run.isContended(test)).map((test) => test.id),
    flaky: tests.filter((test) => test.flaky).map(({ id, attempts }) => ({
      id,
      attempts: attempts.map((attempt) => attempt.outcome),
    })),
    leftBehind: [
      ...tests.filter((test) => test.leaked.length > 0).map(({ id, leaked }) => ({
        id,
        processes: leaked,
      })),
      // By a test that can't be told.
      ...(run.leaked.length > 0 ? [{ id: null, processes: run.leaked }] : []),
    ],
    // Outlived its test and was gone when pytest had ended.
    left: tests.filter((test) => test.left.length > 0).map(({ id, left }) => ({
      id,
      processes: left,
    })),
    cascades: findCascades(tests),
  };
}
