import type { Extent } from "../history/extent.ts";
import { LEAST_KNOWN } from "./schedule.ts";
import type { LeftBehind, PytestEvent, SessionPurpose } from "../pytest/events.ts";
import {
  type Attempt,
  failureOf,
  newAttempt,
  RED,
  type ResultFailure,
  takeEnd,
  takeReport,
} from "../pytest/results.ts";
import { Counter, type Counts } from "../pytest/verdict.ts";

/** Something of a run that is worth a line as soon as it happens. Times in seconds. */
export type Note =
  | {
    readonly kind: "failed";
    readonly id: string;
    readonly outcome: "failed" | "error" | "timeout" | "crash";
    readonly failure: ResultFailure;
    /** How long the phase took that failed; null for a collection. */
    readonly seconds: number | null;
    /** Which attempt at the test this was, from 1. */
    readonly attempt: number;
  }
  /** It passed at last, at the `attempt`th of at most `tries`. */
  | {
    readonly kind: "flaky";
    readonly id: string;
    readonly attempt: number;
    readonly tries: number;
    readonly message: string;
  }
  | { readonly kind: "slow"; readonly id: string; readonly seconds: number }
  /** It is about to be ended at its limit. */
  | {
    readonly kind: "terminating";
    readonly id: string;
    readonly seconds: number;
    readonly limit: number;
  }
  | { readonly kind: "leak"; readonly id: string | null; readonly processes: readonly LeftBehind[] }
  | { readonly kind: "trouble"; readonly text: string };

/** A test that runs. Times in seconds since the epoch. */
export interface RunningTest {
  readonly id: string;
  readonly session: string;
  readonly since: number;
}

/** A pytest of the run that has not ended. */
export interface LiveSession {
  readonly name: string;
  readonly purpose: SessionPurpose;
  /** As pytest itself sees it; null before it began. */
  readonly pid: number | null;
  readonly collecting: boolean;
}

interface Running extends RunningTest {
  readonly attempt: Attempt;
  /** Seconds after which it is told as slow once more. */
  slowAt: number;
}

/** What a live view is told besides the events. */
export interface LiveOptions {
  /** Seconds after which a test is told as slow; again after twice that, and so on. 0: never. */
  readonly slow: number;
  /** How often a test is run at most. */
  readonly tries: number;
  /** Seconds that tests took before, by id; empty when nothing is known. */
  readonly durations: ReadonlyMap<string, number>;
}

const NOTHING: Extent = { tests: 0, seconds: 0 };

/** Seconds of expected work that have to be done before the pace of a run counts. */
const PACE_SECONDS = 2;

/**
 * What a live view of a run shows, from the events of all of its sessions. It keeps what runs and
 * what is red, not what passed: it is as small at the end of a long run as at its begin.
 */
export class Live {
  /** Tests to run; null before collection ended. */
  collected: number | null = null;
  /** Tests that had their chance. */
  done = 0;
  flaky = 0;
  leaks = 0;
  /** Seconds since the epoch at which the first event came; null before. */
  began: number | null = null;
  readonly #counter = new Counter();
  readonly #running = new Map<string, Running>();
  readonly #sessions = new Map<string, LiveSession>();
  /** Tests that are red so far, and how often they were. */
  readonly #red = new Map<
    string,
    { counted: readonly string[]; session: string; times: number; message: string }
  >();
  #firstTest: number | null = null;
  readonly #uncollected = new Set<string>();
  /** What is collected is not what is run. */
  #isPlanned = false;
  /** Tests to run that have a duration on record, with that. */
  #timed = NOTHING;
  /**
   * Tests that ended and have none, and all that ended, with what they took; without those that
   * were ended.
   */
  #untimedEnded = NOTHING;
  #ended = NOTHING;
  /**
   * Seconds of work that are done: what tests took before, or what those took that have no record
   * or were ended.
   */
  #worked = 0;

  constructor(private readonly options: LiveOptions) {}

  /**
   * Takes what is going to run, where that is not all that is collected or not known from pytest
   * itself.
   */
  plan(ids: readonly string[]): void {
    this.#isPlanned = true;
    this.collected = ids.length;
    this.#expect(ids);
  }

  /** Takes one more event; returns what is worth a line. */
  add(event: PytestEvent): readonly Note[] {
    this.began ??= event.time;
    const session = event.session ?? "";
    switch (event.event) {
      case "session-begin":
        this.#sessions.set(session, {
          name: session,
          purpose: event.purpose,
          pid: null,
          collecting: true,
        });
        return [];
      case "session-start":
        this.#sessions.set(session, {
          purpose: "tests",
          ...this.#sessions.get(session),
          name: session,
          pid: event.pid,
          collecting: true,
        });
        return [];
      case "collected": {
        const known = this.#sessions.get(session);
        if (known) this.#sessions.set(session, { ...known, collecting: false });
        if (!this.#isPlanned) this.collected = Math.max(this.collected ?? 0, event.count);
        return [];
      }
      case "tests":
        this.#expect(event.ids);
        return [];
      case "collection-error": {
        // Each pytest that collects tells it.
        if (this.#uncollected.has(event.id)) return [];
        this.#uncollected.add(event.id);
        this.#counter.add(["error"]);
        return [{
          kind: "failed",
          id: event.id,
          outcome: "error",
          failure: failureOf(event, "collection"),
          seconds: null,
          attempt: 1,
        }];
      }
      case "collection-skip":
        if (!this.#uncollected.has(event.id)) this.#counter.add(["skipped"]);
        this.#uncollected.add(event.id);
        return [];
      case "test-start":
        this.#firstTest ??= event.time;
        this.#running.set(key(session, event.id), this.#start(event.id, session, event.time));
        return [];
      case "report":
        return this.#report(event, session);
      case "timeout":
      case "crash": {
        const failure = failureOf(event, "call");
        const running = this.#running.get(key(session, event.id)) ??
          this.#start(event.id, session, event.time - event.seconds);
        const attempt = this.#attempt(event.id, session);
        takeEnd(running.attempt, event);
        this.#end(running);
        return [{
          kind: "failed",
          id: event.id,
          outcome: event.event,
          failure,
          seconds: event.seconds,
          attempt,
        }];
      }
      case "terminating":
        return [{ kind: "terminating", id: event.id, seconds: event.seconds, limit: event.limit }];
      case "leak":
        this.leaks++;
        return [{ kind: "leak", id: event.id, processes: event.processes }];
      case "interrupted":
        return event.message === ""
          ? []
          : [{ kind: "trouble", text: `pytest was interrupted: ${event.message}` }];
      case "internal-error":
        return [{ kind: "trouble", text: `pytest has an internal error: ${event.message}` }];
      case "session-finish":
        this.#sessions.delete(session);
        for (const [name, running] of this.#running) {
          if (running.session === session) this.#running.delete(name);
        }
        return [];
      default:
        return [];
    }
  }

  /** Tests that take long by now, each at growing intervals. @param now seconds since the epoch */
  slow(now: number): Note[] {
    const notes: Note[] = [];
    for (const running of this.#running.values()) {
      if (this.options.slow === 0 || now - running.since < running.slowAt) continue;
      notes.push({ kind: "slow", id: running.id, seconds: running.slowAt });
      while (now - running.since >= running.slowAt) running.slowAt *= 2;
    }
    return notes;
  }

  /** How many tests ended in which way; a test that was tried again counts as it ended last. */
  get counts(): Counts {
    return this.#counter.counts();
  }

  /** What runs, the longest first. */
  get running(): readonly RunningTest[] {
    return [...this.#running.values()].sort((a, b) => a.since - b.since);
  }

  /** The pytests that have not ended. */
  get sessions(): readonly LiveSession[] {
    return [...this.#sessions.values()];
  }

  /**
   * Seconds that the rest is going to take: each test what it took before, one without a record the
   * mean of those in this run, all at the pace of this run. null while less than half of the rest
   * can be judged; what has ended vouches for as many again.
   *
   * The mean, since it is the sum that counts: most tests are short, and their median leaves out
   * the few that take most of the time.
   */
  remaining(now: number): number | null {
    if (this.collected === null || this.#firstTest === null) return null;
    const left = Math.max(0, this.collected - this.done);
    const timed = Math.min(left, this.#timed.tests);
    const seen = this.#untimedEnded.tests > 0 ? this.#untimedEnded : this.#ended;
    if (timed + Math.min(left - timed, seen.tests) < left * LEAST_KNOWN) return null;
    const ordinary = mean(seen.tests > 0 ? seen : this.#timed);
    let [rest, worked] = [this.#timed.seconds + (left - timed) * ordinary, this.#worked];
    for (const { id, since } of this.#running.values()) {
      const spent = Math.max(0, now - since);
      worked += spent;
      // One that is tried again is done already.
      if (!this.#red.has(id)) rest -= Math.min(spent, this.options.durations.get(id) ?? ordinary);
    }
    const pace = worked >= PACE_SECONDS ? (now - this.#firstTest) / worked : 1;
    return Math.max(0, rest) * pace;
  }

  /** Takes some of what is going to run. */
  #expect(ids: readonly string[]): void {
    for (const id of ids) {
      const seconds = this.options.durations.get(id);
      if (seconds !== undefined) this.#timed = plus(this.#timed, seconds);
    }
  }

  #report(event: Extract<PytestEvent, { event: "report" }>, session: string): readonly Note[] {
    const name = key(session, event.id);
    const running = this.#running.get(name) ??
      this.#start(event.id, session, event.time - event.seconds);
    this.#running.set(name, running);
    takeReport(running.attempt, event);
    const notes: Note[] = [];
    if (event.outcome === "failed") {
      const failure = failureOf(event, event.phase);
      const red = event.phase === "call" ? "failed" : "error";
      const attempt = this.#attempt(event.id, session);
      notes.push({
        kind: "failed",
        id: event.id,
        outcome: red,
        failure,
        seconds: event.seconds,
        attempt,
      });
    }
    if (!running.attempt.finished) return notes;
    const before = this.#before(event.id, session);
    this.#end(running);
    if (before && !RED.has(running.attempt.outcome)) {
      this.flaky++;
      const attempt = before.times + 1;
      notes.push({
        kind: "flaky",
        id: event.id,
        attempt,
        tries: Math.max(attempt, this.options.tries),
        message: before.message,
      });
    }
    return notes;
  }

  #start(id: string, session: string, since: number): Running {
    return { id, session, since, attempt: newAttempt(session, since), slowAt: this.options.slow };
  }

  /**
   * What is known of a test that was red in another session; in the same one it was another test of
   * that id.
   */
  #before(id: string, session: string) {
    const before = this.#red.get(id);
    return before?.session === session ? undefined : before;
  }

  #attempt(id: string, session: string): number {
    return (this.#before(id, session)?.times ?? 0) + 1;
  }

  #end({ id, session, attempt: { outcome, counted, failure, seconds } }: Running): void {
    this.#running.delete(key(session, id));
    const before = this.#before(id, session);
    if (before) this.#counter.add(before.counted, -1);
    else {
      this.done++;
      this.#judge(id, outcome === "timeout" || outcome === "crash", seconds);
    }
    this.#counter.add(counted);
    if (RED.has(outcome)) {
      this.#red.set(id, {
        counted,
        session,
        times: (before?.times ?? 0) + 1,
        message: failure?.message ?? "",
      });
    } else if (before) this.#red.delete(id);
  }

  /** What the first end of a test says of those to come. */
  #judge(id: string, wasEnded: boolean, seconds: number): void {
    const before = this.options.durations.get(id);
    // Of tests that nobody announced none is left.
    if (before !== undefined && this.#timed.tests > 0) {
      this.#timed = { tests: this.#timed.tests - 1, seconds: this.#timed.seconds - before };
    }
    // How long it was let to hang says nothing of what others take.
    this.#worked += wasEnded ? seconds : before ?? seconds;
    if (wasEnded) return;
    this.#ended = plus(this.#ended, seconds);
    if (before === undefined) this.#untimedEnded = plus(this.#untimedEnded, seconds);
  }
}

function plus({ tests, seconds }: Extent, more: number): Extent {
  return { tests: tests + 1, seconds: seconds + more };
}

function mean({ tests, seconds }: Extent): number {
  return tests === 0 ? 0 : seconds / tests;
}

function key(session: string, id: string): string {
  return `${session}\n${id}`;
}
