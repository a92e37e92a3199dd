import { merge, type Part } from "../../lib/merge/rules.ts";
import type { PytestEvent } from "../../lib/pytest/events.ts";
import { assertEquals } from "../assert.ts";

const ALL = ["a.py::x", "a.py::y", "b.py::z"];

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
  const start = {
    command: [],
    pid: 1,
    commit: null,
    dirty: null,
    transport: null,
    backend: null,
    python: null,
  };
  const report = (id: string, phase: "setup" | "call" | "teardown"): PytestEvent => {
    const failed = phase === "call" && red.includes(id);
    const category = phase !== "call" ? "" : failed ? "failed" : "passed";
    return {
      event: "report",
      time: 2,
      session: "0",
      id,
      phase,
      outcome: failed ? "failed" : "passed",
      category,
      seconds: 1,
      message: "no",
    };
  };
  const events: PytestEvent[] = [
    {
      event: "run-start",
      time: 1,
      runId: name,
      root: "/",
      ...start,
      shard: shard ? { index: index!, count: count! } : null,
    },
    {
      event: "items",
      time: 1,
      session: "0",
      items: ALL.map((id) => ({ id, group: id })),
      last: true,
    },
    { event: "planned", time: 1, tests: ran.length, predicted: null, cut: shard ? cut : null },
    ...ran.flatMap((id): PytestEvent[] => [
      { event: "test-start", time: 2, session: "0", id },
      report(id, "setup"),
      report(id, "call"),
      report(id, "teardown"),
    ]),
    ...(code === null
      ? []
      : [{ event: "run-finish", time: 3, exitCode: code, ending: null, seconds: 2 } as const]),
  ];
  return {
    name,
    async *events() {
      yield events;
    },
  };
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

Deno.test("a shard that is missing is named, with its tests, and the whole is not green", async () => {
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

Deno.test("machines that cut differently, a killed one, and a run that is no shard are named", async () => {
  const { problems } = await merge([
    part("one", { shard: "1/2", ran: ["a.py::x"], cut: "other" }),
    part("two", { shard: "2/2", ran: ["b.py::z"], code: null }),
    part("all", { ran: [] }),
  ]);
  assertEquals(problems, [
    "the machines cut the suite differently: they need the same tests, and the same --durations-from",
    "all is of a run without --shard",
    "two has no end: its run was killed, or still goes on",
  ]);
});

Deno.test("what cut one machine's run short is the code of the whole, unless a test is red", async () => {
  const timedOut = part("two", { shard: "2/2", ran: [], code: 124 });
  assertEquals((await merge([part("one", { shard: "1/2", ran: ALL }), timedOut])).exitCode, 124);
  assertEquals(
    (await merge([part("one", { shard: "1/2", ran: ALL, red: ["a.py::x"] }), timedOut])).exitCode,
    1,
  );
});
