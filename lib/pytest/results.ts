import type { Failure, LeftBehind, PytestEvent, SessionPurpose } from "./events.ts";
import { Counter, type Counts, type FailedReport } from "./verdict.ts";

/**
 * How a test ended. `timeout`: it was ended at its time limit; `crash`: pytest itself ended while
 * it ran; `unfinished`: nothing is known yet, or ever.
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
  /** pytest's words for what its reports count as, see {@linkcode Counter}. */
  counted: readonly string[];
  /** The phase that ran when it was heard of last, as far as that is known. */
  phase: "setup" | "call" | "teardown";
  finished: boolean;
  /** What ended it from outside, whatever it had said before; null when nothing did. */
  ended: "timeout" | "crash" | null;
  /** Why the run, or its pytest, ended while it ran; null when it did not. */
  cut: string | null;
  /** What it recorded about itself. */
  properties: readonly (readonly [string, string])[];
}

/** What nearly every attempt has; shared, for there are many. */
const NONE: readonly never[] = [];
const PASSED: readonly string[] = ["passed"];

/** An attempt that has just begun. */
export function newAttempt(session: string, began: number): Attempt {
  return {
    outcome: "unfinished",
    session,
    began,
    seconds: 0,
    failure: null,
    later: NONE,
    reason: null,
    counted: NONE,
    phase: "setup",
    finished: false,
    ended: null,
    cut: null,
    properties: NONE,
  };
}

/**
 * Notes what pytest reports of a phase, or of a part of the test. A failure is not taken back by
 * what comes later.
 */
export function takeReport(
  attempt: Attempt,
  event: Extract<PytestEvent, { event: "report" }>,
): void {
  attempt.seconds += event.seconds;
  const outcome = outcomeOf(event);
  if (outcome !== null && !RED.has(attempt.outcome)) attempt.outcome = outcome;
  const word = event.subtest !== undefined && event.outcome === "passed"
    ? "subtests passed"
    : event.category;
  if (word === "passed" && attempt.counted === NONE) attempt.counted = PASSED;
  else if (word !== "") attempt.counted = [...attempt.counted, word];
  if (event.outcome === "failed") addFailure(attempt, failureOf(event, event.phase));
  else if (event.message) attempt.reason ??= event.message;
  if (event.properties) attempt.properties = event.properties;
  if (event.subtest !== undefined) return;
  if (event.phase === "teardown") endAttempt(attempt);
  else attempt.phase = event.phase === "setup" && event.outcome === "passed" ? "call" : "teardown";
}

/** Notes what ended a test from outside. What it had said before comes first. */
export function takeEnd(
  attempt: Attempt,
  event: Extract<PytestEvent, { event: "timeout" | "crash" }>,
): void {
  const phase = attempt.phase === "teardown" ? "teardown" : "call";
  if (!RED.has(attempt.outcome)) attempt.outcome = event.event;
  addFailure(attempt, {
    phase,
    message: event.message,
    where: null,
    traceback: event.traceback ?? "",
    errors: [],
  });
  attempt.counted = [...attempt.counted, phase === "call" ? "failed" : "error"];
  attempt.seconds = event.seconds;
  attempt.ended = event.event;
  endAttempt(attempt);
}

/**
 * Notes that the run ended while it ran: that counts as an error only where it had said something
 * before.
 */
function takeCut(
  attempt: Attempt,
  { seconds, message }: Extract<PytestEvent, { event: "cut" }>,
): void {
  attempt.cut = message;
  attempt.seconds = seconds;
  if (attempt.counted.length > 0) attempt.counted = [...attempt.counted, "error"];
}

function addFailure(attempt: Attempt, failure: ResultFailure): void {
  if (attempt.failure === null) attempt.failure = failure;
  else attempt.later = [...attempt.later, failure];
}

function endAttempt(attempt: Attempt): void {
  attempt.finished = true;
  // Nobody counts it, and nothing went wrong.
  if (attempt.outcome === "unfinished") attempt.outcome = "passed";
}

/** All that went wrong in an attempt, in its order. */
export function failuresOf(
  { failure, later }: Pick<Attempt, "failure" | "later">,
): readonly ResultFailure[] {
  return failure === null ? NONE : [failure, ...later];
}

/**
 * Whether a failure is the test's own: not that of a fixture of a wider scope that was torn down
 * then, which other tests have set up. In a teardown that has to be known.
 */
export function isOwnFailure({ phase, scope }: ResultFailure): boolean {
  return phase === "teardown" ? scope === "function" : scope === undefined || scope === "function";
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
  /** All that went wrong in the last attempt, in its order. */
  readonly failures: readonly ResultFailure[];
  /** It failed, then passed in a fresh process. */
  readonly flaky: boolean;
  /** Whether its last attempt has ended. */
  readonly finished: boolean;
}

class Result implements TestResult {
  /**
   * How many tests of its id began in each session, where there is more than one; known to the
   * first of them.
   */
  further: Map<string, number> | null = null;
  file: string | null = null;
  line: number | null = null;
  readonly attempts: Attempt[] = [];
  readonly leaked: LeftBehind[] = [];
  readonly left: LeftBehind[] = [];
  constructor(readonly id: string) {}

  numberIn(session: string): number {
    return this.further?.get(session) ?? 1;
  }

  get outcome(): Outcome {
    return this.attempts.at(-1)?.outcome ?? "unfinished";
  }

  get finished(): boolean {
    return this.attempts.at(-1)?.finished ?? false;
  }

  get seconds(): number {
    return this.attempts.at(-1)!.seconds;
  }

  get failure(): ResultFailure | null {
    return this.attempts.at(-1)!.failure;
  }

  get failures(): readonly ResultFailure[] {
    if (this.attempts.length === 0) return NONE;
    const last = failuresOf(this.attempts.at(-1)!);
    // One that was cut takes nothing back of what the attempt before it has said.
    return last.length > 0 || this.finished || this.attempts.length < 2
      ? last
      : failuresOf(this.attempts.at(-2)!);
  }

  get flaky(): boolean {
    return this.finished && !RED.has(this.outcome) &&
      this.attempts.some((attempt) => RED.has(attempt.outcome));
  }
}

/**
 * pytest's words for how a phase ended. A red one is not taken back by a later phase: a failed test
 * with an error in its teardown has failed.
 */
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
  "collection-skip",
  "suite-property",
  "tests",
  "test-start",
  "report",
  "timeout",
  "crash",
  "cut",
  "leak",
  "left",
]);

/**
 * Tests of one id that run at once in one session, at most: each worker of pytest-xdist has one.
 */
const MOST_AT_ONCE = 64;

/** What keeps the second of one id apart from the first: in no id of pytest's. */
const SECOND = "\0";

/**
 * The results of a run, from the events of all of its sessions: a test that ran again in another
 * session has another attempt. What has the same id and begins in the same session is another test.
 * Built up one by one, so that a run that is cut short loses nothing.
 */
export class Results {
  /** By their ids; the second and further ones of an id by names of their own. */
  readonly tests = new Map<string, TestResult>();
  /** What each session was started for, by its name. */
  readonly purposes = new Map<string, SessionPurpose>();
  /** When each session was there, by its name. */
  readonly spans = new Map<string, Span>();
  /** Files or directories that could not be collected. */
  readonly collectionErrors: { readonly id: string; readonly failure: ResultFailure }[] = [];
  /** Files or directories that were skipped as a whole, with the reasons. */
  readonly collectionSkips: { readonly id: string; readonly reason: string }[] = [];
  /** What went wrong in pytest itself, or in a plugin of it, each once. */
  readonly internalErrors: string[] = [];
  /** What tests recorded about all of the suite. */
  readonly properties: (readonly [string, string])[] = [];
  /**
   * Tests that are to run, with how many there are of each id, by the session that said so first.
   */
  readonly #toRun = new Map<string, { readonly session: string; times: number }>();
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
  /**
   * How many events said something of tests: as long as it stays, so does all that is known of
   * them.
   */
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
        if (this.#isNew(event, this.collectionErrors)) {
          this.collectionErrors.push({ id: event.id, failure: failureOf(event, "collection") });
        }
        break;
      case "collection-skip":
        if (this.#isNew(event, this.collectionSkips)) {
          this.collectionSkips.push({ id: event.id, reason: event.message });
        }
        break;
      case "internal-error":
        if (!this.internalErrors.includes(event.message)) this.internalErrors.push(event.message);
        break;
      case "suite-property":
        if (
          !this.properties.some(([name, value]) => name === event.name && value === event.value)
        ) {
          this.properties.push([event.name, event.value]);
        }
        break;
      case "tests":
        for (const id of event.ids) this.#expect(id, event.session ?? "");
        break;
      case "test-start": {
        const result = this.#next(event.id, event.session ?? "");
        result.file = event.file ?? null;
        result.line = event.line ?? null;
        result.attempts.push(newAttempt(event.session ?? "", event.time));
        break;
      }
      case "report":
        takeReport(this.#attempt(event), event);
        break;
      case "timeout":
      case "crash":
        takeEnd(this.#attempt(event), event);
        break;
      case "cut":
        takeCut(this.#attempt(event), event);
        break;
      case "leak":
        (event.id === null ? this.leaked : this.#last(event.id).leaked).push(...event.processes);
        break;
      case "left":
        (event.id === null ? this.left : this.#last(event.id).left).push(...event.processes);
        break;
    }
  }

  /** Tests that have a result, in the order in which they began. */
  get finished(): TestResult[] {
    return [...this.tests.values()].filter((test) => test.finished || RED.has(test.outcome));
  }

  /**
   * How many tests ended in which way, as pytest counts: the one count that all that is said of a
   * run has.
   */
  get counts(): Counts {
    const counter = new Counter();
    counter.add(["error"], this.collectionErrors.length);
    counter.add(["skipped"], this.collectionSkips.length);
    for (const { attempts } of this.tests.values()) counter.add(attempts.at(-1)?.counted ?? NONE);
    return counter.counts(this.notRun.length);
  }

  /**
   * All that went wrong and stayed so: collections first, then tests in the order in which they
   * began.
   */
  get failures(): FailedReport[] {
    return [
      ...this.collectionErrors.map(({ id, failure }) => ({ id, ...failure })),
      ...[...this.tests.values()].flatMap(({ id, failures }) =>
        failures.map((failure) => ({ id, ...failure }))
      ),
    ];
  }

  /**
   * Ids of the tests that were to run and have no result, also of those that had begun; an id of
   * several as often as it has none.
   */
  get notRun(): string[] {
    const ids: string[] = [];
    for (const [id, { times }] of this.#toRun) {
      for (let number = 1; number <= times; number++) {
        if (!hasResult(this.tests.get(keyOf(id, number)))) ids.push(id);
      }
    }
    for (const [key, test] of this.tests) {
      if (
        !this.#toRun.has(key) && test.attempts.length > 0 && !hasResult(test) &&
        !this.#isExpected(key, test.id)
      ) ids.push(test.id);
    }
    return ids;
  }

  /** Whether several tests have this id. */
  isRepeated(id: string): boolean {
    return this.tests.has(keyOf(id, 2)) || (this.#toRun.get(id)?.times ?? 0) > 1;
  }

  #isExpected(key: string, id: string): boolean {
    const times = this.#toRun.get(id)?.times ?? 0;
    return key !== id && Number(key.slice(id.length + SECOND.length)) <= times;
  }

  /**
   * Whether a collection that failed or was skipped is one more of its id: other sessions say the
   * same ones again, but one session may have several, as the module and the doctests of a file.
   */
  #isNew(
    event: Extract<PytestEvent, { event: "collection-error" | "collection-skip" }>,
    known: readonly { readonly id: string }[],
  ): boolean {
    const key = JSON.stringify([event.session, event.event, event.id]);
    const times = (this.#collections.get(key) ?? 0) + 1;
    this.#collections.set(key, times);
    return times > known.filter(({ id }) => id === event.id).length;
  }

  readonly #collections = new Map<string, number>();

  #expect(id: string, session: string): void {
    const known = this.#toRun.get(id);
    if (known === undefined) this.#toRun.set(id, { session, times: 1 });
    else if (known.session === session) known.times++;
  }

  /** The test of an id that begins next in a session: the first that has not run in it. */
  #next(id: string, session: string): Result {
    const first = this.#result(id, id);
    if (!first.attempts.some((attempt) => attempt.session === session)) return first;
    const number = first.numberIn(session) + 1;
    first.further ??= new Map();
    first.further.set(session, number);
    return this.#result(keyOf(id, number), id);
  }

  /**
   * What an event of a session is about: what began last in it and has not ended, else what began
   * last.
   */
  #attempt(
    { id, session = "", time }: {
      readonly id: string;
      readonly session?: string;
      readonly time: number;
    },
  ): Attempt {
    const latest = this.#result(id, id).numberIn(session);
    let last: Attempt | undefined;
    for (let number = latest; number > Math.max(0, latest - MOST_AT_ONCE); number--) {
      const attempt = this.tests.get(keyOf(id, number))?.attempts.findLast((one) =>
        one.session === session
      );
      if (attempt !== undefined && !attempt.finished) return attempt;
      last ??= attempt;
    }
    if (last !== undefined) return last;
    const begun = newAttempt(session, time);
    this.#next(id, session).attempts.push(begun);
    return begun;
  }

  /** The test of an id that began last. */
  #last(id: string): Result {
    const first = this.#result(id, id);
    return this.#result(keyOf(id, Math.max(1, ...first.further?.values() ?? [])), id);
  }

  #result(key: string, id: string): Result {
    let result = this.tests.get(key) as Result | undefined;
    if (!result) this.tests.set(key, result = new Result(id));
    return result;
  }
}

/** What interrupted pytest: the class of the error, what it says, and the test that ran then. */
export interface Interruption {
  readonly error: string;
  readonly message: string;
  readonly test: string | null;
}

/**
 * Whether an interruption is pytest's own way to stop: after errors in the collection, or where a
 * plugin asked for it.
 */
export function isPytestsOwn(error: string | undefined): boolean {
  return error === undefined || /(?:^|\.)Interrupted$/.test(error);
}

function keyOf(id: string, number: number): string {
  return number === 1 ? id : `${id}${SECOND}${number}`;
}

function hasResult(test: TestResult | undefined): boolean {
  const attempt = test?.attempts.at(-1);
  return attempt !== undefined && (attempt.finished || attempt.counted.length > 0);
}

/** When a session of a run was heard of first and last, in seconds since the epoch. */
export interface Span {
  readonly began: number;
  latest: number;
}

/**
 * Whether another pytest was there during an attempt. Only shards are beside each other: what is
 * told of a session may come when the next runs.
 */
export function ranBesideOthers(
  { session, began, seconds }: Attempt,
  { spans, purposes }: Pick<Results, "spans" | "purposes">,
): boolean {
  const isShard = (name: string) => purposes.get(name) === "shard";
  if (!isShard(session)) return false;
  return [...spans].some(([other, span]) =>
    other !== session && isShard(other) && span.began < began + seconds && began < span.latest
  );
}

/** Whether a test failed only while other pytests ran beside it, and then passed alone. */
export function isContended(
  test: TestResult,
  results: Pick<Results, "spans" | "purposes">,
): boolean {
  return test.flaky &&
    test.attempts.every((attempt) =>
      RED.has(attempt.outcome) === ranBesideOthers(attempt, results)
    );
}

/** The failure of an event. */
export function failureOf(failure: Partial<Failure>, phase: ResultFailure["phase"]): ResultFailure {
  const { message = "", where = null, traceback = "", errors = [], output, scope } = failure;
  return {
    phase,
    message,
    where,
    traceback,
    errors,
    ...(output ? { output } : {}),
    ...(scope ? { scope } : {}),
  };
}
