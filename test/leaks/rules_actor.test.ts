import { kindOf, mayBeActor, pythonDirectory, pythonTarget } from "../../lib/leaks/rules_actor.ts";
import { assertEquals } from "../assert.ts";

const ACTORS: readonly (readonly [string, readonly string[] | null, string])[] = [
  ["current tractor, renamed", ["_subactor[w0@14911]"], "_subactor[w0@14"],
  ["current tractor, an ended one", null, "_subactor[w0@14"],
  ["a name with spaces and brackets", ["_subactor[a b[1]@51]"], "_subactor[a b[1"],
  [
    "release 0.1.0a5",
    ["/repo/py311/bin/python", "-m", "tractor._child", "--uid", "('a', 'b')"],
    "python",
  ],
  ["with options of Python before", [
    "python3.13",
    "-Xfrozen_modules=off",
    "-W",
    "error",
    "-um",
    "tractor._child",
  ], "python3.13"],
  ["started by code", [
    "/repo/py313/bin/python",
    "-c",
    "from tractor._child import _actor_child_main; _actor_child_main()",
  ], "python"],
  ["a fork server for subinterpreters", ["subint-forkserv"], "subint-forkserv"],
  ["mp_forkserver of current tractor", [
    "python",
    "-c",
    "from tractor.spawn._forkserver_override import main; main(9, 11)",
  ], "python"],
  ["mp_forkserver of 0.1.0a5", [
    "python",
    "-B",
    "-c",
    "from tractor._forkserver_override import main; main(9, 11, ['__main__'], **{})",
  ], "python"],
];

const HELPERS: readonly (readonly [string, readonly string[], "worker" | "tracker"])[] = [
  ["mp_forkserver", [
    "python",
    "-c",
    "from multiprocessing.forkserver import main; main(5, 7, ['x'])",
  ], "worker"],
  ["mp_spawn", [
    "python",
    "-c",
    "from multiprocessing.spawn import spawn_main; spawn_main(tracker_fd=6)",
    "--multiprocessing-fork",
  ], "worker"],
  ["a worker of loky", [
    "python",
    "-m",
    "joblib.externals.loky.backend.popen_loky_posix",
    "--process-name",
    "LokyProcess-1",
  ], "worker"],
  ["multiprocessing's tracker", [
    "python",
    "-c",
    "from multiprocessing.resource_tracker import main;main(6)",
  ], "tracker"],
  [
    "billiard's tracker",
    ["python", "-c", "from billiard.semaphore_tracker import main;main(6)"],
    "tracker",
  ],
  ["loky's tracker", [
    "python",
    "-c",
    "from loky.backend.resource_tracker import main; main(6, False)",
  ], "tracker"],
];

const OTHERS: readonly (readonly [string, readonly string[] | null, string])[] = [
  ["an editor", ["vim", "tractor._child", "_subactor[x@1]"], "vim"],
  ["a pager", ["less", "+/_actor_child_main", "log"], "less"],
  ["grep", ["grep", "-r", "tractor._child", "."], "grep"],
  ["pgrep", ["pgrep", "-af", "_actor_child_main|subint-forkserv"], "pgrep"],
  ["a shell", ["sh", "-c", "pgrep -f '_subactor[x@1]'"], "sh"],
  ["a Python that is given the words", ["python", "tool.py", "-m", "tractor._child"], "python"],
  ["a Python that greps", ["python", "-c", "print('tractor._child')"], "python"],
  ["a module with a longer name", ["python", "-m", "tractor._childish"], "python"],
  ["a title with arguments", ["_subactor[x@1]", "60"], "sleep"],
  ["pytest", ["python", "-m", "pytest", "tests/"], "pytest"],
  [
    "one's own code with multiprocessing",
    ["python", "-c", "import multiprocessing.spawn"],
    "python",
  ],
  ["nothing", null, ""],
];

for (const [what, argv, comm] of ACTORS) {
  Deno.test(`an actor is known as one: ${what}`, () => {
    assertEquals(kindOf(argv, comm).signature !== null, true);
    if (argv) assertEquals(mayBeActor(argv.join(" ")), true, "the first scan finds it");
  });
}

for (const [what, argv, helper] of HELPERS) {
  Deno.test(`a helper of a library for many processes is no actor by that alone: ${what}`, () => {
    const kind = kindOf(argv, "python");
    assertEquals([kind.signature, kind.helper, mayBeActor(argv.join(" "))], [null, helper, true]);
  });
}

for (const [what, argv, comm] of OTHERS) {
  Deno.test(`fault 7: no actor: ${what}`, () => assertEquals(kindOf(argv, comm).signature, null));
}

Deno.test("pytest is known however it was started", () => {
  const started = [
    ["python", "-m", "pytest", "tests/"],
    ["/repo/py313/bin/python3", "-X", "dev", "-m", "pytest"],
    ["/repo/py313/bin/python", "/repo/py313/bin/pytest", "-x"],
    ["/repo/py313/bin/python", "/repo/py313/lib/python3.13/site-packages/pytest/__main__.py"],
    ["pytest", "-x"],
  ];
  assertEquals(started.map((argv) => kindOf(argv, "python").isPytest), started.map(() => true));
  const others = [["python", "-m", "pytester"], ["vim", "pytest"], ["python", "app.py", "pytest"], [
    "python",
    "-c",
    "import pytest",
  ]];
  assertEquals(others.map((argv) => kindOf(argv, "python").isPytest), others.map(() => false));
});

Deno.test("what Python runs is found past its options", () => {
  assertEquals(
    pythonTarget(["python", "-bEs", "-W", "ignore", "-X", "dev", "script.py", "-m", "x"]),
    { kind: "script", value: "script.py" },
  );
  assertEquals(pythonTarget(["python", "-mtrio"]), { kind: "module", value: "trio" });
  assertEquals(pythonTarget(["python", "-Ic", "code"]), { kind: "code", value: "code" });
  assertEquals(pythonTarget(["python", "--check-hash-based-pycs", "always", "-"]), {
    kind: "script",
    value: "-",
  });
  assertEquals(pythonTarget(["python", "-Wm", "x.py"]), { kind: "script", value: "x.py" });
  assertEquals(pythonTarget(["python", "-i"]), { kind: "none", value: "" });
});

Deno.test("the directory of a Python is found in a row, with spaces in its path", () => {
  assertEquals(
    pythonDirectory("/home/me/my repo/py313/bin/python -c x"),
    "/home/me/my repo/py313/bin",
  );
  assertEquals(pythonDirectory("/usr/bin/python3.11"), "/usr/bin");
  assertEquals(pythonDirectory("python -m pytest"), "");
  assertEquals(pythonDirectory("py311/bin/python tree.py"), "");
  assertEquals(pythonDirectory("/usr/bin/pythonista x"), null);
  assertEquals(pythonDirectory("vim /usr/bin/python"), null);
});
