import {
  commandMentionsPytest,
  importedPaths,
  isKnownTitle,
  mayRunTests,
  mayRunTestsBy,
} from "../../lib/leaks/rules_runner.ts";
import { assert, assertEquals } from "../assert.ts";

Deno.test("a Python program that mentions tests may run them, whatever it is called", () => {
  const may = [
    "-c|import app, sys; sys.exit(app.test())",
    "-m|app.selftest",
    "runtests.py",
    "/x/tests.py",
    "manage.py|test",
    "-m|unittest",
  ];
  for (const words of may) {
    assertEquals(mayRunTests(["/v/bin/python", ...words.split("|")]), true, words);
  }
  const not = [
    "-c|import time; time.sleep(93)",
    "app.py",
    "/tmp/tractest-test-1/server.py",
    "-m|http.server",
    "-c|open('/tmp/test/x')",
  ];
  for (const words of not) {
    assertEquals(mayRunTests(["/v/bin/python", ...words.split("|")]), false, words);
  }
});

Deno.test("a Python whose program is in no file may run tests; else its code decides", () => {
  const ask = (words: string) =>
    mayRunTestsBy(["/v/bin/python", ...words.split("|").filter((word) => word !== "")], [
      "/a",
      "/b",
    ]);
  for (
    const words of ["", "-", "-u|-", "-i", "/dev/stdin", "-m|IPython", "-m|ipykernel_launcher"]
  ) {
    assertEquals(ask(words).kind, "may", words);
  }
  assertEquals(mayRunTestsBy(["myapp: serving"], []).kind, "may", "a title");
  assertEquals(ask("start.py|-x"), {
    kind: "by-code",
    text: null,
    files: ["/a/start.py", "/a/start.py/__main__.py", "/b/start.py", "/b/start.py/__main__.py"],
    otherwise: "its script can't be read",
  });
  assertEquals(ask("-m|app.tool"), {
    kind: "by-code",
    text: null,
    files: [
      "/a/app/tool.py",
      "/a/app/tool/__main__.py",
      "/b/app/tool.py",
      "/b/app/tool/__main__.py",
    ],
    // A module that lies elsewhere is installed: it is nobody's test run.
    otherwise: null,
  });
  assertEquals(ask("-c|import app"), {
    kind: "by-code",
    text: "import app",
    files: [],
    otherwise: null,
  });
});

Deno.test("titles of actors, of shared daemons and of adopters are known to run no tests", () => {
  for (const title of ["_subactor[w0@77]", "gpg-agent", "/sbin/init"]) {
    assertEquals(isKnownTitle([title], title.slice(0, 15)), true, title);
  }
  assertEquals(isKnownTitle(["vim", "tests/test_a.py"], "vim"), true, "another program's words");
  assertEquals(isKnownTitle(["myapp: serving"], "myapp: serving"), false);
  assertEquals(isKnownTitle(["/v/bin/python", "-"], "python"), false);
});

Deno.test("imports are read in every form, with packages and names that may be modules", () => {
  assertEquals(
    importedPaths(`
import a.b.c as x, d
from e.f import g, (h)
def late(): import i; from j import (  # why
    k, l as m,
)
from . import n
from ..o import p
# import q
`),
    {
      absolute: "a a/b a/b/c d e/f e/f/g e/f/h i j j/k j/l j/as j/m".split(" "),
      relative: ["n", "../o", "../o/p"],
    },
  );
});

Deno.test("a directory that is named after pytest makes no command line one of pytest", () => {
  for (
    const args of [
      "/w/pytest-x/.venv/bin/python /w/pytest-x/tests/server.py 80",
      "python pytest/a.py",
    ]
  ) {
    assertEquals(commandMentionsPytest(args), false, args);
  }
  const running = [
    "/w/pytest-x/.venv/bin/python -m coverage run -m pytest tests",
    "python -c import pytest; pytest.main(['/w/tests'])",
    "python -c pytest.main(['/w/tests'])",
    "/usr/bin/python3 /w/bin/pytest.py",
    "/usr/bin/python3 /w/bin/pytest tests",
  ];
  for (const args of running) assert(commandMentionsPytest(args), args);
});
