import { inWords } from "../../lib/base/durations.ts";
import { assertEquals } from "../assert.ts";

Deno.test("inWords() has two units at most, and days alone after two of them", () => {
  assertEquals([0.04, 3.21, 34.4, 725, 10_920, 345_600].map(inWords), [
    "0.0 s",
    "3.2 s",
    "34 s",
    "12 min 5 s",
    "3 h 2 min",
    "4 days",
  ]);
});
