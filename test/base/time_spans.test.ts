import fc from "fast-check";
import { MOST_SECONDS, parseTimeSpan, TIME_SPAN } from "../../lib/base/time_spans.ts";
import { assert, assertEquals } from "../assert.ts";

Deno.test("a time of hours, minutes and seconds is their sum, whichever are left out", () => {
  const part = (most: number) => fc.option(fc.integer({ min: 0, max: most }), { nil: null });
  fc.assert(fc.property(part(99), part(9999), part(9999), (hours, minutes, seconds) => {
    fc.pre(hours !== null || minutes !== null || seconds !== null);
    const text = [[hours, "h"], [minutes, "m"], [seconds, "s"]]
      .map(([value, unit]) => value === null ? "" : `${value}${unit}`).join("");
    const sum = (hours ?? 0) * 3600 + (minutes ?? 0) * 60 + (seconds ?? 0);
    assertEquals(parseTimeSpan(text), sum, text);
  }));
});

Deno.test("a plain number is seconds, also with decimals", () => {
  fc.assert(fc.property(fc.integer({ min: 0, max: 999_999 }), fc.nat(999), (whole, decimals) => {
    assertEquals(parseTimeSpan(`${whole}.${decimals}`), Number(`${whole}.${decimals}`));
    assertEquals(parseTimeSpan(`${whole}s`), whole);
  }));
});

Deno.test("whatever is no time is refused, and none is longer than a timer can count", () => {
  for (const text of ["", "h", "m", "5x", "1h 30m", "30m1h", "1.5h", "-1", "1e3", "1h30", "1m1m"]) {
    assertEquals(parseTimeSpan(text), null, text);
  }
  const letters = fc.string({ unit: fc.constantFrom(..."0159.hms -") });
  fc.assert(
    fc.property(letters, (text) => {
      const seconds = parseTimeSpan(text);
      assertEquals(seconds !== null, new RegExp(TIME_SPAN).test(text));
      assert(seconds === null || (seconds >= 0 && seconds <= MOST_SECONDS), text);
    }),
    { numRuns: 2000 },
  );
});
