import { declaresTractor, isTractorInstalled, profileOf } from "../../lib/project/rules_profile.ts";
import { assertEquals } from "../assert.ts";

/** Files that declare tractor, and files that only mention it. */
const DECLARING: readonly (readonly [string, string])[] = [
  ["pyproject.toml", '[project]\ndependencies = ["trio", "tractor[dev]>=0.1"]\n'],
  ["pyproject.toml", '[project]\ndependencies = ["tractor @ git+https://example.org/t.git"]\n'],
  ["pyproject.toml", '[project.optional-dependencies]\nactors = ["Tractor"]\n'],
  ["pyproject.toml", '[dependency-groups]\ndev = ["pytest", "tractor==0.1.0a5"]\n'],
  ["pyproject.toml", '[tool.poetry.dependencies]\ntractor = "^0.1"\n'],
  ["pyproject.toml", '[tool.poetry.group.dev.dependencies]\ntractor = "*"\n'],
  ["pyproject.toml", '[tool.uv]\ndev-dependencies = ["tractor"]\n'],
  ["setup.cfg", "[options]\ninstall_requires =\n  trio\n  tractor>=0.1\n"],
  ["setup.cfg", "[options.extras_require]\nactors = trio; tractor\n"],
  ["setup.py", "setup(install_requires=['trio', 'tractor >= 0.1'])\n"],
  ["requirements.txt", "trio\ntractor==0.1.0a5  # pinned\n"],
  ["requirements-dev.txt", "-e git+https://github.com/goodboy/tractor.git@main#egg=tractor\n"],
  ["requirements.txt", "git+https://github.com/goodboy/tractor.git@main\n"],
  ["requirements.in", "-e ../tractor\n"],
];
const MENTIONING: readonly (readonly [string, string])[] = [
  ["pyproject.toml", '[project]\nname = "tractor-parts"\ndependencies = ["tractors", "trio"]\n'],
  ["pyproject.toml", '[project]\ndescription = "unlike tractor"\ndependencies = ["detractor"]\n'],
  ["pyproject.toml", '[build-system]\nrequires = ["tractor"]\n'],
  ["pyproject.toml", "tractor = [broken"],
  ["setup.cfg", "[metadata]\nname = tractor-parts\n[options]\ninstall_requires = tractor-parts\n"],
  ["setup.py", "setup(name='tractor-parts', description='not tractor')\n"],
  ["requirements.txt", "# tractor\ntractor-parts\ntractor_parts\nhttps://example.org/tractor\n"],
];

Deno.test("tractor is declared where some tool takes it as a dependency", () => {
  for (const [name, text] of DECLARING) {
    assertEquals([name, text, declaresTractor(name, text)], [name, text, true]);
  }
  for (const [name, text] of MENTIONING) {
    assertEquals([name, text, declaresTractor(name, text)], [name, text, false]);
  }
});

Deno.test("tractor is installed as a package, or editable by its metadata", () => {
  for (
    const name of ["tractor", "tractor-0.1.0a6.dev0.dist-info", "tractor.egg-link"]
  ) assertEquals([name, isTractorInstalled(["trio", name])], [name, true]);
  const others = ["tractors", "tractor_parts", "tractor_parts-1.dist-info", "detractor"];
  assertEquals(isTractorInstalled(others), false);
});

Deno.test("any one sign makes it tractor's profile, none the plain one", () => {
  const none = { name: "app", hasSource: false, isDeclared: false, isInstalled: false };
  assertEquals(profileOf(none), "plain");
  assertEquals(profileOf({ ...none, name: null }), "plain");
  const signs = [
    { name: "tractor" },
    { hasSource: true },
    { isDeclared: true },
    { isInstalled: true },
  ];
  for (const sign of signs) assertEquals(profileOf({ ...none, ...sign }), "tractor");
});
