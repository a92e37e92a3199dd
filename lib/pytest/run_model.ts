import { Counter, type Counts } from "./counts.ts";
import type { EventOf, LeftBehind, PytestEvent } from "./events.ts";
import { type Failure, failureOf } from "./failure.ts";
import { type Attempt, AttemptModel, RED, ResultModel, type TestResult } from "./results.ts";
import { SessionModel } from "./session_model.ts";
import type { Group } from "./work.ts";

/** A test that has begun and not ended. */
export interface RunningTest {
  readonly id: string;
  readonly session: string;
  /** Seconds since the epoch. */
  readonly since: number;
  /** The run, or its pytest, has ended since. */
  readonly wasCut: boolean;
  /** It has ended in another session before. */
  readonly isRetry: boolean;
}

/** Events about tests. */
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

/** Tests of one id that run at once in one session, at most: one per worker of pytest-xdist. */
const MOST_AT_ONCE = 64;

/** Separates an id from the number of its test; occurs in no id of pytest's. */
const SECOND = "\0";

const NONE: readonly never[] = [];

/**
 * One run of the tests, built up from the events of all of its sessions. It takes each event once,
 * in whatever order and however many; the live view, the verdict and all reports ask it, so that
 * they agree. A test that runs again in another session gets another attempt; a second one of its
 * id in the same session is another test. Times in seconds since the epoch.
 */
export class RunModel {
  /** The tests in the order in which they began, by id; further ones of an id by longer keys. */
  readonly tests: ReadonlyMap<string, TestResult>;
  /** The sessions in the order of their first events, by name. */
  readonly sessions: ReadonlyMap<string, SessionModel>;
  /** Files or directories that could not be collected. */
  readonly collectionErrors: Failure[] = [];
  /** Files or directories that were skipped as a whole, with the reasons. */
  readonly collectionSkips: { readonly id: string; readonly reason: string }[] = [];
  /** Errors of pytest itself, or of a plugin, each once. */
  readonly internalErrors: string[] = [];
  /** What tests recorded about the whole suite. */
  readonly properties: (readonly [string, string])[] = [];
  /** Processes that were left behind by an unknown test. */
  readonly leaked: LeftBehind[] = [];
  /** Processes that outlived an unknown test, and were gone when pytest had ended. */
  readonly left: LeftBehind[] = [];
  /** How often leaks were reported. */
  leaks = 0;
  /** The event `run-start`; null before. */
  started: EventOf<"run-start"> | null = null;
  /** The event `run-finish`; null for a run that is under way or was killed. */
  ended: EventOf<"run-finish"> | null = null;
  /** Times of the first and the latest event; null before. */
  first: number | null = null;
  latest: number | null = null;
  /** When the first test began; null before. */
  firstTest: number | null = null;
  /** How many tests pytest collected; null before collection ended. */
  collected: number | null = null;
  deselected = 0;
  warnings = 0;
  /** How many tests have ended at least once. */
  done = 0;
  /** The pid of the latest session, and its cache directory; null where unknown or none. */
  pid: number | null = null;
  cache: string | null = null;
  /** Where that session was started, relative to its rootdir; empty if that was there. */
  place = "";
  /** The exit status that a session reported last; null since another one began. */
  exitStatus: number | null = null;
  /** Ids that exist, where pytest did not find one that it was given. */
  offered: readonly string[] = [];
  /** Ids of the tests that were only collected, in pytest's order. */
  readonly listed: string[] = [];
  /** How many events were about tests: as long as it stays, the results do. */
  revision = 0;

  readonly #tests = new Map<string, ResultModel>();
  readonly #sessions = new Map<string, SessionModel>();
  readonly #counter = new Counter();
  /** Tests whose last attempt has not ended. */
  readonly #underWay = new Set<ResultModel>();
  readonly #flaky = new Set<ResultModel>();
  /** How many tests of each id will run, as reported by the first session. */
  readonly #toRun = new Map<string, { readonly session: string; times: number }>();
  readonly #collections = new Map<string, number>();

  constructor() {
    [this.tests, this.sessions] = [this.#tests, this.#sessions];
  }

  /** Takes one event. Returns the test whose result it changes, or null. */
  apply(event: PytestEvent): TestResult | null {
    const session = event.session ?? "";
    this.first ??= event.time;
    this.latest = event.time;
    if (ABOUT_TESTS.has(event.event)) this.revision++;
    this.#session(session, event.time).apply(event);
    switch (event.event) {
      case "test-start": {
        const result = this.#next(event.id, session);
        result.file = event.file ?? null;
        result.line = event.line ?? null;
        this.firstTest ??= event.time;
        return this.#begin(result, new AttemptModel(session, event.time));
      }
      case "report":
      case "timeout":
      case "crash":
      case "cut": {
        const [result, attempt] = this.#attempt(event, session);
        if (event.event === "report") attempt.report(event);
        else if (event.event === "cut") attempt.cutShort(event);
        else attempt.end(event);
        return this.#settle(result);
      }
      case "terminating":
        if (this.#tests.has(event.id)) this.#attempt(event, session)[1].isAtLimit = true;
        return null;
      case "leak":
      case "left":
        return this.#takeLeft(event);
      default:
        this.#takeFact(event);
        return null;
    }
  }

  /** Tests that have a result, in the order in which they began. */
  get finished(): TestResult[] {
    return this.#select((test) => test.finished || RED.has(test.outcome));
  }

  /** Tests that have begun, in that order. */
  get begun(): TestResult[] {
    return this.#select((test) => test.attempts.length > 0);
  }

  /** Tests that began and did not end, the longest first. */
  get running(): RunningTest[] {
    return [...this.#underWay].map(({ id, last, tallied }) => ({
      id,
      session: last!.session,
      since: last!.began,
      wasCut: last!.cut !== null,
      isRetry: tallied !== null,
    })).sort((one, other) => one.since - other.since);
  }

  /** How many tests failed and then passed. */
  get flaky(): number {
    return this.#flaky.size;
  }

  /** How many tests ended in which way, by pytest's rules. */
  get counts(): Counts {
    const under = [...this.#underWay];
    const settled = under.flatMap((test) => test.tallied ?? NONE);
    const open = under.flatMap((test) => test.last!.counted);
    this.#counter.replace(settled, open);
    const counts = this.#counter.counts(this.notRun.length);
    this.#counter.replace(open, settled);
    return counts;
  }

  /** The same while the run is under way: a test counts when it ends, and none as not run. */
  get countsSoFar(): Counts {
    return this.#counter.counts(0);
  }

  /** All failures that remain: of collections, then of tests in the order in which they began. */
  get failures(): Failure[] {
    return [...this.collectionErrors, ...this.#select(() => true).flatMap((test) => test.failures)];
  }

  /** Ids of the tests that were to run, or had begun, and have no result; each once per test. */
  get notRun(): string[] {
    const ids: string[] = [];
    for (const [id, { times }] of this.#toRun) {
      for (let number = 1; number <= times; number++) {
        if (this.#tests.get(keyOf(id, number))?.hasResult !== true) ids.push(id);
      }
    }
    for (const test of this.#underWay) {
      if (!test.hasResult && !this.#isExpected(test)) ids.push(test.id);
    }
    return ids;
  }

  /** Whether anything was reported of pytest at all. */
  get began(): boolean {
    return this.pid !== null || this.#tests.size > 0 || this.collectionErrors.length > 0;
  }

  /** Whether a test or a collection is red. */
  get isRed(): boolean {
    return this.collectionErrors.length > 0 ||
      this.#tests.values().some((test) => RED.has(test.outcome));
  }

  /** Whether several tests have this id. */
  isRepeated(id: string): boolean {
    return this.#tests.has(keyOf(id, 2)) || (this.#toRun.get(id)?.times ?? 0) > 1;
  }

  /** Whether a test has ended in any session. */
  hasEnded(id: string): boolean {
    return this.#tests.get(id)?.attempts.some(({ finished }) => finished) ?? false;
  }

  /** The tests of a group that have not ended. */
  restOf(group: Group): Group {
    return group.filter((id) => !this.hasEnded(id));
  }

  /** The tests that a session claimed from a queue and that have not ended. */
  leftoverOf(session: string, groupAt: (index: number) => Group): Group[] {
    const claimed = this.#sessions.get(session)?.claimed ?? NONE;
    return claimed.map((index) => this.restOf(groupAt(index))).filter((group) => group.length > 0);
  }

  /** The session of a name, as far as events have come. */
  session(name: string): SessionModel {
    return this.#sessions.get(name) ?? new SessionModel(name, 0);
  }

  /**
   * Whether another pytest ran during an attempt. Only shards run at the same time, and while the
   * last of them do, the next session may start; events of other sessions may merely come late.
   */
  ranBesideOthers({ session, began, seconds }: Attempt): boolean {
    const own = this.#sessions.get(session);
    return own?.purpose === "shard" &&
      this.#sessions.values().some((other) =>
        other !== own && other.purpose !== null && other.wasBusy(began, began + seconds)
      );
  }

  /** Whether a test failed only while other pytests ran, and then passed alone. */
  isContended(test: TestResult): boolean {
    return test.flaky &&
      test.attempts.every((one) => RED.has(one.outcome) === this.ranBesideOthers(one));
  }

  /** Takes an event that is not about a test. */
  #takeFact(event: PytestEvent): void {
    switch (event.event) {
      case "run-start":
        this.started = event;
        break;
      case "run-finish":
        this.ended = event;
        break;
      case "session-start":
        this.pid = event.pid;
        this.cache = event.cache ?? null;
        this.place = event.place ?? "";
        this.exitStatus = null;
        break;
      case "session-finish":
        this.exitStatus = event.exitStatus;
        this.warnings += event.warnings;
        this.offered = event.offered ?? this.offered;
        break;
      case "collected":
        this.collected = Math.max(this.collected ?? 0, event.count);
        this.deselected = Math.max(this.deselected, event.deselected);
        break;
      case "collection-error":
        if (!this.#isNew(event, this.collectionErrors)) break;
        this.collectionErrors.push(failureOf(event, "collection"));
        this.#counter.replace(NONE, ["error"]);
        break;
      case "collection-skip":
        if (!this.#isNew(event, this.collectionSkips)) break;
        this.collectionSkips.push({ id: event.id, reason: event.message });
        this.#counter.replace(NONE, ["skipped"]);
        break;
      case "internal-error":
        if (!this.internalErrors.includes(event.message)) this.internalErrors.push(event.message);
        break;
      case "suite-property": {
        const { name, value } = event;
        if (!this.properties.some((one) => one[0] === name && one[1] === value)) {
          this.properties.push([name, value]);
        }
        break;
      }
      case "listed":
        this.listed.push(...event.ids);
        break;
      case "tests":
        for (const id of event.ids) this.#expect(id, event.session ?? "");
        break;
    }
  }

  #takeLeft({ event, id, processes }: EventOf<"leak" | "left">): TestResult | null {
    if (event === "leak") this.leaks++;
    const result = id === null ? null : this.#latest(id);
    if (event === "leak" && result === null) this.leaked.push(...processes);
    else if (event === "leak") result!.leaked = [...result!.leaked, ...processes];
    else if (result === null) this.left.push(...processes);
    else result.left = [...result.left, ...processes];
    return result;
  }

  #begin(result: ResultModel, attempt: AttemptModel): ResultModel {
    result.attempts.push(attempt);
    this.#underWay.add(result);
    this.#flaky.delete(result);
    return result;
  }

  /** Counts a test by its last attempt once that has ended. */
  #settle(result: ResultModel): ResultModel {
    const { last, tallied } = result;
    if (!last!.finished) return result;
    this.#underWay.delete(result);
    if (tallied === null) this.done++;
    if (result.flaky) this.#flaky.add(result);
    else this.#flaky.delete(result);
    if (last!.counted !== tallied) this.#counter.replace(tallied ?? NONE, last!.counted);
    result.tallied = last!.counted;
    return result;
  }

  #select(isWanted: (test: TestResult) => boolean): TestResult[] {
    return [...this.#tests.values().filter(isWanted)];
  }

  #isExpected(test: ResultModel): boolean {
    const times = this.#toRun.get(test.id)?.times ?? 0;
    for (let number = 1; number <= times; number++) {
      if (this.#tests.get(keyOf(test.id, number)) === test) return true;
    }
    return false;
  }

  /**
   * Whether a collection that failed or was skipped is one more of its id. Other sessions report
   * the same ones again, but one session may have several: the module and the doctests of a file.
   */
  #isNew(
    { event, id, session }: EventOf<"collection-error" | "collection-skip">,
    known: readonly { readonly id: string }[],
  ): boolean {
    const key = JSON.stringify([session, event, id]);
    const times = (this.#collections.get(key) ?? 0) + 1;
    this.#collections.set(key, times);
    return times > known.filter((one) => one.id === id).length;
  }

  #expect(id: string, session: string): void {
    const known = this.#toRun.get(id);
    if (known === undefined) this.#toRun.set(id, { session, times: 1 });
    else if (known.session === session) known.times++;
  }

  /** The test of an id that begins next in a session: the first that has not run in it. */
  #next(id: string, session: string): ResultModel {
    const first = this.#result(id, 1);
    if (!first.attempts.some((attempt) => attempt.session === session)) return first;
    const number = first.numberIn(session) + 1;
    first.further ??= new Map();
    first.further.set(session, number);
    return this.#result(id, number);
  }

  /** What an event is about: the last unfinished attempt in its session, else the last one. */
  #attempt(
    { id, time }: { readonly id: string; readonly time: number },
    session: string,
  ): [ResultModel, AttemptModel] {
    const latest = this.#tests.get(id)?.numberIn(session) ?? 1;
    let last: [ResultModel, AttemptModel] | undefined;
    for (let number = latest; number > Math.max(0, latest - MOST_AT_ONCE); number--) {
      const result = this.#tests.get(keyOf(id, number));
      const attempt = result?.attempts.findLast((one) => one.session === session);
      if (attempt === undefined) continue;
      if (!attempt.finished) return [result!, attempt];
      last ??= [result!, attempt];
    }
    if (last !== undefined) return last;
    const [result, attempt] = [this.#next(id, session), new AttemptModel(session, time)];
    this.#begin(result, attempt);
    return [result, attempt];
  }

  /** The test of an id that began last. */
  #latest(id: string): ResultModel {
    const further = this.#tests.get(id)?.further?.values() ?? NONE;
    return this.#result(id, Math.max(1, ...further));
  }

  #result(id: string, number: number): ResultModel {
    const key = keyOf(id, number);
    let result = this.#tests.get(key);
    if (result === undefined) this.#tests.set(key, result = new ResultModel(id));
    return result;
  }

  #session(name: string, time: number): SessionModel {
    let session = this.#sessions.get(name);
    if (session === undefined) this.#sessions.set(name, session = new SessionModel(name, time));
    return session;
  }
}

function keyOf(id: string, number: number): string {
  return number === 1 ? id : `${id}${SECOND}${number}`;
}
