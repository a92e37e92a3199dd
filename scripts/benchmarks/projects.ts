import { removeIfThere, ROOT, run } from "./harness.ts";

/** Tests that sleep, and for how long one after another, in seconds. */
const SLEEPERS = { tests: 160, seconds: 24 } as const;
/** Tests that do nothing: they show what a run adds to each. */
export const TRIVIAL = 2_000;

/** A project with tests that do nothing, as many as TRIVIAL says. */
export async function prepareTrivial(root: string, venv: string): Promise<void> {
  await Deno.mkdir(`${root}/tests`, { recursive: true });
  await Deno.writeTextFile(
    `${root}/pyproject.toml`,
    '[tool.pytest.ini_options]\ntestpaths = ["tests"]\n',
  );
  const range = `range(int(os.environ.get("TRIVIAL", "${TRIVIAL}")))`;
  const test =
    `import os, pytest\n@pytest.mark.parametrize("n", ${range})\ndef test_nothing(n): pass\n`;
  await Deno.writeTextFile(`${root}/tests/test_trivial.py`, test);
  await Deno.symlink(venv, `${root}/${venv.slice(venv.lastIndexOf("/") + 1)}`);
}

/** A copy of the sample with a venv, a git repository around it and a lastfailed cache. */
export async function prepareSample(root: string): Promise<void> {
  await run(["cp", "-r", `${ROOT}/test/sample`, root], ROOT);
  // Venvs that developers made in the sample are not copied.
  for (const { name } of [...Deno.readDirSync(root)]) {
    if (/^py\d+$/.test(name)) removeIfThere(`${root}/${name}`);
  }
  console.error("making the sample's venv");
  // One of the sample's Pythons that is installed, else uv gets one. The venv has its name, by
  // which tractest finds it.
  await run(["uv", "sync", "--frozen", "--quiet", "--python", ">=3.10,<3.13"], root, {
    UV_PROJECT_ENVIRONMENT: "venv",
  });
  const version = /^version_info = 3\.(\d+)/m.exec(
    await Deno.readTextFile(`${root}/venv/pyvenv.cfg`),
  )?.[1];
  await Deno.rename(`${root}/venv`, `${root}/py3${version}`);
  await Deno.writeTextFile(
    `${root}/.gitignore`,
    "py3*\n__pycache__\n.pytest_cache\nxdg\nready-*\n",
  );
  await commitAll(root);
  await Deno.mkdir(`${root}/.pytest_cache/v/cache`, { recursive: true });
  const failed = Object.fromEntries(
    Array.from({ length: 27 }, (_, index) => [`tests/test_rpc.py::test_it[${index} -> x]`, true]),
  );
  await Deno.writeTextFile(`${root}/.pytest_cache/v/cache/lastfailed`, JSON.stringify(failed));
}

/** A suite whose tests sleep, a few for long, most for a moment, with the sample's venv. */
export async function prepareSleepers(scratch: string): Promise<void> {
  const weights = Array.from(
    { length: SLEEPERS.tests },
    (_, index) => index % 20 === 7 ? 12 : 1 + index % 3,
  );
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const tests = weights.map((weight, index) =>
    `def test_${index}(): time.sleep(${(weight / total * SLEEPERS.seconds).toFixed(3)})\n`
  );
  await Deno.mkdir(`${scratch}/sleepers/tests`, { recursive: true });
  await Deno.writeTextFile(
    `${scratch}/sleepers/pyproject.toml`,
    '[tool.pytest.ini_options]\ntestpaths = ["tests"]\n',
  );
  for (let file = 0; file < 6; file++) {
    await Deno.writeTextFile(
      `${scratch}/sleepers/tests/test_${file}.py`,
      `import time\n${tests.filter((_, index) => index % 6 === file).join("")}`,
    );
  }
  const venv =
    [...Deno.readDirSync(`${scratch}/sample`)].find(({ name }) => /^py3\d+$/.test(name))!.name;
  await Deno.symlink(`../sample/${venv}`, `${scratch}/sleepers/${venv}`);
}

/** Makes a directory a repository with everything in it committed. */
export async function commitAll(root: string): Promise<void> {
  await run(["git", "init", "-q", "--initial-branch=main", root], root);
  await run(["git", "add", "."], root);
  await run([
    "git",
    "-c",
    "user.name=bench",
    "-c",
    "user.email=bench@example.org",
    "commit",
    "-q",
    "-m",
    "first",
  ], root);
}
