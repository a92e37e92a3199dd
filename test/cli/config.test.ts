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
    { key: "registries", value: ["127.0.0.1:1717"], from: "pyproject.toml", line: 2 },
    { key: "history-days", value: 9, from: "pyproject.toml", line: 3 },
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

Deno.test("a profile replaces values by --profile or TRACTEST_PROFILE alone", async () => {
  await using suite = await pytestSuite({ "test_a.py": "def test_a(): pass\n" });
  await suite.write({
    "pyproject.toml": "[tool.tractest]\nretries = 1\nnotify = true\n\n" +
      '[tool.tractest.profile.ci]\nretries = 3\ntest-timeout = "1m30s"\n',
  });
  const rows = async (words: string[], env = {}) => {
    const { stdout } = await suite.tractest(["config", ...words], env);
    return stdout.split("\n").filter((row) => /^ {2}(retries|test-timeout|notify|ui) /.test(row))
      .map((row) => row.trim().replace(/ +/g, " "));
  };
  const inCi = [
    "test-timeout 90 profile ci, pyproject.toml:7",
    "retries 3 profile ci, pyproject.toml:6",
  ];
  assertEquals((await rows([], { CI: "true" })).slice(0, 2), [
    "test-timeout 0 default",
    "retries 1 pyproject.toml:2",
  ]);
  assertEquals((await rows(["--profile", "ci"])).slice(0, 2), inCi);
  const all = await rows([], { TRACTEST_PROFILE: "ci", TRACTEST_UI: "bar" });
  assertEquals(all, [...inCi, 'ui "bar" TRACTEST_UI', "notify true pyproject.toml:3"]);
  const { code, stderr } = await suite.tractest(["run", "--profile", "cl"]);
  assertEquals(code, 64);
  assertIncludes(stderr, 'error: --profile names "cl", which is no profile\n');
  assertIncludes(stderr, 'did you mean "ci"?');
});
