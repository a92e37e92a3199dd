import type { Failure, LeftBehind, PytestEvent, SessionPurpose } from "./pytest_events.ts";

/** How a test ended. `timeout`: it was ended at its time limit; `crash`: pytest itself ended while it ran. */
export type Outcome = "passed" | "failed" | "error" | "skipped" | "xfailed" | "xpassed" | "timeout" | "crash";

/** Outcomes that are red. */
export const RED: ReadonlySet<Outcome> = new Set(["failed", "error", "timeout", "crash"]);

/** Where a result went wrong. */
export interface ResultFailure extends Failure {
  readonly phase: "collection" | "setup" | "call" | "teardown";
}

/** One run of a test, in one session. Times in seconds. */
export interface Attempt {
  outcome: Outcome;
  readonly session: string;
  /** Seconds since the epoch. */
  readonly began: number;
  /** Setup, call and teardown together. */
  seconds: number;
  failure: ResultFailure | null;
  /** What went wrong after that: in its teardown, say. */
  later: readonly ResultFailure[];
  /** Why it was skipped or was expected to fail; null when nothing is said. */
  reason: string | null;
}

/** All that is known of one test. */
export interface TestResult {
  readonly id: string;
  /** File and line (from 0) as pytest tells them; null when unknown. */
  file: string | null;
  line: number | null;
  readonly attempts: Attempt[];
  readonly leaked: LeftBehind[];
  /** Processes that outlived it, and were gone when pytest had ended. */
  readonly left: LeftBehind[];
  /** Outcome, seconds and failure of the last attempt. */
  readonly outcome: Outcome;
  readonly seconds: number;
  readonly failure: ResultFailure | null;
  /** It failed, then passed in a fresh process. */
  readonly flaky: boolean;
  /** Whether its last attempt has ended. */
  readonly finished: boolean;
}

class Result implements TestResult {
  file: string | null = null;
  line: number | null = null;
  finished = false;
  readonly attempts: Attempt[] = [];
  readonly leaked: LeftBehind[] = [];
  readonly left: LeftBehind[] = [];
  constructor(readonly id: string) {}

  get outcome(): Outcome {
    return this.attempts.at(-1)!.outcome;
  }

  get seconds(): number {
    return this.attempts.at(-1)!.seconds;
  }

  get failure(): ResultFailure | null {
    return this.attempts.at(-1)!.failure;
  }

  get flaky(): boolean {
    return !RED.has(this.outcome) && this.attempts.some((attempt) => RED.has(attempt.outcome));
  }
}

/** pytest's words for how a phase ended. A red one is not taken back by a later phase: a failed test with an error in its teardown has failed. */
const CATEGORIES: Readonly<Record<string, Outcome>> = {
  passed: "passed",
  failed: "failed",
  error: "error",
  skipped: "skipped",
  xfailed: "xfailed",
  xpassed: "xpassed",
};

/** How a test ended as far as one of its phases says; null when it says nothing. */
export function outcomeOf(report: Extract<PytestEvent, { event: "report" }>): Outcome | null {
  return CATEGORIES[report.category] ?? (report.outcome === "failed" ? "failed" : null);
}

/** Events that change what is known of tests. */
const ABOUT_TESTS: ReadonlySet<PytestEvent["event"]> = new Set([
  "session-begin",
  "collection-error",
  "test-start",
  "report",
  "timeout",
  "crash",
  "leak",
  "left",
]);

/**
 * The results of a run, from the events of all of its sessions: a test that ran again in another session has another attempt. Built up
 * one by one, so that a run that is cut short loses nothing.
 */
export class Results {
  readonly tests = new Map<string, TestResult>();
  /** What each session was started for, by its name. */
  readonly purposes = new Map<string, SessionPurpose>();
  /** When each session was there, by its name. */
  readonly spans = new Map<string, Span>();
  /** Files or directories that could not be collected. */
  readonly collectionErrors: { readonly id: string; readonly failure: ResultFailure }[] = [];
  /** What was left behind, nobody knows by which test. */
  readonly leaked: LeftBehind[] = [];
  /** What outlived its test and was gone when pytest had ended, nobody knows of which test. */
  readonly left: LeftBehind[] = [];
  /** What `run-start` said; null before. */
  started: Extract<PytestEvent, { event: "run-start" }> | null = null;
  /** What `run-finish` said; null for a run that is under way or was killed. */
  ended: Extract<PytestEvent, { event: "run-finish" }> | null = null;
  /** Seconds since the epoch of the first and the last event. */
  first: number | null = null;
  latest: number | null = null;
  /** How many events said something of tests: as long as it stays, so does all that is known of them. */
  told = 0;

  add(event: PytestEvent): void {
    this.first ??= event.time;
    this.latest = event.time;
    if (event.session !== undefined) {
      const span = this.spans.get(event.session);
      if (span) span.latest = event.time;
      else this.spans.set(event.session, { began: event.time, latest: event.time });
    }
    if (ABOUT_TESTS.has(event.event)) this.told++;
    switch (event.event) {
      case "run-start":
        this.started = event;
        break;
      case "run-finish":
        this.ended = event;
        break;
      case "session-begin":
        this.purposes.set(event.session ?? "", event.purpose);
        break;
      case "collection-error":
        if (!this.collectionErrors.some((error) => error.id === event.id)) {
          this.collectionErrors.push({ id: event.id, failure: failureOf(event, "collection") });
        }
        break;
      case "test-start": {
        const result = this.#result(event.id);
        result.file = event.file ?? null;
        result.line = event.line ?? null;
        this.#attempt(result, event.session ?? "", event.time);
        break;
      }
      case "report": {
        const result = this.#result(event.id);
        const attempt = result.attempts.at(-1) ?? this.#attempt(result, event.session ?? "", event.time);
        attempt.seconds += event.seconds;
        const outcome = outcomeOf(event);
        if (outcome !== null && !RED.has(attempt.outcome)) attempt.outcome = outcome;
        if (event.outcome === "failed") {
          const failure = failureOf(event, event.phase);
          if (attempt.failure === null) attempt.failure = failure;
          else attempt.later = [...attempt.later, failure];
        } else if (event.message) attempt.reason ??= event.message;
        if (event.phase === "teardown") result.finished = true;
        break;
      }
      case "timeout":
      case "crash": {
        const result = this.#result(event.id);
        const attempt = result.attempts.at(-1) ?? this.#attempt(result, event.session ?? "", event.time);
        attempt.outcome = event.event;
        attempt.seconds = event.seconds;
        attempt.failure = { phase: "call", message: event.message, where: null, traceback: event.traceback ?? "", errors: [] };
        result.finished = true;
        break;
      }
      case "leak":
        (event.id === null ? this.leaked : this.#result(event.id).leaked).push(...event.processes);
        break;
      case "left":
        (event.id === null ? this.left : this.#result(event.id).left).push(...event.processes);
        break;
    }
  }

  /** Tests that have ended, in the order in which they began. */
  get finished(): TestResult[] {
    return [...this.tests.values()].filter((test) => test.finished);
  }

  #result(id: string): Result {
    let result = this.tests.get(id) as Result | undefined;
    if (!result) this.tests.set(id, result = new Result(id));
    return result;
  }

  #attempt(result: Result, session: string, began: number): Attempt {
    const attempt: Attempt = { outcome: "passed", session, began, seconds: 0, failure: null, later: NONE, reason: null };
    result.attempts.push(attempt);
    result.finished = false;
    return attempt;
  }
}

/** What nearly every attempt has; shared, for there are many. */
const NONE: readonly ResultFailure[] = [];

/** When a session of a run was heard of first and last, in seconds since the epoch. */
export interface Span {
  readonly began: number;
  latest: number;
}

/** Whether another pytest was there during an attempt. Only shards are beside each other: what is told of a session may come when the next runs. */
export function ranBesideOthers({ session, began, seconds }: Attempt, { spans, purposes }: Pick<Results, "spans" | "purposes">): boolean {
  const isShard = (name: string) => purposes.get(name) === "shard";
  if (!isShard(session)) return false;
  return [...spans].some(([other, span]) => other !== session && isShard(other) && span.began < began + seconds && began < span.latest);
}

/** Whether a test failed only while other pytests ran beside it, and then passed alone. */
export function isContended(test: TestResult, results: Pick<Results, "spans" | "purposes">): boolean {
  return test.flaky && test.attempts.every((attempt) => RED.has(attempt.outcome) === ranBesideOthers(attempt, results));
}

/** The failure of an event. */
export function failureOf(failure: Partial<Failure>, phase: ResultFailure["phase"]): ResultFailure {
  const { message = "", where = null, traceback = "", errors = [], output } = failure;
  return { phase, message, where, traceback, errors, ...(output ? { output } : {}) };
}
