import { assertEquals, assertIncludes } from "../assert.ts";
import { pytestSuite } from "./suites.ts";

Deno.test("config shows each effective value, and which ones the project sets", async () => {
  await using suite = await pytestSuite({ "test_a.py": "def test_a(): pass\n" });
  await suite.write({
    "pyproject.toml": '[tool.tractest]\nregistries = ["127.0.0.1:1717"]\nhistory-days = 9\n',
  });
  const { code, stdout } = await suite.tractest(["config", "--json"]);
  const { values } = JSON.parse(stdout) as { values: { key: string; from: string }[] };
  assertEquals(code, 0);
  assertEquals(values.filter(({ from }) => from !== "default"), [
    { key: "registries", value: ["127.0.0.1:1717"], from: "pyproject.toml" },
    { key: "history-days", value: 9, from: "pyproject.toml" },
  ]);
  const text = (await suite.tractest(["config"])).stdout;
  assertIncludes(text, '  registries          ["127.0.0.1:1717"]');
  assertIncludes(text, "  package             not set");
  assertIncludes(text, "  known-flaky         []");
  await suite.write({ "requirements.txt": "tractor\n" });
  const ofTractor = (await suite.tractest(["config"])).stdout;
  assertIncludes(ofTractor, "entries (--json shows all)");
});

Deno.test("config names an unknown key and the nearest known one", async () => {
  await using suite = await pytestSuite({ "test_a.py": "def test_a(): pass\n" });
  await suite.write({ "pyproject.toml": "[tool.tractest]\nhistory-day = 9\n" });
  const { code, stderr } = await suite.tractest(["config"]);
  assertEquals(code, 80);
  assertIncludes(stderr, 'unknown key "history-day"');
});
