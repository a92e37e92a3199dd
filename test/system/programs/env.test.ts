import { RealHost } from "../../../lib/system/real_host.ts";
import type { ProgramResult } from "../../../lib/system/host.ts";
import {
  envCommand,
  ignoresSigint,
  inheritedEnvironment,
  isGitLocal,
  knowsDefaultSignal,
  parseEnvironment,
  sigintMethod,
} from "../../../lib/system/programs/env.ts";
import { assert, assertEquals } from "../../assert.ts";
import { fakeHost } from "../../fake_host.ts";
import { ownProcessText } from "./own_process_text.ts";

const result = (
  text: string,
  outcome: ProgramResult["outcome"] = "exited",
  code = 0,
): ProgramResult => ({
  outcome,
  code,
  stdout: new TextEncoder().encode(text),
  stderr: new Uint8Array(),
});

Deno.test("fault 36: LD_* and DYLD_* become arguments of env, others its environment", () => {
  const inherited = new Map([["PATH", "/bin"], ["LD_LIBRARY_PATH", "/nix lib"], ["DYLD_X", "1"], [
    "LDFLAGS",
    "-g",
  ]]);
  assertEquals(envCommand({ inherited, argv: ["/v/bin/python", "-m", "pytest"] }), {
    args: ["LD_LIBRARY_PATH=/nix lib", "DYLD_X=1", "/v/bin/python", "-m", "pytest"],
    env: { PATH: "/bin", LDFLAGS: "-g" },
  });
});

Deno.test("variables to set are part of the command and override inherited ones", () => {
  const inherited = new Map([["A", "old"], ["LD_A", "old"], ["B", "b"], ["VIRTUAL_ENV", "/other"]]);
  const set = { A: "new", LD_A: "new", UV_PROJECT_ENVIRONMENT: "py313" };
  assertEquals(envCommand({ inherited, set, unset: ["VIRTUAL_ENV"], argv: ["/uv"] }), {
    args: ["A=new", "LD_A=new", "UV_PROJECT_ENVIRONMENT=py313", "/uv"],
    env: { B: "b" },
  });
});

Deno.test("fault 45: no variable that git calls repository-local is inherited", async () => {
  const { stdout } = await new Deno.Command("git", { args: ["rev-parse", "--local-env-vars"] })
    .output();
  const names = new TextDecoder().decode(stdout).trim().split("\n");
  assert(names.includes("GIT_DIR") && names.includes("GIT_INDEX_FILE"));
  assertEquals(names.filter((name) => !isGitLocal(name)), []);
  const inherited = new Map(
    [...names, "GIT_CONFIG_KEY_0", "GIT_CONFIG_VALUE_12", "GIT_AUTHOR_NAME"].map((
      name,
    ) => [name, "x"]),
  );
  assertEquals(envCommand({ inherited, argv: ["/p"] }), {
    args: ["/p"],
    env: { GIT_AUTHOR_NAME: "x" },
  });
});

Deno.test("env starts a Python in a directory with an equals sign", async () => {
  const directory = await Deno.makeTempDir({ prefix: "a=b " });
  try {
    const program = `${directory}/python`;
    await Deno.writeTextFile(program, '#!/bin/sh\nprintf "%s|" "$0" "$@"\n', { mode: 0o755 });
    const { args, env } = envCommand({
      inherited: new Map([["PATH", "/usr/bin:/bin"]]),
      argv: [program, "-c", "x=1", "it's"],
    });
    const answer = await new RealHost().programs.run("env", args, {
      why: "test",
      env,
      exactEnv: true,
    });
    assertEquals(new TextDecoder().decode(answer.stdout), `${program}|-c|x=1|it's|`);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

for (const method of ["env", "python"] as const) {
  Deno.test(`the method "${method}" sets an ignored SIGINT to its default`, async () => {
    const probe =
      "import signal; print(signal.getsignal(signal.SIGINT) is signal.default_int_handler)";
    const python = await which("python3");
    const { args, env } = envCommand({
      inherited: new Map([["PATH", "/usr/bin:/bin"]]),
      argv: [python, "-c", probe],
      sigint: method,
    });
    const start = async (words: readonly string[]) => {
      const child = await new Deno.Command("sh", {
        args: ["-c", 'trap "" INT; exec "$@"', "sh", ...words],
        clearEnv: true,
        env,
      }).output();
      return new TextDecoder().decode(child.stdout).trim();
    };
    assertEquals(await start([python, "-c", probe]), "False", "without it, it stays ignored");
    assertEquals(await start(["/usr/bin/env", ...args]), "True");
  });
}

Deno.test("the trampoline comes after all words of the Python", () => {
  const argv = ["/uv", "run", "--frozen", "python", "-m", "pytest"];
  const { args } = envCommand({ inherited: new Map(), argv, sigint: "python", pythonWords: 4 });
  assertEquals([...args.slice(0, 5), ...args.slice(6)], [
    "/uv",
    "run",
    "--frozen",
    "python",
    "-c",
    "-m",
    "pytest",
  ]);
});

Deno.test("environment records may contain any value", () => {
  assertEquals([
    ...parseEnvironment("A=1\0B=x=y\n z\0=C:\0nothing\0EMPTY=\0A=2\0BASH_FUNC_f%%=() { :; }\0"),
  ], [
    ["A", "1"],
    ["B", "x=y\n z"],
    ["EMPTY", ""],
    ["BASH_FUNC_f%%", "() { :; }"],
  ]);
});

Deno.test("the inherited environment is that with which the process was started", async () => {
  const before = Deno.env.toObject();
  const inherited = await inheritedEnvironment(new RealHost());
  assertEquals(inherited.get("PATH"), before.PATH);
  assertEquals([...inherited.keys()].filter((name) => !(name in before)), []);
});

Deno.test("where /proc can't be read, env is asked for the environment", async () => {
  const asked: string[] = [];
  const host = fakeHost({
    build: () => ({ kind: "compiled" as const, runtime: "" }),
    run: (program: string) => {
      asked.push(program);
      return Promise.resolve(program === "cat" ? result("", "exited", 1) : result("A=1\0"));
    },
  });
  assertEquals([...await inheritedEnvironment(host)], [["A", "1"]]);
  assertEquals(asked, ["cat", "env"]);
});

Deno.test("variables set by the starter of a self-contained binary are not inherited", async () => {
  const own = "DENO_DIR=/home/dev/.cache/tractest/program-0a1b/deno";
  const cases = [
    ["self-contained", own, ["A"]],
    ["self-contained", "DENO_DIR=/home/dev/.cache/deno", ["DENO_DIR", "A"]],
    ["compiled", own, ["DENO_NO_UPDATE_CHECK", "DENO_DIR", "A"]],
  ] as const;
  for (const [kind, directory, names] of cases) {
    const run = () => Promise.resolve(result(`DENO_NO_UPDATE_CHECK=1\0${directory}\0A=1\0`));
    const host = fakeHost({ run, build: () => ({ kind, runtime: "" }) });
    assertEquals([...(await inheritedEnvironment(host)).keys()], [...names]);
  }
});

Deno.test("the home that the starter of a self-contained one replaced is inherited", async () => {
  const run = () => Promise.resolve(result("HOME=/home/dev/.cache/tractest/program-0a1b\0A=1\0"));
  const env = (name: string) => name === "HOME" ? "/home/dev" : undefined;
  const host = fakeHost({ run, env, build: () => ({ kind: "self-contained", runtime: "" }) });
  assertEquals([...await inheritedEnvironment(host)], [["HOME", "/home/dev"], ["A", "1"]]);
});

Deno.test("GNU env knows --default-signal since coreutils 8.31", () => {
  for (
    const [version, knows] of [["8.30", false], ["8.31", true], ["9.1", true], [
      "10.0",
      true,
    ]] as const
  ) {
    assertEquals(knowsDefaultSignal(`env (GNU coreutils) ${version}\n`), knows, version);
  }
  assertEquals(knowsDefaultSignal("BusyBox v1.36.1 () multi-call binary.\n"), false);
});

Deno.test("SIGINT is reset by the available method, even if its state is unknown", async () => {
  const method = (own: ProgramResult, version: ProgramResult) =>
    sigintMethod(
      fakeHost({
        pid: 7,
        run: (program: string) => Promise.resolve(program === "cat" ? own : version),
      }),
    );
  const ignored = result(ownProcessText("A=1\0", true));
  assertEquals(await method(result(ownProcessText("A=1\0")), result("")), "as-inherited");
  assertEquals(await method(ignored, result("env (GNU coreutils) 9.1")), "env");
  assertEquals(await method(ignored, result("env (GNU coreutils) 8.30")), "python");
  assertEquals(await method(ignored, result("", "missing", -1)), "python");
  assertEquals(await method(result("", "missing", -1), result("env (GNU coreutils) 9.1")), "env");
  assertEquals(await ignoresSigint(fakeHost({ platform: "darwin" })), null);
});

async function which(program: string): Promise<string> {
  const { stdout } = await new Deno.Command("sh", {
    args: ["-c", `command -v ${program}`],
    env: { PATH: "/usr/bin:/bin" },
  }).output();
  return new TextDecoder().decode(stdout).trim();
}
