import type { EventOf, LeftBehind } from "./events.ts";
import { type Failure, failureOf } from "./failure.ts";

/**
 * How a test ended. `timeout`: it was ended at its time limit; `crash`: pytest itself ended while
 * it ran; `unfinished`: it has no outcome (yet).
 */
export type Outcome =
  | "passed"
  | "failed"
  | "error"
  | "skipped"
  | "xfailed"
  | "xpassed"
  | "timeout"
  | "crash"
  | "unfinished";

/** Outcomes that are red. */
export const RED: ReadonlySet<Outcome> = new Set(["failed", "error", "timeout", "crash"]);

/** One run of a test, in one session. Times in seconds. */
export interface Attempt {
  readonly outcome: Outcome;
  readonly session: string;
  /** Seconds since the epoch. */
  readonly began: number;
  /** Setup, call and teardown together. */
  readonly seconds: number;
  /** The first failure, and all of them in order. */
  readonly failure: Failure | null;
  readonly failures: readonly Failure[];
  /** Why it was skipped or expected to fail; null when no reason is given. */
  readonly reason: string | null;
  /** How the test itself, not one of its subtests, was skipped; null if it was not. */
  readonly skipped: "skipped" | "xfailed" | null;
  /** pytest's words for its reports, as the summary counts them. */
  readonly counted: readonly string[];
  readonly finished: boolean;
  /** What ended it from outside, even if it had failed before; null when nothing did. */
  readonly ended: "timeout" | "crash" | null;
  /** Why the run, or its pytest, ended while it ran; null when it did not. */
  readonly cut: string | null;
  /** What it recorded about itself. */
  readonly properties: readonly (readonly [string, string])[];
}

/** Everything known about one test. */
export interface TestResult {
  readonly id: string;
  /** File and line (from 0), as pytest reports them; null when unknown. */
  readonly file: string | null;
  readonly line: number | null;
  readonly attempts: readonly Attempt[];
  readonly leaked: readonly LeftBehind[];
  /** Processes that outlived it, and were gone when pytest had ended. */
  readonly left: readonly LeftBehind[];
  /** Outcome, seconds and failure of the last attempt. */
  readonly outcome: Outcome;
  readonly seconds: number;
  readonly failure: Failure | null;
  /** All failures of the last attempt, in order. */
  readonly failures: readonly Failure[];
  /** It failed, then passed in a fresh process. */
  readonly flaky: boolean;
  /** Whether its last attempt has ended. */
  readonly finished: boolean;
  /** Whether its last attempt has a result, even if its teardown did not end. */
  readonly hasResult: boolean;
}

/** Values of nearly all attempts, shared to save memory. */
const NONE: readonly never[] = [];
const PASSED: readonly string[] = ["passed"];

/** An {@linkcode Attempt} that takes events. */
export class AttemptModel implements Attempt {
  outcome: Outcome = "unfinished";
  seconds = 0;
  failures: readonly Failure[] = NONE;
  reason: string | null = null;
  skipped: "skipped" | "xfailed" | null = null;
  finished = false;
  ended: "timeout" | "crash" | null = null;
  /** It is being ended at its time limit: failures from here on are due to that. */
  isAtLimit = false;
  cut: string | null = null;
  properties: readonly (readonly [string, string])[] = NONE;
  #words: readonly string[] = NONE;
  /** The phase that ran last, as far as the reports say. */
  #phase: "setup" | "call" | "teardown" = "setup";

  constructor(readonly session: string, readonly began: number) {}

  get failure(): Failure | null {
    return this.failures[0] ?? null;
  }

  /** A test that was cut short counts as an error where it has another result, in its teardown. */
  get counted(): readonly string[] {
    return this.cut === null || this.#words.length === 0 ? this.#words : [...this.#words, "error"];
  }

  /** Takes a report of a phase or a subtest. A later report never takes back a failure. */
  report(event: EventOf<"report">): void {
    this.seconds += event.seconds;
    const outcome = outcomeOf(event);
    if (outcome !== null && !RED.has(this.outcome)) this.outcome = outcome;
    const isPassedSubtest = event.subtest !== undefined && event.outcome === "passed";
    const word = isPassedSubtest ? "subtests passed" : event.category;
    if (word === "passed" && this.#words === NONE) this.#words = PASSED;
    else if (word !== "") this.#words = [...this.#words, word];
    if (event.outcome === "failed") {
      const failure = failureOf(event, event.phase);
      const message = `interrupted at its time limit: ${failure.message}`;
      this.failures = [...this.failures, this.isAtLimit ? { ...failure, message } : failure];
    } else if (event.message) this.reason ??= event.message;
    if (event.properties) this.properties = event.properties;
    if (event.subtest !== undefined) return;
    if (outcome === "skipped" || outcome === "xfailed") this.skipped = outcome;
    if (event.phase === "teardown") this.#finish();
    else this.#phase = event.phase === "setup" && event.outcome === "passed" ? "call" : "teardown";
  }

  /** Takes the timeout or crash that ended it. An outcome that was red before stays. */
  end(event: EventOf<"timeout" | "crash">): void {
    const phase = this.#phase === "teardown" ? "teardown" : "call";
    if (!RED.has(this.outcome)) this.outcome = event.event;
    this.failures = [...this.failures, failureOf(event, phase)];
    this.#words = [...this.#words, phase === "call" ? "failed" : "error"];
    this.seconds = event.seconds;
    this.ended = event.event;
    this.#finish();
  }

  /** Takes the end of the run before its own. */
  cutShort({ seconds, message }: EventOf<"cut">): void {
    this.cut = message;
    this.seconds = seconds;
  }

  #finish(): void {
    this.finished = true;
    // No word of the summary counts it, and it did not fail.
    if (this.outcome === "unfinished") this.outcome = "passed";
  }
}

/** A {@linkcode TestResult} that takes events. */
export class ResultModel implements TestResult {
  file: string | null = null;
  line: number | null = null;
  readonly attempts: AttemptModel[] = [];
  leaked: readonly LeftBehind[] = NONE;
  left: readonly LeftBehind[] = NONE;
  /** The words of its last finished attempt, as the run counts them; null before the first one. */
  tallied: readonly string[] | null = null;
  /**
   * How many tests of its id began in each session, where there is more than one; known to the
   * first of them.
   */
  further: Map<string, number> | null = null;

  constructor(readonly id: string) {}

  get last(): AttemptModel | undefined {
    return this.attempts.at(-1);
  }

  /** How many tests of its id began in a session; 1 also where none did. */
  numberIn(session: string): number {
    return this.further?.get(session) ?? 1;
  }

  get outcome(): Outcome {
    return this.last?.outcome ?? "unfinished";
  }

  get finished(): boolean {
    return this.last?.finished ?? false;
  }

  get hasResult(): boolean {
    return this.last !== undefined && (this.last.finished || this.last.counted.length > 0);
  }

  get seconds(): number {
    return this.last?.seconds ?? 0;
  }

  get failure(): Failure | null {
    return this.last?.failure ?? null;
  }

  get failures(): readonly Failure[] {
    const last = this.last?.failures ?? NONE;
    // An attempt that was cut short does not take back the failures of the one before.
    if (last.length > 0 || this.finished) return last;
    return this.attempts.at(-2)?.failures ?? NONE;
  }

  get flaky(): boolean {
    return this.finished && !RED.has(this.outcome) &&
      this.attempts.some((attempt) => RED.has(attempt.outcome));
  }
}

/** pytest's words for how a phase ended. */
const CATEGORIES = ["passed", "failed", "error", "skipped", "xfailed", "xpassed"] as const;

/** The outcome of a test by one of its reports; null when that has none. */
function outcomeOf(report: EventOf<"report">): Outcome | null {
  return CATEGORIES.find((word) => word === report.category) ??
    (report.outcome === "failed" ? "failed" : null);
}
