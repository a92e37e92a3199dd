import { assertEquals, assertIncludes } from "../assert.ts";
import { pytestSuite } from "./suites.ts";

const CONFTEST = `
def pytest_addoption(parser):
    parser.addoption("--retires", action="store_true", help="something of this project")
`;

Deno.test("a misspelled option starts no tests, unless the project's pytest knows it", async () => {
  await using suite = await pytestSuite({ "test_a.py": "def test_a(): pass\n" });
  for (const words of [["--retires"], ["--retires", "--dry-run"], ["--workers", "3"]]) {
    const { code, stderr } = await suite.tractest(["run", ...words]);
    assertEquals(code, 64, stderr);
    assertIncludes(stderr, `Unknown option "${words[0]}" for "run"`);
    assertIncludes(stderr, `did you mean "--${words[0] === "--workers" ? "jobs" : "retries"}"?`);
  }
  await suite.write({ "tests/conftest.py": CONFTEST });
  const words = ["run", "--no-preflight", "tests/test_a.py", "--retires"];
  const known = await suite.tractest(words);
  assertEquals(known.code, 0, known.stderr);
  assertIncludes(known.stdout + known.stderr, "1 passed");
});

Deno.test("a command of another tool is answered with the equivalent one", async () => {
  await using suite = await pytestSuite({ "test_a.py": "def test_a(): pass\n" });
  const { code, stderr } = await suite.tractest(["clean"]);
  assertEquals(code, 64);
  assertIncludes(stderr, "did you mean: tractest zombies --kill");
});

Deno.test("every command describes itself as JSON, even if it has no --json", async () => {
  await using suite = await pytestSuite({ "test_a.py": "def test_a(): pass\n" });
  for (const words of [["logs", "--help", "--json"], ["help", "logs", "--json"]]) {
    const { code, stdout } = await suite.tractest(words);
    const document = JSON.parse(stdout);
    assertEquals([code, document.schema], [0, "tractest.help/1"]);
    assertEquals(document.commands.map(({ name }: { name: string }) => name), ["logs"]);
  }
});
