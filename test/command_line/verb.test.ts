import { bareLine } from "../../lib/command_line/parsed_line.ts";
import { parseCommandLine } from "../../lib/command_line/parse.ts";
import type { AnyVerb } from "../../lib/command_line/verb.ts";
import { allVerbs, COMMAND_NAMES, type CommandName, VERBS } from "../../lib/cli.ts";
import { rowNamed } from "../../lib/system/permission_flags.ts";
import { assert, assertEquals } from "../assert.ts";
import { Recorder, recordingTerminal } from "../fake_host.ts";

Deno.test("each verb is found by its name, with which its usage begins", async () => {
  for (const name of COMMAND_NAMES) {
    const verb: AnyVerb = await VERBS[name]();
    assertEquals([verb.name, verb.usage.split(" ")[1]], [name, name]);
  }
});

Deno.test("a command line without arguments is the same with and without the parser", async () => {
  for (const verb of await allVerbs()) {
    const { options, operands } = parseCommandLine(verb, []);
    assertEquals({ options, operands }, {
      options: bareLine(verb).options,
      operands: bareLine(verb).operands,
    });
  }
});

/** The permission row of a command line, away from a terminal unless said. */
async function rowOf(name: CommandName, words: readonly string[], atTerminal = false) {
  const verb: AnyVerb = await VERBS[name]();
  const line = parseCommandLine(verb, words) as Parameters<Exclude<AnyVerb["row"], string>>[0];
  const terminal = recordingTerminal();
  const seen = atTerminal
    ? { ...terminal, stdinIsTerminal: true, stdout: new Recorder(true) }
    : terminal;
  return typeof verb.row === "string" ? verb.row : verb.row(line, seen);
}

Deno.test(
  "every command has a permission row, and options with effects have " +
    "one of their own",
  async () => {
    for (const name of COMMAND_NAMES) assert(rowNamed(await rowOf(name, [])));
    const rows = [
      ["zombies", [], "zombies"],
      ["zombies", ["--kill"], "zombies --kill"],
      ["zombies", ["--shm"], "zombies --shm"],
      ["zombies", ["--kill", "--shm"], "zombies --shm --kill"],
      ["failed", ["--run"], "run"],
      ["affected", ["--run"], "run"],
      ["doctor", ["--fix"], "doctor --fix"],
      ["hang", ["7"], "hang"],
      ["hang", ["--stacks"], "hang --stacks"],
      ["hang", ["--stacks", "--confirm"], "run"],
      ["hooks", ["status"], "hooks"],
      ...["install", "uninstall"].flatMap((action) =>
        [
          ["hooks", [action, "pre-push"], "hooks install"],
          ["hooks", [action, "pre-push", "--dry-run"], "hooks"],
          ["hooks", [action, "pre-push", "--print", "husky"], "hooks"],
        ] as const
      ),
    ] as const;
    for (const [name, words, row] of rows) assertEquals(await rowOf(name, words), row);
  },
);

Deno.test("at a terminal zombies has permission to clean up, since it offers to", async () => {
  assertEquals(await rowOf("zombies", [], true), "zombies --kill");
  assertEquals(await rowOf("zombies", ["--shm"], true), "zombies --shm --kill");
  for (const option of ["--json", "--hook"]) {
    assertEquals(await rowOf("zombies", [option], true), "zombies");
  }
});
