import { join } from "@std/path";
import { assert, assertEquals, assertIncludes } from "../assert.ts";
import { alive, ISOLATED, pytestSuite, pythonWithPytest, type Suite } from "./suites.ts";
import { TRACTEST } from "./tractest.ts";

const NO_CHECKS = ["run", "--no-preflight", "--no-defaults", "--ui", "bar"];

/**
 * Runs a program at a terminal of 60 columns; says before and after whether the terminal echoes and
 * takes whole lines.
 */
const TERMINAL = `
import os, pty, sys, termios, fcntl, select, struct
master, slave = pty.openpty()
fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 60, 0, 0))
def mode():
    flags = termios.tcgetattr(slave)[3]
    modes = (termios.ECHO, termios.ICANON, termios.ISIG)
    return "echo %d lines %d signals %d" % tuple(bool(flags & mode) for mode in modes)
pid = os.fork()
if pid == 0:
    os.setsid()
    fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
    for n in range(3): os.dup2(slave, n)
    os.close(master)
    os.execvp(sys.argv[1], sys.argv[1:])
sources = [0, master]
code = None
while True:
    ready, _, _ = select.select(sources, [], [], 0.05)
    if master in ready:
        os.write(1, os.read(master, 65536))
        continue
    if 0 in ready:
        data = os.read(0, 1024)
        if data == b"?":
            os.write(1, ("\\n<%s>\\n" % mode()).encode())
        elif data:
            os.write(master, data)
        else:
            sources.remove(0)
    if code is None:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            code = os.waitstatus_to_exitcode(status) % 256
    elif not ready:
        break
os.write(1, ("\\n<at the end %s>\\n" % mode()).encode())
sys.exit(code)
`;

async function atTerminal(suite: Suite, args: readonly string[], env: Record<string, string> = {}) {
  return suite.start(args, { TERM: "xterm", ...env }, [await pythonWithPytest(), "-c", TERMINAL]);
}

const RESTORED = "<at the end echo 1 lines 1 signals 1>";

/** Waits for a file of the suite, with which a test controls when it continues. */
const WAITS = `
import os, time
def test_a(): pass
def test_fails():
    print("said before")
    assert 1 == 2
def test_waits():
    while not os.path.exists(os.environ["SUITE"] + "/go"): time.sleep(0.02)
def test_z(): pass
`;

Deno.test(
  "at a terminal failures appear above a bar with the running tests, and the key t " +
    "lists these",
  async () => {
    await using suite = await pytestSuite({ "test_a.py": WAITS });
    const running = await atTerminal(suite, NO_CHECKS);
    await running.until("tests/test_a.py::test_waits");
    await running.until("2/4");
    await running.typeUntil("t", "now: 2/4");
    await running.until("(tests): running");
    await running.type("?");
    // Keys come at once and unseen, and Ctrl-C is still a signal.
    await running.until("<echo 0 lines 0 signals 1>");
    await Deno.writeTextFile(join(suite.path, "go"), "");
    const { code, stdout } = await running.ended;
    assertEquals(code, 1);
    for (
      const part of [
        "FAILED\x1b[39m tests/test_a.py::test_fails",
        "said before",
        "assert 1 == 2",
        "1 failed, 3 passed in ",
        RESTORED,
      ]
    ) {
      assertIncludes(stdout, part);
    }
    // pytest's own output is elsewhere.
    assert(!stdout.includes("test session starts"));
    const [, log] = /pytest's own output:\s+(\S+)output-\*\.log/.exec(stdout) ?? [];
    assertIncludes(await Deno.readTextFile(join(log!, "output-0.log")), "test session starts");
  },
);

Deno.test(
  "the bar estimates the remaining time from earlier durations of the remaining tests",
  async () => {
    await using suite = await pytestSuite({
      "test_a.py": WAITS.replace("def test_z(): pass", "def test_z(): time.sleep(3)"),
    });
    await Deno.writeTextFile(join(suite.path, "go"), "");
    assertEquals((await suite.tractest(["run", "--no-preflight", "--no-defaults"])).code, 1);
    await Deno.remove(join(suite.path, "go"));
    const running = await atTerminal(suite, [...NO_CHECKS, "--events", "events"]);
    await running.until("tests/test_a.py::test_waits");
    // Of four tests three are on record, and most of the time of these is still to come.
    await running.typeUntil("t", "now: 2/4, 1 failed, 1 passed");
    await running.until("about 3 s left");
    await Deno.writeTextFile(join(suite.path, "go"), "");
    await running.ended;
    const rows = (await Deno.readTextFile(join(suite.root, "events"))).trimEnd().split("\n").map((
      row,
    ) => JSON.parse(row));
    assertEquals(
      rows.filter((row) => row.event === "tests").map((row) => row.ids),
      [["a", "fails", "waits", "z"].map((name) => `tests/test_a.py::test_${name}`)],
    );
  },
);

for (
  const [how, end, expected] of [["Ctrl-C", "\x03", 130], ["fault 76: Ctrl-\\", "\x1c", 131], [
    "SIGTERM",
    "SIGTERM",
    143,
  ]] as const
) {
  Deno.test(`${how} ends a run with a bar, and the terminal is restored`, async () => {
    await using suite = await pytestSuite({ "test_a.py": WAITS });
    const running = await atTerminal(suite, [...NO_CHECKS, "--events", "events"]);
    await running.until("tests/test_a.py::test_waits");
    await running.typeUntil("t", "now: 2/4");
    if (end !== "SIGTERM") await running.type(end);
    else {
      const [first] = (await Deno.readTextFile(join(suite.root, "events"))).split("\n");
      Deno.kill(JSON.parse(first!).pid, end);
    }
    const { code, stdout } = await running.ended;
    assertEquals(code, expected);
    assertIncludes(stdout, RESTORED);
    assertIncludes(stdout, "1 failed, 1 passed, 2 not run in ");
  });
}

Deno.test("without a terminal there are plain lines without control sequences", async () => {
  await using suite = await pytestSuite({
    "test_a.py": `
import os, time
def test_a(): pass
def test_slow(): time.sleep(1)
def test_hangs(): time.sleep(600)
def test_flaky():
    path = os.environ["SUITE"] + "/seen"
    if not os.path.exists(path):
        open(path, "w").close()
        assert False, "the first time"
def test_crashes():
    if not os.path.exists(os.environ["SUITE"] + "/seen2"):
        open(os.environ["SUITE"] + "/seen2", "w").close()
        os._exit(3)
`,
  });
  const { code, stdout, stderr } = await suite.tractest([
    ...NO_CHECKS,
    "--slow-after",
    "0.5",
    "--test-timeout",
    "2",
    "--retries",
    "1",
  ]);
  assertEquals(code, 1);
  // deno-lint-ignore no-control-regex
  assert(!/[\x1b\r]/.test(stdout + stderr));
  for (
    const line of [
      "SLOW [> 0.5s] tests/test_a.py::test_slow",
      "SLOW [> 1s] tests/test_a.py::test_hangs",
      "TERMINATING [> 2s] tests/test_a.py::test_hangs",
      "TIMEOUT tests/test_a.py::test_hangs",
      "FAILED tests/test_a.py::test_flaky",
      "CRASH tests/test_a.py::test_crashes",
      "FLAKY 2/2 tests/test_a.py::test_flaky: AssertionError: the first time",
    ]
  ) assertIncludes(stderr, line);
  assertIncludes(stdout, "1 failed, 4 passed in ");
});

Deno.test("a dumb terminal gets plain lines, and its keyboard is not read", async () => {
  await using suite = await pytestSuite({
    "test_a.py": "def test_a(): pass\ndef test_fails(): assert False\n",
  });
  const running = await atTerminal(suite, NO_CHECKS, { TERM: "dumb" });
  const { code, stdout } = await running.ended;
  assertEquals(code, 1);
  assertIncludes(stdout, "FAILED tests/test_a.py::test_fails");
  // The runtime itself clears a line when it takes long to load something.
  const ours = stdout.replaceAll("\x1b[0G\x1b[2K\x1b[J", "");
  assert(!ours.includes("\x1b"), ours);
});

Deno.test("NO_COLOR removes the colours of the bar, not the bar", async () => {
  await using suite = await pytestSuite({ "test_a.py": WAITS });
  await Deno.writeTextFile(join(suite.path, "go"), "");
  const running = await atTerminal(suite, NO_CHECKS, { NO_COLOR: "1" });
  const { stdout } = await running.ended;
  assertIncludes(stdout, "\x1b[J");
  // deno-lint-ignore no-control-regex
  assert(!/\x1b\[[0-9;]*m/.test(stdout), stdout);
});

Deno.test(
  "errors of pytest before any test are shown; a debugger and --collect-only keep " +
    "pytest's output",
  async () => {
    await using suite = await pytestSuite({ "test_a.py": "def test_a(): pass\n" });
    const refused = await suite.tractest([...NO_CHECKS, "--no-such-option"]);
    assertEquals(refused.code, 4);
    assertIncludes(refused.stderr, "unrecognized arguments: --no-such-option");
    const collected = await suite.tractest([...NO_CHECKS, "--collect-only", "-q"]);
    assertIncludes(collected.stdout, "tests/test_a.py::test_a");
    assertIncludes(collected.stderr, "--ui bar is ignored: this run is about pytest's own output");
    const { stdout } = await suite.tractest([...NO_CHECKS, "--collect-only", "--json"]);
    const { tests, counts } = JSON.parse(stdout);
    assertEquals([tests, counts.notRun], [["tests/test_a.py::test_a"], 0]);
  },
);

const HAS_TMUX = ISOLATED !== null && await has("tmux");

async function has(program: string): Promise<boolean> {
  return await new Deno.Command("sh", { args: ["-c", `command -v ${program}`], stdout: "null" })
    .output().then(({ success }) => success);
}

Deno.test({
  name: "a terminal that becomes narrower and wider again shows one bar" +
    (HAS_TMUX ? "" : " (needs tmux)"),
  ignore: !HAS_TMUX,
  fn: async () => {
    const id = "x".repeat(80);
    await using suite = await pytestSuite({
      "test_a.py": `${WAITS}\nimport pytest\n`.replace("test_waits", `test_waits_${id}`),
    });
    const server = ["tmux", "-S", join(suite.path, "tmux"), "-f", "/dev/null"];
    const tmux = async (...args: string[]) => {
      const { stdout } = await new Deno.Command(server[0]!, {
        args: [...server.slice(1), ...args],
        env: suite.environment({ TERM: "xterm" }),
      })
        .output();
      return new TextDecoder().decode(stdout);
    };
    const screen = async (condition: (lines: string[]) => boolean) => {
      for (const deadline = performance.now() + 30_000;;) {
        const lines = (await tmux("capture-pane", "-p", "-t", "0")).split("\n").filter((line) =>
          line !== ""
        );
        if (condition(lines)) return lines;
        assert(performance.now() < deadline, lines.join("\n"));
        await new Promise((done) => setTimeout(done, 100));
      }
    };
    const bars = (lines: string[]) => lines.filter((line) => line.includes("2/4  1 failed"));
    try {
      await tmux(
        "new-session",
        "-d",
        "-x",
        "150",
        "-y",
        "40",
        "-c",
        suite.root,
        [...ISOLATED!, TRACTEST, ...NO_CHECKS].map((word) => `'${word}'`).join(" "),
      );
      await screen((lines) =>
        bars(lines).length === 1 && lines.at(-1)!.includes("  tests/test_a.py::test_waits")
      );
      await tmux("resize-window", "-x", "50", "-y", "40");
      const narrow = await screen((lines) => lines.at(-1)!.endsWith(` s  ..${"x".repeat(37)}`));
      assertEquals(bars(narrow).length, 1, narrow.join("\n"));
      await tmux("resize-window", "-x", "150", "-y", "40");
      const wide = await screen((lines) => lines.at(-1)!.includes("  tests/test_a.py::test_waits"));
      assertEquals(bars(wide).length, 1, wide.join("\n"));
      await Deno.writeTextFile(join(suite.path, "go"), "");
      await screen((lines) =>
        lines.length === 0 || lines.some((line) => line.includes("1 failed, 3 passed in "))
      );
    } finally {
      await tmux("kill-server");
    }
  },
});

Deno.test(
  "closing the terminal ends a run with a bar: tractest, pytest and a test's processes",
  async () => {
    await using suite = await pytestSuite({
      "test_a.py": `
import os, subprocess, sys, time
def test_waits():
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    pids = f"{os.getppid()} {os.getpid()} {child.pid}"
    with open(os.environ["SUITE"] + "/pids", "w") as file: file.write(pids)
    print("ready")
    time.sleep(600)
`,
    });
    const running = await atTerminal(suite, NO_CHECKS);
    await running.until("test_waits");
    let pids: number[] = [];
    while (pids.length < 3) {
      const text = await Deno.readTextFile(join(suite.path, "pids")).catch(() => "");
      pids = text.split(" ").filter(Boolean).map(Number);
      if (pids.length < 3) await running.more();
    }
    // The process at the other end of the terminal goes away: the system sends SIGHUP.
    running.child.kill("SIGKILL");
    for (const pid of pids) {
      const { code } = await new Deno.Command("timeout", {
        args: ["60", "tail", `--pid=${pid}`, "-f", "/dev/null"],
      }).output();
      assertEquals([code, await alive(pid)], [0, false], `${pid} of ${pids.join(", ")}`);
    }
  },
);
