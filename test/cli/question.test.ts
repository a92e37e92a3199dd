import { join } from "@std/path";
import { assert, assertEquals, assertIncludes } from "../assert.ts";
import { fakeUv, pythonProject } from "../fixtures/python_project.ts";
import { scratchState, TRACTEST, tractest } from "./tractest.ts";

const HAS_SCRIPT =
  new Deno.Command("script", { args: ["--version"], stdout: "null", stderr: "null" }).outputSync()
    .success;

/** Starts tractest at a real terminal; `type` waits for a text on the screen, then sends keys. */
function atTerminal(cwd: string, args: readonly string[], env: Record<string, string>) {
  // A terminal without a size wraps after each character.
  const command = "stty cols 200 rows 40; exec " +
    [TRACTEST, ...args].map((word) => `'${word}'`).join(" ");
  const child = new Deno.Command("script", {
    args: ["-qefc", command, "/dev/null"],
    cwd,
    clearEnv: true,
    env: { PATH: "/usr/bin:/bin", TERM: "xterm", SHELL: "/bin/sh", ...scratchState(), ...env },
    stdin: "piped",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  const writer = child.stdin.getWriter();
  let screen = "";
  const read = async () => {
    const { done, value } = await reader.read();
    if (value) screen += value;
    return !done;
  };
  return {
    async type(after: string, keys: string) {
      while (!screen.includes(after)) {
        assert(await read(), `it ended before showing ${JSON.stringify(after)}:\n${screen}`);
      }
      await writer.write(new TextEncoder().encode(keys));
    },
    async end() {
      while (await read());
      await writer.close().catch(() => {});
      return { code: (await child.status).code, screen };
    },
  };
}

function test(name: string, action: () => Promise<void>): void {
  Deno.test({
    name: HAS_SCRIPT ? name : `${name} (needs script)`,
    ignore: !HAS_SCRIPT,
    fn: action,
  });
}

const QUESTION = "No uv venv is active. Should I activate one via";
const DOWN = "\x1b[B";

test("without a venv check asks as the recipe does; the first answer makes one", async () => {
  await using project = await pythonProject({ venv: false });
  const terminal = atTerminal(project.root, ["check"], {
    PATH: `${await fakeUv(project.root)}:/usr/bin:/bin`,
  });
  await terminal.type("I'll activate it myself", "\r");
  const { code, screen } = await terminal.end();
  assertEquals(code, 0, screen);
  for (const part of [QUESTION, "Create/sync venv", "creating the venv", "just created"]) {
    assertIncludes(screen, part);
  }
});

test("the second answer stops, and shows how to activate a venv", async () => {
  await using project = await pythonProject({ venv: false });
  const terminal = atTerminal(project.root, ["check"], {
    PATH: `${await fakeUv(project.root)}:/usr/bin:/bin`,
  });
  await terminal.type("I'll activate it myself", `${DOWN}\r`);
  const { code, screen } = await terminal.end();
  assertEquals(code, 80, screen);
  assertIncludes(screen, "/bin/activate");
  assertEquals(
    await Deno.stat(join(project.root, "../tools/log")).catch(() => null),
    null,
    "uv was not asked to sync",
  );
});

test("Ctrl-C at a question exits with 130, without a stack trace", async () => {
  await using project = await pythonProject({ venv: false });
  const terminal = atTerminal(project.root, ["check"], {
    PATH: `${await fakeUv(project.root)}:/usr/bin:/bin`,
  });
  await terminal.type("I'll activate it myself", "\x03");
  const { code, screen } = await terminal.end();
  assertEquals(code, 130, screen);
  assert(!/\bat .*\.(ts|js):\d+/.test(screen), screen);
});

test("with --yes a terminal is not asked", async () => {
  await using project = await pythonProject({ venv: false });
  const terminal = atTerminal(project.root, ["check", "--yes"], {
    PATH: `${await fakeUv(project.root)}:/usr/bin:/bin`,
  });
  const { code, screen } = await terminal.end();
  assertEquals(code, 0, screen);
  assert(!screen.includes(QUESTION), screen);
});

test("fault 79: after an invalid answer Ctrl-C exits with 130, a valid answer counts", async () => {
  await using project = await pythonProject({});
  const runtime = join(project.root, "../runtime");
  Deno.mkdirSync(join(runtime, "tractor"), { recursive: true, mode: 0o700 });
  Deno.chmodSync(join(runtime, "tractor"), 0o700);
  const socket = join(runtime, "tractor/registry@1616.sock");
  const bind = `import socket; socket.socket(socket.AF_UNIX).bind(${JSON.stringify(socket)})`;
  assertEquals(new Deno.Command("python3", { args: ["-c", bind] }).outputSync().code, 0);
  const ask = async (keys: string) => {
    const terminal = atTerminal(project.root, ["zombies"], { XDG_RUNTIME_DIR: runtime });
    await terminal.type("(y/N)", "x\r");
    await terminal.type("Invalid", keys);
    return await terminal.end();
  };
  const interrupted = await ask("\x03");
  assertEquals(interrupted.code, 130, interrupted.screen);
  assert(!interrupted.screen.includes("a bug in tractest"), interrupted.screen);
  assert(Deno.lstatSync(socket).isSocket);
  const { screen } = await ask("\x7fy\r");
  assertIncludes(screen, "Remove this socket?");
  assert(!screen.includes("hint: tractest zombies --kill"), screen);
  assertIncludes(screen, `removed ${socket}`);
});

test("a run that waits at a question does not lock the project", async () => {
  await using project = await pythonProject({ venv: false });
  const terminal = atTerminal(project.root, ["run"], {
    PATH: `${await fakeUv(project.root)}:/usr/bin:/bin`,
  });
  await terminal.type("I'll activate it myself", "");
  const second = await tractest(["run", "--json"], { cwd: project.root });
  assertEquals([second.code, second.stderr.includes("in progress")], [80, false], second.stderr);
  await terminal.type("I'll activate it myself", `${DOWN}\r`);
  const { code, screen } = await terminal.end();
  assertEquals(code, 80, screen);
  assert(!screen.includes("in progress"), screen);
});
