import { Forest } from "../../lib/processes/forest.ts";
import { assertEquals } from "../assert.ts";

const rows = [[1, 0], [10, 1], [11, 10], [12, 10], [13, 11], [20, 99]].map(([pid, ppid]) => ({
  pid: pid!,
  ppid: ppid!,
}));

Deno.test("a forest names the processes above and below one, the nearest first", () => {
  const forest = new Forest(rows);
  assertEquals(forest.ancestorsOf(13), [11, 10, 1]);
  assertEquals(forest.descendantsOf(10), [11, 12, 13]);
  assertEquals([forest.ancestorsOf(20), forest.ancestorsOf(4711)], [[99], []]);
  assertEquals([forest.descendantsOf(13), forest.descendantsOf(4711)], [[], []]);
});

Deno.test("a forest names several processes and all above or below them once", () => {
  const forest = new Forest(rows);
  assertEquals(forest.withAncestors([13, 12]), [13, 11, 10, 1, 12]);
  assertEquals(forest.withDescendants([11, 10]), [11, 13, 10, 12]);
});

Deno.test("a loop among parents ends", () => {
  const forest = new Forest([{ pid: 1, ppid: 2 }, { pid: 2, ppid: 1 }]);
  assertEquals([forest.ancestorsOf(1), forest.descendantsOf(1)], [[2], [2]]);
});
