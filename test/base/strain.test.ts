import { parseCpuCounts, strainBetween, strainText } from "../../lib/base/strain.ts";
import { assertEquals } from "../assert.ts";

const PRESSURE = "some avg10=17.95 avg60=19.03 avg300=17.16 total=182910324\n" +
  "full avg10=0.00 avg60=0.00 avg300=0.00 total=7\n";

Deno.test("CPU counts are read from pressure and from both versions of cpu.stat", () => {
  assertEquals(parseCpuCounts(PRESSURE), { waited: 182.910324, throttled: null });
  assertEquals(
    parseCpuCounts("usage_usec 5\nnr_throttled 3\nthrottled_usec 2500000\nburst_usec 0\n"),
    { waited: null, throttled: 2.5 },
  );
  assertEquals(parseCpuCounts("nr_periods 9\nnr_throttled 3\nthrottled_time 2500000000\n"), {
    waited: null,
    throttled: 2.5,
  });
  assertEquals(parseCpuCounts(""), { waited: null, throttled: null });
});

Deno.test("a machine is overloaded if tasks waited too long or the quota was used up", () => {
  const none = { waited: null, throttled: null };
  assertEquals(strainBetween(none, none, 10), null);
  assertEquals(strainBetween({ waited: 1, throttled: null }, { waited: 4, throttled: null }, 10), {
    waited: 0.3,
    throttled: null,
    strained: false,
  });
  const strain = strainBetween({ waited: 1, throttled: 0 }, { waited: 7, throttled: 1 }, 10);
  assertEquals(strain, { waited: 0.6, throttled: 0.1, strained: true });
  assertEquals(
    strainText(strain, true),
    "the machine was overloaded (tasks waited for a CPU 60% of the time, " +
      "the CPU quota was used up 10% of the time); timeouts may be spurious",
  );
  assertEquals(
    strainText({ ...strain!, throttled: 0 }, false),
    "the machine was overloaded (tasks waited for a CPU 60% of the time)",
  );
  assertEquals([strainText(null, true), strainText({ ...strain!, strained: false }, true)], [
    null,
    null,
  ]);
  assertEquals(strainBetween({ waited: 1, throttled: 0 }, { waited: 2, throttled: 1 }, 0.9), null);
});
