import {
  type Comparison,
  isThere,
  QUICK_ROUNDS,
  run,
  type Scene,
  SLOW_ROUNDS,
  TRACTEST,
} from "./harness.ts";
import { commitAll } from "./projects.ts";

const PARTS = 50;

/** Breaks one module of the sample, which tests notice late in the plain order. */
async function fault(root: string): Promise<AsyncDisposable> {
  const module = `${root}/sample_actors/_exceptions.py`;
  const text = await Deno.readTextFile(module);
  await Deno.writeTextFile(
    module,
    `${text}\n\ndef remote_name(error):\n    raise RuntimeError("made wrong for the bench")\n`,
  );
  return { [Symbol.asyncDispose]: () => Deno.writeTextFile(module, text) };
}

/**
 * A committed project of 3,000 modules and 2,000 tests, 3 kB each, made once: a module imports one
 * more of its part, and two of three the hub; a test imports the package and one module.
 */
async function largeProject(root: string): Promise<AsyncDisposable> {
  const done = { [Symbol.asyncDispose]: () => Promise.resolve() };
  if (isThere(root)) return done;
  const body = Array.from(
    { length: 40 },
    (_, index) =>
      `\n\ndef function_${index}(one, other):\n    """Adds."""\n    return one + other  # ` +
      `${index}\n`,
  ).join("");
  await Deno.mkdir(root);
  await Deno.writeTextFile(
    `${root}/pyproject.toml`,
    '[project]\nname = "app"\n[tool.pytest.ini_options]\ntestpaths = ["tests"]\n',
  );
  for (let part = 0; part < PARTS; part++) {
    for (const directory of ["app", "tests"]) {
      await Deno.mkdir(`${root}/${directory}/part_${part}`, { recursive: true });
      await Deno.writeTextFile(`${root}/${directory}/part_${part}/__init__.py`, "");
    }
  }
  await Deno.writeTextFile(`${root}/app/__init__.py`, "from .hub import start as start\n");
  await Deno.writeTextFile(`${root}/app/hub.py`, body);
  for (let index = 0; index < 3_000; index++) {
    const part = index % PARTS;
    const next = index + PARTS < 3_000 ? `from .module_${index + PARTS} import function_1\n` : "";
    const hub = index % 3 > 0
      ? "from ..hub import (\n    function_1,  # why\n    function_2,\n)\n"
      : "";
    const text = `"""Part ${part}."""\nimport os\nfrom typing import Any\n\nimport trio\n\n` +
      `${next}${hub}${body}`;
    await Deno.writeTextFile(`${root}/app/part_${part}/module_${index}.py`, text);
  }
  for (let index = 0; index < 2_000; index++) {
    const part = index % PARTS;
    const text =
      `import pytest\nimport trio\n\nimport app\nfrom app.part_${part}.module_${index} ` +
      `import function_1\n${body}\n\ndef test_it():\n    app.start()\n`;
    await Deno.writeTextFile(`${root}/tests/part_${part}/test_${index}.py`, text);
  }
  await commitAll(root);
  return done;
}

/** Leaves exactly one file changed. */
async function changeIn(root: string, path: string): Promise<void> {
  await run(["git", "checkout", "-q", "."], root);
  await Deno.writeTextFile(`${root}/${path}`, "changed = True\n", { append: true });
}

/** Which tests a change concerns, in a large project. */
export function affected({ root, bareDeno }: Scene): Comparison[] {
  const large = `${root.slice(0, root.lastIndexOf("/"))}/large`;
  const toFirstFailure = [TRACTEST, "run", "--no-preflight", "--timeout=300"];
  return [
    {
      name: "affected, 5,000 files",
      rounds: QUICK_ROUNDS,
      ours: {
        name: "tractest affected",
        argv: [TRACTEST, "affected"],
        cwd: large,
        before: () => changeIn(large, "app/part_7/module_307.py"),
      },
      theirs: bareDeno,
      company: () => largeProject(large),
      goal: { ratio: 10 },
    },
    {
      name: "affected, all of them",
      rounds: SLOW_ROUNDS,
      ours: {
        name: "a change that 4,000 files import",
        argv: [TRACTEST, "affected"],
        cwd: large,
        before: () => changeIn(large, "app/hub.py"),
      },
      theirs: bareDeno,
      company: () => largeProject(large),
      goal: { ratio: Infinity },
    },
    {
      name: "first failure",
      rounds: 1,
      ours: { name: "tractest run --affected", argv: [...toFirstFailure, "--affected"], code: 1 },
      theirs: { name: "the same without", argv: toFirstFailure, code: 1 },
      company: () => fault(root),
      goal: { ratio: Infinity },
    },
  ];
}
