import fc from "fast-check";
import { affectedBy } from "../../lib/affected/rules.ts";
import { ImportGraph } from "../../lib/affected/import_graph.ts";
import { lastPart } from "../../lib/base/paths.ts";
import { isTestFile } from "../../lib/project/rules_targets.ts";
import { assertEquals } from "../assert.ts";
import { treeOf } from "../pytest/suite.ts";

const SCRIPT = new URL("python_graph.py", import.meta.url).pathname;
/** Projects of a run; different ones each time, unless TRACTEST_SEED selects them. */
const PROJECTS = Number(Deno.env.get("TRACTEST_PROJECTS") ?? 150);

type Files = Readonly<Record<string, string>>;

const INITS = ["app/__init__.py", "app/part/__init__.py", "app/part/deep/__init__.py"];
const MODULES = [
  "app/one.py",
  "app/two.py",
  "app/part/three.py",
  "app/part/deep/four.py",
  "space/five.py",
  "space/inner/six.py",
];
const TESTS = [
  "tests/__init__.py",
  "tests/conftest.py",
  "tests/helper.py",
  "tests/test_a.py",
  "tests/test_b.py",
  "tests/part/__init__.py",
  "tests/part/conftest.py",
  "tests/part/test_c.py",
];

const dotted = [
  "app.one",
  "app.two",
  "app.part.three",
  "app.part.deep.four",
  "space.five",
  "space.inner.six",
];
const name = fc.constantFrom(
  "f",
  "g",
  "one",
  "two",
  "three",
  "deep",
  "part",
  "alias",
  "_hidden",
  "five",
);
const anyModule = fc.constantFrom(
  ...dotted,
  "app",
  "app.part",
  "app.part.deep",
  "space.inner",
  "os",
  "trio",
);
const chain = fc.tuple(
  fc.constantFrom("app", "part", "space", "alias", "deep"),
  fc.array(name, { minLength: 1, maxLength: 3 }),
)
  .map(([first, names]) => [first, ...names].join("."));

/** Text that resembles an import. */
const noise = fc.tuple(fc.constantFrom(...dotted), fc.integer({ min: 0, max: 4 })).map((
  [module, kind],
) =>
  [
    `# import ${module}`,
    `x_ = "import ${module}"`,
    `def doc_():\n    """Says\n\n    import ${module}\n    """`,
    `print("from ${module} import f", 'app.one.f')`,
    `x_ = (\n    'from ${module} '\n    'import f'\n)`,
  ][kind]!
);

/** Statements that may stand anywhere. */
const plain = fc.oneof(
  anyModule.map((module) => `import ${module}`),
  fc.constantFrom(...dotted).map((module) => `import ${module} as alias`),
  fc.tuple(anyModule, name).map(([module, taken]) => `from ${module} import ${taken}`),
  fc.tuple(anyModule, name, name).map(([module, one, other]) =>
    `from ${module} import (\n    ${one},  # why (\n    ${other} as alias,\n)`
  ),
  anyModule.map((module) => `from ${module} import *`),
  fc.constantFrom(...dotted).map((module) => `m_ = importlib.import_module("${module}")`),
  fc.constantFrom(...dotted).map((module) => `m_ = import_module(name='${module}')`),
  fc.constant('m_ = import_module("..two", "app.part")'),
  chain.map((used) => `${used}()`),
  chain.map((used) => `print(f"{${used}!r} and app.two")`),
  fc.constantFrom(...dotted).map((module) => `if TYPE_CHECKING:\n    from ${module} import f`),
  noise,
);

/** Those of a package's `__init__.py`. */
const passing = fc.oneof(
  fc.tuple(fc.constantFrom(".one", ".two", ".part", ".three", ".deep", ".four"), name, name).map((
    [from, taken, as],
  ) => `from ${from} import ${taken} as ${as}`),
  fc.tuple(fc.constantFrom("one", "two", "part", "three", "deep", "four"), name).map((
    [module, as],
  ) => `from . import ${module} as ${as}`),
  fc.constantFrom(".one", ".two", ".part", ".three", ".deep.four").map((from) =>
    `from ${from} import *`
  ),
  fc.tuple(fc.constantFrom(...dotted), name).map(([module, as]) => `import ${module} as ${as}`),
  fc.tuple(fc.constantFrom(".one", ".three"), fc.constantFrom(".two", ".deep"), name).map((
    [from, other, taken],
  ) =>
    `try:\n    from ${from} import ${taken}\nexcept ImportError:\n    from ${other} import ${taken}`
  ),
  fc.tuple(name, name).map(([taken, other]) => `${taken} = ${other}`),
  name.map((taken) => `def ${taken}(): return one.f()`),
);

const relative = (path: string) => {
  const level = path.split("/").length;
  const dots = fc.integer({ min: 1, max: level - 1 }).map((count) => ".".repeat(count));
  return fc.oneof(
    fc.tuple(dots, name).map(([from, taken]) => `from ${from} import ${taken}`),
    fc.tuple(dots, fc.constantFrom("one", "two", "part", "helper", "part.three"), name).map((
      [from, module, taken],
    ) => `from ${from}${module} import ${taken}`),
  );
};

const indented = (statement: fc.Arbitrary<string>) =>
  fc.tuple(fc.boolean(), statement).map(([isIn, text]) =>
    isIn && !/import \*/.test(text)
      ? `def f_():\n    ${text.replaceAll("\n", "\n    ")}\n    pass`
      : text
  );

const textOf = (path: string): fc.Arbitrary<string> => {
  const kinds = INITS.includes(path)
    ? [passing, plain]
    : path.startsWith("space/")
    ? [plain]
    : [plain, relative(path)];
  const statements = fc.array(indented(fc.oneof(...kinds)), { maxLength: 3 });
  const own = INITS.includes(path)
    ? fc.constant("")
    : fc.constantFrom("def f(): pass\n", "def g(): pass\n", "f = g = 1\n");
  return fc.tuple(own, statements).map(([first, all]) =>
    `${first}${all.map((one) => `${one}\n`).join("")}`
  );
};

const project: fc.Arbitrary<Files> = fc.record(
  Object.fromEntries([...INITS, ...MODULES, ...TESTS].map((path) => [path, textOf(path)])),
);

/** Whether a test, or the tests of a conftest.py, are among targets. */
function isAmong(test: string, targets: readonly (string | null)[]): boolean {
  const isFixture = lastPart(test) === "conftest.py";
  return targets.some((target) =>
    target === null || target === test || (target.endsWith("/") && test.startsWith(target)) ||
    (isFixture && test === `${target}conftest.py`)
  );
}

async function byPython(
  projects: readonly Files[],
): Promise<{ must: Record<string, string[]>; may: Record<string, string[]> }[]> {
  const child = new Deno.Command("python3", {
    args: [SCRIPT],
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const writer = child.stdin.getWriter();
  const written = writer.write(new TextEncoder().encode(JSON.stringify(projects))).then(() =>
    writer.close()
  );
  const { stdout } = await child.output();
  await written;
  return JSON.parse(new TextDecoder().decode(stdout));
}

/** The differences for a project; each line names the change. */
function wrongsOf(
  files: Files,
  { must, may }: { must: Record<string, string[]>; may: Record<string, string[]> },
): string[] {
  const wrongs: string[] = [];
  const sources = new Map(Object.entries(files));
  const isTest = (path: string) => path.startsWith("tests/") && isTestFile(path);
  const tests = Object.keys(must);
  const tree = treeOf(Object.keys(files).filter((path) => path.startsWith("tests/")));
  for (const changed of Object.keys(files)) {
    const graph = new ImportGraph({ sources, starts: [".", "tests"], isTest, plugins: [] });
    const { named: reached } = graph.reach(changed);
    const targets = reached.map(({ target }) => target);
    for (const test of tests) {
      if (must[test]!.includes(changed) && !isAmong(test, targets)) {
        wrongs.push(`${changed}: ${test} is missing in ${targets.join(", ")}`);
      }
    }
    for (const { target, chain } of reached) {
      const importer = chain.at(-1)!;
      if (!may[importer]!.includes(changed)) {
        wrongs.push(`${changed}: ${target} is too much, by ${chain.join(" → ")}`);
      }
    }
    if (!changed.startsWith("app/") || changed === "app/__init__.py") continue;
    // The change map names one test for it; the others are still there.
    const changeMap = [{ changed: [changed.slice("app/".length)], tests: ["test_b.py"] }];
    const found = affectedBy([{ path: changed, status: "modified", where: "unstaged" }], {
      tree,
      packageDirectory: "app",
      changeMap,
      graph,
    });
    const all = [
      ...found.targets.map(({ target }) => target),
      ...found.further.map(({ target }) => target),
    ];
    for (const test of tests) {
      if (must[test]!.includes(changed) && !isAmong(test, all)) {
        wrongs.push(`${changed}: the change map hides ${test}`);
      }
    }
  }
  return wrongs;
}

Deno.test("reach() finds what Python's own parser finds, in generated projects", async () => {
  const seed = Number(Deno.env.get("TRACTEST_SEED") ?? Date.now() % 2 ** 31);
  const projects = fc.sample(project, { numRuns: PROJECTS, seed });
  const judged = await byPython(projects);
  const failing = projects.map((files, index) => ({
    files,
    wrongs: wrongsOf(files, judged[index]!),
  })).filter(({ wrongs }) => wrongs.length > 0);
  const sizeOf = (files: Files) => Object.values(files).join("").length;
  const [least] = failing.toSorted((one, other) => sizeOf(one.files) - sizeOf(other.files));
  const shown = least &&
    [...least.wrongs, ...Object.entries(least.files).map(([path, text]) => `--- ${path}\n${text}`)]
      .join("\n");
  assertEquals(
    failing.length,
    0,
    `${failing.length} of ${PROJECTS} projects, TRACTEST_SEED=${seed}; the smallest:\n${shown}`,
  );
});
