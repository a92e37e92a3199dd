import { pluginModules } from "../../lib/affected/plugin_modules.ts";
import { assertEquals } from "../assert.ts";

const modules = (addopts: string, files: Readonly<Record<string, string>> = {}) =>
  pluginModules(addopts, new Map(Object.entries(files)));

Deno.test("pluginModules() reads the modules of -p, and none of -p no:NAME", () => {
  assertEquals(modules("-q -p app.plug -papp.other '-p' third -p no:cacheprovider --pdb"), [
    "app.plug",
    "app.other",
    "third",
  ]);
  assertEquals(modules("-p"), []);
});

Deno.test("pluginModules() reads the plugins that a project installs itself", () => {
  const files: Readonly<Record<string, string>>[] = [
    { "pyproject.toml": '[project.entry-points.pytest11]\nmine = "app.plug:hooks"\n' },
    { "pyproject.toml": '[project.entry-points]\npytest11 = {mine = "app.plug"}\n' },
    { "pyproject.toml": '[tool.poetry.plugins."pytest11"]\nmine = "app.plug"\n' },
    { "setup.cfg": "[options.entry_points]\npytest11 =\n    mine = app.plug\n" },
    { "setup.py": "setup(entry_points={'pytest11': ['mine = app.plug']})\n" },
    { "setup.py": "setup(entry_points=dict(pytest11='mine = app.plug:hooks'))\n" },
  ];
  for (const each of files) assertEquals(modules("", each), ["app.plug"], JSON.stringify(each));
  assertEquals(modules("-p mine", files[0]), ["app.plug"]);
  assertEquals(modules("-p mine", { "pyproject.toml": "pytest11 = [" }), ["mine"]);
});
