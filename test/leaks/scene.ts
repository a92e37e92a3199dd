import { findProject, type Project } from "../../lib/project/project.ts";
import type { ProgramResult, RunOptions } from "../../lib/system/host.ts";
import { RealHost } from "../../lib/system/real_host.ts";
import { RealPrograms } from "../../lib/system/real_programs.ts";
import type { EnvironmentName } from "../../lib/tables/environment.ts";
import type { ProgramName } from "../../lib/tables/programs.ts";
import { Printer } from "../../lib/terminal/printer.ts";
import { recordingTerminal } from "../fake_host.ts";

const SCRIPT = new URL("stand_in.py", import.meta.url).pathname;

/** The machine's Python and its home, which it can't find by itself under another name. */
const [PYTHON, PYTHONHOME] = new TextDecoder().decode(
  (await new Deno.Command("python3", {
    args: ["-c", "import sys; print(sys.executable, sys.base_prefix, sep='\\n')"],
  }).output()).stdout,
).split("\n") as [string, string];

/** What a shell needs to start a stand-in: `exec -a NAME "$PYTHON" < "$SCRIPT"`. */
export const STAND_IN: Readonly<Record<string, string>> = { PYTHON, PYTHONHOME, SCRIPT };

/** Whether the tests run as root. */
export const isRoot: boolean = Deno.uid() === 0;

/** How a stand-in is started; see stand_in.py. */
export interface StandIn {
  /** Its whole command line, the name first. */
  readonly argv: readonly string[];
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** A child of this process instead of an orphan. */
  readonly ownChild?: boolean;
  /** A command prefix: `unshare --mount`, `setpriv …`. */
  readonly under?: readonly string[];
}

/** The real host, of which a test may replace parts. */
export class SceneHost extends RealHost {
  override readonly terminal = recordingTerminal();
  override readonly programs = new ScenePrograms(this);
  override platform: "linux" | "darwin" | "other" = "linux";
  variables: Partial<Record<EnvironmentName, string>> = {};
  /** Answers instead of a program; null lets it run. */
  instead: (
    program: ProgramName,
    args: readonly string[],
  ) => Partial<ProgramResult> | null | Promise<Partial<ProgramResult> | null> = () => null;
  /** What every program printed, on its way to the caller. */
  afterwards: (program: ProgramName, result: ProgramResult) => ProgramResult = (_, result) =>
    result;
  ran: string[] = [];

  override env(name: EnvironmentName): string | undefined {
    return this.variables[name];
  }
}

/** Runs the real programs, unless the scene has an answer of its own. */
class ScenePrograms extends RealPrograms {
  constructor(readonly host: SceneHost) {
    super(host.clock);
  }

  override async run(
    program: ProgramName,
    args: readonly string[],
    options: RunOptions,
  ): Promise<ProgramResult> {
    this.host.ran.push([program, ...args].join(" "));
    const nothing = new Uint8Array();
    const instead = await this.host.instead(program, args);
    if (instead) {
      return { outcome: "exited", code: 0, stdout: nothing, stderr: nothing, ...instead };
    }
    return this.host.afterwards(program, await super.run(program, args, options));
  }
}

/**
 * A project in a temporary directory, and the processes started there: all ended and removed at the
 * end.
 */
export class Scene implements AsyncDisposable {
  readonly host: SceneHost = new SceneHost();
  readonly printer: Printer = new Printer(this.host, {
    json: false,
    verbose: false,
    color: "never",
  });
  #started = new Map<number, string>();
  #children: Deno.ChildProcess[] = [];
  #count = 0;

  private constructor(readonly base: string, readonly root: string) {}

  /** Makes a project called `name`, with a venv that has a file for stand-ins to map. */
  static async make(
    name = "repo",
    configuration = "",
    registries: readonly string[] = [],
  ): Promise<Scene> {
    const base = await Deno.realPath(await Deno.makeTempDir({ prefix: "scene-" }));
    const scene = new Scene(base, `${base}/${name}`);
    await scene.project(scene.root, configuration, registries);
    scene.host.variables = { XDG_RUNTIME_DIR: `${base}/run` };
    await Deno.chmod(base, 0o755);
    return scene;
  }

  /** Makes a project, with a venv, in a directory. */
  async project(
    root: string,
    configuration = "",
    registries: readonly string[] = [],
  ): Promise<void> {
    const installed = `${root}/py311/lib/python3.11/site-packages`;
    for (const name of ["msgspec", "tractor"]) {
      await Deno.mkdir(`${installed}/${name}`, { recursive: true });
    }
    const table = `[tool.tractest]\nregistries = ${JSON.stringify(registries)}\n${configuration}`;
    await Deno.writeTextFile(`${root}/pyproject.toml`, `[tool.pytest.ini_options]\n${table}`);
    await Deno.writeTextFile(msgspec(root), "not empty");
  }

  /** As the commands find it. */
  async found(): Promise<Project> {
    this.host.changeDirectory(this.root);
    return await findProject(this.host);
  }

  /**
   * Starts a process and waits until it is ready. Its parent is gone by then, unless it is to be
   * our own child.
   */
  async start(
    { argv, cwd = this.root, env = {}, ownChild = false, under = [] }: StandIn,
  ): Promise<number> {
    const ready = await this.fifo();
    const command = `exec -a "$0" "$PYTHON" "$@" < "$SCRIPT"`;
    const [first, ...rest] = [...under, "bash", "-c", ownChild ? command : `${command} &`, ...argv];
    const child = new Deno.Command(first!, {
      args: rest,
      cwd,
      env: { PYTHON, PYTHONHOME, SCRIPT, READY: ready, ...env },
      stdin: "null",
      stdout: "null",
      stderr: "inherit",
    }).spawn();
    if (ownChild) this.#children.push(child);
    else await child.status;
    return await this.ready(ready);
  }

  /** An actor with a title as current tractor gives it, orphaned, in the project's directory. */
  async actor(options: Partial<StandIn> & { readonly name?: string } = {}): Promise<number> {
    return await this.start({ argv: [`_subactor[${options.name ?? "w0"}@77]`], ...options });
  }

  /**
   * An actor that is the first process of a namespace of its own (`unshare --fork` with these
   * words); its pid as it is seen from here.
   */
  async contained(namespaces: readonly string[], standIn: Partial<StandIn> = {}): Promise<number> {
    const ready = await this.fifo();
    const script = `exec -a "$0" "$PYTHON" "$@" < "$SCRIPT"`;
    const child = new Deno.Command("unshare", {
      args: [
        ...namespaces,
        "--fork",
        "--kill-child",
        "bash",
        "-c",
        script,
        ...standIn.argv ?? ["_subactor[w0@77]"],
      ],
      cwd: standIn.cwd ?? this.root,
      env: { PYTHON, PYTHONHOME, SCRIPT, READY: ready, ...standIn.env },
      stdin: "null",
      stdout: "null",
      stderr: "inherit",
    }).spawn();
    this.#children.push(child);
    this.remember(child.pid);
    // What it writes is its pid in there.
    await Deno.readTextFile(ready);
    const pid = Number(
      (await Deno.readTextFile(`/proc/${child.pid}/task/${child.pid}/children`)).trim(),
    );
    this.remember(pid);
    return pid;
  }

  /**
   * A directory of modules for PYTHONPATH, of which each is the stand-in: it runs as `python3 -m
   * pytest`, say.
   */
  async modules(): Promise<string> {
    const directory = `${this.base}/modules`;
    await Deno.mkdir(`${directory}/tractor`, { recursive: true });
    const script = await Deno.readTextFile(SCRIPT);
    for (const file of ["pytest.py", "tractor/_child.py"]) {
      await Deno.writeTextFile(`${directory}/${file}`, script);
    }
    return directory;
  }

  /** A pytest of the project that has an actor. */
  async livePytest(
    env: Readonly<Record<string, string>> = {},
  ): Promise<{ pytest: number; actor: number }> {
    const fifo = await this.fifo();
    const pytest = await this.start({
      argv: ["python3", "-m", "pytest", "tests/"],
      env: {
        PYTHONPATH: await this.modules(),
        ...env,
        ...children({ argv: ["_subactor[w0@77]"], env: { READY: fifo } }),
      },
    });
    return { pytest, actor: await this.ready(fifo) };
  }

  /** A FIFO through which a process says that it is ready. */
  async fifo(): Promise<string> {
    const path = `${this.base}/ready${this.#count++}`;
    await new Deno.Command("mkfifo", { args: ["-m", "666", path] }).output();
    return path;
  }

  /** The pid of the process that writes to the FIFO. */
  async ready(fifo: string): Promise<number> {
    const late = new Promise<never>((_, reject) => {
      AbortSignal.timeout(30_000).addEventListener(
        "abort",
        () => reject(new Error("a process that was started never got ready")),
      );
    });
    const pid = Number((await Promise.race([Deno.readTextFile(fifo), late])).trim());
    this.remember(pid);
    return pid;
  }

  /** Waits for this child of ours too at the end, after it was ended. */
  keep(child: Deno.ChildProcess): void {
    this.#children.push(child);
    this.remember(child.pid);
  }

  /** Ends this process too at the end. */
  remember(pid: number): void {
    const start = startOf(pid);
    if (start !== null) this.#started.set(pid, start);
  }

  /**
   * Waits until the processes that were started as our own children have ended and are collected.
   */
  async ended(): Promise<void> {
    for (const child of this.#children) await child.status;
  }

  /** A TCP port that is free now. */
  freePort(): number {
    const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const { port } = listener.addr;
    listener.close();
    return port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const [pid, start] of this.#started) if (startOf(pid) === start) Deno.kill(pid, "SIGKILL");
    for (const child of this.#children) await child.status;
    Deno.chdir("/");
    await Deno.remove(this.base, { recursive: true });
  }
}

/** The file of a project's venv that a program on tractor maps. */
export function msgspec(root: string): string {
  return `${root}/py311/lib/python3.11/site-packages/msgspec/_core.so`;
}

/**
 * The start of a process, which distinguishes it from a later one with its pid; null if there is
 * none, or only a zombie.
 */
export function startOf(pid: number): string | null {
  try {
    const fields = Deno.readTextFileSync(`/proc/${pid}/stat`).replace(/^.*\) /s, "").split(" ");
    return fields[0] === "Z" ? null : fields[19]!;
  } catch {
    return null;
  }
}

/** Whether a process exists and is no zombie. */
export function isAlive(pid: number): boolean {
  return startOf(pid) !== null;
}

/** The environment of a child that a stand-in starts. */
export function children(
  ...list: { argv: readonly string[]; env: Readonly<Record<string, string>>; orphan?: boolean }[]
): Record<string, string> {
  return { CHILDREN: JSON.stringify(list) };
}

/**
 * A program that has workers: how it starts them, then the file that each of them, and at last
 * itself, says its pid to.
 */
const JOB = `
import multiprocessing as mp, os, sys, time

def work(ready):
    with open(ready, "a") as file:
        file.write(f"{os.getpid()}\\n")
    time.sleep(600)

if __name__ == "__main__":
    how, ready, done = sys.argv[-3:]
    process = mp.get_context(how).Process
    workers = [process(target=work, args=(ready,), daemon=True) for _ in range(2)]
    for worker in workers:
        worker.start()
    while not os.path.exists(ready) or open(ready).read().count("\\n") < len(workers):
        time.sleep(0.02)
    open(done, "w").write(f"{os.getpid()}\\n")
    time.sleep(600)
`;

/** Starts a real program with two workers; the pids of all of it, servers and trackers included. */
export async function job(
  scene: Scene,
  python: string,
  how: string,
  { cwd = scene.root, script = "job.py" } = {},
): Promise<number[]> {
  const path = `${scene.base}/${script}`;
  await Deno.mkdir(path.slice(0, path.lastIndexOf("/")), { recursive: true });
  await Deno.writeTextFile(path, JOB);
  const done = await scene.fifo();
  // A shell stands in for what runs it; it is ended with the rest.
  const command = ["bash", "-c", '"$@" & wait', "bash", python, path, how, `${done}-workers`, done];
  const child = new Deno.Command(command[0]!, {
    args: command.slice(1),
    cwd,
    stdin: "null",
    stdout: "null",
    stderr: "inherit",
  }).spawn();
  scene.keep(child);
  const root = await scene.ready(done);
  const { stdout } = await new Deno.Command("ps", { args: ["-eo", "pid=,ppid="] }).output();
  const rows = new TextDecoder().decode(stdout).trim().split("\n").map((line) =>
    line.trim().split(/ +/).map(Number) as [number, number]
  );
  const pids = [root];
  for (const above of pids) {
    pids.push(...rows.filter(([, ppid]) => ppid === above).map(([pid]) => pid));
  }
  for (const pid of pids) scene.remember(pid);
  return pids;
}
