import { dirname, join } from "@std/path";
import { pythonWithPytest, Scratch } from "../cli/suites.ts";
import { scratchState, TRACTEST } from "../cli/tractest.ts";
import { filesOf, has, type RandomSuite } from "./suite.ts";

/** How a program ended. */
export interface Ended {
  /** Null if it was ended at its limit from outside. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

const SETUP = 'ip link set lo up; mount -t tmpfs tmpfs /dev/shm; "$@"; exit $?';
const NAMESPACES = ["--net", "--pid", "--fork", "--kill-child", "--mount-proc", "--ipc", "--mount"];

/** A command prefix that gives a command its own namespaces; null if unavailable. */
export const ALONE: readonly string[] | null = await alone();

async function alone(): Promise<string[] | null> {
  for (const user of [[], ["--user", "--map-root-user"]]) {
    const words = ["unshare", ...user, ...NAMESPACES, "sh", "-c", SETUP, "sh"];
    try {
      const command = new Deno.Command(words[0]!, {
        args: [...words.slice(1), "true"],
        stdout: "null",
        stderr: "null",
      });
      if ((await command.output()).success) return words;
    } catch {
      // No unshare here.
    }
  }
  return null;
}

/** The Python of all suites: pytest 9, pytest-cov, and a package that stands for tractor. */
export async function python(): Promise<string> {
  const path = await pythonWithPytest("9.*", ["pytest-cov"]);
  const code = "import os, sysconfig; d = sysconfig.get_path('purelib') + '/tractor'; " +
    "os.makedirs(d, exist_ok=True); open(d + '/__init__.py', 'w').close()";
  await new Deno.Command(path, { args: ["-c", code] }).output();
  return path;
}

/** One directory with the files of a suite, for one run of it. */
export class Place extends Scratch {
  readonly root: string = join(this.path, "repo");

  static async of(suite: RandomSuite): Promise<Place> {
    const place = new Place((await Scratch.make()).path);
    for (const name of ["state", "tmp", "home"]) await Deno.mkdir(join(place.path, name));
    for (const [name, text] of Object.entries(filesOf(suite))) {
      const path = join(place.root, name);
      await Deno.mkdir(dirname(path), { recursive: true });
      await Deno.writeTextFile(path, text);
    }
    await Deno.symlink(dirname(dirname(await python())), join(place.root, "py310"));
    return place;
  }

  /** Runs a program in the suite's root, alone in its namespaces, with a limit from outside. */
  async run(
    words: readonly string[],
    seconds: number,
    env: Readonly<Record<string, string>> = {},
  ): Promise<Ended> {
    const [program, ...args] = [...ALONE!, ...words];
    const child = new Deno.Command(program!, {
      args,
      cwd: this.root,
      clearEnv: true,
      env: {
        ...scratchState(),
        PATH: `${this.root}/py310/bin:/usr/bin:/bin:/usr/sbin:/sbin`,
        VIRTUAL_ENV: `${this.root}/py310`,
        HOME: join(this.path, "home"),
        TMPDIR: join(this.path, "tmp"),
        XDG_STATE_HOME: join(this.path, "state"),
        LANG: "C.UTF-8",
        ...env,
      },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
      detached: true,
    }).spawn();
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      child.kill("SIGKILL");
    }, seconds * 1000);
    const { code, stdout, stderr } = await child.output();
    clearTimeout(timer);
    const text = new TextDecoder();
    return { code: late ? null : code, stdout: text.decode(stdout), stderr: text.decode(stderr) };
  }

  tractest(words: readonly string[], env?: Readonly<Record<string, string>>): Promise<Ended> {
    return this.run([TRACTEST, ...words], 120, env);
  }

  /** Text of a file of this place; "" if there is none. */
  async text(name: string): Promise<string> {
    return await Deno.readTextFile(join(this.path, name)).catch(() => "");
  }
}

/** Seconds after which bare pytest is ended: by then it is over, unless the suite hangs. */
export function bareLimit(suite: RandomSuite): number {
  return has(suite, "hangs") ? 10 : 90;
}
