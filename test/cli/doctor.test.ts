import { join } from "@std/path";
import { type CheckRow, CHECKS } from "../../lib/preflight/check_ids.ts";
import { assert, assertEquals, assertIncludes } from "../assert.ts";
import { fakeUv, pythonMinor, pythonProject, sitePackages } from "../fixtures/python_project.ts";
import { pytestSuite } from "./suites.ts";
import { scratchState, tractest, type TractestOptions } from "./tractest.ts";

interface Check {
  readonly id: string;
  readonly status: string;
  readonly detail: string;
  readonly fix: string | null;
}

const ROOT = Deno.uid() === 0 ? [] : ["--user", "--map-current-user", "--keep-caps"];

/** A command prefix that runs `setup`, then a program in its own network and mount namespaces. */
function isolated(setup = ""): string[] {
  return [
    "unshare",
    ...ROOT,
    "--net",
    "--mount",
    "sh",
    "-c",
    `set -e; ip link set lo up; ${setup}\nset +e; "$@"`,
    "sh",
  ];
}

const CAN_ISOLATE =
  new Deno.Command("unshare", { args: [...ROOT, "--net", "--mount", "true"], stderr: "null" })
    .outputSync().success;

/** A test of doctor in namespaces of its own. */
function test(name: string, action: () => Promise<void>): void {
  Deno.test({
    name: CAN_ISOLATE ? name : `${name} (needs network and mount namespaces)`,
    ignore: !CAN_ISOLATE,
    fn: action,
  });
}

async function doctor(
  cwd: string,
  { setup, args = [], env = {} }: {
    setup?: string;
    args?: string[];
    env?: Record<string, string>;
  } = {},
) {
  const runtime = join(cwd, "../runtime");
  await Deno.mkdir(runtime, { recursive: true, mode: 0o700 });
  const options: TractestOptions = {
    cwd,
    env: { XDG_RUNTIME_DIR: runtime, ...env },
    wrap: isolated(setup),
  };
  const { code, stdout, stderr } = await tractest(["doctor", "--json", ...args], options);
  assert(stdout.startsWith("{"), `${stdout}\n${stderr}`);
  const { ok, checks } = JSON.parse(stdout) as { ok: boolean; checks: Check[] };
  assert(checks, stdout);
  assertEquals(ok, code === 0);
  const row = (id: string) => checks.find((check) => check.id === id)!;
  const wrong = () =>
    checks.filter((check) => !["ok", "skipped"].includes(check.status)).map((check) =>
      `${check.id} ${check.status}`
    );
  return { code, checks, row, wrong, stderr };
}

test("in a healthy project all checks are ok, in the order of the table", async () => {
  await using project = await pythonProject();
  const env = { PATH: `${await fakeUv(project.root)}:/usr/bin:/bin` };
  const { code, checks, row, wrong } = await doctor(project.root, { env });
  const ids = (CHECKS as readonly CheckRow[]).filter((check) =>
    check.id !== "leaks" && !check.onRequest
  ).map((check) => check.id);
  assertEquals(checks.map((check) => check.id), ids);
  assertEquals([wrong().filter((each) => !each.startsWith("binary warn")), code], [[], 0]);
  assertIncludes(row("tool-python").detail, `${project.venv}/bin/python`);
  assertEquals(row("worktree").status, "skipped");
  const text = await tractest(["doctor"], { cwd: project.root, env, wrap: isolated() });
  assert(!text.stdout.includes("127.0.0.1:1616 free"), "no detail where nothing is wrong");
  const all = await tractest(["doctor", "-v", "--cpu"], {
    cwd: project.root,
    env,
    wrap: isolated(),
  });
  assert(
    /^(ok|warn) +cpu +(.*\n +)*?\d+ processors? under load for 2\.0 s/m.test(all.stdout),
    all.stdout,
  );
  assertIncludes(all.stdout, "127.0.0.1:1616 free");
});

for (
  const [tool, packages] of [["git", "git"], ["ss", "iproute2"], ["ps", "procps"], [
    "pgrep",
    "procps",
  ], ["lsof", "lsof"]] as const
) {
  test(`fault 37: without ${tool} doctor names its package, and the rest runs`, async () => {
    await using project = await pythonProject();
    const hide = "for d in /usr/bin /bin /usr/sbin /sbin /usr/local/bin; do " +
      `[ ! -e $d/${tool} ] || mount --bind /dev/null $d/${tool}; done`;
    const { code, row } = await doctor(project.root, { setup: hide });
    // tractest never starts pgrep and lsof; people type them.
    assertEquals(
      [code, row(`tool-${tool}`).status],
      ["pgrep", "lsof"].includes(tool) ? [0, "warn"] : [80, "fail"],
    );
    assertIncludes(
      row(`tool-${tool}`).detail,
      `"${tool}" is not installed in any standard directory`,
    );
    assertIncludes(row(`tool-${tool}`).fix!, packages);
    assertEquals([row("import").status, row("collection").status], ["ok", "ok"]);
    if (tool === "ss") {
      assertEquals(row("registry").status, "unknown", "an unchecked registry is not free");
    }
  });
}

test("fault 39: a tool that hangs is given up after a time limit, and unknown", async () => {
  await using project = await pythonProject();
  await project.write("../hang", "#!/bin/sh\nexec sleep 60\n");
  await Deno.chmod(join(project.root, "../hang"), 0o755);
  const started = performance.now();
  const { row } = await doctor(project.root, { setup: "mount --bind ../hang /usr/bin/lsof" });
  assertEquals(row("tool-lsof").status, "unknown");
  assertIncludes(row("tool-lsof").detail, "timed out");
  assert(performance.now() - started < 15_000);
});

test("without uv a venv can't be synced, but is made without it: a warning", async () => {
  await using project = await pythonProject();
  assertEquals((await doctor(project.root)).row("tool-uv").status, "warn");
  await Deno.rename(project.venv, join(project.root, "../gone"));
  const { code, row } = await doctor(project.root);
  assertEquals([code, row("tool-uv").status, row("venv").status, row("import").status], [
    80,
    "skipped",
    "fail",
    "skipped",
  ]);
  assertIncludes(row("venv").fix!, " -m venv py3");
});

test("a project that does not use uv gets no warning that there is none", async () => {
  await using project = await pythonProject();
  await Deno.remove(join(await sitePackages(project.venv), "tractor"), { recursive: true });
  const ofUv = async () => (await doctor(project.root)).row("tool-uv");
  assertEquals((await ofUv()).status, "skipped");
  assertIncludes((await ofUv()).detail, "only --sync and --uv-run need it");
  await project.write("uv.lock", "version = 1\n");
  assertEquals((await ofUv()).status, "warn");
});

test("a Python that does not start fails", async () => {
  await using project = await pythonProject();
  await Deno.remove(join(project.venv, "bin/python"));
  await Deno.writeTextFile(
    join(project.venv, "bin/python"),
    "#!/bin/sh\necho broken >&2\nexit 1\n",
    { mode: 0o755 },
  );
  const { code, row } = await doctor(project.root);
  assertEquals([code, row("tool-python").status, row("venv").status, row("import").status], [
    80,
    "fail",
    "fail",
    "fail",
  ]);
  assertIncludes(row("import").detail, "broken");
});

test("a Python that the project does not accept fails", async () => {
  await using project = await pythonProject();
  await project.write(
    "pyproject.toml",
    '[project]\nname = "small-app"\nrequires-python = ">=3.99"\n' +
      '[tool.pytest.ini_options]\ntestpaths = ["tests"]\n',
  );
  const { code, row } = await doctor(project.root);
  assertEquals([code, row("python-version").status], [80, "fail"]);
  assertIncludes(row("python-version").detail, "requires-python is >=3.99");
});

test("a broken import and a broken test fail, each with its evidence", async () => {
  await using project = await pythonProject();
  await project.write("tests/test_it.py", "def broken(:\n");
  const collection = await doctor(project.root);
  assertEquals([
    collection.code,
    collection.row("import").status,
    collection.row("collection").status,
  ], [80, "ok", "fail"]);
  assertIncludes(collection.row("collection").detail, "SyntaxError");
  await project.write("small_app/__init__.py", "import no_such_module\n");
  assertIncludes(
    (await doctor(project.root)).row("import").detail,
    "No module named 'no_such_module'",
  );
});

test("a linked worktree without a venv of its own fails", async () => {
  await using project = await pythonProject();
  await project.write(".gitignore", "py*/\n");
  await project.run("git", "init", "-q");
  await project.run("git", "add", ".");
  await project.run("git", "commit", "-q", "-m", "all");
  await project.run("git", "worktree", "add", "-q", "../tree");
  const { code, row } = await doctor(join(project.root, "../tree"));
  assertEquals([code, row("worktree").status], [80, "fail"]);
});

test("a held registry exits with 81", async () => {
  await using project = await pythonProject();
  const hold = 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 1616)); s.listen(); ' +
    'open("../ready", "w").write("x"); s.accept()';
  const setup = `mkfifo ../ready; python3 -c '${hold}' & holder=$!; ` +
    "trap 'kill $holder' EXIT; read x <../ready || :";
  const { code, row, wrong } = await doctor(project.root, { setup });
  assertEquals([code, row("registry").status], [81, "fail"], wrong().join());
  assertIncludes(row("registry").detail, "127.0.0.1:1616 is held by");
});

test("a stale socket exits with 81, and --fix --yes removes it", async () => {
  await using project = await pythonProject();
  const socket = join(project.root, "../runtime/tractor/registry@1616.sock");
  await Deno.mkdir(join(project.root, "../runtime/tractor"), { recursive: true, mode: 0o700 });
  await project.run(
    "python3",
    "-c",
    `import socket; socket.socket(socket.AF_UNIX).bind("../runtime/tractor/registry@1616.sock")`,
  );
  const { code, row } = await doctor(project.root);
  assertEquals([code, row("sockets").status, row("sockets").fix], [
    81,
    "fail",
    "tractest zombies --kill",
  ]);
  const unanswered = await doctor(project.root, { args: ["--fix"] });
  assertEquals(unanswered.code, 81);
  assertIncludes(unanswered.stderr, "--yes answers it");
  const asked = unanswered.stderr.indexOf("--yes answers it");
  assert(
    unanswered.stderr.slice(0, asked).includes(socket),
    "what it is about is shown before the question",
  );
  const dry = await doctor(project.root, { args: ["--fix", "--dry-run", "--yes"] });
  assertEquals([dry.code, (await Deno.lstat(socket)).isSocket], [81, true]);
  assertIncludes(dry.stderr, "would ask: Clean up sockets");
  const fixed = await doctor(project.root, { args: ["--fix", "--yes"] });
  assertEquals([fixed.code, fixed.row("sockets").status], [0, "ok"]);
  assertEquals(await Deno.lstat(socket).catch(() => null), null);
});

test("a leaked actor of this project exits with 81", async () => {
  await using project = await pythonProject();
  // A `cat` that waits forever, with the title that current tractor gives its actors.
  const title = "_subactor[w0@4711]";
  const orphan = "mkfifo ../in ../pid; " +
    `(bash -c 'echo $$ >../pid; exec -a "${title}" cat' <>../in &); ` +
    "read actor <../pid; trap 'kill $actor' EXIT";
  const setup = `${orphan}; until grep -q subactor /proc/$actor/cmdline; do :; done`;
  const { code, row } = await doctor(project.root, { setup });
  assertEquals([code, row("actors").status], [81, "fail"], row("actors").detail);
  assertIncludes(row("actors").detail, title);
});

test("ignored SIGINT, LD_*, PYTEST_ADDOPTS and TRACTOR_* are warnings", async () => {
  await using project = await pythonProject();
  const env = { LD_LIBRARY_PATH: "/nix/lib", PYTEST_ADDOPTS: "-p no:x", TRACTOR_LOGLEVEL: "debug" };
  const { code, row } = await doctor(project.root, { env, setup: "trap '' INT" });
  for (const id of ["sigint", "ld-variables", "pytest-addopts", "tractor-variables"]) {
    assertEquals(row(id).status, "warn", id);
  }
  assertIncludes(row("ld-variables").detail, "LD_LIBRARY_PATH=/nix/lib");
  assertIncludes(row("pytest-addopts").detail, "-p no:x");
  assertIncludes(row("tractor-variables").detail, "TRACTOR_LOGLEVEL=debug");
  assertIncludes(row("sigint").fix!, "env --default-signal=INT");
  assertEquals([code, row("registry").status], [0, "ok"], "the probes work anyway");
});

test("a state directory that is not private or not writable fails", async () => {
  await using project = await pythonProject();
  const home = join(project.root, "../state");
  const own = join(home, "tractest");
  const env = { XDG_STATE_HOME: home };
  const check = async (setup?: string) => {
    const { code, row } = await doctor(project.root, { env, setup });
    return [code, row("state-directories").status, row("state-directories").detail] as const;
  };
  assertIncludes((await check())[2], `${own} (not created yet)`);
  await Deno.mkdir(own, { recursive: true });
  await Deno.chmod(own, 0o755);
  const open = await check();
  assertEquals([open[0], open[1]], [80, "fail"]);
  assertIncludes(open[2], "others may enter it (mode 755)");
  await Deno.chmod(own, 0o700);
  assertEquals((await check())[1], "ok");
  assertIncludes(
    (await check(`mount --bind ${own} ${own}; mount -o remount,ro,bind ${own}`))[2],
    "Read-only file system",
  );
  await Deno.remove(own, { recursive: true });
  await Deno.writeTextFile(own, "");
  assertIncludes((await check())[2], "it is a file, not a directory");
});

test("--fix --yes creates the venv and directories, and checks again", async () => {
  await using project = await pythonProject({ venv: false });
  const env = {
    PATH: `${await fakeUv(project.root)}:/usr/bin:/bin`,
    XDG_STATE_HOME: join(project.root, "../state"),
  };
  const { code, row, stderr } = await doctor(project.root, { env, args: ["--fix", "--yes"] });
  assertEquals([code, row("venv").status], [0, "ok"], stderr);
  assertIncludes(stderr, `creating the venv py${await pythonMinor()}: UV_PROJECT_ENVIRONMENT=`);
  assertEquals(
    ((await Deno.stat(join(project.root, "../state/tractest"))).mode ?? 0) & 0o777,
    0o700,
  );
});

test("doctor changes nothing without --fix", async () => {
  await using project = await pythonProject({ venv: false });
  const env = {
    PATH: `${await fakeUv(project.root)}:/usr/bin:/bin`,
    XDG_STATE_HOME: join(project.root, "../state"),
  };
  await doctor(project.root, { env });
  assertEquals([...Deno.readDirSync(project.root)].map((entry) => entry.name).sort(), [
    "pyproject.toml",
    "small_app",
    "tests",
  ]);
  assertEquals(await Deno.stat(join(project.root, "../state")).catch(() => null), null);
  assert(scratchState().XDG_STATE_HOME !== env.XDG_STATE_HOME);
});

Deno.test("doctor removes its temporary directory if there is no cache", async () => {
  await using suite = await pytestSuite({ "test_a.py": "def test_a(): pass\n" });
  await Deno.writeTextFile(join(suite.path, "file"), "");
  const temporary = join(suite.path, "temporary");
  await Deno.mkdir(temporary);
  const { stdout } = await suite.tractest(["doctor"], {
    XDG_CACHE_HOME: join(suite.path, "file/cache"),
    TMPDIR: temporary,
  });
  assertIncludes(stdout, "isolation");
  const kept: string[] = [];
  for (const { name } of Deno.readDirSync(temporary)) {
    // A self-contained binary removes its unpacked files itself, perhaps right now.
    const inside = await Array.fromAsync(Deno.readDir(join(temporary, name))).catch(() => []);
    if (!inside.some((entry) => /^(program|runtime)-/.test(entry.name))) {
      kept.push(...inside.map((entry) => entry.name));
    }
  }
  assertEquals(kept, []);
});
