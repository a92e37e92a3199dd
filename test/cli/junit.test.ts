import { join } from "@std/path";
import { assert, assertEquals, assertIncludes } from "../assert.ts";
import { ISOLATED, pytestSuite, sampleSuite, type Suite } from "./suites.ts";

/** Counts of the suite, and of each test its names and the tags of what is said about it. */
const READER = `
import json, sys, xml.etree.ElementTree as tree
suite = tree.parse(sys.argv[1]).getroot()[0]
counts = {name: int(suite.get(name)) for name in ("tests", "failures", "errors", "skipped")}
said = [(case, [one for one in case if one.tag != "system-out"]) for case in suite.iter("testcase")]
cases = [[case.get("classname"), case.get("name"), [one.tag for one in all]] for case, all in said]
messages = sorted(str(one.get("message")) for _, all in said for one in all)
json.dump({"counts": counts, "cases": sorted(cases), "messages": messages}, sys.stdout)
`;

interface Read {
  readonly counts: Readonly<Record<string, number>>;
  readonly cases: readonly [string, string, string[]][];
  readonly messages: readonly string[];
}

async function read(suite: Suite, name: string): Promise<Read> {
  const { stdout } = await new Deno.Command("python3", {
    args: ["-c", READER, join(suite.root, name)],
    stderr: "inherit",
  }).output();
  return JSON.parse(new TextDecoder().decode(stdout));
}

const EVERYTHING = `
import pytest
class TestGroup:
    @pytest.mark.parametrize("text", ["a::b/c.py", "\\x1b[31m<&>\\"'", "x\\ny", "\\ud800"])
    def test_named(self, text): pass
    def test_fails(self):
        print("said before")
        assert {"a": 1} == {"a": 2}, "\\x1b[31m]]>\\x00"
@pytest.fixture
def broken(): raise RuntimeError("broken")
@pytest.fixture
def broken_after():
    yield
    raise RuntimeError("broken after")
def test_setup(broken): pass
def test_teardown(broken_after): pass
def test_both(broken_after): assert False, "first this"
@pytest.mark.skip(reason="not today")
def test_skipped(): pass
@pytest.mark.xfail(reason="some day")
def test_expected(): assert False
@pytest.mark.xfail(reason="some day")
def test_unexpected(): pass
@pytest.mark.xfail(reason="some day", strict=True)
def test_strict(): pass
`;

for (const version of ["8.*", "9.*"]) {
  Deno.test(
    "--junit has the names and counts of the report of pytest " +
      `${version} itself`,
    async () => {
      await using suite = await pytestSuite({
        "sub/test_a.py": EVERYTHING,
        "test_broken.py": "import nothing_like_this\n",
      }, version);
      const { code, stderr } = await suite.tractest([
        ...["run", "--no-preflight", "--no-defaults", "--continue-on-collection-errors"],
        ...["--junit", "ours.xml", "--junitxml", "theirs.xml"],
      ]);
      assertEquals(code, 1, stderr);
      const [ours, theirs] = [await read(suite, "ours.xml"), await read(suite, "theirs.xml")];
      // pytest counts a test that passed and whose teardown failed as two.
      assertEquals(ours, {
        ...theirs,
        counts: { ...theirs.counts, tests: theirs.counts.tests! - 1 },
      });
      assertEquals(ours.counts, { tests: 13, failures: 3, errors: 4, skipped: 2 });
    },
  );
}

Deno.test({
  name: "--junit has the same names and counts for the sample as pytest's own report",
  ignore: ISOLATED === null,
  fn: async () => {
    await using suite = await sampleSuite();
    await suite.tractest([
      "run",
      "--no-preflight",
      "--no-defaults",
      "--junit",
      "ours.xml",
      "--junitxml",
      "theirs.xml",
      "test_verdicts",
      "msg/",
    ]);
    const [ours, theirs] = [await read(suite, "ours.xml"), await read(suite, "theirs.xml")];
    assertEquals(ours, theirs);
    assert(ours.counts.tests! > 6);
  },
});

Deno.test(
  "a run that is cut short has a report of its results; tests that were running or did " +
    "not run are errors",
  async () => {
    await using suite = await pytestSuite({
      "test_a.py":
        "import time\ndef test_a(): pass\ndef test_hangs(): time.sleep(600)\ndef test_c(): pass\n",
    });
    const running = suite.start(["run", "--no-preflight", "--junit", "report.xml", "-v"]);
    await running.until("test_hangs");
    running.child.kill("SIGTERM");
    const { code } = await running.ended;
    assertEquals(code, 143);
    const { counts, cases, messages } = await read(suite, "report.xml");
    assertEquals(counts, { tests: 3, failures: 0, errors: 2, skipped: 0 });
    assertEquals(cases.map(([, name]) => name), ["test_a", "test_c", "test_hangs"]);
    assertEquals(messages, [
      "SIGTERM ended the run while it ran",
      "it did not run: ended by SIGTERM",
    ]);
  },
);

Deno.test(
  "failures are written before they are retried, and tests at their limit are failures",
  async () => {
    await using suite = await pytestSuite({
      "test_a.py": `
import os, time
def test_flaky():
    path = os.environ["SUITE"] + "/seen"
    if not os.path.exists(path):
        open(path, "w").close()
        assert False, "the first time"
def test_bad(): assert False, "always"
def test_hangs(): time.sleep(600)
def test_c(): pass
`,
    });
    const words = [
      "--no-preflight",
      "--no-defaults",
      "--test-timeout",
      "1",
      "--retries",
      "1",
      "--junit",
      "report.xml",
    ];
    await suite.tractest(["run", ...words]);
    const { counts, cases } = await read(suite, "report.xml");
    assertEquals(cases.map(([, name, tags]) => [name, tags]), [
      ["test_bad", ["failure", "rerunFailure"]],
      ["test_c", []],
      ["test_flaky", ["flakyFailure"]],
      ["test_hangs", ["failure", "rerunFailure"]],
    ]);
    assertEquals(counts, { tests: 4, failures: 2, errors: 0, skipped: 0 });
  },
);

Deno.test(
  "a run first removes the report of an earlier run, and overwrites nothing else",
  async () => {
    await using suite = await pytestSuite({ "test_a.py": "def test_a(): pass\n" });
    await suite.write({ "report.xml": "<testsuites/>", "notes.txt": "mine" });
    // The preflight stops it.
    const stopped = await suite.tractest(["run", "--python", "/nowhere", "--junit", "report.xml"]);
    assertEquals(
      await Deno.stat(join(suite.root, "report.xml")).catch(() => null),
      null,
      `${stopped.code} ${stopped.stderr}`,
    );
    for (
      const [path, reason] of [
        ["notes.txt", "not a JUnit report"],
        ["gone/report.xml", "mkdir -p"],
        [
          "tests",
          "is a directory",
        ],
        ["-", "name a file"],
      ]
    ) {
      const { code, stderr } = await suite.tractest(["run", "--no-preflight", "--junit", path!]);
      assertEquals(code, 64);
      assertIncludes(stderr, reason!);
    }
    assertEquals(await Deno.readTextFile(join(suite.root, "notes.txt")), "mine");
  },
);
