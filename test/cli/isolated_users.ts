import { dirname, join } from "@std/path";
import { isRoot } from "../leaks/scene.ts";
import type { Running } from "./running.ts";
import { PTY, PYPROJECT, pytestSuite, pythonWithPytest, sampleSuite, Suite, uv } from "./suites.ts";
import type { Outcome } from "./tractest.ts";

/**
 * The users that run tractest in a test: the one who runs the tests and, if that is root, a plain
 * user too.
 */
export interface User {
  readonly name: string;
  readonly uid: number;
  /** A command prefix that runs a command as this user. */
  readonly as: readonly string[];
}

const PLAIN_UID = 65_534;

/** The users available here. */
export const USERS: readonly User[] = isRoot
  ? [
    { name: "root", uid: 0, as: [] },
    {
      name: "a plain user",
      uid: PLAIN_UID,
      as: [
        "setpriv",
        `--reuid=${PLAIN_UID}`,
        `--regid=${PLAIN_UID}`,
        "--clear-groups",
        "--inh-caps=-all",
        "--bounding-set=-all",
      ],
    },
  ]
  : [{ name: "a plain user", uid: Deno.uid()!, as: [] }];

/**
 * A {@linkcode Suite} of a user, with a Python that this user can start, and a state and a cache
 * that are the user's.
 */
export class UsersSuite extends Suite {
  constructor(path: string, readonly user: User) {
    super(path);
  }

  /**
   * A project with these tests.
   *
   * @param configuration more keys of `[tool.tractest]`
   */
  static async of(
    user: User,
    tests: Readonly<Record<string, string>>,
    configuration = "",
  ): Promise<UsersSuite> {
    const { path } = await pytestSuite(tests);
    const suite = new UsersSuite(path, user);
    await suite.write({ "pyproject.toml": `${PYPROJECT}${configuration}` });
    if (user.as.length > 0) {
      await Deno.remove(join(suite.root, "py310"));
      await Deno.symlink(dirname(dirname(await everybodysPython())), join(suite.root, "py310"));
    }
    await suite.give();
    return suite;
  }

  /** The sample application. */
  static async sample(user: User): Promise<UsersSuite> {
    const { path } = await (user.as.length > 0 ? sampleSuite("/usr/bin/python3") : sampleSuite());
    const suite = new UsersSuite(path, user);
    await suite.give();
    return suite;
  }

  /** Hands everything in it to the user. */
  async give(): Promise<void> {
    if (this.user.as.length > 0) {
      await new Deno.Command("chown", {
        args: ["-R", `${this.user.uid}:${this.user.uid}`, this.path],
      }).output();
    }
  }

  override environment(env: Readonly<Record<string, string>> = {}): Record<string, string> {
    const own = { HOME: join(this.path, "home"), XDG_CACHE_HOME: join(this.path, "cache") };
    return super.environment({ ...(this.user.as.length > 0 ? own : {}), ...env });
  }

  override start(
    args: readonly string[],
    env: Readonly<Record<string, string>> = {},
    through: readonly string[] = [],
  ): Running {
    return super.start(args, env, [...through, ...this.user.as]);
  }

  override tractest(
    args: readonly string[],
    env: Readonly<Record<string, string>> = {},
  ): Promise<Outcome> {
    return this.start(args, env).ended;
  }

  override async atTerminal(
    args: readonly string[],
    env: Readonly<Record<string, string>> = {},
  ): Promise<Running> {
    // The terminal is the user's as well as what runs in it.
    const python = this.user.as.length > 0 ? await everybodysPython() : await pythonWithPytest();
    return super.start(args, { TERM: "xterm", ...env }, [...this.user.as, python, "-c", PTY]);
  }
}

let python: Promise<string> | undefined;

/**
 * A venv with pytest whose Python is the system's: other users may have no access to root's own.
 */
export function everybodysPython(): Promise<string> {
  return python ??= (async () => {
    const directory = await Deno.makeTempDir({ prefix: "tractest-venv-" });
    globalThis.addEventListener("unload", () => Deno.removeSync(directory, { recursive: true }));
    await Deno.chmod(directory, 0o755);
    const venv = join(directory, "py3");
    await uv(["venv", "-q", "--python", "/usr/bin/python3", "--no-python-downloads", venv]);
    await uv(["pip", "install", "-q", "--python", join(venv, "bin/python"), "pytest==8.*"]);
    return join(venv, "bin/python");
  })();
}

/**
 * Command lines that contain a word, of all processes that are not zombies.
 */
export async function processesWith(word: string): Promise<string[]> {
  const { stdout } = await new Deno.Command("ps", { args: ["-eo", "stat=,pid=,args=", "-ww"] })
    .output();
  return new TextDecoder().decode(stdout).split("\n").filter((line) =>
    line.includes(word) && !line.startsWith("Z")
  );
}

/** Resolves when no process has the word in its command line any more; throws after a while. */
export async function untilGone(word: string): Promise<void> {
  for (const deadline = performance.now() + 10_000;;) {
    const left = await processesWith(word);
    if (left.length === 0) return;
    if (performance.now() > deadline) throw new Error(`still there:\n${left.join("\n")}`);
    await new Promise((done) => setTimeout(done, 50));
  }
}
