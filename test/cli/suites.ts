import { dirname, join } from "@std/path";
import { Running } from "./running.ts";
import { type Outcome, scratchState, TRACTEST, tractest } from "./tractest.ts";

/** A directory of a test's own, removed with all that is in it. */
export class Scratch {
  constructor(readonly path: string) {}

  static async make(): Promise<Scratch> {
    return new Scratch(await Deno.realPath(await Deno.makeTempDir({ prefix: "tractest-test-" })));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.path, { recursive: true });
  }
}

/**
 * A project with a suite and a separate state of tractest; runs in a network of its own if that is
 * possible.
 */
export class Suite extends Scratch {
  /** Words that start each `tractest`. */
  through: readonly string[] = [];
  readonly root: string = join(this.path, "repo");
  #started: Running[] = [];

  /** Writes files below the root. */
  async write(files: Readonly<Record<string, string>>): Promise<this> {
    for (const [name, text] of Object.entries(files)) {
      await Deno.mkdir(dirname(join(this.root, name)), { recursive: true });
      await Deno.writeTextFile(join(this.root, name), text);
    }
    return this;
  }

  /**
   * The environment of a run: a state of the suite's own, so that runs of other tests don't count.
   */
  environment(env: Environment = {}): Record<string, string> {
    return {
      PATH: "/usr/bin:/bin:/usr/sbin:/sbin",
      ...scratchState(),
      XDG_STATE_HOME: join(this.path, "state"),
      XDG_RUNTIME_DIR: join(this.path, "runtime"),
      TMPDIR: this.path,
      SUITE: this.path,
      ...env,
    };
  }

  /** `tractest …` to its end. */
  tractest(args: readonly string[], env: Environment = {}): Promise<Outcome> {
    return tractest(args, {
      cwd: this.root,
      env: this.environment(env),
      wrap: [...ISOLATED ?? [], ...this.through],
    });
  }

  /** `tractest …`, while it runs. */
  start(args: readonly string[], env: Environment = {}, through: readonly string[] = []): Running {
    const running = new Running([...(ISOLATED ?? []), ...through, TRACTEST, ...args], {
      cwd: this.root,
      env: this.environment(env),
    });
    this.#started.push(running);
    return running;
  }

  /** Ends what still runs, then removes the directory. */
  override async [Symbol.asyncDispose](): Promise<void> {
    for (const running of this.#started) await running[Symbol.asyncDispose]();
    await super[Symbol.asyncDispose]();
  }

  /** The same at a terminal of its own: what is typed into it comes from its keyboard. */
  async atTerminal(args: readonly string[], env: Environment = {}): Promise<Running> {
    return this.start(args, { TERM: "xterm", ...env }, [await pythonWithPytest(), "-c", PTY]);
  }
}

type Environment = Readonly<Record<string, string>>;

/** Runs a program at a pseudo terminal: copies keys and output, ends with its code. */
export const PTY = `
import os, pty, sys
pid, master = pty.fork()
if pid == 0:
    os.execvp(sys.argv[1], sys.argv[1:])
import fcntl, select, struct, termios
fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
sources = [0, master]
while True:
    ready, _, _ = select.select(sources, [], [])
    if master in ready:
        try:
            data = os.read(master, 65536)
        except OSError:
            data = b""
        if not data:
            break
        os.write(1, data)
    if 0 in ready:
        data = os.read(0, 1024)
        if data:
            os.write(master, data)
        else:
            sources.remove(0)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) % 256)
`;

/**
 * A command prefix that starts a program in a network of its own, without other registrars; null
 * if unavailable.
 */
export const ISOLATED: readonly string[] | null = await isolation();

async function isolation(): Promise<string[] | null> {
  const up = ["sh", "-c", 'ip link set lo up && exec "$@"', "sh"];
  for (
    const words of [["unshare", "-n", ...up], ["unshare", "-U", "-c", "--keep-caps", "-n", ...up]]
  ) {
    try {
      const { success } = await new Deno.Command(words[0]!, {
        args: [...words.slice(1), "true"],
        stdout: "null",
        stderr: "null",
      }).output();
      if (success) return words;
    } catch {
      // No unshare here.
    }
  }
  return null;
}

/**
 * Words that start a program which can't see how short of CPU the machine is; needs {@linkcode
 * ISOLATED}.
 */
export const UNHURRIED: readonly string[] = [
  "unshare",
  "-m",
  "sh",
  "-c",
  "for f in /proc/pressure/cpu /sys/fs/cgroup/cpu.stat /sys/fs/cgroup/cpu/cpu.stat; do " +
  '[ ! -e $f ] || mount --bind /dev/null $f; done; exec "$@"',
  "sh",
];

const venvs = new Map<string, Promise<string>>();

/** A venv with nothing but pytest, made once for all tests of a process; the path of its Python. */
export function pythonWithPytest(
  version = "8.*",
  packages: readonly string[] = [],
): Promise<string> {
  const key = [version, ...packages].join(" ");
  let venv = venvs.get(key);
  if (!venv) venvs.set(key, venv = makeVenv(version, packages));
  return venv;
}

async function makeVenv(version: string, packages: readonly string[]): Promise<string> {
  const directory = await Deno.makeTempDir({ prefix: "tractest-venv-" });
  globalThis.addEventListener("unload", () => Deno.removeSync(directory, { recursive: true }));
  const venv = join(directory, "py3");
  await uv(["venv", "-q", "--python", ">=3.10,<3.13", "--no-python-downloads", venv]);
  const python = join(venv, "bin/python");
  await uv(["pip", "install", "-q", "--python", python, `pytest==${version}`, ...packages]);
  return python;
}

/** Runs uv; throws with its output if it fails. */
export async function uv(
  args: readonly string[],
  options: { cwd?: string; env?: Record<string, string> } = {},
): Promise<void> {
  const { success, stderr } = await new Deno.Command("uv", {
    args: [...args],
    ...options,
    stdout: "null",
    stderr: "piped",
  }).output();
  if (!success) throw new Error(`uv ${args.join(" ")}: ${new TextDecoder().decode(stderr)}`);
}

/** A configuration with the flags that projects on tractor have by default. */
export const PYPROJECT = `[tool.pytest.ini_options]
testpaths = ["tests"]
[tool.tractest]
default-flags = ["-x", "--tb=short", "--no-header"]
`;

/** A project with these tests and a venv with pytest alone. */
export async function pytestSuite(
  tests: Readonly<Record<string, string>>,
  version?: string,
  packages?: readonly string[],
): Promise<Suite> {
  const suite = new Suite((await Scratch.make()).path);
  const python = await pythonWithPytest(version, packages);
  await suite.write({ "pyproject.toml": PYPROJECT });
  await suite.write(
    Object.fromEntries(Object.entries(tests).map(([name, text]) => [`tests/${name}`, text])),
  );
  await Deno.symlink(dirname(dirname(python)), join(suite.root, "py310"));
  return suite;
}

/**
 * A copy of the sample application with a venv of its own, in a git repository.
 *
 * @param python which one, as uv takes it
 */
export async function sampleSuite(python = ">=3.10,<3.13"): Promise<Suite> {
  const suite = new Suite((await Scratch.make()).path);
  await copyTree(new URL("../sample", import.meta.url).pathname, suite.root);
  await uv(["sync", "-q", "--frozen", "--python", python, "--no-python-downloads"], {
    cwd: suite.root,
    env: { UV_PROJECT_ENVIRONMENT: "py310" },
  });
  return suite;
}

/** Copies a directory without venvs and caches. */
export async function copyTree(from: string, to: string): Promise<void> {
  await Deno.mkdir(to, { recursive: true });
  for await (const entry of Deno.readDir(from)) {
    if (/^py3\d+$|^__pycache__$|^\.pytest_cache$/.test(entry.name)) continue;
    if (entry.isDirectory) await copyTree(join(from, entry.name), join(to, entry.name));
    else await Deno.copyFile(join(from, entry.name), join(to, entry.name));
  }
}

/** Whether a process is alive; a zombie is not. */
export async function alive(pid: number): Promise<boolean> {
  const { stdout } = await new Deno.Command("ps", { args: ["-o", "stat=", "-p", String(pid)] })
    .output();
  const state = new TextDecoder().decode(stdout).trim();
  return state !== "" && !state.startsWith("Z");
}
