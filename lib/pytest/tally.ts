import type { PytestEvent } from "./events.ts";
import { Results } from "./results.ts";
import type { Counts, FailedReport } from "./verdict.ts";

/**
 * What is known of a session beside its tests, or of all sessions of a run, from the events so far.
 */
export class SessionFacts {
  /** Tests to run; null before collection ended. */
  collected: number | null = null;
  deselected = 0;
  warnings = 0;
  /**
   * Tests that began and did not end, with the time at which they began, in seconds since the
   * epoch.
   */
  readonly running = new Map<string, number>();
  /** The test that left a child of pytest behind, by the pid under which pytest knows it. */
  readonly leftBy = new Map<number, string>();
  /** The test that began last. */
  latest: string | null = null;
  /** The process that runs the session; null before it began. */
  pid: number | null = null;
  /** pytest's exit status as the session itself gave it; null if it did not get that far. */
  exitStatus: number | null = null;
  /** pytest's cache directory; null while that is unknown, or when there is none. */
  cache: string | null = null;
  interrupted = false;
  /** Ids that were there, where pytest did not find one that it was given. */
  offered: readonly string[] = [];
  /**
   * Reports and collections that failed, and how many pytest counts as failed; null where it does
   * not say.
   */
  failed = 0;
  countedFailed: number | null = null;

  /** Takes one more event. */
  add(event: PytestEvent): void {
    switch (event.event) {
      case "session-start":
        this.pid = event.pid;
        this.exitStatus = null;
        this.cache = event.cache ?? null;
        break;
      case "collected":
        this.collected = Math.max(this.collected ?? 0, event.count);
        this.deselected = Math.max(this.deselected, event.deselected);
        break;
      case "collection-error":
        this.failed++;
        break;
      case "test-start":
        this.running.set(event.id, event.time);
        this.latest = event.id;
        break;
      case "report":
        if (event.outcome === "failed") this.failed++;
        if (event.phase === "teardown") this.running.delete(event.id);
        break;
      case "timeout":
      case "crash":
        this.running.delete(event.id);
        break;
      case "children":
        for (const pid of event.pids) this.leftBy.set(pid, event.id);
        break;
      case "interrupted":
        this.interrupted = true;
        break;
      case "session-finish":
        this.exitStatus = event.exitStatus;
        this.countedFailed = event.failed ?? null;
        this.offered = event.offered ?? this.offered;
        this.warnings += event.warnings;
        break;
    }
  }

  /** Whether what failed in a session is all that pytest counts as failed in it. */
  get hasFailures(): boolean {
    return this.failed > 0 && (this.countedFailed === null || this.countedFailed <= this.failed);
  }
}

/** What is known of a whole run: its sessions, and its results, from which all counts are taken. */
export class Tally extends SessionFacts {
  readonly results = new Results();

  override add(event: PytestEvent): void {
    super.add(event);
    this.results.add(event);
  }

  /** How many tests ended in which way. */
  get counts(): Counts {
    return this.results.counts;
  }

  get failures(): readonly FailedReport[] {
    return this.results.failures;
  }

  /** Tests that ended. */
  get finished(): number {
    return [...this.results.tests.values()].filter((test) => test.finished).length;
  }

  /** Whether pytest told anything at all. */
  get began(): boolean {
    return this.pid !== null || this.results.tests.size > 0 ||
      this.results.collectionErrors.length > 0;
  }
}
