import { join } from "@std/path";
import { assert, assertEquals, assertIncludes } from "../assert.ts";
import { pytestSuite, type Suite } from "./suites.ts";

const TESTS = { "test_a.py": "def test_passes(): pass\ndef test_fails(): assert 1 == 2\n" };

/** A run that has one failed test, whatever happens to its state; what it said. */
async function runs(suite: Suite): Promise<string> {
  const { code, stdout, stderr } = await suite.tractest(["run", "--no-preflight", "--no-defaults", "--json"]);
  assertEquals([code, JSON.parse(stdout).counts?.failed], [1, 1], stdout + stderr);
  assert(!/\n\s+at /.test(stderr), stderr);
  return stderr;
}

/** Files below a directory. */
function files(directory: string): string[] {
  return [...Deno.readDirSync(directory)].flatMap(({ name, isDirectory }) => isDirectory ? files(join(directory, name)) : [join(directory, name)]);
}

const OBSTACLES: Readonly<Record<string, (path: string) => Promise<unknown>>> = {
  "a file": (path) => Deno.writeTextFile(path, "garbage"),
  "a symbolic link": (path) => Deno.symlink("/etc", path),
  "a directory that is open to others": async (path) => {
    await Deno.mkdir(path);
    await Deno.chmod(path, 0o777);
  },
};

for (const [what, put] of Object.entries(OBSTACLES)) {
  Deno.test(`fault 49: with ${what} in place of the state directory the exit code is that of the tests`, async () => {
    await using suite = await pytestSuite(TESTS);
    const state = join(suite.path, "state");
    await Deno.mkdir(state, { recursive: true });
    const path = join(state, "tractest");
    await put(path);
    assertIncludes(await runs(suite), `"${path}" can't be used`);
    const { isFile, isSymlink } = await Deno.lstat(path);
    assert(isFile || isSymlink || [...Deno.readDirSync(path)].length === 0, "nothing is put there");
  });
}

const DAMAGES: Readonly<Record<string, (path: string) => Promise<unknown>>> = {
  "garbage": (path) => Deno.writeFile(path, new Uint8Array([0, 0xff, 0x7b, 10])),
  "symbolic links": async (path) => {
    await Deno.remove(path);
    await Deno.symlink("/dev/full", path);
  },
  "directories": async (path) => {
    await Deno.remove(path);
    await Deno.mkdir(join(path, "inside"), { recursive: true });
  },
};

for (const [what, damage] of Object.entries(DAMAGES)) {
  Deno.test(`fault 49: with ${what} in place of every file of its state the exit code is that of the tests`, async () => {
    await using suite = await pytestSuite(TESTS);
    await runs(suite);
    const kept = files(join(suite.path, "state"));
    assert(kept.length > 0);
    for (const path of kept) await damage(path);
    await runs(suite);
  });
}

Deno.test("fault 75: a cache that goes away during a run takes neither the verdict nor the exit code", async () => {
  const forget = "import os, shutil\ndef test_fails():\n    shutil.rmtree(os.environ['CACHE'])\n    assert 1 == 2\n";
  await using suite = await pytestSuite({ "test_a.py": forget });
  const cache = join(suite.path, "cache");
  const env = { XDG_CACHE_HOME: cache, CACHE: cache };
  const { code, stdout, stderr } = await suite.tractest(["run", "--no-preflight", "--no-defaults"], env);
  assertEquals(code, 1, stdout + stderr);
  assertIncludes(stdout + stderr, "1 failed");
  assertIncludes(stdout + stderr, "assert 1 == 2");
  assert(!stderr.includes("a bug in tractest"), stderr);
});
