import { allVerbs } from "../../lib/cli.ts";
import { commandIndex, directoryIn, wantedAt } from "../../lib/completion/rules_wanted.ts";
import { shownRows } from "../../lib/command_line/option_values.ts";
import { assert, assertEquals } from "../assert.ts";

const VERBS = await allVerbs();

function at(...words: string[]) {
  const verb = VERBS.find(({ name }) => name === words[commandIndex(words)]) ?? null;
  const { before, part, offers, options } = wantedAt(words, verb);
  const { words: offered, paths, sources = [] } = offers;
  return { before, part, offered, paths, sources, options: options.map(({ value }) => value) };
}

Deno.test("every option and choice of every command can be completed, and no hidden one", () => {
  for (const verb of VERBS) {
    const { options } = at(verb.name, "--");
    for (const row of shownRows(verb.options)) {
      assert(options.includes(`--${row.name}`), `${verb.name} --${row.name}`);
      if (row.kind === "flag") continue;
      const tied = at(verb.name, `--${row.name}=`);
      for (const choice of row.choices ?? []) assert(tied.offered.includes(choice), choice);
      if (row.bare === undefined) {
        assertEquals(at(verb.name, `--${row.name}`, "").offered, tied.offered);
      }
    }
    for (const [name, { hidden }] of Object.entries(verb.options)) {
      if (hidden) assert(!options.includes(`--${name}`));
    }
  }
});

Deno.test("the command is found behind the options of every command", () => {
  assertEquals(commandIndex(["-C", "run", "failed", ""]), 2);
  assertEquals(commandIndex(["--color=never", "-v", "failed", ""]), 2);
  assertEquals(commandIndex(["run"]), -1);
  assertEquals(at("").sources, ["commands"]);
  assertEquals(at("-C", "").paths, "directories");
  assertEquals(directoryIn(["run", "-C", "a b", ""]), "a b");
  assertEquals(directoryIn(["run", "--", "-C", "a", ""]), null);
});

Deno.test("values, operands and pytest's options are wanted where they can stand", () => {
  assertEquals(at("run", "te").sources, ["targets", "tests"]);
  assertEquals(at("run", "--base", "").sources, ["revisions"]);
  assertEquals(at("status", "").sources, ["runs"]);
  assertEquals(at("hooks", "").offered, ["install", "uninstall", "status"]);
  assertEquals(at("hooks", "install", "pre-push", "").offered, [
    "pre-push",
    "pre-commit",
    "post-checkout",
  ]);
  assertEquals(at("completions", "bash", "").offered, []);
  assertEquals(at("run", "--tb", "").offered.includes("short"), true);
  assertEquals(at("run", "--", "--last-f").options.includes("--last-failed"), true);
  assertEquals(at("run", "--", "--").options.includes("--isolate"), false);
  assertEquals(at("failed", "--").options.includes("--last-failed"), false);
  assertEquals(at("run", "--isolate", "--").options.includes("--isolate"), false);
  assertEquals(at("run", "--iso").options.includes("--isolate=auto"), true);
  assertEquals(at("failed", "x").sources, []);
});

Deno.test("the last value of a list of a matrix is wanted, also in the words after it", () => {
  const { before, part, sources } = at("run", "--matrix=python=3.11,3");
  assertEquals([before, part, sources], ["--matrix=python=3.11,", "3", ["minors"]]);
  const next = at("run", "--matrix", "python=3.11", "tpt-proto=u");
  assertEquals([next.before, next.part, next.offered], ["tpt-proto=", "u", ["tcp", "uds"]]);
});
