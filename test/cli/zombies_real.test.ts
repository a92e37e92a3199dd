import { join } from "@std/path";
import { assert, assertEquals, assertIncludes } from "../assert.ts";
import { isRoot, Scene } from "../leaks/scene.ts";
import { ISOLATED, sampleSuite, Scratch } from "./suites.ts";
import { TRACTEST, tractest } from "./tractest.ts";

/** Words that start a program under a filter of the kernel's that permits no signal, as a sandbox may have it. */
const NO_SIGNALS = [
  "python3",
  "-c",
  `
import ctypes, os, platform, struct, sys
# struct seccomp_data begins with the number of the call; kill is 62 on x86-64, 129 elsewhere.
number = 62 if platform.machine() == "x86_64" else 129
code = [(0x20, 0, 0, 0), (0x15, 0, 1, number), (0x06, 0, 0, 0x00050001), (0x06, 0, 0, 0x7FFF0000)]
program = b"".join(struct.pack("HBBI", *row) for row in code)
buffer = ctypes.create_string_buffer(program)
libc = ctypes.CDLL(None, use_errno=True)
assert libc.prctl(38, 1, 0, 0, 0) == 0
assert libc.prctl(22, 2, struct.pack("HxxxxxxP", len(code), ctypes.addressof(buffer)), 0, 0) == 0, ctypes.get_errno()
os.execvp(sys.argv[1], sys.argv[1:])
`,
];

Deno.test("fault 15: where the kernel permits no signal that is reported, nothing is killed, and the exit code says so", async () => {
  await using scene = await Scene.make();
  const pid = await scene.actor();
  const env = { XDG_RUNTIME_DIR: `${scene.base}/run` };
  const { code, stderr, stdout } = await tractest(["zombies", "--kill"], { cwd: scene.root, env, wrap: NO_SIGNALS });
  assertEquals(code, 82, stdout + stderr);
  assertIncludes(stderr, `left alone: pid ${pid}: the system does not permit to signal it\n`);
  assert(!stderr.includes("SIGKILL"));
  const hook = await tractest(["zombies", "--kill", "--hook"], { cwd: scene.root, env, wrap: NO_SIGNALS });
  assertEquals(hook.code, 81, hook.stdout + hook.stderr);
  assertIncludes(hook.stderr, `leaked, and still there: pid ${pid} `);
});

/** Words that run a script in a network of its own; `$0` is tractest, `$1` a private directory of uid 65534. */
async function asPlainUser(script: string): Promise<{ code: number; stdout: string; stderr: string }> {
  await using scratch = await Scratch.make();
  await Deno.chmod(scratch.path, 0o711);
  const [home, repo, binary] = [join(scratch.path, "home"), join(scratch.path, "repo"), join(scratch.path, "tractest")];
  await Promise.all([Deno.mkdir(home, { mode: 0o700 }), Deno.mkdir(repo, { mode: 0o755 }), Deno.copyFile(TRACTEST, binary)]);
  await Promise.all([Deno.chmod(binary, 0o755), Deno.writeTextFile(join(repo, "pyproject.toml"), "[tool.pytest.ini_options]\n")]);
  await Promise.all([home, repo].map((path) => Deno.chown(path, 65534, 65534)));
  const child = new Deno.Command(ISOLATED![0]!, {
    args: [...ISOLATED!.slice(1), "sh", "-c", script, binary, home],
    cwd: repo,
    clearEnv: true,
    env: { PATH: "/usr/bin:/bin:/usr/sbin:/sbin", HOME: home, XDG_RUNTIME_DIR: home },
    stdin: "null",
  });
  const { code, stdout, stderr } = await child.output();
  return { code, stdout: new TextDecoder().decode(stdout), stderr: new TextDecoder().decode(stderr) };
}

Deno.test({
  name: `fault 23: a registry that another user's process holds is held by one that can't be seen${isRoot ? "" : " (needs root)"}`,
  ignore: !isRoot || ISOLATED === null,
  fn: async () => {
    const { stdout, stderr } = await asPlainUser(`
      mkfifo "$1/ready" && python3 -c 'import socket, sys
s = socket.create_server(("127.0.0.1", 1616)); open(sys.argv[1], "w").close(); sys.stdin.read()' "$1/ready" < /dev/zero & holder=$!
      while ! [ -p "$1/ready" ]; do :; done; cat "$1/ready"
      setpriv --reuid 65534 --regid 65534 --clear-groups "$0" zombies; echo "listed $?"
      setpriv --reuid 65534 --regid 65534 --clear-groups "$0" zombies --kill --json; echo "killed $?"
      kill -0 $holder && echo "holder lives"; kill -9 $holder`);
    assertIncludes(stdout, ":1616 bound: held by a process you can't see (another user or container)\n");
    assertIncludes(stdout, "listed 81\n");
    const [, document] = /^(\{.*?^\})$/ms.exec(stdout) ?? [];
    assertEquals(JSON.parse(document ?? "null")?.registries, [{ address: "127.0.0.1:1616", bound: true, holders: [] }], stdout + stderr);
    assertIncludes(stdout, "killed 81\nholder lives\n");
  },
});

Deno.test({
  name: "after a SIGKILL of tractest and its pytest zombies knows from the ledger what is left, of which test, and ends it",
  ignore: ISOLATED === null,
  fn: async () => {
    await using suite = await sampleSuite();
    const script = `setsid "$0" run --no-preflight test_hang > run.log 2>&1 & run=$!
      until pgrep -f '[p]ytest.*test_hang' > /dev/null && grep -qs '"role":"process"' "$XDG_STATE_HOME"/tractest/projects/*/ledger/*; do sleep 0.1; done
      kill -9 $run
      "$0" zombies; echo "live $?"
      pkill -9 -f '[p]ytest.*test_hang'
      "$0" zombies --json -v > left.json; echo "left $?"
      "$0" zombies --kill > killed.txt 2>&1; echo "killed $?"
      "$0" zombies; echo "clean $?"`;
    const running = suite.start(["run"], { SAMPLE_HANG: "sleep" }, ["sh", "-c", script]);
    const { stdout, stderr } = await running.ended;
    const codes = [...stdout.matchAll(/^(left|killed|clean) (\d+)$/gm)].map((match) => `${match[1]} ${match[2]}`);
    assertEquals(codes, ["left 81", "killed 0", "clean 0"], stdout + stderr);
    const { actors } = JSON.parse(await Deno.readTextFile(join(suite.root, "left.json")));
    const leaked = actors.filter((actor: { verdict: string }) => actor.verdict === "leaked");
    assert(leaked.length > 0 && JSON.stringify(leaked).includes("test_hang.py::test_waits_forever"), JSON.stringify(actors, null, 1));
  },
});
