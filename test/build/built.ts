/** Helpers for tests of the built binary. */

import { permissionFlags } from "../../lib/system/permission_flags.ts";

/** The binary that `scripts/test` made before the tests. */
export const BINARY = `${Deno.cwd()}/dist/tractest`;

/** How a program ended. */
export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end with exactly the environment `env` and a PATH. */
export async function run(
  program: string,
  args: string[],
  env: Record<string, string> = {},
  cwd?: string,
): Promise<Outcome> {
  const command = new Deno.Command(program, {
    args,
    cwd,
    clearEnv: true,
    env: { PATH: "/usr/bin:/bin", ...env },
    stdin: "null",
  });
  const { code, stdout, stderr } = await command.output();
  return {
    code,
    stdout: new TextDecoder().decode(stdout),
    stderr: new TextDecoder().decode(stderr),
  };
}

/** A fresh directory for one test, removed afterwards whatever its modes are by then. */
export async function withDirectory(action: (directory: string) => Promise<void>): Promise<void> {
  const directory = await Deno.realPath(await Deno.makeTempDir({ prefix: "tractest-build-" }));
  try {
    await action(directory);
  } finally {
    await run("chmod", ["-R", "u+rwX", directory]);
    await Deno.remove(directory, { recursive: true });
  }
}

/** Whether we may change owners and mount. */
export const IS_ROOT = Deno.uid() === 0;

/** Whether we may create a mount namespace. */
export async function canMount(): Promise<boolean> {
  try {
    return (await run("unshare", ["--mount", "true"])).code === 0;
  } catch {
    return false;
  }
}

let made: Promise<string> | undefined;

/**
 * A self-contained executable: the built one, or if that is of another kind, one made for the tests
 * (`remove` it at the end).
 */
export function selfContained(): Promise<string> {
  made ??= (async () => {
    if (
      (await Deno.readTextFile("scripts/self_contained.sh")).slice(0, 9) === (await head(BINARY, 9))
    ) return BINARY;
    const directory = `${Deno.cwd()}/dist/test-self-contained`;
    const result = await new Deno.Command("scripts/build", {
      args: ["self-contained"],
      env: { TRACTEST_DIST: directory },
      stdin: "null",
    }).output();
    if (!result.success) throw new Error(new TextDecoder().decode(result.stderr));
    return `${directory}/tractest`;
  })();
  return made;
}

/** The first bytes of a file, as text. */
export async function head(path: string, count: number): Promise<string> {
  using file = await Deno.open(path);
  const bytes = new Uint8Array(count);
  return new TextDecoder("latin1").decode(bytes.subarray(0, (await file.read(bytes)) ?? 0));
}

/**
 * The permissions in a file that `deno compile` made, without those that are empty or Deno's
 * default.
 */
export async function compiledPermissions(path: string): Promise<Record<string, unknown>> {
  const text = new TextDecoder("latin1").decode(await Deno.readFile(path));
  const start = text.lastIndexOf('"permissions":{') + '"permissions":'.length;
  const end = text.indexOf("}", start) + 1;
  const all = JSON.parse(text.slice(start, end)) as Record<string, unknown>;
  return Object.fromEntries(
    Object.entries(all).filter(([name, value]) => value !== null && name !== "allow_import"),
  );
}

/**
 * The permissions of the table, in the format of {@linkcode compiledPermissions}. For Deno an empty
 * list means all of a kind.
 */
export function tablePermissions(): Record<string, unknown> {
  const granted: Record<string, unknown> = { prompt: false };
  for (const flag of permissionFlags()) {
    const [name = "", list] = flag.split("=");
    granted[name.slice(2).replace("-", "_")] = list?.split(",") ?? [];
  }
  return granted;
}
