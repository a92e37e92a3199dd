import { agentReport } from "../../lib/run/agent_report.ts";
import { groupByCause, reasonOf } from "../../lib/run/rules_cause.ts";
import type { JudgedFailure } from "../../lib/run/show_failures.ts";
import { assert, assertEquals, assertIncludes } from "../assert.ts";
import fc from "fast-check";

function failure(id: string, message: string, where: string | null, more = {}): JudgedFailure {
  return {
    id,
    phase: "call",
    message,
    where,
    traceback: `${where}: in test\nE   ${message}`,
    errors: [message.split(":")[0]!],
    known: null,
    isListed: false,
    related: null,
    record: null,
    ...more,
  };
}

Deno.test("failures are alike by class and reason, assertions by their place too", () => {
  const refused = (port: number, line: number) =>
    failure(`t.py::a${port}`, `ConnectionRefusedError: to port ${port}`, `t.py:${line}`);
  const failures = [
    refused(1, 10),
    failure("t.py::b", "AssertionError: assert 1 == 2", "t.py:20"),
    refused(2, 11),
    failure("t.py::c", "AssertionError: assert 1 == 2", "t.py:30"),
    failure("t.py::d", "AssertionError: assert 3 == 4", "t.py:30"),
  ];
  const ids = groupByCause(failures).map((group) => group.map(({ id }) => id.slice(6)).join(""));
  assertEquals(ids, ["a1a2", "b", "cd"]);
});

Deno.test("failures that came through processes are alike by the original error", () => {
  const remote = (actor: string, error: string) =>
    failure(
      `t.py::${actor}`,
      `RemoteActorError: ${actor}\nTraceback (most recent call last):\n` +
        `  File "a.py", line 1, in f\n${error}`,
      "t.py:1",
    );
  const failures = [
    remote("a", "ValueError: port 1"),
    remote("b", "ValueError: port 2"),
    remote("c", "OSError: port 2"),
    failure("t.py::d", "RemoteActorError: gone", "t.py:1"),
    failure("t.py::e", "RemoteActorError: gone", "t.py:1"),
  ];
  const ids = groupByCause(failures).map((group) => group.map(({ id }) => id.slice(6)).join(""));
  assertEquals(ids, ["ab", "c", "d", "e"]);
});

Deno.test("the reason of a failure that came through processes is the original error", () => {
  const message = "RemoteActorError: child failed\nTraceback (most recent call last):\n" +
    '  File "a.py", line 1, in f\nValueError: too small';
  assertEquals(reasonOf({ message }), "ValueError: too small");
});

Deno.test("the original error is found although the beginning of its traceback was cut out", () => {
  const message =
    "RemoteActorError: child failed\n  + Exception Group Traceback (most recent call last):\n" +
    '  |   File "a.py", line 1, in f\n…\n    |     raise it\n    |   File "b.py", line 2, in g' +
    "\n    |     raise it\n    | socket.gaierror: unknown name\n    +------------------";
  assertEquals(reasonOf({ message }), "socket.gaierror: unknown name");
});

const FAILURES = fc.array(
  fc.record({
    kind: fc.nat(3),
    words: fc.nat(60),
    output: fc.nat(30),
  }),
  { maxLength: 40 },
).map((drawn) =>
  drawn.map(({ kind, words, output }, index) => {
    const message = `Error${kind}: ${"word ".repeat(words)}`;
    const more = { output: "line\n".repeat(output) };
    return failure(`t.py::test_${index}`, message, `t.py:${kind}`, more);
  })
);

Deno.test("a report for agents keeps to its limit, and counts what it leaves out", () => {
  fc.assert(fc.property(FAILURES, fc.integer({ min: 500, max: 5000 }), (failures, limit) => {
    const after = ["LEAK something", `${failures.length} failed in 1.00 s`];
    const lines = agentReport({ failures, byId: new Map(), before: [], after, limit });
    const text = `${lines.join("\n")}\n`;
    assert(text.length <= limit, `${text.length} > ${limit}`);
    assertEquals(lines.at(-1), after.at(-1));
    const shown = lines.filter((line) => line.startsWith("FAILED ")).length;
    const hidden = Number(/(\d+) of \d+ failures/.exec(text)?.[1] ?? 0);
    assertEquals(shown + hidden, failures.length);
    assertEquals(text.includes("--limit"), hidden > 0);
  }));
});

Deno.test("foreign text in a report for agents is escaped", () => {
  const lines = agentReport({
    failures: [failure("t.py::\x1b[31m", "Error: \x1b]0;title\x07", "t.py:1")],
    byId: new Map(),
    before: [],
    after: ["1 failed"],
    limit: 8000,
  });
  assertIncludes(lines.join("\n"), "t.py::");
  // deno-lint-ignore no-control-regex
  assert(!/[\x00-\x09\x0b-\x1f]/.test(lines.join("\n")));
});

Deno.test("of a traceback an agent sees where it failed and why, not the source around", () => {
  const source = Array.from({ length: 30 }, (_, index) => `    line ${index} of a library`);
  const traceback = [
    "    def test_a():",
    ">       connect()",
    "tests/test_a.py:3: ",
    ...source,
    ">       raise TooSlow()",
    "E       lib.TooSlow: 3 s",
    "lib/slow.py:40: TooSlow",
  ].join("\n");
  const failures = [failure("t.py::test_a", "lib.TooSlow: 3 s", "t.py:3", { traceback })];
  const view = { failures, byId: new Map(), before: [], after: ["end"], limit: 8000 };
  const lines = agentReport(view);
  assertEquals(lines.slice(1, -2).map((line) => line.trim()), [
    ">       connect()",
    "tests/test_a.py:3:",
    ">       raise TooSlow()",
    "E       lib.TooSlow: 3 s",
    "lib/slow.py:40: TooSlow",
  ]);
});
