/** A real git repository in a temporary directory, with nothing of this machine's configuration. */
export class GitRepository {
  /** Everything lies below; removed at the end. */
  readonly base: string = Deno.realPathSync(Deno.makeTempDirSync({ prefix: "tractest-git-" }));
  readonly root: string = `${this.base}/repo`;

  /** An empty repository with the branch `main` checked out. */
  static async make(...init: string[]): Promise<GitRepository> {
    const repository = new GitRepository();
    Deno.mkdirSync(repository.root);
    await repository.git("init", "--quiet", "--initial-branch=main", ...init);
    await repository.git("config", "user.name", "A");
    await repository.git("config", "user.email", "a@example.org");
    return repository;
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.base, { recursive: true });
  }

  /** Writes files below the root, or below another directory. */
  write(files: Readonly<Record<string, string>>, root = this.root): this {
    for (const [path, content] of Object.entries(files)) {
      const whole = `${root}/${path}`;
      Deno.mkdirSync(whole.slice(0, whole.lastIndexOf("/")), { recursive: true });
      Deno.writeTextFileSync(whole, content);
    }
    return this;
  }

  /** Runs git in the root, or in `-C DIR` given first; fails the test unless it succeeds. */
  async git(...args: string[]): Promise<string> {
    const { success, stdout, stderr } = await new Deno.Command("git", {
      args,
      cwd: this.root,
      clearEnv: true,
      env: {
        PATH: Deno.env.get("PATH") ?? "/usr/bin:/bin",
        HOME: this.base,
        GIT_CONFIG_NOSYSTEM: "1",
        LC_ALL: "C",
      },
      stdin: "null",
    }).output();
    if (!success) throw new Error(`git ${args.join(" ")}: ${new TextDecoder().decode(stderr)}`);
    return new TextDecoder().decode(stdout).trim();
  }

  /** Commits everything. */
  async commit(message = "a commit"): Promise<string> {
    await this.git("add", "--all");
    await this.git("commit", "--quiet", "--allow-empty", "-m", message);
    return await this.git("rev-parse", "HEAD");
  }

  /** Size, time and content of the index: what must not change. */
  index(directory = `${this.root}/.git`): string {
    const { mtime, ino } = Deno.statSync(`${directory}/index`);
    return `${mtime?.getTime()} ${ino} ${Deno.readFileSync(`${directory}/index`).toHex()}`;
  }
}
