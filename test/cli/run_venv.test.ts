import { dirname, join } from "@std/path";
import { assertEquals, assertIncludes } from "../assert.ts";
import { ISOLATED, pytestSuite } from "./suites.ts";

/** Passes only where `python` by name is the one of pytest, and VIRTUAL_ENV its venv. */
const ACTIVATED = `
import os, subprocess, sys

def real(path):
    return os.path.realpath(path)

def test_python_by_name_is_ours():
    code = "import sys; print(sys.prefix)"
    output = subprocess.run(["python", "-c", code], capture_output=True, text=True).stdout
    assert real(output.strip()) == real(sys.prefix)

def test_what_activating_sets_and_unsets():
    assert real(os.environ["VIRTUAL_ENV"]) == real(sys.prefix)
    assert "PYTHONHOME" not in os.environ
    assert os.environ["PATH"].endswith("/usr/bin:/bin:/usr/sbin:/sbin")
`;

const RUN = ["run", "--no-preflight", "--no-defaults"];

Deno.test("tests run with the venv activated, and the command stays as typed", async () => {
  await using suite = await pytestSuite({ "test_a.py": ACTIVATED });
  const elsewhere = join(suite.path, "elsewhere");
  for (
    const env of [{}, { PYTHONHOME: "/nowhere" }, { VIRTUAL_ENV: elsewhere }] as Record<
      string,
      string
    >[]
  ) {
    const { code, stdout, stderr } = await suite.tractest(RUN, env);
    assertEquals(code, 0, stdout + stderr);
    assertEquals(stderr.split("\n")[0], "py310/bin/python -m pytest tests/");
  }
  const { code, stdout } = await suite.tractest([...RUN, "--json"]);
  const { env } = JSON.parse(stdout);
  const bin = join(suite.root, "py310/bin");
  assertEquals([code, env.VIRTUAL_ENV, env.PATH], [
    0,
    join(suite.root, "py310"),
    `${bin}:/usr/bin:/bin:/usr/sbin:/sbin`,
  ]);
  assertIncludes(
    (await suite.tractest([...RUN, "-v"])).stderr,
    `VIRTUAL_ENV=${join(suite.root, "py310")} PATH=${bin}:`,
  );
});

Deno.test("parallel and background sessions and the collection activate the venv", async () => {
  await using suite = await pytestSuite({
    "test_a.py": ACTIVATED,
    "conftest.py": ACTIVATED + "\ntest_python_by_name_is_ours()\n",
  });
  const jobs = await suite.tractest([...RUN, "--jobs", "2"]);
  assertEquals(jobs.code, 0, jobs.stdout + jobs.stderr);
  const started = await suite.tractest([...RUN, "--bg"]);
  assertEquals(started.code, 0, started.stderr);
  const waited = await suite.tractest(["wait", started.stdout.trim()]);
  assertEquals(waited.code, 0, (await suite.tractest(["logs"])).stdout);
});

Deno.test({
  name: "an isolated run has the venv activated",
  ignore: ISOLATED === null,
  fn: async () => {
    await using suite = await pytestSuite({ "test_a.py": ACTIVATED });
    const { code, stdout, stderr } = await suite.tractest([...RUN, "--isolate"]);
    assertEquals(code, 0, stdout + stderr);
  },
});

Deno.test("with --uv-run the venv is active too, and PYTHONHOME is unset", async () => {
  await using suite = await pytestSuite({ "test_a.py": ACTIVATED });
  await suite.write({
    "pyproject.toml": '[project]\nname = "app"\nversion = "0"\nrequires-python = ">=3.10"\n' +
      '[tool.pytest.ini_options]\ntestpaths = ["tests"]\n',
  });
  const { stdout: uv } = await new Deno.Command("sh", { args: ["-c", "command -v uv"] }).output();
  const env = {
    PATH: `${dirname(new TextDecoder().decode(uv).trim())}:/usr/bin:/bin:/usr/sbin:/sbin`,
    UV_OFFLINE: "1",
    PYTHONHOME: "/nowhere",
  };
  const { code, stdout, stderr } = await suite.tractest([...RUN, "--uv-run"], env);
  assertEquals(code, 0, stdout + stderr);
  assertIncludes(stderr, "UV_PROJECT_ENVIRONMENT=py310 uv run");
});
