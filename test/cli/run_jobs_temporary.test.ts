import { join } from "@std/path";
import { assertEquals } from "../assert.ts";
import { ISOLATED, pytestSuite, type Suite } from "./suites.ts";

/** Two tests, of which the second runs on after the pytest of the first has ended. */
const TESTS = {
  "conftest.py": `
import atexit, os, pathlib, pytest
HERE = pathlib.Path(os.environ["SUITE"])
# Registered before pytest's own clean-up, so that it runs after that.
atexit.register(lambda: (HERE / ("ended-" + os.environ["TRACTEST_SHARD"])).touch())
@pytest.fixture(autouse=True)
def evidence(tmp_path):
    (tmp_path / "evidence").touch()
    with open(HERE / "places", "a") as file:
        file.write("%s\\n" % tmp_path)
`,
  "test_a.py": `
import time
from conftest import HERE
def wait_for(pattern):
    limit = time.monotonic() + 60
    while not list(HERE.glob(pattern)) and time.monotonic() < limit: time.sleep(0.01)
def test_short(): wait_for("began")
def test_long(tmp_path):
    (HERE / "began").touch()
    wait_for("ended-*")
    assert (tmp_path / "evidence").exists()
def test_fails(): assert False
`,
};

/** Runs them in two pytests, and returns the directories of the tests and those that are left. */
async function places(suite: Suite, setting: string): Promise<{ used: string[]; left: string[] }> {
  await suite.write({ "pytest.ini": `[pytest]\n${setting}\n` });
  const { code, stdout, stderr } = await suite.tractest(
    ["run", "--no-preflight", "--no-defaults", "--jobs", "2", "--json"],
  );
  const { counts } = JSON.parse(stdout);
  assertEquals([code, counts.passed, counts.failed], [1, 2, 1], stdout + stderr);
  const used = (await Deno.readTextFile(join(suite.path, "places"))).trim().split("\n");
  const left: string[] = [];
  for (const place of used) {
    if (await Deno.stat(join(place, "evidence")).then(() => true, () => false)) left.push(place);
  }
  return { used, left };
}

for (const version of ["7.4.*", "8.*", "9.*"]) {
  Deno.test({
    name: `pytests at the same time leave each other's temporary directories alone (${version})`,
    ignore: ISOLATED === null,
    fn: async () => {
      await using kept = await pytestSuite(TESTS, version);
      const { used, left } = await places(kept, "tmp_path_retention_count = 1");
      assertEquals([used.length, left], [4, used], "also that of a failure before its retry");
      const numbered = new Set(used.map((place) => place.match(/^.*\/pytest-\d+/)![0]));
      assertEquals(numbered.size, 1, "the run counts as one");
      await using none = await pytestSuite(TESTS, version);
      assertEquals((await places(none, "tmp_path_retention_policy = none")).left, []);
    },
  });
}
