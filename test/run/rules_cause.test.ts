import { failureOf } from "../../lib/pytest/failure.ts";
import type { Attempt, TestResult } from "../../lib/pytest/results.ts";
import { alike, failedAgain, needsOtherMachine } from "../../lib/run/rules_cause.ts";
import { assertEquals } from "../assert.ts";

/** A test that failed with these messages, one after the other. */
function failed(id: string, messages: readonly string[], seconds = 1, ended = false): TestResult {
  const attempts = messages.map((message) => {
    const failure = failureOf({ id, message, errors: [message.split(":")[0]!] }, "call");
    return { failure, ended: ended ? "timeout" : null } as Attempt;
  });
  return { id, attempts, seconds } as unknown as TestResult;
}

Deno.test("the shortest of three failures with one cause stands for the others", () => {
  const broken = [3, 1, 2].map((seconds) =>
    failed(`t.py::b${seconds}`, [`OSError: disk ${seconds}`], seconds)
  );
  const others = [failed("t.py::c", ["ValueError: no"]), failed("t.py::d", ["ValueError: no"])];
  const groups = alike([broken[0]!, others[0]!, broken[1]!, others[1]!, broken[2]!]);
  assertEquals(groups.map(({ first }) => first.id), ["t.py::b1"]);
  assertEquals(groups[0]!.others.map(({ id }) => id), ["t.py::b3", "t.py::b2"]);
});

Deno.test("tests that were ended stand for no others, nor do failures without an error", () => {
  const three = [1, 2, 3];
  assertEquals(alike(three.map((n) => failed(`t.py::a${n}`, ["E: x"], 1, true))), []);
  assertEquals(alike(three.map((n) => failed(`t.py::a${n}`, [""]))), []);
});

Deno.test("a test has failed again if its last two failures have one cause", () => {
  assertEquals(failedAgain(failed("t.py::a", ["E: port 1", "E: port 2"])), true);
  assertEquals(failedAgain(failed("t.py::a", ["E: port 1", "F: port 1"])), false);
  assertEquals(failedAgain(failed("t.py::a", ["E: port 1"])), false);
});

Deno.test("an unknown host name and an unreachable network need another machine", () => {
  const needs = (message: string, ...errors: string[]) =>
    needsOtherMachine(failureOf({ id: "t.py::a", message, errors }, "call"));
  const unknown = "socket.gaierror: [Errno -2] Name or service not known";
  assertEquals(needs(unknown, "socket.gaierror"), true);
  assertEquals(needs("OSError: [Errno 101] Network is unreachable", "OSError"), true);
  const remote = `tractor.RemoteActorError: ('a', 'b')\nTraceback (most recent call last):\n` +
    `  File "a.py", line 1, in main\n${unknown}\n`;
  assertEquals(needs(remote, "tractor.RemoteActorError"), true);
  // These may have another cause.
  assertEquals(needs("OSError: [Errno 98] Address already in use", "OSError"), false);
  assertEquals(needs("ConnectionRefusedError: [Errno 111] refused", "OSError"), false);
  assertEquals(needs("AssertionError: assert '[Errno -2]' in x", "AssertionError"), false);
  assertEquals(needs("TooSlowError: [Errno -21]", "TooSlowError"), false);
});
