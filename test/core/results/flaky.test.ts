import { flakyVerdict, knownFlaky, listedFlaky, timingError } from "../../../lib/core/results/flaky.ts";
import { KNOWN_FLAKY } from "../../../lib/tables/known_flaky.ts";
import { assert, assertEquals, assertIncludes } from "../../assert.ts";
import { IDS, RESULTS } from "../suite.ts";

const known = (id: string, text: string) => knownFlaky(id, text, KNOWN_FLAKY)?.row.test;

Deno.test("knownFlaky() matches each row in the way that the recipe says it fails", () => {
  const cases: [string, string][] = [
    [
      "tests/devx/test_debugger.py::test_multi_nested_subactors_error_through_nurseries[ctl-c=False]",
      "pexpect.exceptions.TIMEOUT: Timeout exceeded.",
    ],
    ["tests/test_cancellation.py::test_cancel_via_SIGINT_other_task[start_method=trio]", "trio.TooSlowError"],
    ["tests/test_inter_peer_cancellation.py::test_peer_spawns_and_cancels_service_subactor[0.5-None]", "tractor._exceptions.ActorTooSlowError"],
    ["tests/test_docs_examples.py::test_example[we_are_processes.py]", "E   assert None == 0"],
  ];
  assertEquals(cases.map(([id, text]) => known(id, text)), KNOWN_FLAKY.map((row) => row.test));
});

Deno.test("knownFlaky() finds the file wherever it lives below the tests", () => {
  const id = "test_cancellation.py::test_cancel_via_SIGINT_other_task";
  for (const place of ["", "tests/", "tests/deep/er/", "suite/"]) assert(known(place + id, "TooSlowError"), place);
  assertEquals(known("tests/test_cancellation_more.py::test_cancel_via_SIGINT_other_task", "TooSlowError"), undefined);
  assertEquals(known("tests/my_test_cancellation.py::test_cancel_via_SIGINT_other_task", "TooSlowError"), undefined);
});

Deno.test("knownFlaky() needs the row's error: the same test that fails in another way is no known failure", () => {
  const id = "tests/test_cancellation.py::test_cancel_via_SIGINT_other_task[start_method=trio]";
  assertEquals(knownFlaky(id, "AssertionError", KNOWN_FLAKY), null);
  assertEquals(listedFlaky(id, KNOWN_FLAKY)?.notes, "signal handling race");
  assertEquals(knownFlaky("tests/test_rpc.py::test_x", "trio.TooSlowError", KNOWN_FLAKY), null);
});

Deno.test("knownFlaky() compares brackets only where the row has them", () => {
  assertEquals(known("tests/test_docs_examples.py::test_example[rpc.py]", "assert None == 0"), undefined);
  const rows = [{ test: "test_a.py::T::t[a::b/c]", error: "E", notes: "n" }];
  assert(knownFlaky("tests/x/test_a.py::T::t[a::b/c]", "E", rows));
  assertEquals(knownFlaky("tests/x/test_a.py::T::t[a::b]", "E", rows), null);
  assertEquals(knownFlaky("tests/x/test_a.py::t[a::b/c]", "E", rows), null);
});

Deno.test("every row of the known-flaky list names real tests", () => {
  for (const row of KNOWN_FLAKY) assert(IDS.some((id) => listedFlaky(id, [row])), row.test);
});

Deno.test("flakyVerdict() of a real serial run: the list, the rule of thumb, and what deserves a look", () => {
  const failures = RESULTS.filter((result) => result.outcome === "failed" || result.outcome === "error");
  const kinds = { known: 0, timing: 0, none: 0 };
  for (const { id, error } of failures) kinds[flakyVerdict(id, error, KNOWN_FLAKY, null)?.kind ?? "none"]++;
  assertEquals(failures.length, 27);
  assertEquals(kinds, { known: 4, timing: 14, none: 9 });
});

Deno.test("flakyVerdict() does not call a missed time limit flaky when a change bears on the test, unless the list has it", () => {
  const related = { file: "tractor/ipc/_chan.py", because: "x" };
  assertEquals(flakyVerdict("tests/ipc/test_server.py::t", "trio.TooSlowError", KNOWN_FLAKY, related), null);
  const timing = flakyVerdict("tests/ipc/test_server.py::t", "tractor._exceptions.ActorTooSlowError", KNOWN_FLAKY, null);
  assertEquals(timing?.kind, "timing");
  assertIncludes(timing!.reason, "ActorTooSlowError in a code path that no current change touches");
  const listed = flakyVerdict("tests/test_cancellation.py::test_cancel_via_SIGINT_other_task", "TooSlowError", KNOWN_FLAKY, related);
  assertEquals(listed?.kind, "known");
});

Deno.test("timingError() names the error in full", () => {
  assertEquals(timingError("E  tractor._exceptions.ActorTooSlowError: x"), "ActorTooSlowError");
  assertEquals(timingError("pexpect.exceptions.TIMEOUT: Timeout exceeded"), "pexpect.exceptions.TIMEOUT");
  assertEquals(timingError("AssertionError"), null);
});
