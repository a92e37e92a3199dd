import { assertEquals, assertIncludes } from "../assert.ts";
import { ISOLATED, pytestSuite, type Suite } from "./suites.ts";

const RUN = ["run", "--no-preflight", "--no-defaults"];

/** Ids with addresses: two of one kind, one in a class, and others of the same functions. */
const TESTS = `
import pytest

class P:
    def __init__(self, good):
        self.good = good

    def __repr__(self):
        return "<P%d at 0x%x>" % (self.good, id(self)) if self.good < 2 else "plain"

ALL = [P(0), P(0), P(1), P(2)]

@pytest.mark.parametrize("p", ALL, ids=repr)
def test_a(p):
    assert p is not ALL[1]

class TestIt:
    @pytest.mark.parametrize("p", ALL[2:], ids=repr)
    def test_b(self, p):
        assert p.good == 2

def test_c():
    assert 0

def test_d():
    pass
`;

const FAILING = [
  "tests/test_x.py::TestIt::test_b[<P1 at 0x…>]",
  "tests/test_x.py::test_a[<P0 at 0x…2>]",
  "tests/test_x.py::test_c",
];

async function addressSuite(version: string): Promise<Suite> {
  const suite = await pytestSuite(
    { "test_x.py": TESTS, "test_y.py": "def test_y(): pass\n" },
    version,
  );
  return await suite.write({ "tractor/__init__.py": "" });
}

async function listed(suite: Suite): Promise<string[]> {
  return JSON.parse((await suite.tractest(["failed", "--json"])).stdout).tests;
}

for (const version of ["6.2.*", "9.*"]) {
  Deno.test(
    `with pytest ${version} an id with an address selects its test in every later process`,
    async () => {
      await using suite = await addressSuite(version);
      const counts = async (
        words: readonly string[],
        code: number,
        failed: number,
        passed: number,
      ) => {
        const result = await suite.tractest([...words.slice(0, 1), "--json", ...words.slice(1)]);
        assertEquals(result.code, code, `${words.join(" ")}\n${result.stdout}${result.stderr}`);
        const { counts } = JSON.parse(result.stdout);
        assertEquals([counts.failed, counts.passed], [failed, passed], words.join(" "));
      };
      await counts(RUN, 1, 3, 6);
      assertEquals(await listed(suite), FAILING);
      // Again in another process: what was recorded is what failed, each once.
      await counts([...RUN, "--lf"], 1, 3, 0);
      await counts(["failed", "--run", "--", "--maxfail=9"], 1, 3, 0);
      assertEquals(await listed(suite), FAILING);
      for (const id of FAILING) await counts([...RUN, id], 1, 1, 0);
      await counts([...RUN, "tests/test_x.py::test_a[<P1 at 0x…>]"], 0, 0, 1);
      await counts(
        [
          ...RUN,
          "tests/test_x.py::test_a[<P1 at 0x7f00c0ffee>]",
          "tests/test_x.py::test_a[plain]",
          "tests/test_y.py",
        ],
        0,
        0,
        3,
      );
      await counts(
        [...RUN, "tests/test_x.py::test_a[<P0 at 0x7f00c0ffee>]", "tests/test_x.py::test_d"],
        1,
        1,
        2,
      );
      const gone = await suite.tractest([
        ...RUN,
        "tests/test_x.py::test_a[<P7 at 0x…>]",
        "tests/test_x.py::test_d",
      ]);
      assertEquals(gone.code, 4, gone.stdout);
      assertIncludes(gone.stdout + gone.stderr, "not found: ");
      assertEquals(await listed(suite), FAILING);
    },
  );
}

Deno.test(
  "a test that plain pytest recorded with addresses is listed once, and --lf runs only " +
    "that",
  async () => {
    await using suite = await addressSuite("8.*");
    for (let again = 0; again < 2; again++) {
      const bare = new Deno.Command("py310/bin/python", {
        args: ["-m", "pytest", "-q"],
        cwd: suite.root,
        stdout: "null",
      });
      assertEquals((await bare.output()).code, 1);
    }
    assertEquals(await listed(suite), [
      FAILING[0],
      "tests/test_x.py::test_a[<P0 at 0x…>]",
      FAILING[2],
    ], "which of two it was is not known");
    const { code, stdout } = await suite.tractest([...RUN, "--lf"]);
    assertEquals(code, 1);
    assertIncludes(stdout, "3 failed, 1 passed");
    assertEquals(await listed(suite), FAILING);
    await suite.write({ "tests/test_x.py": TESTS.replace("p is not ALL[1]", "1") });
    assertIncludes((await suite.tractest([...RUN, "--lf"])).stdout, "2 failed, 1 passed");
    assertEquals(await listed(suite), [FAILING[0], FAILING[2]]);
  },
);

Deno.test({
  name: "--jobs, stress and bisect accept an id with an address as it was printed",
  ignore: ISOLATED === null,
  fn: async () => {
    await using suite = await addressSuite("8.*");
    const id = FAILING[1]!;
    const jobs = await suite.tractest([...RUN, "--jobs", "2"]);
    assertEquals(jobs.code, 1, jobs.stderr);
    assertEquals(await listed(suite), FAILING);
    const again = await suite.tractest([...RUN, "--lf", "--jobs", "2"]);
    assertIncludes(again.stdout, "3 failed");
    const stress = await suite.tractest(["stress", id, "--copies", "2", "--rounds", "1", "--json"]);
    assertEquals(stress.code, 1, stress.stderr);
    assertIncludes(stress.stdout, '"id": "tests/test_x.py::test_a[<P0 at 0x…2>]"');
    const bisect = await suite.tractest(["bisect", id, "--no-preflight", "--json"]);
    assertEquals(JSON.parse(bisect.stdout).verdict, "by-itself", bisect.stderr);
  },
});
