import type { Suite } from "../../scripts/public_suites/results.ts";
import { rowsOf } from "../../scripts/public_suites/show.ts";
import { sit } from "../../scripts/public_suites/sit.ts";
import { assert, assertEquals, assertIncludes } from "../assert.ts";
import { pytestSuite } from "./suites.ts";
import { TRACTEST } from "./tractest.ts";

const TESTS = `
import os, subprocess, sys

def test_passes():
    pass

def test_fails():
    assert False

def test_fails_in_a_worker():
    assert "PYTEST_XDIST_WORKER" not in os.environ

def test_leaves():
    subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)"])

def test_sees_nothing_of_the_recorder():
    assert not {"PYTEST_PLUGINS", "PYTHONPATH", "SUITES_RECORD"} & set(os.environ)
`;

const SUITE: Suite = {
  name: "small",
  repository: "owner/small",
  revision: "0",
  python: "3",
  prepare: [],
  runOptions: ["--no-defaults"],
  options: [],
  targets: [],
  notes: [],
};

Deno.test(
  "scripts/suites shows counts, tests that differ, leaks and processes alive of each mode",
  async () => {
    await using project = await pytestSuite({ "test_small.py": TESTS }, "9.*", ["pytest-xdist"]);
    await Deno.symlink(`${project.root}/py310`, `${project.root}/.venv`);
    const place = {
      suite: SUITE,
      checkout: project.root,
      scratch: project.path,
      tractest: TRACTEST,
      limit: 60,
    };
    const noted: string[] = [];
    const sitting = await sit(place, ["bare", "xdist", "run"], 1, (text) => noted.push(text));

    const rows = rowsOf(sitting).map((row) => row.replace(/\d+\.\d/, "N"));
    assertEquals(rows.slice(0, 2), [
      "| small | bare | 1 | 4 passed, 1 failed |  | N |  |  | 1 |",
      "| small | xdist | 1 | 3 passed, 2 failed | 1 | N |  |  | 1 |",
    ]);
    const id = "tests/test_small.py::test_fails_in_a_worker";
    assertEquals([...sitting.alone], [[id, { failed: 0, of: 3 }]]);
    assertEquals(noted.length, 4);
    const run = sitting.runs[2]!;
    assertEquals(
      [run.lastLine, run.code, run.counts?.passed, run.failing],
      [null, 1, 4, sitting.runs[0]!.failing],
    );
    assertIncludes(run.leaks?.join() ?? "", "test_leaves");
    // What was alive has been ended.
    const alive = sitting.runs.flatMap((one) => one.alive);
    assert(alive.every((title) => title.includes("time.sleep(300)")), alive.join());
  },
);
