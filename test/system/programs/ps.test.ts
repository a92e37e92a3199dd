import fc from "fast-check";
import { parseProcessList } from "../../../lib/system/programs/ps.ts";
import { assertEquals } from "../../assert.ts";

Deno.test("rows of the process list are read, with arguments as they are", () => {
  const text = "      1       0     0 Ss   /sbin/init splash\n" +
    "  14911       1  1000 Sl+  _subactor[w0@14911]\n" +
    " 9 2 0 I<   [kworker/0:1-events]\n 10 1 0 Z    [python] <defunct>\n";
  assertEquals(parseProcessList(text), {
    processes: [
      { pid: 1, ppid: 0, uid: 0, state: "S", args: "/sbin/init splash" },
      { pid: 14911, ppid: 1, uid: 1000, state: "S", args: "_subactor[w0@14911]" },
      { pid: 9, ppid: 2, uid: 0, state: "I", args: "[kworker/0:1-events]" },
      { pid: 10, ppid: 1, uid: 0, state: "Z", args: "[python] <defunct>" },
    ],
    rejected: 0,
  });
});

Deno.test("a row may have an empty title, but needs numbers", () => {
  assertEquals(parseProcessList("  5     1     0 S\n  6     1     0 S    \nx 1 0 S y\n"), {
    processes: [{ pid: 5, ppid: 1, uid: 0, state: "S", args: "" }, {
      pid: 6,
      ppid: 1,
      uid: 0,
      state: "S",
      args: "",
    }],
    rejected: 1,
  });
});

Deno.test("the list of this machine is read without a row that is rejected", async () => {
  const { stdout } = await new Deno.Command("ps", {
    args: ["-eo", "pid=,ppid=,uid=,stat=,args="],
    env: { LC_ALL: "C" },
  }).output();
  const { processes, rejected } = parseProcessList(new TextDecoder().decode(stdout));
  assertEquals(rejected, 0);
  assertEquals(processes.filter((row) => row.pid === Deno.pid).length, 1);
});

Deno.test("arbitrary text never breaks the parser, and no line of it is lost silently", () => {
  fc.assert(fc.property(fc.string({ unit: "binary", maxLength: 300 }), (text) => {
    const lines = text.split("\n").length - (text.endsWith("\n") || text === "" ? 1 : 0);
    const { processes, rejected } = parseProcessList(text);
    assertEquals(processes.length + rejected, lines);
  }));
});
