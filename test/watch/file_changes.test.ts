import type { Change } from "../../lib/affected/affected_targets.ts";
import { TractestError } from "../../lib/errors.ts";
import { RealHost } from "../../lib/system/real_host.ts";
import { FileChanges } from "../../lib/watch/file_changes.ts";
import { GitRepository } from "../git_repository.ts";
import { assertEquals } from "../assert.ts";

/** Watches a repository; what changed is taken in the order in which it is reported. */
class Watching {
  readonly #reported: (readonly Change[])[] = [];
  #wake: () => void = () => {};
  #changes: FileChanges | null = null;
  readonly problems: string[] = [];

  static async begin(repo: GitRepository, host: RealHost, poll = false): Promise<Watching> {
    const watching = new Watching();
    watching.#changes = await FileChanges.begin(host, repo.root, {
      poll,
      onChanges: (changes) => {
        watching.#reported.push(changes);
        watching.#wake();
      },
      onPolling: (why) => watching.problems.push(why.message),
    });
    return watching;
  }

  /** The next reported changes: `a.py modified`. */
  async next(): Promise<string[]> {
    while (this.#reported.length === 0) await new Promise<void>((done) => this.#wake = done);
    return this.#reported.shift()!.map(({ path, status }) => `${path} ${status}`);
  }

  [Symbol.dispose](): void {
    this.#changes!.close();
  }
}

async function repository(): Promise<GitRepository> {
  const repo = await GitRepository.make();
  repo.write({ ".gitignore": "*.log\n", "a.py": "1", "tests/test_a.py": "1" });
  await repo.commit("first");
  return repo;
}

Deno.test("files whose content changed are reported, new and deleted ones too", async () => {
  using repo = await repository();
  using watching = await Watching.begin(repo, new RealHost());
  // Of the first three, nothing is reported.
  repo.write({ "a.py": "1", "run.log": "1", "tests/4913": "1" });
  repo.write({ "tests/test_b.py": "1" });
  assertEquals(await watching.next(), ["tests/test_b.py added"]);
  repo.write({ "tests/new/deep/test_c.py": "1" });
  assertEquals(await watching.next(), ["tests/new/deep/test_c.py added"]);
  repo.write({ "tests/new/deep/test_c.py": "2" });
  assertEquals(await watching.next(), ["tests/new/deep/test_c.py modified"]);
  Deno.removeSync(`${repo.root}/tests/new`, { recursive: true });
  assertEquals(await watching.next(), ["tests/new/deep/test_c.py deleted"]);
  Deno.renameSync(`${repo.root}/tests/test_b.py`, `${repo.root}/tests/test_d.py`);
  assertEquals(await watching.next(), ["tests/test_b.py deleted", "tests/test_d.py added"]);
});

Deno.test("another branch is one change, even if git takes long to write its files", async () => {
  using repo = await repository();
  using watching = await Watching.begin(repo, new RealHost());
  const lock = `${repo.root}/.git/index.lock`;
  Deno.writeTextFileSync(lock, "");
  repo.write({ "a.py": "2" });
  await new Promise((done) => setTimeout(done, 500));
  repo.write({ "tests/test_a.py": "2" });
  Deno.removeSync(lock);
  assertEquals(await watching.next(), ["a.py modified", "tests/test_a.py modified"]);
});

Deno.test("a file that git ignores from now on has not changed", async () => {
  using repo = await repository();
  using watching = await Watching.begin(repo, new RealHost());
  repo.write({ "out.txt": "1" });
  assertEquals(await watching.next(), ["out.txt added"]);
  repo.write({ ".gitignore": "*.log\nout.txt\n" });
  assertEquals(await watching.next(), [".gitignore modified"]);
  repo.write({ "out.txt": "2", "a.py": "2" });
  assertEquals(await watching.next(), ["a.py modified"]);
});

Deno.test("files are read every second where the system can't report changes", async () => {
  using repo = await repository();
  const host = new RealHost();
  host.files.watch = () => {
    throw new TractestError("watch", "too many", 80);
  };
  using watching = await Watching.begin(repo, host);
  assertEquals(watching.problems, ["too many"]);
  repo.write({ "a.py": "2", "tests/test_b.py": "1" });
  assertEquals(await watching.next(), ["a.py modified", "tests/test_b.py added"]);
});
