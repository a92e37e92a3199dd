import { assert } from "../assert.ts";
import { validate, validateEvents } from "./validated.ts";

/** How a started tractest ended. */
export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** How to start it. */
export interface TractestOptions {
  readonly cwd: string;
  /**
   * Set in addition to PATH, HOME and the directories of {@linkcode scratchState}; nothing
   * else is inherited.
   */
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin?: string;
  /** A command line to put before it: `["unshare", "-n", "sh", "-c", '… exec "$@"', "sh"]`. */
  readonly wrap?: readonly string[];
}

/** The built binary; TRACTEST_BINARY names another one. */
export const TRACTEST = Deno.env.get("TRACTEST_BINARY") ??
  new URL("../../dist/tractest", import.meta.url).pathname;

let state: string | undefined;

/**
 * Directories for state and cache that all tests of a file share, so that a self-contained binary
 * unpacks itself once.
 */
export function scratchState(): Record<"HOME" | "XDG_STATE_HOME" | "XDG_CACHE_HOME", string> {
  if (state === undefined) {
    state = Deno.makeTempDirSync({ prefix: "tractest-state-" });
    addEventListener("unload", () => Deno.removeSync(state!, { recursive: true }));
  }
  return { HOME: state, XDG_STATE_HOME: `${state}/state`, XDG_CACHE_HOME: `${state}/cache` };
}

/** Runs the built binary to its end; a document that it prints has to fit its schema. */
export async function tractest(
  args: readonly string[],
  { cwd, env = {}, stdin, wrap = [] }: TractestOptions,
): Promise<Outcome> {
  const [program, ...words] = [...wrap, TRACTEST, ...args];
  const child = new Deno.Command(program!, {
    args: words,
    cwd,
    clearEnv: true,
    env: { PATH: "/usr/bin:/bin:/usr/sbin:/sbin", ...scratchState(), ...env },
    stdin: stdin === undefined ? "null" : "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  if (stdin !== undefined) {
    const writer = child.stdin.getWriter();
    await writer.write(new TextEncoder().encode(stdin)).catch(() => {});
    await writer.close().catch(() => {});
  }
  const { code, ...output } = await child.output();
  const [stdout, stderr] = [output.stdout, output.stderr].map((bytes) =>
    new TextDecoder().decode(bytes)
  ) as [string, string];
  // What joins words until they are written.
  assert(!stdout.includes("\x1f") && !stderr.includes("\x1f"), stdout + stderr);
  validate(stdout);
  if (args[0] === "run") await validateEvents({ ...scratchState(), ...env }.XDG_STATE_HOME);
  return { code, stdout, stderr };
}
