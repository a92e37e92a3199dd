import { join } from "@std/path";

const SCRIPT = new URL("made.py", import.meta.url).pathname;
const PYTHON = "python3";
/** Holds the read end of the tree's output, and reads nothing. */
const RUNNER = `import subprocess, sys, signal
child = subprocess.Popen(sys.argv[1:], stdout=subprocess.PIPE)
signal.pause()`;
/** A network namespace in which packets to one address get lost. */
const NETWORK = [
  ...["unshare", "--map-root-user", "--net", "sh", "-c"],
  'ip link set lo up && ip route add 10.9.9.9 dev lo && exec "$@"',
  "sh",
];
/** Milliseconds that a tree may take to get stuck. */
const PATIENCE_MS = 30_000;

/** Stuck trees in a directory of their own: all ended and removed at the end. */
export class Made implements AsyncDisposable {
  /** A TCP port that is free. */
  readonly port: number;
  readonly #children: Deno.ChildProcess[] = [];
  #count = 0;

  private constructor(readonly directory: string) {
    const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    this.port = listener.addr.port;
    listener.close();
  }

  static async make(): Promise<Made> {
    return new Made(await Deno.realPath(await Deno.makeTempDir({ prefix: "tractest-hang-" })));
  }

  /** Arguments for made.py, with values in place of PORT, SOCKET and FILE. */
  fill(words: readonly string[]): string[] {
    const values: Readonly<Record<string, string>> = {
      PORT: String(this.port),
      SOCKET: join(this.directory, "registry@1616.sock"),
      FILE: join(this.directory, "file"),
    };
    return words.map((word) => values[word] ?? word);
  }

  /** Starts a tree and waits until it is stuck; the pid of its root. */
  async start(
    words: readonly string[],
    { piped = false, networked = false }: {
      readonly piped?: boolean;
      readonly networked?: boolean;
    } = {},
  ): Promise<number> {
    const fifo = join(this.directory, `ready-${this.#count++}`);
    await new Deno.Command("mkfifo", { args: [fifo] }).output();
    const argv = [
      ...(networked ? NETWORK : []),
      ...(piped ? [PYTHON, "-c", RUNNER] : []),
      PYTHON,
      SCRIPT,
      ...words,
    ];
    const child = new Deno.Command("setsid", {
      args: ["-w", ...argv],
      cwd: this.directory,
      env: { READY: fifo, PYTHONWARNINGS: "ignore" },
      stdin: "null",
      stdout: "null",
      stderr: "inherit",
    }).spawn();
    this.#children.push(child);
    const late = new Promise<never>((_, reject) => {
      const fail = () => reject(new Error(`${words.join(" ")} never got stuck`));
      AbortSignal.timeout(PATIENCE_MS).addEventListener("abort", fail);
    });
    await Promise.race([Deno.readTextFile(fifo), late]);
    let [pid] = await childrenOf(child.pid);
    // Where this process leads a group of its own, setsid has forked; else it is the tree itself.
    if (pid === undefined || !(await commandLine(child.pid)).startsWith("setsid")) pid = child.pid;
    if (piped) [pid] = await childrenOf(pid);
    // It is ready before the call in which it sleeps; one that computes never sleeps.
    for (let tries = 0; tries < 5 && await isRunning(pid!); tries++) {
      await new Promise((done) => setTimeout(done, 20));
    }
    return pid!;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const child of this.#children) {
      for (const pid of (await descendants(child.pid)).toReversed()) {
        // Without the others it ends by itself, and removes the semaphores that they left.
        if ((await commandLine(pid)).includes("resource_tracker")) continue;
        try {
          Deno.kill(pid, "SIGKILL");
        } catch {
          // It has ended.
        }
      }
      await child.status;
    }
    await Deno.remove(this.directory, { recursive: true });
  }
}

async function isRunning(pid: number): Promise<boolean> {
  return /\) R [^)]*$/.test(await Deno.readTextFile(`/proc/${pid}/stat`));
}

async function commandLine(pid: number): Promise<string> {
  const words = await Deno.readTextFile(`/proc/${pid}/cmdline`).catch(() => "");
  return words.replaceAll("\0", " ");
}

/** A process and all below it, parents first. */
async function descendants(pid: number): Promise<number[]> {
  const found = [pid];
  for (const one of found) found.push(...await childrenOf(one));
  return found;
}

/** The children of all threads of a process; none once it has ended. */
async function childrenOf(pid: number): Promise<number[]> {
  const tasks = await Array.fromAsync(Deno.readDir(`/proc/${pid}/task`)).catch(() => []);
  const lists = await Promise.all(
    tasks.map(({ name }) =>
      Deno.readTextFile(`/proc/${pid}/task/${name}/children`).catch(() => "")
    ),
  );
  return lists.flatMap((list) => list.trim().split(" ").filter(Boolean).map(Number));
}
