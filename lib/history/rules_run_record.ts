import { findCascades } from "../pytest/cascade.ts";
import { collidedWith } from "../pytest/collision.ts";
import type { Counts } from "../pytest/counts.ts";
import type { SessionPurpose } from "../pytest/events.ts";
import { isOwnFailure } from "../pytest/failure.ts";
import { type Attempt, type Outcome, RED, type TestResult } from "../pytest/results.ts";
import type { RunModel } from "../pytest/run_model.ts";

/** A run in the history. Null is unknown; for transport and backend it is the default. */
export interface RunRecord {
  readonly id: string;
  readonly root: string;
  /** Seconds since the epoch. */
  readonly started: number;
  readonly seconds: number;
  readonly command: readonly string[];
  readonly commit: string | null;
  readonly dirty: boolean | null;
  readonly transport: string | null;
  readonly backend: string | null;
  readonly python: string | null;
  /** Null for a run that was killed. */
  readonly exitCode: number | null;
  /** What ended it, when not by itself. */
  readonly ending: string | null;
  /** Whether the machine was short of CPU. */
  readonly strained: boolean | null;
  /** The counts of the verdict, all tests with results, and those that passed on a retry. */
  readonly counts: Counts & { readonly tests: number; readonly flaky: number };
}

/** One attempt of a test in the history. */
export interface AttemptRecord {
  readonly test: string;
  /** From 0. */
  readonly attempt: number;
  /** `unfinished`: the run ended before the test did. */
  readonly outcome: Outcome;
  readonly red: boolean;
  /**
   * Whether it counts as a trial of the test. A retry does not, nor does a failure with a cause
   * outside of the test.
   */
  readonly counts: boolean;
  /** Whether it passed after a failure in the same run. */
  readonly recovered: boolean;
  readonly seconds: number;
  readonly purpose: SessionPurpose;
  /** First line of the failure's message. */
  readonly message: string | null;
  readonly errors: readonly string[];
  /** Processes that the test left behind. */
  readonly left: number;
}

/** Characters of a message that are kept. */
const LONGEST_MESSAGE = 300;

/** Makes the record of a run; null if it did not begin. A run without an end was killed. */
export function runRecord(results: RunModel): RunRecord | null {
  const { started, ended, first, latest } = results;
  if (started === null) return null;
  const tests = attempted(results);
  return {
    id: started.runId,
    root: started.root,
    started: started.time,
    seconds: ended?.seconds ?? round((latest ?? started.time) - (first ?? started.time)),
    command: started.command,
    commit: started.commit,
    dirty: started.dirty,
    transport: started.transport,
    backend: started.backend,
    python: started.python,
    exitCode: ended?.exitCode ?? null,
    ending: ended === null ? "killed" : ended.ending,
    strained: ended?.strained ?? null,
    counts: {
      ...results.counts,
      tests: tests.length,
      flaky: tests.filter((test) => test.flaky).length,
    },
  };
}

/** Makes the records of all attempts of a run. */
export function attemptRecords(results: RunModel): AttemptRecord[] {
  const tests = attempted(results);
  const red = tests.filter((test) => RED.has(test.outcome));
  const failures = [...red.flatMap(({ failure }) => failure ?? []), ...results.collectionErrors];
  const collided = collidedWith(failures, tests.filter((test) => test.finished).length);
  const others = new Set([
    ...findCascades(tests).flatMap((cascade) => cascade.poisoned),
    ...collided.map((failure) => failure.id),
  ]);
  return numbered(tests.flatMap((test) => attemptsOf(test, results, others)));
}

function attempted({ tests }: RunModel): TestResult[] {
  return [...tests.values()].filter((test) => test.attempts.length > 0);
}

/** Numbers the attempts of several tests with one id one after another. */
function numbered(attempts: readonly AttemptRecord[]): AttemptRecord[] {
  const times = new Map<string, number>();
  return attempts.map((attempt) => {
    const number = times.get(attempt.test) ?? 0;
    times.set(attempt.test, number + 1);
    return number === attempt.attempt ? attempt : { ...attempt, attempt: number };
  });
}

function attemptsOf(
  test: TestResult,
  { sessions, ended }: RunModel,
  others: ReadonlySet<string>,
): AttemptRecord[] {
  const purposeOf = (attempt: Attempt) => sessions.get(attempt.session)?.purpose ?? "tests";
  const first = purposeOf(test.attempts[0]!);
  return test.attempts.map((attempt, index) => {
    const isLast = index === test.attempts.length - 1;
    const { outcome } = attempt;
    const red = RED.has(outcome);
    // A failure in a fixture of other tests says nothing of this one.
    const isOwn = attempt.failures.some(isOwnFailure) || attempt.failure === null;
    const isOver = attempt.finished || red;
    const isTrial = index === 0 || (purposeOf(attempt) === first && first !== "retry");
    return {
      test: test.id,
      attempt: index,
      outcome: isOver ? outcome : "unfinished",
      red,
      // A failure on a machine short of CPU says nothing of the test.
      counts: isTrial && isOver && isOwn && outcome !== "skipped" &&
        !(red && others.has(test.id)) && ended?.strained !== true,
      recovered: isLast && test.flaky,
      seconds: round(attempt.seconds),
      purpose: purposeOf(attempt),
      message: attempt.failure?.message.split("\n", 1)[0]?.slice(0, LONGEST_MESSAGE) ?? null,
      errors: attempt.failure?.errors ?? [],
      left: isLast ? test.leaked.length : 0,
    };
  });
}

function round(seconds: number): number {
  return Math.round(seconds * 10_000) / 10_000;
}
