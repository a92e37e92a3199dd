import { type Comparison, QUICK_ROUNDS, type Scene, TRACTEST } from "./harness.ts";

/** Test files, and the tests of each: 5,000 ids in pytest's cache. */
const [FILES, TESTS] = [50, 100] as const;

/** What a shell waits for after TAB. */
export function complete({ trivial, bareDeno }: Scene): Comparison[] {
  const project = `${trivial}-many-ids`;
  const asked = (name: string, ...words: string[]): Comparison => ({
    name: `complete ${name}`,
    rounds: QUICK_ROUNDS,
    ours: {
      name: `TAB after tractest ${words.join(" ")}`,
      argv: [TRACTEST, "complete", "zsh", "--", "-C", project, ...words],
    },
    theirs: bareDeno,
    company: () => prepare(project),
    goal: { seconds: 0.1 },
  });
  return [
    asked("tests", "run", "tests/test_7.py::test_1"),
    asked("files", "run", "tests/test_1"),
    asked("options", "run", "--"),
    asked("commands", ""),
  ];
}

async function prepare(project: string): Promise<AsyncDisposable> {
  await Deno.mkdir(`${project}/tests`, { recursive: true });
  await Deno.mkdir(`${project}/.pytest_cache/v/cache`, { recursive: true });
  await Deno.writeTextFile(`${project}/pyproject.toml`, "[tool.pytest.ini_options]\n");
  const ids: string[] = [];
  for (let file = 0; file < FILES; file++) {
    const names = Array.from({ length: TESTS }, (_, index) => `test_${index}`);
    const text = names.map((name) => `def ${name}(): pass\n`).join("");
    await Deno.writeTextFile(`${project}/tests/test_${file}.py`, text);
    ids.push(...names.map((name) => `tests/test_${file}.py::${name}`));
  }
  await Deno.writeTextFile(`${project}/.pytest_cache/v/cache/nodeids`, JSON.stringify(ids));
  return { [Symbol.asyncDispose]: () => Deno.remove(project, { recursive: true }) };
}
