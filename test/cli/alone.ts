import type { Suite } from "./suites.ts";
import { TRACTEST } from "./tractest.ts";

/**
 * A command prefix that starts a program with its own network and processes; null if unavailable.
 */
export const ALONE = await alone();

async function alone(): Promise<readonly string[] | null> {
  const up = [
    "-n",
    "-p",
    "-f",
    "--kill-child",
    "--mount-proc",
    "sh",
    "-c",
    'ip link set lo up && "$@"; exit $?',
    "sh",
  ];
  for (const words of [["unshare"], ["unshare", "-U", "-c", "--keep-caps"]]) {
    const [program, ...args] = [...words, ...up, "true"];
    const tried = await new Deno.Command(program!, { args, stdout: "null", stderr: "null" })
      .output().catch(() => null);
    if (tried?.success) return [...words, ...up];
  }
  return null;
}

/**
 * Runs a shell script in a suite, in a pid namespace of its own, so that all that it leaves ends
 * with it. `$0` is tractest.
 */
export async function script(suite: Suite, text: string): Promise<string> {
  const [program, ...args] = [...ALONE!, "bash", "-c", text, TRACTEST];
  const { stdout, stderr } = await new Deno.Command(program!, {
    args,
    cwd: suite.root,
    clearEnv: true,
    env: suite.environment(),
    stdin: "null",
  })
    .output();
  return new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
}
