import {
  flakyVerdict,
  knownFlaky,
  listedFlaky,
  type Said,
  timingError,
} from "../../lib/flaky/rules.ts";
import { KNOWN_FLAKY } from "../../lib/project/known_flaky.ts";
import { assert, assertEquals, assertIncludes } from "../assert.ts";
import { IDS, RESULTS } from "../pytest/suite.ts";

/** A failure with errors of these classes, which says only their names unless it is given more. */
const said = (errors: string[], message = errors[0] ?? ""): Said => ({ errors, message });
const known = (id: string, failure: Said) => knownFlaky(id, failure, KNOWN_FLAKY)?.row.test;
const NOTHING = { related: null, loaded: null, record: null, registryHeld: false };

Deno.test("knownFlaky() matches each row by the failure that the recipe describes", () => {
  const cases: [string, Said][] = [
    [
      "tests/devx/test_debugger.py::" +
      "test_multi_nested_subactors_error_through_nurseries[ctl-c=False]",
      said(["pexpect.exceptions.TIMEOUT"], "pexpect.exceptions.TIMEOUT: Timeout exceeded."),
    ],
    [
      "tests/test_cancellation.py::test_cancel_via_SIGINT_other_task[start_method=trio]",
      said(["trio.TooSlowError"]),
    ],
    [
      "tests/test_inter_peer_cancellation.py::" +
      "test_peer_spawns_and_cancels_service_subactor[0.5-None]",
      said(["ExceptionGroup", "tractor._exceptions.ActorTooSlowError"]),
    ],
    [
      "tests/test_docs_examples.py::test_example[we_are_processes.py]",
      said(["AssertionError"], "E   assert None == 0"),
    ],
  ];
  assertEquals(
    cases.map(([id, failure]) => known(id, failure)),
    KNOWN_FLAKY.map((row) => row.test),
  );
});

Deno.test("knownFlaky() finds the file wherever it lives below the tests", () => {
  const id = "test_cancellation.py::test_cancel_via_SIGINT_other_task";
  const slow = said(["trio.TooSlowError"]);
  for (const place of ["", "tests/", "tests/deep/er/", "suite/"]) {
    assert(known(place + id, slow), place);
  }
  assertEquals(
    known("tests/test_cancellation_more.py::test_cancel_via_SIGINT_other_task", slow),
    undefined,
  );
  assertEquals(
    known("tests/my_test_cancellation.py::test_cancel_via_SIGINT_other_task", slow),
    undefined,
  );
});

Deno.test("fault 74: knownFlaky() needs the error class of the row, not only the test", () => {
  const id = "tests/test_cancellation.py::test_cancel_via_SIGINT_other_task[start_method=trio]";
  assertEquals(known(id, said(["AssertionError"])), undefined);
  assertEquals(
    known(id, said(["AssertionError"], "AssertionError: expected a TooSlowError, got nothing")),
    undefined,
  );
  assertEquals(known(id, said(["ExceptionGroup", "trio.TooSlowError", "ValueError"])), undefined);
  assertEquals(
    known(
      "tests/devx/test_debugger.py::test_multi_nested_subactors_error_through_nurseries",
      said(["OSError"], "TIMEOUT"),
    ),
    undefined,
  );
  assertEquals(listedFlaky(id, KNOWN_FLAKY)?.notes, "signal handling race");
  assertEquals(known("tests/test_rpc.py::test_x", said(["trio.TooSlowError"])), undefined);
});

Deno.test("knownFlaky() compares brackets if the row has them, and texts in messages", () => {
  assertEquals(
    known(
      "tests/test_docs_examples.py::test_example[rpc.py]",
      said(["AssertionError"], "assert None == 0"),
    ),
    undefined,
  );
  const rows = [{ test: "test_a.py::T::t[a::b/c]", error: "gave up", notes: "n" }];
  const failure = said(["RuntimeError"], "RuntimeError: it gave up");
  assert(knownFlaky("tests/x/test_a.py::T::t[a::b/c]", failure, rows));
  assertEquals(knownFlaky("tests/x/test_a.py::T::t[a::b]", failure, rows), null);
  assertEquals(knownFlaky("tests/x/test_a.py::t[a::b/c]", failure, rows), null);
});

Deno.test("every row of the known-flaky list names real tests", () => {
  for (const row of KNOWN_FLAKY) assert(IDS.some((id) => listedFlaky(id, [row])), row.test);
});

Deno.test("flakyVerdict() of a real serial run: list, rule of thumb, other failures", () => {
  const failures = RESULTS.filter((result) =>
    result.outcome === "failed" || result.outcome === "error"
  );
  const kinds = { known: 0, timing: 0, none: 0 };
  for (const { id, error } of failures) {
    kinds[flakyVerdict(id, said([], error), KNOWN_FLAKY, NOTHING)?.kind ?? "none"]++;
  }
  assertEquals(failures.length, 27);
  assertEquals(kinds, { known: 4, timing: 14, none: 9 });
});

Deno.test("flakyVerdict() of a changed test is flaky only if the list has the error", () => {
  const related = { file: "tractor/ipc/_chan.py", because: "x" };
  const [slow, slowActor] = [
    said(["trio.TooSlowError"]),
    said(["tractor._exceptions.ActorTooSlowError"]),
  ];
  assertEquals(
    flakyVerdict("tests/ipc/test_server.py::t", slow, KNOWN_FLAKY, { ...NOTHING, related }),
    null,
  );
  const timing = flakyVerdict("tests/ipc/test_server.py::t", slowActor, KNOWN_FLAKY, NOTHING);
  assertEquals(timing?.kind, "timing");
  assertIncludes(timing!.reason, "ActorTooSlowError in a code path that no current change touches");
  assertIncludes(timing!.reason, "no earlier run proves it");
  const loaded = flakyVerdict("tests/ipc/test_server.py::t", slow, KNOWN_FLAKY, {
    ...NOTHING,
    loaded: "tractor/log.py",
  });
  assertIncludes(
    loaded!.reason,
    "no change is in its traceback or asked for by its imports " +
      "(tractor/log.py is only loaded with the rest)",
  );
  assert(!loaded!.reason.includes("no current change touches"));
  const listed = flakyVerdict(
    "tests/test_cancellation.py::test_cancel_via_SIGINT_other_task",
    slow,
    KNOWN_FLAKY,
    { ...NOTHING, related },
  );
  assertEquals(listed?.kind, "known");
});

Deno.test(
  "fault 74: a test that always failed is not flaky, and none is while the registry is " +
    "held",
  () => {
    const [id, slow] = ["tests/ipc/test_server.py::t", said(["trio.TooSlowError"])];
    const record = {
      id,
      trials: 4,
      failures: 4,
      contradictions: 0,
      recoveries: 0,
      streak: 4,
      strained: 0,
    };
    assertEquals(flakyVerdict(id, slow, KNOWN_FLAKY, { ...NOTHING, record }), null);
    assertEquals(
      flakyVerdict(id, slow, KNOWN_FLAKY, { ...NOTHING, record: { ...record, failures: 3 } })?.kind,
      "timing",
    );
    assertEquals(
      flakyVerdict(id, slow, KNOWN_FLAKY, {
        ...NOTHING,
        record: { ...record, trials: 0, failures: 0 },
      })?.kind,
      "timing",
    );
    assertEquals(flakyVerdict(id, slow, KNOWN_FLAKY, { ...NOTHING, registryHeld: true }), null);
    const listed = "tests/test_cancellation.py::test_cancel_via_SIGINT_other_task";
    assertEquals(flakyVerdict(listed, slow, KNOWN_FLAKY, { ...NOTHING, registryHeld: true }), null);
  },
);

Deno.test(
  "fault 74: a missed limit is recognized by its error class, if there is no other " +
    "error",
  () => {
    const timing = (errors: string[], message?: string) => timingError(said(errors, message));
    assertEquals(
      timing(["tractor._exceptions.ActorTooSlowError"]),
      "tractor._exceptions.ActorTooSlowError",
    );
    assertEquals(timing(["pexpect.exceptions.TIMEOUT"]), "pexpect.exceptions.TIMEOUT");
    assertEquals(timing(["trio._core._run.TooSlowError"]), "trio._core._run.TooSlowError");
    assertEquals(
      timing(["ExceptionGroup", "trio.TooSlowError", "trio.Cancelled"]),
      "trio.TooSlowError",
    );
    const relayed = [
      "tractor._exceptions.RemoteActorError",
      "trio.TooSlowError",
      "tractor._exceptions.MessagingError",
    ];
    assertEquals(timing(relayed), "trio.TooSlowError");
    assertEquals(timing(["ExceptionGroup", "trio.TooSlowError", "ValueError"]), null);
    assertEquals(timing([...relayed, "NoWords"]), null);
    assertEquals(timing(["tractor._exceptions.RemoteActorError"]), null);
    assertEquals(timing(["AssertionError", "trio.TooSlowError"]), null);
    assertEquals(
      timing(["AssertionError"], "AssertionError: no TooSlowError, pexpect.TIMEOUT"),
      null,
    );
    assertEquals(timing(["my_app.TooSlowError"]), null);
    assertEquals(timing(["tractor._exceptions.StreamOverrun"]), null);
    // Of a worker of pytest-xdist only the message is known.
    assertEquals(timing([], "trio.TooSlowError"), "trio.TooSlowError");
    assertEquals(
      timing([], "pexpect.exceptions.TIMEOUT: Timeout exceeded.\nbuffer"),
      "pexpect.exceptions.TIMEOUT",
    );
    assertEquals(timing([], "ExceptionGroup: trio.TooSlowError (2 sub-exceptions)"), null);
    assertEquals(timing([], "assert trio.TooSlowError"), null);
  },
);
