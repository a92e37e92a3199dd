import { activation } from "../../../lib/system/programs/activation.ts";
import { assertEquals } from "../../assert.ts";

const VENV = {
  argv: ["/repo/py313/bin/python"],
  environment: {},
  venv: "/repo/py313",
  minor: "313",
};
const of = (inherited: Record<string, string>, interpreter = VENV) =>
  activation(interpreter, new Map(Object.entries(inherited)));

Deno.test("an inactive venv is activated: its programs come first, PYTHONHOME is unset", () => {
  assertEquals(of({ PATH: "/usr/bin:/bin" }), {
    set: { VIRTUAL_ENV: "/repo/py313", PATH: "/repo/py313/bin:/usr/bin:/bin" },
    unset: [],
  });
  assertEquals(of({ PYTHONHOME: "/elsewhere" }), {
    set: { VIRTUAL_ENV: "/repo/py313", PATH: "/repo/py313/bin:/usr/bin:/bin" },
    unset: ["PYTHONHOME"],
  });
});

Deno.test("an active venv stays as it is unless something precedes it in PATH", () => {
  assertEquals(of({ VIRTUAL_ENV: "/repo/py313", PATH: "/repo/py313/bin:/bin" }), {
    set: {},
    unset: [],
  });
  assertEquals(of({ VIRTUAL_ENV: "/repo/py313", PATH: "/shims:/repo/py313/bin:/bin" }), {
    set: { PATH: "/repo/py313/bin:/shims:/bin" },
    unset: [],
  });
});

Deno.test("another venv that is active is deactivated", () => {
  assertEquals(
    of({ VIRTUAL_ENV: "/other/.venv", VIRTUAL_ENV_PROMPT: "other", PATH: "/other/.venv/bin:/bin" }),
    {
      set: { VIRTUAL_ENV: "/repo/py313", PATH: "/repo/py313/bin:/bin" },
      unset: ["VIRTUAL_ENV_PROMPT"],
    },
  );
});

Deno.test("uv activates the venv itself, and a Python without a venv has none to activate", () => {
  const inherited = { PATH: "/bin", PYTHONHOME: "/elsewhere" };
  const uv = activation(
    { ...VENV, argv: ["/bin/uv", "run", "python"] },
    new Map(Object.entries(inherited)),
  );
  assertEquals(uv, { set: {}, unset: ["PYTHONHOME"] });
  const system = activation(
    { ...VENV, argv: ["/usr/bin/python3"], venv: null },
    new Map(Object.entries(inherited)),
  );
  assertEquals(system, { set: {}, unset: [] });
});
