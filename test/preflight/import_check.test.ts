import { endOfLines, linesWithText } from "../../lib/base/last_lines.ts";
import { fitOf } from "../../lib/preflight/import_check.ts";
import { assert, assertEquals, assertIncludes } from "../assert.ts";

const fit = (file: string, byDirectoryOnly = false, isTractor = true) =>
  fitOf({ own: { name: "tractor", directory: "/r/tractor", file }, byDirectoryOnly }, isTractor);

Deno.test("a venv fits when the package under test is this checkout's own source", () => {
  assert(fit("/r/tractor/__init__.py").fits);
  assertIncludes(fit("/r/tractor/__init__.py", true).detail, "not installed in the venv");
  assert(fitOf({ own: null, byDirectoryOnly: false }, true).fits);
});

Deno.test("a venv does not fit when it has another checkout's source, or a copy", () => {
  assertEquals(fit("/main/tractor/__init__.py"), {
    fits: false,
    detail: "tractor resolves to /main/tractor/__init__.py: outside of /r/tractor",
    isCopy: false,
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

Deno.test("an installed copy is a mistake in tractor's own repository only", () => {
  for (const venv of ["/r/.venv", "/home/u/.virtualenvs/app"]) {
    const file = `${venv}/lib/python3.13/site-packages/app/__init__.py`;
    assertEquals([fit(file).fits, fit(file).isCopy], [false, true]);
    assertEquals([fit(file, false, false).fits, fit(file, false, false).isCopy], [true, true]);
  }
  assert(!fit("/main/src/app/__init__.py", false, false).fits, "the source of another checkout");
});

Deno.test("of the end of a traceback only lines with text count", () => {
  assertEquals(linesWithText("a\n\n  b  \nc\n\n"), ["a", "  b", "c"]);
  assertEquals(linesWithText(""), []);
  assertEquals(endOfLines(["a", "  b", "c"], 2), ["… 1 line before", "  b", "c"]);
  assertEquals(endOfLines(["a"], 2), ["a"]);
});
