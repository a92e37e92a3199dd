import { Live, type LiveOptions, type Note } from "../../lib/run/live.ts";
import type { PytestEvent } from "../../lib/pytest/events.ts";
import { RunModel } from "../../lib/pytest/run_model.ts";
import { assert, assertEquals } from "../assert.ts";

type Timeless = PytestEvent extends infer Event
  ? Event extends PytestEvent ? Omit<Event, "time"> : never
  : never;

function liveOf(options: LiveOptions): Live {
  return new Live(new RunModel(), options);
}

function take(live: Live, event: PytestEvent): readonly Note[] {
  return live.take(event, live.run.apply(event));
}

/** Takes events, a second apart from 100 on unless they have a time; returns those worth a line. */
function takeAll(live: Live, events: readonly (Timeless & { readonly time?: number })[]): Note[] {
  return events.flatMap((event, index) =>
    take(live, { time: 100 + index, ...event } as PytestEvent)
  );
}

const OPTIONS = { tries: 3, durations: new Map<string, number>() };
const begin = (session = "0"): Timeless => ({
  event: "session-begin",
  session,
  pid: 1,
  purpose: "tests",
});
const collected = (count: number): Timeless => ({
  event: "collected",
  session: "0",
  count,
  deselected: 0,
});
const announced = (...ids: string[]): Timeless => ({ event: "tests", session: "0", ids });
const starts = (id: string, session = "0"): Timeless => ({ event: "test-start", session, id });
const ends = (id: string, category = "passed", session = "0"): Timeless[] => [
  {
    event: "report",
    session,
    id,
    phase: "call",
    outcome: category === "failed" ? "failed" : category === "skipped" ? "skipped" : "passed",
    category,
    seconds: 0.5,
    ...(category === "failed" ? { message: "assert 0" } : {}),
  },
  { event: "report", session, id, phase: "teardown", outcome: "passed", category: "", seconds: 0 },
];
/** The end of a test at a time, after so many seconds. */
const took = (id: string, seconds: number, time: number) =>
  ends(id).map((event) => ({
    ...event,
    time,
    ...(event.event === "report" && event.phase === "call" ? { seconds } : {}),
  }));

Deno.test(
  "the live view counts finished tests, and lists running ones by session, the longest " +
    "first",
  () => {
    const live = liveOf(OPTIONS);
    takeAll(live, [
      begin("0"),
      begin("1"),
      collected(4),
      starts("a"),
      starts("b", "1"),
      ...ends("a"),
      starts("c"),
    ]);
    assertEquals([live.run.done, live.total, live.run.countsSoFar.passed], [1, 4, 1]);
    assertEquals(live.running.map(({ id, session }) => [id, session]), [["b", "1"], ["c", "0"]]);
    takeAll(live, [...ends("b", "skipped", "1"), {
      event: "session-finish",
      session: "1",
      exitStatus: 0,
      warnings: 0,
    }]);
    assertEquals([live.run.done, live.run.countsSoFar.skipped, live.sessions.length], [2, 1, 1]);
  },
);

Deno.test("a failure is reported when its phase ends, not when the test does", () => {
  const live = liveOf(OPTIONS);
  const [report, teardown] = ends("a", "failed");
  const [note] = takeAll(live, [starts("a"), report!]);
  assert(note?.kind === "failed" && note.failure.message === "assert 0");
  assertEquals(live.run.countsSoFar.failed, 0);
  assertEquals(takeAll(live, [teardown!]), []);
  assertEquals(live.run.countsSoFar.failed, 1);
});

Deno.test("a test that passes in the end is flaky and counts once, as passed", () => {
  const live = liveOf(OPTIONS);
  const notes = takeAll(live, [
    starts("a"),
    ...ends("a", "failed"),
    starts("a", "1"),
    ...ends("a", "failed", "1"),
    starts("a", "2"),
    ...ends("a", "passed", "2"),
  ]);
  assertEquals(notes.map((note) => note.kind === "failed" ? note.attempt : note.kind), [
    1,
    2,
    "flaky",
  ]);
  assertEquals(notes.at(-1), { kind: "flaky", id: "a", attempt: 3, tries: 3, message: "assert 0" });
  assertEquals([
    live.run.done,
    live.run.countsSoFar.passed,
    live.run.countsSoFar.failed,
    live.run.flaky,
  ], [1, 1, 0, 1]);
});

Deno.test("what a test reports once it is ended at its limit is named as due to that", () => {
  const live = liveOf(OPTIONS);
  const failed = { ...ends("a", "failed")[0]!, outcome: "failed", message: "E: no" } as Timeless;
  const limit = { session: "0", id: "a", seconds: 3, limit: 3 } as const;
  takeAll(live, [
    starts("a"),
    { event: "terminating", ...limit },
    failed,
    { event: "timeout", ...limit, message: "it took longer than 3 s and was ended" },
    starts("b"),
    { ...failed, id: "b" } as Timeless,
  ]);
  assertEquals(live.run.failures.map(({ message }) => message), [
    "interrupted at its time limit: E: no",
    "it took longer than 3 s and was ended",
    "E: no",
  ]);
});

Deno.test(
  "a test at its limit and one that crashed pytest are failed, and " +
    "no longer running",
  () => {
    const live = liveOf(OPTIONS);
    const notes = takeAll(live, [
      starts("a"),
      { event: "terminating", session: "0", id: "a", seconds: 3, limit: 3 },
      {
        event: "timeout",
        session: "0",
        id: "a",
        seconds: 3,
        limit: 3,
        message: "it took longer than 3 s and was ended",
      },
      starts("b", "1"),
      {
        event: "crash",
        session: "1",
        id: "b",
        seconds: 1,
        message: "pytest ended by SIGSEGV while it ran",
      },
      { event: "leak", session: "1", id: "b", processes: [] },
    ]);
    assertEquals(notes.map((note) => note.kind === "failed" ? note.outcome : note.kind), [
      "terminating",
      "timeout",
      "crash",
      "leak",
    ]);
    assertEquals(
      [live.running.length, live.run.done, live.run.countsSoFar.failed, live.run.leaks],
      [
        0,
        2,
        2,
        1,
      ],
    );
  },
);

Deno.test("the remaining time is by earlier durations and the pace of this run", () => {
  const unknown = liveOf(OPTIONS);
  takeAll(unknown, [collected(2), announced("a", "b"), starts("a")]);
  assertEquals(unknown.remaining(101), null);
  const live = liveOf({
    ...OPTIONS,
    durations: new Map([["a", 10], ["b", 10], ["c", 20], ["elsewhere", 500]]),
  });
  takeAll(live, [{ ...collected(3), time: 100 }, { ...announced("a", "b", "c"), time: 100 }, {
    ...starts("a"),
    time: 100,
  }]);
  assertEquals(live.remaining(100), 40);
  // It takes twice as long as before.
  takeAll(live, took("a", 20, 120));
  assertEquals(live.remaining(120), 60);
});

Deno.test("tests without a record are expected to take the mean of those that ended", () => {
  const known = Array.from({ length: 12 }, (_, index) => `known${index}`);
  const fresh = Array.from({ length: 39 }, (_, index) => `new${index}`);
  const live = liveOf({ ...OPTIONS, durations: new Map(known.map((id) => [id, 10])) });
  takeAll(live, [collected(51), announced(...known, ...fresh)]);
  for (const [index, id] of [...known, ...fresh.slice(0, 36)].entries()) {
    takeAll(live, [
      { ...starts(id), time: 100 + index },
      ...took(id, id.startsWith("new") ? 0.5 : 10, 100 + index),
    ]);
  }
  // 138 s of work, in parallel in this run: three of 0.5 s remain.
  assertEquals(live.remaining(238), 1.5);
});

Deno.test("there is no estimate while less than half of the rest can be estimated", () => {
  const ids = Array.from({ length: 10 }, (_, index) => `t${index}`);
  const live = liveOf({ ...OPTIONS, durations: new Map([["t8", 4], ["t9", 4]]) });
  takeAll(live, [collected(10), announced(...ids), { ...starts("t0"), time: 100 }]);
  assertEquals(live.remaining(100), null);
  takeAll(live, took("t0", 1, 101));
  assertEquals(live.remaining(101), null);
  takeAll(live, [{ ...starts("t1"), time: 101 }, ...took("t1", 2, 103)]);
  // Two of 4 s, six of 1.5 s.
  assertEquals(live.remaining(103), 17);
});

Deno.test("the time of a test that hangs does not change the estimate of others", () => {
  const live = liveOf({ ...OPTIONS, durations: new Map([["b", 10], ["c", 10]]) });
  takeAll(live, [collected(4), announced("a", "b", "c", "d"), { ...starts("b"), time: 100 }]);
  takeAll(live, took("b", 10, 110));
  takeAll(live, [{ ...starts("a"), time: 110 }]);
  // One that has no record, as all that ended did: 10 s. It has taken 100 s already.
  assertEquals(live.remaining(210), 20);
  takeAll(live, [{
    event: "timeout",
    session: "0",
    id: "a",
    seconds: 100,
    limit: 100,
    message: "it took longer than 100 s and was ended",
    time: 210,
  }]);
  assertEquals(live.remaining(210), 20);
});

Deno.test("the planned number of tests counts instead of the collected one", () => {
  const live = liveOf({ ...OPTIONS, durations: new Map([["a", 1], ["b", 2], ["c", 4]]) });
  takeAll(live, [collected(3)]);
  live.plan(["b", "c"]);
  takeAll(live, [{ ...collected(3), session: "1" }, { ...starts("b"), time: 100 }]);
  assertEquals([live.total, live.remaining(100)], [2, 6]);
});

Deno.test("the estimate does not read every test of a large suite", () => {
  const ids = Array.from({ length: 50_000 }, (_, index) => `t${index}`);
  let reads = 0;
  const durations = new Map(ids.map((id) => [id, 0.01]));
  const counting = new Proxy(durations, {
    get: (map, name) => {
      reads++;
      const value = Reflect.get(map, name);
      return typeof value === "function" ? value.bind(map) : value;
    },
  });
  const live = liveOf({ ...OPTIONS, durations: counting });
  takeAll(live, [collected(ids.length), announced(...ids), { ...starts("t0"), time: 100 }]);
  reads = 0;
  assertEquals(Math.round(live.remaining(100)!), 500);
  assertEquals(reads, 1);
});

Deno.test("a live view keeps nothing of its own of tests that passed", () => {
  const live = liveOf(OPTIONS);
  for (let index = 0; index < 20_000; index++) {
    takeAll(live, [starts(`t${index}`), ...ends(`t${index}`)]);
  }
  assertEquals(live.run.done, 20_000);
  // All that it holds fits on a page.
  assert(
    Deno.inspect({ ...live, run: null }, { depth: 6, showHidden: true, iterableLimit: 1e6 })
      .length < 3_000,
  );
});
