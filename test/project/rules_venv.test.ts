import { isInside } from "../../lib/base/paths.ts";
import {
  dotted,
  type FoundVenv,
  isInstalledCopy,
  minorOfConfig,
  minorOfName,
  minorOfVersionFile,
  rankVenvs,
  type VenvKind,
  venvName,
} from "../../lib/project/rules_venv.ts";
import { assertEquals } from "../assert.ts";

Deno.test("names of venvs follow the configured pattern", () => {
  for (
    const [name, pattern, minor] of [
      ["py313", "py<MINOR>", "313"],
      ["py39", "py<MINOR>", "39"],
      ["py", "py<MINOR>", null],
      ["pyproject.toml", "py<MINOR>", null],
      ["py313.old", "py<MINOR>", null],
      ["mypy313", "py<MINOR>", null],
      [".venv-312-x", ".venv-<MINOR>-x", "312"],
      ["env", "env", ""],
      ["env2", "env", null],
      [".venv", "py<MINOR>", null],
    ] as const
  ) assertEquals(minorOfName(name, pattern), minor, name);
  assertEquals([venvName("py<MINOR>", "313"), venvName("env", "313")], ["py313", "env"]);
  assertEquals([dotted("313"), dotted("39")], ["3.13", "3.9"]);
});

const found = (path: string, kind: VenvKind, minor = "", height = 0): FoundVenv => ({
  path,
  kind,
  minor,
  height,
});

Deno.test("the active venv goes first, then that of .python-version, then the newest", () => {
  const order = (active: string | null, wanted: string | null) =>
    rankVenvs(
      ["39", "310", "312", "313"].map((minor) =>
        found(`/r/py${minor}`, `/r/py${minor}` === active ? "active" : "versioned", minor)
      ),
      wanted,
    ).map((venv) => venv.minor);
  assertEquals(order(null, null), ["313", "312", "310", "39"]);
  assertEquals(order(null, "310"), ["310", "313", "312", "39"]);
  assertEquals(order("/r/py39", "310"), ["39", "310", "313", "312"]);
  assertEquals(order(null, "314"), ["313", "312", "310", "39"]);
});

Deno.test("venvs go by kind: active, configured, py<MINOR>, uv's, .venv, venv", () => {
  const venvs = [
    found("/w/.venv", "conventional", "313", 1),
    found("/w/r/venv", "conventional", "313"),
    found("/w/r/.venv", "conventional", "310"),
    found("/w/r/other", "uv", "39"),
    found("/w/r/py312", "versioned", "312"),
    found("/w/r/env", "configured", "38"),
    found("/w/r/shell", "active", "38"),
  ];
  const paths = (wanted: string | null) => rankVenvs(venvs, wanted).map(({ path }) => path);
  assertEquals(paths(null), [
    "/w/r/shell",
    "/w/r/env",
    "/w/r/py312",
    "/w/r/other",
    "/w/r/.venv",
    "/w/r/venv",
    "/w/.venv",
  ]);
  assertEquals(paths("313").slice(-3), ["/w/r/venv", "/w/.venv", "/w/r/.venv"]);
});

Deno.test("the version in a pyvenv.cfg is read as venv, virtualenv and uv write it", () => {
  assertEquals(minorOfConfig("home = /usr/bin\nversion = 3.11.2\n"), "311");
  assertEquals(minorOfConfig("home = /x\nversion_info = 3.12.0.final.0\n"), "312");
  assertEquals([minorOfConfig("home = /x\n"), minorOfConfig(null)], ["", ""]);
});

Deno.test(".python-version is read as pyenv and uv write it", () => {
  for (
    const [text, minor] of [
      ["3.13\n", "313"],
      ["3.13.0", "313"],
      ["3.14.0rc1\n", "314"],
      ["3.13t", "313"],
      ["cpython-3.12", "312"],
      ["# ours\n\n3.11\n3.10\n", "311"],
      ["my-virtualenv", null],
      ["", null],
      [null, null],
    ] as const
  ) assertEquals(minorOfVersionFile(text), minor, String(text));
});

Deno.test("fault 5: paths are compared by whole components", () => {
  assertEquals(isInside("/x/tractor", "/x/tractor"), true);
  assertEquals(isInside("/x/tractor/a", "/x/tractor"), true);
  assertEquals(isInside("/x/tractor-fork", "/x/tractor"), false);
  assertEquals(isInside("/x", "/"), true);
});

Deno.test("a module in site-packages is a copy, not the source", () => {
  assertEquals(isInstalledCopy("/r/py313/lib/python3.13/site-packages/tractor/__init__.py"), true);
  assertEquals(isInstalledCopy("/usr/lib/python3/dist-packages/tractor.py"), true);
  assertEquals(isInstalledCopy("/r/my-site-packages/tractor.py"), false);
});
