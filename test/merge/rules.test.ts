import { merge, type Part } from "../../lib/merge/rules.ts";
import { endingOf } from "../../lib/merge/show.ts";
import type { PytestEvent } from "../../lib/pytest/events.ts";
import { assertEquals } from "../assert.ts";

const ALL = ["a.py::x", "a.py::y", "b.py::z"];

type Timeless = PytestEvent extends infer Event
  ? Event extends PytestEvent ? Omit<Event, "time"> : never
  : never;

interface Run {
  readonly shard?: string;
  readonly ran: readonly string[];
  readonly red?: readonly string[];
  readonly code?: number | null;
  readonly cut?: string;
}

/** The events of a machine that collected all and ran some. */
function part(
  name: string,
  { shard, ran, red = [], code = red.length > 0 ? 1 : 0, cut = "cut" }: Run,
): Part {
  const [index, count] = (shard ?? "").split("/").map(Number);
  const unknown = { commit: null, dirty: null, transport: null, backend: null, python: null };
  const events: Timeless[] = [
    {
      event: "run-start",
      runId: name,
      root: "/",
      command: [],
      pid: 1,
      ...unknown,
      shard: shard ? { index: index!, count: count! } : null,
    },
    { event: "items", session: "0", items: ALL.map((id) => ({ id, group: id })), last: true },
    { event: "planned", tests: ran.length, predicted: null, cut: shard ? cut : null },
    ...ran.flatMap((id) => eventsOfTest(id, red.includes(id))),
  ];
  if (code !== null) events.push({ event: "run-finish", exitCode: code, ending: null, seconds: 2 });
  return {
    name,
    async *events() {
      yield events.map((event) => ({ time: 1, ...event })) as PytestEvent[];
    },
  };
}

function eventsOfTest(id: string, isRed: boolean): Timeless[] {
  const about = { event: "report", session: "0", id, seconds: 1, message: "no" } as const;
  const outcome = isRed ? "failed" : "passed";
  return [
    { event: "test-start", session: "0", id },
    { ...about, phase: "setup", outcome: "passed", category: "" },
    { ...about, phase: "call", outcome, category: outcome },
    { ...about, phase: "teardown", outcome: "passed", category: "" },
  ];
}

Deno.test("the shards of a suite are one run, with one code", async () => {
  const merged = await merge([
    part("one", { shard: "1/2", ran: ALL.slice(0, 2) }),
    part("two", { shard: "2/2", ran: ALL.slice(2) }),
  ]);
  assertEquals([
    merged.exitCode,
    merged.missing,
    merged.unfinished,
    merged.duplicates,
    merged.problems,
  ], [0, [], [], [], []]);
  assertEquals(
    merged.run.finished.map((test) => [test.id, test.outcome]),
    ALL.map((id) => [id, "passed"]),
  );
  const red = await merge([
    part("one", { shard: "1/2", ran: ALL.slice(0, 2), red: ["a.py::y"] }),
    part("two", { shard: "2/2", ran: ALL.slice(2) }),
  ]);
  assertEquals(red.exitCode, 1);
});

Deno.test("a missing shard is named with its tests, and the merged run is not green", async () => {
  const { exitCode, missing, unfinished } = await merge([
    part("one", { shard: "1/3", ran: ["a.py::x"] }),
    part("three", { shard: "3/3", ran: ["b.py::z"] }),
  ]);
  assertEquals([exitCode, missing, unfinished], [82, [2], ["a.py::y"]]);
});

Deno.test("tests that ran twice are named with their files", async () => {
  const { exitCode, duplicates } = await merge([
    part("one", { shard: "1/2", ran: ALL }),
    part("two", { shard: "2/2", ran: ["b.py::z"] }),
  ]);
  assertEquals([exitCode, duplicates], [82, [{ id: "b.py::z", files: ["one", "two"] }]]);
});

Deno.test("whatever keeps a merge from being green stands in its verdict", async () => {
  const one = part("one", { shard: "1/2", ran: ALL.slice(0, 2) });
  const two = part("two", { shard: "2/2", ran: ALL.slice(2) });
  const killed = part("two", { shard: "2/2", ran: ALL.slice(2), code: null });
  const twice = part("two", { shard: "2/2", ran: ALL.slice(1) });
  for (
    const [parts, ending, exitCode] of [
      [[one, two], null, 0],
      [[one], "shard 2 missing", 82],
      [[one, killed], "two has no end: the run was killed or still runs", 82],
      [[one, twice], "1 test ran on several machines", 82],
    ] as const
  ) {
    const merged = await merge(parts);
    assertEquals([endingOf(merged), merged.exitCode], [ending, exitCode]);
  }
});

Deno.test(
  "different divisions into shards, a killed run and a run without " +
    "--shard are named",
  async () => {
    const { problems } = await merge([
      part("one", { shard: "1/2", ran: ["a.py::x"], cut: "other" }),
      part("two", { shard: "2/2", ran: ["b.py::z"], code: null }),
      part("all", { ran: [] }),
    ]);
    assertEquals(problems, [
      "the machines cut the suite differently: " +
      "they need the same tests and the same --durations-from",
      "all is of a run without --shard",
      "two has no end: the run was killed or still runs",
    ]);
  },
);

Deno.test(
  "the exit code of a run that was cut short is that of the merge, " +
    "unless a test is red",
  async () => {
    const timedOut = part("two", { shard: "2/2", ran: [], code: 124 });
    assertEquals((await merge([part("one", { shard: "1/2", ran: ALL }), timedOut])).exitCode, 124);
    const red = part("one", { shard: "1/2", ran: ALL, red: ["a.py::x"] });
    assertEquals((await merge([red, timedOut])).exitCode, 1);
  },
);
