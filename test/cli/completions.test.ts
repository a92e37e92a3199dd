import { allVerbs, COMMAND_NAMES } from "../../lib/cli.ts";
import { assert, assertEquals, assertIncludes } from "../assert.ts";
import { tractest } from "./tractest.ts";

/** A directory with the three scripts and a few files to complete. */
async function scripts(): Promise<{ path: string } & Disposable> {
  const path = Deno.realPathSync(Deno.makeTempDirSync({ prefix: "tractest-completions-" }));
  for (const shell of ["bash", "zsh", "fish"]) {
    const { code, stdout } = await tractest(["completions", shell], { cwd: path });
    assertEquals(code, 0);
    Deno.writeTextFileSync(`${path}/${shell}.script`, stdout);
  }
  Deno.mkdirSync(`${path}/tests`);
  Deno.writeTextFileSync(`${path}/test it.py`, "");
  return { path, [Symbol.dispose]: () => Deno.removeSync(path, { recursive: true }) };
}

/** What a shell printed; null where it is not installed. */
async function shell(argv: string[], cwd: string): Promise<string | null> {
  try {
    const { success, stdout, stderr } = await new Deno.Command(argv[0]!, {
      args: argv.slice(1),
      cwd,
      stdin: "null",
    }).output();
    assert(success, new TextDecoder().decode(stderr));
    assertEquals(new TextDecoder().decode(stderr), "");
    return new TextDecoder().decode(stdout);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

/** Lets bash complete the last word, by calling the function as readline does. */
async function inBash(path: string, words: string[]): Promise<string[]> {
  const script = `source ./bash.script; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
function=$(complete -p tractest | sed 's/.*-F \\([^ ]*\\).*/\\1/'); "$function" 2>/dev/null
printf '%s\\n' "\${COMPREPLY[@]}"`;
  return (await shell(["bash", "--norc", "-c", script, "bash", ...words], path))!.trim().split("\n")
    .sort();
}

Deno.test("bash completes commands, options, choices, rows of tables and files", async () => {
  using made = await scripts();
  assertEquals(await shell(["bash", "-n", "bash.script"], made.path), "");
  const complete = (...words: string[]) => inBash(made.path, ["tractest", ...words]);
  assertEquals(await complete("zom"), ["zombies"]);
  assertEquals(
    await complete(""),
    [...COMMAND_NAMES, "--help", "--version", "-C"].sort(),
  );
  assertEquals(await complete("run", "--tpt-proto", ""), ["tcp", "uds"]);
  assertEquals(await complete("run", "--tpt-proto", "=", "u"), ["uds"]);
  assertEquals(await complete("run", "--color", "="), ["always", "auto", "never"]);
  assertEquals(await complete("failed", "--r"), ["--rootdir", "--run"]);
  assertEquals(await complete("run", "te"), ["test it.py", "tests"]);
  assertEquals(await complete("run", "cor"), ["core"]);
  assertEquals(await complete("-C", "t"), ["tests"]);
  assertEquals(await complete("-C", "tests", "fai"), ["failed"]);
  assertEquals(await complete("completions", ""), ["bash", "fish", "zsh"]);
  assertEquals(await complete("help", "aff"), ["affected"]);
  assertEquals(await complete("permissions", "--row", "zom"), [
    "zombies",
    "zombies --kill",
    "zombies --shm",
    "zombies --shm --kill",
  ]);
  assertEquals(await complete("failed", "te"), [""]);
});

Deno.test({
  name: "bash completes at a real prompt",
  ignore: Deno.build.os !== "linux", // script(1) takes other arguments elsewhere
  fn: async () => {
    using made = await scripts();
    const keys = [
      "source ./bash.script; tractest() { printf '<%s>' \"$@\"; echo; }",
      "tractest zom\t--ki\t",
      'tractest run "test i\t',
      "tractest run --tpt-proto=u\t",
      "exit",
    ];
    Deno.writeTextFileSync(`${made.path}/keys`, `${keys.join("\n")}\n`);
    const seen = await shell([
      "sh",
      "-c",
      "INPUTRC=/dev/null exec script -qec 'bash --norc --noprofile -i' /dev/null <keys",
    ], made.path);
    for (const line of ["<zombies><--kill>", "<run><test it.py>", "<run><--tpt-proto=uds>"]) {
      assertIncludes(seen!, `${line}\r\n`);
    }
  },
});

Deno.test("zsh and fish accept their scripts, where they are installed", async () => {
  using made = await scripts();
  for (const name of ["zsh", "fish"]) {
    const answer = await shell([name, "--no-exec", `${name}.script`], made.path);
    if (answer === null) console.log(`skipped: ${name} is not installed`);
    else assertEquals(answer, "");
  }
  const fish = await shell([
    "fish",
    "--no-config",
    "-c",
    "source fish.script; complete -C 'tractest run --tpt-proto '",
  ], made.path);
  if (fish !== null) {
    assertEquals(fish.split("\n").map((line) => line.split("\t")[0]).filter(Boolean), [
      "tcp",
      "uds",
    ]);
  }
});

Deno.test("every command, option and choice is in each script", async () => {
  using made = await scripts();
  for (const name of ["bash", "zsh", "fish"]) {
    const script = Deno.readTextFileSync(`${made.path}/${name}.script`);
    for (const verb of await allVerbs()) {
      assertIncludes(script, verb.name);
      for (const [option, { hidden = false, choices = [] }] of Object.entries(verb.options)) {
        const spelled = name === "fish" ? `-l ${option}` : `--${option}`;
        assertEquals(script.includes(spelled), !hidden, spelled);
        for (const choice of choices) assertIncludes(script, choice);
      }
    }
  }
});

Deno.test("completions for an unknown shell, no shell or two shells is a usage error", async () => {
  const { code, stderr } = await tractest(["completions", "fis"], { cwd: "/" });
  assertEquals(code, 64);
  assertIncludes(stderr, "shells, nearest first: fish,");
  assertEquals((await tractest(["completions"], { cwd: "/" })).code, 64);
  assertEquals((await tractest(["completions", "bash", "zsh"], { cwd: "/" })).code, 64);
});
