import { Random } from "../differential/random.ts";

/** A repository as people lay one out, with the directory in which somebody stands. */
export interface Layout {
  readonly seed: number;
  /** Texts by path, relative to the base; the repository is `top`. */
  readonly files: Readonly<Record<string, string>>;
  /** Where somebody stands. */
  readonly here: string;
  /** Where a venv is: without git there is one in each project. */
  readonly venvs: readonly string[];
}

/** Files that configure pytest, with the lines of a configuration. */
const CONFIGURED: readonly ((random: Random) => readonly [string, string])[] = [
  (random) => ["pytest.ini", ini("pytest", random)],
  (random) => ["pytest.ini", random.chance(0.5) ? "" : ini("pytest", random)],
  (random) => [".pytest.ini", ini("pytest", random)],
  (random) => ["tox.ini", ini("pytest", random)],
  (random) => ["setup.cfg", ini("tool:pytest", random)],
  (random) => ["pyproject.toml", toml("tool.pytest.ini_options", random)],
  (random) => ["pyproject.toml", `[project]\nname = "app"\n${toml("tool.pytest", random)}`],
  (random) => ["pytest.toml", toml("pytest", random)],
];

/** Files of a project that don't. */
const BARE: readonly (readonly [string, string])[] = [
  ["pyproject.toml", '[project]\nname = "app"\nversion = "0"\n'],
  ["pyproject.toml", ""],
  ["pyproject.toml", "[tool.tractest]\n"],
  ["setup.py", ""],
  ["setup.cfg", "[metadata]\nname = app\n"],
  ["tox.ini", "[tox]\n"],
];

/** What a test file may hold: passing, failing, skipped, and doctests that need an option. */
const TESTS: readonly string[] = [
  "def test_a(): pass\n",
  "def test_a(): assert 0\n",
  "import pytest\n@pytest.mark.skip\ndef test_a(): pass\ndef test_b(): pass\n",
  "def test_open():\n    open('here.txt', 'a').close()\n",
  '"""\n>>> 1 + 1\n2\n"""\n',
  "class TestA:\n    def test_a(self): pass\n    def test_b(self): pass\n",
];

const TEST_PLACES: readonly string[] = [
  "tests/test_one.py",
  "tests/deep/test_two.py",
  "test/test_three.py",
  "src/app/test_four.py",
  "app/tests/five_test.py",
  "test_six.py",
  "docs/test_seven.py",
];

/** The layout of a seed. */
export function randomLayout(seed: number): Layout {
  const random = new Random(seed);
  const files: Record<string, string> = {};
  const places = [".", "top", "top/member", "top/member/tests"];
  if (random.chance(0.15)) places.unshift(".");
  for (const place of places) {
    for (const [name, text] of configurations(random)) files[`${place}/${name}`] ??= text;
  }
  if (random.chance(0.7)) files["top/.git/HEAD"] = "ref: refs/heads/main\n";
  for (const place of ["top", "top/member"]) {
    for (const test of TEST_PLACES) {
      // Names that occur twice need another import mode.
      const path = `${place}/${test}`.replace(/(\w+)\.py$/, `$1_${place.length}.py`)
        .replace(/_test_(\d+)\.py$/, "_$1_test.py");
      if (random.chance(0.35)) files[path] = random.pick(TESTS);
    }
    if (random.chance(0.2)) files[`${place}/conftest.py`] = conftest(random);
  }
  // Something to stand in, and to find.
  files["top/member/tests/test_always.py"] = random.pick(TESTS);
  const here = random.pick(["top", "top", "top/member", "top/member", "top/member/tests"]);
  const name = random.pick([".venv", ".venv", "venv", "py311"]);
  const owners = "top/.git/HEAD" in files
    ? ["top"]
    : [".", "top", "top/member", "top/member/tests"];
  return { seed, files, here, venvs: owners.map((owner) => `${owner}/${name}`) };
}

function configurations(random: Random): (readonly [string, string])[] {
  const found: (readonly [string, string])[] = [];
  if (random.chance(0.3)) found.push(random.pick(CONFIGURED)(random));
  if (random.chance(0.4)) found.push(random.pick(BARE));
  return found;
}

function conftest(random: Random): string {
  return random.pick(["", "collect_ignore = ['docs']\n", "import missing_module_of_nobody\n"]);
}

/** Keys that people set; the value of each as a TOML list. */
function options(random: Random): (readonly [string, readonly string[]])[] {
  const testpaths = random.pick([
    ["tests"],
    ["tests", "test"],
    ["nothere"],
    ["*/tests"],
    ["src"],
    ["."],
    ["member"],
  ]);
  const addopts = random.pick([["--doctest-modules"], ["-q"], ["--import-mode=importlib"], [
    "-ra",
  ]]);
  return [
    ...(random.chance(0.5) ? [["testpaths", testpaths] as const] : []),
    ...(random.chance(0.4) ? [["addopts", addopts] as const] : []),
    ...(random.chance(0.2) ? [["cache_dir", ["var/cache"]] as const] : []),
    ...(random.chance(0.2) ? [["python_files", ["test_*.py"]] as const] : []),
  ];
}

function ini(section: string, random: Random): string {
  const lines = options(random).map(([key, words]) => `${key} = ${words.join(" ")}\n`);
  return `[${section}]\n${lines.join("")}`;
}

function toml(table: string, random: Random): string {
  const lines = options(random).map(([key, words]) =>
    key === "cache_dir" ? `${key} = "${words[0]}"\n` : `${key} = ${JSON.stringify(words)}\n`
  );
  return `[${table}]\n${lines.join("")}`;
}
