import fc from "fast-check";
import {
  cutText,
  expectation,
  type Expected,
  longestFirst,
  lowerBound,
  partition,
  predict,
} from "../../lib/run/schedule.ts";
import type { Group } from "../../lib/pytest/work.ts";
import { assert, assertEquals } from "../assert.ts";

/** Groups with ids of their own, and what each test takes. */
const suites = fc.array(
  fc.array(fc.double({ min: 0, max: 60, noNaN: true }), { minLength: 1, maxLength: 5 }),
  { maxLength: 40 },
)
  .map((groups) => {
    const seconds = new Map<string, number>();
    const named = groups.map((group, file) =>
      group.map((value, index) => {
        const id = `tests/test_${file % 7}.py::test_${file}[${index}]`;
        seconds.set(id, value);
        return id;
      })
    );
    return { groups: named as Group[], known: (id: string) => seconds.get(id) };
  });
const suitesInTwoOrders = suites.chain(({ groups, known }) =>
  fc.shuffledSubarray(groups, { minLength: groups.length, maxLength: groups.length }).map((
    shuffled,
  ) => ({ groups, shuffled, known }))
);
const counts = fc.integer({ min: 1, max: 60 });

function expectedOf(
  { groups, known }: { groups: readonly Group[]; known: (id: string) => number | undefined },
): Expected {
  return expectation(groups.flat(), known);
}

Deno.test(
  "the shards 1 to N are complete and disjoint, for any N, even with fewer tests than " +
    "shards",
  () => {
    fc.assert(fc.property(suites, counts, (suite, count) => {
      const shards = partition(suite.groups, count, expectedOf(suite));
      assertEquals(shards.length, count);
      assertEquals(shards.flat(2).toSorted(), suite.groups.flat().toSorted());
      // A group stays whole.
      assertEquals(
        shards.flat().map((group) => group[0]!).toSorted(),
        suite.groups.map((group) => group[0]!).toSorted(),
      );
    }));
  },
);

Deno.test(
  "a shard does not depend on the order of collection, but keeps that order",
  () => {
    fc.assert(fc.property(suitesInTwoOrders, counts, (suite, count) => {
      const expected = expectedOf(suite);
      const [one, other] = [
        partition(suite.groups, count, expected),
        partition(suite.shuffled, count, expectedOf({ ...suite, groups: suite.shuffled })),
      ];
      assertEquals(
        one.map((shard) => shard.flat().toSorted()),
        other.map((shard) => shard.flat().toSorted()),
      );
      for (const shard of other) {
        assertEquals(
          shard,
          suite.shuffled.filter((group) => shard.includes(group)),
        );
      }
      assertEquals(
        cutText(suite.groups, count, expected),
        cutText(suite.shuffled, count, expected),
      );
    }));
  },
);

Deno.test(
  "the longest shard exceeds the lower bound by at most one group that shares a shard",
  () => {
    fc.assert(fc.property(suites, counts, (suite, count) => {
      const expected = expectedOf(suite);
      const weight = (groups: readonly Group[]) =>
        groups.flat().reduce((sum, id) => sum + expected(id), 0);
      const sorted = longestFirst(suite.groups, expected);
      const longest = Math.max(...partition(suite.groups, count, expected).map(weight));
      const sharing = sorted[count] === undefined ? 0 : weight([sorted[count]]);
      assert(longest >= lowerBound(sorted, count, expected));
      assert(longest <= lowerBound(sorted, count, expected) + sharing * (1 - 1 / count) + 1e-6);
      assertEquals(predict(sorted, count, expected), longest);
    }));
  },
);

Deno.test(
  "LPT stays within 4/3 - 1/3N of the optimum, as found by trying all divisions",
  () => {
    const small = fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 7 });
    fc.assert(fc.property(small, fc.integer({ min: 1, max: 3 }), (weights, count) => {
      const groups = weights.map((_, index) => [`t.py::test_${index}`]);
      const expected = (id: string) => weights[Number(id.split("_")[1])]!;
      let optimum = Infinity;
      for (let way = 0; way < count ** weights.length; way++) {
        const loads = Array.from({ length: count }, () => 0);
        for (
          let index = 0, rest = way;
          index < weights.length;
          index++, rest = Math.floor(rest / count)
        ) loads[rest % count]! += weights[index]!;
        optimum = Math.min(optimum, Math.max(...loads));
      }
      const longest = predict(longestFirst(groups, expected), count, expected);
      assert(
        longest <= (4 / 3 - 1 / (3 * count)) * optimum + 1e-9,
        `${longest} against ${optimum}`,
      );
      assert(lowerBound(groups, count, expected) <= optimum);
    }));
  },
);

Deno.test(
  "a test without a recorded duration is expected to take its file's median, else that " +
    "of all",
  () => {
    const known = new Map([["a.py::x", 1], ["a.py::y", 3], ["b.py::x", 10]]);
    const expected = expectation(
      ["a.py::x", "a.py::y", "a.py::new", "b.py::x", "c.py::new"],
      (id) => known.get(id),
    );
    assertEquals(["a.py::x", "a.py::new", "c.py::new"].map(expected), [1_000, 2_000, 3_000]);
  },
);

Deno.test("without recorded durations shards have equally many tests, if groups allow", () => {
  const groups = Array.from({ length: 10 }, (_, index) => [`a.py::test_${index}`]);
  const shards = partition(groups, 3, expectation(groups.flat(), () => undefined));
  assertEquals(shards.map((shard) => shard.length), [4, 3, 3]);
});
