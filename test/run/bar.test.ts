import { duration } from "../../lib/base/durations.ts";
import { unicodeWidth } from "@std/cli";
import fc from "fast-check";
import { Live, type LiveOptions } from "../../lib/run/live.ts";
import type { PytestEvent } from "../../lib/pytest/events.ts";
import { RunModel } from "../../lib/pytest/run_model.ts";
import { barLines, noteLines, nowLines, progressText } from "../../lib/run/bar.ts";
import { LiveRegion } from "../../lib/terminal/live_region.ts";
import { assert, assertEquals, assertIncludes } from "../assert.ts";
import { Recorder } from "../fake_host.ts";

const plain = (_: string, text: string) => text;

/** A run with some tests done and these running, at second 130. */
function liveWith(running: readonly string[], options: Partial<LiveOptions> = {}): Live {
  const live = new Live(new RunModel(), { tries: 1, durations: new Map(), ...options });
  const take = (event: PytestEvent) => live.take(event, live.run.apply(event));
  const add = (event: Record<string, unknown>) =>
    take({ time: 100, session: "0", ...event } as unknown as PytestEvent);
  add({ event: "session-begin", purpose: "tests" });
  add({ event: "session-start", pid: 7, rootdir: "/", pytest: "8" });
  add({ event: "collected", count: 40, deselected: 0 });
  add({ event: "tests", ids: Array.from({ length: 40 }, (_, index) => `t${index}`) });
  for (let index = 0; index < 10; index++) {
    add({ event: "test-start", id: `t${index}` });
    const failed = index === 0
      ? { outcome: "failed", category: "failed", message: "no" }
      : { outcome: "passed", category: "passed" };
    add({ event: "report", id: `t${index}`, phase: "call", seconds: 1, ...failed });
    add({
      event: "report",
      id: `t${index}`,
      phase: "teardown",
      outcome: "passed",
      category: "",
      seconds: 0,
    });
  }
  running.forEach((id, index) => add({ event: "test-start", id, time: 128 + index / 10 }));
  return live;
}

const scene = { columns: 80, rows: 24, now: 130, paint: plain, hasKeys: false };

Deno.test("the bar shows progress, counts, time and what runs", () => {
  assertEquals(barLines(liveWith(["tests/test_a.py::test_b", "tests/test_c.py::test_d"]), scene), [
    "[=======>                      ]  10/40  1 failed, 9 passed  30 s",
    "   2.0 s  tests/test_a.py::test_b",
    "   1.9 s  tests/test_c.py::test_d",
  ]);
});

Deno.test("the bar names the key t where there is room for that, and a keyboard", () => {
  const first = (columns: number, hasKeys = true) =>
    barLines(liveWith(["t10"]), { ...scene, columns, hasKeys })[0]!;
  assertEquals(
    first(80),
    "[======>                   ]  10/40  1 failed, 9 passed  30 s  t: what runs now",
  );
  assertEquals(first(60), "[======>                 ]  10/40  1 failed, 9 passed  30 s");
  assertEquals(
    first(80, false),
    "[=======>                      ]  10/40  1 failed, 9 passed  30 s",
  );
});

Deno.test("the bar shows the remaining time once half of it can be estimated", () => {
  const first = (timed: readonly string[]) =>
    barLines(liveWith(["t10"], { durations: new Map(timed.map((id) => [id, 2])) }), scene)[0]!;
  // Of 30 that are left one is on record, and 9 of those that ended are not.
  assertIncludes(`${first(["t1", "t10"])}\n`, "  30 s\n");
  // 20 of 2 s and 10 of 1 s, without the 2 s that one runs; 12 s of work took 30 s.
  assertIncludes(
    first(Array.from({ length: 20 }, (_, index) => `t${index + 10}`)),
    "  30 s  about 2:00 left",
  );
});

Deno.test("many running tests share few lines, and fewer on a low terminal", () => {
  const live = liveWith(Array.from({ length: 20 }, (_, index) => `test_${index}`));
  const lines = barLines(live, scene);
  assertEquals([lines.length, lines.at(-1)!.trim()], [9, "and 13 more"]);
  for (const rows of [1, 2, 3, 5]) {
    assert(barLines(live, { ...scene, rows }).length <= Math.max(1, rows - 1));
  }
});

Deno.test(
  "lines are narrower than the terminal and free of control sequences, whatever the " +
    "ids are",
  () => {
    const wild = fc.oneof(
      fc.string({ unit: "binary" }),
      fc.string(),
      fc.constantFrom("日本語の名前".repeat(20), "e\u0301".repeat(60), "👩‍👩‍👧", "\x1b[2J\r\n"),
    );
    fc.assert(
      fc.property(
        fc.array(wild, { maxLength: 12 }),
        fc.integer({ min: 1, max: 200 }),
        (ids, columns) => {
          for (const line of barLines(liveWith(ids), { ...scene, columns })) {
            assert(
              unicodeWidth(line) < Math.max(2, columns),
              `${columns}: ${JSON.stringify(line)}`,
            );
            // deno-lint-ignore no-control-regex
            assert(!/[\x00-\x1f\x7f-\x9f]/.test(line));
          }
        },
      ),
    );
  },
);

Deno.test("a failure is shown with its gist and the ends of its traceback and output", () => {
  const traceback = Array.from({ length: 40 }, (_, index) => `line ${index}`).join("\n");
  const failure = {
    id: "a.py::t\x07",
    phase: "call",
    message: "assert 1 == 2\nmore",
    where: "a.py:3",
    traceback,
    errors: [],
    output: "--- Captured ---\n\x1b[31mred",
  } as const;
  const note = {
    kind: "failed",
    id: "a.py::t\x07",
    outcome: "failed",
    failure,
    seconds: 1.234,
    attempt: 1,
  } as const;
  const lines = noteLines(note, plain);
  assertEquals(lines.slice(0, 5), [
    "FAILED a.py::t\\x07 (1.23 s)",
    "    assert 1 == 2",
    "    … 1 more line",
    "    at a.py:3",
    "    … 25 lines before",
  ]);
  assertEquals(lines.slice(-3), ["    line 39", "    --- Captured ---", "    red"]);
  assertEquals(noteLines({ ...note, attempt: 2 }, plain).length, 4);
});

Deno.test("each noteworthy event has a line in usual terms", () => {
  const first = (note: Parameters<typeof noteLines>[0]) => noteLines(note, plain)[0];
  const slow = { kind: "slow", id: "a", seconds: 60, longest: null, verdict: null, evidence: [] };
  assertEquals(noteLines(slow as never, plain), ["SLOW [> 60s] a"]);
  const examined = {
    ...slow,
    id: null,
    longest: 1.234,
    verdict: "stopped",
    evidence: ["pid 7", "x"],
  };
  assertEquals(noteLines(examined as never, plain), [
    "SLOW [> 60s] collecting the tests (before: 1.23 s at most)",
    "    stopped: pid 7",
    "    x",
    "    more, while it runs: tractest hang",
  ]);
  assertEquals(
    first({ kind: "terminating", id: "a", seconds: 3.2, limit: 3 }),
    "TERMINATING [> 3s] a: its time limit; pytest gets SIGINT (KeyboardInterrupt)",
  );
  assertEquals(
    first({ kind: "flaky", id: "a", attempt: 2, tries: 3, message: "no\nmore" }),
    "FLAKY 2/3 a: no",
  );
  const left = (pid: number) => ({ pid, startTicks: 1, title: "_subactor", seconds: 1 });
  assertEquals(
    first({ kind: "leak", id: "a", processes: [1, 2, 3, 4].map(left) }),
    "LEAK a: pid 1 _subactor; pid 2 _subactor; pid 3 _subactor and 1 more",
  );
});

Deno.test("the overview lists running tests, their time and each pytest's processes", () => {
  const below = new Map([["0", [{ pid: 7, title: "python" }, {
    pid: 8,
    title: "_subactor[\x1b]",
  }]]]);
  assertEquals(nowLines(liveWith(["test_a"]), below, 130, plain), [
    "now: 10/40, 1 failed, 9 passed, 30 s",
    "  pytest pid 7 (tests): running",
    "    2.0 s  test_a",
    "    pid 8 _subactor[\\e]",
  ]);
  assertEquals(
    progressText(liveWith(["test_a"]), 130),
    "10/40, 1 failed, 9 passed, 30 s; running for 2 s: test_a",
  );
});

Deno.test("durations are short to read", () => {
  assertEquals([0.4, 59.4, 59.6, 65, 3605].map(duration), [
    "0 s",
    "59 s",
    "1:00",
    "1:05",
    "1:00:05",
  ]);
});

Deno.test("the region clears all rows of its lines, more of them in a narrower terminal", () => {
  const output = new Recorder(true);
  let lines = ["x".repeat(60), "second"];
  const region = new LiveRegion(output, () => lines);
  region.draw();
  assertEquals(output.text, `\r${"x".repeat(60)}\x1b[K\nsecond\x1b[K\x1b[J`);
  output.text = "";
  output.columns = 40;
  lines = ["one"];
  region.draw();
  // 60 columns are two rows now.
  assertEquals(output.text, "\r\x1b[2Aone\x1b[K\x1b[J");
  output.text = "";
  region.above(() => output.write("said\n"));
  assertEquals(output.text, "\r\x1b[Jsaid\n\rone\x1b[K\x1b[J");
  output.text = "";
  region.clear();
  region.clear();
  assertEquals(output.text, "\r\x1b[J");
});
