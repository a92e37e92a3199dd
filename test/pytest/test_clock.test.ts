import type { PytestEvent } from "../../lib/pytest/events.ts";
import { TestClock } from "../../lib/pytest/test_clock.ts";
import { assertEquals } from "../assert.ts";

/**
 * A clock whose kernel began at 1000 s, with tests that began at these seconds and ended when the
 * next one began.
 */
function clockOf(
  starts: Readonly<Record<string, number>>,
  booted: number | null = 1000,
): TestClock {
  const clock = new TestClock();
  clock.add({ event: "session-start", time: 1000, pid: 1, rootdir: "/", pytest: "9", booted });
  let before: string | null = null;
  for (const [id, time] of Object.entries(starts)) {
    if (before !== null) {
      clock.add({ event: "report", phase: "teardown", id: before, time } as PytestEvent);
    }
    clock.add({ event: "test-start", id, time });
    before = id;
  }
  return clock;
}

Deno.test("a process is of the test that ran when it started, not of the one that runs when it is seen", () => {
  const clock = clockOf({ a: 1001, b: 1002, c: 1003 });
  assertEquals(clock.at(250, "c"), "b");
  assertEquals(clock.at(150, "c"), "a");
  assertEquals(clock.at(990, "a"), "c");
  assertEquals(clock.at(20, "a"), null, "before the first test");
});

Deno.test("where a tick of the clock spans two tests the guess decides, if it is one of them", () => {
  const clock = clockOf({ a: 1001, b: 1002.005 });
  assertEquals(clock.at(200, "a"), "a");
  assertEquals(clock.at(200, "b"), "b");
  assertEquals(clock.at(200, "x"), "b", "else the later one: tests start processes early");
});

Deno.test("without the kernel's clock, or where tests run beside each other, the guess counts", () => {
  assertEquals(clockOf({ a: 1001, b: 1002 }, null).at(150, "b"), "b");
  const parallel = new TestClock();
  parallel.add({
    event: "session-start",
    time: 1000,
    pid: 1,
    rootdir: "/",
    pytest: "9",
    booted: 1000,
  });
  for (const id of ["a", "b"]) parallel.add({ event: "test-start", id, time: 1001 });
  assertEquals(parallel.at(150, null), null);
});
