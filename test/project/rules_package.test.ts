import { packageCandidates, type PackagingFiles } from "../../lib/project/rules_package.ts";
import { assert, assertEquals } from "../assert.ts";

const none = { pyproject: null, setupConfig: null, setupScript: null };
const first = (files: Partial<PackagingFiles>) => {
  const [candidate] = packageCandidates({ ...none, ...files });
  return candidate ? `${candidate.importName} ${candidate.paths[0]}` : null;
};

Deno.test("the package is where the build backend is configured to find it", () => {
  for (
    const [pyproject, wanted] of [
      ['[project]\nname = "My-App"\n', "My_App src/My_App"],
      ['[tool.hatch.build.targets.wheel]\npackages = ["python/app"]\n', "app python/app"],
      [
        '[tool.poetry]\nname = "x"\npackages = [{ include = "app", from = "lib" }]\n',
        "app lib/app",
      ],
      ['[tool.poetry]\nname = "poet-ry"\n', "poet_ry src/poet_ry"],
      ['[tool.flit.module]\nname = "app"\n', "app src/app"],
      ['[tool.uv.build-backend]\nmodule-name = "app"\nmodule-root = ""\n', "app src/app"],
      ['[tool.uv.build-backend]\nmodule-name = "app"\nmodule-root = "code"\n', "app code/app"],
      ['[tool.setuptools]\npy-modules = ["six"]\n', "six src/six"],
      ['[tool.setuptools.packages.find]\nwhere = ["code/"]\n[project]\nname="a"\n', "a code/a"],
      ['[tool.setuptools.package-dir]\n"" = "./lib"\n[project]\nname = "a"\n', "a lib/a"],
    ] as const
  ) assertEquals(first({ pyproject }), wanted, pyproject);
});

Deno.test("setup.cfg and setup.py are read for what they spell out", () => {
  const config = "[metadata]\nname = old-app\n[options]\npackages = find:\npackage_dir =\n" +
    "    = code\n";
  assertEquals(first({ setupConfig: config }), "old_app code/old_app");
  assertEquals(
    first({ setupConfig: "[options]\npackages =\n    app\n    app.sub\n" }),
    "app src/app",
  );
  const script = "from setuptools import setup\nsetup(name='App', package_dir={'': 'lib'},\n" +
    "      packages=['app', 'app.sub'])\n";
  assertEquals(first({ setupScript: script }), "app lib/app");
  assertEquals(first({ setupScript: "setup(name=NAME)" }), null);
});

Deno.test("a project's name stands for several import names", () => {
  const names = (name: string) =>
    packageCandidates({ ...none, pyproject: `[project]\nname = "${name}"\n` })
      .map(({ importName }) => importName);
  assertEquals(names("zope.interface"), ["zope_interface", "zope.interface"]);
  assertEquals(names("Python-App"), ["Python_App", "python_app", "app"]);
});

Deno.test("what can't be parsed names no package", () => {
  assert(first({ pyproject: "[project\n" }) === null);
  assert(first({ pyproject: 'tool = 1\nproject = "x"\n' }) === null);
});
