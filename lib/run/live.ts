import type { Totals } from "../history/totals.ts";
import { LEAST_KNOWN } from "./schedule.ts";
import type { EventOf, LeftBehind, PytestEvent, SessionPurpose } from "../pytest/events.ts";
import { RED, type TestResult } from "../pytest/results.ts";
import { type Failure, failureOf } from "../pytest/failure.ts";
import type { RunModel, RunningTest } from "../pytest/run_model.ts";

/** An incident of a run, shown as soon as it happens. Times in seconds. */
export type Note =
  | {
    readonly kind: "failed";
    readonly id: string;
    readonly outcome: "failed" | "error" | "timeout" | "crash";
    readonly failure: Failure;
    /** Duration of the phase that failed; null for a collection. */
    readonly seconds: number | null;
    /** Which attempt at the test this was, from 1. */
    readonly attempt: number;
  }
  /** It passed in the `attempt`th of at most `tries`; `message` is of the failure before. */
  | {
    readonly kind: "flaky";
    readonly id: string;
    readonly attempt: number;
    readonly tries: number;
    readonly message: string;
  }
  /** It, or the collection (null), runs far longer than ever before. */
  | {
    readonly kind: "slow";
    readonly id: string | null;
    readonly seconds: number;
    /** Seconds that it took before, at most; null without a record. */
    readonly longest: number | null;
    /** Null: not examined. */
    readonly verdict: string | null;
    readonly evidence: readonly string[];
  }
  /** It is about to be ended at its limit. */
  | {
    readonly kind: "terminating";
    readonly id: string;
    readonly seconds: number;
    readonly limit: number;
  }
  | { readonly kind: "leak"; readonly id: string | null; readonly processes: readonly LeftBehind[] }
  | { readonly kind: "trouble"; readonly text: string };

/** A pytest of the run that has not ended. */
export interface LiveSession {
  readonly name: string;
  readonly purpose: SessionPurpose;
  /** As pytest itself sees it; null before it began. */
  readonly pid: number | null;
  readonly collecting: boolean;
  readonly isWaiting: boolean;
}

/** Settings of a live view. */
export interface LiveOptions {
  /** How often a test is run at most. */
  readonly tries: number;
  /** Seconds that tests took in earlier runs, by id; empty when nothing is known. */
  readonly durations: ReadonlyMap<string, number>;
}

const NOTHING: Totals = { tests: 0, seconds: 0 };

/** Seconds of expected work to finish before the pace of a run counts. */
const PACE_SECONDS = 2;

/** What a live view adds to the model of a run: notes as events come, and the remaining time. */
export class Live {
  #planned: number | null = null;
  /** Counts of the model before the current event. */
  #seen = { done: 0, flaky: 0, collectionErrors: 0 };
  /** Tests still to run with a recorded duration, and its sum. */
  #timed = NOTHING;
  /** Tests that ended by themselves and their time; and those of them without a record. */
  #ended = NOTHING;
  #untimedEnded = NOTHING;
  /** Seconds of finished work: recorded ones if the test ended by itself. */
  #worked = 0;

  constructor(readonly run: RunModel, private readonly options: LiveOptions) {}

  /** Sets the tests to run, if they differ from what pytest collects. */
  plan(ids: readonly string[]): void {
    this.#planned = ids.length;
    this.#expect(ids);
  }

  /** How many tests are to run; null before collection ended. */
  get total(): number | null {
    return this.#planned ?? this.run.collected;
  }

  /**
   * The notes on an event that the model has just taken.
   *
   * @param test whose result it has changed
   */
  take(event: PytestEvent, test: TestResult | null): readonly Note[] {
    const before = this.#seen;
    const { done, flaky, collectionErrors } = this.run;
    this.#seen = { done, flaky, collectionErrors: collectionErrors.length };
    if (done > before.done) this.#judge(test!);
    switch (event.event) {
      case "tests":
        this.#expect(event.ids);
        return [];
      case "collection-error":
        return collectionErrors.slice(before.collectionErrors).map((failure) => (
          { ...failed(failure), outcome: "error", seconds: null, attempt: 1 }
        ));
      case "report":
      case "timeout":
      case "crash": {
        const failure = failedIn(event);
        if (failure !== null) return [this.#failedNote(event, failure, test!)];
        return flaky > before.flaky ? [this.#flakyNote(test!)] : [];
      }
      case "slow": {
        const { id, seconds, longest, verdict, evidence } = event;
        return [{ kind: "slow", id, seconds, longest, verdict, evidence }];
      }
      case "terminating":
        return [{ kind: "terminating", id: event.id, seconds: event.seconds, limit: event.limit }];
      case "leak":
        return [{ kind: "leak", id: event.id, processes: event.processes }];
      case "interrupted":
        if (event.message === "") return [];
        return [{ kind: "trouble", text: `pytest was interrupted: ${event.message}` }];
      case "internal-error":
        return [{ kind: "trouble", text: `pytest has an internal error: ${event.message}` }];
      default:
        return [];
    }
  }

  /** The tests that run, the longest first. */
  get running(): readonly RunningTest[] {
    return this.run.running.filter(({ session, wasCut }) =>
      !wasCut && this.run.session(session).exitStatus === null
    );
  }

  /** The sessions that have not finished. */
  get sessions(): readonly LiveSession[] {
    const begun = [...this.run.sessions.values()].filter(({ purpose, pid, exitStatus }) =>
      exitStatus === null && (purpose !== null || pid !== null)
    );
    return begun.map(({ name, purpose, pid, collecting, isWaiting }) => (
      { name, purpose: purpose ?? "tests", pid, collecting, isWaiting }
    ));
  }

  /**
   * Estimates the remaining seconds: the recorded durations, else the mean of the tests of this
   * run, at the pace of this run. Null while less than half of the remaining tests can be
   * estimated; each finished test lets one without a record be estimated.
   *
   * The mean, not the median, since a few long tests take most of the time.
   */
  remaining(now: number): number | null {
    const { firstTest, done } = this.run;
    if (this.total === null || firstTest === null) return null;
    const left = Math.max(0, this.total - done);
    const timed = Math.min(left, this.#timed.tests);
    const seen = this.#untimedEnded.tests > 0 ? this.#untimedEnded : this.#ended;
    if (timed + Math.min(left - timed, seen.tests) < left * LEAST_KNOWN) return null;
    const ordinary = mean(seen.tests > 0 ? seen : this.#timed);
    let [rest, worked] = [this.#timed.seconds + (left - timed) * ordinary, this.#worked];
    for (const { id, since, isRetry } of this.running) {
      const spent = Math.max(0, now - since);
      worked += spent;
      if (!isRetry) rest -= Math.min(spent, this.options.durations.get(id) ?? ordinary);
    }
    const pace = worked >= PACE_SECONDS ? (now - firstTest) / worked : 1;
    return Math.max(0, rest) * pace;
  }

  #failedNote(
    event: EventOf<"report" | "timeout" | "crash">,
    failure: Failure,
    test: TestResult,
  ): Note {
    const outcome = event.event !== "report"
      ? event.event
      : event.phase === "call"
      ? "failed"
      : "error";
    // The attempt of this event may already be red.
    const others = test.attempts.filter(({ session }) => session !== (event.session ?? ""));
    const attempt = redsIn(others) + 1;
    return { ...failed(failure), outcome, seconds: event.seconds, attempt };
  }

  #flakyNote({ id, attempts }: TestResult): Note {
    const attempt = redsIn(attempts) + 1;
    const last = attempts.findLast(({ outcome }) => RED.has(outcome));
    const tries = Math.max(attempt, this.options.tries);
    return { kind: "flaky", id, attempt, tries, message: last?.failure?.message ?? "" };
  }

  /** Adds tests that are going to run. */
  #expect(ids: readonly string[]): void {
    for (const id of ids) {
      const seconds = this.options.durations.get(id);
      if (seconds !== undefined) this.#timed = plus(this.#timed, seconds);
    }
  }

  /** Learns from the first end of a test how long others will take. */
  #judge({ id, outcome, seconds }: TestResult): void {
    const before = this.options.durations.get(id);
    // Tests that were not announced are in no sum.
    if (before !== undefined && this.#timed.tests > 0) {
      this.#timed = { tests: this.#timed.tests - 1, seconds: this.#timed.seconds - before };
    }
    // The time until it was ended says nothing about other tests.
    const wasEnded = outcome === "timeout" || outcome === "crash";
    this.#worked += wasEnded ? seconds : before ?? seconds;
    if (wasEnded) return;
    this.#ended = plus(this.#ended, seconds);
    if (before === undefined) this.#untimedEnded = plus(this.#untimedEnded, seconds);
  }
}

function failed(failure: Failure) {
  return { kind: "failed", id: failure.id, failure } as const;
}

/** The failure that an event reports; null if none. */
function failedIn(event: EventOf<"report" | "timeout" | "crash">): Failure | null {
  if (event.event !== "report") return failureOf(event, "call");
  return event.outcome === "failed" ? failureOf(event, event.phase) : null;
}

function redsIn(attempts: TestResult["attempts"]): number {
  return attempts.filter(({ outcome }) => RED.has(outcome)).length;
}

function plus({ tests, seconds }: Totals, more: number): Totals {
  return { tests: tests + 1, seconds: seconds + more };
}

function mean({ tests, seconds }: Totals): number {
  return tests === 0 ? 0 : seconds / tests;
}
