import { join } from "@std/path";
import { assert, assertEquals, assertIncludes } from "../assert.ts";
import { USERS, UsersSuite } from "./isolated_users.ts";
import { ISOLATED, pytestSuite } from "./suites.ts";

const TESTS = {
  "test_slow.py": "import time\ndef test_hangs(): time.sleep(600)\ndef test_quick(): pass\n",
  "test_net.py": `
import os
def test_flaky():
    path = os.environ["SUITE"] + "/seen"
    if not os.path.exists(path):
        open(path, "w").close()
        assert False, "the first time"
def test_broken(): assert False, "every time"
`,
};

const PYPROJECT = `[tool.tractest]
junit = "build/junit.xml"
retries = 0

[[tool.tractest.overrides]]
filter = "test_flaky"
retries = 2

[[tool.tractest.overrides]]
filter = "tests/test_slow.py"
timeout = "1s"

[tool.tractest.profile.strict]
strict = true
`;

const RUN = ["run", "--no-preflight", "--json"];

Deno.test("overrides give some tests a time limit and retries", async () => {
  await using suite = await pytestSuite(TESTS);
  await suite.write({ "pyproject.toml": PYPROJECT });
  const { code, stdout, stderr } = await suite.tractest(RUN);
  assertEquals(code, 1, stdout + stderr);
  const { counts, flaky, failures } = JSON.parse(stdout);
  assertEquals(flaky.map(({ id }: { id: string }) => id), ["tests/test_net.py::test_flaky"]);
  assertEquals(failures.map(({ id }: { id: string }) => id).sort(), [
    "tests/test_net.py::test_broken",
    "tests/test_slow.py::test_hangs",
  ]);
  assertEquals([counts.passed, counts.failed], [2, 2]);
  assertIncludes(JSON.stringify(failures), "it took longer than 1 s and was ended");
  const report = await Deno.readTextFile(join(suite.root, "build/junit.xml"));
  assertIncludes(report, 'name="test_quick"');

  await Deno.remove(join(suite.path, "seen"));
  const flakyOnly = ["-k", "flaky"];
  const strict = await suite.tractest([...RUN, "--profile", "strict", ...flakyOnly]);
  assertEquals(strict.code, 84, strict.stdout + strict.stderr);
  await Deno.remove(join(suite.path, "seen"));
  const lax = await suite.tractest([...RUN, "--profile", "strict", "--no-strict", ...flakyOnly]);
  assertEquals(lax.code, 0);
  await Deno.remove(join(suite.path, "seen"));
  const typed = await suite.tractest([...RUN, "--retries", "0", ...flakyOnly]);
  assertEquals(typed.code, 1);
});

Deno.test("a test that an override runs alone runs after the others", async () => {
  const stamp = (name: string) => `
import os, pytest, time
@pytest.mark.parametrize("n", range(3))
def test_${name}(n):
    with open(os.environ["SUITE"] + "/order", "a") as file: file.write("${name}\\n")
    time.sleep(0.05)
`;
  await using suite = await pytestSuite({
    "test_a.py": stamp("first"),
    "test_b.py": stamp("lonely"),
    "test_c.py": stamp("other"),
  });
  await suite.write({
    "pyproject.toml":
      '[tool.tractest]\njobs = 2\njob-registries = ["127.0.0.1:1", "127.0.0.1:2"]\n' +
      '[[tool.tractest.overrides]]\nfilter = ["tests/test_b.py"]\nalone = true\n',
  });
  const { code, stdout, stderr } = await suite.tractest([...RUN, "--no-isolate"]);
  assertEquals(code, 0, stdout + stderr);
  const order = (await Deno.readTextFile(join(suite.path, "order"))).trim().split("\n");
  assert(order.slice(0, 6).every((name) => name !== "lonely"), order.join(" "));
  assertEquals(order.slice(6), ["lonely", "lonely", "lonely"]);
});

/** Each test writes where it ran. */
const spaced = (name: string, more = "") => `
import os, pytest
def note(name):
    with open(os.environ["SUITE"] + "/spaces", "a") as file:
        file.write(name + " " + os.readlink("/proc/self/ns/pid") + "\\n")
@pytest.fixture(scope="module")
def wide():
    note("wide")
def test_${name}(wide): note("${name}")
${more}`;

Deno.test({
  name: "the tests of an override with isolate run isolated after the others, as one run",
  ignore: ISOLATED === null,
  fn: async () => {
    const flaky = `
def test_flaky():
    note("flaky")
    path = os.environ["SUITE"] + "/seen"
    if not os.path.exists(path):
        open(path, "w").close()
        assert False, "the first time"
def test_red(): assert False, "every time"
def test_plain(): note("plain")
`;
    await using suite = await pytestSuite({
      "test_a_ports.py": spaced("ports", flaky),
      "test_b_other.py": spaced("other"),
    });
    await suite.write({
      "pyproject.toml": `
[[tool.tractest.overrides]]
filter = ["tests/test_a_ports.py::test_ports", "test_flaky", "test_red"]
isolate = true
retries = 1
`,
    });
    const places = async (...words: string[]) => {
      await Deno.remove(join(suite.path, "seen")).catch(() => {});
      await Deno.remove(join(suite.path, "spaces")).catch(() => {});
      const { code, stdout, stderr } = await suite.tractest([...RUN, ...words]);
      const text = await Deno.readTextFile(join(suite.path, "spaces"));
      const lines = text.trim().split("\n").map((line) => line.split(" ") as [string, string]);
      const outside = lines.find(([name]) => name === "other")?.[1];
      const shown = lines.map(([name, space]) => `${name} ${space === outside ? "out" : "in"}`);
      return { code, document: JSON.parse(stdout), stderr, shown, lines };
    };
    const { code, document, stderr, shown } = await places();
    assertEquals(code, 1, stderr);
    const { passed, failed } = document.counts;
    assertEquals([passed, failed, document.counts.notRun], [4, 1, 0], stderr);
    assertEquals(document.flaky.map(({ id }: { id: string }) => id), [
      "tests/test_a_ports.py::test_flaky",
    ]);
    assertEquals(shown, [
      ...["plain out", "wide out", "other out"],
      ...["wide in", "ports in", "flaky in", "flaky in"],
    ]);
    assertIncludes(stderr, "3 tests will run isolated, after the others");
    assertEquals((await places("--no-isolate")).shown.filter((line) => line.endsWith("in")), []);
    // In one pytest all of them are isolated.
    const one = await places("--stepwise");
    const outside = await Deno.readLink("/proc/self/ns/pid");
    assert(one.lines.every(([, space]) => space !== outside), one.stderr);
    await suite.write({ "tests/test_c_bad.py": "def (\n" });
    await Deno.remove(join(suite.path, "spaces"));
    const broken = await suite.tractest(RUN);
    const { counts } = JSON.parse(broken.stdout);
    assertEquals([broken.code, counts.passed, counts.failed], [2, 0, 0], broken.stderr);
    await Deno.remove(join(suite.root, "tests/test_c_bad.py"));
    const stopped = await places("-x", "-k", "other or plain or red or ports");
    assertEquals([stopped.code, stopped.document.counts.failed], [1, 1], stopped.stderr);
  },
});

for (const user of USERS) {
  Deno.test({
    name: `a run of nothing but such tests is isolated as a whole, and others not: ${user.name}`,
    ignore: ISOLATED === null,
    fn: async () => {
      const test = "import os\ndef test_net(): print(os.readlink('/proc/self/ns/pid'))\n";
      await using suite = await UsersSuite.of(
        user,
        { "test_ports.py": test, "test_other.py": test },
        '[[tool.tractest.overrides]]\nfilter = "tests/test_ports.py::*"\nisolate = true\n',
      );
      const spacesOf = async (...words: string[]) => {
        const run = ["run", "--no-preflight", "-s", ...words];
        const { code, stdout, stderr } = await suite.tractest(run);
        assertEquals(code, 0, stdout + stderr);
        return Array.from(stdout.matchAll(/pid:\[\d+\]/g), ([space]) => space);
      };
      const [outside] = await spacesOf("test_other");
      const inside = await spacesOf("test_ports");
      assertEquals([inside.length, inside.includes(outside!)], [1, false]);
      const [first, second] = await spacesOf();
      assertEquals(first, outside);
      assert(second !== undefined && second !== outside, second);
      assertEquals(await spacesOf("test_ports", "--no-isolate"), [outside!]);
      const pyproject = await Deno.readTextFile(join(suite.root, "pyproject.toml"));
      const exempting = pyproject.replace("[tool.tractest]\n", "$&isolate = true\n")
        .replace(/filter = .*\nisolate = true/, 'filter = "tests/test_other.py"\nisolate = false');
      await suite.write({ "pyproject.toml": exempting });
      const [exempt, other] = await spacesOf();
      assertEquals([exempt, other !== undefined && other !== outside], [outside, true]);
    },
  });
}
