import { join } from "@std/path";
import { assert, assertEquals, assertIncludes } from "../assert.ts";

const ROOT = new URL("../../", import.meta.url).pathname;
const ACTION = join(ROOT, ".github/actions/tractest");

/** Runs a script of the action with programs of the test's own first on PATH. */
async function script(name: string, directory: string, env: Record<string, string>) {
  const { code, stdout, stderr } = await new Deno.Command("bash", {
    args: [join(ACTION, name)],
    cwd: directory,
    clearEnv: true,
    env: {
      PATH: `${directory}/programs:/usr/bin:/bin`,
      RUNNER_TEMP: directory,
      GITHUB_PATH: `${directory}/path`,
      GITHUB_ACTION_PATH: ACTION,
      ...env,
    },
    stdout: "piped",
    stderr: "piped",
  }).output();
  const decoder = new TextDecoder();
  return { code, output: decoder.decode(stdout) + decoder.decode(stderr) };
}

async function program(directory: string, name: string, text: string): Promise<void> {
  await Deno.mkdir(`${directory}/programs`, { recursive: true });
  await Deno.writeTextFile(`${directory}/programs/${name}`, `#!/bin/bash\n${text}\n`, {
    mode: 0o755,
  });
}

/** A `gh` that downloads a release, whose program prints its words. */
const GH = `
printf '%s\\n' "$*" >"$RUNNER_TEMP/gh-words"
while [ $# -gt 0 ]; do
  case $1 in --dir) dir=$2 ;; --pattern) case $2 in tractest-*) file=$2 ;; esac ;; esac
  shift
done
cd "$dir"
printf '#!/bin/sh\\necho "ran: $*"\\n' >"$file"
sha256sum "$file" >SHA256SUMS
[ -z "\${DAMAGED:-}" ] || echo "# other" >>"$file"
`;

Deno.test("the action installs a release by its checksum, for later steps", async () => {
  const directory = await Deno.makeTempDir({ prefix: "tractest-action-" });
  try {
    await program(directory, "gh", GH);
    await program(directory, "uname", '[ "$1" = -s ] && echo Linux || echo "${MACHINE:-x86_64}"');
    const env = { VERSION: "v0.1.0", REPOSITORY: "somebody/tractest" };
    const damaged = await script("install.sh", directory, { ...env, DAMAGED: "1" });
    assert(damaged.code !== 0, damaged.output);
    assertEquals(await exists(`${directory}/tractest-bin/tractest`), false);
    const unknown = await script("install.sh", directory, { ...env, MACHINE: "vax" });
    assertEquals(unknown.code, 1);
    assertIncludes(unknown.output, "no release for Linux vax");
    const { code, output } = await script("install.sh", directory, env);
    assertEquals(code, 0, output);
    assertIncludes(output, "ran: version");
    const words = await Deno.readTextFile(`${directory}/gh-words`);
    assertIncludes(words, "release download v0.1.0 --repo somebody/tractest");
    const path = (await Deno.readTextFile(`${directory}/path`)).trim();
    assertEquals(path, `${directory}/tractest-bin`);
    assertEquals((await script("install.sh", directory, { ...env, VERSION: "latest" })).code, 0);
    assert(!(await Deno.readTextFile(`${directory}/gh-words`)).includes("latest"));
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("the action's words are split at spaces and quotes, no shell runs them", async () => {
  const directory = await Deno.makeTempDir({ prefix: "tractest-action-" });
  try {
    await program(directory, "tractest", 'printf "<%s>" "$@"; exit 7');
    const ARGS = `run -k "a or b" '$(touch made)' ; --events shard.jsonl`;
    const { code, output } = await script("run.sh", directory, { ARGS });
    assertEquals(code, 7);
    assertEquals(output, "<run><-k><a or b><$(touch made)><;><--events><shard.jsonl>");
    assertEquals(await exists(`${directory}/made`), false);
    const empty = await script("run.sh", directory, { ARGS: "run -m ''" });
    assertEquals(empty.output, "<run><-m><>");
    const open = await script("run.sh", directory, { ARGS: "run tests/a.py 'b" });
    assertEquals(open.code, 64, "no run of only a part of the words");
    assertIncludes(open.output, "::error title=tractest::the input args can't be split");
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("the action's inputs are those that its steps use, by the environment", async () => {
  const text = await Deno.readTextFile(join(ACTION, "action.yml"));
  const [inputs = "", runs = ""] = text.slice(text.indexOf("inputs:")).split("\nruns:\n");
  const declared = [...inputs.matchAll(/^ {2}(\w+):$/gm)].map(([, name]) => name);
  const used = [...runs.matchAll(/inputs\.(\w+)/g)].map(([, name]) => name);
  assertEquals([...new Set(used)].sort(), declared.toSorted());
  for (const [line] of runs.matchAll(/^ +run: .*$/gm)) assert(!line.includes("${{"), line);
  assertIncludes(runs, "  using: composite\n");
});

Deno.test("pre-commit's hooks are commands of tractest, for stages that exist", async () => {
  const text = await Deno.readTextFile(join(ROOT, ".pre-commit-hooks.yaml"));
  const hooks = text.split(/^- /m).slice(1);
  assertEquals(hooks.length, 2);
  for (const hook of hooks) {
    const field = (name: string) => new RegExp(`^ *${name}: (.+)$`, "m").exec(hook)?.[1];
    assertIncludes(field("entry")!, "tractest ");
    assertEquals([field("language"), field("pass_filenames")], ["system", "false"]);
    assertIncludes(field("stages")!, "pre-push");
  }
});

async function exists(path: string): Promise<boolean> {
  return await Deno.lstat(path).then(() => true, () => false);
}
