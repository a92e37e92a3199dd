import { join } from "@std/path";
import { visibleWidth } from "../../lib/terminal/wrap.ts";
import { assert, assertEquals } from "../assert.ts";
import { endLeft, shell } from "./store_project.ts";
import { pytestSuite, pythonWithPytest, type Suite } from "./suites.ts";
import { atTerminal, shownLines } from "./terminal_lines.ts";

/** A file and ids that no narrow terminal has room for. */
const FILE = "integration_of_the_component/test_handshake_over_each_transport.py";
const TESTS = `
import os, pathlib, subprocess, sys, time
import pytest
import store_of_the_component

@pytest.mark.parametrize("transport", ["tcp over ipv4 with a proxy", "unix-domain-socket"])
def test_the_server_answers_while_another_client_disconnects(transport):
    assert transport == "one that the server of this component has never heard of", transport

def test_a_helper_is_left_behind_by_the_teardown_of_the_component():
    code = "import sys, time; print(1, flush=True); time.sleep(600)"
    words = [sys.executable, "-c", code, "a title of a helper that is far too long for a line"]
    subprocess.Popen(words, stdout=subprocess.PIPE, start_new_session=True).stdout.readline()

def test_the_connection_waits_for_an_answer_that_never_comes():
    if "SLEEPS" in os.environ:
        subprocess.run(["sleep", "600"])

def test_now_and_then_the_first_attempt_is_too_slow():
    seen = pathlib.Path(os.environ["SUITE"], "seen")
    if not seen.exists():
        seen.touch()
        raise TimeoutError("the first attempt at the handshake was too slow on this machine")
`;

/** The commands whose output is laid out, in an order in which they have something to show. */
const COMMANDS = [
  "tractest version >/dev/null 2>&1; tractest run --no-defaults --ui bar --retries 1",
  "SLEEPS=1 tractest run --no-defaults --ui bar --test-timeout 1 -k 'waits or behind'",
  "tractest run --no-defaults --ui agent -k disconnects",
  "tractest",
  "tractest doctor",
  "tractest zombies </dev/null",
  "tractest tree",
  "tractest failed",
  "tractest history",
  "tractest history disconnects",
  "tractest history test_now_and_then_the_first_attempt_is_too_slow",
  "tractest slow",
  "tractest slow --regressed",
  "tractest flaky",
  "tractest affected",
  "tractest layout",
  "tractest config",
  "tractest hooks status",
  "tractest permissions",
  "tractest run --dry-run",
  "SLEEPS=1 tractest run --bg --timeout 60 -k waits",
  "until tractest status | grep -q now:; do sleep 0.1; done; tractest status",
  "tractest hang",
  "tractest stop",
  "tractest status",
  "tractest help",
  "tractest zombies --kill",
  "tractest nonsense",
];

/** What a line may hold that is copied as a whole, and so is not broken. */
const COPIED = new RegExp(
  "^(fix: |hint: )?" +
    "(\\(?cd |git |kill |unset |uv |tractest |py\\d+/bin/python |[A-Z_]+=|\\S+$|\\S*::.*$)",
);

async function longSuite(): Promise<Suite> {
  const suite = await pytestSuite({ [FILE]: TESTS });
  await suite.write({
    "store_of_the_component.py": "OPEN = True\n",
    "conftest.py": "import os, sys\nsys.path.insert(0, os.path.dirname(__file__))\n",
  });
  await shell(suite, "git init -q -b main && git add -A && git commit -qm 'Begin'");
  await Deno.writeTextFile(join(suite.root, "store_of_the_component.py"), "OPEN = False\n");
  return suite;
}

for (const width of [40, 80]) {
  Deno.test(`at a terminal of ${width} columns no line is wider than that`, async () => {
    await using suite = await longSuite();
    await using _ = { [Symbol.asyncDispose]: () => endLeft(suite).then(() => {}) };
    const command = atTerminal(await pythonWithPytest(), width, COMMANDS);
    const lines = shownLines(await shell(suite, command));
    const wide = lines.filter(({ text }) =>
      visibleWidth(text) > width && !COPIED.test(text.trim())
    );
    assertEquals(wide.map(({ index, text }) => `${COMMANDS[index]}: ${text}`), []);
    for (const [index, command] of COMMANDS.entries()) {
      assert(lines.some((line) => line.index === index), `${command} printed nothing`);
    }
  });
}
