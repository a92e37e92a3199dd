import type { TestRecord } from "../../lib/base/rates.ts";
import { failureLines, type JudgedFailure, shownGroups } from "../../lib/run/show_failures.ts";
import { assertEquals } from "../assert.ts";

function failure(id: string, trials: number): JudgedFailure {
  const record: TestRecord = {
    id,
    trials,
    failures: 0,
    contradictions: 0,
    recoveries: 0,
    streak: 0,
    strained: 0,
  };
  return {
    id,
    phase: "call",
    message: "OSError: gone",
    where: "conftest.py:3",
    traceback: "",
    errors: ["OSError"],
    known: null,
    isListed: false,
    related: null,
    record,
  };
}

function shown(...group: JudgedFailure[]): string[] {
  return failureLines(group, new Map(), (_, text) => text);
}

Deno.test("failures of one cause with one record name it once", () => {
  assertEquals(shown(failure("t.py::a", 4), failure("t.py::b", 4)), [
    "FAILED t.py::a: OSError: gone (conftest.py:3)",
    "FAILED t.py::b",
    "    all 2 of one cause: OSError: gone",
    "    never failed in 4 recorded runs",
  ]);
});

Deno.test("records that differ stand with the names of their tests", () => {
  assertEquals(shown(failure("t.py::a", 4), failure("t.py::b[x y]", 1)).slice(3), [
    "    a: never failed in 4 recorded runs",
    "    b[x\x1fy]: never failed in 1 recorded run",
  ]);
});

Deno.test("the first causes are shown, each with all of its failures", () => {
  const of = (cause: string, count: number) =>
    Array.from({ length: count }, (_, index) => {
      return { ...failure(`t.py::${cause}${index}`, 0), message: `OSError: ${cause}` };
    });
  const sizes = (...failures: JudgedFailure[][]) =>
    shownGroups(failures.flat()).map(({ length }) => length);
  assertEquals(sizes(of("a", 114)), [114]);
  assertEquals(sizes(of("a", 3), of("b", 30), of("a", 40)), [43, 30]);
  assertEquals(sizes(...[..."abcdefghijklmnopqrstuvwxyz"].map((cause) => of(cause, 1))).length, 20);
  assertEquals(sizes(of("a", 5), of("b", 5), of("c", 5), of("d", 4), of("e", 2), of("f", 1)), [
    5,
    5,
    5,
    4,
  ]);
});
