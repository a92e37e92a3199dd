import { join } from "@std/path";
import { assert, assertEquals, assertIncludes } from "../assert.ts";
import { ALONE, script } from "./alone.ts";
import { pytestSuite } from "./suites.ts";

/**
 * Each way of leaving a process, then a moment for the programs to start, then pytest is killed.
 */
const KILLED = `
import multiprocessing, os, shutil, socket, subprocess, sys, time
def python(text): return [sys.executable, "-c", text]
def serve(ready):
    server = socket.create_server(("127.0.0.1", 18765)); ready.send(1); time.sleep(90)
def test_heavy():
    context = multiprocessing.get_context("spawn")
    ready, theirs = context.Pipe()
    context.Process(target=serve, args=(theirs,)).start()
    ready.recv()
    subprocess.Popen(python("import time; time.sleep(91)"))
    subprocess.Popen(python("import time; time.sleep(92)"), start_new_session=True)
    subprocess.run(["sh", "-c", "sleep 93 > /dev/null 2>&1 &"])
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            os.chdir("/")
            os.execvp("sleep", ["sleep", "94"])
        os._exit(0)
    os.wait()
    shutil.copy(shutil.which("sleep"), "gpg-agent")
    subprocess.run(["sh", "-c", "./gpg-agent 95 > /dev/null 2>&1 &"])
    while subprocess.run(["pgrep", "-f", "^sleep 94"], stdout=subprocess.DEVNULL).returncode:
        time.sleep(0.01)
    os.kill(os.getpid(), 9)
`;

/** What lives of it. */
const ALIVE =
  `ps -eo args= | grep -v bash | grep -oE '[s]leep[( ]9[1-4]|[s]pawn_main|[g]pg-agent ` +
  `95|[s]leep\\(96\\)' | sort -u | tr '\\n' ' '; ss -tlnH | grep -c ':18765 '`;

for (
  const [how, start] of [["a plain pytest", "py310/bin/python -m pytest -q"], [
    "a run's pytest",
    '"$0" run --no-preflight --no-defaults',
  ]] as const
) {
  Deno.test({
    name: `fault 65: leaks of ${how} that was killed are found with test and ports, and ended`,
    ignore: ALONE === null,
    fn: async () => {
      await using suite = await pytestSuite({ "test_a.py": KILLED });
      const said = await script(
        suite,
        `exec 2> shell.txt; py310/bin/python -c 'import time; time.sleep(96)' &
        { ${start}; } > run.txt 2>&1
        "$0" zombies --json > list.json 2> notes.txt
        echo "listed $?"
        "$0" zombies > list.txt 2> notes.txt
        "$0" zombies --kill > kill.txt 2>&1; echo "killed $?"; ${ALIVE}
        "$0" zombies > /dev/null 2>&1; echo "clean $?"`,
      );
      assertEquals(said.split("\n").slice(0, -1), [
        "listed 81",
        "killed 0",
        "gpg-agent 95 sleep(96) 0",
        "clean 0",
      ], said);
      const { actors, refused } = JSON.parse(
        await Deno.readTextFile(join(suite.root, "list.json")),
      ) as {
        actors: { title: string; verdict: string; kind: string; test: string; ports: number[] }[];
        refused: { reason: string }[];
      };
      const rows = actors.filter(({ title }) => !title.includes("resource_tracker")).map(
        ({ title, verdict, kind, test, ports }) => {
          return [/spawn_main|sleep[( ]\d+/.exec(title)?.[0], verdict, kind, test, ports];
        },
      );
      const test = "tests/test_a.py::test_heavy";
      assertEquals(rows.sort(), [
        ["sleep 93", "leaked", "process", test, []],
        ["sleep 94", "leaked", "process", test, []],
        ["sleep(91", "leaked", "process", test, []],
        ["sleep(92", "leaked", "process", test, []],
        ["spawn_main", "leaked", "helper", test, [18765]],
      ]);
      assertIncludes(JSON.stringify(refused), "is a key agent, which a test only woke");
      assertIncludes(
        await Deno.readTextFile(join(suite.root, "list.txt")),
        "--multiprocessing-fork, listens on port 18765\n",
      );
      if (how === "a plain pytest") return;
      const run = await Deno.readTextFile(join(suite.root, "run.txt"));
      assertIncludes(run, `LEAK ${test} left 6 processes behind\n`);
      assertIncludes(run, ", listens on port 18765, ");
      assert(!run.includes("gpg-agent"), run);
    },
  });
}

/** A test's daemon in another directory, which keeps running; the test waits for the file `go`. */
const WAITS = `
import os, subprocess, time
def test_waits():
    subprocess.run(["sh", "-c", "cd / && setsid sleep 91 > /dev/null 2>&1 &"])
    while subprocess.run(["pgrep", "-f", "^sleep 91"], stdout=subprocess.DEVNULL).returncode:
        time.sleep(0.01)
    open("ready", "w").close()
    while not os.path.exists("go"): time.sleep(0.01)
    assert subprocess.run(["pkill", "-f", "^sleep 91"]).returncode == 0, "it was ended"
`;

for (
  const [how, start] of [
    ["pytest", "py310/bin/python -m pytest -q"],
    [
      "run",
      '"$0" run --no-preflight --no-defaults',
    ],
    ["program from standard input", "py310/bin/python - <<< 'import pytest; pytest.main()'"],
    [
      "script that imports pytest by a module",
      "py310/bin/python start.py",
    ],
  ] as const
) {
  Deno.test({
    name: `fault 65: an orphan that a test of a live ${how} needs is kept, by --kill and by a hook`,
    ignore: ALONE === null,
    fn: async () => {
      await using suite = await pytestSuite({ "test_a.py": WAITS });
      await suite.write({
        "start.py": "from app import tool; raise SystemExit(tool.main())",
        "app/tool.py": "def main():\n    import pytest; return pytest.main()\n",
      });
      const said = await script(
        suite,
        `${start} > run.txt 2>&1 & run=$!
        until [ -e ready ]; do sleep 0.02; done
        "$0" zombies --kill > kill.txt 2>&1
        "$0" zombies --kill --hook > hook.txt 2>&1; echo "hook $?"
        : > go; wait $run; echo "run $?"`,
      );
      assertEquals(
        said,
        "hook 0\nrun 0\n",
        said + await Deno.readTextFile(join(suite.root, "run.txt")),
      );
    },
  });
}

Deno.test({
  name: "fault 65: a hook ends leaks in the checkout, and reports and keeps those outside of it",
  ignore: ALONE === null,
  fn: async () => {
    await using suite = await pytestSuite({
      "test_a.py": `
import subprocess
def test_a():
    start = "setsid sleep 91 > /dev/null 2>&1 & cd / && setsid sleep 92 > /dev/null 2>&1 &"
    subprocess.run(["sh", "-c", start])
`,
    });
    const said = await script(
      suite,
      `"$0" run --no-preflight --no-defaults > run.txt 2>&1; echo "run $?"
      "$0" zombies --kill --hook --grace 0; echo "hook $?"
      ${ALIVE}; "$0" zombies --kill --grace 0 > kill.txt 2>&1; echo "killed $?"
      ${ALIVE}`,
    );
    assertIncludes(said, "run 0\nhook 0\nsleep 92 0\nkilled 0\n0\n");
    assertIncludes(
      said,
      "works outside of this checkout: a hook leaves it to `tractest zombies --kill`",
    );
  },
});

Deno.test({
  name: "fault 65: workers of a container's pid 1 that has a test's environment are kept",
  ignore: ALONE === null,
  fn: async () => {
    await using suite = await pytestSuite({ "test_a.py": "def test_a(): pass\n" });
    await suite.write({
      "app.py": `
import os, subprocess, sys
os.environ["PYTEST_CURRENT_TEST"] = "tests/test_a.py::test_a (call)"
os.environ["TRACTEST_RUN"] = "20260101-000000-abcd"
sleeps = [sys.executable, "-c", "import time; time.sleep(92)"]
workers = [subprocess.Popen(["sleep", "91"]), subprocess.Popen(sleeps, start_new_session=True)]
assert os.getpid() == 1
command = ["sh", "-c", '"$@" > list.txt 2>&1; :', "sh", sys.argv[1], "zombies"]
for words in ["--json"], ["--kill"], ["--kill", "--hook"]: subprocess.run([*command, *words])
print([worker.poll() for worker in workers])
`,
    });
    // Replaces the shell that would be pid 1.
    const said = await script(
      suite,
      `unshare -p -f --kill-child --mount-proc py310/bin/python app.py "$0"`,
    );
    assertEquals(said, "[None, None]\n");
  },
});

Deno.test({
  name: "a process with an emptied environment is found and ended only in an isolation",
  ignore: ALONE === null,
  fn: async () => {
    await using suite = await pytestSuite({
      "test_a.py": `
import subprocess
def test_a(): subprocess.run(["sh", "-c", "env -i setsid sleep 91 > /dev/null 2>&1 &"])
`,
    });
    const said = await script(
      suite,
      `"$0" run --no-preflight --no-defaults --isolate --strict > run.txt 2>&1; echo "isolated $?"
       ${ALIVE}
      "$0" run --no-preflight --no-defaults > run.txt 2>&1; echo "run $?"
      "$0" zombies > list.txt; ${ALIVE}`,
    );
    assert(/^isolated (84|83)\n0\nrun 0\nsleep 91 0\n$/.test(said), said);
  },
});

Deno.test({
  name: "fault 65: a process that has a test's environment by accident is kept",
  ignore: ALONE === null,
  fn: async () => {
    await using suite = await pytestSuite({ "test_a.py": "def test_a(): pass\n" });
    await suite.write({
      "other/pyproject.toml": "[project]\nname = 'other'\n",
      "other/.git/HEAD": "",
    });
    const said = await script(
      suite,
      `export PYTEST_CURRENT_TEST='tests/test_b.py::test_b (call)'
      sleep 91 & (cd / && setsid sleep 92 > /dev/null 2>&1 &)
      (cd other && setsid sleep 93 > /dev/null 2>&1 &)
      until pgrep -f '^sleep 93' > /dev/null; do sleep 0.02; done
      unset PYTEST_CURRENT_TEST; "$0" zombies --kill > kill.txt 2>&1; ${ALIVE}`,
    );
    assertEquals(said, "sleep 91 sleep 92 sleep 93 0\n", said);
  },
});

Deno.test({
  name: "a run within a test keeps what it started apart from what the run around it did",
  ignore: ALONE === null,
  fn: async () => {
    await using suite = await pytestSuite({
      "test_outer.py": `
import os, subprocess, sys
def test_outer():
    subprocess.run(["sh", "-c", "sleep 92 > /dev/null 2>&1 &"])
    options = ["--no-preflight", "--no-defaults", "--python", sys.executable]
    command = [os.environ["BINARY"], "-C", "inner", "run", *options]
    code = subprocess.run(command, stdout=open("inner.txt", "w"))
    assert code.returncode == 0
`,
    });
    await suite.write({
      "inner/.git/HEAD": "",
      "inner/pyproject.toml": "[tool.pytest.ini_options]\n",
      "inner/test_inner.py": `
import os, subprocess
def test_inner():
    assert len(os.environ["TRACTEST_RUN"]) > 8 and "test_inner" in os.environ["PYTEST_CURRENT_TEST"]
    subprocess.run(["sh", "-c", "sleep 91 > /dev/null 2>&1 &"])
`,
    });
    const said = await script(
      suite,
      `export BINARY="$0"; "$0" run --no-preflight --no-defaults > outer.txt 2>&1; echo "run $?"
      for place in . inner; do "$0" -C $place zombies --json 2> /dev/null |
        grep -oE '"title": "sleep 9.|"test": "[^"]*' ; done`,
    );
    const [outer, inner] = await Promise.all(
      ["outer.txt", "inner.txt"].map((name) => Deno.readTextFile(join(suite.root, name))),
    );
    const lines = [
      "run 0",
      '"title": "sleep 92',
      '"test": "tests/test_outer.py::test_outer',
      '"title": "sleep 91',
      '"test": "test_inner.py::test_inner',
    ];
    assertEquals(said.split("\n").slice(0, -1).sort(), lines.sort(), said + outer + inner);
    assertIncludes(outer!, "LEAK tests/test_outer.py::test_outer left 1 process behind\n");
    assertIncludes(inner!, "LEAK test_inner.py::test_inner left 1 process behind\n");
  },
});
