import { join } from "@std/path";
import { assert, assertEquals, assertIncludes } from "../assert.ts";
import { pytestSuite, type Suite } from "./suites.ts";

const TESTS = { "test_a.py": "def test_passes(): pass\ndef test_fails(): assert 1 == 2\n" };

/** Runs the suite and checks that it has one failed test; returns the messages. */
async function runs(suite: Suite): Promise<string> {
  const { code, stdout, stderr } = await suite.tractest([
    "run",
    "--no-preflight",
    "--no-defaults",
    "--json",
  ]);
  assertEquals([code, JSON.parse(stdout).counts?.failed], [1, 1], stdout + stderr);
  assert(!/\n\s+at /.test(stderr), stderr);
  return stderr;
}

/** Files below a directory. */
function files(directory: string): string[] {
  return [...Deno.readDirSync(directory)].flatMap(({ name, isDirectory }) =>
    isDirectory ? files(join(directory, name)) : [join(directory, name)]
  );
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
  Deno.test(`faults 49, 78: with ${what} as state directory tests still run`, async () => {
    await using suite = await pytestSuite(TESTS);
    const state = join(suite.path, "state");
    await Deno.mkdir(state, { recursive: true });
    const path = join(state, "tractest");
    await put(path);
    assertIncludes(await runs(suite), `"${path}" can't be used`);
    const { isFile, isSymlink } = await Deno.lstat(path);
    assert(
      isFile || isSymlink || [...Deno.readDirSync(path)].length === 0,
      "something was put there",
    );
    // Fault 78: nothing in the directory for temporary files either, here the suite's own.
    assertEquals(
      [...Deno.readDirSync(suite.path)].map(({ name }) => name).filter((name) =>
        name.startsWith("tractest-")
      ),
      [],
    );
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
  Deno.test(`fault 49: with ${what} as all state files tests still run`, async () => {
    await using suite = await pytestSuite(TESTS);
    await runs(suite);
    const kept = files(join(suite.path, "state"));
    assert(kept.length > 0);
    for (const path of kept) await damage(path);
    await runs(suite);
  });
}

Deno.test("fault 75: a cache that is removed during a run changes no verdict", async () => {
  const forget = "import os, shutil\n" +
    "def test_fails():\n    shutil.rmtree(os.environ['CACHE'])\n    assert 1 == 2\n";
  await using suite = await pytestSuite({ "test_a.py": forget });
  const cache = join(suite.path, "cache");
  const env = { XDG_CACHE_HOME: cache, CACHE: cache };
  const { code, stdout, stderr } = await suite.tractest(
    ["run", "--no-preflight", "--no-defaults"],
    env,
  );
  assertEquals(code, 1, stdout + stderr);
  assertIncludes(stdout + stderr, "1 failed");
  assertIncludes(stdout + stderr, "assert 1 == 2");
  assert(!stderr.includes("a bug in tractest"), stderr);
});

Deno.test("fault 77: a pipe or a device in place of a file is refused, not read", async () => {
  await using suite = await pytestSuite({ "test_a.py": "def test_passes(): pass\n" });
  const pipe = join(suite.root, "pipe");
  assert((await new Deno.Command("mkfifo", { args: [pipe] }).output()).success);
  const cases: [string[], number][] = [
    [["merge", pipe], 64],
    [["merge", "/dev/zero"], 64],
    [["run", "--no-preflight", "--shard", "1/2", "--durations-from", pipe], 64],
    [["run", "--no-preflight", "--shard", "1/2", "--durations-from", "/dev/zero"], 64],
  ];
  for (const [args, expected] of cases) {
    const { code, stdout, stderr } = await suite.tractest(args);
    assertEquals([code, stdout], [expected, ""], `${args.join(" ")}: ${stderr}`);
    assertIncludes(stderr, "regular file");
  }
  const { code, stderr } = await suite.tractest(["failed"]);
  assertEquals(code, 0, stderr);
  await Deno.rename(pipe, join(suite.root, "pyproject.toml"));
  const unread = await suite.tractest(["failed"]);
  assertEquals(unread.code, 80, unread.stderr);
  assertIncludes(unread.stderr, "regular file");
});

Deno.test("fault 77: merge names an invalid line, and overwrites no input file", async () => {
  await using suite = await pytestSuite({ "test_a.py": "def test_passes(): pass\n" });
  assertEquals((await suite.tractest(["run", "--no-preflight", "--events", "e.jsonl"])).code, 0);
  const events = await Deno.readTextFile(join(suite.root, "e.jsonl"));
  const count = events.trimEnd().split("\n").length;
  await suite.write({
    "bad.jsonl": `${events}{"schema":"tractest.events/1","time":1,"event":"items"}\n`,
    "out.jsonl": "",
  });
  const bad = await suite.tractest(["merge", "e.jsonl", "bad.jsonl", "--junit", "report.xml"]);
  assertEquals([bad.code, bad.stdout], [64, ""], bad.stderr);
  assertIncludes(bad.stderr, `"bad.jsonl": line ${count + 1} has no valid "items"`);
  assertEquals(await Deno.stat(join(suite.root, "report.xml")).catch(() => null), null);
  const over = await suite.tractest(["merge", "e.jsonl", "--events", "./e.jsonl"]);
  assertEquals([over.code, over.stdout], [64, ""], over.stderr);
  assertEquals(await Deno.readTextFile(join(suite.root, "e.jsonl")), events);
});

for (const [signal, expected] of [["SIGTERM", 143], ["SIGINT", 130], ["SIGQUIT", 131]] as const) {
  Deno.test(`${signal} during doctor --json ends pytest and leaves one document`, async () => {
    await using suite = await pytestSuite({ "test_a.py": "def test_passes(): pass\n" });
    const waits = "import sys, time\nif '--co' in sys.argv:\n" +
      "    open('collecting', 'w').write('x')\n    time.sleep(300)\n";
    await suite.write({ "tests/conftest.py": waits });
    const running = suite.start(["doctor", "--json"]);
    await exists(join(suite.root, "collecting"));
    running.child.kill(signal);
    const { code, stdout, stderr } = await running.ended;
    assertEquals([code, JSON.parse(stdout).error.code], [expected, "interrupted"], stderr);
    assertIncludes(stderr, `"doctor" was ended by ${signal}`);
    // No pytest is left in the directory.
    const left = new Deno.Command("pgrep", {
      args: ["-f", `${suite.root}/py.*--co`],
      stdout: "piped",
    }).outputSync();
    assertEquals(new TextDecoder().decode(left.stdout), "");
    assertEquals(
      [...Deno.readDirSync(suite.path)].map(({ name }) => name).filter((name) =>
        name.startsWith("tractest-")
      ),
      [],
    );
  });
}

/** Waits until a file exists. */
async function exists(path: string): Promise<void> {
  const watcher = Deno.watchFs(join(path, ".."));
  try {
    if (await Deno.stat(path).catch(() => null)) return;
    for await (const _ of watcher) if (await Deno.stat(path).catch(() => null)) return;
  } finally {
    try {
      watcher.close();
    } catch {
      // The loop has closed it.
    }
  }
}
