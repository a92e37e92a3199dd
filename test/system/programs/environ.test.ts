import { startedBy, testIdOf } from "../../../lib/base/cookie.ts";
import { parseMarks, readMarks } from "../../../lib/system/programs/environ.ts";
import { assertEquals, assertIncludes } from "../../assert.ts";
import { Scene } from "../../leaks/scene.ts";

const END = "/proc/self/environ:TRACTEST_RUN=whole\0";
const of = (pid: number, text: string) => `/proc/${pid}/environ:${text}\0`;

Deno.test("marks are read by pid; truncated or unrequested output is ignored", () => {
  const text = of(7, "PYTEST_CURRENT_TEST=tests/test a.py::t[x\ny: \u2028] (call)") +
    of(7, "TRACTEST_RUN=20260801-101010-ab12") +
    of(9, "TRACTEST_RUN=r-1");
  assertEquals([...parseMarks(text + END, [7, 8, 9])!], [
    [7, { runId: "20260801-101010-ab12", test: "tests/test a.py::t[x\ny: \u2028]" }],
    [9, { runId: "r-1", test: null }],
  ]);
  assertEquals([...parseMarks(END, [7])!], []);
  for (
    const wrong of [
      "",
      text,
      text + END.slice(0, -1),
      text.slice(0, -1) + END,
      `x\0${END}`,
      of(10, "TRACTEST_RUN=r") + END,
    ]
  ) {
    assertEquals(parseMarks(wrong, [7, 8, 9]), null, JSON.stringify(wrong));
  }
});

Deno.test("foreign values, and the words inside another variable, mark nothing", () => {
  const odd = [
    "TRACTEST_RUN=",
    "TRACTEST_RUN=../../x",
    `TRACTEST_RUN=${"x".repeat(65)}`,
    "PYTEST_CURRENT_TEST=",
    "PYTEST_CURRENT_TEST=mine",
  ];
  assertEquals([
    ...parseMarks(odd.map((text) => of(7, text)).join("") + of(7, "A=b\nTRACTEST_RUN=r") + END, [
      7,
    ])!,
  ], []);
  const twice = of(7, "TRACTEST_RUN=first") + of(7, "TRACTEST_RUN=second");
  assertEquals(parseMarks(twice + END, [7])!.get(7)?.runId, "first", "as getenv has it");
});

Deno.test("a test is named by pytest's id, whatever its name contains", () => {
  assertEquals(testIdOf("tests/test_a.py::test_a (call)"), "tests/test_a.py::test_a");
  assertEquals(testIdOf("a.py::t[(call)] (setup)"), "a.py::t[(call)]");
  assertEquals(testIdOf("a.py::t"), null);
});

Deno.test("the test of a fork server's child is unknown", () => {
  const mark = { runId: null, test: "a.py::first" };
  assertEquals(
    startedBy(mark, "python -c from multiprocessing.forkserver import main; main(7)"),
    null,
  );
  assertEquals(
    startedBy(mark, "python -c from tractor._forkserver_override import main; main(7)"),
    null,
  );
  assertEquals(
    startedBy(mark, "python -c from multiprocessing.spawn import spawn_main; spawn_main()"),
    "a.py::first",
  );
});

Deno.test("unreadable and vanished processes have no marks", async () => {
  await using scene = await Scene.make();
  const env = { TRACTEST_RUN: "r-1", PYTEST_CURRENT_TEST: "t/a.py::b (teardown)" };
  const [marked, plain] = [await scene.actor({ env }), await scene.actor()];
  const { rows, failure } = await readMarks(scene.host, [marked, plain, 1, 4_000_000], "a test");
  assertEquals([[...rows], failure], [[[marked, { runId: "r-1", test: "t/a.py::b" }]], null]);
  assertEquals((await readMarks(scene.host, [], "a test")).rows.size, 0);
  scene.host.instead = (program) =>
    program === "grep"
      ? { code: 2, stderr: new TextEncoder().encode("grep: unknown option -- z\n") }
      : null;
  assertIncludes((await readMarks(scene.host, [marked], "a test")).failure ?? "", "can't be read");
});

Deno.test("variables inside a terminal multiplexer that a test started mark nothing", () => {
  const server = of(7, "TRACTEST_RUN=r-1");
  const typed = of(8, "TRACTEST_RUN=r-1") + of(8, "TMUX=/tmp/tmux-0/default,7,0");
  const inScreen = of(9, "STY=7.pts-0.host") + of(9, "PYTEST_CURRENT_TEST=a.py::t (call)");
  assertEquals([...parseMarks(server + typed + inScreen + END, [7, 8, 9])!.keys()], [7]);
  // A user works in a multiplexer and runs tests there.
  const tests = of(8, "TMUX=/tmp/tmux-0/default,70,0") + of(8, "TRACTEST_RUN=r-1");
  assertEquals([...parseMarks(server + tests + END, [7, 8])!.keys()], [7, 8]);
});
