import { join } from "@std/path";
import { assert, assertEquals, assertIncludes } from "../assert.ts";
import { pytestSuite, type Suite } from "./suites.ts";

const FILES = {
  "conftest.py": `
def pytest_addoption(parser):
    parser.addoption("--tpt-proto", default="tcp")
    parser.addoption("--spawn-backend", default="trio")
`,
  "test_a.py": `
import pytest
@pytest.fixture
def cell(request):
    return tuple(request.config.getoption(name) for name in ("--tpt-proto", "--spawn-backend"))
def test_always(): pass
def test_never(): assert 1 == 2
def test_not_over_uds(cell): assert cell[0] != "uds"
def test_one_cell(cell): assert cell != ("tcp", "mp_spawn")
def test_skipped(cell):
    if cell[1] == "trio": pytest.skip("not here")
`,
};
const CELLS = ["--matrix", "tpt-proto=tcp,uds", "spawn-backend=trio,mp_spawn"];

async function suite(): Promise<Suite> {
  const made = await pytestSuite(FILES);
  await made.write({
    "tractor/spawn/_spawn.py": 'SpawnMethodKey = Literal["trio", "mp_spawn", "mp_forkserver"]\n',
  });
  return made;
}

Deno.test(
  "a matrix runs every cell, shows a table, and explains the differences",
  async () => {
    await using made = await suite();
    const { code, stdout, stderr } = await made.tractest(["run", "--no-preflight", ...CELLS]);
    assertEquals(code, 1, stderr);
    const table = stdout.slice(stdout.lastIndexOf("\n\n")).replace(/\d+\.\d s/g, "N s");
    assertEquals(table.trim().split("\n"), [
      "tpt-proto=tcp spawn-backend=trio      exit 1  N s  1 failed, 3 passed, 1 skipped",
      "tpt-proto=tcp spawn-backend=mp_spawn  exit 1  N s  2 failed, 3 passed",
      "tpt-proto=uds spawn-backend=trio      exit 1  N s  2 failed, 2 passed, 1 skipped",
      "tpt-proto=uds spawn-backend=mp_spawn  exit 1  N s  2 failed, 3 passed",
      "1 test: fails only with tpt-proto=uds",
      "  tests/test_a.py::test_not_over_uds",
      "1 test: fails only with tpt-proto=tcp and spawn-backend=mp_spawn",
      "  tests/test_a.py::test_one_cell",
      "1 test: fails in every cell",
      "  tests/test_a.py::test_never  assert 1 == 2",
      "4 cells: 0 ok, 4 not ok; N s",
    ]);
    assertIncludes(
      stderr,
      "tpt-proto=uds spawn-backend=trio: py310/bin/python -m pytest --tb=short --no-header " +
        "--tpt-proto=uds --spawn-backend=trio tests/",
    );
    assertIncludes(stderr, "1 more test did not end alike in all cells: --diff");
    const lastFailed = JSON.parse(
      await Deno.readTextFile(join(made.root, ".pytest_cache/v/cache/lastfailed")),
    );
    assertEquals(
      Object.keys(lastFailed).sort(),
      ["never", "not_over_uds", "one_cell"].map((name) => `tests/test_a.py::test_${name}`),
    );
  },
);

Deno.test(
  "cells in parallel give the same results in the document, JUnit report and events",
  async () => {
    await using made = await suite();
    const [events, junit] = [join(made.path, "events.jsonl"), join(made.path, "junit.xml")];
    const words = [
      "run",
      "--no-preflight",
      "--jobs",
      "2",
      "--json",
      "--events",
      events,
      "--junit",
      junit,
      ...CELLS,
    ];
    const { code, stdout, stderr } = await made.tractest(words);
    const document = JSON.parse(stdout);
    assertEquals([code, document.schema, document.exitCode, document.isolated], [
      1,
      "tractest.matrix/1",
      1,
      true,
    ], stderr);
    assertEquals(
      document.cells.map((
        cell: { cell: unknown; counts: { failed: number } },
      ) => [cell.cell, cell.counts.failed]),
      [
        [{ "tpt-proto": "tcp", "spawn-backend": "trio" }, 1],
        [{ "tpt-proto": "tcp", "spawn-backend": "mp_spawn" }, 2],
        [{ "tpt-proto": "uds", "spawn-backend": "trio" }, 2],
        [{ "tpt-proto": "uds", "spawn-backend": "mp_spawn" }, 2],
      ],
    );
    const explanations = document.differences.map((
      { id, explanation }: { id: string; explanation: string },
    ) => [id.split("_").at(-1), explanation])
      .sort();
    assertEquals(explanations, [
      ["cell", "fails only with tpt-proto=tcp and spawn-backend=mp_spawn"],
      ["skipped", "is skipped only with spawn-backend=trio"],
      ["uds", "fails only with tpt-proto=uds"],
    ]);
    const lines = (await Deno.readTextFile(events)).trim().split("\n").map((line) =>
      JSON.parse(line)
    );
    assert(lines.every((line) => /^tpt-proto=\w+ spawn-backend=\w+$/.test(line.cell)));
    assertEquals(
      new Set(lines.map((line) => `${line.cell} ${line.event}`)).has(
        "tpt-proto=uds spawn-backend=mp_spawn run-finish",
      ),
      true,
    );
    const report = await Deno.readTextFile(junit);
    assertEquals([...report.matchAll(/<testsuite name="([^"]*)"/g)].map((match) => match[1]), [
      "tractest tpt-proto=tcp spawn-backend=trio",
      "tractest tpt-proto=tcp spawn-backend=mp_spawn",
      "tractest tpt-proto=uds spawn-backend=trio",
      "tractest tpt-proto=uds spawn-backend=mp_spawn",
    ]);
    const history = JSON.parse((await made.tractest(["history", "--json"])).stdout);
    assertEquals(history.runs.length, 4);
  },
);

Deno.test(
  "tests whose ids contain a value of their cell are compared with each other",
  async () => {
    await using made = await suite();
    await made.write({
      "tests/test_a.py": `
def pytest_generate_tests(metafunc):
    metafunc.parametrize("backend", [metafunc.config.getoption("--spawn-backend")])
def test_fine(backend): pass
def test_bad(backend): assert backend != "mp_spawn"
`,
    });
    const { code, stdout, stderr } = await made.tractest([
      "run",
      "--no-preflight",
      "--matrix",
      "spawn-backend=trio,mp_spawn",
      "--json",
    ]);
    assertEquals(code, 1, stderr);
    const found = JSON.parse(stdout).differences.map((
      { id, explanation }: { id: string; explanation: string },
    ) => [id, explanation]);
    assertEquals(found, [[
      "tests/test_a.py::test_bad[<spawn-backend>]",
      "fails only with spawn-backend=mp_spawn",
    ]]);
  },
);

Deno.test("with --lf no cell runs less for what the cell before it recorded", async () => {
  await using made = await suite();
  const words = ["run", "--no-preflight", "--lf", "--matrix", "tpt-proto=tcp,uds"];
  const { stdout } = await made.tractest([...words, "-k", "not_over_uds or never"]);
  assert(/tpt-proto=tcp +exit 1 .* 1 failed, 1 passed\n/.test(stdout), stdout);
  assert(/tpt-proto=uds +exit 1 .* 2 failed\n/.test(stdout), stdout);
});

Deno.test("impossible cells are named with a fix, and the others run", async () => {
  await using made = await suite();
  const words = [
    "run",
    "--no-preflight",
    "--matrix",
    "python=3.10,3.99",
    "spawn-backend=trio,subint",
  ];
  const { code, stdout, stderr } = await made.tractest([...words, "-k", "always"]);
  assertEquals(code, 0, stdout + stderr);
  assertIncludes(
    stdout,
    'python=3.99 spawn-backend=trio    not run         no virtual environment "py399"',
  );
  assertIncludes(stdout, 'this checkout has no spawn backend "subint": it has ');
  assertIncludes(stdout, "1 cell: 1 ok, 0 not ok, 3 not run; ");
  assertIncludes(stderr, "hint: python3.99 -m venv py399 && ");
  const none = await made.tractest(["run", "--no-preflight", "--matrix", "python=3.99"]);
  assertEquals(none.code, 80, "a matrix in which nothing could run is not green");
  const dry = await made.tractest([...words, "--dry-run"]);
  assertEquals(dry.code, 0);
  assertIncludes(
    dry.stdout,
    "py310/bin/python -m pytest --tb=short --no-header --spawn-backend=trio tests/\n",
  );
});

Deno.test(
  "errors in --matrix are reported before anything runs",
  async () => {
    await using made = await suite();
    for (
      const [words, says] of [
        [
          ["--matrix", "tpt-prto=tcp"],
          "it takes KEY=VALUE,VALUE with tpt-proto, spawn-backend, python",
        ],
        [
          ["--matrix", "tpt-proto=tcp", "--tpt-proto=uds"],
          '"--tpt-proto" and "--matrix tpt-proto=…" exclude each other',
        ],
        [["--matrix", "tpt-proto=tcp", "--shard", "1/2"], '"--matrix" does not go with "--shard"'],
        [["--diff"], '"--diff" compares the cells of a matrix'],
      ] as const
    ) {
      const { code, stderr } = await made.tractest(["run", "--no-preflight", ...words]);
      assertEquals(code, 64, stderr);
      assertIncludes(stderr, says);
    }
  },
);

Deno.test("an interrupt ends the running cell, and no other cell starts", async () => {
  await using made = await suite();
  await made.write({
    "tests/test_b.py":
      "import time\ndef test_waits(): print('here', flush=True); time.sleep(600)\n",
  });
  const running = made.start(["run", "--no-preflight", "-s", "test_b.py", ...CELLS]);
  await running.until("here");
  running.child.kill("SIGINT");
  const { code, stdout } = await running.ended;
  assertEquals(code, 130);
  assertIncludes(stdout, "(interrupted)");
  assertIncludes(
    stdout,
    "tpt-proto=uds spawn-backend=mp_spawn  not run          interrupted before",
  );
  assertIncludes(stdout, "1 cell: 0 ok, 1 not ok, 3 not run; ");
});

Deno.test(
  "after an interrupt between two cells no pytest starts, even if the run is slow to " +
    "end",
  async () => {
    await using made = await pytestSuite({
      "test_a.py": "import os\ndef test_a(): open(os.environ['SUITE'] + '/ran', 'a').write('x')\n",
    });
    // The interrupt comes when the second cell asks its Python for its version.
    await made.write({
      "py399/pyvenv.cfg": "home = /usr/bin\nversion = 3.99.0\n",
      "py399/bin/python": "",
    });
    const script = '#!/bin/sh\n[ "$1" = --version ] && kill -INT $PPID\nexec "$(dirname ' +
      '"$0")/../../py310/bin/python" "$@"\n';
    await Deno.writeTextFile(join(made.root, "py399/bin/python"), script);
    await Deno.chmod(join(made.root, "py399/bin/python"), 0o755);
    const words = [
      "run",
      "--no-preflight",
      "--matrix",
      "python=3.10,3.99",
      "--notify-command",
      "sleep 1",
    ];
    const { code, stderr } = await made.tractest(words);
    assertEquals(code, 130, stderr);
    assertIncludes(stderr, "python=3.10: ok");
    assertEquals(await Deno.readTextFile(join(made.path, "ran")), "x");
  },
);
