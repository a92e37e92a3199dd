import { assert, assertEquals, assertIncludes } from "../assert.ts";
import { GitRepo } from "./git_repo.ts";
import { TRACTEST } from "./tractest.ts";

const CLEAN_UP = "zombies --kill --hook";

function mode(path: string): number {
  return Deno.lstatSync(path).mode! & 0o7777;
}

Deno.test(
  "pre-push runs before a real push; findings stop the push, other exit codes do not",
  async () => {
    using repo = await GitRepo.make();
    await repo.addRemote();
    await repo.install("pre-push");
    for (
      const [exit, goes] of [
        [81, false],
        [1, false],
        [130, false],
        [82, true],
        [80, true],
        [69, true],
        [70, true],
        [64, true],
        [127, true],
        [
          0,
          true,
        ],
      ] as const
    ) {
      repo.exits(exit);
      await repo.git("commit", "--quiet", "--allow-empty", "-m", `exit ${exit}`);
      const { code, stderr } = await repo.run(["git", "push", "--quiet", "origin", "main"]);
      assertEquals(code === 0, goes, `exit ${exit}: ${stderr}`);
      assertEquals(repo.calls(), [`${CLEAN_UP} | ${repo.root} | 0`]);
      if (!goes) {
        assertIncludes(
          stderr,
          `tractest: exit code ${exit} stops this push; to push without the check: ` +
            "git push --no-verify\n",
        );
      } else if (exit !== 0) {
        assertIncludes(
          stderr,
          `tractest: exit code ${exit} says nothing about this push, which continues\n`,
        );
      } else assertEquals(stderr, "");
    }
  },
);

Deno.test(
  "fault 46: commands of pre-push do not inherit git's list of refs, and do not run " +
    "for an empty or a deleting push",
  async () => {
    using repo = await GitRepo.make();
    await repo.addRemote();
    await repo.install("pre-push");
    await repo.git("push", "--quiet", "origin", "main", "main:one", "main:two");
    assertEquals(repo.calls(), [`${CLEAN_UP} | ${repo.root} | 0`]);
    await repo.git("push", "--quiet", "origin", ":one");
    await repo.git("push", "--quiet", "origin", "main");
    assertEquals(repo.calls(), []);
    await repo.git("push", "--quiet", "origin", ":two", "main:three");
    assertEquals(repo.calls().length, 1);
  },
);

Deno.test(
  "an existing hook still runs with git's list of refs, keeps its exit code and mode, " +
    "and is restored byte for byte",
  async () => {
    using repo = await GitRepo.make();
    await repo.addRemote();
    const script =
      `#!/bin/sh -eu\n# caf\xe9\ncat >'${repo.base}/refs'\nexec sh -c 'exit "$1"' sh ` +
      `"$(cat '${repo.base}/mine')"\n`;
    const hook = repo.writeOne(".git/hooks/pre-push", "", 0o750);
    // Latin-1: not UTF-8.
    const original = Uint8Array.from(script, (character) => character.charCodeAt(0));
    Deno.writeFileSync(hook, original);
    const { stdout } = await repo.install("pre-push");
    assertIncludes(stdout, `pre-push: installed (${hook}), runs: tractest ${CLEAN_UP}`);
    assertEquals(mode(hook), 0o750);
    const head = await repo.git("rev-parse", "HEAD");
    for (const mine of [5, 0]) {
      Deno.writeTextFileSync(`${repo.base}/mine`, String(mine));
      const { code } = await repo.run(["git", "push", "--quiet", "origin", "main", "main:other"]);
      assertEquals(code === 0, mine === 0);
      assertEquals(repo.calls().length, 1);
      const zeros = "0".repeat(40);
      assertEquals(Deno.readTextFileSync(`${repo.base}/refs`).split("\n").sort(), [
        "",
        `refs/heads/main ${head} refs/heads/main ${zeros}`,
        `refs/heads/main ${head} refs/heads/other ${zeros}`,
      ]);
    }
    assertEquals((await repo.hooksCommand(["uninstall"])).code, 0);
    assertEquals([...Deno.readFileSync(hook)], [...original]);
    assertEquals(mode(hook), 0o750);
  },
);

Deno.test(
  "a hook whose binary is gone uses tractest on PATH, and without one prints a line " +
    "and continues",
  async () => {
    using repo = await GitRepo.make();
    await repo.install("pre-commit", "post-checkout");
    const elsewhere = `${repo.base}/elsewhere`;
    Deno.mkdirSync(elsewhere);
    Deno.renameSync(repo.standIn, `${elsewhere}/tractest`);
    const PATH = `${elsewhere}:${Deno.env.get("PATH")}`;
    assertEquals(
      (await repo.run(["git", "commit", "--quiet", "--allow-empty", "-m", "x"], { env: { PATH } }))
        .code,
      0,
    );
    assertEquals(repo.calls().length, 1);
    const commit = await repo.run(["git", "commit", "--quiet", "--allow-empty", "-m", "x"], {
      env: { PATH: "/usr/bin:/bin" },
    });
    assertEquals([commit.code, commit.stderr], [
      0,
      "tractest: the program is gone; pre-commit continues without it\n",
    ]);
    const checkout = await repo.run(["git", "checkout", "--quiet", "-b", "new"], {
      env: { PATH: "/usr/bin:/bin" },
    });
    assertEquals([checkout.code, checkout.stderr], [
      0,
      "tractest: the program is gone; post-checkout continues without it\n",
    ]);
    // Something is there, but it can't be started.
    Deno.writeTextFileSync(repo.standIn, "#!/nonexistent/interpreter\n", { mode: 0o755 });
    assertEquals(
      (await repo.run(["git", "commit", "--quiet", "--allow-empty", "-m", "x"])).code,
      0,
    );
  },
);

Deno.test(
  "pre-commit stops a commit for findings; post-checkout runs for branches only and " +
    "never fails a checkout",
  async () => {
    using repo = await GitRepo.make();
    await repo.install("pre-commit", "post-checkout");
    repo.exits(81);
    assertEquals(
      (await repo.run(["git", "commit", "--quiet", "--allow-empty", "-m", "x"])).code,
      1,
    );
    assertEquals(repo.calls(), [`${CLEAN_UP} | ${repo.root} | 0`]);
    assertEquals(
      (await repo.run(["git", "commit", "--no-verify", "--quiet", "--allow-empty", "-m", "x"]))
        .code,
      0,
    );
    assertEquals(repo.calls(), []);
    assertEquals((await repo.run(["git", "checkout", "--quiet", "-b", "new"])).code, 0);
    assertEquals(repo.calls(), [`${CLEAN_UP} | ${repo.root} | 0`]);
    repo.writeOne("pyproject.toml", "changed");
    assertEquals((await repo.run(["git", "checkout", "--quiet", "--", "pyproject.toml"])).code, 0);
    assertEquals(repo.calls(), []);
  },
);

Deno.test("the block works in every installed POSIX shell, under set -eu too", async () => {
  using repo = await GitRepo.make();
  await repo.install("pre-push", "pre-commit", "post-checkout");
  const push = `printf 'refs/heads/a 11 refs/heads/a 00\\n' |`;
  const shells = [];
  for (
    const shell of [
      "sh -eu",
      "dash -eu",
      "bash -eu",
      "bash --posix -eu",
      "busybox sh -eu",
      "mksh -eu",
      "ksh -eu",
    ]
  ) {
    if ((await repo.run(["sh", "-c", `${shell} -c :`])).code !== 0) continue;
    shells.push(shell);
    for (const [hook, given] of [["pre-push", push], ["pre-commit", ""], ["post-checkout", ""]]) {
      for (
        const [exit, expected] of [[0, 0], [81, hook === "post-checkout" ? 0 : 81], [
          80,
          0,
        ]] as const
      ) {
        repo.exits(exit);
        const { code, stderr } = await repo.run([
          "sh",
          "-c",
          `${given} ${shell} .git/hooks/${hook} a b 1`,
        ]);
        assertEquals(code, expected, `${shell} ${hook} ${exit}: ${stderr}`);
        assertEquals(repo.calls().length, 1, `${shell} ${hook}`);
      }
    }
  }
  assert(shells.includes("sh -eu"));
});

Deno.test(
  "a hook installed from a linked worktree is in the common directory and runs in " +
    "every worktree",
  async () => {
    using repo = await GitRepo.make();
    const linked = `${repo.base}/linked`;
    await repo.git("worktree", "add", "--quiet", linked);
    const { code } = await repo.hooksCommand(
      ["install", "pre-commit", "--binary", repo.standIn],
      linked,
    );
    assertEquals(code, 0);
    assert(Deno.statSync(`${repo.hooks}/pre-commit`).isFile);
    for (const cwd of [linked, repo.root]) {
      assertEquals(
        (await repo.run(["git", "commit", "--quiet", "--allow-empty", "-m", "x"], { cwd })).code,
        0,
      );
      assertEquals(repo.calls(), [`${CLEAN_UP} | ${cwd} | 0`]);
    }
  },
);

Deno.test(
  "a project below git's top level is named in the hook, which starts at the top level",
  async () => {
    using repo = await GitRepo.make();
    repo.writeOne("py's/one/pyproject.toml", "[tool.tractest]\n");
    const { stdout } = await repo.hooksCommand(
      ["install", "pre-commit", "--binary", repo.standIn],
      `${repo.root}/py's/one`,
    );
    assertIncludes(stdout, `runs: tractest -C 'py'\\''s/one' ${CLEAN_UP}`);
    await repo.git("commit", "--quiet", "--allow-empty", "-m", "x");
    assertEquals(repo.calls(), [`-C py's/one ${CLEAN_UP} | ${repo.root} | 0`]);
  },
);

Deno.test(
  "fault 45: a hook with git's variables set checks its own worktree, and the index " +
    "stays byte-identical",
  async () => {
    using repo = await GitRepo.make();
    using other = await GitRepo.make();
    const linked = `${repo.base}/linked`;
    repo.writeOne("tests/test_a.py", "def test_a(): pass\n");
    await repo.git("add", ".");
    await repo.git("commit", "--quiet", "-m", "tests");
    await repo.git("worktree", "add", "--quiet", linked);
    const { code } = await repo.hooksCommand([
      "install",
      "pre-commit",
      "--binary",
      TRACTEST,
      "--command",
      "affected --uncommitted --json",
    ], linked);
    assertEquals(code, 0);
    Deno.writeTextFileSync(`${linked}/tests/test_a.py`, "def test_a(): assert True\n");
    // Same content, another time: a refresh of the index would record it.
    Deno.utimeSync(`${linked}/pyproject.toml`, 1, 1);
    const index = await repo.run(["git", "rev-parse", "--git-path", "index"], { cwd: linked });
    const path = index.stdout.trim();
    const before = Deno.readFileSync(path);
    const env = {
      GIT_DIR: `${other.root}/.git`,
      GIT_INDEX_FILE: `${other.root}/.git/index`,
      GIT_WORK_TREE: other.root,
      GIT_PREFIX: "x/",
    };
    const { stdout, stderr } = await repo.run([`${repo.hooks}/pre-commit`], { cwd: linked, env });
    assertEquals([...Deno.readFileSync(path)], [...before]);
    assertEquals(JSON.parse(stdout).schema, "tractest.affected/1", stderr);
    assertIncludes(stdout, "test_a.py");
  },
);

Deno.test(
  "fault 47: with core.hooksPath elsewhere nothing is written; the lines to add are " +
    "printed, and work there",
  async () => {
    using repo = await GitRepo.make();
    const shared = `${repo.base}/shared hooks`;
    Deno.mkdirSync(shared);
    const configure = {
      relative: async () => {
        repo.writeOne(".githooks/commit-msg", "#!/bin/sh\n", 0o755);
        await repo.git("config", "core.hooksPath", ".githooks");
        return `${repo.root}/.githooks`;
      },
      absolute: async () => {
        await repo.git("config", "core.hooksPath", shared);
        return shared;
      },
      global: async () => {
        await repo.git("config", "--unset", "core.hooksPath");
        Deno.writeTextFileSync(`${repo.base}/.gitconfig`, `[core]\nhooksPath = "~/shared hooks"\n`);
        return shared;
      },
    };
    repo.writeOne("sub/keep", "");
    for (const [kind, set] of Object.entries(configure)) {
      const directory = await set();
      const before = repo.snapshot();
      // Below the top too: a relative hooksPath is relative to the top.
      const { code, stdout, stderr } = await repo.hooksCommand([
        "install",
        "pre-commit",
        "--binary",
        repo.standIn,
      ], `${repo.root}/sub`);
      assertEquals(code, 80, kind);
      assertIncludes(stderr, "core.hooksPath is");
      assertIncludes(stderr, `${directory}/pre-commit`);
      assertEquals(repo.snapshot(), before, kind);
      assertIncludes((await repo.hooksCommand(["status"])).stdout, "does not name tractest");
      Deno.writeTextFileSync(`${directory}/pre-commit`, `#!/bin/sh\n${stdout}`, { mode: 0o755 });
      const PATH = `${repo.base}/it's bin:${Deno.env.get("PATH")}`;
      assertEquals(
        (await repo.run(["git", "commit", "--quiet", "--allow-empty", "-m", "x"], {
          env: { PATH },
        }))
          .code,
        0,
      );
      assertEquals(repo.calls(), [`${CLEAN_UP} | ${repo.root} | 0`], kind);
      assertIncludes(
        (await repo.hooksCommand(["status"])).stdout,
        "its configuration names tractest",
      );
      Deno.removeSync(`${directory}/pre-commit`);
    }
  },
);

Deno.test(
  "fault 47: a core.hooksPath that disables hooks is named; one that names the repo's " +
    "own directory counts as unset",
  async () => {
    using repo = await GitRepo.make();
    await repo.git("config", "core.hooksPath", "/dev/null");
    const off = await repo.hooksCommand(["install", "pre-commit"]);
    assertEquals([off.code, off.stdout], [80, ""]);
    assertIncludes(off.stderr, "git runs no hooks here");
    await repo.git("config", "core.hooksPath", ".git/hooks");
    await repo.install("pre-commit");
    await repo.git("commit", "--quiet", "--allow-empty", "-m", "x");
    assertEquals(repo.calls().length, 1);
    // We were installed first, husky later: our lines are in the hook, but git does not run it.
    await repo.git("config", "core.hooksPath", ".husky/_");
    repo.writeOne(".husky/_/pre-commit", "#!/bin/sh\n", 0o755);
    const status = JSON.parse((await repo.hooksCommand(["status", "pre-commit", "--json"])).stdout);
    assertEquals([status.hooks[0].state, status.hooks[0].manager], ["inactive", "husky"]);
  },
);

Deno.test(
  "fault 47: a hook that is a symlink, not executable or no shell script is left " +
    "unchanged, with reason and remedy",
  async () => {
    using repo = await GitRepo.make();
    const target = repo.writeOne("tools/pre-commit.sh", "#!/bin/sh\n", 0o755);
    Deno.symlinkSync("../../tools/pre-commit.sh", `${repo.hooks}/pre-commit`);
    repo.writeOne(".git/hooks/pre-push", "#!/bin/sh\n", 0o644);
    repo.writeOne(".git/hooks/post-checkout", "#!/usr/bin/env python3\nprint()\n", 0o755);
    const before = repo.snapshot();
    const { code, stdout, stderr } = await repo.hooksCommand([
      "install",
      "pre-commit",
      "pre-push",
      "post-checkout",
      "--force",
    ]);
    assertEquals(code, 80);
    assertEquals(repo.snapshot(), before);
    assertIncludes(
      stderr,
      `pre-commit: not installed: "${repo.hooks}/pre-commit" is a symlink, which is not followed`,
    );
    assertIncludes(
      stderr,
      "pre-push: not installed: pre-push exists but is not executable: git does not run it",
    );
    assertIncludes(stderr, `hint: chmod +x ${repo.hooks}/pre-push, or remove it`);
    assertIncludes(
      stderr,
      'post-checkout: not installed: it is not a POSIX shell script ("#!/usr/bin/env python3")',
    );
    assertIncludes(stdout, `\ntractest ${CLEAN_UP} </dev/null\n`);
    assertEquals((await repo.hooksCommand(["uninstall"])).code, 0);
    assertEquals(repo.snapshot(), before);
    assertEquals(Deno.readTextFileSync(target), "#!/bin/sh\n");
  },
);

Deno.test("fault 47: a hooks directory that is a symlink is left alone", async () => {
  using repo = await GitRepo.make();
  Deno.removeSync(repo.hooks, { recursive: true });
  Deno.mkdirSync(`${repo.base}/ours`);
  Deno.symlinkSync(`${repo.base}/ours`, repo.hooks);
  const { code, stderr } = await repo.hooksCommand(["install", "pre-push"]);
  assertEquals(code, 80);
  assertIncludes(stderr, "the hooks directory is a symlink");
  assertEquals([...Deno.readDirSync(`${repo.base}/ours`)], []);
});

Deno.test(
  "fault 47: the configuration of a hook manager is respected, and --force installs a " +
    "hook in addition",
  async () => {
    using repo = await GitRepo.make();
    for (
      const [file, manager] of [["lefthook.yml", "lefthook"], [
        ".pre-commit-config.yaml",
        "pre-commit",
      ], [".husky/pre-push", "husky"]]
    ) {
      const path = repo.writeOne(file!, "");
      const before = repo.snapshot();
      const { code, stdout, stderr } = await repo.hooksCommand([
        "install",
        "pre-push",
        "--binary",
        repo.standIn,
      ]);
      assertEquals(code, 80, manager);
      assertIncludes(stderr, `managed by ${manager} (there is "${file!.split("/")[0]}")`);
      assertIncludes(stdout, CLEAN_UP);
      assertEquals(repo.snapshot(), before);
      await repo.install("pre-push", "--force");
      assertIncludes((await repo.hooksCommand(["status", "pre-push"])).stdout, "installed");
      assertEquals((await repo.hooksCommand(["uninstall", "pre-push"])).code, 0);
      assertEquals(repo.snapshot(), before);
      Deno.removeSync(path);
      if (file!.includes("/")) Deno.removeSync(`${repo.root}/.husky`);
    }
  },
);

Deno.test(
  "a second hooks install writes nothing, four at once leave one block, and uninstall " +
    "leaves no trace",
  async () => {
    using repo = await GitRepo.make();
    repo.writeOne(".git/hooks/pre-commit", "#!/bin/sh\necho mine\n", 0o755);
    const before = repo.snapshot();
    await Promise.all(
      [1, 2, 3, 4].map(() =>
        repo.hooksCommand(["install", "pre-commit", "pre-push", "--binary", repo.standIn])
      ),
    );
    const once = repo.snapshot();
    assertEquals(
      Deno.readTextFileSync(`${repo.hooks}/pre-commit`).match(/>>> tractest/g)?.length,
      1,
    );
    assertIncludes((await repo.install("pre-commit", "pre-push")).stdout, "already installed");
    assertEquals(repo.snapshot(), once);
    const { stdout } = await repo.hooksCommand(["uninstall"]);
    assertIncludes(stdout, "pre-push: removed");
    assertIncludes(stdout, "post-checkout: not installed");
    assertEquals(repo.snapshot(), before);
  },
);

Deno.test(
  "hooks install --dry-run prints the file that it would write; neither it nor " +
    "uninstall --dry-run changes anything",
  async () => {
    using repo = await GitRepo.make();
    const before = repo.snapshot();
    const dry = await repo.hooksCommand([
      "install",
      "pre-push",
      "--binary",
      repo.standIn,
      "--dry-run",
    ]);
    assertEquals([dry.code, dry.stderr], [0, `would write ${repo.hooks}/pre-push (mode 0755):\n`]);
    assertEquals(repo.snapshot(), before);
    await repo.install("pre-push");
    assertEquals(Deno.readTextFileSync(`${repo.hooks}/pre-push`), dry.stdout);
    assertEquals(mode(`${repo.hooks}/pre-push`), 0o755);
    const installed = repo.snapshot();
    assertIncludes(
      (await repo.hooksCommand(["uninstall", "--dry-run"])).stderr,
      `would remove ${repo.hooks}/pre-push`,
    );
    assertEquals(repo.snapshot(), installed);
  },
);

Deno.test(
  "a block edited by hand is named and kept; --force removes it after a copy, which is " +
    "never overwritten",
  async () => {
    using repo = await GitRepo.make();
    const hook = `${repo.hooks}/pre-push`;
    const edit = async () => {
      await repo.install("pre-push");
      Deno.writeTextFileSync(
        hook,
        Deno.readTextFileSync(hook).replace("--hook", "--hook --grace 9"),
      );
      return Deno.readTextFileSync(hook);
    };
    const edited = await edit();
    assertIncludes((await repo.hooksCommand(["status", "pre-push"])).stdout, "modified");
    for (
      const action of [["uninstall", "pre-push"], ["install", "pre-push", "--binary", repo.standIn]]
    ) {
      const { code, stderr } = await repo.hooksCommand(action);
      assertEquals(code, 80);
      assertIncludes(stderr, "modified by hand");
      assertIncludes(stderr, "--force");
      assertEquals(Deno.readTextFileSync(hook), edited);
    }
    assertEquals((await repo.hooksCommand(["uninstall", "pre-push", "--force"])).code, 0);
    await edit();
    assertEquals((await repo.hooksCommand(["install", "pre-push", "--force"])).code, 0);
    assertEquals(Deno.readTextFileSync(`${hook}.tractest-copy`), edited);
    assertEquals(Deno.readTextFileSync(`${hook}.tractest-copy-2`), edited);
  },
);

Deno.test(
  "hooks install --command runs exactly these commands in order, and none after a " +
    "finding",
  async () => {
    using repo = await GitRepo.make();
    await repo.install(
      "pre-commit",
      "--command",
      "tractest run 'test_a.py::test_b[x -> $y]'",
      "--command",
      "failed",
    );
    await repo.git("commit", "--quiet", "--allow-empty", "-m", "x");
    assertEquals(repo.calls(), [
      `run test_a.py::test_b[x -> $y] | ${repo.root} | 0`,
      `failed | ${repo.root} | 0`,
    ]);
    repo.exits(1);
    assertEquals(
      (await repo.run(["git", "commit", "--quiet", "--allow-empty", "-m", "x"])).code,
      1,
    );
    assertEquals(repo.calls().length, 1);
    for (const wrong of ["zombies; reboot", "zombi", "zombies --kil", "run $(x)"]) {
      assertEquals(
        (await repo.hooksCommand(["install", "pre-commit", "--command", wrong])).code,
        64,
        wrong,
      );
    }
  },
);

Deno.test(
  "pre-push-run = true adds the affected tests to pre-push, and status reports if that " +
    "is not installed",
  async () => {
    using repo = await GitRepo.make();
    await repo.addRemote();
    await repo.install("pre-push");
    repo.writeOne("pyproject.toml", "[tool.tractest]\npre-push-run = true\n");
    assertIncludes(
      (await repo.hooksCommand(["status", "pre-push"])).stdout,
      "pre-push-run is true now: tractest hooks install pre-push",
    );
    await repo.install("pre-push");
    await repo.git("push", "--quiet", "origin", "main");
    assertEquals(repo.calls(), [
      `${CLEAN_UP} | ${repo.root} | 0`,
      `affected --run --hook | ${repo.root} | 0`,
    ]);
    const status = async () => (await repo.hooksCommand(["status", "pre-push"])).stdout;
    assert(!(await status()).includes("pre-push-run"));
    repo.writeOne("pyproject.toml", "[tool.tractest]\n");
    assertIncludes(await status(), "pre-push-run is false now");
    await repo.install("pre-push", "--command", "run core");
    repo.writeOne("pyproject.toml", "[tool.tractest]\npre-push-run = true\n");
    assert(!(await status()).includes("pre-push-run"), "what --command chose stays");
    repo.writeOne("pyproject.toml", '[tool.tractest]\npre-push-run = "yes"\n');
    assertEquals((await repo.hooksCommand(["install", "pre-push"])).code, 80);
  },
);

Deno.test(
  "hooks status names a block from another version, and installing again replaces it",
  async () => {
    using repo = await GitRepo.make();
    await repo.install("pre-commit");
    const hook = `${repo.hooks}/pre-commit`;
    const current = Deno.readTextFileSync(hook);
    Deno.writeTextFileSync(
      hook,
      current.replace("# >>> tractest pre-commit 1 ", "# >>> tractest pre-commit 99 "),
    );
    assertIncludes(
      (await repo.hooksCommand(["status"])).stdout,
      "written by another version: tractest hooks install pre-commit",
    );
    assertIncludes((await repo.install("pre-commit")).stdout, "replacing our older lines");
    assertEquals(Deno.readTextFileSync(hook), current);
  },
);

Deno.test(
  "hooks status --json shows for each hook what is installed, what it runs and whether " +
    "that exists",
  async () => {
    using repo = await GitRepo.make();
    await repo.install("pre-push");
    repo.writeOne(".git/hooks/pre-commit", "#!/bin/sh\n", 0o755);
    const { code, stdout } = await repo.hooksCommand(["status", "--json"]);
    assertEquals(code, 0);
    const document = JSON.parse(stdout);
    assertEquals(Object.keys(document)[0], "schema");
    assertEquals([document.schema, document.directory, document.hooksPath], [
      "tractest.hooks/1",
      repo.hooks,
      null,
    ]);
    const [push, commit, checkout] = document.hooks;
    assertEquals({ ...push, detail: null }, {
      hook: "pre-push",
      path: `${repo.hooks}/pre-push`,
      manager: null,
      entry: null,
      version: 1,
      commands: [CLEAN_UP.split(" ")],
      binary: repo.standIn,
      binaryFound: true,
      state: "installed",
      detail: null,
    });
    assertEquals([commit.state, checkout.state], ["not-installed", "not-installed"]);
    assertIncludes(commit.detail, "there is another pre-commit, which would be kept");
    Deno.removeSync(repo.standIn);
    const gone = JSON.parse(
      (await repo.hooksCommand(["status", "pre-push", "--json"], repo.root, {
        PATH: "/usr/bin:/bin",
      })).stdout,
    );
    assertEquals(gone.hooks[0].binaryFound, false);
    Deno.chmodSync(`${repo.hooks}/pre-push`, 0o644);
    assertIncludes((await repo.hooksCommand(["status", "pre-push"])).stdout, "inactive");
  },
);

Deno.test(
  "an installed hook calls the executable that installed it, through the link on PATH " +
    "if there is one",
  async () => {
    using repo = await GitRepo.make();
    const link = `${repo.base}/my bin/tractest`;
    Deno.mkdirSync(`${repo.base}/my bin`);
    Deno.symlinkSync(TRACTEST, link);
    assertEquals((await repo.hooksCommand(["install", "pre-commit"])).code, 0);
    assertIncludes(
      Deno.readTextFileSync(`${repo.hooks}/pre-commit`),
      `tractest_binary=${TRACTEST}\n`,
    );
    // By a relative path, from another directory than the one that it works in.
    const env = { PATH: `${repo.base}/my bin:/usr/bin:/bin` };
    const { code } = await repo.run([
      "./my bin/tractest",
      "-C",
      "repo",
      "hooks",
      "install",
      "pre-commit",
    ], { cwd: repo.base, env });
    assertEquals(code, 0);
    assertIncludes(
      Deno.readTextFileSync(`${repo.hooks}/pre-commit`),
      `tractest_binary='${link}'\n`,
    );
  },
);

const namespaces = new Deno.Command("unshare", {
  args: ["--net", "true"],
  stdin: "null",
  stdout: "null",
  stderr: "null",
});
const noNamespace = !(await namespaces.output().catch(() => ({ success: false }))).success;

Deno.test(
  "a real commit, push and checkout run the built binary, which is silent if all is " +
    "clean" +
    (noNamespace ? " (needs network namespaces)" : ""),
  { ignore: noNamespace },
  async () => {
    using repo = await GitRepo.make();
    await repo.addRemote();
    assertEquals(
      (await repo.hooksCommand([
        "install",
        "pre-push",
        "pre-commit",
        "post-checkout",
        "--binary",
        TRACTEST,
      ])).code,
      0,
    );
    for (
      const args of [["commit", "--allow-empty", "-m", "x"], ["push", "origin", "main"], [
        "checkout",
        "-b",
        "new",
      ]]
    ) {
      // In a network of its own, so that a listener on this machine's registry port is irrelevant.
      const { code, stdout, stderr } = await repo.run([
        "unshare",
        "--net",
        "git",
        args[0]!,
        "--quiet",
        ...args.slice(1),
      ]);
      assertEquals([code, stdout, stderr], [0, "", ""], args.join(" "));
    }
  },
);

Deno.test(
  "hooks refuses unknown words, and exits with 80 outside of a repository",
  async () => {
    using repo = await GitRepo.make();
    const cases: [string[], string][] = [
      [["instal", "pre-push"], 'There is no "hooks instal"'],
      [["install"], "Which hook?"],
      [["install", "pre-pull"], "pre-push"],
      [["install", "pre-push", "--binary", "nowhere"], "is no executable file"],
      [["install", "pre-push", "--print", "make"], "lefthook"],
      [["status", "--command", "zombies"], "tractest hooks install"],
    ];
    for (const [args, part] of cases) {
      const { code, stderr } = await repo.hooksCommand(args);
      assertEquals(code, 64, args.join(" "));
      assertIncludes(stderr, part);
    }
    const outside = await repo.hooksCommand(["status"], repo.base);
    assertEquals(outside.code, 80);
    assertIncludes(outside.stderr, "not a git repository");
    const inside = await repo.hooksCommand(["status"], `${repo.root}/.git`);
    assertEquals(inside.code, 80);
    assertIncludes(inside.stderr, "is in no work tree of git");
  },
);
