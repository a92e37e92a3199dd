import fc from "fast-check";
import {
  isFlakyAgain,
  rateOf,
  rateText,
  recordText,
  type TestRecord,
} from "../../lib/base/rates.ts";
import { assert, assertEquals } from "../assert.ts";

function record(changes: Partial<TestRecord>): TestRecord {
  return {
    id: "t",
    trials: 41,
    failures: 3,
    contradictions: 0,
    recoveries: 0,
    streak: 0,
    strained: 0,
    ...changes,
  };
}

Deno.test("rateOf() is Wilson's interval: values from the literature", () => {
  // Newcombe 1998, Statistics in Medicine 17, table I, method 3.
  for (
    const [failures, trials, low, high] of [[81, 263, 0.2553, 0.3662], [15, 148, 0.0624, 0.1605], [
      0,
      20,
      0,
      0.1611,
    ], [1, 29, 0.0061, 0.1718]]
  ) {
    const rate = rateOf({ failures: failures!, trials: trials! })!;
    assertEquals([rate.low.toFixed(4), rate.high.toFixed(4)], [low!.toFixed(4), high!.toFixed(4)]);
  }
});

Deno.test("rateOf() stays in 0 to 1, contains the rate, and is null without a trial", () => {
  fc.assert(fc.property(fc.nat(100_000), fc.nat(100_000), (a, b) => {
    const rate = rateOf({ failures: Math.min(a, b), trials: Math.max(a, b) });
    if (rate === null) return a === 0 && b === 0;
    return 0 <= rate.low && rate.low <= rate.rate && rate.rate <= rate.high && rate.high <= 1;
  }));
});

Deno.test("rateText() shows 0% and 100% only where they are exact", () => {
  assertEquals(rateText({ failures: 3, trials: 41 }), "7% (3-19%)");
  assertEquals(rateText({ failures: 1, trials: 1000 }), "0.1% (<0.1-0.6%)");
  assertEquals(rateText({ failures: 999, trials: 1000 }), "99.9% (99.4-100.0%)");
  assertEquals(rateText({ failures: 0, trials: 0 }), null);
});

Deno.test(
  "a failure counts as flaky again only with evidence and a plausible number of " +
    "failures in a row",
  () => {
    assert(!isFlakyAgain(record({})), "without evidence");
    assert(isFlakyAgain(record({ contradictions: 1 })), "passed and failed at one commit");
    assert(isFlakyAgain(record({ recoveries: 1, streak: 1 })), "twice in a row, at most 19% each");
    assert(!isFlakyAgain(record({ recoveries: 1, streak: 2 })), "three times in a row");
    assert(
      isFlakyAgain(record({ failures: 30, recoveries: 1, streak: 5 })),
      "one that fails mostly",
    );
  },
);

Deno.test("recordText() shows a record, and is null without one", () => {
  assertEquals(recordText(record({})), "failed 3 of 41 recorded runs, 7% (3-19%)");
  assertEquals(recordText(record({ failures: 0 })), "never failed in 41 recorded runs");
  assertEquals(recordText(record({ trials: 0, failures: 0 })), null);
  assertEquals(
    recordText(record({ trials: 0, failures: 0, strained: 2 })),
    "no rate: the 2 recorded runs were short of CPU",
  );
  assertEquals(
    recordText(record({ failures: 0, strained: 1 })),
    "never failed in 41 recorded runs; 1 more run was short of CPU",
  );
  assertEquals(
    recordText(record({ contradictions: 2, recoveries: 1, streak: 3 })),
    "failed 3 of 41 recorded runs, 7% (3-19%); passed and failed at the same clean commit " +
      "(2 of them); " +
      "passed when retried, 1 time; failed in each of its last 3",
  );
});
