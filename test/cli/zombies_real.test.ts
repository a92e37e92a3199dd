import { join } from "@std/path";
import { assert, assertEquals, assertIncludes } from "../assert.ts";
import { isRoot, Scene } from "../leaks/scene.ts";
import { ISOLATED, pytestSuite, sampleSuite, Scratch, type Suite } from "./suites.ts";
import { TRACTEST, tractest } from "./tractest.ts";

/**
 * A command prefix that starts a program under a kernel filter that denies signals, as some
 * sandboxes have it.
 */
const NEEDS_ROOT = isRoot ? "" : " (needs root)";
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
filter = struct.pack("HxxxxxxP", len(code), ctypes.addressof(buffer))
assert libc.prctl(22, 2, filter, 0, 0) == 0, ctypes.get_errno()
os.execvp(sys.argv[1], sys.argv[1:])
`,
];

Deno.test(
  "fault 15: if the kernel permits no signal, nothing is killed and the exit code says so",
  async () => {
    await using scene = await Scene.make();
    const pid = await scene.actor();
    const env = { XDG_RUNTIME_DIR: `${scene.base}/run` };
    const { code, stderr, stdout } = await tractest(["zombies", "--kill"], {
      cwd: scene.root,
      env,
      wrap: NO_SIGNALS,
    });
    assertEquals(code, 82, stdout + stderr);
    assertIncludes(stderr, `left alone: pid ${pid}: no permission to signal it\n`);
    assert(!stderr.includes("SIGKILL"));
    const hook = await tractest(["zombies", "--kill", "--hook"], {
      cwd: scene.root,
      env,
      wrap: NO_SIGNALS,
    });
    assertEquals(hook.code, 81, hook.stdout + hook.stderr);
    assertIncludes(hook.stderr, `leaked and still there: pid ${pid} `);
  },
);

/**
 * A command prefix that runs a script in a network of its own; `$0` is tractest, `$1` a private
 * directory of uid 65534.
 */
async function asPlainUser(
  script: string,
): Promise<{ code: number; stdout: string; stderr: string }> {
  await using scratch = await Scratch.make();
  await Deno.chmod(scratch.path, 0o711);
  const [home, repo, binary] = [
    join(scratch.path, "home"),
    join(scratch.path, "repo"),
    join(scratch.path, "tractest"),
  ];
  await Promise.all([
    Deno.mkdir(home, { mode: 0o700 }),
    Deno.mkdir(repo, { mode: 0o755 }),
    Deno.copyFile(TRACTEST, binary),
  ]);
  await Promise.all([
    Deno.chmod(binary, 0o755),
    Deno.writeTextFile(join(repo, "pyproject.toml"), "[tool.pytest.ini_options]\n"),
    Deno.writeTextFile(join(repo, "requirements.txt"), "tractor\n"),
  ]);
  await Promise.all([home, repo].map((path) => Deno.chown(path, 65534, 65534)));
  const child = new Deno.Command(ISOLATED![0]!, {
    args: [...ISOLATED!.slice(1), "sh", "-c", script, binary, home],
    cwd: repo,
    clearEnv: true,
    env: { PATH: "/usr/bin:/bin:/usr/sbin:/sbin", HOME: home, XDG_RUNTIME_DIR: home },
    stdin: "null",
  });
  const { code, stdout, stderr } = await child.output();
  return {
    code,
    stdout: new TextDecoder().decode(stdout),
    stderr: new TextDecoder().decode(stderr),
  };
}

Deno.test({
  name: `fault 23: another user's holder of a registry can't be seen${NEEDS_ROOT}`,
  ignore: !isRoot || ISOLATED === null,
  fn: async () => {
    const { stdout, stderr } = await asPlainUser(`
      mkfifo "$1/ready" && python3 -c 'import socket, sys
s = socket.create_server(("127.0.0.1", 1616))
open(sys.argv[1], "w").close(); sys.stdin.read()' "$1/ready" < /dev/zero & holder=$!
      while ! [ -p "$1/ready" ]; do :; done; cat "$1/ready"
      setpriv --reuid 65534 --regid 65534 --clear-groups "$0" zombies; echo "listed $?"
      setpriv --reuid 65534 --regid 65534 --clear-groups "$0" zombies --kill --json
      echo "killed $?"
      kill -0 $holder && echo "holder lives"; kill -9 $holder`);
    assertIncludes(
      stdout,
      ":1616 bound: held by a process you can't see (another user or container)\n",
    );
    assertIncludes(stdout, "listed 81\n");
    const [, document] = /^(\{.*?^\})$/ms.exec(stdout) ?? [];
    assertEquals(JSON.parse(document ?? "null")?.registries, [{
      address: "127.0.0.1:1616",
      bound: true,
      holders: [],
    }], stdout + stderr);
    assertIncludes(stdout, "killed 81\nholder lives\n");
  },
});

Deno.test({
  name: "after a SIGKILL of tractest and pytest the ledger names what leaked, and zombies ends it",
  ignore: ISOLATED === null,
  fn: async () => {
    await using suite = await sampleSuite();
    const script = `setsid "$0" run --no-preflight test_hang > run.log 2>&1 & run=$!
      until pgrep -f '[p]ytest.*test_hang' > /dev/null &&
        grep -qs '"role":"process"' "$XDG_STATE_HOME"/tractest/projects/*/ledger/*
      do sleep 0.1; done
      kill -9 $run
      "$0" zombies; echo "live $?"
      pkill -9 -f '[p]ytest.*test_hang'
      "$0" zombies --json -v > left.json; echo "left $?"
      "$0" zombies --kill > killed.txt 2>&1; echo "killed $?"
      "$0" zombies; echo "clean $?"`;
    const running = suite.start(["run"], { SAMPLE_HANG: "sleep" }, ["sh", "-c", script]);
    const { stdout, stderr } = await running.ended;
    const codes = [...stdout.matchAll(/^(left|killed|clean) (\d+)$/gm)].map((match) =>
      `${match[1]} ${match[2]}`
    );
    assertEquals(codes, ["left 81", "killed 0", "clean 0"], stdout + stderr);
    const { actors } = JSON.parse(await Deno.readTextFile(join(suite.root, "left.json")));
    const leaked = actors.filter((actor: { verdict: string }) => actor.verdict === "leaked");
    assert(
      leaked.length > 0 && JSON.stringify(leaked).includes("test_hang.py::test_waits_forever"),
      JSON.stringify(actors, null, 1),
    );
  },
});

/**
 * A command prefix that starts a shell as the first process of its own namespaces: what is left
 * inside ends with it.
 */
const NAMESPACES = [
  "unshare",
  "-n",
  "-p",
  "-f",
  "--mount-proc",
  "--ipc",
  "-m",
  "sh",
  "-c",
  'ip link set lo up; "$@"; exit $?',
  "sh",
];

/**
 * Runs a script where `$0` is tractest, in the directory of a suite and in namespaces of its own.
 */
async function within(suite: Suite, script: string): Promise<{ said: string; all: string }> {
  const child = new Deno.Command(NAMESPACES[0]!, {
    args: [...NAMESPACES.slice(1), "bash", "-c", script, TRACTEST],
    cwd: suite.root,
    clearEnv: true,
    env: suite.environment(),
    stdin: "null",
  });
  const { stdout, stderr } = await child.output();
  const said = new TextDecoder().decode(stdout);
  return { said, all: said + new TextDecoder().decode(stderr) };
}

const FORKS = `
import os, socket, time

def test_forks():
    r, w = os.pipe()
    if os.fork() == 0:
        os.setsid()
        server = socket.create_server(("127.0.0.1", 1616))
        os.write(w, b"x")
        time.sleep(60)
        os._exit(0)
    os.read(r, 1)
`;

Deno.test({
  name: `fault 63: a registry's forked holder is leaked only if a run recorded it${NEEDS_ROOT}`,
  ignore: !isRoot,
  fn: async () => {
    await using suite = await pytestSuite({ "test_forks.py": FORKS });
    await suite.write({ "tractor/__init__.py": "" });
    const recorded = await within(
      suite,
      `"$0" run --no-defaults >run 2>&1; "$0" zombies >list; echo "list $?"
       "$0" zombies --kill >kill 2>&1; echo "kill $?"
       cat run list kill >&2
       "$0" zombies; echo "then $?"`,
    );
    assertIncludes(recorded.said, "list 81\nkill 0\nTCP :1616 free\n");
    assertIncludes(recorded.said, "then 0\n");
    const plain = await within(
      suite,
      `py310/bin/python -m pytest -q >run 2>&1; "$0" zombies 2>&1; echo "list $?"
       "$0" zombies --kill >/dev/null 2>&1; echo "kill $?"
       "$0" zombies --kill --hook; echo "hook $?"
       "$0" zombies --kill --pid "$(pgrep -xf 'py310/bin/python -m pytest -q')" >/dev/null
       echo "named $?"`,
    );
    const [, pid] =
      /TCP :1616 bound: held by (\d+) py310\/bin\/python -m pytest -q\n {4}unknown: /.exec(
        plain.said,
      ) ?? [];
    assert(pid !== undefined, plain.all);
    assertIncludes(
      plain.said,
      `hint: tractest zombies --kill --pid ${pid} if it runs no tests\nlist 81\nkill 81\n` +
        "hook 0\nnamed 0\n",
    );
  },
});

Deno.test({
  name: `fault 66: after a kill of tractest alone zombies reports its live pytest${NEEDS_ROOT}`,
  ignore: !isRoot,
  fn: async () => {
    const waits = "import os, subprocess, time\ndef test_waits():\n    child = " +
      "subprocess.Popen(['sleep', '61'])\n" +
      "    open('began', 'w').write('x')\n    time.sleep(60)\n";
    await using suite = await pytestSuite({ "test_waits.py": waits });
    const { said, all } = await within(
      suite,
      `setsid "$0" run --no-defaults --no-preflight >run 2>&1 & run=$!
       until [ -e began ]; do sleep .05; done; kill -9 $run; wait $run
       "$0" zombies 2>&1; echo "list $?"; "$0" zombies --kill --hook; echo "hook $?"
       pid=$("$0" zombies --json 2>/dev/null |
         python3 -c 'import json, sys; print(json.load(sys.stdin)["abandoned"][0]["pid"])')
       "$0" zombies --kill --pid "$pid" >/dev/null; echo "named $?"
       pgrep -f '[m] pytest|[s]leep 61' || echo gone`,
    );
    const warning = new RegExp(
      String.raw`warning: pid (\d+) \(.* -m pytest .*\) still runs, ` +
        String.raw`though the tractest of its run \S+ was killed\n`,
    );
    const [, pid] = warning.exec(said) ?? [];
    assert(pid !== undefined, all);
    assertIncludes(
      said,
      `hint: tractest zombies --kill --pid ${pid} ends it and its descendants\nlist 0\n`,
    );
    assertIncludes(said, "hook 0\nnamed 0\ngone\n");
  },
});

Deno.test({
  name: `fault 60: what a live run's test orphaned is kept, by a hook too${NEEDS_ROOT}`,
  ignore: !isRoot,
  fn: async () => {
    const orphans = `
import os, subprocess, sys, time

def test_orphans():
    global between
    actor = [sys.executable, "-m", "tractor._child"]
    command = ["sh", "-c", '"$@" >/dev/null 2>&1 & read _', "sh", *actor]
    between = subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True)

def test_uses_it():
    while not os.path.exists("go"):
        time.sleep(0.05)
    between.stdin.close()
    between.wait()
    open("began", "w").write("x")
    while not os.path.exists("done"):
        time.sleep(0.05)
`;
    await using suite = await pytestSuite({ "test_orphans.py": orphans });
    await suite.write({
      "tractor/__init__.py": "",
      "tractor/_child.py": "import time\ntime.sleep(60)\n",
    });
    const { said, all } = await within(
      suite,
      `"$0" run --no-defaults --no-preflight >run 2>&1 & run=$!
       until grep -qs tractor._child "$XDG_STATE_HOME"/tractest/projects/*/ledger/*
       do sleep .05; done
       touch go; until [ -e began ]; do sleep .05; done
       actor=$(pgrep -xf '[^ ]*python -m tractor._child'); ps -o ppid= -p "$actor" | tr -d ' '
       "$0" zombies -v 2>&1 | grep "$actor"
       "$0" zombies --kill --hook; echo "hook $?"
       kill -0 "$actor" && echo alive; touch done; wait $run; echo "run $?"
       "$0" zombies --kill >/dev/null 2>&1; echo "kill $?"
       pgrep -xf '[^ ]*python -m tractor._child' || echo gone`,
    );
    assert(said.startsWith("1\n"), all);
    assertIncludes(said, "hook 0\nalive\nrun 0\nkill 0\ngone\n");
    assertIncludes(said, ", which is running\n");
  },
});

Deno.test({
  name: `a registry held by a foreign program stops no hook; run suggests --isolate${NEEDS_ROOT}`,
  ignore: !isRoot,
  fn: async () => {
    await using suite = await pytestSuite({ "test_a.py": "def test_a(): pass\n" });
    await suite.write({ "tractor/__init__.py": "" });
    const holder = `(cd / && exec python3 -c 'import socket, time
s = socket.create_server(("127.0.0.1", 1616)); time.sleep(60)') &
      until ss -tlnH | grep -q ":1616 "; do sleep .05; done`;
    const { said, all } = await within(
      suite,
      `${holder}
       "$0" zombies --kill --hook 2>&1; echo "hook $?"
       "$0" run 2>&1; echo "run $?"
       "$0" run --clean >clean 2>&1; echo "clean $?"
       git init -q . && git add tests && "$0" affected --run --hook -- -q >affected 2>&1
       echo "affected $?"
       cat clean affected >&2`,
    );
    assert(
      /^warning: TCP :1616 is held by pid \d+ python3 .*; left alone: .*\nhook 0\n/.test(said),
      all,
    );
    const stopped =
      /stopped by "registry": 127\.0\.0\.1:1616 is held by .*\. No test was started\. Next: (.*)\n/;
    assertEquals(stopped.exec(said)?.[1], "tractest run --isolate", all);
    assertIncludes(said, "tractest run --isolate\nrun 81\nclean 81\naffected 0\n");
    assertIncludes(all, "--clean: none of these was left by a run of this project\n");
    assertEquals(
      all.split("fix: tractest run --isolate\n").length - 1,
      2,
      "the rows are printed once for each run",
    );
    assertIncludes(all, "TCP :1616 is held: the tests run isolated\n");
  },
});
