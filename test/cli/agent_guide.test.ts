import { SITUATIONS } from "../../lib/agent_guide/situations.ts";
import { assert, assertEquals, assertIncludes } from "../assert.ts";
import { ISOLATED, pytestSuite } from "./suites.ts";

const CONFTEST = `
def pytest_addoption(parser):
    parser.addoption("--tpt-proto", action="append")
    parser.addoption("--ll")
`;
const TRACTOR = `
[tool.pytest.ini_options]
testpaths = ["tests"]
[tool.tractest]
targets = { core = ["test_a.py"] }
`;

/** What else a command may end with here: it needs uv, or the test is not one to bisect. */
const ENDS: Readonly<Record<string, readonly number[]>> = {
  "tractest run --uv-run": [69],
  "tractest bisect TEST": [82],
};

Deno.test({
  name: "every command of the guide for agents runs, and succeeds where nothing is wrong",
  ignore: ISOLATED === null,
  fn: async () => {
    await using plain = await pytestSuite({ "test_a.py": "def test_a(): pass\n" });
    await using tractor = await pytestSuite({
      "conftest.py": CONFTEST,
      "test_a.py": "def test_a(): pass\n",
    });
    await tractor.write({ "pyproject.toml": TRACTOR, "tractor/__init__.py": "" });
    for (const { root } of [plain, tractor]) {
      await new Deno.Command("git", { args: ["init", "-q"], cwd: root }).output();
    }
    for (const situation of SITUATIONS) {
      const words = situation.command.split(" ").slice(1)
        .map((word) => ({ TEST: "tests/test_a.py::test_a", WORD: "test_a" })[word] ?? word);
      const suite = situation.tractor ? tractor : plain;
      const { code, stdout, stderr } = await suite.tractest(words, { TRACTEST_UI: "agent" });
      const known = [0, ...ENDS[situation.command] ?? []];
      assert(known.includes(code), `${words.join(" ")}: ${code}\n${stdout}${stderr}`);
    }
  },
});

Deno.test("a run for an agent shows no check that is ok, and stays small", async () => {
  await using suite = await pytestSuite({ "test_a.py": "def test_a(): pass\n" });
  const { code, stdout, stderr } = await suite.tractest(["run", "--ui", "agent"]);
  assertEquals(code, 0, stderr);
  assert(!/^(ok|skipped) /m.test(stderr), stderr);
  assert((stdout + stderr).length < 600, stdout + stderr);
  const all = await suite.tractest(["run", "--ui", "agent", "-v"]);
  assertIncludes(all.stderr, "ok       leaks");
});
