import { cpuCheck, type CpuMeasurement } from "../../lib/preflight/rules_cpu.ts";
import { loadProcessors } from "../../lib/system/cpu_load.ts";
import { type CpuFacts, parseCpuFacts } from "../../lib/system/programs/cpu_facts.ts";
import { assert, assertEquals, assertIncludes } from "../assert.ts";

const FACTS: CpuFacts = {
  ownTicks: 0,
  ticks: { all: 0, stolen: 0 },
  frequencies: [{ now: 3400, most: 4000, base: 2800 }, { now: 3400, most: 4000, base: 2800 }],
  heatEvents: 3,
  governor: "powersave",
};
const STEADY = Array.from({ length: 20 }, () => 100);

/** Two processors under load for two seconds, on a machine that does nothing else. */
function measured(
  { after = {}, during = {}, ...rest }: {
    readonly work?: CpuMeasurement["work"];
    readonly after?: Partial<CpuFacts>;
    readonly during?: Partial<CpuFacts>;
    readonly strain?: CpuMeasurement["strain"];
  } = {},
): CpuMeasurement {
  return {
    work: [STEADY, STEADY],
    seconds: 2,
    watched: 2,
    before: FACTS,
    during: { ...FACTS, ...during },
    after: { ...FACTS, ownTicks: 400, ticks: { all: 400, stolen: 0 }, ...after },
    strain: null,
    ...rest,
  };
}

Deno.test("processors that keep their speed are ok, with the frequency as evidence", () => {
  const { status, detail, fix } = cpuCheck(measured());
  assertEquals([status, fix], ["ok", null]);
  assertEquals(
    detail,
    "2 processors under load for 2.0 s: at the end 100% of the speed at the beginning\n" +
      "3.4 of at most 4.0 GHz under load, governor powersave",
  );
  const unseen = {
    ...FACTS,
    ownTicks: null,
    frequencies: [],
    heatEvents: null,
    governor: null,
    ticks: null,
  };
  const unknown = { ...measured(), before: unseen, during: unseen, after: unseen };
  assertEquals(cpuCheck(unknown).status, "ok");
  assertIncludes(cpuCheck(unknown).detail, "does not show the frequency");
});

const falling = STEADY.map((count, at) => at < 6 ? count : 60);
const waves = STEADY.map((count, at) => at % 5 === 2 ? 50 : count);
const hiccup = STEADY.map((count, at) => at === 9 ? 10 : count);
const slow = { frequencies: [{ now: 1200, most: 4000, base: 2800 }, FACTS.frequencies[0]!] };

for (
  const [what, measurement, words] of [
    ["slower under load", measured({ work: [falling, falling] }), "it becomes slower under load"],
    ["speed in waves", measured({ work: [waves, waves] }), "its speed comes in waves"],
    ["heat", measured({ after: { heatEvents: 5 } }), "slowed processors down for heat 2 times"],
    [
      "a quota",
      measured({ strain: { waited: null, throttled: 0.3, strained: true } }),
      "was used up 30% of the time",
    ],
    [
      "a hypervisor",
      measured({ after: { ticks: { all: 400, stolen: 80 } } }),
      "gave 20% of the CPU time to other machines",
    ],
    ["other programs", measured({ after: { ownTicks: 200 } }), "other programs took 50%"],
    ["a low clock", measured({ during: slow }), "1 of 2 processors stay far below"],
  ] as const
) {
  Deno.test(`a machine that is held back by ${what} is a warning with its cause`, () => {
    const { status, detail, fix } = cpuCheck(measurement);
    assertEquals([status, fix === null], ["warn", false]);
    assertIncludes(detail, words);
    assertIncludes(detail, "TooSlowError");
  });
}

Deno.test("one slow window is a hiccup, and a busy machine says nothing of the clock", () => {
  assertEquals(cpuCheck(measured({ work: [hiccup, hiccup] })).status, "ok");
  const busy = cpuCheck(measured({ work: [falling, waves], after: { ownTicks: 200 } }));
  assert(!/slower under load|in waves/.test(busy.detail), busy.detail);
});

Deno.test("parseCpuFacts() reads what the kernel shows, and null for the rest", () => {
  const own = "12 (a ) b) S 1 1 1 0 -1 0 0 0 0 0 70 30 0 0 20 0 1 0 1 1 1\n";
  const all = "cpu  1 2 3 4 5 6 7 8 9 10\ncpu0 1 1 1 1 1 1 1 1 0 0\n";
  assertEquals(
    parseCpuFacts([own, all, "schedutil\n", "1200000\n", "4000000\n", "", "7\n", "", "", "", ""]),
    {
      ownTicks: 100,
      ticks: { all: 36, stolen: 8 },
      frequencies: [{ now: 1200, most: 4000, base: null }],
      heatEvents: 7,
      governor: "schedutil",
    },
  );
  const nothing = {
    ownTicks: null,
    ticks: null,
    frequencies: [],
    heatEvents: null,
    governor: null,
  };
  assertEquals(parseCpuFacts([]), nothing);
  assertEquals(parseCpuFacts(["", "", "", "", "", "", ""]), nothing);
});

Deno.test("loadProcessors() counts the work of each processor in each window", async () => {
  const calls: string[] = [];
  const work = await loadProcessors({
    processors: 2,
    windows: 5,
    windowMs: 20,
    begun: () => Promise.resolve(void calls.push("begun")),
    halfway: () => Promise.resolve(void calls.push("halfway")),
  });
  assertEquals([work.length, work.map((counts) => counts.length)], [2, [5, 5]]);
  assert(work.flat().some((count) => count > 0));
  assertEquals(calls, ["begun", "halfway"]);
});
