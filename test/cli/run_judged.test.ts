import { assert, assertEquals, assertIncludes } from "../assert.ts";
import { ISOLATED, pytestSuite, type Suite, UNHURRIED } from "./suites.ts";

const RUN = ["run", "--no-preflight", "--no-defaults", "--no-isolate"];

/** Errors with the names that the real libraries give them. */
const ERRORS = `
class TooSlowError(Exception):
    __module__ = "trio"
class RemoteActorError(Exception):
    __module__ = "tractor._exceptions"
    def __init__(self, text, kind):
        super().__init__(text)
        self.boxed_type, self.src_type = RemoteActorError, kind
        self.src_type_str = getattr(kind, "__name__", kind)
`;

/**
 * A committed project whose change map names only one test for its module, and a change of that
 * module.
 */
async function changed(tests: Readonly<Record<string, string>>): Promise<Suite> {
  const suite = await pytestSuite(tests);
  await suite.write({
    "pyproject.toml": `[project]
name = "app"
[tool.pytest.ini_options]
testpaths = ["tests"]
pythonpath = ["."]
[tool.tractest]
change-map = [{ changed = ["leaf.py"], tests = ["test_a.py"] }]
`,
    "app/__init__.py": "",
    "app/errors.py": ERRORS,
    "app/leaf.py":
      "from .errors import TooSlowError\n\n\ndef work():\n    pass\n\n\ndef slow():\n    " +
      "raise TooSlowError()\n",
    ".gitignore": "py310\n.pytest_cache\n__pycache__\n",
  });
  for (
    const words of [["init", "-q", "-b", "main"], ["add", "."], [
      "-c",
      "user.name=A",
      "-c",
      "user.email=a@example.org",
      "commit",
      "-q",
      "-m",
      "first",
    ]]
  ) await git(suite, words);
  const leaf = `${suite.root}/app/leaf.py`;
  await Deno.writeTextFile(
    leaf,
    (await Deno.readTextFile(leaf)).replace("    pass", "    return 1"),
  );
  return suite;
}

async function git(suite: Suite, args: readonly string[]): Promise<void> {
  const env = { PATH: "/usr/bin:/bin", HOME: suite.path, GIT_CONFIG_NOSYSTEM: "1" };
  const { success, stderr } = await new Deno.Command("git", {
    args: [...args],
    cwd: suite.root,
    clearEnv: true,
    env,
  }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
}

/** The verdict's lines about one test, its own first. */
function about(stdout: string, id: string): string {
  const lines = stdout.slice(stdout.lastIndexOf("seconds") < 0 ? 0 : stdout.indexOf(" in ")).split(
    "\n",
  );
  const at = lines.findLastIndex((line) =>
    /^(FAILED|ERROR|FLAKY)/.test(line) && line.includes(id) && !line.includes(" - ")
  );
  const end = lines.findIndex((line, index) => index > at && !line.startsWith("    "));
  return lines.slice(at, end).join("\n");
}

Deno.test(
  "fault 74: a missed limit counts as timing only by its error class, alone, and " +
    "unrelated to any change",
  async () => {
    await using suite = await changed({
      // Where most tests fail like this, it is the registry.
      "test_a.py": "import pytest\n@pytest.mark.parametrize('n', range(9))\ndef test_a(n): pass\n",
      "test_imports.py": "from app.leaf import work\nfrom app.errors import TooSlowError\ndef " +
        "test_imports():\n    raise TooSlowError()\n",
      "test_through.py":
        "import importlib\ndef test_through():\n    importlib.import_module('app.' + " +
        "'leaf').slow()\n",
      "test_apart.py":
        "from app.errors import TooSlowError\ndef test_apart():\n    raise TooSlowError()\n",
      "test_word.py": "def test_word():\n    assert not 'got a trio.TooSlowError'\n",
      "test_relayed.py":
        "from app.errors import RemoteActorError, TooSlowError\ndef test_relayed():\n    " +
        "raise RemoteActorError('x', TooSlowError)\ndef test_unknown():\n    raise " +
        "RemoteActorError('TooSlowError', 'NoWords')\n",
    });
    // A run that was short of CPU would not count.
    if (ISOLATED !== null) suite.through = UNHURRIED;
    const { code, stdout } = await suite.tractest([...RUN, "--json"]);
    assertEquals(code, 1);
    const { failures } = JSON.parse(stdout);
    const of = (name: string) =>
      failures.find((failure: { id: string }) => failure.id.endsWith(`::${name}`));
    assertEquals([of("test_imports").known, of("test_imports").related.file], [
      null,
      "app/leaf.py",
    ]);
    assertEquals(of("test_imports").related.because, "imported directly");
    assertEquals(of("test_imports").related.line, 5);
    assertEquals([of("test_through").known, of("test_through").related.file], [
      null,
      "app/leaf.py",
    ]);
    assertEquals(of("test_through").related.because, "the failure came through it");
    assertIncludes(
      of("test_apart").known,
      "trio.TooSlowError in a code path that no current change touches: most likely timing",
    );
    assertIncludes(of("test_apart").known, "no earlier run proves it");
    assertIncludes(
      of("test_relayed").known,
      "trio.TooSlowError in a code path that no current change touches",
    );
    assertEquals([of("test_unknown").known, of("test_word").known], [null, null]);
    // The page says the same of this run, later too.
    const page = (await suite.tractest(["report", "--output", "-"])).stdout;
    const on = (name: string) =>
      page.split("<details").find((part) => part.includes(`::${name}<`))!;
    assertIncludes(on("test_apart"), "likely timing");
    assertIncludes(on("test_apart"), "touches: most likely timing");
    assertIncludes(on("test_through"), "changed code");
    assertIncludes(
      on("test_through"),
      "app/leaf.py:5</code></a>, a likely cause: the failure came",
    );
    assert(/git diff [0-9a-f]{12} -- app\/leaf\.py/.test(on("test_through")));

    const again = await suite.tractest(RUN);
    // It has failed every time that it ran.
    assert(!about(again.stdout, "test_apart").includes("timing"), again.stdout);
    assertIncludes(about(again.stdout, "test_apart"), "failed 1 of 1 recorded run, 100%");
    const cause = about(again.stdout, "test_through");
    assertIncludes(cause, "changed: app/leaf.py:5, a likely cause: the failure came through it");
    assert(/to see the change: git diff [0-9a-f]{12} -- app\/leaf\.py; /.test(cause), cause);
    assertIncludes(cause, "; after a fix: tractest run --lf");
  },
);

Deno.test({
  name: "fault 74: while the registry is held nothing counts as timing, and that is reported " +
    "first, with tractor's current messages too",
  ignore: ISOLATED === null,
  fn: async () => {
    const occupied =
      "raise RuntimeError('Registry address(es) are occupied but did not answer as Tractor " +
      "registrars!')";
    await using suite = await changed({
      "test_a.py": `def test_a():\n    ${occupied}\ndef test_b():\n    ${occupied}\n`,
      "test_apart.py":
        "from app.errors import TooSlowError\ndef test_apart():\n    raise TooSlowError()\n",
      "test_other.py": "def test_other():\n    assert 1 == 2\n",
      "test_passes.py": "def test_passes(): pass\n",
    });
    await suite.write({ "requirements.txt": "tractor\n" });
    const { stdout, stderr } = await suite.tractest(RUN);
    assertIncludes(
      stdout,
      "all tests broken? the registry seems to be held, not the tests broken: address in use or " +
        "connection refused in 2",
    );
    assertIncludes(stdout, "TooSlowError in 1 of 4 failures");
    assertIncludes(stdout, "tractest zombies");
    assertIncludes(stdout, "tractest run --isolate");
    assert(
      stdout.indexOf("all tests broken?") < stdout.lastIndexOf("FAILED tests/test_a.py"),
      stdout + stderr,
    );
    assert(!stdout.includes("timing"), stdout);
  },
});
