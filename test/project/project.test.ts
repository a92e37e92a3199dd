import { packageOf } from "../../lib/project/package.ts";
import { findProject, findRoot } from "../../lib/project/project.ts";
import { targetsOf, testTree } from "../../lib/project/targets.ts";
import { testPathsOf } from "../../lib/project/test_paths.ts";
import { PreflightError, UsageError } from "../../lib/errors.ts";
import { assert, assertEquals, assertIncludes, assertRejects } from "../assert.ts";
import { HostAt } from "../host_at.ts";

/** Files in a temporary directory, removed at the end. */
class Files {
  readonly base: string = Deno.realPathSync(Deno.makeTempDirSync({ prefix: "tractest-project-" }));
  readonly root: string = `${this.base}/repo`;
  constructor(files: Readonly<Record<string, string>>) {
    for (const [path, content] of Object.entries(files)) {
      const whole = `${this.root}/${path}`;
      Deno.mkdirSync(whole.slice(0, whole.lastIndexOf("/")), { recursive: true });
      Deno.writeTextFileSync(whole, content);
    }
  }
  [Symbol.dispose](): void {
    Deno.removeSync(this.base, { recursive: true });
  }
  at(directory = ""): HostAt {
    return new HostAt(`${this.root}${directory && `/${directory}`}`);
  }
}

const PYTEST = "[tool.pytest.ini_options]\n";

Deno.test("findRoot() needs a pytest configuration or [tool.tractest]", async () => {
  using files = new Files({
    "pyproject.toml": `${PYTEST}testpaths = ["checks"]\ncache_dir = "var/cache"\n`,
    "checks/deep/pyproject.toml": '[project]\nname = "x"\n',
    "apps/one/pyproject.toml": '[project]\nname = "one"\n[tool.tractest]\n',
    "apps/two/tox.ini": "[pytest]\n",
  });
  const roots = await Promise.all(
    ["", "checks/deep", "apps", "apps/one", "apps/two"].map(async (place) =>
      (await findRoot(files.at(place))).root
    ),
  );
  assertEquals(roots.map((root) => root.slice(files.root.length)), [
    "",
    "",
    "",
    "/apps/one",
    "/apps/two",
  ]);
  const project = await findRoot(files.at());
  assertEquals([project.cacheDirectory, project.name], [`${files.root}/var/cache`, null]);
  const one = await findProject(files.at("apps/one"));
  assertEquals([one.name, one.rootdir, one.cacheDirectory], [
    "one",
    files.root,
    `${files.root}/var/cache`,
  ]);
  assertEquals([one.pytest!.file, one.pytest!.testPaths], ["../../pyproject.toml", []]);
});

Deno.test("findRoot() resolves symlinks, and reads a directory that can't be listed", async () => {
  using files = new Files({ "pyproject.toml": PYTEST, "tests/test_a.py": "" });
  Deno.symlinkSync(files.root, `${files.base}/link`);
  assertEquals((await findRoot(new HostAt(`${files.base}/link/tests`))).root, files.root);
  const blind = files.at("tests");
  blind.files.readDirectory = () => Promise.reject(new Error("Permission denied"));
  assertEquals((await findRoot(blind)).root, files.root);
});

Deno.test("findRoot() takes project files, then git's top level, then tests", async () => {
  const rootOf = async (place: string, entries: Readonly<Record<string, string>>, home = "") => {
    using files = new Files(entries);
    const host = new HostAt(`${files.root}/${place}`, { HOME: `${files.root}${home}` });
    const { root, rootdir } = await findRoot(host);
    return [root, rootdir].map((path) => path.slice(files.base.length)).join(" ");
  };
  const here = { "a/b/c/x.py": "" };
  for (const name of ["pyproject.toml", "setup.py", "setup.cfg", "tox.ini"]) {
    assertEquals(await rootOf("a/b", { ...here, [`a/${name}`]: "" }), "/repo/a /repo/a", name);
  }
  const git = { ...here, "a/.git/HEAD": "" };
  assertEquals(await rootOf("a/b/c", git), "/repo/a /repo/a");
  assertEquals(
    await rootOf("a/b/c", { ...here, "a/.git": "gitdir: /r/.git/worktrees/a" }),
    "/repo/a /repo/a",
  );
  assertEquals(
    await rootOf("a/b/c", { ...git, "pytest.ini": "" }),
    "/repo/a /repo",
    "what is above the repository is no project, but pytest's configuration",
  );
  assertEquals(
    await rootOf("a/b", { ...here, "pyproject.toml": "", "a/setup.cfg": "" }),
    "/repo/a /repo",
    "a pyproject.toml is pytest's rootdir before any other",
  );
  for (const test of ["test_x.py", "tests/deep/x_test.py", "test/test_x.py"]) {
    assertEquals(await rootOf("a/b/c", { [`a/b/c/${test}`]: "" }), "/repo/a/b/c /repo/a/b/c");
  }
  assertEquals(
    await rootOf("a", { "a/app/__init__.py": "", "a/app/sub/test_x.py": "" }),
    "/repo/a /repo/a",
  );
  for (
    const files of [here, { "a/b/c/other/setup.py": "", "a/b/c/other/test_x.py": "" }, {
      "a/b/c/tests/pyvenv.cfg": "",
    }] as Record<
      string,
      string
    >[]
  ) {
    const error = await assertRejects(() => rootOf("a/b/c", files), PreflightError);
    assertEquals([error.exitCode, error.code], [80, "no-project"]);
  }
  await assertRejects(() => rootOf("a", git, "/a"), PreflightError);
});

Deno.test("targetsOf() skips venvs, caches, and what pytest does not enter", async () => {
  using files = new Files({
    "pyproject.toml": PYTEST,
    "tests/test_a.py": "",
    "tests/ipc/test_b.py": "",
    "tests/__pycache__/test_c.py": "",
    "tests/build/test_d.py": "",
    "tests/.hidden/x.txt": "",
    "py313/lib/test_e.py": "",
    ".venv/test_f.py": "",
    "examples/test_g.py": "",
  });
  const project = await findProject(files.at());
  assertEquals((await testTree(files.at(), project)).files, [
    "tests/ipc/test_b.py",
    "tests/test_a.py",
  ]);
  assertEquals((await targetsOf(files.at(), project, ["b"])).targets, ["tests/ipc/test_b.py"]);
  assertEquals((await targetsOf(files.at(), project, ["examples/test_g.py"])).targets, [
    "examples/test_g.py",
  ]);
  assertEquals((await targetsOf(files.at("examples"), project, ["test_g.py"])).targets, [
    "examples/test_g.py",
  ]);
  // Their names find nothing; a path that is there is pytest's to judge.
  for (const word of ["test_e.py", "test_f", "test_d.py", "py313/lib/test_none.py"]) {
    await assertRejects(() => targetsOf(files.at(), project, [word]), UsageError);
  }
  assertEquals((await targetsOf(files.at(), project, ["tests/build/test_d.py"])).targets, [
    "tests/build/test_d.py",
  ]);
});

Deno.test("targetsOf() follows an absolute path through a symlink into the project", async () => {
  using files = new Files({
    "pyproject.toml": PYTEST,
    "tests/ipc/test_b.py": "",
    "tests/msg/test_c.py": "",
  });
  Deno.symlinkSync(files.root, `${files.base}/link`);
  const project = await findProject(files.at());
  const typed = [
    `${files.base}/link/tests/ipc/test_b.py::t[a/b::c]`,
    `${files.base}/link/tests/msg/`,
  ];
  assertEquals((await targetsOf(files.at(), project, typed)).targets, [
    "tests/ipc/test_b.py::t[a/b::c]",
    "tests/msg/",
  ]);
  const error = await assertRejects(() => targetsOf(files.at(), project, [files.base]), UsageError);
  assertIncludes(error.message, "outside the project");
});

Deno.test("targetsOf() knows several testpaths, and names of the configuration", async () => {
  using files = new Files({
    "pyproject.toml": `${PYTEST}testpaths = ["unit", "whole"]\n` +
      `[tool.tractest.targets]\nsmoke = ["test_b.py", "test_a.py::t"]\n`,
    "unit/test_a.py": "",
    "whole/deep/test_b.py": "",
  });
  const project = await findProject(files.at());
  const { targets, scope, notes } = await targetsOf(files.at(), project, []);
  assertEquals({ targets, scope, notes }, {
    targets: ["unit/", "whole/"],
    scope: "full",
    notes: [],
  });
  assertEquals((await targetsOf(files.at(), project, ["smoke"])).targets, [
    "whole/deep/test_b.py",
    "unit/test_a.py::t",
  ]);
});

Deno.test("packageOf() is configured, tractor itself, or named by the project", async () => {
  const find = async (entries: Readonly<Record<string, string>>) => {
    using files = new Files(entries);
    return await packageOf(files.at(), await findProject(files.at()));
  };
  const named = (name: string) => `[project]\nname = "${name}"\n${PYTEST}`;
  assertEquals(await find({ "pyproject.toml": named("tractor"), "tractor/__init__.py": "" }), {
    importName: "tractor",
    directory: "tractor",
  });
  assertEquals(await find({ "pyproject.toml": PYTEST, "tractor/__init__.py": "" }), {
    importName: "tractor",
    directory: "tractor",
  });
  assertEquals(await find({ "pyproject.toml": named("My-App.x"), "src/my_app_x/a.py": "" }), {
    importName: "my_app_x",
    directory: "src/my_app_x",
  });
  assertEquals(await find({ "pyproject.toml": named("sample-actors"), "sample_actors/a.py": "" }), {
    importName: "sample_actors",
    directory: "sample_actors",
  });
  const configured = {
    "pyproject.toml": `${named("app")}[tool.tractest]\npackage = "ns.pkg"\n`,
    "src/ns/pkg/a.py": "",
    "app/a.py": "",
  };
  assertEquals(await find(configured), { importName: "ns.pkg", directory: "src/ns/pkg" });
  assertEquals(await find({ "pyproject.toml": named("app"), "other/a.py": "" }), null);
  assert(await find({ "pyproject.toml": PYTEST }) === null);
});

Deno.test("testPathsOf() reads testpaths as pytest does", async () => {
  const find = async (testpaths: string | null) => {
    using files = new Files({
      "pyproject.toml": `${PYTEST}${testpaths === null ? "" : `testpaths = ${testpaths}\n`}`,
      "a/tests/test_a.py": "",
      "b/deep/tests/test_b.py": "",
      ".hidden/tests/test_c.py": "",
      "my tests/test_d.py": "",
      "single.py": "",
    });
    const { directories, byName } = await testPathsOf(files.at(), await findRoot(files.at()));
    return [directories.join(" | "), byName];
  };
  assertEquals(await find('["a/tests"]'), ["a/tests", true]);
  assertEquals(await find('["a/tests/", "./b"]'), ["a/tests | b", true]);
  assertEquals(await find('["*/tests"]'), ["a/tests", false]);
  assertEquals(await find('["**/tests"]'), ["a/tests | b/deep/tests", false]);
  assertEquals(await find('["[ab]/**/tests"]'), ["a/tests | b/deep/tests", false]);
  assertEquals(await find("\"a/tests 'my tests'\""), ["a/tests | my tests", true]);
  assertEquals(
    await find('["a/tests", "nothere"]'),
    ["a/tests", false],
    "pytest refuses what is named and not there",
  );
  assertEquals(await find('["single.py"]'), [".", false]);
  for (const nothing of ['["nothere"]', '["x*"]', "[]", null]) {
    assertEquals(await find(nothing), [".", false], String(nothing));
  }
});

Deno.test("a directory with its own configuration is no target of the whole suite", async () => {
  const whole = async (more: Readonly<Record<string, string>>, testpaths = '["tests"]') => {
    using files = new Files({
      "pyproject.toml": `${PYTEST}testpaths = ${testpaths}\n`,
      "tests/deep/test_a.py": "",
      "more/test_b.py": "",
      ...more,
    });
    const { targets, scope } = await targetsOf(files.at(), await findProject(files.at()), []);
    assertEquals(scope, "full");
    return targets;
  };
  for (const file of ["tests/pytest.ini", "tests/.pytest.ini", "tests/pytest.toml"]) {
    assertEquals(await whole({ [file]: "[pytest]\n" }), [], file);
  }
  assertEquals(await whole({ "tests/tox.ini": "[pytest]\n" }), []);
  assertEquals(await whole({ "tests/setup.cfg": "[tool:pytest]\n" }), []);
  assertEquals(await whole({ "tests/pyproject.toml": PYTEST }), []);
  assertEquals(
    await whole({ "tests/tox.ini": "[testenv]\n", "tests/pyproject.toml": "[project]\n" }),
    ["tests/"],
  );
  assertEquals(
    await whole({ "tests/deep/pytest.ini": "" }),
    ["tests/"],
    "pytest searches upward only",
  );
  assertEquals(
    await whole({ "tests/pytest.ini": "" }, '["tests", "more"]'),
    ["tests/", "more/"],
    "from what holds all of them",
  );
});

Deno.test("any existing file is a target by its path, even if it is not Python", async () => {
  using files = new Files({
    "pyproject.toml": `${PYTEST}testpaths = ["tests"]\n`,
    "tests/test_a.py": "",
    "tests/a.md": "",
    "tests/specs/one.yaml": "",
    "docs/b.rst": "",
  });
  const project = await findProject(files.at());
  const find = async (word: string, place = "") => {
    const { targets, scope } = await targetsOf(files.at(place), project, [word]);
    return [targets.join(" "), scope];
  };
  assertEquals(await find("tests/a.md"), ["tests/a.md", "file"]);
  assertEquals(await find("a.md", "tests"), ["tests/a.md", "file"]);
  assertEquals(await find("a.md"), ["tests/a.md", "file"]);
  assertEquals(await find("tests/a.md::a.md"), ["tests/a.md::a.md", "file"]);
  assertEquals(await find("tests/specs/one.yaml::group::x [1]"), [
    "tests/specs/one.yaml::group::x [1]",
    "file",
  ]);
  assertEquals(await find("tests/specs"), ["tests/specs/", "many"]);
  assertEquals(await find("docs/"), ["docs/", "many"]);
  assertEquals(await find(`${files.root}/docs/b.rst`), ["docs/b.rst", "file"]);
  for (const word of ["tests/specs::x", "tests/no.md", "b.rst"]) {
    await assertRejects(() => targetsOf(files.at(), project, [word]), UsageError);
  }
});
