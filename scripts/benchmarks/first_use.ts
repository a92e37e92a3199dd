import {
  type Comparison,
  isThere,
  removeIfThere,
  run,
  type Scene,
  type Side,
  stateOf,
  TRACTEST,
} from "./harness.ts";
import { commitAll } from "./projects.ts";

const [TESTS, MODULES, PARTS] = [5_000, 500, 20] as const;
const CHANGED = `src/app/part_7/module_307.py`;
/** A collection takes half a minute. */
const ROUNDS = 3;

const pathOf = (module: number) => `part_${module % PARTS}/module_${module}`;
const nameOf = (module: number) => `app.${pathOf(module).replace("/", ".")}`;

/** A committed project of 5,000 test files, each with two tests, and 500 modules, made once. */
async function manyTests(root: string, venv: string): Promise<AsyncDisposable> {
  const done = { [Symbol.asyncDispose]: () => Promise.resolve() };
  if (isThere(root)) return done;
  const definition = (index: number) =>
    `\n\ndef function_${index}(one, other):\n    """Adds."""\n    return one + other\n`;
  const body = Array.from({ length: 10 }, (_, index) => definition(index)).join("");
  const write = async (path: string, text: string) => {
    const whole = `${root}/${path}`;
    await Deno.mkdir(whole.slice(0, whole.lastIndexOf("/")), { recursive: true });
    await Deno.writeTextFile(whole, text);
  };
  await write(
    "pyproject.toml",
    '[project]\nname = "app"\n[tool.pytest.ini_options]\ntestpaths = ["tests"]\n' +
      'pythonpath = ["src"]\n',
  );
  await write(".gitignore", "__pycache__\n.pytest_cache\npy3*\n");
  await write("src/app/__init__.py", `from .part_0.module_0 import function_1 as start\n`);
  for (let part = 0; part < PARTS; part++) await write(`src/app/part_${part}/__init__.py`, "");
  for (let module = 0; module < MODULES; module++) {
    const others = [module * 7 + 11, module * 3 + 5].filter((other) => other < MODULES);
    const imports = others.map((other) => `from ${nameOf(other)} import function_2\n`).join("");
    await write(`src/app/${pathOf(module)}.py`, `import os\n${imports}${body}`);
  }
  for (let test = 0; test < TESTS; test++) {
    const [one, other] = [test % MODULES, (test * 13 + 7) % MODULES];
    const imports = `import pytest\nimport app\nfrom ${nameOf(one)} import function_1\n` +
      `import ${nameOf(other)} as other\n`;
    const tests = "\n\ndef test_one():\n    assert function_1(1, 2) == 3\n\n\n" +
      "def test_other():\n    assert other.function_2(1, 2) == 3\n";
    await write(`tests/area_${test % 50}/test_file_${test}.py`, imports + body + tests);
  }
  await commitAll(root);
  await Deno.writeTextFile(`${root}/${CHANGED}`, "changed = 1\n", { append: true });
  await Deno.symlink(venv, `${root}/${venv.slice(venv.lastIndexOf("/") + 1)}`);
  return done;
}

/** What a project costs that was never seen before: nothing is compiled or recorded. */
export function firstUse({ root, python }: Scene): Comparison[] {
  const scratch = root.slice(0, root.lastIndexOf("/"));
  const cwd = `${scratch}/many`;
  const before = async () => {
    await run(["sh", "-c", "find src tests -name __pycache__ -prune -exec rm -rf {} +"], cwd);
    removeIfThere(`${cwd}/.pytest_cache`);
    removeIfThere(stateOf(root).XDG_STATE_HOME!);
  };
  const side = (name: string, argv: readonly string[]): Side => ({ name, argv, cwd, before });
  const collects = side("pytest --collect-only", [python, "-m", "pytest", "--collect-only", "-q"]);
  const company = () => manyTests(cwd, python.replace(/\/bin\/python$/, ""));
  return [
    {
      name: "first use: affected",
      rounds: ROUNDS,
      ours: side("tractest affected", [TRACTEST, "affected"]),
      theirs: collects,
      company,
      goal: { ratio: 1.2 },
    },
    {
      name: "first use: run",
      rounds: ROUNDS,
      ours: side("tractest run --collect-only", [
        TRACTEST,
        "run",
        "--no-preflight",
        "--timeout=600",
        "--",
        "--collect-only",
        "-q",
      ]),
      theirs: collects,
      company,
      goal: { ratio: 1.2 },
    },
  ];
}
