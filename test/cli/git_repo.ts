import { GitRepository } from "../git_repository.ts";
import { type Outcome, scratchState, tractest } from "./tractest.ts";

/**
 * A real git repository with a project, and with a stand-in for tractest that records how it was
 * called.
 */
export class GitRepo extends GitRepository {
  readonly hooks: string = `${this.root}/.git/hooks`;
  /** The stand-in; exits with {@linkcode exits}. */
  readonly standIn: string = `${this.base}/it's bin/tractest`;
  readonly #calls: string = `${this.base}/calls`;
  readonly #exits: string = `${this.base}/exits`;

  static override async make(): Promise<GitRepo> {
    const repo = new GitRepo();
    for (const directory of [repo.root, `${repo.base}/it's bin`]) Deno.mkdirSync(directory);
    // What it was called with, where, and how many bytes it could read.
    const script =
      `#!/bin/sh\nbytes=$(($(cat | wc -c)))\necho "$* | $PWD | $bytes" >>'${repo.#calls}'\n` +
      `exit "$(cat '${repo.#exits}')"\n`;
    Deno.writeTextFileSync(repo.standIn, script, { mode: 0o755 });
    repo.exits(0);
    await repo.git("init", "--quiet", "--initial-branch=main");
    await repo.git("config", "user.name", "A");
    await repo.git("config", "user.email", "a@example.org");
    repo.write({ "pyproject.toml": "[tool.tractest]\n" });
    await repo.commit("first");
    return repo;
  }

  /** Writes one file of the repository; its absolute path. */
  writeOne(path: string, content: string, mode = 0o644): string {
    const whole = `${this.root}/${path}`;
    this.write({ [path]: content });
    Deno.chmodSync(whole, mode);
    return whole;
  }

  /** What the stand-in exits with from now on. */
  exits(code: number): void {
    Deno.writeTextFileSync(this.#exits, String(code));
  }

  /**
   * How the stand-in was called since the last read: `arguments | cwd | bytes of standard input`.
   */
  calls(): string[] {
    try {
      const lines = Deno.readTextFileSync(this.#calls).trim().split("\n");
      Deno.removeSync(this.#calls);
      return lines;
    } catch {
      return [];
    }
  }

  /** The environment of git: no configuration of this machine. */
  env(more: Readonly<Record<string, string>> = {}): Record<string, string> {
    return {
      PATH: Deno.env.get("PATH") ?? "/usr/bin:/bin",
      ...scratchState(),
      HOME: this.base,
      GIT_CONFIG_NOSYSTEM: "1",
      LC_ALL: "C",
      ...more,
    };
  }

  /** Runs a program in the repository. */
  async run(
    argv: readonly string[],
    { cwd = this.root, env = {} }: { cwd?: string; env?: Record<string, string> } = {},
  ): Promise<Outcome> {
    const [program, ...args] = argv;
    const child = new Deno.Command(program!, {
      args,
      cwd,
      clearEnv: true,
      env: this.env(env),
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    });
    const { code, stdout, stderr } = await child.output();
    return {
      code,
      stdout: new TextDecoder().decode(stdout),
      stderr: new TextDecoder().decode(stderr),
    };
  }

  /** `tractest hooks …` in the repository. */
  async hooksCommand(
    args: readonly string[],
    cwd = this.root,
    env: Record<string, string> = {},
  ): Promise<Outcome> {
    return await tractest(["hooks", ...args], { cwd, env: { HOME: this.base, ...env } });
  }

  /** `tractest hooks install …` of the stand-in; fails the test unless it succeeds. */
  async install(...args: string[]): Promise<Outcome> {
    const outcome = await this.hooksCommand(["install", "--binary", this.standIn, ...args]);
    if (outcome.code !== 0) {
      throw new Error(`hooks install ended with ${outcome.code}: ${outcome.stderr}`);
    }
    return outcome;
  }

  /** A bare repository to push to, as the remote `origin`. */
  async addRemote(): Promise<void> {
    await this.git("init", "--quiet", "--bare", `${this.base}/origin.git`);
    await this.git("remote", "add", "origin", `${this.base}/origin.git`);
  }

  /** Every file below the directories (git's objects and logs left out): mode, kind and content. */
  snapshot(...directories: string[]): Record<string, string> {
    const files: Record<string, string> = {};
    const walk = (directory: string) => {
      for (const entry of Deno.readDirSync(directory)) {
        const path = `${directory}/${entry.name}`;
        const { mode } = Deno.lstatSync(path);
        if (entry.isDirectory && !["objects", "logs"].includes(entry.name)) walk(path);
        if (entry.isSymlink) files[path] = Deno.readLinkSync(path);
        if (entry.isFile) files[path] = `${mode!.toString(8)} ${Deno.readFileSync(path).toHex()}`;
      }
    };
    for (const directory of directories.length > 0 ? directories : [this.base]) walk(directory);
    delete files[this.#calls];
    return files;
  }
}
