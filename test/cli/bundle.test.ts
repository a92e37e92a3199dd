import { assert, assertEquals, assertIncludes } from "../assert.ts";
import { canMount } from "../build/built.ts";
import { pytestSuite, type Suite } from "./suites.ts";

/** A test that fails with secrets in its output, and one that waits for a server with secrets. */
const PRIVATE = `
import os, pathlib, subprocess, sys, time
def test_fails():
    print("HOME", os.environ["HOME"], "and /home/bob/x by", os.environ["USER"])
    print("Authorization: Bearer header-secret-1", "mail bob@corp.example")
    assert os.environ["CLOUD_LOGIN"] == "x", "https://me:url-secret-1@db.example/x"

def test_serves():
    code = "import sys; print(1, flush=True); sys.stdin.read()"
    words = [sys.executable, "-c", code, "--token=word-secret-1", "--db-password", "word-secret-2"]
    child = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    child.stdout.readline()
    place = pathlib.Path(os.environ["SUITE"])
    place.joinpath("ready").write_text(str(child.pid))
    while place.exists() and not place.joinpath("go").exists():
        time.sleep(0.01)
    child.communicate()
`;

const HOST = ["unshare", "--uts", "sh", "-c", 'hostname zen-9.corp.example && exec "$@"', "sh"];
const CAN_NAME_HOST = await new Deno.Command("unshare", {
  args: ["--uts", "hostname", "zen-9"],
  stderr: "null",
}).output().then(({ success }) => success, () => false);

/** Someone's environment. Whoever runs the tests, `/etc/passwd` has another name for them. */
function alice(suite: Suite): Record<string, string> {
  return {
    HOME: `${suite.path}/home/alice`,
    USER: "alice",
    CLOUD_LOGIN: 'pa"ss\\w0rd ü',
    SHELL: "/bin/sh",
  };
}

/** Extracts an archive by the system's tar; the texts by their names. */
async function extracted(suite: Suite, archive: string): Promise<Map<string, string>> {
  const place = `${suite.path}/extracted`;
  await Deno.mkdir(place);
  const { code } = await new Deno.Command("tar", { args: ["-xzf", archive, "-C", place] }).output();
  assertEquals(code, 0);
  const texts = new Map<string, string>();
  const read = async (directory: string, name: string): Promise<void> => {
    for await (const entry of Deno.readDir(directory)) {
      const path = `${directory}/${entry.name}`;
      const shown = name === "" ? entry.name : `${name}/${entry.name}`;
      if (entry.isDirectory) await read(path, shown);
      else texts.set(shown, await Deno.readTextFile(path));
    }
  };
  await read(place, "");
  return new Map([...texts].map(([name, text]) => [name.replace(/^[^\/]*\//, ""), text]));
}

Deno.test("bundle holds the live run and nothing private, and tar extracts it", async () => {
  await using suite = await pytestSuite({ "test_private.py": PRIVATE });
  suite.through = CAN_NAME_HOST ? HOST : [];
  const env = alice(suite);
  const running = suite.start(["run", "--no-preflight", "--maxfail=9"], env, suite.through);
  const ready = `${suite.path}/ready`;
  let isOver = false;
  running.ended.then(() => isOver = true);
  while (await Deno.readTextFile(ready).catch(() => "") === "") {
    assert(!isOver, running.stdout);
    await new Promise((done) => setTimeout(done, 20));
  }
  const child = Number(await Deno.readTextFile(ready));
  const output = `${suite.path}/b.tar.gz`;
  const { code, stdout, stderr } = await suite.tractest(
    ["bundle", "--yes", "--json", "--output", output],
    env,
  );
  await Deno.writeTextFile(`${suite.path}/go`, "");
  assertEquals(code, 0, stderr);
  const { schema, path, written, bytes, files, unknowns } = JSON.parse(stdout);
  assertEquals([schema, path, written, unknowns], ["tractest.bundle/1", output, true, []]);
  const { size, mode } = await Deno.stat(output);
  assertEquals([size, mode! & 0o777], [bytes, 0o600]);
  const texts = await extracted(suite, output);
  const named = files.map(({ name }: { name: string }) => name);
  assertEquals([...texts.keys()].sort(), [...named].sort());
  const all = [...texts].map(([name, text]) => `${name}\n${text}`).join("\n");
  for (
    const secret of [
      ...["alice", "/home/bob", "bob@", "header-secret-1", "url-secret-1"],
      ...["word-secret-1", "word-secret-2", "w0rd", ...(CAN_NAME_HOST ? ["zen-9", "corp"] : [])],
    ]
  ) {
    const at = all.indexOf(secret);
    assert(at < 0, `${secret} in: ${all.slice(Math.max(0, at - 200), at + 100)}`);
  }
  const readme = texts.get("README.txt")!;
  for (const name of named.slice(1)) assertIncludes(readme, `  ${name} `);
  const { processes } = JSON.parse(texts.get("tree.json")!);
  const server = processes.find(({ pid }: { pid: number }) => pid === child);
  assertIncludes(server.test, "test_private.py::test_serves");
  assertIncludes(server.title, "--token=[secret] --db-password [secret]");
  assertIncludes(texts.get("hang.txt")!, "test_private.py::test_serves");
  const events = texts.get("run/events.jsonl")!.trim().split("\n").map((line) => JSON.parse(line));
  assert(events.some(({ event }) => event === "test-start"));
  assertIncludes(texts.get("run/events.jsonl")!, "[$CLOUD_LOGIN]");
  assertEquals(JSON.parse(texts.get("doctor.json")!).schema, "tractest.doctor/1");
  assertEquals((await running.ended).code, 1);
});

Deno.test("bundle writes only what was agreed to, and over nothing", async () => {
  await using suite = await pytestSuite({ "test_a.py": "def test_a(): pass\n" });
  const files = async () =>
    (await Array.fromAsync(Deno.readDir(suite.root))).map(({ name }) => name)
      .filter((name) => name.includes("bundle"));
  const unasked = await suite.tractest(["bundle"]);
  assertEquals([unasked.code, unasked.stdout], [80, ""]);
  assertIncludes(unasked.stderr, "hint: --yes writes it; --dry-run lists what it would hold");
  const dry = await suite.tractest(["bundle", "--dry-run"]);
  assertEquals([dry.code, await files()], [0, []]);
  assertIncludes(dry.stdout, "  doctor.json ");
  assertIncludes(dry.stderr, "would write tractest-bundle-");
  await Deno.symlink("nowhere", `${suite.root}/bundle-link`);
  const over = await suite.tractest(["bundle", "--yes", "--output", "bundle-link"]);
  assertEquals([over.code, await files()], [64, ["bundle-link"]]);
  assertEquals((await suite.tractest(["bundle", "nosuch", "--yes"])).code, 64);
  const asking = await suite.atTerminal(["bundle"]);
  await asking.until("Write tractest-bundle-");
  await asking.type("n\r");
  assertEquals((await asking.ended).code, 0);
  assertEquals(await files(), ["bundle-link"]);
});

Deno.test("a full disk leaves no part of a bundle, and is no success for --output -", async () => {
  await using suite = await pytestSuite({ "test_a.py": "def test_a(): pass\n" });
  suite.through = ["sh", "-c", '"$@" >/dev/full', "sh"];
  const piped = await suite.tractest(["bundle", "--output", "-"]);
  assertEquals(piped.code, 80);
  assertIncludes(piped.stderr, "error: Cannot write to standard output: No space left on device");
  if (!await canMount()) return;
  await Deno.mkdir(`${suite.root}/small`);
  const mounted = "mount -t tmpfs -o size=4k tmpfs small && echo full >small/first || exit 1\n" +
    '"$@" >&2; code=$?; ls small; exit $code';
  suite.through = ["unshare", "--mount", "sh", "-c", mounted, "sh"];
  const { code, stdout, stderr } = await suite.tractest(
    ["bundle", "--yes", "--output", "small/b.tar.gz"],
  );
  assertEquals([code, stdout], [80, "first\n"]);
  assertIncludes(stderr, "No space left on device");
});
