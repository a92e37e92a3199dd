import { findProject } from "../../lib/project/project.ts";
import { assertEquals } from "../assert.ts";
import { HostAt } from "../host_at.ts";

const PYTEST = '[project]\nname = "app"\n[tool.pytest.ini_options]\n';
const INSTALLED = "lib/python3.11/site-packages/tractor/__init__.py";

/** The profile of a project with these files, found from `at` below the repository. */
async function profileIn(
  files: readonly string[],
  { at = "", more = {}, active, python = null }: {
    readonly at?: string;
    readonly more?: Readonly<Record<string, string>>;
    readonly active?: string;
    readonly python?: string | null;
  } = {},
): Promise<string> {
  const base = await Deno.realPath(await Deno.makeTempDir({ prefix: "tractest-profile-" }));
  try {
    const all = { ...Object.fromEntries(files.map((path) => [path, ""])), ...more };
    for (const [path, text] of Object.entries(all)) {
      const whole = `${base}/${path}`;
      await Deno.mkdir(whole.slice(0, whole.lastIndexOf("/")), { recursive: true });
      await Deno.writeTextFile(whole, text, { mode: 0o755 });
    }
    const variables = active === undefined ? {} : { VIRTUAL_ENV: `${base}/${active}` };
    const host = new HostAt(`${base}/repo${at}`, variables);
    return (await findProject(host, null, python)).profile;
  } finally {
    await Deno.remove(base, { recursive: true });
  }
}

const APP = { "repo/pyproject.toml": PYTEST };

Deno.test("a project without any sign of tractor is plain, whatever lies next to it", async () => {
  assertEquals(await profileIn(["repo/tests/test_a.py"], { more: APP }), "plain");
  const near = ["repo/.git/HEAD", "tractor/__init__.py", `venv/${INSTALLED}`];
  const above = { ...APP, "requirements.txt": "tractor\n" };
  assertEquals(await profileIn(near, { more: above }), "plain");
});

Deno.test("tractor's source, name, declaration or installation makes its profile", async () => {
  const more = { "repo/pyproject.toml": PYTEST.replace("app", "tractor") };
  assertEquals(await profileIn([], { more }), "tractor");
  assertEquals(await profileIn(["repo/tractor/__init__.py"], { more: APP }), "tractor");
  const required = { ...APP, "repo/requirements-test.txt": "tractor\n" };
  assertEquals(await profileIn([], { more: required }), "tractor");
  for (const venv of [".venv", "venv", "py313"]) {
    assertEquals(await profileIn([`repo/${venv}/${INSTALLED}`], { more: APP }), "tractor", venv);
  }
  const editable = "repo/.venv/lib/python3.13/site-packages/tractor-0.1.dist-info/METADATA";
  assertEquals(await profileIn([editable], { more: APP }), "tractor");
  const configured = {
    "repo/pyproject.toml": `${PYTEST}[tool.tractest]\nvenv = "envs/<MINOR>-dev"\n`,
  };
  assertEquals(
    await profileIn([`repo/envs/313-dev/${INSTALLED}`], { more: configured }),
    "tractor",
  );
});

Deno.test("what stands above the root counts up to the top of the work tree", async () => {
  const member = { "repo/member/pyproject.toml": PYTEST };
  const files = ["repo/.git/HEAD", `repo/.venv/${INSTALLED}`];
  assertEquals(await profileIn(files, { at: "/member", more: member }), "tractor");
  assertEquals(await profileIn(files.slice(1), { at: "/member", more: member }), "plain");
});

Deno.test("with --python its venv decides, not those of the project", async () => {
  const files = ["elsewhere/bin/python", `elsewhere/${INSTALLED}`, "plain/bin/python"];
  const own = `repo/.venv/${INSTALLED}`;
  for (const python of ["../elsewhere", "../elsewhere/bin/python"]) {
    assertEquals(await profileIn(files, { more: APP, python }), "tractor");
  }
  assertEquals(await profileIn([...files, own], { more: APP, python: "../plain" }), "plain");
  assertEquals(await profileIn([...files, own], { more: APP }), "tractor");
});

Deno.test("the active venv counts only where the project has none", async () => {
  const elsewhere = `elsewhere/${INSTALLED}`;
  const active = "elsewhere";
  assertEquals(await profileIn([elsewhere], { more: APP, active }), "tractor");
  const own = [elsewhere, "repo/.venv/pyvenv.cfg"];
  assertEquals(await profileIn(own, { more: APP, active }), "plain");
});
