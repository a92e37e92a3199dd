import { DEFAULT_CONFIGURATION, readConfiguration } from "../../lib/project/configuration.ts";
import { readProjectFiles } from "../../lib/project/project_files.ts";
import { PreflightError } from "../../lib/errors.ts";
import { assertEquals, assertIncludes, assertThrows } from "../assert.ts";

const files = (entries: Record<string, string>) => new Map(Object.entries(entries));

Deno.test("readProjectFiles() reads [tool.pytest.ini_options], the older and the newer way", () => {
  const older = '[tool.pytest.ini_options]\ntestpaths = ["checks", "more"]\n' +
    'addopts = ["-q", "--capture=fd"]\ncache_dir = "var/cache"\n';
  assertEquals(readProjectFiles(files({ "pyproject.toml": older })).pytest, {
    file: "pyproject.toml",
    cacheDirectory: "var/cache",
    testPaths: ["checks", "more"],
    pythonPaths: [],
    addopts: "-q --capture=fd",
    logFile: null,
    isRecent: false,
  });
  assertEquals(
    readProjectFiles(files({ "pyproject.toml": '[tool.pytest]\ntestpaths = ["t"]\n' })).pytest
      ?.testPaths,
    ["t"],
  );
});

Deno.test("readProjectFiles() prefers even an empty pytest.ini to pyproject.toml", () => {
  const both = files({
    "pyproject.toml": '[tool.pytest.ini_options]\ncache_dir = "a"\n',
    "pytest.ini": "",
  });
  assertEquals(readProjectFiles(both).pytest?.file, "pytest.ini");
});

Deno.test("readProjectFiles() reads tox.ini and setup.cfg only with their section", () => {
  assertEquals(readProjectFiles(files({ "tox.ini": "[tox]\nenvlist = a\n" })).pytest, null);
  const text = "[tool:pytest]\naddopts =\n    -q\n    # no\n    --strict\n" +
    "testpaths = a\n  b\n[other]\ncache_dir = no\n";
  assertEquals(readProjectFiles(files({ "setup.cfg": text })).pytest, {
    file: "setup.cfg",
    cacheDirectory: ".pytest_cache",
    testPaths: ["a", "b"],
    pythonPaths: [],
    addopts: "-q\n--strict",
    logFile: null,
    isRecent: false,
  });
});

Deno.test("readProjectFiles() names the line of TOML that can't be read", () => {
  const error = assertThrows(
    () => readProjectFiles(files({ "pyproject.toml": '[project]\nname = "x\n' })),
    PreflightError,
  );
  assertIncludes(error.message, "pyproject.toml");
  assertIncludes(error.message, "line 2");
});

Deno.test("readConfiguration() returns the tables by default", () => {
  assertEquals(readConfiguration(null, "tractor"), DEFAULT_CONFIGURATION);
  assertEquals(readConfiguration({}, "tractor"), DEFAULT_CONFIGURATION);
});

Deno.test("readConfiguration() names the nearest known key for an unknown one", () => {
  const error = assertThrows(
    () => readConfiguration({ registry: ["x"] }, "tractor"),
    PreflightError,
  );
  assertIncludes(error.message, 'unknown key "registry"');
  assertEquals(error.hint, 'did you mean "registries"?');
});

Deno.test("readConfiguration() puts configured rows first, and redefines core", () => {
  const read = readConfiguration({
    "known-flaky": [{ test: "test_a.py::test_b", error: "Slow" }],
    "change-map": [{ changed: ["net/"], tests: ["net/"] }],
    targets: { core: ["test_a.py"], quick: ["test_b.py"] },
    "time-limit-full": 60,
  }, "tractor");
  assertEquals(read.knownFlaky[0], {
    test: "test_a.py::test_b",
    error: "Slow",
    notes: "configured",
  });
  assertEquals(read.changeMap[0], { changed: ["net/"], tests: ["net/"] });
  assertEquals(read.changeMap.length, DEFAULT_CONFIGURATION.changeMap.length + 1);
  assertEquals(read.targets, { core: ["test_a.py"], quick: ["test_b.py"] });
  assertEquals(read.timeLimitFull, 60);
});

Deno.test("readConfiguration() takes true, auto and false for isolate, and is null without", () => {
  const values = [true, "auto", false].map((isolate) =>
    readConfiguration({ isolate }, "plain").isolate
  );
  assertEquals([...values, readConfiguration({}, "plain").isolate], [
    "always",
    "auto",
    "never",
    null,
  ]);
  assertIncludes(
    assertThrows(() => readConfiguration({ isolate: "yes" }, "plain"), PreflightError).message,
    '"isolate" must be true, "auto" or false',
  );
});

Deno.test("readConfiguration() names the value that has the wrong type", () => {
  assertIncludes(
    assertThrows(() => readConfiguration({ registries: "127.0.0.1:1" }, "plain"), PreflightError)
      .message,
    '"registries" must be a list of strings',
  );
  assertIncludes(
    assertThrows(() => readConfiguration({ "time-limit-full": 0 }, "plain"), PreflightError)
      .message,
    "a number above 0",
  );
  const { message, hint } = assertThrows(
    () => readConfiguration({ "known-flaky": [{ test: "a" }] }, "plain"),
    PreflightError,
  );
  assertIncludes(message, 'an entry of "known-flaky" has no "error": { test = "a" }');
  assertEquals(hint, 'known-flaky = [{ test = "test_a.py::test_b", error = "TimeoutError" }]');
});
