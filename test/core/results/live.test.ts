import { Live, type Note } from "../../../lib/core/results/live.ts";
import type { PytestEvent } from "../../../lib/core/results/pytest_events.ts";
import { assert, assertEquals } from "../../assert.ts";

type Told = PytestEvent extends infer Event ? Event extends PytestEvent ? Omit<Event, "time"> : never : never;

/** Takes events, a second apart from 100 on unless they say when; returns what was worth a line. */
function tell(live: Live, events: readonly (Told & { readonly time?: number })[]): Note[] {
  return events.flatMap((event, index) => live.add({ time: 100 + index, ...event } as PytestEvent));
}

const OPTIONS = { slow: 60, tries: 3, durations: new Map<string, number>() };
const begin = (session = "0"): Told => ({ event: "session-begin", session, pid: 1, purpose: "tests" });
const collected = (count: number): Told => ({ event: "collected", session: "0", count, deselected: 0 });
const starts = (id: string, session = "0"): Told => ({ event: "test-start", session, id });
const ends = (id: string, category = "passed", session = "0"): Told[] => [
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

Deno.test("it counts what ended, and knows what runs in each session, the longest first", () => {
  const live = new Live(OPTIONS);
  tell(live, [begin("0"), begin("1"), collected(4), starts("a"), starts("b", "1"), ...ends("a"), starts("c")]);
  assertEquals([live.done, live.collected, live.counts.passed], [1, 4, 1]);
  assertEquals(live.running.map(({ id, session }) => [id, session]), [["b", "1"], ["c", "0"]]);
  tell(live, [...ends("b", "skipped", "1"), { event: "session-finish", session: "1", exitStatus: 0, warnings: 0 }]);
  assertEquals([live.done, live.counts.skipped, live.sessions.length], [2, 1, 1]);
});

Deno.test("a failure is told when its phase ends, not when the test does", () => {
  const live = new Live(OPTIONS);
  const [report, teardown] = ends("a", "failed");
  const [note] = tell(live, [starts("a"), report!]);
  assert(note?.kind === "failed" && note.failure.message === "assert 0");
  assertEquals(live.counts.failed, 0);
  assertEquals(tell(live, [teardown!]), []);
  assertEquals(live.counts.failed, 1);
});

Deno.test("a test that passes at last is flaky and counts once, as passed", () => {
  const live = new Live(OPTIONS);
  const notes = tell(live, [
    starts("a"),
    ...ends("a", "failed"),
    starts("a", "1"),
    ...ends("a", "failed", "1"),
    starts("a", "2"),
    ...ends("a", "passed", "2"),
  ]);
  assertEquals(notes.map((note) => note.kind === "failed" ? note.attempt : note.kind), [1, 2, "flaky"]);
  assertEquals(notes.at(-1), { kind: "flaky", id: "a", attempt: 3, tries: 3, message: "assert 0" });
  assertEquals([live.done, live.counts.passed, live.counts.failed, live.flaky], [1, 1, 0, 1]);
});

Deno.test("a test at its limit and one that crashed pytest are failed, and run no more", () => {
  const live = new Live(OPTIONS);
  const notes = tell(live, [
    starts("a"),
    { event: "terminating", session: "0", id: "a", seconds: 3, limit: 3 },
    { event: "timeout", session: "0", id: "a", seconds: 3, limit: 3, message: "it took longer than 3 s and was ended" },
    starts("b", "1"),
    { event: "crash", session: "1", id: "b", seconds: 1, message: "pytest ended by SIGSEGV while it ran" },
    { event: "leak", session: "1", id: "b", processes: [] },
  ]);
  assertEquals(notes.map((note) => note.kind === "failed" ? note.outcome : note.kind), ["terminating", "timeout", "crash", "leak"]);
  assertEquals([live.running.length, live.done, live.counts.failed, live.leaks], [0, 2, 2, 1]);
});

Deno.test("a slow test is told at growing intervals, each once however seldom it is asked; 0 is never", () => {
  const live = new Live(OPTIONS);
  tell(live, [{ ...starts("a"), time: 100 }]);
  const told = (now: number) => live.slow(now).map((note) => note.kind === "slow" ? note.seconds : null);
  assertEquals([told(159), told(160), told(200), told(230), told(219.9), told(900), told(901)], [[], [60], [], [120], [], [240], []]);
  const never = new Live({ ...OPTIONS, slow: 0 });
  tell(never, [{ ...starts("a"), time: 100 }]);
  assertEquals(never.slow(10_000), []);
});

Deno.test("the rest is estimated by what the tests took before and by the pace of this run; without a record not at all", () => {
  const unknown = new Live(OPTIONS);
  tell(unknown, [collected(2), starts("a")]);
  assertEquals(unknown.remaining(101), null);
  const live = new Live({ ...OPTIONS, durations: new Map([["a", 10], ["b", 10], ["c", 20]]) });
  tell(live, [{ ...collected(3), time: 100 }, { ...starts("a"), time: 100 }]);
  assertEquals(live.remaining(100), 40);
  // It takes twice as long as before.
  tell(live, ends("a").map((event) => ({ ...event, time: 120 })));
  assertEquals(live.remaining(120), 60);
});

Deno.test("it keeps nothing of tests that passed", () => {
  const live = new Live(OPTIONS);
  for (let index = 0; index < 20_000; index++) tell(live, [starts(`t${index}`), ...ends(`t${index}`)]);
  assertEquals(live.done, 20_000);
  // All that it holds fits on a page.
  assert(Deno.inspect(live, { depth: 6, showHidden: true, iterableLimit: 1e6 }).length < 3_000);
});
