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

Deno.test("tractest alone says where you are and what to type next", async () => {
  await using suite = await pytestSuite({ "test_a.py": "def test_a(): assert 0\n" });
  const before = await suite.tractest([]);
  assertEquals(before.code, 0, before.stderr);
  assertIncludes(before.stdout, "none on record");
  assertIncludes(before.stdout, "\n  tractest run ");
  assertEquals((await suite.tractest(["run", "--no-preflight"])).code, 1);
  const after = await suite.tractest([]);
  assertIncludes(after.stdout, "exit code 1 after");
  assertIncludes(after.stdout, "next:\n  tractest failed ");
  const { stdout } = await suite.tractest(["--json"]);
  const { schema, root, last, leaks, next } = JSON.parse(stdout);
  assertEquals([schema, root, last.exitCode], ["tractest.overview/1", suite.root, 1]);
  assertEquals(leaks, { processes: 0, sockets: 0, held: 0 });
  assertEquals(next[0].command, "tractest failed");
});

Deno.test("tractest alone without a project names the option that goes to one", async () => {
  await using suite = await pytestSuite({});
  const { code, stdout } = await suite.tractest(["-C", "/"]);
  assertEquals(code, 0);
  assertIncludes(stdout, "no project here");
  assertIncludes(stdout, "tractest -C DIR");
});
