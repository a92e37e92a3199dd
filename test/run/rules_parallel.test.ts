import { runLine } from "../run_line.ts";
import { readDurationsFrom } from "../../lib/history/durations_file.ts";
import { meansTest, parallelOf, parseShard } from "../../lib/run/rules_parallel.ts";
import { runIntent } from "../../lib/pytest/pytest_command.ts";
import { maySplit, unseenOptions } from "../../lib/run/rules_unseen_options.ts";
import { UsageError } from "../../lib/errors.ts";
import { assertEquals, assertIncludes, assertThrows } from "../assert.ts";

function of(words: readonly string[], configured: number | "auto" | null = null) {
  const line = runLine(words);
  return parallelOf(line.options, runIntent(line, () => false), configured);
}

Deno.test(
  "a --jobs from the command line that can't work is refused; a configured one is " +
    "ignored",
  () => {
    assertEquals(of(["--jobs", "3"]).jobs, 3);
    assertEquals(of([], "auto").jobs, "auto");
    assertEquals(of(["--jobs", "2"], "auto").jobs, 2);
    for (
      const words of [["-n4"], ["--pdb"], ["--tpdb"], ["--sw"], ["--junitxml=x.xml"], [
        "--",
        "-n",
        "2",
      ]]
    ) {
      assertThrows(() => of(["--jobs", "2", ...words]), UsageError);
      assertEquals(of(words, 4).jobs, 1);
    }
    assertEquals(of(["--collect-only"], 4).jobs, 1);
    for (const jobs of ["0", "-1", "x", "1.5", "999"]) {
      assertThrows(() => of([`--jobs=${jobs}`]), UsageError);
    }
  },
);

Deno.test("--ff keeps pytest's order in several pytests too", () => {
  assertEquals([
    of(["--jobs", "2"]).keepsOrder,
    of(["--jobs", "2", "--ff"]).keepsOrder,
    of([]).keepsOrder,
  ], [false, true, true]);
});

Deno.test("a shard is K/N with 1 <= K <= N", () => {
  assertEquals(parseShard("2/3"), { index: 2, count: 3 });
  for (const text of ["0/3", "4/3", "1", "1/0", "a/b", "1/3/4", "-1/3", "1/99999"]) {
    assertThrows(() => parseShard(text), UsageError);
  }
});

Deno.test("tests that run alone are configured by id, by its beginning, or by a glob", () => {
  const id = "tests/devx/test_x.py::TestA::test_b[c/d -> [e]]";
  const yes = [
    id,
    "tests/devx/test_x.py::TestA::test_b",
    "tests/devx/test_x.py::TestA",
    "tests/devx/test_x.py",
    "tests/*/test_x.py",
    "**/test_x.py::TestA::*",
  ];
  for (const text of yes) assertEquals([text, meansTest(text, id)], [text, true]);
  for (const text of ["tests/devx", "test_x.py", "tests/devx/test_x.py::Test", "*"]) {
    assertEquals([text, meansTest(text, id)], [text, false]);
  }
});

Deno.test(
  "durations come from pytest's JUnit report, from events, and from our own document",
  () => {
    const names = 'classname="tests.ipc.test_a.TestX" name="test_b[a&gt;b::c/d.py]"';
    const junit = readDurationsFrom(`<?xml version="1.0"?><testsuites><testsuite name="pytest">
    <testcase ${names} time="1.500"><failure message="a > b"/></testcase>
    <testcase time='2' name='test_c' classname='tests.test_b' /></testsuite></testsuites>`)!;
    assertEquals(junit("tests/ipc/test_a.py::TestX::test_b[a>b::c/d.py]"), 1.5);
    assertEquals([junit("tests/test_b.py::test_c"), junit("tests/test_b.py::test_d")], [
      2,
      undefined,
    ]);
    const own = readDurationsFrom(
      '{"schema": "tractest.durations/1", "seconds": {"a.py::x": 3, "a.py::y": "no"}}',
    )!;
    assertEquals([own("a.py::x"), own("a.py::y")], [3, undefined]);
    const head = '{"schema": "tractest.events/1", "time": 1, "session": "0"';
    const events = readDurationsFrom(
      `${head}, "event": "test-start", "id": "a.py::x"}\n${head}, "event": "report", "id": ` +
        `"a.py::x", "phase": "teardown", "outcome": "passed", "category": "", "seconds": 4}\n`,
    )!;
    assertEquals([events("a.py::x"), events("a.py::y")], [4, undefined]);
    assertEquals([readDurationsFrom("hello"), readDurationsFrom("[]"), readDurationsFrom("")], [
      null,
      null,
      null,
    ]);
  },
);

Deno.test("a shard takes no tests by what failed last, and lists none of its own", () => {
  const parallel = (word: string) => of(["--shard", "1/2", word]);
  for (const word of ["--lf", "--last-failed", "--sw"]) {
    assertIncludes(assertThrows(() => parallel(word), UsageError).message, word);
  }
  assertEquals(parallel("--ff").shard, { index: 1, count: 2 });
  assertEquals(parallel("--co").shard, null);
});

Deno.test("tests stay in one pytest for a debugger, coverage, workers and reports", () => {
  const may = (words: readonly string[], addopts = "") => {
    const line = runLine(words);
    const configured = { file: "pyproject.toml", addopts, logFile: null };
    const unseen = unseenOptions({ configured, environment: undefined, typed: [] });
    return maySplit(runIntent(line, () => false), unseen);
  };
  for (const words of [[], ["-k", "x"], ["-x"], ["--lf"]]) {
    assertEquals(may(words), true, `${words}`);
  }
  const kept = ["--cov=a", "--cov-fail-under=9", "-n=2", "--html=a", "--stepwise", "--co"];
  for (const word of kept) assertEquals(may([word]), false, word);
  for (const word of ["-n 8", "--cov", "--basetemp=x", "--pdb"]) {
    assertEquals(may([], word), false, word);
  }
  assertEquals(may([], "-ra --strict-markers --junitxml=x.xml"), true);
});
