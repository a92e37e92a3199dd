import {
  isolatesTest,
  isolationOfTests,
  type IsolationSettings,
  settingsOfTests,
  withExemptions,
} from "../../lib/run/rules_overrides.ts";
import { runSettings } from "../../lib/run/settings.ts";
import { readConfiguration } from "../../lib/project/configuration.ts";
import { assertEquals } from "../assert.ts";
import { runLine } from "../run_line.ts";

const OVERRIDES = [
  { filter: ["tests/slow_*.py"], timeout: 300 },
  { filter: ["test_wire*", "TestNet::test_b"], timeout: 5, retries: 2 },
  { filter: ["**/test_*.py"], alone: true, timeout: 1 },
];

Deno.test("an override names tests by file, by id, and by what follows the file's name", () => {
  const of = settingsOfTests(OVERRIDES);
  assertEquals(of("tests/slow_net.py::test_a"), { timeout: 300 });
  assertEquals(of("tests/slow_net.py::test_wire_tcp[1]"), { timeout: 300, retries: 2 });
  assertEquals(of("more/x.py::TestNet::test_b[a]"), { timeout: 5, retries: 2 });
  assertEquals(of("more/x.py::TestNet::test_c"), {});
});

Deno.test("of each setting the first override that has it counts", () => {
  assertEquals(settingsOfTests(OVERRIDES)("tests/test_a.py::test_wire"), {
    timeout: 5,
    retries: 2,
    alone: true,
  });
});

Deno.test("what was typed counts before the overrides, and those before the configuration", () => {
  const configuration = {
    ...readConfiguration({ "test-timeout": "1m", retries: 1 }, "plain"),
    overrides: OVERRIDES,
  };
  const settings = (words: readonly string[]) =>
    runSettings(runLine(words).options, { debugging: false }, configuration);
  const [slow, other] = ["tests/slow_a.py::test_wire", "tests/other.py::test_a"];
  const configured = settings([]);
  assertEquals([slow, other].map((id) => configured.limits.ofTest?.(id)), [300, 60]);
  assertEquals([slow, other].map((id) => configured.retriesOf?.(id)), [2, 1]);
  assertEquals(configured.mostRetries, 2);
  const typed = settings(["--test-timeout", "9", "--retries=0"]);
  assertEquals([typed.limits.test, typed.limits.ofTest], [9, undefined]);
  assertEquals([typed.retries, typed.retriesOf, typed.mostRetries], [0, null, 0]);
  const debugging = runSettings(runLine([]).options, { debugging: true }, configuration);
  assertEquals([debugging.limits.test, debugging.limits.ofTest], [0, undefined]);
});

Deno.test("a run may have tests to isolate by the files that it collects", () => {
  const of = (filter: string, ...collected: string[]) =>
    isolationOfTests([{ filter: [filter], isolate: "always" }], collected);
  const [all, some] = [true, false].map((isOfAll) => ({ wish: "always", isOfAll } as const));
  assertEquals(of("tests/ports/", "tests/ports/test_a.py"), all);
  assertEquals(of("tests/ports", "tests/ports/"), all);
  assertEquals(of("tests/ports/", "tests/ports/test_a.py", "tests/test_a.py"), some);
  assertEquals(of("tests/ports/", "tests/"), some);
  assertEquals(of("tests/ports/", "tests/test_a.py"), null);
  assertEquals(of("tests/test_a.py::*", "tests/test_a.py"), all);
  assertEquals(of("tests/test_*.py", "tests/test_a.py"), all);
  assertEquals(of("tests/test_*.py::test_x", "tests/test_a.py"), some);
  assertEquals(of("tests/test_b.py::test_x", "tests/test_a.py"), null);
  assertEquals(of("test_x*", "tests/test_a.py"), some);
  assertEquals(of("tests/test_b.py", "tests/"), some);
  const [auto, always] = [{ filter: ["a.py"], isolate: "auto" }, {
    filter: ["b.py"],
    isolate: "always",
  }] as const;
  assertEquals(isolationOfTests([auto, always], undefined)?.wish, "always");
  assertEquals(isolationOfTests([auto, always], ["a.py"]), { wish: "auto", isOfAll: true });
  assertEquals(isolationOfTests([{ filter: ["a.py"] }], undefined), null);
});

Deno.test("an override takes tests out of the isolation that others ask for", () => {
  const exempt = { filter: ["tests/a.py::test_x"], isolate: "never" } as const;
  const ids = ["tests/a.py::test_x[1]", "tests/a.py::test_y", "tests/b.py::test_z"];
  const some = [exempt, { filter: ["tests/a.py"], isolate: "always" }] as const;
  assertEquals(ids.map(isolatesTest(some)), [false, true, false]);
  assertEquals(isolationOfTests(some, ["tests/a.py"]), { wish: "always", isOfAll: false });
  assertEquals(isolationOfTests([exempt], undefined), null);
  const all = withExemptions<IsolationSettings>({ isolate: "auto", overrides: [exempt] });
  assertEquals(all.isolate, null, "what several pytests need stays");
  assertEquals(ids.map(isolatesTest(all.overrides)), [false, true, true]);
  assertEquals(isolationOfTests(all.overrides, undefined), { wish: "auto", isOfAll: false });
  assertEquals(isolationOfTests(all.overrides, ["tests/b.py"]), { wish: "auto", isOfAll: true });
});

Deno.test("tests are isolated by the patterns that ask for it", () => {
  const isIsolated = isolatesTest([
    { filter: ["tests/a.py"], alone: true },
    { filter: ["tests/a.py::test_x", "tests/net/"], isolate: "auto" },
  ]);
  const ids = ["tests/a.py::test_x[1]", "tests/a.py::test_y", "tests/net/b.py::test_z"];
  assertEquals(ids.map(isIsolated), [true, false, true]);
});
