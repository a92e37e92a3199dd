import { LEAST_SLOW_SECONDS, nextReport, slowAfter } from "../../lib/run/rules_slow.ts";
import { assert, assertEquals } from "../assert.ts";

Deno.test("a test is slow by its own record, and never before the least time", () => {
  assertEquals([null, 0, 0.5, 2, 6, 30, 600].map(slowAfter), [60, 10, 10, 20, 60, 90, 660]);
  for (let longest = 0; longest < 2_000; longest += 0.7) {
    const after = slowAfter(longest);
    assert(after >= LEAST_SLOW_SECONDS && after > longest, `${longest}`);
    assert(after <= slowAfter(longest + 1), `${longest}`);
  }
});

Deno.test("reports on a test get rarer, and come at least every 5 minutes", () => {
  const times = [60];
  while (times.length < 7) times.push(nextReport(times.at(-1)!, times.at(-1)!));
  assertEquals(times, [60, 120, 240, 480, 780, 1080, 1380]);
  // After a pause of the machine there is one report, not one for each time that was missed.
  assertEquals(nextReport(10, 1_000), 1_220);
});
