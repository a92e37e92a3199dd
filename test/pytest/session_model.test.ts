import type { PytestEvent } from "../../lib/pytest/events.ts";
import { RunModel } from "../../lib/pytest/run_model.ts";
import { SessionModel } from "../../lib/pytest/session_model.ts";
import { assertEquals } from "../assert.ts";

/**
 * A clock whose kernel began at 1000 s, with tests that began at these seconds and ended when the
 * next one began.
 */
function clockOf(
  starts: Readonly<Record<string, number>>,
  booted: number | null = 1000,
): SessionModel {
  const clock = new SessionModel("0", 1000);
  clock.apply({ event: "session-start", time: 1000, pid: 1, rootdir: "/", pytest: "9", booted });
  let before: string | null = null;
  for (const [id, time] of Object.entries(starts)) {
    if (before !== null) {
      clock.apply({ event: "report", phase: "teardown", id: before, time } as PytestEvent);
    }
    clock.apply({ event: "test-start", id, time });
    before = id;
  }
  return clock;
}

Deno.test("a process belongs to the test that ran when it started, not when it was seen", () => {
  const clock = clockOf({ a: 1001, b: 1002, c: 1003 });
  assertEquals(clock.testAt(250, "c"), "b");
  assertEquals(clock.testAt(150, "c"), "a");
  assertEquals(clock.testAt(990, "a"), "c");
  assertEquals(clock.testAt(20, "a"), null, "before the first test");
});

Deno.test("if a clock tick spans two tests the guess decides, provided it is one of them", () => {
  const clock = clockOf({ a: 1001, b: 1002.005 });
  assertEquals(clock.testAt(200, "a"), "a");
  assertEquals(clock.testAt(200, "b"), "b");
  assertEquals(clock.testAt(200, "x"), "b", "else the later one: tests start processes early");
});

Deno.test("without the kernel's clock, or where tests run in parallel, the guess counts", () => {
  assertEquals(clockOf({ a: 1001, b: 1002 }, null).testAt(150, "b"), "b");
  const parallel = new SessionModel("0", 1000);
  parallel.apply({
    event: "session-start",
    time: 1000,
    pid: 1,
    rootdir: "/",
    pytest: "9",
    booted: 1000,
  });
  for (const id of ["a", "b"]) parallel.apply({ event: "test-start", id, time: 1001 });
  assertEquals(parallel.testAt(150, null), null);
});

Deno.test("a test in its teardown is shown as such, and a finished one is not running", () => {
  const model = new SessionModel("0", 0);
  const report = (id: string, phase: "setup" | "call" | "teardown", time: number, failed = false) =>
    model.apply({
      event: "report",
      time,
      id,
      phase,
      outcome: failed ? "failed" : "passed",
      category: "",
      seconds: 1,
    });
  model.apply({ event: "test-start", time: 10, id: "a" });
  report("a", "setup", 11);
  assertEquals(model.runningFor(15), [{ id: "a", seconds: 5 }]);
  report("a", "call", 16);
  assertEquals(model.runningFor(20), [{ id: "a", seconds: 10, teardownSeconds: 4 }]);
  report("a", "teardown", 21);
  assertEquals(model.runningFor(22), []);
  // A plugin that runs a test again announces it once.
  report("a", "setup", 23);
  assertEquals(model.runningFor(24), [{ id: "a", seconds: 1 }]);
  report("a", "call", 25, true);
  report("a", "teardown", 26);
  model.apply({ event: "test-start", time: 30, id: "b" });
  report("b", "setup", 31, true);
  assertEquals(model.runningFor(33), [{ id: "b", seconds: 3, teardownSeconds: 2 }]);
});

Deno.test("a session waits from its collection to the first test that it takes", () => {
  const session = new SessionModel("0", 1000);
  const waits = (event: Record<string, unknown>) => {
    session.apply({ time: 1000, ...event } as unknown as PytestEvent);
    return session.isWaiting;
  };
  assertEquals(waits({ event: "session-start", pid: 1, booted: null }), false);
  assertEquals(waits({ event: "items", items: [], last: false }), false);
  assertEquals(waits({ event: "items", items: [], last: true }), true);
  assertEquals(waits({ event: "claimed", index: 0 }), false);
});

Deno.test("a pytest that starts for retries counts as another one, and has none beside it", () => {
  const run = new RunModel();
  const add = (session: string, time: number, event: Record<string, unknown>) =>
    run.apply({ session, time, ...event } as unknown as PytestEvent);
  const test = (session: string, id: string, from: number, to: number) => {
    add(session, from, { event: "test-start", id });
    add(session, to, { event: "report", id, phase: "call", outcome: "failed", seconds: to - from });
    add(session, to, { event: "report", id, phase: "teardown", outcome: "passed", seconds: 0 });
  };
  add("0", 0, { event: "session-begin", purpose: "shard" });
  add("1", 0, { event: "session-begin", purpose: "shard" });
  test("1", "first", 1, 2);
  add("1", 3, { event: "session-finish", exitStatus: 1, warnings: 0 });
  test("0", "between", 4, 5);
  add("2", 6, { event: "session-begin", purpose: "retry" });
  add("2", 7, { event: "collected", count: 1, deselected: 0 });
  add("2", 7, { event: "items", items: [], last: true });
  test("0", "last", 6.5, 8);
  test("0", "while it waits", 8, 8.5);
  add("0", 9, { event: "session-finish", exitStatus: 1, warnings: 0 });
  add("2", 10, { event: "claimed", index: 0 });
  test("2", "first", 10, 11);
  const beside = [...run.tests.values()].flatMap(({ id, attempts }) =>
    attempts.map((attempt) => `${id} ${run.ranBesideOthers(attempt)}`)
  );
  assertEquals(beside, [
    "first true",
    "first false",
    "between false",
    "last true",
    "while it waits false",
  ]);
});
