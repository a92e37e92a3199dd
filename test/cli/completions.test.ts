import { SHELLS } from "../../lib/completion/completion_scripts.ts";
import { COMMAND_NAMES } from "../../lib/cli.ts";
import { assert, assertEquals, assertIncludes } from "../assert.ts";
import { scratchState, TRACTEST, tractest } from "./tractest.ts";

const PARAMETERS = "tests/test_a.py::test_par";
const IDS = [
  "tests/test_a.py::TestShop::test_in",
  "tests/test_a.py::TestShop::test_out",
  "tests/test_a.py::test_one",
  `${PARAMETERS}[a b]`,
  `${PARAMETERS}[c::d]`,
  `${PARAMETERS}[$(touch pwned)]`,
  `${PARAMETERS}[it's]`,
  `${PARAMETERS}[q"q]`,
];

const CONFIGURATION = `[tool.pytest.ini_options]
testpaths = ["tests"]
[tool.tractest]
targets = { smoke = ["tests/test_a.py"] }
[tool.tractest.profile.nightly]
jobs = 2
`;

const TESTS = `import pytest
class TestShop:
    def test_in(self): pass
    def test_out(self): pass
def test_one(): pass
def test_par(x): pass
def test_written(): pass
`;

/** A project, the scripts of the shells, and a \`tractest\` that prints what it was called with. */
async function project(): Promise<{ path: string; env: Record<string, string> } & Disposable> {
  const path = Deno.realPathSync(Deno.makeTempDirSync({ prefix: "tractest-completions-" }));
  const files: Record<string, string> = {
    "pyproject.toml": CONFIGURATION,
    "tests/test_a.py": TESTS,
    "tests/test it.py": "",
    "tests/helper.py": "",
    ".pytest_cache/v/cache/nodeids": JSON.stringify(IDS),
    ".pytest_cache/v/cache/lastfailed": JSON.stringify({ [IDS[1]!]: true }),
    ".git/HEAD": "ref: refs/heads/main\n",
    ".git/refs/heads/feature/x": "",
    ".git/packed-refs": `${"0".repeat(40)} refs/tags/v1\n`,
    "bin/tractest": `#!/bin/sh
[ "$1" = complete ] && exec '${TRACTEST}' "$@"
printf 'GOT'; printf '<%s>' "$@"; echo
`,
    "bashrc": "PS1='READY> '; source scripts/bash\n",
    ".zshrc": "PS1='READY> '; autoload -Uz compinit; compinit -u -D; source scripts/zsh\n",
    "fish/config.fish": "function fish_prompt; echo -n 'READY> '; end\nset fish_greeting\n",
    // Without these fish would make them in the background, from the manual pages.
    "data/fish/generated_completions/none": "",
    "config.nu": `$env.PROMPT_COMMAND = {|| "READY" }
$env.PROMPT_COMMAND_RIGHT = {|| "" }
$env.config.show_banner = false
source scripts/nushell
`,
  };
  for (const shell of SHELLS) {
    files[`scripts/${shell}`] = (await tractest(["completions", shell], { cwd: "/" })).stdout;
  }
  files["fish/completions/tractest.fish"] = files["scripts/fish"]!;
  for (const [file, text] of Object.entries(files)) {
    Deno.mkdirSync(`${path}/${file}`.replace(/\/[^/]*$/, ""), { recursive: true });
    Deno.writeTextFileSync(`${path}/${file}`, text);
  }
  Deno.chmodSync(`${path}/bin/tractest`, 0o755);
  const env = {
    ...scratchState(),
    PATH: `${path}/bin:${Deno.env.get("PATH")}`,
    TERM: "xterm",
    INPUTRC: "/dev/null",
    ZDOTDIR: path,
    XDG_CONFIG_HOME: path,
    XDG_DATA_HOME: `${path}/data`,
  };
  return { path, env, [Symbol.dispose]: () => Deno.removeSync(path, { recursive: true }) };
}

/** Each shell as it is started at a terminal. */
const INTERACTIVE: Readonly<Record<typeof SHELLS[number], readonly string[]>> = {
  bash: ["bash", "--noprofile", "--rcfile", "bashrc", "-i"],
  zsh: ["zsh", "-i"],
  fish: ["fish", "-i"],
  nushell: ["nu", "--config", "config.nu", "--env-config", "/dev/null"],
};

/** Keys, and what tractest is called with then; nushell has brackets and \`$\` unquoted. */
const TYPED: readonly (readonly [keys: string, called: string])[] = [
  ["zom\t--ki\t", "<zombies><--kill>"],
  ["run tests/test_a\t", "<run><tests/test_a.py>"],
  ["run tests/test_a.py::test_o\t", "<run><tests/test_a.py::test_one>"],
  ["run tests/test_a.py::test_w\t", "<run><tests/test_a.py::test_written>"],
  ["run tests/test_a.py::T\to\t", "<run><tests/test_a.py::TestShop::test_out>"],
  [`run ${PARAMETERS}\\[a\t`, `<run><${PARAMETERS}[a b]>`],
  [`run ${PARAMETERS}\\[c\t`, `<run><${PARAMETERS}[c::d]>`],
  [`run ${PARAMETERS}\\[\\$\t`, `<run><${PARAMETERS}[$(touch pwned)]>`],
  [`run ${PARAMETERS}\\[i\t`, `<run><${PARAMETERS}[it's]>`],
  [`run "${PARAMETERS}[a\t`, `<run><${PARAMETERS}[a b]>`],
  ["run smo\t", "<run><smoke>"],
  ["run --ui=b\t", "<run><--ui=bar>"],
  ["run --profile n\t-x", "<run><--profile><nightly><-x>"],
  ["run --base fea\t", "<run><--base><feature/x>"],
  ["run -- --exitf\t--tb na\t", "<run><--><--exitfirst><--tb><native>"],
  ["help ex\t", "<help><exit-codes>"],
  ["hooks install pre-p\t", "<hooks><install><pre-push>"],
  ["merge tests/h\t", "<merge><tests/helper.py>"],
];

for (const shell of SHELLS) {
  Deno.test({
    name: `${shell} completes at a real prompt, and runs nothing that an id contains`,
    ignore: Deno.build.os !== "linux",
    fn: async () => {
      using made = await project();
      const cases = TYPED.map(([keys, called]) => {
        const typed = shell === "nushell" ? keys.replaceAll("\\", "") : keys;
        return JSON.stringify([`tractest ${typed}\r`, `GOT${called}`]);
      });
      const argv = INTERACTIVE[shell];
      if (!await isInstalled(argv[0]!, made.env.PATH!)) {
        console.log(`skipped: ${shell} is not installed`);
        return;
      }
      const child = new Deno.Command("python3", {
        args: [new URL("type_at_pty.py", import.meta.url).pathname, "READY", ...argv],
        cwd: made.path,
        env: made.env,
        stdin: "piped",
        stdout: "piped",
      }).spawn();
      const writer = child.stdin.getWriter();
      await writer.write(new TextEncoder().encode(`${cases.join("\n")}\n`));
      await writer.close();
      const { stdout } = await child.output();
      const answers = new TextDecoder().decode(stdout).trim().split("\n");
      assertEquals(
        TYPED.map(([keys], index) => [keys, answers[index]]),
        TYPED.map(([keys]) => [keys, "ok"]),
      );
      assertEquals([...Deno.readDirSync(made.path)].some(({ name }) => name === "pwned"), false);
    },
  });
}

async function isInstalled(program: string, path: string): Promise<boolean> {
  return (await new Deno.Command("sh", {
    args: ["-c", 'command -v "$1"', "sh", program],
    env: { PATH: path },
    stdout: "null",
  }).output()).success;
}

Deno.test("`complete` offers what is in the project, and says what it is", async () => {
  using made = await project();
  const complete = (...words: string[]) => completeIn("zsh", ...words);
  const completeIn = async (shell: string, ...words: string[]) => {
    const { code, stdout, stderr } = await tractest(["complete", shell, "--", ...words], {
      cwd: made.path,
    });
    assertEquals([code, stderr], [0, ""]);
    return stdout.replace(/\n$/, "").split("\n");
  };
  assertEquals((await complete("")).slice(1).map((line) => line.split("\t")[0]), COMMAND_NAMES);
  assertEquals(await complete("run", "tests/test_a.py::TestShop::"), [
    "words",
    "tests/test_a.py::TestShop::test_in\t",
    "tests/test_a.py::TestShop::test_out\tfailed last time",
  ]);
  assertEquals(await complete("-C", "tests", "run", "test_a.py::test_o"), [
    "words",
    "test_a.py::test_one\t",
  ]);
  assertEquals(await complete("run", "--base", ""), [
    "words",
    "HEAD\tthe last commit",
    "feature/x\tbranch",
    "v1\ttag",
  ]);
  assertEquals(await complete("run", "--junit", ""), ["files"]);
  assertEquals(await complete("run", "--junit=te"), ["files"]);
  const tied = ["files", "--junit=tests/\t"];
  assertEquals(await completeIn("nushell", "run", "--junit=te"), tied, "it completes none itself");
  assertEquals((await complete("run", ""))[0], "words");
});

Deno.test("`complete` prints no error, whatever it is asked and wherever", async () => {
  using made = await project();
  Deno.writeTextFileSync(`${made.path}/pyproject.toml`, "[broken");
  Deno.writeTextFileSync(`${made.path}/.pytest_cache/v/cache/nodeids`, "{");
  Deno.writeTextFileSync(`${made.path}/tests/test_\x1b[31m.py`, "");
  const asked = [
    ["run", "te"],
    ["run", "tests/te"],
    ["run", "tests/test_a.py::"],
    ["run", "--profile", ""],
    ["-C", "/nowhere", "run", ""],
    ["nosuch", ""],
    ["run", "--base", ""],
    ["run", "\x1b["],
    [],
  ];
  for (const words of asked) {
    for (const shell of SHELLS) {
      const line = shell === "bash" ? [["tractest", ...words].join(" ")] : words;
      const typed = ["complete", shell, ...(shell === "bash" ? [" ="] : []), "--", ...line];
      const { code, stdout, stderr } = await tractest(typed, { cwd: made.path });
      assertEquals([code, stderr], [0, ""], typed.join(" "));
      assert(!stdout.includes("\x1b"));
    }
  }
  const { code, stdout } = await tractest(["complete"], { cwd: "/" });
  assertEquals([code, stdout.split("\n")[0]], [0, "words"]);
});

Deno.test("completions for an unknown shell, no shell or two shells is a usage error", async () => {
  const { code, stderr } = await tractest(["completions", "fis"], { cwd: "/" });
  assertEquals(code, 64);
  assertIncludes(stderr, "shells, nearest first: fish,");
  assertEquals((await tractest(["completions"], { cwd: "/" })).code, 64);
  assertEquals((await tractest(["completions", "bash", "zsh"], { cwd: "/" })).code, 64);
});
