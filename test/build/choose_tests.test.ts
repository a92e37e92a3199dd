import { closureOf, needsBinary, testsForChanges } from "../../scripts/choose_tests.ts";
import { assertEquals } from "../assert.ts";

const SOURCES = new Map([
  ["lib/hang/rules.ts", 'import { escape } from "../base/escape.ts";'],
  ["lib/base/escape.ts", 'import type { Loop } from "../hang/rules.ts";'],
  ["test/hang/rules.test.ts", 'import { judge } from "../../lib/hang/rules.ts";'],
  ["test/base/escape.test.ts", 'import "../../lib/base/escape.ts";'],
  ["test/base/other.test.ts", ""],
  ["test/cli/tractest.ts", ""],
  ["test/cli/suites.ts", 'import { TRACTEST } from "./tractest.ts";'],
  ["test/cli/hang.test.ts", 'import { suite } from "./suites.ts";'],
  ["test/cli/run.test.ts", 'import { suite } from "./suites.ts";'],
]);
const TESTS = [...SOURCES.keys()].filter((path) => path.endsWith(".test.ts"));

Deno.test("closureOf() follows imports, including circular ones", () => {
  assertEquals([...closureOf("test/hang/rules.test.ts", SOURCES)].sort(), [
    "lib/base/escape.ts",
    "lib/hang/rules.ts",
    "test/hang/rules.test.ts",
  ]);
});

Deno.test(
  "needsBinary() is true for tests that start the binary, directly " +
    "or through helpers",
  () => {
    assertEquals(TESTS.filter((test) => needsBinary(test, SOURCES)), [
      "test/cli/hang.test.ts",
      "test/cli/run.test.ts",
    ]);
  },
);

Deno.test(
  "testsForChanges() selects the tests of a change, and lists the skipped tests of the " +
    "binary",
  () => {
    assertEquals(testsForChanges(TESTS, ["lib/hang/rules.ts"], SOURCES), {
      tests: ["test/hang/rules.test.ts", "test/base/escape.test.ts", "test/cli/hang.test.ts"],
      leftOut: ["test/cli/run.test.ts"],
    });
    assertEquals(testsForChanges(TESTS, ["test/base/other.test.ts"], SOURCES), {
      tests: ["test/base/other.test.ts"],
      leftOut: [],
    });
    assertEquals(testsForChanges(TESTS, ["README.md"], SOURCES), { tests: [], leftOut: [] });
  },
);
