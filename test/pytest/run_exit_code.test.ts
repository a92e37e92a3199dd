import { timeLimit } from "../../lib/run/settings.ts";
import { readDurations, withDuration } from "../../lib/background/full_runs.ts";
import { asTyped, pasteable } from "../../lib/base/typed_command.ts";
import { collidedWith, collisionText, portsInUse } from "../../lib/pytest/collision.ts";
import { Counter, countsLine } from "../../lib/pytest/counts.ts";
import {
  EventReader,
  EVENTS_SCHEMA,
  parseEvent,
  type PytestEvent,
} from "../../lib/pytest/events.ts";
import { describeLock, readLock } from "../../lib/background/rules_project_lock.ts";
import { type Failure, gist } from "../../lib/pytest/failure.ts";
import { RunModel } from "../../lib/pytest/run_model.ts";
import { nextCommand } from "../../lib/run/next_command.ts";
import { assert, assertEquals, assertIncludes } from "../assert.ts";

function report(
  id: string,
  phase: "setup" | "call" | "teardown",
  outcome: "passed" | "failed" | "skipped",
  category: string,
): PytestEvent {
  return { event: "report", time: 1, id, phase, outcome, category, seconds: 0.1 };
}

function tallyOf(...events: PytestEvent[]): RunModel {
  const tally = new RunModel();
  for (const event of events) tally.apply(event);
  return tally;
}

function failure(id: string, message: string, errors: string[] = []): Failure {
  return { id, phase: "call", message, where: null, traceback: "", errors };
}

Deno.test("counts use pytest's words, and a test may fail in both call and teardown", () => {
  const tally = tallyOf(
    { event: "test-start", time: 1, id: "a" },
    report("a", "setup", "passed", ""),
    report("a", "call", "failed", "failed"),
    report("a", "teardown", "failed", "error"),
    report("b", "setup", "skipped", "skipped"),
    report("b", "teardown", "passed", ""),
    report("c", "call", "skipped", "xfailed"),
    report("d", "call", "passed", "xpassed"),
    report("e", "call", "passed", "passed"),
    report("f", "call", "failed", "rerun"),
  );
  assertEquals(tally.counts, {
    passed: 1,
    failed: 1,
    skipped: 1,
    errors: 1,
    xfailed: 1,
    xpassed: 1,
    subtestsPassed: 0,
    notRun: 0,
  });
  assertEquals(tally.failures.map((each) => [each.id, each.phase]), [["a", "call"], [
    "a",
    "teardown",
  ], ["f", "call"]]);
  assertEquals(tally.running.map(({ id }) => id), ["c", "d", "e", "f"]);
});

Deno.test("a session that is cut short keeps what it reported and what was running", () => {
  const tally = tallyOf(
    { event: "session-start", time: 1, pid: 5, rootdir: "/r", pytest: "8" },
    { event: "test-start", time: 3, id: "a" },
    report("a", "call", "passed", "passed"),
    report("a", "teardown", "passed", ""),
    { event: "test-start", time: 4, id: "b" },
  );
  assertEquals(tally.running.map(({ id, since }) => [id, since]), [["b", 4]]);
  assertEquals(tally.exitStatus, null);
  assertEquals(tally.counts.passed, 1);
});

Deno.test("tests that passed share their lists, so that a long run stays small", () => {
  const run = new RunModel();
  const [a, b] = ["a", "b"].map((id) => {
    run.apply({ event: "test-start", time: 1, id });
    for (const phase of ["setup", "call", "teardown"] as const) {
      run.apply(report(id, phase, "passed", phase === "call" ? "passed" : ""));
    }
    return run.tests.get(id)!;
  });
  const [one, other] = [a!.attempts[0]!, b!.attempts[0]!];
  assert(one.failures === other.failures && one.counted === other.counted);
  assert(one.properties === other.properties && a!.leaked === b!.left);
});

Deno.test("counts stand on one line in pytest's words and order", () => {
  const counts = {
    passed: 12,
    failed: 1,
    skipped: 2,
    errors: 1,
    xfailed: 3,
    xpassed: 1,
    subtestsPassed: 0,
    notRun: 0,
  };
  assertEquals(
    countsLine(counts, { deselected: 4, warnings: 1 }),
    "1 failed, 12 passed, 2 skipped, 4 deselected, 3 xfailed, 1 xpassed, 1 warning, 1 error",
  );
  assertEquals(
    countsLine({ ...counts, subtestsPassed: 2, notRun: 5 }).endsWith(
      ", 1 error, 2 subtests passed, 5 not run",
    ),
    true,
  );
  assertEquals(countsLine(new Counter().counts(0)), "no tests ran");
  const only = { listed: ["a.py::x"], deselected: 6 };
  assertEquals(countsLine(new Counter().counts(0), only), "1 test collected, 6 deselected");
});

Deno.test("the gist of a failure is its first lines, its inner errors and its place", () => {
  const group = {
    ...failure("a", "ExceptionGroup: 2\n\nmore\nand\nmore", [
      "ExceptionGroup",
      "trio.TooSlowError",
    ]),
    where: "t.py:3",
  };
  assertEquals(gist(group), [
    "ExceptionGroup: 2",
    "more",
    "and",
    "… 1 more line",
    "from trio.TooSlowError",
    "at t.py:3",
  ]);
});

/** What tractor's RemoteActorError says of an error that came through two processes. */
const REMOTE = `tractor._exceptions.RemoteActorError: remote task raised a 'RuntimeError'
 |_src_uid=('boom', 'b43b3d40')
 |_boxed_type=<class 'RuntimeError'>
 |
  ------ ('boom', 'b43b3d40') ------
  Traceback (most recent call last):
    File "/repo/tractor/runtime/_rpc.py", line 629, in _invoke
      await _invoke_non_context(
            ^^^^^^^^^^^^^^^^^^^
    File "/repo/tests/test_zz.py", line 3, in boom
      raise RuntimeError("Registry address(es) are occupied")
  RuntimeError: Registry address(es) are occupied but did not answer as Tractor registrars!
  occupied_addrs: [x]

  ------ ('boom', 'b43b3d40')- ------
 _|`;

Deno.test("the gist has the decisive line of remote errors, groups and children's output", () => {
  const remote = gist(
    failure("a", REMOTE, [
      "tractor._exceptions.RemoteActorError",
      "RuntimeError",
      "tractor._exceptions.MessagingError",
    ]),
  );
  assertEquals(remote.slice(-2), [
    "… 11 more lines",
    "RuntimeError: Registry address(es) are occupied but did not answer as Tractor registrars!",
  ]);
  const traceback = `  + Exception Group Traceback (most recent call last):
  |   File "/repo/t.py", line 3, in <module>
  | ExceptionGroup: nursery (2 sub-exceptions)
  +-+---------------- 1 ----------------
    | Traceback (most recent call last):
    |   File "/repo/t.py", line 2, in f
    | ValueError: one
    +---------------- 2 ----------------
    | TypeError: two
    +------------------------------------`;
  const group = {
    ...failure("a", "ExceptionGroup: nursery (2 sub-exceptions)", ["ExceptionGroup", "ValueError"]),
    traceback,
  };
  assertEquals(gist(group), [
    "ExceptionGroup: nursery (2 sub-exceptions)",
    "ValueError: one",
    "TypeError: two",
    "from ValueError",
  ]);
  const pexpect =
    "pexpect.exceptions.EOF: End Of File (EOF).\n<pty_spawn>\ncommand: python\nargs: []\n" +
    "before: \"ModuleNotFoundError: No module named 'x'\"";
  assertEquals(gist(failure("a", pexpect)).slice(-2), [
    "… 1 more line",
    "before: \"ModuleNotFoundError: No module named 'x'\"",
  ]);
  assertEquals(gist(failure("a", REMOTE), 1).at(-1), remote.at(-1));
});

Deno.test("a held registry is suspected only when most failures show its signature", () => {
  const inUse = failure("a.py::x", "OSError: [Errno 98] Address already in use");
  const slow = ["a", "b", "c"].map((file) =>
    failure(`${file}.py::x`, "", ["ExceptionGroup", "trio.TooSlowError"])
  );
  const other = failure("b.py::x", "assert 1 == 2");
  assertEquals(
    collisionText([inUse], null, "tractor"),
    "address in use or connection refused in 1 of 1 failure, in 1 file",
  );
  assertEquals(collisionText(slow, null, "tractor"), "TooSlowError in 3 of 3 failures, in 3 files");
  assert(collisionText([inUse, ...slow], null, "tractor") !== null);
  assertEquals(collisionText(slow.slice(0, 2), null, "tractor"), null);
  assertEquals(
    collisionText(slow.map((each) => ({ ...each, id: `a.py::${each.id}` })), null, "tractor"),
    null,
  );
  assertEquals(collisionText([inUse, other], null, "tractor"), null);
  assertEquals(
    collisionText([inUse, inUse, other], null, "tractor"),
    "address in use or connection refused in 2 of 3 failures, in 1 file",
  );
  assertEquals(collisionText([], null, "tractor"), null);
  assert(
    collisionText(
      [
        failure("a.py::x", "ConnectionRefusedError: [Errno 111] Connection refused"),
      ],
      null,
      "tractor",
    ) !== null,
  );
});

Deno.test("the signature of a held registry includes tractor's words and remote errors", () => {
  for (
    const said of [
      "RuntimeError: Registry address(es) are occupied but did not answer as Tractor " +
      "registrars!\noccupied_addrs: [x]",
      "RuntimeError: Failed to open `root`@[x]: registry socket(s) already bound",
      REMOTE,
    ]
  ) assert(collisionText([failure("a.py::x", said)], null, "tractor") !== null, said);
  const inTraceback = {
    ...failure("a.py::x", "ExceptionGroup: 1 sub-exception"),
    traceback: REMOTE,
  };
  assert(collisionText([inTraceback], null, "tractor") !== null);
  const source = {
    ...failure("a.py::x", "assert 0"),
    traceback: "    raise ConnectionRefusedError()  # connection refused",
  };
  assertEquals(collisionText([source], null, "tractor"), null);
});

Deno.test("in a plain project only an address in use suggests a held port", () => {
  const [inUse, refused, late] = [
    failure("a.py::x", "OSError: [Errno 98] Address already in use"),
    failure("a.py::y", "ConnectionRefusedError: [Errno 111] Connection refused"),
    failure("b.py::z", "", ["trio.TooSlowError"]),
  ];
  assertEquals(
    collisionText([inUse], null, "plain"),
    "address in use in 1 of 1 failure, in 1 file",
  );
  for (const others of [[refused], [late], [inUse, refused], []]) {
    assertEquals(collisionText(others, null, "plain"), null);
  }
});

Deno.test("in a plain project a child's output suggests a held port, words in a log do not", () => {
  const saying = (output: string) => ({ ...failure("a.py::x", "assert '' == 'ready'"), output });
  const heading = "----- Captured stderr setup -----\n";
  const python = heading + "Traceback (most recent call last):\n" +
    '  File "server.py", line 3, in <module>\n    bind()\n' +
    "OSError: [Errno 98] Address already in use\n";
  const node = heading + "Error: listen EADDRINUSE: address already in use :::3000\n";
  const go = heading + "listen tcp 127.0.0.1:80: bind: address already in use\n";
  for (const output of [python, node, go]) {
    const text = "address in use in 1 of 1 failure, in 1 file";
    assertEquals(collisionText([saying(output)], null, "plain"), text, output);
    // The record counts no such failure as one of the test: it does not make it flaky.
    assertEquals(collidedWith([saying(output)]).length, 1, output);
  }
  const log = heading + "INFO the address already in use is skipped\nready\n";
  assertEquals(collisionText([saying(log)], null, "plain"), null);
  assertEquals(collidedWith([saying(log)]), []);
});

Deno.test("missed time limits alone suggest a held registry only where most tests fail", () => {
  const slow = ["a", "b", "c"].map((file) => failure(`${file}.py::x`, "", ["trio.TooSlowError"]));
  assertEquals(collisionText(slow, 100, "tractor"), null);
  assert(collisionText(slow, 5, "tractor") !== null);
  assert(collisionText([...slow, failure("d.py::x", "assert 0")], 7, "tractor") !== null);
});

Deno.test("events are read in whole lines, however bytes are cut", () => {
  const id = "tests/test_ü.py::test[a -> b]";
  const lines = [
    JSON.stringify({ schema: EVENTS_SCHEMA, event: "test-start", time: 1, id }),
    "garbage",
    JSON.stringify({ event: "test-start", id }),
  ];
  const bytes = new TextEncoder().encode(lines.join("\n") + "\n" + lines[0]);
  for (let cut = 0; cut <= bytes.length; cut++) {
    const reader = new EventReader();
    const [first, second] = [reader.read(bytes.subarray(0, cut)), reader.read(bytes.subarray(cut))];
    assertEquals([...first.events, ...second.events].map((event) => "id" in event && event.id), [
      id,
    ]);
    assertEquals([...first.lines, ...second.lines], [lines[0]]);
  }
});

Deno.test("an unknown version, an unknown event or a missing field is no event", () => {
  for (
    const value of [
      { schema: "tractest.events/2", event: "test-start", id: "a" },
      { schema: EVENTS_SCHEMA, event: "future" },
      { schema: EVENTS_SCHEMA, event: "report", id: "a" },
      { schema: EVENTS_SCHEMA, event: "test-start", id: 3 },
      null,
      [],
    ]
  ) assertEquals(parseEvent(JSON.stringify(value)), null);
});

Deno.test("the time limit is given, twice the longest full run, or that of the scope", () => {
  const input = {
    given: null,
    debugging: false,
    scope: "full",
    limits: { full: 600, file: 120 },
    longestFull: null,
  } as const;
  assertEquals(timeLimit(input), 600);
  assertEquals(timeLimit({ ...input, longestFull: 200 }), 600);
  assertEquals(timeLimit({ ...input, longestFull: 702 }), 1404);
  assertEquals(timeLimit({ ...input, scope: "many" }), 600);
  assertEquals(timeLimit({ ...input, scope: "file", longestFull: 702 }), 120);
  assertEquals(timeLimit({ ...input, debugging: true }), 0);
  assertEquals(timeLimit({ ...input, given: 7.5, debugging: true }), 7.5);
  assertEquals(timeLimit({ ...input, given: 0 }), 0);
});

Deno.test("the record of full runs keeps the last twenty and ignores garbage", () => {
  const twenty = Array.from({ length: 20 }, (_, index) => index + 1);
  assertEquals(withDuration(twenty, 99.96), [...twenty.slice(1), 100]);
  assertEquals(readDurations('[1, "x", -3, null, 4.5]'), [1, 4.5]);
  for (const text of [null, "", "{", "{}", "7"]) assertEquals(readDurations(text), []);
});

Deno.test("a lock file names its run; garbage names none", () => {
  const record = {
    runId: "r1",
    pid: 7,
    since: 1000,
    command: "tractest run",
    child: { pid: 8, startTicks: 9, bootId: "b", pidNamespace: "n" },
  };
  assertEquals(readLock(JSON.stringify(record)), record);
  assertEquals(readLock(JSON.stringify({ ...record, child: { pid: 8 } })), {
    ...record,
    child: null,
  });
  for (const text of [null, "", "{", "[]", "null", JSON.stringify({ ...record, pid: "7" })]) {
    assertEquals(readLock(text), null);
  }
  const text = describeLock(readLock(JSON.stringify(record))!, 1000 + 180_000);
  assertIncludes(text, "run r1 (pid 7, since ");
  assertIncludes(text, "3 min 0 s ago)");
});

Deno.test("a command is shown as a person would type it in the current directory", () => {
  assertEquals(asTyped(["/repo/py313/bin/python", "-m", "pytest"], "/repo"), [
    "py313/bin/python",
    "-m",
    "pytest",
  ]);
  assertEquals(asTyped(["/usr/bin/uv", "run", "--frozen", "python"], "/repo"), [
    "uv",
    "run",
    "--frozen",
    "python",
  ]);
  assertEquals(asTyped(["/repo-2/bin/python"], "/repo"), ["/repo-2/bin/python"]);
  assertEquals(
    pasteable(["python", "-k", "a b"], { UV_PROJECT_ENVIRONMENT: "py313" }, "/repo", "/repo"),
    "UV_PROJECT_ENVIRONMENT=py313 python -k 'a b'",
  );
  assertEquals(pasteable(["python"], {}, "/re po", "/re po/tests"), "(cd '/re po' && python)");
});

Deno.test("the next command is --lf if pytest recorded the failures, else it names ids", () => {
  const run = { recorded: true, failedIds: ["a.py::x[1 -> 2]"], keep: ["--tpt-proto=uds"] };
  assertEquals(nextCommand(run), "tractest run --lf --tpt-proto=uds");
  assertEquals(
    nextCommand({ ...run, recorded: false }),
    "tractest run --tpt-proto=uds 'a.py::x[1 -> 2]'",
  );
  assertEquals(nextCommand({ ...run, failedIds: [] }), null);
});

Deno.test("the ports of an address in use are read from what servers and clients say", () => {
  const failed = { id: "tests/a.py::t", phase: "call", where: null, errors: [] } as const;
  const ports = (message: string, traceback = "", output = "") =>
    portsInUse([{ ...failed, message, traceback, output }]);
  for (
    const [says, port] of [
      [
        "OSError: [Errno 98] error while attempting to bind on address ('::1', 8000): address " +
        "already in use",
        8000,
      ],
      ["Error: listen EADDRINUSE: address already in use :::5173", 5173],
      ["listen tcp 127.0.0.1:80: bind: address already in use", 80],
      ["2026/11/28 15:22:52 listen tcp :8080: bind: address already in use", 8080],
      [
        "15:22:52,123 ERROR [Errno 98] error while attempting to bind on address " +
        "('127.0.0.1', 8081): address already in use",
        8081,
      ],
    ] as const
  ) {
    assertEquals(ports(says), { said: [port], inSource: [] });
    assertEquals(ports("assert 1 == 0", "", says).said, [port], "a process of the test says so");
  }
  const plain = "OSError: [Errno 98] Address already in use";
  const source = "tests/test_a.py:12: in test_a\n    s.bind(('127.0.0.1', 8099))\nE   " + plain;
  assertEquals(ports(plain, source), { said: [], inSource: [8099] });
  assertEquals(ports("assert port == 80", "    s.bind(('', 8099))"), { said: [], inSource: [] });
});
