import { join } from "@std/path";
import { assert, assertEquals, assertIncludes } from "../assert.ts";
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

Deno.test({
  name: "a run that may have a test of an override with isolate is isolated, and no other",
  ignore: ISOLATED === null,
  fn: async () => {
    const test = "import os\ndef test_net(): print(os.readlink('/proc/self/ns/pid'))\n";
    await using suite = await pytestSuite({ "test_ports.py": test, "test_other.py": test });
    await suite.write({
      "pyproject.toml": '[[tool.tractest.overrides]]\nfilter = "tests/test_ports.py::*"\n' +
        "isolate = true\n",
    });
    const spaceOf = async (...words: string[]) => {
      const { code, stdout } = await suite.tractest(["run", "--no-preflight", "-s", ...words]);
      assertEquals(code, 0, stdout);
      const found = new Set(stdout.match(/pid:\[\d+\]/g));
      assertEquals(found.size, 1, stdout);
      return found;
    };
    const outside = await spaceOf("test_other");
    assertEquals((await spaceOf("test_ports")).intersection(outside).size, 0);
    assertEquals((await spaceOf()).intersection(outside).size, 0);
    assertEquals(await spaceOf("test_ports", "--no-isolate"), outside);
  },
});
