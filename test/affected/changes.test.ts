import { becauseOf } from "../../lib/affected/because_line.ts";
import { affectedIn } from "../../lib/affected/gather.ts";
import { type ChangeKind, changesSince } from "../../lib/affected/changes.ts";
import { findProject } from "../../lib/project/project.ts";
import { PreflightError, ToolMissingError, UsageError } from "../../lib/errors.ts";
import { assert, assertEquals, assertIncludes, assertRejects } from "../assert.ts";
import { fakeHost } from "../fake_host.ts";
import { GitRepository } from "../git_repository.ts";
import { HostAt } from "../host_at.ts";

const PYPROJECT = '[project]\nname = "tractor"\n[tool.pytest.ini_options]\ntestpaths = ["tests"]\n';
const FILES = {
  "pyproject.toml": PYPROJECT,
  "tractor/__init__.py": "",
  "tractor/ipc/_chan.py": "a = 1\n",
  "tractor/to_asyncio.py": "",
  "tests/test_2way.py": "",
  "tests/ipc/test_server.py": "",
  "tests/test_local.py": "",
};

/** The files of a checkout of tractor in small, committed on `main`. */
async function checkout(...init: string[]): Promise<GitRepository> {
  const repository = await GitRepository.make(...init);
  await repository.write(FILES).commit("first");
  return repository;
}

async function changes(
  repository: GitRepository,
  kind: ChangeKind = "branch",
  base?: string,
  root = repository.root,
) {
  const host = new HostAt(root, { HOME: repository.base });
  const set = await changesSince(host, await findProject(host), { kind, base });
  return {
    ...set,
    listed: set.changes.map(({ path, status, where }) => `${path} ${status} ${where}`),
  };
}

Deno.test("changesSince() lists committed, staged, unstaged and untracked files once", async () => {
  using repository = await checkout();
  await repository.git("checkout", "--quiet", "-b", "topic");
  await repository.write({ "tractor/ipc/_chan.py": "a = 2\n", "tests/test_new.py": "" }).commit(
    "on the branch",
  );
  repository.write({ "tractor/to_asyncio.py": "x = 1\n" });
  await repository.git("add", "tractor/to_asyncio.py");
  repository.write({
    "tests/test_local.py": "x = 1\n",
    "notes.txt": "n",
    ".gitignore": "ignored\n",
    "ignored": "i",
    "tests/__pycache__/test_new.cpython-311.pyc": "",
    "tractest-report.html": "",
    "tractest-bundle-20261128-110736.tar.gz": "",
  });
  const { listed, base, notes } = await changes(repository);
  assertEquals(listed, [
    ".gitignore added untracked",
    "notes.txt added untracked",
    "tests/test_local.py modified unstaged",
    "tests/test_new.py added committed",
    "tractor/ipc/_chan.py modified committed",
    "tractor/to_asyncio.py modified staged",
  ]);
  assertEquals([base, notes], [
    { name: "main", commit: await repository.git("rev-parse", "main") },
    [],
  ]);
  assertEquals((await changes(repository, "staged")).listed, [
    "tractor/to_asyncio.py modified staged",
  ]);
  assertEquals((await changes(repository, "uncommitted")).listed.length, 4);
});

Deno.test(
  "changesSince() compares with the merge base, not with newer " +
    "commits of main",
  async () => {
    using repository = await checkout();
    await repository.git("checkout", "--quiet", "-b", "topic");
    await repository.write({ "tests/test_mine.py": "" }).commit();
    await repository.git("checkout", "--quiet", "main");
    await repository.write({ "tests/test_theirs.py": "" }).commit();
    await repository.git("checkout", "--quiet", "topic");
    assertEquals((await changes(repository)).listed, ["tests/test_mine.py added committed"]);
    assertEquals((await changes(repository, "branch", "main")).listed, [
      "tests/test_mine.py added committed",
    ]);
    assertEquals((await changes(repository, "branch", "HEAD")).listed, []);
  },
);

Deno.test("changesSince() prefers the main branch of the repo that a fork came from", async () => {
  using repository = await checkout();
  const first = await repository.git("rev-parse", "HEAD");
  await repository.git("update-ref", "refs/remotes/origin/master", first);
  await repository.write({ "tests/test_unpushed.py": "" }).commit();
  assertEquals((await changes(repository)).base?.name, "origin/master");
  assertEquals((await changes(repository)).listed, ["tests/test_unpushed.py added committed"]);
  await repository.git("update-ref", "refs/remotes/upstream/main", "HEAD");
  assertEquals((await changes(repository)).base?.name, "upstream/main");
  assertEquals((await changes(repository)).listed, []);
});

Deno.test("changesSince() shows a rename as a deleted and an added file", async () => {
  using repository = await checkout();
  await repository.git("mv", "tractor/to_asyncio.py", "tractor/asyncio.py");
  assertEquals((await changes(repository)).listed, [
    "tractor/asyncio.py added staged",
    "tractor/to_asyncio.py deleted staged",
  ]);
});

Deno.test("changesSince() leaves out a file that was only touched", async () => {
  using repository = await checkout();
  await Deno.utime(`${repository.root}/tests/test_2way.py`, 1, 1);
  await Deno.utime(`${repository.root}/tractor/ipc/_chan.py`, 1, 1);
  assertEquals((await changes(repository)).listed, []);
  repository.write({ "tractor/ipc/_chan.py": "a = 3\n" });
  await Deno.utime(`${repository.root}/tractor/ipc/_chan.py`, 1, 1);
  assertEquals((await changes(repository)).listed, ["tractor/ipc/_chan.py modified unstaged"]);
  await Deno.remove(`${repository.root}/tests/test_2way.py`);
  assertEquals((await changes(repository)).listed[0], "tests/test_2way.py deleted unstaged");
});

Deno.test("changesSince() reads repositories with SHA-256 ids too", async () => {
  using repository = await checkout("--object-format=sha256");
  await Deno.utime(`${repository.root}/tests/test_2way.py`, 1, 1);
  repository.write({ "tests/test_local.py": "x" });
  assertEquals((await changes(repository)).listed, ["tests/test_local.py modified unstaged"]);
});

Deno.test(
  "fault 45: changesSince() keeps the index, the hooks and git's " +
    "variables out",
  async () => {
    using repository = await checkout();
    const trap = `${repository.base}/trap`;
    Deno.writeTextFileSync(trap, `#!/bin/sh\necho "$0 $*" >>'${repository.base}/ran'\n`, {
      mode: 0o755,
    });
    for (
      const key of [
        "core.fsmonitor",
        "diff.external",
        "core.pager",
        "diff.trap.textconv",
        "diff.trap.command",
        "filter.trap.clean",
        "filter.trap.process",
        "filter.a=b.clean",
      ]
    ) {
      await repository.git("config", key, trap);
    }
    const ran = () =>
      [...Deno.readDirSync(repository.base)].some((entry) => entry.name === "ran")
        ? Deno.readTextFileSync(`${repository.base}/ran`)
        : "";
    await repository.git("config", "filter.trap.required", "true");
    await repository.git("config", "core.hooksPath", repository.base);
    Deno.copyFileSync(trap, `${repository.base}/post-index-change`);
    repository.write({
      ".git/info/attributes": "*.py diff=trap filter=trap\n",
      "tests/test_local.py": "x = 1\n",
      "new.py": "",
    });
    await Deno.utime(`${repository.root}/tests/test_2way.py`, 1, 1);
    const before = repository.index();
    assertEquals((await changes(repository)).listed, [
      "new.py added untracked",
      "tests/test_local.py modified unstaged",
    ]);
    await changes(repository, "staged");
    assertEquals(repository.index(), before);
    assertEquals(ran(), "");

    const variables = {
      GIT_DIR: "/nowhere",
      GIT_INDEX_FILE: "/nowhere/index",
      GIT_WORK_TREE: "/nowhere",
      GIT_EXTERNAL_DIFF: trap,
    };
    const old = Object.keys(variables).map((name) => [name, Deno.env.get(name)] as const);
    try {
      for (const [name, value] of Object.entries(variables)) Deno.env.set(name, value);
      assertEquals((await changes(repository)).listed.length, 2);
    } finally {
      for (const [name, value] of old) {
        value === undefined ? Deno.env.delete(name) : Deno.env.set(name, value);
      }
    }
  },
);

Deno.test("changesSince() keeps the index of a linked worktree on a detached head", async () => {
  using repository = await checkout();
  const worktree = `${repository.base}/it's a worktree`;
  await repository.git("worktree", "add", "--quiet", "--detach", worktree, "main");
  repository.write({ "tractor/ipc/_chan.py": "a = 9\n" }, worktree);
  const own = await repository.git("-C", worktree, "rev-parse", "--absolute-git-dir");
  const before = repository.index(own);
  assertEquals((await changes(repository, "branch", undefined, worktree)).listed, [
    "tractor/ipc/_chan.py modified unstaged",
  ]);
  assertEquals(repository.index(own), before);
  assertEquals((await changes(repository)).listed, []);
});

Deno.test("changesSince() leaves out files outside a project below git's top level", async () => {
  using repository = await GitRepository.make();
  const below = Object.fromEntries(
    Object.entries(FILES).map(([path, content]) => [`apps/one/${path}`, content]),
  );
  await repository.write({ ...below, "apps/two/x.py": "" }).commit();
  repository.write({
    "apps/one/tests/test_local.py": "1",
    "apps/one/new.py": "",
    "apps/two/x.py": "1",
    "other.py": "",
  });
  const root = `${repository.root}/apps/one`;
  const { listed, notes } = await changes(repository, "branch", undefined, root);
  assertEquals(listed, [
    "new.py added untracked",
    "tests/test_local.py modified unstaged",
  ]);
  assertEquals(notes, ["not included, since outside of this project: apps/two/x.py"]);
});

Deno.test("changesSince() reads paths with spaces, newlines, quotes and any letters", async () => {
  using repository = await checkout();
  const names = [
    "tests/test_ünï.py",
    "tests/a b.py",
    "tests/new\nline.py",
    'tests/"q".py',
    "tests/tab\t.py",
  ];
  repository.write(Object.fromEntries(names.map((name) => [name, ""])));
  assertEquals((await changes(repository)).changes.map((change) => change.path), [...names].sort());
  await repository.git("add", "--all");
  assertEquals((await changes(repository)).changes.map((change) => change.path), [...names].sort());
});

Deno.test("changesSince() notes a missing commit, main branch or common ancestor", async () => {
  using repository = await GitRepository.make();
  repository.write(FILES);
  await repository.git("add", "pyproject.toml");
  const unborn = await changes(repository);
  assertEquals(unborn.listed.filter((line) => line.endsWith(" staged")), [
    "pyproject.toml added staged",
  ]);
  assertEquals(unborn.changes.length, Object.keys(FILES).length);
  assertIncludes(unborn.notes[0]!, "no commit yet");

  await repository.commit();
  await repository.git("branch", "--quiet", "-m", "trunk");
  const trunk = await changes(repository);
  assertEquals([trunk.base, trunk.listed], [null, []]);
  assertIncludes(trunk.notes[0]!, "no main branch was found; only uncommitted changes");
  assertEquals([unborn.unknown, trunk.unknown], [null, "no main branch was found"]);

  await repository.git("checkout", "--quiet", "--orphan", "main");
  await repository.commit("another root");
  await repository.git("checkout", "--quiet", "trunk");
  assertIncludes(
    (await changes(repository)).notes[0]!,
    "no common ancestor with main; only uncommitted",
  );
  const named = await changes(repository, "branch", "main");
  assertIncludes(named.notes[0]!, "compared with main itself");
  assertEquals(named.listed, []);
});

Deno.test("changesSince() refuses a base that is no commit, such as an option", async () => {
  using repository = await checkout();
  for (const base of ["nope", "--help", "-h", "HEAD:pyproject.toml", ""]) {
    const error = await assertRejects(() => changes(repository, "branch", base), UsageError);
    assertEquals(error.exitCode, 64);
  }
});

Deno.test("changesSince() fails outside of a repository with git's words, code 80", async () => {
  using repository = await GitRepository.make();
  const outside = `${repository.base}/outside`;
  repository.write(FILES, outside);
  const error = await assertRejects(
    () => changes(repository, "branch", undefined, outside),
    PreflightError,
  );
  assertIncludes(error.message, "not a git repository");
  assertEquals(error.exitCode, 80);
});

Deno.test("fault 37: changesSince() names a missing git and its package, code 69", async () => {
  const nothing = new Uint8Array();
  const host = fakeHost({
    run: () =>
      Promise.resolve({ outcome: "missing" as const, code: -1, stdout: nothing, stderr: nothing }),
  });
  const project = { root: "/repo" } as Parameters<typeof changesSince>[1];
  const error = await assertRejects(
    () => changesSince(host, project, { kind: "branch" }),
    ToolMissingError,
  );
  assertEquals([error.exitCode, error.program], [69, "git"]);
});

Deno.test("fault 39: changesSince() reports that a hanging git timed out", async () => {
  const nothing = new Uint8Array();
  const host = fakeHost({
    run: () =>
      Promise.resolve({
        outcome: "timed-out" as const,
        code: -1,
        stdout: nothing,
        stderr: nothing,
      }),
  });
  const project = { root: "/repo" } as Parameters<typeof changesSince>[1];
  const error = await assertRejects(
    () => changesSince(host, project, { kind: "branch" }),
    PreflightError,
  );
  assertIncludes(error.message, "did not answer within 60 s");
});

Deno.test("changesSince() notes that a shallow clone lacks the main branch", async () => {
  using repository = await checkout();
  await repository.git("checkout", "--quiet", "-b", "topic");
  for (const name of ["a", "b"]) {
    await repository.write({ [`tests/test_${name}.py`]: "" }).commit(name);
  }
  await repository.git("checkout", "--quiet", "main");
  await repository.write({ "tests/test_theirs.py": "" }).commit();
  const clone = `${repository.base}/clone`;
  await repository.git(
    "clone",
    "--quiet",
    "--depth=1",
    "--no-single-branch",
    "--branch=topic",
    `file://${repository.root}`,
    clone,
  );
  repository.write({ "tests/test_2way.py": "x = 1\n" }, clone);
  const { listed, notes } = await changes(repository, "branch", undefined, clone);
  assertEquals(listed, ["tests/test_2way.py modified unstaged"]);
  assertIncludes(
    notes[0]!,
    "this shallow clone does not reach back to where the branch left origin/HEAD " +
      "(git fetch --unshallow); only uncommitted",
  );
  const all = `${repository.base}/all`;
  await repository.git("clone", "--quiet", "--branch=topic", `file://${repository.root}`, all);
  assertEquals((await changes(repository, "branch", undefined, all)).listed.length, 2);
});

Deno.test("changesSince() on a detached head compares with the main branch", async () => {
  using repository = await checkout();
  await repository.git("checkout", "--quiet", "--detach");
  await repository.write({ "tractor/to_asyncio.py": "x = 1\n" }).commit("detached");
  const { listed, base } = await changes(repository);
  assertEquals([listed, base?.name], [["tractor/to_asyncio.py modified committed"], "main"]);
});

Deno.test("changesSince() marks the commit of a submodule, and works in a submodule", async () => {
  using library = await GitRepository.make();
  await library.write(FILES).commit("library");
  using repository = await checkout();
  await repository.git(
    "-c",
    "protocol.file.allow=always",
    "submodule",
    "--quiet",
    "add",
    `file://${library.root}`,
    "vendor/tractor",
  );
  await repository.commit("with a submodule");
  await repository.git("checkout", "--quiet", "-b", "topic");
  const inside = `${repository.root}/vendor/tractor`;
  await repository.git("-C", inside, "config", "user.name", "A");
  await repository.git("-C", inside, "config", "user.email", "a@example.org");
  repository.write({ "tractor/to_asyncio.py": "y = 1\n" }, inside);
  // Uncommitted changes inside a submodule don't count.
  const dirty = await changes(repository);
  assertEquals([dirty.listed, dirty.notes], [[], [
    "uncommitted changes inside submodules are not included",
  ]]);
  assertEquals((await changes(repository, "uncommitted", undefined, inside)).listed, [
    "tractor/to_asyncio.py modified unstaged",
  ]);
  await repository.git("-C", inside, "commit", "--quiet", "-am", "moved on");
  const moved = await changes(repository);
  assertEquals(moved.changes, [{
    path: "vendor/tractor",
    status: "modified",
    where: "unstaged",
    submodule: true,
  }]);
  const host = new HostAt(repository.root, { HOME: repository.base });
  const affected = await affectedIn(host, await findProject(host), moved.changes);
  assertEquals(affected.targets.map(becauseOf), [
    "vendor/tractor: everything: a submodule: anything may use its content",
  ]);
});

Deno.test("affectedIn() finds the importers of a deleted and of a renamed module", async () => {
  using repository = await checkout();
  repository.write({
    "tractor/log.py": "",
    "tractor/old.py": "",
    "tests/test_log.py": "from tractor.log import x\n",
    "tests/test_old.py": "from tractor import old\n",
    "tests/test_new.py": "from tractor import new\n",
    "py313/lib/tests/test_venv.py": "from tractor import old, log\n",
    ".gitignore": "py313\n",
  });
  await repository.commit();
  await repository.git("rm", "--quiet", "tractor/log.py");
  await repository.git("mv", "tractor/old.py", "tractor/new.py");
  const host = new HostAt(repository.root, { HOME: repository.base });
  const project = await findProject(host);
  const set = await changesSince(host, project, { kind: "branch" });
  const { targets } = await affectedIn(host, project, set.changes);
  assertEquals(targets.map((target) => becauseOf(target)), [
    "tractor/log.py → tests/test_log.py: imported directly",
    "tractor/new.py → tests/test_new.py: imported directly",
    "tractor/old.py → tests/test_old.py: imported directly",
  ]);
});

Deno.test("affectedIn() reads pytest's plugins and paths, and files that are no text", async () => {
  using repository = await checkout();
  repository.write({
    "pyproject.toml":
      `${PYPROJECT}addopts = ["-p", "tractor.plug", "-p", "no:cacheprovider"]\npythonpath ` +
      `= ["lib"]\n`,
    "tractor/plug.py": "from . import _inner\n",
    "tractor/_inner.py": "",
    "lib/extra.py": "",
    "tests/test_extra.py": "import extra\n",
  });
  Deno.writeFileSync(
    `${repository.root}/tests/test_bytes.py`,
    new Uint8Array([0xff, 0xfe, 0, 0x27, 0x80]),
  );
  await repository.commit();
  repository.write({ "tractor/_inner.py": "x = 1\n", "lib/extra.py": "x = 1\n" });
  const host = new HostAt(repository.root, { HOME: repository.base });
  const project = await findProject(host);
  const { changes } = await changesSince(host, project, { kind: "uncommitted" });
  assertEquals((await affectedIn(host, project, changes)).targets.map(becauseOf), [
    "lib/extra.py → tests/test_extra.py: imported directly",
    "tractor/_inner.py → tractor/plug.py: everything: a plugin that pytest loads before every test",
  ]);
});

Deno.test("affectedIn() follows symlinks to directories of tests and packages", async () => {
  using repository = await GitRepository.make();
  repository.write({
    "pytest.ini": "[pytest]\n",
    "vendor/space/x.py": "",
    "suite/unit/test_a.py": "import app.x\n",
  });
  Deno.symlinkSync("vendor/space", `${repository.root}/app`);
  Deno.symlinkSync("suite", `${repository.root}/tests`);
  Deno.symlinkSync("..", `${repository.root}/suite/above`);
  await repository.commit();
  const host = new HostAt(repository.root, { HOME: repository.base });
  for (const path of ["vendor/space/x.py", "suite/unit/test_a.py"]) {
    const change = { path, status: "modified", where: "unstaged" } as const;
    const { targets, unmapped } = await affectedIn(host, await findProject(host), [change]);
    assertEquals(targets.map(({ target }) => target), ["tests/unit/test_a.py"], path);
    assertEquals(unmapped, []);
  }
});

Deno.test("affectedIn() combines changes, package, tests and change map", async () => {
  using repository = await checkout();
  repository.write({ "tractor/ipc/_chan.py": "a = 5\n" });
  const host = new HostAt(repository.root, { HOME: repository.base });
  const project = await findProject(host);
  const { changes } = await changesSince(host, project, { kind: "uncommitted" });
  const affected = await affectedIn(host, project, changes);
  assertEquals(affected.targets.map((target) => target.target), [
    "tests/ipc/",
    "tests/test_2way.py",
  ]);
  assert(host.notices.every((notice) => notice.argv.includes("core.fsmonitor=false")));
});

Deno.test("affectedIn() finds imports by git, whatever its configuration", async () => {
  using repository = await checkout();
  const importing = "from tractor import log\n";
  repository.write({
    "tractor/log.py": "",
    "tests/test_plain.py": importing,
    "tests/test_attribute.py": "import tractor\n\ndef test():\n    tractor.log.x()\n",
    "tests/test_list.py": "from tractor import (\n    log,\n)\n",
    "tests/test_none.py": "import tractor\n",
    "tests/test_assumed.py": "",
    "tests/new\nline/test_path.py": importing,
    "shared/real.py": importing,
    ".gitignore": "test_ignored.py\n",
    ".gitattributes": "*.py -diff\n",
  });
  Deno.writeFileSync(
    `${repository.root}/tests/test_bytes.py`,
    new TextEncoder().encode(`x = '\0'\n${importing}`),
  );
  Deno.symlinkSync("../shared/real.py", `${repository.root}/tests/test_link.py`);
  await repository.commit();
  await repository.git("update-index", "--assume-unchanged", "tests/test_assumed.py");
  repository.write({
    "tractor/log.py": "x = 1\n",
    "tests/test_assumed.py": importing,
    "tests/test_ignored.py": importing,
  });
  for (const key of ["grep.lineNumber", "grep.column", "grep.fullName"]) {
    await repository.git("config", key, "true");
  }
  await repository.git("config", "color.ui", "always");
  await repository.git("config", "grep.patternType", "fixed");
  const host = new HostAt(repository.root, { HOME: repository.base });
  const project = await findProject(host);
  const read: string[] = [];
  const readTextSync = host.files.readTextSync.bind(host);
  host.files.readTextSync = (path) => {
    read.push(path.slice(repository.root.length + 1));
    return readTextSync(path);
  };
  const { changes } = await changesSince(host, project, { kind: "uncommitted" });
  const { targets } = await affectedIn(host, project, changes);
  assertEquals(targets.flatMap(({ target, files = [target] }) => files), [
    "tests/new\nline/test_path.py",
    "tests/test_assumed.py",
    "tests/test_attribute.py",
    "tests/test_bytes.py",
    "tests/test_ignored.py",
    "tests/test_link.py",
    "tests/test_list.py",
    "tests/test_plain.py",
  ]);
  assert(host.notices.some(({ argv }) => argv.includes("grep")));
  assert(!read.includes("tests/test_none.py"), "a file that imports nothing of interest was read");
});
