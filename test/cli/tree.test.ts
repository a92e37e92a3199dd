import { assertEquals, assertIncludes } from "../assert.ts";
import { pytestSuite } from "./suites.ts";

const SERVES = `
import os, pathlib, subprocess, sys, time
def test_serves():
    code = "import sys; print(1, flush=True); sys.stdin.read()"
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    child = subprocess.Popen([sys.executable, "-c", code], **pipes)
    child.stdout.readline()
    place = pathlib.Path(os.environ["SUITE"])
    place.joinpath("ready").write_text(str(child.pid))
    while place.exists() and not place.joinpath("go").exists():
        time.sleep(0.01)
    child.communicate()
`;

Deno.test(
  "tree shows a run, its pytest and the server of a test, and " +
    "nothing after it",
  async () => {
    await using suite = await pytestSuite({ "test_tree_serves.py": SERVES });
    const running = suite.start(["run", "--no-preflight"]);
    const ready = `${suite.path}/ready`;
    while (await Deno.readTextFile(ready).catch(() => "") === "") {
      await new Promise((done) => setTimeout(done, 20));
    }
    const child = Number(await Deno.readTextFile(ready));
    const { code, stdout } = await suite.tractest(["tree", "--json"]);
    const { schema, processes } = JSON.parse(stdout);
    assertEquals([code, schema], [0, "tractest.tree/1"]);
    const verdicts = processes.map((each: { verdict: string }) => each.verdict);
    assertEquals(verdicts, ["runner", "in-use", "in-use"], stdout);
    const [runner, , server] = processes;
    assertEquals(runner.title, "tractest run --no-preflight");
    assertEquals([server.pid, server.test], [child, "tests/test_tree_serves.py::test_serves"]);
    const shown = await suite.tractest(["tree"]);
    assertIncludes(shown.stdout, "└─ ");
    await Deno.writeTextFile(`${suite.path}/go`, "");
    assertEquals((await running.ended).code, 0);
    const after = await suite.tractest(["tree"]);
    assertEquals(after.stdout, "no process of this repository is running\n");
  },
);

Deno.test(
  "tree --watch repaints at a terminal until Ctrl-C, and asks for " +
    "one elsewhere",
  async () => {
    await using suite = await pytestSuite({ "test_tree_watch.py": "def test_a(): pass\n" });
    assertEquals((await suite.tractest(["tree", "--watch"])).code, 64);
    const watching = await suite.atTerminal(["tree", "--watch"]);
    await watching.until("no process of this repository is running");
    await watching.type("\x03");
    assertEquals((await watching.ended).code, 130);
  },
);
