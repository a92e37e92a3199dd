import type { PytestEvent } from "../../pytest/events.ts";
import { RED, type TestResult } from "../../pytest/results.ts";
import type { RunModel } from "../../pytest/run_model.ts";
import type { Cut } from "../../pytest/run_exit_code.ts";
import type { Interruption } from "../../pytest/session_model.ts";
import type { Group } from "../../pytest/work.ts";
import type { Host } from "../../system/host.ts";
import type { RunPolicy } from "./engine_request.ts";

/** Events that show that a run is not stuck: something has finished, or a session has begun. */
const SIGNS_OF_LIFE: ReadonlySet<PytestEvent["event"]> = new Set([
  "session-begin",
  "session-start",
  "collected",
  "collection-error",
  "report",
  "fixture",
]);

/** The progress of a run, and what prevents it from continuing. */
export class RunProgress {
  /** What ended the run early. */
  cut: Cut | null;
  /** What interrupted a pytest: then no more sessions start, as if there were only one. */
  interrupted: Interruption | null = null;
  /** The test whose time limit or crash stopped the run. */
  stoppedAt: string | null = null;
  /** A test that was ended while others ran: it stops the run unless it passes alone. */
  suspect: string | null = null;
  /** An error that ends the run. */
  failure: { readonly error: unknown } | null = null;
  /** A full disk prevents further sessions. */
  diskFailed = false;
  /** The tests to run, in order; null until they are known. */
  groups: readonly Group[] | null = null;
  #lastSignOfLife: number;
  /** 0: no limit. pytest itself reports it when a session starts. */
  #maxFail: number;

  constructor(
    private readonly host: Host,
    readonly run: RunModel,
    policy: Pick<RunPolicy, "cut" | "exitFirst">,
  ) {
    this.cut = policy.cut;
    this.#maxFail = policy.exitFirst ? 1 : 0;
    this.#lastSignOfLife = host.clock.monotonic();
  }

  /** Takes one more event of the run. */
  add(event: PytestEvent): void {
    if (SIGNS_OF_LIFE.has(event.event)) this.#lastSignOfLife = this.host.clock.monotonic();
    if (event.event === "session-start") this.#maxFail = event.maxfail ?? this.#maxFail;
  }

  /** Seconds since something has finished. */
  get idleSeconds(): number {
    return (this.host.clock.monotonic() - this.#lastSignOfLife) / 1000;
  }

  /** Whether nothing has stopped the run. */
  get mayContinue(): boolean {
    return this.cut === null && this.stoppedAt === null && this.failure === null &&
      this.interrupted === null;
  }

  /** Whether as many tests have failed as pytest's `--maxfail` allows. */
  get reachedMaxFail(): boolean {
    return this.#maxFail > 0 && this.failed.length >= this.#maxFail;
  }

  /** Whether failed tests keep others from starting, unless they pass when run again. */
  get isStoppedByTests(): boolean {
    return this.reachedMaxFail || this.suspect !== null;
  }

  get failed(): TestResult[] {
    return [...this.run.tests.values()].filter((test) =>
      test.attempts.length > 0 && RED.has(test.outcome)
    );
  }

  /** The tests to run, once known. */
  get planned(): readonly string[] {
    return this.groups?.flat() ?? [];
  }

  /** How many tests have yet to run. */
  get unfinished(): number {
    const planned = this.groups === null ? this.run.collected ?? 0 : this.planned.length;
    return planned - this.run.done;
  }

  /** Planned tests that never ran although nothing stopped the run. */
  get missed(): string[] {
    const isStopped = this.reachedMaxFail || this.run.collectionErrors.length > 0;
    if (isStopped || !this.mayContinue) return [];
    return this.planned.filter((id) => !this.run.hasEnded(id));
  }

  /** Whether a test limit stopped the run. */
  get wasStoppedByTestLimit(): boolean {
    return this.stoppedAt !== null &&
      this.run.tests.get(this.stoppedAt)?.attempts.at(-1)?.ended === "timeout";
  }

  /** Throws the error that ended the run, if any. */
  throwFailure(): void {
    if (this.failure !== null) throw this.failure.error;
  }
}
