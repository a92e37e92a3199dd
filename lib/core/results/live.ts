import type { LeftBehind, PytestEvent, SessionPurpose } from "./pytest_events.ts";
import { failureOf, type Outcome, outcomeOf, RED, type ResultFailure } from "./results.ts";
import type { Counts } from "./verdict.ts";

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
  | { readonly kind: "flaky"; readonly id: string; readonly attempt: number; readonly tries: number; readonly message: string }
  | { readonly kind: "slow"; readonly id: string; readonly seconds: number }
  /** It is about to be ended at its limit. */
  | { readonly kind: "terminating"; readonly id: string; readonly seconds: number; readonly limit: number }
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
  outcome: Outcome;
  failure: ResultFailure | null;
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

/** Seconds of expected work that have to be done before the pace of a run counts. */
const PACE_SECONDS = 2;

/**
 * What a live view of a run shows, from the events of all of its sessions. It keeps what runs and what is red, not what passed: it is
 * as small at the end of a long run as at its begin.
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
  readonly #counts: Record<string, number> = {};
  readonly #running = new Map<string, Running>();
  readonly #sessions = new Map<string, LiveSession>();
  /** Tests that are red so far, and how often they were. */
  readonly #red = new Map<string, { outcome: Outcome; times: number; message: string }>();
  #firstTest: number | null = null;
  readonly #uncollected = new Set<string>();
  /** Not all that is collected is run. */
  #isPlanned = false;
  /** Seconds that the tests which are done took before. */
  #expectedDone = 0;
  readonly #expectedAll: number;

  constructor(private readonly options: LiveOptions) {
    this.#expectedAll = [...options.durations.values()].reduce((sum, seconds) => sum + seconds, 0);
  }

  /** Takes one more event; returns what is worth a line. */
  add(event: PytestEvent): readonly Note[] {
    this.began ??= event.time;
    const session = event.session ?? "";
    switch (event.event) {
      case "session-begin":
        this.#sessions.set(session, { name: session, purpose: event.purpose, pid: null, collecting: true });
        return [];
      case "session-start":
        this.#sessions.set(session, { purpose: "tests", ...this.#sessions.get(session), name: session, pid: event.pid, collecting: true });
        return [];
      case "collected": {
        const known = this.#sessions.get(session);
        if (known) this.#sessions.set(session, { ...known, collecting: false });
        if (!this.#isPlanned) this.collected = Math.max(this.collected ?? 0, event.count);
        return [];
      }
      case "planned":
        this.#isPlanned = true;
        this.collected = event.tests;
        return [];
      case "collection-error": {
        // Each pytest that collects tells it.
        if (this.#uncollected.has(event.id)) return [];
        this.#uncollected.add(event.id);
        this.#count("error", 1);
        return [{ kind: "failed", id: event.id, outcome: "error", failure: failureOf(event, "collection"), seconds: null, attempt: 1 }];
      }
      case "test-start":
        this.#firstTest ??= event.time;
        this.#running.set(key(session, event.id), this.#start(event.id, session, event.time));
        return [];
      case "report":
        return this.#report(event, session);
      case "timeout":
      case "crash": {
        const failure = failureOf(event, "call");
        const running = this.#running.get(key(session, event.id)) ?? this.#start(event.id, session, event.time - event.seconds);
        const attempt = this.#attempt(event.id);
        this.#end({ ...running, outcome: event.event, failure });
        return [{ kind: "failed", id: event.id, outcome: event.event, failure, seconds: event.seconds, attempt }];
      }
      case "terminating":
        return [{ kind: "terminating", id: event.id, seconds: event.seconds, limit: event.limit }];
      case "leak":
        this.leaks++;
        return [{ kind: "leak", id: event.id, processes: event.processes }];
      case "interrupted":
        return event.message === "" ? [] : [{ kind: "trouble", text: `pytest was interrupted: ${event.message}` }];
      case "internal-error":
        return [{ kind: "trouble", text: `pytest has an internal error: ${event.message}` }];
      case "session-finish":
        this.#sessions.delete(session);
        for (const [name, running] of this.#running) if (running.session === session) this.#running.delete(name);
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
    const of = (name: string) => this.#counts[name] ?? 0;
    const failed = of("failed") + of("timeout") + of("crash");
    return { passed: of("passed"), failed, skipped: of("skipped"), errors: of("error"), xfailed: of("xfailed"), xpassed: of("xpassed") };
  }

  /** What runs, the longest first. */
  get running(): readonly RunningTest[] {
    return [...this.#running.values()].sort((a, b) => a.since - b.since);
  }

  /** The pytests that have not ended. */
  get sessions(): readonly LiveSession[] {
    return [...this.#sessions.values()];
  }

  /** Seconds that the rest is going to take, judged by what the tests took before and by the pace of this run; null when that is not known. */
  remaining(now: number): number | null {
    const known = this.options.durations.size;
    if (known === 0 || this.collected === null || this.#firstTest === null) return null;
    // Which tests are chosen is not known here: as many as before are taken for the same ones, fewer for ordinary ones.
    const expected = this.#expectedAll * this.collected / known;
    const pace = this.#expectedDone >= PACE_SECONDS ? (now - this.#firstTest) / this.#expectedDone : 1;
    return Math.max(0, expected - this.#expectedDone) * pace;
  }

  #report(event: Extract<PytestEvent, { event: "report" }>, session: string): readonly Note[] {
    const name = key(session, event.id);
    const running = this.#running.get(name) ?? this.#start(event.id, session, event.time - event.seconds);
    this.#running.set(name, running);
    const outcome = outcomeOf(event);
    if (outcome !== null && !RED.has(running.outcome)) running.outcome = outcome;
    const notes: Note[] = [];
    if (event.outcome === "failed") {
      const failure = failureOf(event, event.phase);
      running.failure ??= failure;
      const red = event.phase === "call" ? "failed" : "error";
      notes.push({ kind: "failed", id: event.id, outcome: red, failure, seconds: event.seconds, attempt: this.#attempt(event.id) });
    }
    if (event.phase !== "teardown") return notes;
    const before = this.#red.get(event.id);
    this.#end(running);
    if (before && !RED.has(running.outcome)) {
      this.flaky++;
      const attempt = before.times + 1;
      notes.push({ kind: "flaky", id: event.id, attempt, tries: Math.max(attempt, this.options.tries), message: before.message });
    }
    return notes;
  }

  #start(id: string, session: string, since: number): Running {
    return { id, session, since, outcome: "passed", failure: null, slowAt: this.options.slow };
  }

  #attempt(id: string): number {
    return (this.#red.get(id)?.times ?? 0) + 1;
  }

  #end({ id, session, outcome, failure }: Running): void {
    this.#running.delete(key(session, id));
    const before = this.#red.get(id);
    if (before) this.#count(before.outcome, -1);
    else {
      this.done++;
      this.#expectedDone += this.options.durations.get(id) ?? 0;
    }
    this.#count(outcome, 1);
    if (RED.has(outcome)) this.#red.set(id, { outcome, times: (before?.times ?? 0) + 1, message: failure?.message ?? "" });
    else this.#red.delete(id);
  }

  #count(outcome: Outcome, by: number): void {
    this.#counts[outcome] = (this.#counts[outcome] ?? 0) + by;
  }
}

function key(session: string, id: string): string {
  return `${session}\n${id}`;
}
