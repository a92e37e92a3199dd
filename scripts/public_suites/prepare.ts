/** Clones public suites and makes their venvs. */

import type { Suite } from "./results.ts";

/** Packages newer than this are not taken, so that a suite stays what it was. */
const NEWEST = "2026-11-01";

/**
 * Clones a suite at its revision and installs what it needs into its `.venv`, unless that is done.
 *
 * @param mirror a directory that stands for github.com, or null
 * @throws Error with the words of the command that failed
 */
export async function prepare(
  suite: Suite,
  checkout: string,
  mirror: string | null,
): Promise<void> {
  const done = `${checkout}/.venv/prepared`;
  const state = [suite.revision, suite.python, ...suite.prepare].join("\n");
  if (await Deno.readTextFile(done).catch(() => "") === state) return;
  await Deno.remove(checkout, { recursive: true }).catch(() => {});
  const env = {
    UV_EXCLUDE_NEWER: NEWEST,
    ...(mirror === null ? {} : {
      GIT_CONFIG_COUNT: "2",
      GIT_CONFIG_KEY_0: `url.file://${mirror}/.insteadOf`,
      GIT_CONFIG_VALUE_0: "https://github.com/",
      GIT_CONFIG_KEY_1: "safe.directory",
      GIT_CONFIG_VALUE_1: "*",
    }),
  };
  const url = `https://github.com/${suite.repository}`;
  await sh(`git clone --quiet ${url} ${quoted(checkout)}`, "/", env);
  for (
    const line of [
      `git checkout --quiet ${suite.revision}`,
      `uv venv --quiet --python ${suite.python} .venv`,
      ...suite.prepare,
    ]
  ) await sh(line, checkout, env);
  await Deno.writeTextFile(done, state);
}

async function sh(line: string, cwd: string, env: Record<string, string>): Promise<void> {
  const { success, stderr } = await new Deno.Command("sh", {
    args: ["-c", line],
    cwd,
    env: { ...env, VIRTUAL_ENV: `${cwd}/.venv` },
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).output();
  if (!success) throw new Error(`${line}\n${new TextDecoder().decode(stderr).trim()}`);
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
