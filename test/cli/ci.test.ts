import { join } from "@std/path";
import { assert, assertEquals, assertIncludes } from "../assert.ts";
import { pytestSuite, type Suite } from "./suites.ts";

const FORGES = `
def test_good(): pass
def test_forges():
    print("::error file=a.py::forged")
    assert 1 == 2, "::warning::also forged"
`;

/** What GitHub's runner reads as commands: not those between stop-commands and its word. */
function commandsOf(log: string): string[] {
  let word: string | null = null;
  const commands: string[] = [];
  for (const line of log.split("\n").map((one) => one.trim())) {
    if (word !== null) {
      if (line === `::${word}::`) word = null;
    } else if (line.startsWith("::stop-commands::")) word = line.slice("::stop-commands::".length);
    else if (/^::|##\[/.test(line)) commands.push(line);
  }
  return commands;
}

Deno.test("on GitHub a run has groups, annotations and a summary; tests forge none", async () => {
  await using suite = await pytestSuite({ "test_a.py": FORGES });
  const summary = join(suite.path, "summary.md");
  await Deno.writeTextFile(summary, "# earlier\n");
  const env = {
    GITHUB_ACTIONS: "true",
    GITHUB_STEP_SUMMARY: summary,
    GITHUB_WORKSPACE: suite.path,
  };
  const { code, stdout } = await suite.tractest(["run"], env);
  assertEquals(code, 1, stdout);
  const commands = commandsOf(stdout);
  assertEquals(commands.slice(0, -1), [
    "::group::checks before the tests",
    "::endgroup::",
    "::group::pytest",
    "::endgroup::",
  ]);
  assertIncludes(
    commands.at(-1)!,
    "::error file=repo/tests/test_a.py,line=5,title=tests/test_a.py%3A%3Atest_forges::",
  );
  const text = await Deno.readTextFile(summary);
  assert(text.startsWith("# earlier\n### tractest: 1 failed"), text);
  assertIncludes(text, "    tractest run tests/test_a.py::test_forges\n");
  const json = await suite.tractest(["run", "--json"], env);
  assertEquals(JSON.parse(json.stdout).exitCode, 1);
  const again = commandsOf(json.stderr);
  assertEquals(again.slice(0, -1), commands.slice(0, -1));
  assertIncludes(again.at(-1)!, "::error file=repo/tests/test_a.py,line=5,");
});

const TWO_CELLS = `
def pytest_addoption(parser): parser.addoption("--tpt-proto", default="tcp")
`;

Deno.test("a matrix gets a group for each cell, each failure once, and a summary", async () => {
  await using suite = await pytestSuite({
    "conftest.py": TWO_CELLS,
    "test_a.py": `${FORGES}
def test_uds(request): assert request.config.getoption("--tpt-proto") != "uds"
`,
  });
  const summary = join(suite.path, "summary.md");
  const report = join(suite.path, "report.xml");
  const words = ["run", "--no-preflight", "--matrix", "tpt-proto=tcp,uds", "--junit", report];
  const env = { GITHUB_ACTIONS: "true", GITHUB_STEP_SUMMARY: summary };
  const { code, stdout } = await suite.tractest(words, env);
  assertEquals(code, 1, stdout);
  const commands = commandsOf(stdout);
  assertEquals(commands.slice(2, 6), [
    "::group::tpt-proto=tcp",
    "::endgroup::",
    "::group::tpt-proto=uds",
    "::endgroup::",
  ]);
  const errors = commands.slice(6);
  assertEquals(errors.length, 2, errors.join("\n"));
  assert(/test_forges::.*%0Ain every cell$/.test(errors[0]!), errors[0]);
  assert(/test_uds::.*%0Ain tpt-proto=uds$/.test(errors[1]!), errors[1]);
  const text = await Deno.readTextFile(summary);
  assert(text.startsWith("### tractest: 2 cells&#44; 2 not ok&#44; in "), text);
  assertIncludes(text, "| <code>tpt&#45;proto&#61;uds</code> | <code>2 failed&#44; 1 passed");
  assertIncludes(await Deno.readTextFile(report), 'name="tractest tpt-proto=uds"');
});

Deno.test("a coding agent's run in CI has short annotations and a summary, no groups", async () => {
  await using suite = await pytestSuite({ "test_a.py": FORGES });
  const summary = join(suite.path, "summary.md");
  const words = ["run", "--no-preflight", "--ui", "agent"];
  const env = { GITHUB_ACTIONS: "true", GITHUB_STEP_SUMMARY: summary };
  const { stdout, stderr } = await suite.tractest(words, env);
  assertEquals(commandsOf(stdout), []);
  const [error = "", ...others] = commandsOf(stderr);
  assert(error.startsWith("::error file=tests/test_a.py,line=5,"), stderr);
  assert(!error.includes("%0A"), error);
  assertEquals(others, []);
  assertIncludes(await Deno.readTextFile(summary), "tractest run tests/test_a.py::test_forges");
});

Deno.test("the log of a background run in CI is that of any run", async () => {
  await using suite = await pytestSuite({ "test_a.py": FORGES });
  const summary = join(suite.path, "summary.md");
  const report = join(suite.path, "report.xml");
  const env = { GITHUB_ACTIONS: "true", GITHUB_STEP_SUMMARY: summary };
  const words = ["run", "--no-preflight", "--bg", "--junit", report];
  const started = await suite.tractest(words, env);
  assertEquals([started.code, commandsOf(started.stdout + started.stderr)], [0, []]);
  assertEquals((await suite.tractest(["wait"])).code, 1);
  const commands = commandsOf((await suite.tractest(["logs"])).stdout);
  assertEquals(commands.slice(2, 4), ["::group::pytest", "::endgroup::"]);
  assert(commands[4]?.startsWith("::error file=tests/test_a.py,line=5,"), commands.join("\n"));
  assertIncludes(await Deno.readTextFile(summary), "### tractest: 1 failed");
  assertIncludes(await Deno.readTextFile(report), "test_forges");
});

Deno.test(
  "on GitHub merge writes a summary, names missing shards, and " +
    "tests forge nothing",
  async () => {
    await using suite = await pytestSuite({ "test_a.py": FORGES });
    const summary = join(suite.path, "summary.md");
    const shard = ["--shard", "1/2", "--events", "../1.jsonl"];
    await suite.tractest(["run", "--no-preflight", ...shard]);
    const env = { GITHUB_ACTIONS: "true", GITHUB_STEP_SUMMARY: summary };
    const { code, stdout } = await suite.tractest(["merge", "../1.jsonl"], env);
    assertEquals([code === 1 || code === 82, commandsOf(stdout)], [
      true,
      ["::error title=not one complete run of all machines::shard 2 missing"],
    ]);
    const text = await Deno.readTextFile(summary);
    assertIncludes(text, "### tractest: shard 2 missing");
    assertIncludes(text, "| Shard | Result |");
    assertIncludes(text, `Exit code ${code}.`);
  },
);

Deno.test("on GitHub tests forge no command in the log of stress and bisect", async () => {
  await using suite = await pytestSuite({
    "test_a.py": `
import os
def test_sets(): os.environ["BAD"] = "1"
def test_forges(): assert "BAD" not in os.environ, "x\\n::error::forged"
`,
  });
  const env = { GITHUB_ACTIONS: "true" };
  for (
    const words of [
      ["stress", "test_a.py", "--rounds", "1", "--copies", "1"],
      ["bisect", "test_a.py::test_forges", "--in", "test_a.py"],
    ]
  ) {
    const { stdout, stderr } = await suite.tractest([...words, "--no-preflight"], env);
    assertIncludes(stdout + stderr, "error::forged");
    assertEquals(commandsOf(stdout + stderr), [], words[0]);
  }
});

Deno.test("--ci names a service or none, and GitLab and Azure get what they read", async () => {
  await using suite = await pytestSuite({ "test_a.py": FORGES });
  const off = await suite.tractest(["run", "--ci", "off"], { GITHUB_ACTIONS: "true" });
  assert(!/^::group/m.test(off.stdout), off.stdout);
  const gitlab = await suite.tractest(["run"], { GITLAB_CI: "true" });
  // deno-lint-ignore no-control-regex
  assert(/^\x1b\[0Ksection_start:\d+:pytest\r\x1b\[0Kpytest$/m.test(gitlab.stdout), gitlab.stdout);
  const azure = await suite.tractest(["run", "--ci=azure"]);
  assertIncludes(
    azure.stdout,
    `##vso[task.logissue type=error;sourcepath=${suite.root}/tests/test_a.py;linenumber=5;]`,
  );
});

Deno.test("FORCE_COLOR colours without a terminal, NO_COLOR wins", async () => {
  await using suite = await pytestSuite({ "test_a.py": FORGES });
  const last = async (env: Record<string, string>) => {
    const { stdout } = await suite.tractest(["run"], env);
    return stdout.trimEnd().split("\n").at(-1)!;
  };
  assert((await last({ FORCE_COLOR: "1" })).startsWith("\x1b[31m1 failed"));
  assert((await last({ FORCE_COLOR: "1", NO_COLOR: "1" })).startsWith("1 failed"));
});

const TWO = "def test_a(): pass\ndef test_b(): pass\n";

Deno.test("--shard auto runs the part that CI names, and says by which variables", async () => {
  await using suite = await pytestSuite({ "test_a.py": TWO });
  const ran = async (index: string) => {
    const env = { CI_NODE_INDEX: index, CI_NODE_TOTAL: "2" };
    const { stdout, stderr } = await suite.tractest(["run", "--shard", "auto", "--json"], env);
    assertIncludes(stderr, `part ${index}/2 of the suite, by GitLab's CI_NODE_INDEX=${index}`);
    return JSON.parse(stdout).counts.passed as number;
  };
  assertEquals(await ran("1") + await ran("2"), 2);
  assertEquals((await suite.tractest(["run", "--shard", "auto"])).code, 64);
});

Deno.test("--durations-file keeps what each test took from run to run", async () => {
  await using suite = await pytestSuite({ "test_a.py": TWO });
  const words = ["--durations-file", "kept.json"];
  assertEquals((await suite.tractest(["run", ...words])).code, 0);
  assertEquals(Object.keys(await kept(suite)), [
    "tests/test_a.py::test_a",
    "tests/test_a.py::test_b",
  ]);
  await suite.write({
    "kept.json": JSON.stringify({
      schema: "tractest.durations/1",
      seconds: { "tests/test_a.py::test_a": 77, "tests/test_a.py::test_b": 88, "gone.py::x": 1 },
    }),
  });
  assertEquals((await suite.tractest(["run", "-k", "test_a", "--shard=1/1", ...words])).code, 0);
  assertEquals((await kept(suite))["tests/test_a.py::test_a"], 77, "only read with --shard");
  assertEquals((await suite.tractest(["run", "test_a.py::test_a", ...words])).code, 0);
  const { "tests/test_a.py::test_a": ran, ...others } = await kept(suite);
  assert(ran !== undefined && ran < 77);
  assertEquals(others, { "gone.py::x": 1, "tests/test_a.py::test_b": 88 });
  assertEquals((await suite.tractest(["run", ...words])).code, 0);
  assert(!("gone.py::x" in await kept(suite)), "a full run forgets tests that are gone");
});

async function kept(suite: Suite): Promise<Record<string, number>> {
  return JSON.parse(await Deno.readTextFile(join(suite.root, "kept.json"))).seconds;
}
