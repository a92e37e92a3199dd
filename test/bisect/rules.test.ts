import fc from "fast-check";
import {
  findCulprits,
  recordedIn,
  stepsFor,
  symptomsOf,
  testNamed,
} from "../../lib/bisect/rules.ts";
import type { PytestEvent } from "../../lib/pytest/events.ts";
import { RunModel } from "../../lib/pytest/run_model.ts";
import { assert, assertEquals } from "../assert.ts";

/** A number of places, some of which are planted. */
const PLANTED = fc.integer({ min: 1, max: 120 }).chain((count) =>
  fc.tuple(
    fc.constant(count),
    fc.uniqueArray(fc.integer({ min: 0, max: count - 1 }), {
      minLength: 1,
      maxLength: Math.min(count, 6),
    }),
  )
);

Deno.test(
  "the search finds k planted tests in k(log2 n + 1) steps, " +
    "and k more if k > 1",
  async () => {
    await fc.assert(fc.asyncProperty(PLANTED, async ([count, planted]) => {
      let steps = 0;
      const found = await findCulprits(count, (places) => {
        steps++;
        assert(
          places.every((place, index) => index === 0 || places[index - 1]! < place),
          "in ascending order",
        );
        return Promise.resolve(planted.every((place) => places.includes(place)));
      });
      assertEquals(found, [...planted].sort((a, b) => a - b));
      const most = planted.length * stepsFor(count) + (planted.length > 1 ? planted.length : 0);
      assert(steps <= most, `${steps} steps for ${planted.length} of ${count}, at most ${most}`);
    }));
  },
);

Deno.test("of several sets the search finds one from which no test can be left out", async () => {
  const sets = fc.integer({ min: 2, max: 60 }).chain((count) =>
    fc.tuple(
      fc.constant(count),
      fc.array(
        fc.uniqueArray(fc.integer({ min: 0, max: count - 1 }), { minLength: 1, maxLength: 4 }),
        { minLength: 1, maxLength: 5 },
      ),
    )
  );
  await fc.assert(fc.asyncProperty(sets, async ([count, planted]) => {
    const does = (places: readonly number[]) =>
      planted.some((set) => set.every((place) => places.includes(place)));
    const found = await findCulprits(count, (places) => Promise.resolve(does(places)));
    assert(does(found));
    for (const place of found) {
      assert(!does(found.filter((other) => other !== place)), `${place} of ${found} is not needed`);
    }
  }));
});

Deno.test("the search finds a set even if a further test undoes the effect", async () => {
  await fc.assert(fc.asyncProperty(PLANTED, fc.nat(), async ([count, planted], seed) => {
    // One test undoes the effect, except when all run.
    const undoes = seed % count;
    const does = (places: readonly number[]) =>
      places.length === count ||
      (planted.every((place) => places.includes(place)) &&
        (planted.includes(undoes) || !places.includes(undoes)));
    const found = await findCulprits(count, (places) => Promise.resolve(does(places)));
    assert(does(found));
    if (found.length > 1) {
      for (const place of found) assert(!does(found.filter((other) => other !== place)));
    }
  }));
});

Deno.test("a single earlier test is the culprit without running anything", async () => {
  assertEquals(await findCulprits(1, () => Promise.reject(new Error("asked"))), [0]);
  assertEquals([0, 1, 2, 3, 64, 65].map(stepsFor), [0, 0, 2, 3, 7, 8]);
});

const at = (time: number, session: string, rest: Record<string, unknown>) =>
  ({ schema: "tractest.events/1", time, session, ...rest }) as unknown as PytestEvent;
const ran = (time: number, session: string, id: string, category = "passed"): PytestEvent[] => [
  at(time, session, { event: "test-start", id }),
  at(time + 1, session, {
    event: "report",
    id,
    phase: "call",
    outcome: category === "failed" ? "failed" : "passed",
    category,
    seconds: time,
  }),
  at(time + 1, session, {
    event: "report",
    id,
    phase: "teardown",
    outcome: "passed",
    category: "",
    seconds: 0,
  }),
];

Deno.test(
  "the candidates are the earlier tests of the pytest in which the " +
    "test first failed",
  () => {
    const events = [
      ...ran(1, "0", "a::x"),
      ...ran(2, "1", "a::other"),
      ...ran(3, "0", "a::y"),
      ...ran(4, "0", "a::victim", "failed"),
      ...ran(5, "0", "a::later"),
      ...ran(6, "2", "a::victim"),
    ];
    const results = new RunModel();
    for (const event of events) results.apply(event);
    assertEquals(recordedIn(events, results, "a::victim", null), {
      symptom: "fail",
      before: ["a::x", "a::y"],
      longest: 3,
      limit: null,
    });
    assertEquals(recordedIn(events, results, "a::victim", "hang"), null);
    assertEquals(recordedIn(events, results, "a::y", null), null);
    assertEquals(recordedIn(events, results, "a::unknown", null), null);
  },
);

Deno.test("a test at its limit hangs, a red one fails, one that left processes also leaks", () => {
  assertEquals(symptomsOf({ outcome: "timeout", leaked: [] }), ["hang"]);
  assertEquals(symptomsOf({ outcome: "crash", leaked: [1] }), ["fail", "leak"]);
  assertEquals(symptomsOf({ outcome: "xpassed", leaked: [] }), []);
});

Deno.test("a name without parameters means the only test with that name", () => {
  const ids = ["t.py::a[1]", "t.py::b[1]", "t.py::b[2]", "t.py::c"];
  assertEquals(testNamed("t.py::a", ids), "t.py::a[1]");
  assertEquals(testNamed("t.py::b", ids), ["t.py::b[1]", "t.py::b[2]"]);
  assertEquals(testNamed("t.py::c", ids), "t.py::c");
  assertEquals(testNamed("t.py::d", ids), []);
});
