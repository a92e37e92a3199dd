import { isOwnFailure } from "../../pytest/failure.ts";
import { alike, failedAgain, needsOtherMachine } from "../rules_cause.ts";
import { RED, type TestResult } from "../../pytest/results.ts";
import type { RunModel } from "../../pytest/run_model.ts";
import type { Printer } from "../../terminal/printer.ts";
import type { EngineRequest } from "./engine_request.ts";
import type { RunProgress } from "./run_progress.ts";
import { type NotRetried, say } from "./show.ts";
import { Standby, type StandbyParts } from "./standby.ts";

/** More failures than this are not flaky tests, so none of them runs again. */
const MOST_RETRIED = 50;

/**
 * Runs failed tests again. Those that failed while other sessions ran first get one more attempt
 * alone, together in one session; of many with one cause the others only if the first one does not
 * fail again. Each retry that was asked for has a session of its own.
 */
export class Retries {
  readonly #retried = new Set<string>();
  #standby: Standby | null = null;

  constructor(
    private readonly printer: Printer,
    private readonly request: Pick<EngineRequest, "plan" | "policy">,
    private readonly progress: RunProgress,
    private readonly parts: StandbyParts,
  ) {}

  /**
   * Starts the pytest that will run the failed tests again, while other sessions still run their
   * last tests. Which of those will fail is not known, so it collects them, too.
   *
   * @param rest the tests that have not ended
   * @param shard the number of a shard that has run its tests
   */
  prepare(rest: readonly string[], shard: number): void {
    const { contended } = this.#failures();
    if (this.#standby !== null || contended.length === 0) return;
    const tests = [...contended.map(({ id }) => id), ...rest];
    this.#standby = new Standby(this.parts, { purpose: "retry", tests }, shard);
  }

  /** Runs the tests again that have failed since the last call. */
  async run(): Promise<void> {
    try {
      await this.#run();
    } finally {
      await this.#standby?.end();
      this.#standby = null;
    }
  }

  async #run(): Promise<void> {
    const { jobs } = this.request.plan;
    const { shared, offline, failed, contended } = this.#failures();
    this.#skip(shared.filter((test) => jobs > 1 || this.#isAsked(test)), "fixture");
    this.#skip(offline, "offline");
    if ((!failed.some(this.#isAsked) && contended.length === 0) || !this.#mayRun) return;
    for (const { id } of failed) this.#retried.add(id);
    if (failed.length > MOST_RETRIED) return await this.#tryOne(failed.length, contended);
    await this.#tryAlone(contended);
    for (const test of failed) {
      const left = this.#retriesOf(test.id) - (contended.includes(test) ? 1 : 0);
      for (let attempt = 0; attempt < left && RED.has(test.outcome) && this.#mayRun; attempt++) {
        await this.#again([test]);
      }
    }
  }

  /**
   * The failures since the last retries: those that may be of a fixture that tests share, or of the
   * isolation, and all others; of these the ones that ran at the same time as other tests.
   */
  #failures(): Readonly<Record<"shared" | "offline" | "failed" | "contended", TestResult[]>> {
    const { progress: { run, failed: all }, request: { plan: { jobs } } } = this;
    const untried = all.filter(({ id }) => !this.#retried.has(id));
    const own = untried.filter((test) => canPassAlone(test, run));
    const offline = own.filter((test) => jobs > 1 && !this.#isAsked(test) && this.#isOffline(test));
    const failed = own.filter((test) => !offline.includes(test));
    return {
      shared: untried.filter((test) => !own.includes(test)),
      offline,
      failed,
      contended: jobs > 1
        ? failed.filter(({ attempts }) => run.ranBesideOthers(attempts.at(-1)!))
        : [],
    };
  }

  #retriesOf(id: string): number {
    const { retriesOf, retries } = this.request.policy;
    return retriesOf?.(id) ?? retries;
  }

  readonly #isAsked = ({ id }: TestResult): boolean => this.#retriesOf(id) > 0;

  /**
   * Many failures have one cause, which may be the order of the tests or the pytests at the same
   * time. Runs one test alone, to say so if that is it.
   */
  async #tryOne(failures: number, contended: readonly TestResult[]): Promise<void> {
    const tried = contended.length === 0 ? null : typical(contended);
    if (tried !== null) await this.#again([tried]);
    this.printer.note(say.tooManyToRetry(failures, tried));
  }

  /** Runs tests alone, but not those for which another one shows that the cause stays. */
  async #tryAlone(tests: readonly TestResult[]): Promise<void> {
    const groups = alike(tests.filter((test) => !this.#isAsked(test)));
    const waiting = new Set(groups.flatMap(({ others }) => others));
    await this.#again(tests.filter((test) => !waiting.has(test)));
    for (const { first, others } of groups) {
      const wasAlone = !this.progress.run.ranBesideOthers(first.attempts.at(-1)!);
      if (!wasAlone || !failedAgain(first)) continue;
      for (const test of others) waiting.delete(test);
      this.printer.note(say.failsAlone(first.id, others.length));
    }
    if (waiting.size > 0) await this.#again([...waiting]);
  }

  get #mayRun(): boolean {
    return this.progress.mayContinue && !this.progress.diskFailed;
  }

  #skip(tests: readonly TestResult[], why: NotRetried): void {
    for (const { id } of tests) this.#retried.add(id);
    const named = tests.filter(({ id }) => !this.progress.run.isRepeated(id));
    if (named.length > 0) this.printer.note(say.notRetried(named.map(({ id }) => id), why));
  }

  /** Whether a test failed by the network of its isolation, which no other pytest can change. */
  #isOffline({ attempts }: TestResult): boolean {
    const { session, failures, ended } = attempts.at(-1)!;
    return ended === null && failures.length > 0 && this.parts.sessions.isIsolated(session) &&
      failures.every(needsOtherMachine);
  }

  /** Runs tests once more, those apart that run isolated although others don't. */
  async #again(tests: readonly TestResult[]): Promise<void> {
    for (const isIsolated of [false, true]) {
      const own = tests.filter(({ id }) => this.parts.distributor.runsIsolated(id) === isIsolated);
      await this.#againIn(own, isIsolated);
    }
  }

  /** Runs tests once more. If one of them ends the session, the others get another session. */
  async #againIn(tests: readonly TestResult[], isIsolated: boolean): Promise<void> {
    const { distributor, sessions } = this.parts;
    const before = new Map(tests.map((test) => [test, test.attempts.length]));
    const untried = () => tests.filter((test) => test.attempts.length === before.get(test));
    const ids = () => untried().map(({ id }) => id);
    if (!isIsolated) await this.#runInStandby(ids());
    for (let rest = ids(); rest.length > 0 && this.#mayRun;) {
      const queue = await distributor.queueOf(rest.map((id) => [id]));
      if (queue === null) return;
      await sessions.run({ purpose: "retry", tests: rest, isIsolated }, queue, 1);
      const tried = rest.length;
      rest = ids();
      if (rest.length === tried) return;
    }
  }

  /** Runs what a standby has collected of these tests. */
  async #runInStandby(ids: readonly string[]): Promise<void> {
    const standby = this.#standby;
    const known = ids.filter((id) => standby?.knows(id));
    if (standby === null || known.length === 0) return;
    this.#standby = null;
    if (await standby.give(known.map((id) => [id])) !== null) await standby.ended;
  }
}

/** The first of the tests that failed most often in the same place. */
function typical(failed: readonly TestResult[]): TestResult {
  const causes = Map.groupBy(failed, ({ failure }) => failure?.where ?? failure?.message ?? null);
  return [...causes.values()].reduce((most, one) => one.length > most.length ? one : most)[0]!;
}

/**
 * Whether a pass when run alone clears a test: not if the fixture that failed has a wider scope,
 * for then the test may not even use it, nor if several tests share its id.
 */
function canPassAlone({ id, attempts }: TestResult, run: RunModel): boolean {
  return attempts.at(-1)!.failures.every(isOwnFailure) && !run.isRepeated(id);
}
