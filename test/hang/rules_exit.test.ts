import { judgeHang } from "../../lib/hang/rules.ts";
import { assertEquals, assertIncludes } from "../assert.ts";
import { CALL, child, PIPE, pytest, scene, thread } from "./scenes.ts";

const POLL = 7;
const over = { session: { exitStatus: 0, leftBy: new Map([[7, "tests/a.py::t"]]) } };

Deno.test("a pool that waits for its worker at exit shows that worker by its pipe", () => {
  const pool = (timeout: number, writers: readonly number[]) => {
    const threads = [thread(8, CALL.futex, [0, 0, 0, 0]), thread(9, POLL, [1, 2, timeout])];
    const files = [{ fd: 5, reads: true, writes: false, target: PIPE }];
    const ends = writers.map((pid) => ({ pid, reads: false, writes: true }));
    const pipes = new Map([[PIPE, ends]]);
    return judgeHang(scene([pytest(threads, { files }), child()], { ...over, pipes }));
  };
  const { verdict, evidence } = pool(2 ** 32 - 1, [7]);
  assertEquals(verdict, "exit-waits-for-child");
  assertIncludes(evidence.join("\n"), `in poll (it alone holds the write end of ${PIPE})`);
  assertIncludes(evidence.join("\n"), "left by tests/a.py::t");
  assertEquals(pool(500, [7]).verdict, "no-verdict", "it will wake up by itself");
  assertEquals(pool(2 ** 32 - 1, [7, 8]).verdict, "no-verdict", "others write there too");
});
