import fc from "fast-check";
import { blocksOf } from "../../lib/run/blocks.ts";
import { longestFirst, predict } from "../../lib/run/schedule.ts";
import { type Block, groupsOf, type Item } from "../../lib/pytest/work.ts";
import { assert, assertEquals } from "../assert.ts";

/** Collected tests: each a group of its own, with the fixtures of the session that it uses. */
function collected(...uses: number[][]): Item[] {
  return uses.map((used, index) => ({ id: `t.py::${index}`, group: `t.py::${index}`, uses: used }));
}

const PARTS = { expected: () => 1000, jobs: 2, asCollected: true, arrange: null } as const;

function numbers(groups: readonly (readonly string[])[]): number[] {
  return groups.flat().map((id) => Number(id.split("::")[1]));
}

Deno.test("groups that share a fixture of the session are one block, in pytest's order", () => {
  const items = collected([], [1], [2], [1], [], [2, 3], [3]);
  const shuffled = groupsOf(items).toReversed();
  const blocks = blocksOf(shuffled, { ...PARTS, items });
  assertEquals(blocks.map(({ groups }) => numbers(groups)), [[2, 5, 6], [1, 3], [0], [4]]);
  assertEquals(blocks.map(({ cuts }) => cuts), [[0, 1, 1], [0, 1], [0], [0]]);
  assertEquals(blocks[0]!.ms, [1000, 1000, 1000]);
});

Deno.test("if asked, blocks come in the order of their groups", () => {
  const items = collected([], [1], [1]);
  const blocks = blocksOf(groupsOf(items), { ...PARTS, items, asCollected: false });
  assertEquals(blocks.map(({ groups }) => numbers(groups)), [[0], [1, 2]]);
});

Deno.test("what runs first comes first in its block too", () => {
  const items = collected([1], [1], [1]);
  const arrange = (groups: readonly (readonly string[])[]) =>
    groups.toSorted((a, b) => Number(b[0] === "t.py::2") - Number(a[0] === "t.py::2"));
  const blocks = blocksOf(groupsOf(items), { ...PARTS, items, arrange });
  assertEquals(blocks.map(({ groups }) => numbers(groups)), [[2, 0, 1]]);
});

/** Milliseconds until the last session ends, if each takes the next block when it is idle. */
function lasts(blocks: readonly Block[], jobs: number): number {
  const busy = Array.from({ length: jobs }, () => 0);
  for (const { ms } of blocks) {
    busy[busy.indexOf(Math.min(...busy))]! += ms.reduce((sum, one) => sum + one, 0);
  }
  return Math.max(...busy);
}

const durations = fc.array(
  fc.oneof(fc.integer({ min: 1, max: 100 }), fc.integer({ min: 1, max: 60_000 })),
  { minLength: 1, maxLength: 300 },
);
const counts = fc.integer({ min: 1, max: 16 });

Deno.test("tests of equal length run in pytest's order, however many sessions share them", () => {
  fc.assert(fc.property(fc.integer({ min: 0, max: 500 }), counts, (count, jobs) => {
    const items = collected(...Array.from({ length: count }, () => []));
    const blocks = blocksOf(groupsOf(items), { ...PARTS, items, jobs });
    assertEquals(numbers(blocks.flatMap(({ groups }) => groups)), [...items.keys()]);
  }));
});

Deno.test("no test ends much later than with the longest first, however long a late one is", () => {
  fc.assert(fc.property(durations, counts, (given, jobs) => {
    const items = collected(...given.map(() => []));
    const groups = groupsOf(items);
    const expected = (id: string) => given[Number(id.split("::")[1])]!;
    const blocks = blocksOf(groups, { ...PARTS, items, jobs, expected });
    const least = predict(longestFirst(groups, expected), jobs, expected);
    assert(lasts(blocks, jobs) <= least * 1.1 + 100, `${lasts(blocks, jobs)} ${least}`);
  }));
});

Deno.test("a long test comes earlier only by as much as it needs", () => {
  const long = 190;
  const items = collected(...Array.from({ length: 200 }, () => []));
  const expected = (id: string) => id === `t.py::${long}` ? 3_000 : 100;
  const blocks = blocksOf(groupsOf(items), { ...PARTS, items, expected });
  const order = numbers(blocks.flatMap(({ groups }) => groups));
  assertEquals(
    order.filter((one) => one !== long),
    [...items.keys()].filter((one) => one !== long),
  );
  const at = order.indexOf(long);
  assert(at > 80 && at < 140, `${at}`);
});

Deno.test("blocks have each test once, and no fixture of the session in two blocks", () => {
  const uses = fc.array(fc.array(fc.integer({ min: 0, max: 9 }), { maxLength: 3 }), {
    maxLength: 30,
  });
  fc.assert(fc.property(uses, (used) => {
    const items = collected(...used);
    const blocks = blocksOf(groupsOf(items), { ...PARTS, items });
    const all = blocks.map(({ groups }) => numbers(groups));
    assertEquals(all.flat().toSorted((a, b) => a - b), used.map((_, index) => index));
    const seen = all.map((ids) => new Set(ids.flatMap((id) => used[id]!)));
    assertEquals(seen.reduce((sum, set) => sum + set.size, 0), new Set(used.flat()).size);
    for (const { ms, cuts, groups } of blocks) {
      assert(cuts[0] === 0 && cuts.length === groups.length && ms.length === groups.length);
    }
  }));
});

Deno.test("--dist of pytest-xdist joins the groups that it keeps together", () => {
  const items: Item[] = [
    { id: "a.py::T::one[x::y]", group: "1" },
    { id: "a.py::two", group: "2", together: "db" },
    { id: "a.py::T::three", group: "3" },
    { id: "b.py::four", group: "4", together: "db" },
    { id: "b.py::five", group: "4" },
  ];
  const joined = (...words: Parameters<typeof groupsOf>) =>
    groupsOf(...words).map((group) => group.map((id) => items.findIndex((one) => one.id === id)));
  assertEquals(joined(items), [[0], [1], [2], [3, 4]]);
  assertEquals(joined(items, "loadfile"), [[0, 1, 2], [3, 4]]);
  assertEquals(joined(items, "loadscope"), [[0, 2], [1], [3, 4]]);
  assertEquals(joined(items, "loadgroup"), [[0], [1, 3, 4], [2]]);
});

Deno.test("what uses a fixture with parameters comes in parts, in pytest's order", () => {
  const items = collected(
    ...Array.from({ length: 8 }, () => [1, -1]),
    ...Array.from({ length: 8 }, () => [2, -1]),
    [9],
    [9],
  );
  const blocks = blocksOf(groupsOf(items).toReversed(), { ...PARTS, items, expected: () => 10 });
  assertEquals(blocks.map(({ groups }) => numbers(groups)), [
    [0, 1],
    [2, 3],
    [4, 5],
    [6, 7],
    [8, 9],
    [10, 11],
    [12, 13],
    [14, 15],
    [16, 17],
  ]);
  const few = collected([1, -1], [1, -1], [2, -1], ...Array.from({ length: 20 }, () => []));
  const parts = blocksOf(groupsOf(few), { ...PARTS, items: few });
  assertEquals(parts.slice(0, 2).map(({ groups }) => numbers(groups)), [[0, 1], [2]]);
});
