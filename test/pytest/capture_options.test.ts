import { runLine } from "../run_line.ts";
import {
  captureNote,
  capturesOutput,
  logLevelOf,
  pytestCommand,
  runIntent,
} from "../../lib/pytest/pytest_command.ts";
import { assertEquals } from "../assert.ts";

Deno.test("a fork server gets --capture=sys with a note, unless capture was chosen", () => {
  const command = (...words: string[]) => {
    const line = runLine(words);
    const argv = pytestCommand({
      python: ["python"],
      defaultFlags: [],
      line,
      intent: runIntent(line, () => false),
      targets: [],
    });
    return [argv.slice(3).join(" "), captureNote(argv, line) !== null];
  };
  const server = "--spawn-backend=mp_forkserver";
  assertEquals(command("--spawn-backend", "mp_forkserver"), [`${server} --capture=sys`, true]);
  const subint = "--spawn-backend=subint_forkserver";
  assertEquals(command(subint), [`${subint} --capture=sys`, true]);
  assertEquals(command("--spawn-backend=trio"), ["--spawn-backend=trio", false]);
  assertEquals(command(server, "-s"), [`${server} -s`, false]);
  assertEquals(command(server, "--capture=sys"), [`${server} --capture=sys`, false]);
});

Deno.test("capture and the log level are read from a command of pytest", () => {
  const commands = ["pytest -x", "pytest -xs", "pytest --capture=no", "pytest --capture no"];
  const captures = commands.map((command) => capturesOutput(command.split(" ")));
  assertEquals(captures, [true, false, false, false]);
  const levels = ["pytest --ll=debug", "pytest --ll info", "pytest"];
  assertEquals(levels.map((command) => logLevelOf(command.split(" "))), ["debug", "info", null]);
});
