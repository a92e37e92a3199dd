import type { Affected } from "../../lib/affected/affected_targets.ts";
import { affectedBy } from "../../lib/affected/rules.ts";
import { framesOf, lineToSee, parseHunks, relatedChange } from "../../lib/affected/related.ts";
import { CHANGE_MAP } from "../../lib/project/change_map.ts";
import { assert, assertEquals } from "../assert.ts";
import { FILES, IDS, suite } from "../pytest/suite.ts";

/** The known facts if these files changed. */
function known(...paths: string[]) {
  const changes = paths.map((path) => ({ path, status: "modified", where: "unstaged" }) as const);
  const affected: Affected = affectedBy(changes, {
    tree: suite(),
    packageDirectory: "tractor",
    changeMap: CHANGE_MAP,
  });
  return { affected, changed: new Set(paths), root: "/repo" };
}

/** A failure with nothing but a traceback. */
const said = (traceback = "", message = "", where: string | null = null) => ({
  traceback,
  message,
  where,
});

Deno.test("relatedChange() names the nearest cause of a failing test", () => {
  const changes = known(
    "tractor/ipc/_chan.py",
    "tests/test_rpc.py",
    "tests/conftest.py",
    "tests/devx/conftest.py",
  );
  const cause = (id: string) => relatedChange(id, said(), changes);
  assertEquals(cause("tests/test_rpc.py::test_x[a/b::c]"), {
    file: "tests/test_rpc.py",
    because: "the test file itself changed",
  });
  assertEquals(cause("tests/ipc/test_server.py::test_y")?.file, "tractor/ipc/_chan.py");
  assertEquals(cause("tests/devx/test_tooling.py::t")?.file, "tests/devx/conftest.py");
  assertEquals(cause("tests/test_local.py::t")?.file, "tests/conftest.py");
  assertEquals(
    relatedChange("tests/test_local.py::t", said(), known("tractor/ipc/_chan.py")),
    null,
  );
});

Deno.test("a conftest.py that can't be imported is called by its name", () => {
  const [file, because] = ["tests/devx/conftest.py", "conftest.py itself changed"];
  const changes = known(file);
  assertEquals(relatedChange(file, said(`${file}:2: in <module>`), changes), {
    ...{ file, line: 2 },
    because,
  });
  const syntax = said(`E     File "/repo/elsewhere.py", line 2`, "SyntaxError: invalid syntax");
  assertEquals(relatedChange(file, syntax, changes), { file, because });
});

Deno.test("relatedChange() relates each of 471 real ids to a change of its own file only", () => {
  for (const file of new Set(IDS.map((id) => id.split("::")[0]!))) {
    const changes = known(file);
    for (const id of IDS) {
      assertEquals(
        relatedChange(id, said(), changes) !== null,
        id.startsWith(`${file}::`),
        `${file} ${id}`,
      );
    }
  }
  assert(FILES.length > 50);
});

Deno.test("relatedChange() prefers a changed file that the failure came through", () => {
  const changes = known("tractor/ipc/_chan.py", "tractor/log.py");
  const id = "tests/test_local.py::t";
  const short =
    "tests/test_local.py:8: in t\n    trio.run(main)\ntractor/ipc/_chan.py:120: in send\n" +
    "    raise\nE   ValueError: x";
  assertEquals(relatedChange(id, said(short), changes), {
    file: "tractor/ipc/_chan.py",
    line: 120,
    because: "the failure came through it",
  });
  // In another process, known from the error that this sent.
  const remote = "RemoteActorError: x\n  Traceback (most recent call last):\n    File " +
    '"/repo/tractor/log.py", line 7, in f\n  ValueError';
  assertEquals(relatedChange(id, said(short, remote), changes)?.file, "tractor/log.py");
  assertEquals(relatedChange(id, said("", "", "tractor/log.py:9"), changes)?.line, 9);
  assertEquals(relatedChange(id, said(short.replaceAll("_chan", "_server")), changes), null);
  assertEquals(
    relatedChange(id, said(short.replaceAll("tractor/", "/elsewhere/tractor/")), changes),
    null,
  );
});

Deno.test("framesOf() reads pytest's styles and Python's own tracebacks", () => {
  const text = [
    "app/a.py:1: in f",
    "/repo/app/b.py:2: in f",
    "/usr/lib/python3/c.py:3: in f",
    '  File "/repo/app/d.py", line 4, in f',
    '    | File "/repo/app/e.py", line 5, in f',
    "app/f.py:6: ValueError",
    "E   at app/g.py:7 something",
  ].join("\n");
  assertEquals(framesOf(text, "/repo").map(({ file, line }) => `${file}:${line}`), [
    "app/a.py:1",
    "app/b.py:2",
    "app/d.py:4",
    "app/e.py:5",
    "app/f.py:6",
  ]);
});

Deno.test("lineToSee() is the line of the failure if it changed, else the nearest change", () => {
  const diff =
    "--- a/x.py\n+++ b/x.py\n@@ -3 +3,2 @@ def f():\n-a\n+b\n+c\n@@ -40,2 +41,0 @@\n-d\n" +
    "-e\n@@ -90 +89 @@\n-f\n+g\n";
  const hunks = parseHunks(diff);
  assertEquals(hunks, [{ first: 3, count: 2 }, { first: 41, count: 0 }, { first: 89, count: 1 }]);
  assertEquals([4, 50, 120, null].map((line) => lineToSee(hunks, line)), [4, 41, 89, 3]);
  assertEquals(lineToSee([], 7), 7);
});
