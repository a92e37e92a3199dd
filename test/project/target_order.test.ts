import { withoutContained } from "../../lib/project/target_order.ts";
import { assertEquals } from "../assert.ts";

Deno.test("withoutContained() keeps a target only once, however it is spelled", () => {
  assertEquals(withoutContained(["tests/ipc/test_a.py", "tests/ipc/", "tests/test_b.py"]), [
    "tests/ipc/",
    "tests/test_b.py",
  ]);
  assertEquals(withoutContained(["tests/test_b.py", "tests/"]), ["tests/"]);
  assertEquals(withoutContained(["tests/ipc/", "tests/ipcx/"]), ["tests/ipc/", "tests/ipcx/"]);
});
