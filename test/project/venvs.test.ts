import { join } from "@std/path";
import { findProject } from "../../lib/project/project.ts";
import { findVenvs } from "../../lib/project/venvs.ts";
import { pythonOfPytest } from "../../lib/preflight/path_pytest.ts";
import type { EnvironmentName } from "../../lib/tables/environment.ts";
import { assert, assertEquals, assertIncludes } from "../assert.ts";
import { HostAt } from "../host_at.ts";

const PYTEST = "[tool.pytest.ini_options]\n";
const APP = `[project]\nname = "app"\n${PYTEST}`;

/** A directory with projects and venvs, removed at the end; `@` in a text is its path. */
class Checkouts {
  readonly base: string = Deno.realPathSync(Deno.makeTempDirSync({ prefix: "tractest-venvs-" }));

  constructor(files: Readonly<Record<string, string>>, venvs: readonly string[] = []) {
    for (const [path, text] of Object.entries(files)) this.write(path, text);
    for (const venv of venvs) {
      this.write(`${venv}/pyvenv.cfg`, "home = /usr/bin\nversion = 3.11.2\n");
      this.write(`${venv}/bin/python`, "", 0o755);
    }
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.base, { recursive: true });
  }

  write(path: string, text: string, mode = 0o644): void {
    const whole = join(this.base, path);
    Deno.mkdirSync(join(whole, ".."), { recursive: true });
    Deno.writeTextFileSync(whole, text.replaceAll("@", this.base), { mode });
  }

  host(place: string, env: Partial<Record<EnvironmentName, string>> = {}): HostAt {
    const set = Object.entries(env).map(([name, text]) => [name, text.replaceAll("@", this.base)]);
    return new HostAt(join(this.base, place), {
      HOME: `${this.base}/home`,
      ...Object.fromEntries(set),
    });
  }

  /** The venvs, best first, the active one with a star; the warnings; where a new one goes. */
  async find(place: string, env: Partial<Record<EnvironmentName, string>> = {}) {
    const host = this.host(place, env);
    const found = await findVenvs(host, await findProject(host));
    const short = (path: string) => path.slice(this.base.length + 1);
    const venvs = found.ranked.map(({ path }) => short(path) + (path === found.active ? "*" : ""));
    return {
      venvs: venvs.join(" "),
      warnings: found.warnings.join("\n").replaceAll(this.base, "@"),
      made: short(found.pattern),
    };
  }
}

Deno.test("venvs are found by their usual names, in the order of the contract", async () => {
  const names = [".venv", "venv", "py311", "py312", "other", "shell"].map((name) => `r/${name}`);
  using checkouts = new Checkouts({ "r/pyproject.toml": APP }, names);
  assertEquals((await checkouts.find("r")).venvs, "r/py312 r/py311 r/.venv r/venv");
  const env = { UV_PROJECT_ENVIRONMENT: "other", VIRTUAL_ENV: "@/r/shell" };
  assertEquals(await checkouts.find("r", env), {
    venvs: "r/shell* r/py312 r/py311 r/other r/.venv r/venv",
    warnings: "",
    made: "r/other",
  });
  assertEquals(
    (await checkouts.find("r", { VIRTUAL_ENV: "@/r/venv" })).venvs,
    "r/venv* r/py312 r/py311 r/.venv",
  );
  checkouts.write("r/.python-version", "3.11\n");
  assertEquals((await checkouts.find("r")).venvs, "r/py311 r/py312 r/.venv r/venv");
  checkouts.write("r/pyproject.toml", `${APP}[tool.tractest]\nvenv = "other"\n`);
  assertEquals(await checkouts.find("r", { VIRTUAL_ENV: "@/r/shell" }), {
    venvs: "r/other",
    warnings: ".venv is ignored: this project uses other",
    made: "r/other",
  });
});

Deno.test("a member of a monorepo has the venv of the repository or the workspace", async () => {
  const member = { "w/packages/one/pyproject.toml": APP };
  using git = new Checkouts({ ...member, "w/.git/HEAD": "" }, ["w/.venv"]);
  assertEquals(await git.find("w/packages/one"), {
    venvs: "w/.venv",
    warnings: "",
    made: "w/packages/one/.venv",
  });
  const workspace = { "w/pyproject.toml": '[tool.uv.workspace]\nmembers = ["packages/*"]\n' };
  using uv = new Checkouts({ ...member, ...workspace }, [".venv"]);
  assertEquals(await uv.find("w/packages/one"), { venvs: "", warnings: "", made: "w/.venv" });
  uv.write("w/packages/one/.git/HEAD", "");
  assertEquals((await uv.find("w/packages/one")).made, "w/.venv", "above git's top level too");
  uv.write("w/pyproject.toml", '[tool.uv.workspace]\nmembers = ["libraries/*"]\n');
  assertEquals((await uv.find("w/packages/one")).made, "w/packages/one/.venv", "no member");
  using alone = new Checkouts(member, ["w/.venv"]);
  assertEquals((await alone.find("w/packages/one")).venvs, "", "somebody else's directory");
});

Deno.test("the active venv of another project is ignored, unless this one is in it", async () => {
  const site = "lib/python3.11/site-packages";
  const other = { "r/pyproject.toml": APP, "other/pyproject.toml": PYTEST };
  const active = { VIRTUAL_ENV: "@/other/.venv" };
  const ignored = "VIRTUAL_ENV is @/other/.venv, the venv of another project: ignored";
  using checkouts = new Checkouts(other, ["other/.venv", "r/.venv", "home/.virtualenvs/x"]);
  assertEquals(await checkouts.find("r", active), {
    venvs: "r/.venv",
    warnings: ignored,
    made: "r/.venv",
  });
  checkouts.write(`other/.venv/${site}/_near.pth`, "@/r-fork/src\n");
  assertEquals((await checkouts.find("r", active)).venvs, "r/.venv");
  for (
    const [name, text] of [
      ["_app.pth", "@/r/src\n"],
      ["app-1.dist-info/direct_url.json", '{"url": "file://@/r", "dir_info": {}}'],
      ["__editable___app_finder.py", "MAPPING = {'app': '@/r/app'}\n"],
    ] as const
  ) {
    using installed = new Checkouts(other, ["other/.venv", "r/.venv"]);
    installed.write(`other/.venv/${site}/${name}`, text);
    const { venvs, warnings } = await installed.find("r", active);
    assertEquals([venvs, warnings], ["other/.venv* r/.venv", ""], name);
  }
  assertEquals(
    (await checkouts.find("r", { VIRTUAL_ENV: "@/home/.virtualenvs/x" })).venvs,
    "home/.virtualenvs/x* r/.venv",
    "it is in no project",
  );
  assertIncludes(
    (await checkouts.find("r", { VIRTUAL_ENV: "@/gone" })).warnings,
    "VIRTUAL_ENV is @/gone, which has no Python: ignored",
  );
});

Deno.test("the active venv of another worktree is that of another checkout", async () => {
  using checkouts = new Checkouts({
    "main/.git/HEAD": "",
    "main/pyproject.toml": APP,
    "linked/.git": "gitdir: @/main/.git/worktrees/linked\n",
    "linked/pyproject.toml": APP,
  }, ["main/.venv"]);
  assertIncludes(
    (await checkouts.find("linked", { VIRTUAL_ENV: "@/main/.venv" })).warnings,
    "the venv of another checkout of this repository",
  );
});

Deno.test("tractor's own repository uses py<MINOR>, whatever else is there", async () => {
  using checkouts = new Checkouts({
    "t/pyproject.toml": `[project]\nname = "tractor"\n${PYTEST}`,
  }, ["t/.venv", "t/py313", "home/.virtualenvs/x"]);
  const env = { VIRTUAL_ENV: "@/home/.virtualenvs/x", UV_PROJECT_ENVIRONMENT: ".venv" };
  const { venvs, warnings, made } = await checkouts.find("t", env);
  assertEquals([venvs, made], ["t/py313", "t/py<MINOR>"]);
  assertIncludes(warnings, ".venv is ignored: this project uses py<MINOR>");
  assertIncludes(warnings, "VIRTUAL_ENV is @/home/.virtualenvs/x, the venv of another project");
});

Deno.test("without a venv the Python of pytest on PATH is used only where it may be", async () => {
  const find = async (
    files: Readonly<Record<string, string>>,
    env: Partial<Record<EnvironmentName, string>> = {},
    script = "#!@/usr/bin/python3\n",
  ) => {
    using checkouts = new Checkouts({ "r/pyproject.toml": APP, ...files });
    checkouts.write("usr/bin/python3", "", 0o755);
    checkouts.write("bin/python", "", 0o755);
    checkouts.write("bin/pytest", script, 0o755);
    checkouts.write("uv/uv", "", 0o755);
    const host = checkouts.host("r", { PATH: "@/bin:/nowhere", ...env });
    const project = await findProject(host);
    const python = await pythonOfPytest(host, project, await findVenvs(host, project));
    return python && python.slice(checkouts.base.length);
  };
  assertEquals(await find({}), "/usr/bin/python3");
  assertEquals(await find({}, {}, "#!/usr/bin/env bash\n"), "/bin/python", "a shim of pyenv");
  assertEquals(await find({}, {}, "#!@/gone/python3\n"), "/bin/python");
  assert(await find({}, { PATH: "/nowhere" }) === null);
  const withUv = { PATH: "@/bin:@/uv" };
  assert(await find({ "r/uv.lock": "" }, withUv) === null, "uv would make a venv");
  assertEquals(await find({ "r/uv.lock": "" }), "/usr/bin/python3", "there is no uv");
  assert(await find({ "r/tractor/__init__.py": "" }) === null);
  const inVenv = { "other/pyproject.toml": "", "bin/../pyvenv.cfg": "" };
  assert(await find(inVenv, { VIRTUAL_ENV: "@" }) === null, "the venv of another project");
});
