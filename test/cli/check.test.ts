import { join } from "@std/path";
import { assert, assertEquals, assertIncludes } from "../assert.ts";
import {
  fakeUv,
  makeVenv,
  pythonMinor,
  pythonProject,
  sitePackages,
} from "../fixtures/python_project.ts";
import { pytestSuite } from "./suites.ts";
import { type Outcome, scratchState, tractest } from "./tractest.ts";

interface Check {
  readonly id: string;
  readonly status: string;
  readonly detail: string;
  readonly fix: string | null;
}

async function check(
  cwd: string,
  args: readonly string[] = [],
  options: { env?: Record<string, string>; wrap?: string[] } = {},
) {
  const outcome = await tractest(["check", "--json", ...args], { cwd, ...options });
  return { ...outcome, ...rowsOf(outcome) };
}

function rowsOf({ stdout, stderr }: Outcome): { ok: boolean; rows: Record<string, Check> } {
  assert(stdout.startsWith("{"), `${stdout}\n${stderr}`);
  const { ok, checks } = JSON.parse(stdout) as { ok: boolean; checks: Check[] };
  return { ok, rows: Object.fromEntries((checks ?? []).map((row) => [row.id, row])) };
}

Deno.test("a venv that is not active is used, with a line that says so", async () => {
  await using project = await pythonProject();
  const { code, stdout, stderr } = await tractest(["check"], { cwd: join(project.root, "tests") });
  assertEquals([code, stdout], [0, "ok\n"], stderr);
  assertIncludes(stderr, `py${await pythonMinor()} (Python 3`);
  assertIncludes(stderr, "not active, used anyway");
  assertIncludes(stderr, "2 tests collected");
});

Deno.test(
  "the results of import and collection are kept until something changes that matters",
  async () => {
    await using project = await pythonProject();
    const remembered = async (env: Record<string, string> = {}) => {
      const { code, rows, stderr } = await check(project.root, [], { env });
      assertEquals(code, 0, stderr);
      assertEquals(
        rows.import!.detail.includes("unchanged"),
        rows.collection!.detail.includes("unchanged"),
      );
      return rows.import!.detail.includes("unchanged");
    };
    const site = await sitePackages(project.venv);
    await Deno.mkdir(join(site, "dependency"));
    for (const name of ["__init__", "deep", "unused"]) {
      await Deno.writeTextFile(join(site, `dependency/${name}.py`), "x = 1\n");
    }
    await project.write(
      "tests/test_dependency.py",
      "import dependency.deep\ndef test_four(): pass\n",
    );
    assertEquals(await remembered(), false);
    assertEquals(await remembered(), true);
    const append = (path: string) =>
      Deno.writeTextFile(join(site, path), "y = 2\n", { append: true });
    const changes: readonly (readonly [string, () => Promise<void>])[] = [
      ["a test", () => project.write("tests/test_it.py", "def test_three(): pass\n")],
      ["the package", () => project.write("small_app/new.py", "")],
      ["conftest.py", () => project.write("conftest.py", "x = 1\n")],
      [
        "the configuration",
        () =>
          project.write(
            "pyproject.toml",
            '[project]\nname = "small-app"\n[tool.pytest.ini_options]\ntestpaths = ["tests"]\n' +
              "# new\n",
          ),
      ],
      ["the lock file", () => project.write("uv.lock", "version = 1\n")],
      ["what is installed", () => Deno.mkdir(join(site, "more-1.0.dist-info"))],
      ["a line in an installed package that is imported", () => append("dependency/__init__.py")],
      ["a line in a module of it", () => append("dependency/deep.py")],
      [
        "pyvenv.cfg",
        () => Deno.writeTextFile(join(project.venv, "pyvenv.cfg"), "# changed\n", { append: true }),
      ],
      ["a removed file", () => Deno.remove(join(project.root, "small_app/new.py"))],
    ];
    for (const [what, change] of changes) {
      await change();
      assertEquals(await remembered(), false, what);
      assertEquals(await remembered(), true, `${what}, again`);
    }
    await append("dependency/unused.py");
    assertEquals(await remembered(), true, "a file that is never imported does not count");
    assertEquals(await remembered({ PYTHONPATH: "/nowhere" }), false, "PYTHONPATH");
    assertEquals(
      await remembered({ UNRELATED: "x", PYTHONPATH: "/nowhere" }),
      true,
      "a variable that does not count",
    );
  },
);

Deno.test(
  "an edit in a directory that is installed editable from " +
    "elsewhere is noticed",
  async () => {
    await using project = await pythonProject();
    await using other = await pythonProject({ venv: false });
    await Deno.writeTextFile(
      join(await sitePackages(project.venv), "_other.pth"),
      `${other.root}\n`,
    );
    await check(project.root);
    assertIncludes((await check(project.root)).rows.import!.detail, "unchanged");
    await other.write("small_app/__init__.py", "changed = 1\n");
    assert(!(await check(project.root)).rows.import!.detail.includes("unchanged"));
  },
);

Deno.test("a run searches the package only if what decides where it is has changed", async () => {
  await using project = await pythonProject();
  const starts = async () => {
    const args = ["run", "--preflight-only", "-v"];
    const { code, stderr } = await tractest(args, { cwd: project.root });
    assertEquals(code, 0, stderr);
    return [
      stderr.includes("# where is small_app imported from"),
      /^.*import {6}.*$/m.exec(stderr)?.[0],
    ];
  };
  const site = await sitePackages(project.venv);
  // With tractor the tests are collected, too.
  await Deno.remove(join(site, "tractor"), { recursive: true });
  const [isFirst, line] = await starts();
  assert(isFirst && line !== undefined);
  assertEquals(await starts(), [false, line]);
  await project.write("tests/test_more.py", "def test_more(): pass\n");
  assertEquals(await starts(), [false, line], "a test");
  await Deno.writeTextFile(join(site, "other.pth"), `${project.root}/tests\n`);
  assertEquals(await starts(), [true, line], "a .pth file");
  await project.write("tests/small_app/__init__.py", "");
  assertEquals((await starts())[0], true, "the package below a directory of that");
  assertEquals((await starts())[0], false);
  await Deno.mkdir(join(site, "small_app"));
  await Deno.writeTextFile(join(site, "small_app/__init__.py"), "");
  assertEquals((await starts())[0], true, "an installed copy");
});

Deno.test("a failed check is never remembered, and shows the error and the command", async () => {
  await using project = await pythonProject();
  await project.write("tests/test_it.py", "import nothing_like_that\n");
  for (let round = 0; round < 2; round++) {
    const { code, ok, rows } = await check(project.root);
    assertEquals([code, ok, rows.import!.status, rows.collection!.status], [
      80,
      false,
      "ok",
      "fail",
    ]);
    assertIncludes(
      rows.collection!.detail,
      "ModuleNotFoundError: No module named 'nothing_like_that'",
    );
    assertEquals(rows.collection!.fix, `${project.venv}/bin/python -m pytest tests/ -x -q --co`);
  }
});

Deno.test(
  "the tests that pytest could collect are not shown as part of a collection error",
  async () => {
    await using suite = await pytestSuite({
      "test_a.py": "def test_fine(): pass\n",
      "test_it.py": "1 / 0\n",
    });
    const { detail } = rowsOf(await suite.tractest(["check", "--json"])).rows.collection!;
    assertIncludes(detail, "ZeroDivisionError");
    assert(!detail.includes("test_fine"), detail);
  },
);

Deno.test("a broken package fails the import check, with the end of the traceback", async () => {
  await using project = await pythonProject();
  await project.write("small_app/__init__.py", "raise ValueError('\\x1b[31mred\\x1b[0m')\n");
  const { code, rows } = await check(project.root);
  assertEquals([code, rows.import!.status, rows.collection!.status], [80, "fail", "fail"]);
  assertIncludes(rows.import!.detail, "Cannot import small_app");
  assertIncludes(rows.import!.detail, "ValueError");
  const text = await tractest(["check", "--color", "never"], { cwd: project.root });
  assert(!text.stderr.includes("\x1b"), "what others wrote is escaped");
});

Deno.test("a suite without tests is a failure, not a pass", async () => {
  await using project = await pythonProject();
  await project.write("tests/test_it.py", "");
  assertIncludes((await check(project.root)).rows.collection!.detail, "no tests were collected");
});

Deno.test(
  "without a venv or a terminal, the options that answer the question are named",
  async () => {
    await using project = await pythonProject({ venv: false });
    const env = { PATH: `${await fakeUv(project.root)}:/usr/bin:/bin` };
    const { code, stderr } = await tractest(["check"], { cwd: project.root, env });
    assertEquals(code, 80);
    for (
      const part of [
        "--sync",
        "--uv-run",
        "--python PATH",
        `UV_PROJECT_ENVIRONMENT=py${await pythonMinor()} uv sync`,
      ]
    ) assertIncludes(stderr, part);
  },
);

Deno.test("VIRTUAL_ENV of another project and a .venv are warnings, and ignored", async () => {
  await using project = await pythonProject();
  await using other = await pythonProject();
  await makeVenv(join(project.root, ".venv"), project.root);
  const { code, rows } = await check(project.root, [], { env: { VIRTUAL_ENV: other.venv } });
  assertEquals([code, rows.venv!.status], [0, "warn"]);
  assertIncludes(
    rows.venv!.detail,
    `VIRTUAL_ENV is ${other.venv}, the venv of another project: ignored`,
  );
  assertIncludes(rows.venv!.detail, ".venv is ignored");
});

Deno.test("the active venv of the project is used and called active", async () => {
  await using project = await pythonProject();
  await makeVenv(join(project.root, "py399"), project.root);
  const { rows } = await check(project.root, [], { env: { VIRTUAL_ENV: project.venv } });
  assertIncludes(rows.venv!.detail, ", active");
  assertEquals(rows.venv!.status, "ok");
  const { rows: newest } = await check(project.root);
  assertIncludes(newest.venv!.detail, "py399 (");
  assertIncludes(newest.venv!.detail, "its name says Python 3.99");
});

Deno.test(
  "of several venvs the one that .python-version names is used, and one that does not " +
    "fit is ignored",
  async () => {
    await using project = await pythonProject();
    await using other = await pythonProject({ venv: false });
    await makeVenv(join(project.root, "py399"), other.root);
    const { code, rows } = await check(project.root);
    assertEquals([code, rows.venv!.status], [0, "warn"]);
    assertIncludes(
      rows.venv!.detail,
      `py399 does not fit: small_app resolves to ${other.root}/small_app/__init__.py: outside of`,
    );
    const minor = await pythonMinor();
    await project.write(".python-version", `${minor[0]}.${minor.slice(1)}\n`);
    assertEquals((await check(project.root)).rows.venv!.status, "ok");
  },
);

Deno.test(
  "a venv with another checkout's source does not fit, even if the working directory " +
    "hides that",
  async () => {
    await using project = await pythonProject({ venv: false });
    await using other = await pythonProject({ venv: false });
    await makeVenv(project.venv, other.root);
    const env = { PATH: `${await fakeUv(project.root)}:/usr/bin:/bin` };
    const { code, rows } = await check(project.root, [], { env });
    assertEquals([code, rows.venv!.status], [80, "fail"]);
    assertIncludes(
      rows.venv!.detail,
      `${other.root}/small_app/__init__.py: outside of ${project.root}/small_app`,
    );
    assertIncludes(rows.venv!.fix!, "uv sync --inexact");
  },
);

Deno.test(
  "a package in the root that is not installed is imported, with a warning",
  async () => {
    await using project = await pythonProject();
    await Deno.remove(join(await sitePackages(project.venv), "_editable.pth"));
    const { code, rows } = await check(project.root);
    assertEquals([code, rows.import!.status], [0, "warn"]);
    assertIncludes(rows.import!.detail, "not installed in the venv");
    const install = `py${await pythonMinor()}/bin/python -m pip install -e .`;
    assertEquals(rows.import!.fix, install, "there is no uv here");
  },
);

Deno.test("in a git worktree the package must resolve to a path inside the worktree", async () => {
  await using project = await pythonProject();
  const tree = join(project.root, "../tree");
  await project.write(".gitignore", "py*/\n");
  await project.run("git", "init", "-q");
  await project.run("git", "add", ".");
  await project.run("git", "commit", "-q", "-m", "all");
  await project.run("git", "worktree", "add", "-q", tree);
  assertEquals(
    "worktree" in (await check(project.root)).rows,
    false,
    "the main checkout is no linked worktree",
  );

  const without = await check(tree, [], { env: { VIRTUAL_ENV: project.venv } });
  assertEquals([without.code, without.rows.venv!.status, without.rows.worktree!.status], [
    80,
    "fail",
    "fail",
  ]);
  assertIncludes(without.rows.venv!.detail, "the venv of another checkout of this repository");

  const borrowed = join(tree, `py${await pythonMinor()}`);
  await Deno.symlink(project.venv, borrowed);
  const wrong = await check(tree);
  assertEquals([wrong.code, wrong.rows.worktree!.status], [80, "fail"]);
  assertIncludes(
    wrong.rows.worktree!.detail,
    `small_app resolves to ${project.root}/small_app/__init__.py: outside of ${await Deno.realPath(
      tree,
    )}`,
  );
  assertIncludes(
    wrong.rows.worktree!.fix!,
    `rm py${await pythonMinor()} && python3.`,
  );
  const refused = await tractest(["check", "--sync"], {
    cwd: tree,
    env: { PATH: `${await fakeUv(project.root)}:/usr/bin:/bin` },
  });
  assertEquals(refused.code, 80);
  assertIncludes(refused.stderr, "a sync would change that venv");

  await Deno.remove(borrowed);
  await makeVenv(borrowed, await Deno.realPath(tree));
  const right = await check(tree);
  assertEquals([right.code, right.rows.worktree!.status], [0, "ok"]);
});

Deno.test(
  "fault 45: in a hook of a worktree no git variable reaches Python, and the index " +
    "stays unchanged",
  async () => {
    await using project = await pythonProject();
    await project.write(".gitignore", "py*/\n");
    await project.write(
      "tests/test_it.py",
      "import os\nassert not [n for n in os.environ if n.startswith('GIT_')], os.environ\n" +
        "def test_one(): pass\n",
    );
    await project.run("git", "init", "-q");
    await project.run("git", "add", ".");
    await project.run("git", "commit", "-q", "-m", "all");
    const tree = join(project.root, "../tree");
    await project.run("git", "worktree", "add", "-q", tree);
    await makeVenv(join(tree, `py${await pythonMinor()}`), await Deno.realPath(tree));
    const index = join(project.root, ".git/worktrees/tree/index");
    const before = await Deno.readFile(index);
    const env = {
      GIT_DIR: join(project.root, ".git/worktrees/tree"),
      GIT_INDEX_FILE: index,
      GIT_PREFIX: "",
      GIT_WORK_TREE: tree,
    };
    const { code, rows } = await check(tree, [], { env });
    assertEquals([code, rows.worktree!.status], [0, "ok"], JSON.stringify(rows));
    assertEquals(await Deno.readFile(index), before);
  },
);

Deno.test(
  "fault 35: programs in the working directory, or in the project's directories on " +
    "PATH, are never executed",
  async () => {
    await using project = await pythonProject({ venv: false });
    const marker = join(project.root, "executed");
    for (const name of ["uv", "python", "python3", "git", "cat", "env"]) {
      for (const directory of ["bin", "."]) {
        await project.write(`${directory}/${name}`, `#!/bin/sh\ntouch '${marker}'\n`);
        await Deno.chmod(join(project.root, directory, name), 0o755);
      }
    }
    const env = { PATH: `${project.root}/bin:.::bin:/usr/bin:/bin` };
    assertEquals((await check(project.root, [], { env })).code, 80);
    assertEquals((await tractest(["check", "--sync"], { cwd: project.root, env })).code, 69);
    assertEquals(await Deno.stat(marker).catch(() => null), null);
  },
);

Deno.test("fault 36: with LD_LIBRARY_PATH set the checks work, and Python gets it", async () => {
  await using project = await pythonProject();
  await project.write(
    "tests/test_it.py",
    "import os\nassert os.environ['LD_LIBRARY_PATH'] == '/some where'\ndef test_one(): pass\n",
  );
  assertEquals(
    (await check(project.root, [], { env: { LD_LIBRARY_PATH: "/some where" } })).code,
    0,
  );
});

Deno.test("the checks report that SIGINT is ignored", async () => {
  await using project = await pythonProject();
  const { code, rows } = await check(project.root, [], {
    wrap: ["sh", "-c", 'trap "" INT; exec "$@"', "sh"],
  });
  assertEquals([code, rows.sigint!.status], [0, "warn"]);
});

Deno.test("--python takes a Python or a venv, and reports one that does not exist", async () => {
  await using project = await pythonProject();
  const elsewhere = join(project.root, "../elsewhere");
  await Deno.rename(project.venv, elsewhere);
  for (const named of ["../elsewhere", "../elsewhere/bin/python"]) {
    const { code, rows } = await check(project.root, ["--python", named]);
    assertEquals([code, rows.venv!.status], [0, "ok"]);
    assertIncludes(rows.venv!.detail, "named by --python");
  }
  const { code, stderr } = await tractest(["check", "--python", "nowhere/python"], {
    cwd: project.root,
  });
  assertEquals(code, 64);
  assertIncludes(stderr, 'there is no Python at "nowhere/python"');
});

Deno.test(
  "--sync shows its command, keeps packages installed by hand, and never rewrites the " +
    "lock file",
  async () => {
    await using project = await pythonProject({ venv: false });
    const uv = await fakeUv(project.root);
    const env = { PATH: `${uv}:/usr/bin:/bin`, VIRTUAL_ENV: "/another" };
    const minor = await pythonMinor();
    const dotted = `${minor[0]}.${minor.slice(1)}`;
    const made = await tractest(["check", "--sync"], { cwd: project.root, env });
    assertEquals(made.code, 0, made.stderr);
    assertIncludes(
      made.stderr,
      `creating the venv py${minor}: UV_PROJECT_ENVIRONMENT=py${minor} uv sync --python ` +
        `${dotted}\n`,
    );
    assertIncludes(made.stderr, ", synced");
    await project.write("uv.lock", "version = 1\n");
    const synced = await tractest(["check", "--sync", "-v"], { cwd: project.root, env });
    assertIncludes(
      synced.stderr,
      `syncing the venv py${minor}: UV_PROJECT_ENVIRONMENT=py${minor} uv sync --inexact --frozen\n`,
    );
    assertIncludes(
      synced.stderr,
      `+ env UV_PROJECT_ENVIRONMENT=py${minor} ${uv}/uv sync --inexact --frozen`,
    );
    assertEquals(
      await Deno.readTextFile(join(uv, "log")),
      `py${minor}||sync --python ${dotted}\npy${minor}||sync --inexact --frozen\n`,
    );
  },
);

Deno.test("a failed sync is reported with uv's own message and the command", async () => {
  await using project = await pythonProject({ venv: false });
  const uv = await fakeUv(project.root);
  await Deno.writeTextFile(join(uv, "fails"), "");
  const { code, stderr } = await tractest(["check", "--sync"], {
    cwd: project.root,
    env: { PATH: `${uv}:/usr/bin:/bin` },
  });
  assertEquals(code, 80);
  assertIncludes(stderr, "no such package\n");
  assertIncludes(stderr, "error: uv sync failed with exit code 2");
  assertIncludes(stderr, "hint: UV_PROJECT_ENVIRONMENT=py");
  assertIncludes(stderr, "tractest run --sync");
});

Deno.test(
  "--uv-run runs Python with uv, frozen if there is a lock file, and mentions that a " +
    "venv is faster",
  async () => {
    await using project = await pythonProject();
    await project.write("uv.lock", "version = 1\n");
    const uv = await fakeUv(project.root);
    const { code, stderr } = await tractest(["check", "--uv-run"], {
      cwd: project.root,
      env: { PATH: `${uv}:/usr/bin:/bin` },
    });
    assertEquals(code, 0, stderr);
    assertIncludes(stderr, "run by uv");
    assertIncludes(stderr, "an existing venv is faster");
    const log = await Deno.readTextFile(join(uv, "log"));
    assertIncludes(log, `py${await pythonMinor()}||run --frozen python -c `);
    assertIncludes(log, " tests/ -x -q --co ");
  },
);

Deno.test("fault 37: what needs uv names it and exits with 69 if it is missing", async () => {
  await using project = await pythonProject({ venv: false });
  const hints = [["--sync", "without uv: python3."], ["--uv-run", "install it: pip install uv"]];
  for (const [option, hint] of hints) {
    const { code, stderr } = await tractest(["check", option!], { cwd: project.root });
    assertEquals(code, 69);
    assertIncludes(stderr, '"uv" is neither on PATH nor in ~/.local/bin');
    assertIncludes(stderr, `hint: ${hint}`);
  }
});

Deno.test(
  "without a private cache directory no result is kept, and everything works",
  async () => {
    await using project = await pythonProject();
    const open = join(project.root, "../open");
    await Deno.mkdir(join(open, "tractest"), { recursive: true });
    await Deno.chmod(join(open, "tractest"), 0o777);
    // A self-contained binary makes its own directory private, so only the program inside gets the
    // open one.
    const wrap = ["env", `XDG_CACHE_HOME=${open}`];
    for (let round = 0; round < 2; round++) {
      await Deno.chmod(join(open, "tractest"), 0o777);
      const { code, rows } = await check(project.root, [], { wrap });
      assertEquals(code, 0);
      if ((await Deno.stat(join(open, "tractest"))).mode! & 0o077) {
        assert(!rows.import!.detail.includes("unchanged"));
      }
    }
    assert(scratchState().XDG_CACHE_HOME !== open);
  },
);

Deno.test(
  "a venv whose Python can't be reached is named, with the broken link and the fix",
  async () => {
    await using project = await pythonProject();
    const name = `py${await pythonMinor()}`;
    const python = join(project.venv, "bin/python");
    const again = `rm -r ${name} && UV_PROJECT_ENVIRONMENT=${name} uv sync --python 3.`;
    const uv = `${await fakeUv(project.root)}:/usr/bin:/bin`;
    const detail = async (PATH = uv) => {
      const { code, rows } = await check(project.root, [], { env: { PATH } });
      assertEquals([code, rows.venv!.status], [80, "fail"]);
      return rows.venv!.detail;
    };
    const content = await Deno.readFile(await Deno.realPath(python));
    await Deno.remove(python);
    await Deno.symlink("/nowhere/python", python);
    assertIncludes(
      await detail(),
      `${name}/bin/python is a broken symlink (it was made from /`,
    );
    assertIncludes(await detail(), again);
    assertIncludes(await detail("/usr/bin:/bin"), `rm -r ${name} && python3.`);
    await Deno.remove(python);
    await Deno.symlink("python", python);
    const loop = `${name}/bin/python is a symlink that this user can't follow (it was made from /`;
    assertIncludes(await detail(), loop);
    assertIncludes(await detail(), again);
    assertIncludes(await detail("/usr/bin:/bin"), `rm -r ${name} && python3.`);
    await Deno.remove(python);
    await Deno.writeFile(python, content.slice(0, 100), { mode: 0o644 });
    assertIncludes(
      await detail(),
      `${name}/bin/python is not executable; to allow it: chmod -R u+rwX ${name}`,
    );
    await Deno.rename(project.venv, join(project.root, "elsewhere"));
    await Deno.symlink("gone", project.venv);
    assertIncludes(
      await detail(),
      `${name} is a broken symlink; to recreate the venv: ${again}`,
    );
  },
);

Deno.test("a project that uv can't sync gets the commands that make its venv", async () => {
  await using project = await pythonProject({ venv: false });
  await Deno.remove(join(project.root, "pyproject.toml"));
  await project.write("setup.py", "");
  const commands = "python3 -m venv .venv && .venv/bin/python -m pip install -e . pytest";
  const { code, rows } = await check(project.root);
  assertEquals([code, rows.venv!.fix], [80, `${commands}\ntractest run --python PATH`]);
  const withUv = await check(project.root, [], {
    env: { PATH: `${await fakeUv(project.root)}:/usr/bin:/bin` },
  });
  assertEquals(
    withUv.rows.venv!.fix,
    "uv venv .venv && uv pip install --python .venv -e . pytest\ntractest run --python PATH",
  );
  const sync = await tractest(["check", "--sync"], { cwd: project.root });
  assertEquals(sync.code, 80);
  assertIncludes(sync.stderr, "uv sync needs a pyproject.toml with [project]");
  assertIncludes(sync.stderr, `hint: ${commands}`);
});

Deno.test("without uv no advice needs it, and the commands that are given work", async () => {
  await using project = await pythonProject({ venv: false });
  const name = `py${await pythonMinor()}`;
  const fill = `${name}/bin/python -m pip install -e . pytest`;
  const { rows } = await check(project.root);
  const [make = "", next] = rows.venv!.fix!.split("\n");
  const [venv = "", install] = make.split(" && ");
  assertEquals([install, next], [fill, "tractest run --python PATH"]);
  const made = await new Deno.Command("sh", { args: ["-c", venv], cwd: project.root }).output();
  assertEquals(made.success, true, new TextDecoder().decode(made.stderr));
  const sync = await tractest(["check", "--sync"], { cwd: project.root });
  assertEquals(sync.code, 69);
  assertIncludes(sync.stderr, `hint: without uv: ${fill}`);
});

Deno.test("an installed copy is a warning, another checkout's source is not used", async () => {
  await using project = await pythonProject();
  await using other = await pythonProject();
  const site = await sitePackages(project.venv);
  await Deno.remove(join(site, "_editable.pth"));
  await Deno.mkdir(join(site, "small_app"));
  await Deno.writeTextFile(join(site, "small_app/__init__.py"), "");
  const copy = await check(project.root);
  assertEquals([copy.code, copy.rows.venv!.status], [0, "warn"]);
  assertIncludes(copy.rows.venv!.detail, "an installed copy, not the source in");
  await Deno.remove(join(site, "small_app"), { recursive: true });
  await Deno.writeTextFile(join(site, "_editable.pth"), `${other.root}\n`);
  const { code, rows } = await check(project.root);
  assertEquals([code, rows.venv!.status], [80, "fail"]);
  assertIncludes(rows.venv!.detail, `small_app resolves to ${other.root}/small_app/__init__.py`);
});
