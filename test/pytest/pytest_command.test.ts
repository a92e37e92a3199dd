import { VERB as ZOMBIES } from "../../lib/leaks/command.ts";
import { runLine } from "../run_line.ts";
import { parseCommandLine } from "../../lib/command_line/parse.ts";
import { DEFAULT_CONFIGURATION } from "../../lib/project/configuration.ts";
import { LEAVING_OUT } from "../../lib/tables/pytest_options.ts";
import { pytestCommand, runIntent, spawnBackends } from "../../lib/pytest/pytest_command.ts";
import { looksLikeTarget, resolveTargets } from "../../lib/project/rules_targets.ts";
import { UsageError } from "../../lib/errors.ts";
import { assert, assertEquals, assertIncludes, assertThrows } from "../assert.ts";
import { suite } from "./suite.ts";

const suiteTree = suite();

/**
 * The arguments of `python -m pytest` for typed arguments of `run`, with the layout of the real
 * suite.
 */
function words(typed: string): string {
  return split(typed.split(" ")).join(" ");
}

function split(typed: readonly string[]): string[] {
  const line = runLine(typed);
  const intent = runIntent(line, (word) => looksLikeTarget(word, suiteTree));
  const wantsAll = intent.targetWords.length === 0 &&
    (intent.rerunsFailed || intent.collectsByItself);
  const targets = wantsAll ? [] : resolveTargets(intent.targetWords, suiteTree).targets;
  return pytestCommand({
    python: [],
    defaultFlags: DEFAULT_CONFIGURATION.defaultFlags,
    line,
    intent,
    targets,
  }).slice(2);
}

const DEFAULTS = "-x --tb=short --no-header";

/** What is typed after `tractest run`, and what pytest gets. */
const TABLE: readonly (readonly [string, string])[] = [
  // The recipe's examples of an intent.
  ["test_local.py", `${DEFAULTS} tests/test_local.py`],
  ["test_registrar -v", `${DEFAULTS} -v tests/discovery/test_registrar.py`],
  ["-k cancel", `${DEFAULTS} -k cancel tests/`],
  ["tests/ipc/ --tpt-proto uds", `${DEFAULTS} --tpt-proto=uds tests/ipc/`],
  ["ipc/ --tpt-proto uds", `${DEFAULTS} --tpt-proto=uds tests/ipc/`],
  // Its common combinations.
  [
    "tests/test_local.py tests/test_rpc.py -x --tb=short --no-header",
    `-x --tb=short --no-header tests/test_local.py tests/test_rpc.py`,
  ],
  ["tests/ -x --tb=short --no-header", "-x --tb=short --no-header tests/"],
  [
    "tests/discovery/test_registrar.py::test_reg_then_unreg -x -s --tpdb --ll debug",
    "--tb=short --no-header --tpdb --ll=debug -x -s " +
    "tests/discovery/test_registrar.py::test_reg_then_unreg",
  ],
  [
    "tests/ -x --tb=short --no-header --tpt-proto uds",
    "--tpt-proto=uds -x --tb=short --no-header tests/",
  ],
  // Its shortcuts.
  ["--lf -x --tb=short --no-header", "--lf -x --tb=short --no-header"],
  ["--lf", `${DEFAULTS} --lf`],
  ["-q", `${DEFAULTS} -q tests/`],
  [
    "core",
    `${DEFAULTS} tests/test_local.py tests/test_rpc.py tests/test_spawning.py ` +
    "tests/discovery/test_registrar.py",
  ],
  // Its table of options.
  ["--tpdb", `${DEFAULTS} -s --tpdb tests/`],
  ["--debug-mode", `${DEFAULTS} -s --tpdb tests/`],
  ["--tpdb --capture=sys", `${DEFAULTS} --tpdb --capture=sys tests/`],
  ["--spawn-backend mp_spawn", `${DEFAULTS} --spawn-backend=mp_spawn tests/`],
  [
    "--spawn-backend=subint_forkserver",
    `${DEFAULTS} --spawn-backend=subint_forkserver --capture=sys tests/`,
  ],
  ["-vv", `${DEFAULTS} -vv tests/`],
  ["--tpt-proto uds test_local", `${DEFAULTS} --tpt-proto=uds tests/test_local.py`],
  ["--tpt-proto=tcp --tpt-proto tcp", `${DEFAULTS} --tpt-proto=tcp tests/`],
  // Each default yields to its counterpart, and to no other option.
  ["--maxfail=3", "--tb=short --no-header --maxfail=3 tests/"],
  ["--maxfail 3", "--tb=short --no-header --maxfail 3 tests/"],
  ["--exitfirst", "--tb=short --no-header --exitfirst tests/"],
  ["--tb=long", "-x --no-header --tb=long tests/"],
  ["--tb long", "-x --no-header --tb long tests/"],
  ["--header", "-x --tb=short tests/"],
  ["--no-defaults", "tests/"],
  ["--no-defaults -x", "-x tests/"],
  ["-k --tb", `${DEFAULTS} -k --tb tests/`],
  ["-- --tb=long", "-x --no-header --tb=long tests/"],
  // Combined short options, with values in the word or after it.
  ["-xvs", "--tb=short --no-header -xvs tests/"],
  ["-vvs test_rpc", `${DEFAULTS} -vvs tests/test_rpc.py`],
  ["-vk cancel test_rpc", `${DEFAULTS} -vk cancel tests/test_rpc.py`],
  ["-n4 test_rpc", `${DEFAULTS} -n4 tests/test_rpc.py`],
  ["-n 2 test_rpc", `${DEFAULTS} -n 2 tests/test_rpc.py`],
  ["-yxv", "--tb=short --no-header -xv tests/"],
  [
    "-rA -p no:cacheprovider -W error -o log_cli=true -c x.ini",
    `${DEFAULTS} -rA -p no:cacheprovider -W error -o log_cli=true -c x.ini tests/`,
  ],
  // A value is never a target, though it may look like one.
  ["--ignore tests/devx", `${DEFAULTS} --ignore tests/devx tests/`],
  [
    "--deselect tests/test_rpc.py::test_x test_local",
    `${DEFAULTS} --deselect tests/test_rpc.py::test_x tests/test_local.py`,
  ],
  ["-m core", `${DEFAULTS} -m core tests/`],
  ["--durations 5 ipc", `${DEFAULTS} --durations 5 tests/ipc/`],
  ["--ff --sw test_rpc", `${DEFAULTS} --ff --sw tests/test_rpc.py`],
  // After an option in no table the next word is a target only if it is one, and then nothing can
  // swallow it.
  ["--foo bar", `${DEFAULTS} --foo bar -- tests/`],
  ["--foo test_rpc.py", `${DEFAULTS} --foo -- tests/test_rpc.py`],
  ["--foo=1 test_rpc", `${DEFAULTS} --foo=1 tests/test_rpc.py`],
  ["--foo -v test_rpc", `${DEFAULTS} --foo -v tests/test_rpc.py`],
  ["--cov tractor", `${DEFAULTS} --cov tractor -- tests/`],
  ["--cov test_rpc.py", `${DEFAULTS} --cov -- tests/test_rpc.py`],
  // If both have an option of that name ours wins; everything after -- is pytest's.
  ["--timeout 5 --color always --json", `${DEFAULTS} --color=yes tests/`],
  ["--color=never", `${DEFAULTS} --color=no tests/`],
  ["-- --timeout 5 --color=yes", `${DEFAULTS} --timeout 5 --color=yes tests/`],
  ["test_rpc -- --json --ll", `${DEFAULTS} --json --ll tests/test_rpc.py`],
  ["-- tests/test_rpc.py", `${DEFAULTS} tests/test_rpc.py`],
  ["--dry-run --no-preflight --wait --clean --strict --events - --grace 2", `${DEFAULTS} tests/`],
];

for (const [typed, expected] of TABLE) {
  Deno.test(`"run ${typed}" becomes "pytest ${expected}"`, () =>
    assertEquals(words(typed), expected));
}

Deno.test("a keyword expression and a test id with spaces stay one word each", () => {
  const id = "tests/msg/test_ext_types_msgspec.py::test_pld_limiting_usage[limit_to_spec->_]";
  assertEquals(split(["-k", "cancel and not slow"]), [
    "-x",
    "--tb=short",
    "--no-header",
    "-k",
    "cancel and not slow",
    "tests/",
  ]);
  assertEquals(split([id.replace("[", "[a b, ")]).at(-1), id.replace("[", "[a b, "));
});

Deno.test("an id that starts with a dash comes after --", () => {
  const line = runLine([]);
  const intent = runIntent(line, () => false);
  assertEquals(
    pytestCommand({ python: ["p"], defaultFlags: [], line, intent, targets: ["-x.py::test"] }),
    [
      "p",
      "-m",
      "pytest",
      "--",
      "-x.py::test",
    ],
  );
});

Deno.test("a wrong transport names the valid ones, the nearest first", () => {
  const error = assertThrows(() => runLine(["--tpt-proto", "udp"]), UsageError);
  assertEquals(error.hint, "it takes one of: uds, tcp");
  assertIncludes(error.message, "udp");
});

Deno.test("a misspelled option is marked; options of pytest and its plugins are not", () => {
  const slips = [
    ["--dryrun", "--dry-run"],
    ["--no-preflght", "--no-preflight"],
    ["--time-out=5", "--timeout"],
    ["--retires", "--retries"],
    ["--workers", "--jobs"],
  ] as const;
  for (const [word, meant] of slips) {
    assertEquals(runLine([word]).slips, [{ typed: word.replace(/=.*/, ""), meant }]);
    assertEquals(runLine(["--", word]).slips, []);
  }
  const others = ["--lf", "--tb=long", "--timeout-method=thread", "--cov", "--strict-markers"];
  for (const option of [...others, "--my-option"]) {
    const { words, slips: none } = runLine([option]);
    assertEquals([words?.length, none], [1, []], option);
  }
});

Deno.test("-v is verbose for tractest and pytest, -n is not the dry run of other commands", () => {
  assert(runLine(["-xv"]).has("verbose"));
  assert(!runLine(["-x"]).has("verbose"));
  assert(!runLine(["-n", "2"]).has("dry-run"));
  assert(parseCommandLine(ZOMBIES, ["-n"]).has("dry-run"));
});

Deno.test("fault 44: each debugger keeps the terminal and the time", () => {
  for (const option of ["--pdb", "--trace", "--tpdb", "--debug-mode"]) {
    assert(runIntent(runLine([option]), () => false).debugging, option);
  }
  assert(runIntent(runLine(["--", "--pdb"]), () => false).debugging);
  assert(!runIntent(runLine(["-k", "--pdb"]), () => false).debugging);
});

Deno.test("a run with an option by which a record leaves tests out is no full run", () => {
  for (const option of LEAVING_OUT) {
    assert(runIntent(runLine([option]), () => false).selects, option);
  }
});

Deno.test("the spawn backends are read from the text of a checkout", () => {
  const text =
    "x = 1\nSpawnMethodKey = Literal[\n    'trio',  # 'all' platforms\n    'mp_spawn',\n" +
    "    \"mp_forkserver\",\n]\n_m: SpawnMethodKey = 'no'\n";
  assertEquals(spawnBackends(text), ["trio", "mp_spawn", "mp_forkserver"]);
  assertEquals(spawnBackends("SpawnMethodKey: TypeAlias = Literal['trio', 'subint']"), [
    "trio",
    "subint",
  ]);
  assertEquals(spawnBackends("def f(key: SpawnMethodKey): ..."), null);
});
