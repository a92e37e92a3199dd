import { fitOf, lastLines } from "../../lib/preflight/import_check.ts";
import { assert, assertEquals, assertIncludes } from "../assert.ts";

const fit = (file: string, byDirectoryOnly = false) =>
  fitOf({ own: { name: "tractor", directory: "/r/tractor", file }, byDirectoryOnly }, "/r");

Deno.test("a venv fits when the package under test is this checkout's own source", () => {
  assert(fit("/r/tractor/__init__.py").fits);
  assertIncludes(fit("/r/tractor/__init__.py", true).detail, "not installed in the venv");
  assert(fitOf({ own: null, byDirectoryOnly: false }, "/r").fits);
});

Deno.test("a venv does not fit when it has another checkout's source, or a copy", () => {
  assertEquals(fit("/main/tractor/__init__.py"), {
    fits: false,
    detail: "tractor resolves to /main/tractor/__init__.py: outside of /r/tractor",
  });
  assert(!fit("/r-fork/tractor/__init__.py").fits);
  assert(
    !fit("/r/worktrees/other/tractor/__init__.py").fits,
    "a worktree inside of the checkout is another checkout",
  );
  assertIncludes(
    fit("/r/py313/lib/python3.13/site-packages/tractor/__init__.py").detail,
    "an installed copy",
  );
});

Deno.test("lastLines() returns the end of a traceback, which names the error", () => {
  assertEquals(lastLines("a\n\n  b  \nc\n\n", 2), ["  b", "c"]);
  assertEquals(lastLines("", 2), []);
});
