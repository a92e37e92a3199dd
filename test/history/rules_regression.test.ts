import fc from "fast-check";
import {
  findRegressions,
  type Pass,
  probabilityOfLonger,
} from "../../lib/history/rules_regression.ts";
import { assert, assertEquals } from "../assert.ts";

/** A fixed random number from 0 to 1 for each pair. */
function noise(a: number, b: number): number {
  const value = Math.sin(a * 12.9898 + b * 78.233) * 43758.5453;
  return value - Math.floor(value);
}

/** Passes of `tests` tests in 40 runs, newest first, each about a second. */
function suite(tests: number, seconds: (test: number, run: number) => number): Map<string, Pass[]> {
  return new Map(Array.from({ length: tests }, (_, test) => [
    `t${test}`,
    Array.from(
      { length: 40 },
      (_, index) => ({
        run: 40 - index,
        seconds: seconds(test, 40 - index) * (0.8 + 0.4 * noise(test, index)),
      }),
    ),
  ]));
}

Deno.test("probabilityOfLonger() equals values counted by hand", () => {
  assertEquals(probabilityOfLonger([2], [1]), 1 / 2);
  assertEquals(probabilityOfLonger([3, 4], [1, 2]), 1 / 6);
  assertEquals(probabilityOfLonger([2, 4], [1, 3]), 2 / 6);
  assertEquals(probabilityOfLonger([6, 7, 8, 9, 10], [1, 2, 3, 4, 5]), 1 / 252);
  assertEquals(probabilityOfLonger([1, 1], [1, 1]) >= 0.5, true);
});

Deno.test("probabilityOfLonger() is a probability, and not small both ways", () => {
  const numbers = fc.array(fc.integer({ min: 0, max: 50 }), { minLength: 1, maxLength: 12 });
  fc.assert(fc.property(numbers, numbers, (a, b) => {
    const [there, back] = [probabilityOfLonger(a, b), probabilityOfLonger(b, a)];
    return there > 0 && there <= 1 && there + back >= 1;
  }));
});

Deno.test("noise of 20% over 500 tests is no regression", () => {
  const { regressed, compared } = findRegressions(suite(500, () => 1));
  assertEquals([regressed.length, compared], [0, 500]);
});

Deno.test("of 500 tests only the three that became slower are found, longest first", () => {
  const { regressed } = findRegressions(
    suite(500, (test, run) => run > 30 && [7, 8, 9].includes(test) ? 1.5 + test / 10 : 1),
  );
  assertEquals(regressed.map(({ id, passes }) => [id, passes]), [
    ["t9", [30, 10]],
    ["t8", [30, 10]],
    ["t7", [30, 10]],
  ]);
  assert(regressed.every(({ p }) => p < 0.0001));
});

Deno.test("a slow machine in the latest runs is no regression, and hides none", () => {
  const machine = (run: number) => run > 30 ? 3 : 1;
  assertEquals(findRegressions(suite(50, (_, run) => machine(run))).regressed, []);
  const { regressed } = findRegressions(
    suite(50, (test, run) => machine(run) * (test === 5 && run > 30 ? 2 : 1)),
  );
  assertEquals(regressed.map(({ id }) => id), ["t5"]);
});

Deno.test("faster tests, tests with few passes and tiny changes are not reported", () => {
  const faster = suite(1, (_, run) => run > 30 ? 0.5 : 1);
  assertEquals(findRegressions(faster).regressed, []);
  const tiny = suite(1, (_, run) => run > 30 ? 0.02 : 0.01);
  assertEquals(findRegressions(tiny).regressed, []);
  const few = new Map([["t", suite(1, (_, run) => run > 35 ? 9 : 1).get("t0")!.slice(0, 9)]]);
  assertEquals(findRegressions(few), { regressed: [], compared: 0, tooFew: 1 });
});
