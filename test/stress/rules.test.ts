import type { Failure } from "../../lib/pytest/failure.ts";
import type { Outcome, TestResult } from "../../lib/pytest/results.ts";
import { fromContention, stressed, type Trial, trialsOf } from "../../lib/stress/rules.ts";
import { assertEquals } from "../assert.ts";

const failure = (message: string): Failure => ({
  id: "a",
  phase: "call",
  message,
  where: null,
  traceback: "",
  errors: [],
});

const trial = (id: string, round: number, outcome: Outcome, more: Partial<Trial> = {}): Trial => {
  return { id, round, copy: 1, outcome, seconds: round, failure: null, leaked: [], ...more };
};

const result = (id: string, outcome: Outcome, finished = true) =>
  ({
    id,
    outcome,
    finished,
    attempts: [{}],
    seconds: 1,
    failure: null,
    leaked: [],
  }) as unknown as TestResult;

Deno.test("a skipped or interrupted test is no trial; one running at the limit has failed", () => {
  const tests = [
    result("a", "passed"),
    result("b", "skipped"),
    result("c", "passed", false),
    result("d", "passed", false),
  ];
  const trials = trialsOf(tests, { round: 2, copy: 3, hung: [{ id: "d", seconds: 9 }] });
  const shown = trials.map(({ id, round, copy, outcome }) => [id, round, copy, outcome]);
  assertEquals(shown, [["a", 2, 3, "passed"], ["d", 2, 3, "timeout"]]);
  assertEquals(trials[1]!.failure?.message, "still running when its copy was ended after 9 s");
});

Deno.test("trials give each test its rate, first failure, messages, leaks and times", () => {
  const leaked = [{ pid: 7, startTicks: 1, title: "sleep", seconds: 1 }];
  const [a, b, ...more] = stressed([
    trial("a", 1, "passed"),
    trial("b", 1, "passed", { leaked }),
    trial("a", 2, "failed", { failure: failure("slow\nmore") }),
    trial("a", 3, "timeout", { failure: failure("hung") }),
    trial("a", 4, "error", { failure: failure("slow\nother") }),
  ]);
  assertEquals(more, []);
  assertEquals(
    [a!.id, a!.failures, a!.trials, a!.first?.round, a!.slowest, a!.median, a!.leaking],
    ["a", 3, 4, 2, 4, 2.5, 0],
  );
  assertEquals(a!.messages, [{ message: "slow", times: 2 }, { message: "hung", times: 1 }]);
  assertEquals([b!.failures, b!.leaking, b!.leaked, b!.first], [0, 1, leaked, null]);
});

Deno.test("contention is named only if the intervals of both rates do not overlap", () => {
  assertEquals(fromContention({ failures: 17, trials: 100 }, { failures: 0, trials: 100 }), true);
  assertEquals(fromContention({ failures: 0, trials: 100 }, { failures: 17, trials: 100 }), false);
  assertEquals(fromContention({ failures: 2, trials: 10 }, { failures: 0, trials: 10 }), null);
  assertEquals(fromContention({ failures: 2, trials: 10 }, { failures: 0, trials: 0 }), null);
});
