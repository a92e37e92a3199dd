import { dirname } from "@std/path";
import { copyTree, ISOLATED, pythonWithPytest, Scratch, Suite, UNHURRIED } from "./suites.ts";
import { TRACTEST } from "./tractest.ts";

/** A copy of the sample in a git repository, with a venv, where the examples are typed. */
export async function storeProject(): Promise<Suite> {
  const suite = new Suite((await Scratch.make()).path);
  await copyTree(new URL("../fixtures/store", import.meta.url).pathname, suite.root);
  const venv = dirname(dirname(await pythonWithPytest()));
  await shell(suite, [`cp -a '${venv}' .venv`, "git init -q -b main", "git add -A"].join(" && "));
  await shell(suite, "git commit -q -m 'Serve a store'");
  return suite;
}

/** What a script prints to standard output, in a network of its own if that is possible. */
export async function shell(suite: Suite, script: string): Promise<string> {
  const [program, ...args] = [
    ...(ISOLATED ? [...ISOLATED, ...UNHURRIED] : []),
    "bash",
    "-c",
    script,
  ];
  const environment = suite.environment({ GIT_CONFIG_GLOBAL: "/dev/null", NO_COLOR: "1" });
  const who = { NAME: "dev", EMAIL: "dev@example.org", DATE: "2026-11-28T12:00:00Z" };
  const { stdout } = await new Deno.Command(program!, {
    args,
    cwd: suite.root,
    clearEnv: true,
    env: {
      ...environment,
      PATH: `${dirname(TRACTEST)}:${environment.PATH}`,
      ...Object.fromEntries(
        Object.entries(who).flatMap(([name, value]) =>
          ["AUTHOR", "COMMITTER"].map((role) => [`GIT_${role}_${name}`, value])
        ),
      ),
    },
    stdin: "null",
  }).output();
  return new TextDecoder().decode(stdout);
}

/** Ends the processes that were started in a suite and are alive; returns their command lines. */
export async function endLeft(suite: Suite): Promise<string[]> {
  const left: string[] = [];
  for await (const { name } of Deno.readDir("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const environment = await Deno.readTextFile(`/proc/${name}/environ`).catch(() => "");
    if (!environment.split("\0").includes(`SUITE=${suite.path}`)) continue;
    left.push((await Deno.readTextFile(`/proc/${name}/cmdline`)).replaceAll("\0", " "));
    Deno.kill(Number(name), "SIGKILL");
  }
  return left;
}
