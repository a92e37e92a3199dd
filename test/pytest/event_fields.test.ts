import fc from "fast-check";
import { EVENTS_SCHEMA, parseEvent, readEvent } from "../../lib/pytest/events.ts";
import { assert, assertEquals, assertIncludes } from "../assert.ts";

const FAILURE = { message: "no", where: "a.py:1", traceback: "…", errors: ["AssertionError"] };
const PROCESSES = [{ pid: 12, startTicks: 345, title: "sleep", seconds: 1 }];
const END = { id: "a.py::x", seconds: 1, message: "it took too long" };

/** A whole event of each kind: every field that it has to have, and some that it may. */
const WHOLE: Readonly<Record<string, Record<string, unknown>>> = {
  "run-start": { runId: "r", root: "/", command: ["tractest"], pid: 1 },
  "session-begin": { pid: 1, purpose: "tests" },
  "session-start": { pid: 1, rootdir: "/", pytest: "9" },
  collected: { count: 1, deselected: 0 },
  tests: { ids: ["a.py::x"] },
  items: { items: [{ id: "a.py::x", group: "a.py" }], last: true },
  claimed: { index: 0 },
  planned: { tests: 1 },
  "collection-error": { id: "a.py", ...FAILURE },
  "collection-skip": { id: "a.py", message: "not here" },
  "suite-property": { name: "n", value: "v" },
  "test-start": { id: "a.py::x" },
  report: { id: "a.py::x", phase: "call", outcome: "failed", category: "failed", seconds: 1 },
  fixture: { name: "server", phase: "setup" },
  children: { id: "a.py::x", pids: [1] },
  warning: { id: "a.py::x", category: "UserWarning", message: "w" },
  slow: { id: "a.py::x", seconds: 1, evidence: [] },
  terminating: { id: "a.py::x", seconds: 1, limit: 1 },
  timeout: { ...END, limit: 1 },
  crash: END,
  cut: END,
  hang: { id: null, verdict: "no-verdict", evidence: [] },
  leak: { id: null, processes: PROCESSES },
  left: { id: "a.py::x", processes: PROCESSES },
  interrupted: { message: "KeyboardInterrupt" },
  "internal-error": { message: "…" },
  "session-finish": { exitStatus: 0, warnings: 0 },
  "run-finish": { exitCode: 0, seconds: 1 },
};

const line = (event: string, fields: Record<string, unknown>) =>
  JSON.stringify({ schema: EVENTS_SCHEMA, event, time: 1, ...fields });

/** Fields that may be missing. */
const OPTIONAL = new Set(["where", "traceback", "errors"]);

/** Values of each type that JSON has. */
const VALUES: readonly unknown[] = [
  "text",
  7,
  true,
  null,
  ["text"],
  [7],
  [null],
  {},
  { pid: 1 },
  [{}],
  [{ pid: 1 }],
  [{ id: 1 }],
];

function typeOf(value: unknown): string {
  return JSON.stringify(
    value,
    (_, inner) => typeof inner === "object" && inner !== null ? inner : typeof inner,
  );
}

Deno.test("fault 77: each kind of event is read, with null for missing nullable fields", () => {
  for (const [event, fields] of Object.entries(WHOLE)) {
    const read = readEvent(line(event, fields));
    assert("event" in read, event);
    const { given, added } = Object.groupBy(
      Object.entries(read.event),
      ([name]) => name in fields || ["schema", "event", "time"].includes(name) ? "given" : "added",
    );
    assertEquals(Object.fromEntries(given!), JSON.parse(line(event, fields)), event);
    for (const [name, value] of added ?? []) assertEquals(value, null, `${event}: ${name}`);
  }
});

Deno.test("fault 77: an event with a missing or wrong field is rejected by its name", () => {
  const kind = fc.constantFrom(...Object.keys(WHOLE));
  fc.assert(
    fc.property(kind, fc.nat(), fc.constantFrom(...VALUES, undefined), (event, which, value) => {
      const fields = WHOLE[event]!;
      const name = Object.keys(fields)[which % Object.keys(fields).length]!;
      // A list without items is one of any type, and null stands for an id that is not known.
      fc.pre(
        typeOf(value) !== typeOf(fields[name]) && !(value === undefined && OPTIONAL.has(name)) &&
          !(value === null && name === "where"),
      );
      fc.pre(
        !(name === "id" && ["hang", "leak", "left", "slow"].includes(event) &&
          (value === null || typeof value === "string")),
      );
      fc.pre(
        !(Array.isArray(fields[name]) && fields[name].length === 0 && Array.isArray(value) &&
          value.every((item) => typeof item === "string")),
      );
      const read = readEvent(line(event, { ...fields, [name]: value }));
      assert("problem" in read, `${event} with ${name} = ${JSON.stringify(value)} was read`);
      assertIncludes(read.problem, `"${name}"`);
      assertEquals(parseEvent(line(event, { ...fields, [name]: value })), null);
    }),
    { numRuns: 2_000 },
  );
});

Deno.test("fault 77: later versions' events, and names of object methods, are ignored", () => {
  for (const name of ["constructor", "toString", "__proto__", "hasOwnProperty", "starship"]) {
    assertEquals(readEvent(line(name, {})), { later: name });
  }
  for (const text of ["[]", "null", "7", '"x"', "{}", "{", ""]) {
    assert("problem" in readEvent(text), text);
  }
  assert("problem" in readEvent(line("report", {}).replace("events/1", "events/2")));
});
