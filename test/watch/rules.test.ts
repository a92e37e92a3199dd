import fc from "fast-check";
import type { Change } from "../../lib/affected/affected_targets.ts";
import {
  changesBetween,
  isScratch,
  joined,
  targetOfFailed,
  targetsWithin,
  watchedAmong,
  WrittenByTests,
} from "../../lib/watch/rules.ts";
import { assert, assertEquals } from "../assert.ts";

const change = (path: string, status: Change["status"] = "modified"): Change => ({
  path,
  status,
  where: status === "added" ? "untracked" : "unstaged",
});

Deno.test("what editors and tools write beside a file is no change", () => {
  const scratch = [
    ..."tests/4913 tests/.test_a.py.swp test_a.py~ .#a.py #a.py# a.py___jb_tmp___".split(" "),
    ...".goutputstream-X1 a.py.tmp a.py.tmp.12.345 x/__pycache__/a.cpython-311.pyc".split(" "),
    ...".coverage .coverage.host.12 .git/index .pytest_cache/v/x .idea/workspace.xml".split(" "),
  ];
  assertEquals(scratch.filter((path) => !isScratch(path)), []);
  const edited = "a.py .coveragerc tests/data/4913.txt swp.py tmp/a.py build/a.py a.tmpl".split(
    " ",
  );
  assertEquals(edited.filter(isScratch), []);
});

Deno.test("files of a virtual environment are not watched, whatever its name", () => {
  const paths = ["a.py", "env/pyvenv.cfg", "env/lib/b.py", "environment.py", "a.py"];
  assertEquals(watchedAmong(paths), ["a.py", "environment.py"]);
});

Deno.test("a change is a file with another content, one that is new, or one that is gone", () => {
  const before = new Map([["same", "1"], ["other", "1"], ["gone", "1"]]);
  const after = new Map([["same", "1"], ["other", "2"], ["new", "1"]]);
  const found = changesBetween(before, after).map(({ path, status }) => `${path} ${status}`);
  assertEquals(found, ["gone deleted", "new added", "other modified"]);
});

Deno.test("joined changes are what differs from before the first", () => {
  const statuses = (...changes: Change[]) =>
    changes.reduce((all, one) => joined(all, [one]), [] as Change[]).map(({ status }) => status);
  assertEquals(statuses(change("a", "added"), change("a", "deleted")), []);
  assertEquals(statuses(change("a", "added"), change("a")), ["added"]);
  assertEquals(statuses(change("a", "deleted"), change("a", "added")), ["modified"]);
  assertEquals(statuses(change("b"), change("a")), ["modified", "modified"]);
});

Deno.test("data that changes with two runs in a row is ignored until it changes apart", () => {
  const written = new WrittenByTests();
  written.begin();
  assertEquals(written.during("out.json"), "restart");
  assertEquals(written.during("out.json"), "restart", "the same run");
  written.begin();
  assertEquals(written.during("out.json"), "ignore");
  assertEquals([written.isNews("out.json"), written.isNews("out.json")], [true, false]);
  written.apart("out.json");
  written.begin();
  assertEquals(written.during("out.json"), "restart");
  assertEquals(written.isNews("out.json"), true);
});

Deno.test("a module saved during run after run restarts one, and is tested after others", () => {
  const written = new WrittenByTests();
  const reactions = Array.from({ length: 5 }, () => {
    written.begin();
    return written.during("store/cart.py");
  });
  assertEquals(reactions, ["restart", "run-afterwards", "run-afterwards", "ignore", "ignore"]);
  written.begin();
  written.begin();
  assertEquals(written.during("store/cart.py"), "restart", "a run without a change came between");
});

Deno.test("no tests can write files so that runs follow each other without end", () => {
  const files = ["a.py", "b.json", "c.py", "d.txt"];
  const run = fc.subarray(files);
  fc.assert(fc.property(fc.array(run, { minLength: 1, maxLength: 4 }), (cycle) => {
    const written = new WrittenByTests();
    let runs = 0;
    // Each run writes what its place in the cycle says; it is followed by another if it may be.
    for (let isNext = true; isNext; runs++) {
      written.begin();
      const always = files.filter((file) => cycle.every((one) => one.includes(file)));
      isNext = always.some((file) => written.during(file) !== "ignore");
      assert(runs < 10, "it does not end");
    }
  }));
});

Deno.test("only targets inside of what was typed run, as much of them as was typed", () => {
  const targets = ["tests/unit/test_a.py", "tests/web/test_b.py::test_x", "tests/"];
  assertEquals(targetsWithin(targets, []), targets);
  assertEquals(targetsWithin(targets, ["tests/unit/"]), ["tests/unit/test_a.py", "tests/unit/"]);
  assertEquals(targetsWithin(targets.slice(0, 2), ["tests/unit/test_a.py::test_y"]), [
    "tests/unit/test_a.py::test_y",
  ]);
  assertEquals(targetsWithin(["tests/web/test_b.py::test_x[1]"], ["tests/web/test_b.py::test_x"]), [
    "tests/web/test_b.py::test_x[1]",
  ]);
  assertEquals(targetsWithin(["tests/test_ab.py"], ["tests/test_a.py"]), []);
});

Deno.test("a test that failed is a target only if its file still defines it", () => {
  const text = "async def test_a(x): pass\nclass TestB:\n    def test_c(self): pass\n";
  const targets = ["test_a[x y]", "test_old[1]", "TestB::test_c", "test_c", "test_.*"]
    .map((name) => targetOfFailed(`tests/test_x.py::${name}`, text));
  const file = targets[2];
  assertEquals(targets, ["tests/test_x.py::test_a", null, file, file, file]);
  assertEquals([file, targetOfFailed("tests/test_x.py", text)], [
    "tests/test_x.py",
    "tests/test_x.py",
  ]);
});
