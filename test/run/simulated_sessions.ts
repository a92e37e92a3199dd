import { blocksOf } from "../../lib/run/blocks.ts";
import { expectation } from "../../lib/run/schedule.ts";
import { groupsOf, type Item } from "../../lib/pytest/work.ts";

/** A suite whose durations are known, in milliseconds by the places of the tests. */
export interface TimedSuite {
  readonly items: readonly Item[];
  /** How many sessions share the tests. */
  readonly jobs: number;
  /** What each test takes. */
  readonly takes: readonly number[];
  /** What a session needs for the fixture of the test's group, unless it has just used it. */
  readonly prepares: readonly number[];
  /** Seconds by older runs, as far as there were any. */
  readonly recorded: ReadonlyMap<string, number>;
}

/** From the first group to before the second. */
export type Span = readonly [start: number, end: number];

/** Sessions that run tests, each at its own time. */
class Sessions {
  /** When each has finished its tests so far. */
  readonly free: number[];
  readonly #latest: (string | null)[];

  constructor(private readonly suite: TimedSuite) {
    this.free = Array.from({ length: suite.jobs }, () => 0);
    this.#latest = this.free.map(() => null);
  }

  /** Runs a test, and returns what it took. */
  run(session: number, place: number): number {
    const { items, takes, prepares } = this.suite;
    const { group } = items[place]!;
    const ms = takes[place]! + (this.#latest[session] === group ? 0 : prepares[place]!);
    this.#latest[session] = group;
    this.free[session]! += ms;
    return ms;
  }

  /** The first of these sessions that is free. */
  next(among: Iterable<number>): number | undefined {
    return [...among].toSorted((one, other) => this.free[one]! - this.free[other]!)[0];
  }

  get end(): number {
    return Math.max(...this.free);
  }
}

/** When the last session ends under tractest. */
export function tractestEnd(suite: TimedSuite): number {
  const { items, jobs, recorded } = suite;
  const expected = expectation(items.map(({ id }) => id), (id) => recorded.get(id));
  const parts = { items, expected, jobs, asCollected: true, arrange: null };
  const blocks = blocksOf(groupsOf(items), parts);
  const groups = blocks.flatMap((block) => block.groups);
  const ms = blocks.flatMap((block) => block.ms);
  const placeOf = new Map(items.map(({ id }, place) => [id, place]));
  const sessions = new Sessions(suite);
  const working = new Set(sessions.free.keys());
  const rests = new Map<number, Span>();
  let [taken, at] = [0, 0];
  for (let session; (session = sessions.next(working)) !== undefined;) {
    if (!rests.has(session)) {
      const block = blocks[taken++];
      if (block !== undefined) rests.set(session, [at, at += block.groups.length]);
      else if (!divide(rests, session, ms)) working.delete(session);
    }
    const [start, end] = rests.get(session) ?? [0, 0];
    if (start + 1 < end) rests.set(session, [start + 1, end]);
    else rests.delete(session);
    if (start < end) { for (const id of groups[start]!) sessions.run(session, placeOf.get(id)!); }
  }
  return sessions.end;
}

/**
 * Gives an idle session the second half of the longest rest, as the plugin does where no fixtures
 * of the session are shared. False if no rests are left.
 */
export function divide(rests: Map<number, Span>, idle: number, ms: readonly number[]): boolean {
  const lasts = ([start, end]: Span) => ms.slice(start, end).reduce((sum, one) => sum + one, 0);
  const [longest] = [...rests].toSorted(([, one], [, other]) => lasts(other) - lasts(one));
  if (longest === undefined) return false;
  const [name, [start, end]] = longest;
  const half = lasts([start, end]) / 2;
  let [at, later, nearest] = [start, 0, Infinity];
  for (let index = end - 1; index > start; index--) {
    later += ms[index]!;
    if (Math.abs(later - half) <= nearest) [at, nearest] = [index, Math.abs(later - half)];
  }
  rests.delete(name);
  if (at > start) rests.set(name, [start, at]);
  rests.set(idle, [at, end]);
  return true;
}

/**
 * When the last session ends under pytest-xdist's `load`: each worker gets a fourth of its share
 * at first, and more when it has little left, at least two tests: it begins one only when it knows
 * the next one, or that there is none.
 */
export function xdistEnd(suite: TimedSuite): number {
  const { items, jobs } = suite;
  const sessions = new Sessions(suite);
  // What each has got: the first one is running, if it has begun.
  const queues: number[][] = sessions.free.map(() => []);
  const running = new Map<number, number>();
  const closed = new Set<number>();
  let next = 0;
  const share = () => Math.floor((items.length - next) / jobs);
  const send = (worker: number, count: number) => {
    for (; count > 0 && next < items.length; count--) queues[worker]!.push(next++);
  };
  const begin = (now: number) => {
    const isLast = next === items.length && queues.every(({ length }) => length < 2);
    for (const [worker, queue] of queues.entries()) {
      if (isLast) closed.add(worker);
      if (running.has(worker) || queue.length < (closed.has(worker) ? 1 : 2)) continue;
      sessions.free[worker] = Math.max(sessions.free[worker]!, now);
      running.set(worker, sessions.run(worker, queue[0]!));
    }
  };
  const first = items.length < 2 * jobs ? 1 : Math.max(2, Math.floor(share() / 4));
  for (const worker of [...queues.keys(), ...queues.keys()]) {
    if (first === 1 || queues[worker]!.length === 0) send(worker, first);
  }
  begin(0);
  for (let worker; (worker = sessions.next(running.keys())) !== undefined;) {
    const ms = running.get(worker)!;
    running.delete(worker);
    queues[worker]!.shift();
    const has = queues[worker]!.length;
    const [least, most] = [4, 2].map((part) => Math.max(2, Math.floor(share() / part)));
    if (next === items.length) closed.add(worker);
    else if (has < least! && (ms < 100 || has < 2)) send(worker, most! - has);
    begin(sessions.free[worker]!);
  }
  return sessions.end;
}
