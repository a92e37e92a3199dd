import { compareLayout } from "../../lib/layout/rules.ts";
import { REFERENCE_LAYOUT } from "../../lib/layout/reference_layout.ts";
import { assertEquals } from "../assert.ts";
import { suite, treeOf } from "../pytest/suite.ts";

const rows = compareLayout(suite(), REFERENCE_LAYOUT);

Deno.test("compareLayout() finds the reference in today's tree, and what moved", () => {
  const referenced = rows.filter((row) => row.reference !== null);
  assertEquals(referenced.length, REFERENCE_LAYOUT.length);
  assertEquals(referenced.filter((row) => row.status !== "same"), [
    {
      path: "tests/discovery/test_multi_program.py",
      status: "moved",
      reference: "tests/test_multi_program.py",
      about: "multi-process tree tests",
      testFiles: null,
    },
  ]);
});

Deno.test("compareLayout() lists new files, with a count for each directory", () => {
  const directories = rows.filter((row) => row.testFiles !== null).map((
    row,
  ) => [row.path, row.status, row.testFiles]);
  assertEquals(directories, [
    ["tests/devx/", "same", 5],
    ["tests/discovery/", "same", 5],
    ["tests/ipc/", "same", 3],
    ["tests/msg/", "same", 3],
    ["tests/trionics/", "new", 3],
  ]);
  assertEquals(
    rows.some((row) => row.path === "tests/test_ringbuf.py" && row.status === "new"),
    true,
  );
});

Deno.test("compareLayout() reads like a tree: conftest, directories, then files", () => {
  const paths = rows.map((row) => row.path);
  assertEquals(paths.slice(0, 4), [
    "tests/conftest.py",
    "tests/devx/",
    "tests/devx/conftest.py",
    "tests/devx/test_debugger.py",
  ]);
  assertEquals(paths.at(-1), "tests/test_trioisms.py");
});

Deno.test("compareLayout() lists missing files", () => {
  const gone = compareLayout(treeOf(["tests/test_local.py"]), REFERENCE_LAYOUT).filter((row) =>
    row.status === "gone"
  );
  assertEquals(gone.length, REFERENCE_LAYOUT.length - 1);
  assertEquals(gone.every((row) => row.path === null && row.reference !== null), true);
});

Deno.test("compareLayout() works if the root itself has the tests", () => {
  const flat = treeOf(["conftest.py", "test_local.py", "sub/test_x.py"], {
    testsDirectories: ["."],
    directories: [".", "sub"],
  });
  const found = compareLayout(flat, REFERENCE_LAYOUT).filter((row) => row.path !== null);
  assertEquals(found.map((row) => [row.path, row.status]), [
    ["conftest.py", "same"],
    ["sub/", "new"],
    ["sub/test_x.py", "new"],
    ["test_local.py", "same"],
  ]);
});
