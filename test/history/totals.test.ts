import { totalsOf, totalsText } from "../../lib/history/totals.ts";
import { assertEquals } from "../assert.ts";

const DURATIONS = new Map([
  ["tests/test_rpc.py::test_a", 1],
  ["tests/test_rpc.py::test_a[x]", 2],
  ["tests/test_rpc.py::test_ab", 4],
  ["tests/test_rpc.py.bak::test_a", 100],
  ["tests/ipc/test_b.py::TestB::test_b", 8],
  ["tests/ipcx/test_b.py::test_b", 100],
]);

Deno.test("totalsOf() counts each test of its targets once, by whole names", () => {
  const seconds = (...targets: string[]) => totalsOf(DURATIONS, targets)?.seconds ?? null;
  assertEquals(seconds("tests/ipc/"), 8);
  assertEquals(seconds("tests/test_rpc.py"), 7);
  assertEquals(seconds("tests/test_rpc.py::test_a"), 3);
  assertEquals(seconds("tests/test_rpc.py::test_a[x]"), 2);
  assertEquals(seconds("tests/ipc/test_b.py::TestB"), 8);
  assertEquals(seconds("tests/test_rpc.py", "tests/test_rpc.py::test_a", "tests/ipc/"), 15);
  assertEquals(seconds("./"), 215);
  assertEquals(seconds("tests/gone.py"), null);
});

Deno.test("totalsText() is empty for null", () => {
  assertEquals([
    totalsText({ tests: 1, seconds: 0.5 }),
    totalsText({ tests: 12, seconds: 34.56 }),
    totalsText(null),
  ], [
    "1 test, 0.50 s",
    "12 tests, 34.6 s",
    "",
  ]);
});
