import { join } from "@std/path";
import { assert, assertEquals, assertIncludes } from "../assert.ts";
import { processesWith, untilGone, type User, USERS, UsersSuite } from "./isolated_users.ts";
import { ISOLATED } from "./suites.ts";

const ISOLATE = ["run", "--no-preflight", "--isolate"];

/** A test for each user. */
function test(name: string, action: (user: User) => Promise<void>): void {
  for (const user of USERS) {
    const here = ISOLATED !== null;
    Deno.test({
      name: `isolated, as ${user.name}: ${name}${here ? "" : " (needs namespaces)"}`,
      ignore: !here,
      fn: () => action(user),
    });
  }
}

/** A test that prints what it can see inside. */
const INSPECTS = `
import json, os, socket, stat
def test_inspects(tmp_path):
    registry = socket.socket()
    registry.bind(("127.0.0.1", 1616))
    registry.listen()
    runtime = os.environ["XDG_RUNTIME_DIR"] + "/tractor"
    os.mkdir(runtime)
    own = socket.socket(socket.AF_UNIX)
    own.bind(runtime + "/registry@1616.sock")
    open("/dev/shm/psm_inside", "w").close()
    (tmp_path / "kept").write_text("kept")
    open("artifact", "w").close()
    sets = ("CapEff", "CapPrm", "CapInh", "CapAmb")
    capabilities = [line.split()[1] for line in open("/proc/self/status") if line.startswith(sets)]
    facts = {
        "uid": os.getuid(), "gid": os.getgid(), "parent": os.getppid(), "pid": os.getpid(),
        "memory": sorted(os.listdir("/dev/shm")), "runtime": runtime, "capabilities": capabilities,
        "kept": str(tmp_path / "kept"), "path": os.environ["PATH"], "cwd": os.getcwd(),
        "processes": sorted(int(name) for name in os.listdir("/proc") if name.isdigit()),
        "ours": sorted(name for name in os.environ if name.startswith("TRACTEST")),
        "fds": sorted(int(fd) for fd in os.listdir("/proc/self/fd")),
    }
    open("facts.json", "w").write(json.dumps(facts))
`;

test(
  "pytest has its own registry port, sockets, shared memory and processes; its files " +
    "are outside and the user's",
  async (user) => {
    await using suite = await UsersSuite.of(user, { "test_a.py": INSPECTS });
    // Another program holds the registry and has shared memory.
    const outside = [
      "sh",
      "-c",
      `python3 -c '${HOLDS_REGISTRY}' & child=$!; "$@"; code=$?; kill $child; exit $code`,
      "sh",
    ];
    const { code, stdout, stderr } = await suite.start([...ISOLATE, "-s"], {}, outside).ended;
    assertEquals(code, 0, stdout + stderr);
    const facts = JSON.parse(await Deno.readTextFile(join(suite.root, "facts.json")));
    assertEquals([facts.uid, facts.gid, facts.parent, facts.cwd], [
      user.uid,
      user.uid === 0 ? 0 : facts.gid,
      1,
      suite.root,
    ]);
    assertEquals([facts.memory, facts.runtime], [["psm_inside", "run"], "/dev/shm/run/tractor"]);
    assertEquals(facts.processes, [1, facts.pid]);
    const outer = Number(await Deno.readTextFile("/proc/sys/kernel/pid_max"));
    assert(facts.pid > outer / 2, `a file with pid ${facts.pid} would name a process outside`);
    assertEquals([facts.path, facts.ours], [
      `${suite.root}/py310/bin:/usr/bin:/bin:/usr/sbin:/sbin`,
      [
        "TRACTEST_RUN",
      ],
    ]);
    if (user.uid !== 0) {
      assertEquals(
        facts.capabilities,
        Array(4).fill("0".repeat(16)),
        "no right that it has not outside",
      );
    }
    assertEquals(await Deno.readTextFile(facts.kept), "kept");
    for (
      const path of [
        facts.kept,
        join(suite.root, "artifact"),
        join(suite.root, ".pytest_cache/v/cache/nodeids"),
      ]
    ) {
      assertEquals((await Deno.lstat(path)).uid, user.uid, path);
    }
    await Deno.lstat("/dev/shm/psm_inside").then(
      () => assert(false, "the shared memory is outside"),
      () => {},
    );
  },
);

const HOLDS_REGISTRY =
  `import socket, time; s = socket.socket(); s.bind(("127.0.0.1", 1616)); s.listen(); ` +
  "time.sleep(600)";

/**
 * A child, an orphan with a child, one that a fixture of the module ends; one that ends by itself.
 */
const LEAVES = `
import os, subprocess, sys, time, pytest
MARK = os.environ["SUITE"]
def sleeper(seconds):
    return subprocess.Popen([sys.executable, "-c", f"import time; time.sleep({seconds})", MARK])
@pytest.fixture(scope="module")
def server():
    child = sleeper(600)
    yield
    child.kill(); child.wait()
def test_uses(server): pass
def test_child(server): sleeper(601)
def test_orphan(server):
    script = 'sleep=$1; shift; "$0" -c "$sleep" "$@" & "$0" -c "$sleep" "$@" & exit'
    subprocess.run(["sh", "-c", script, sys.executable, "import time; time.sleep(602)", MARK])
def test_tidy(server):
    child = sleeper(0.2)
def test_last(server): time.sleep(0.8)
`;

test(
  "what a test leaves behind, orphans too, is reported as its LEAK and ends with pytest",
  async (user) => {
    await using suite = await UsersSuite.of(user, { "test_a.py": LEAVES });
    const { code, stdout, stderr } = await suite.tractest([...ISOLATE, "--strict", "--json"]);
    assertEquals(code, 84, stdout + stderr);
    const { leftBehind, counts } = JSON.parse(stdout);
    assertEquals(counts.passed, 5);
    const seconds = leftBehind.map((
      { id, processes }: Left,
    ) => [id, processes.map(({ title }) => /sleep\((\d+)\)/.exec(title)?.[1]).sort()]);
    assertEquals(seconds, [["tests/test_a.py::test_child", ["601"]], [
      "tests/test_a.py::test_orphan",
      ["602", "602"],
    ]]);
    assertEquals(await processesWith(suite.path), []);
  },
);

interface Left {
  readonly id: string | null;
  readonly processes: readonly {
    readonly pid: number;
    readonly title: string;
    readonly ended?: true;
  }[];
}

test("what the last test leaves behind is reported although it ends with pytest", async (user) => {
  await using suite = await UsersSuite.of(user, {
    "test_a.py":
      `import os, subprocess\ndef test_a(): subprocess.Popen(["sh", "-c", "sleep 600; :", ` +
      `os.environ["SUITE"]])\n`,
  });
  const { stdout, stderr } = await suite.tractest(ISOLATE);
  assertIncludes(stdout, "LEAK tests/test_a.py::test_a left 2 processes behind\n");
  assertIncludes(stdout, " sleep 600, ");
  assertEquals(await processesWith(suite.path), [], stderr);
});

test("what still runs when pytest crashes is the leak of the running test", async (user) => {
  await using suite = await UsersSuite.of(user, {
    "test_a.py":
      `import os, subprocess\ndef test_a():\n    subprocess.Popen(["sleep", "600"])\n    ` +
      "os._exit(3)\n",
  });
  const { code, stdout } = await suite.tractest([...ISOLATE, "--json"]);
  assertEquals(code, 3);
  const { leftBehind } = JSON.parse(stdout) as { leftBehind: Left[] };
  assertEquals(
    leftBehind.map((
      { id, processes },
    ) => [id, processes.map(({ title, ended }) => [title, ended])]),
    [
      ["tests/test_a.py::test_a", [["sleep 600", true]]],
    ],
  );
});

test("exit codes and signals of pytest pass through", async (user) => {
  const suites: [string, number, string][] = [
    ["def test_a(): pass", 0, "1 passed in "],
    ["def test_a(): assert False", 1, "1 failed in "],
    ["import nothing_like_it", 2, "1 error"],
    ["", 5, "in "],
    [
      "import os, signal\ndef test_a(): os.kill(os.getpid(), signal.SIGSEGV)",
      139,
      "pytest was ended by SIGSEGV in tests/test_a.py::test_a",
    ],
    [
      "import os, signal\ndef test_a(): os.kill(os.getpid(), signal.SIGKILL)",
      137,
      "pytest was ended by SIGKILL in tests/test_a.py::test_a",
    ],
  ];
  for (const [text, expected, said] of suites) {
    await using suite = await UsersSuite.of(user, { "test_a.py": `${text}\n` });
    const { code, stdout, stderr } = await suite.tractest(ISOLATE);
    assertEquals(code, expected, stdout + stderr);
    assertIncludes(stdout, said);
    assert(
      !/^(Killed|Segmentation fault)/m.test(stdout + stderr),
      `a shell speaks up: ${stdout}${stderr}`,
    );
  }
});

/** A test that announces that it waits, counts the SIGINTs that it gets, and ends at `go`. */
const WAITS = `
import os, signal, subprocess, sys, time
SUITE = os.environ["SUITE"]
def test_waits():
    seen = []
    signal.signal(signal.SIGINT, lambda *_: seen.append(1))
    ignoring = "import signal, time; signal.signal(signal.SIGINT, signal.SIG_IGN); time.sleep(600)"
    subprocess.Popen([sys.executable, "-c", ignoring, SUITE])
    print("waiting", flush=True)
    while not os.path.exists(SUITE + "/go"): time.sleep(0.02)
    time.sleep(0.3)
    print("SIGINTs:", len(seen))
    raise KeyboardInterrupt
`;

for (const [signal, expected] of [["SIGINT", 130], ["SIGTERM", 143], ["SIGHUP", 143]] as const) {
  test(
    `fault 43: ${signal} without a terminal reaches pytest as exactly one SIGINT, and ` +
      `the exit code is ${expected}`,
    async (user) => {
      await using suite = await UsersSuite.of(user, { "test_a.py": WAITS });
      const running = suite.start([...ISOLATE, "-s", "--grace", "20"]);
      await running.until("waiting");
      running.child.kill(signal);
      await Deno.writeTextFile(join(suite.path, "go"), "");
      const { code, stdout, stderr } = await running.ended;
      assertEquals(code, expected, stdout + stderr);
      assertIncludes(stdout, "SIGINTs: 1");
      assertIncludes(stdout, "!!!! KeyboardInterrupt !!!!");
      await untilGone(suite.path);
    },
  );
}

test(
  "fault 43: SIGKILL of tractest ends pytest and all its descendants, and the next run " +
    "needs no clean-up",
  async (user) => {
    await using suite = await UsersSuite.of(user, {
      "test_a.py": WAITS,
      "test_b.py": "def test_b(): pass\n",
    });
    const running = suite.start([...ISOLATE, "-s", "test_a"]);
    await running.until("waiting");
    running.child.kill("SIGKILL");
    await running.ended;
    await untilGone(suite.path);
    const { code, stderr } = await suite.tractest(["run", "--no-preflight", "test_b"]);
    assertEquals(code, 0, stderr);
  },
);

test(
  "the time limit of a run ends processes that ignore SIGINT and all below them, and " +
    "exits with 124",
  async (user) => {
    await using suite = await UsersSuite.of(user, { "test_a.py": WAITS });
    // What ran is reported where nothing has ended for half of the limit: on a busy machine pytest
    // itself takes a while to begin.
    const { code, stdout, stderr } = await suite.tractest([
      ...ISOLATE,
      "--timeout",
      "6",
      "--grace",
      "0.3",
    ]);
    assertEquals(code, 124, stdout);
    assertIncludes(stderr, "tests/test_a.py::test_waits");
    assert(!stderr.includes("isolate.sh"), `what is around pytest is not a part of it:\n${stderr}`);
    await untilGone(suite.path);
  },
);

/** A server to which nothing connects, then one that accepts nothing. */
const SERVES = `
import os, socket, subprocess, sys, threading, time
SUITE = os.environ["SUITE"]
def serve(name, then):
    code = "import socket, time; s=socket.create_server(('127.0.0.1', 4321)); print(1, flush=True)"
    child = subprocess.Popen([sys.executable, "-c", f"{code}; {then}"], stdout=subprocess.PIPE)
    child.stdout.readline()
    def end():
        while os.path.exists(SUITE) and not os.path.exists(f"{SUITE}/{name}.go"): time.sleep(0.02)
        child.kill()
    threading.Thread(target=end).start()
    print(name, "waits", flush=True)
    return child
def test_lonely():
    serve("lonely", "s.accept()").wait()
def test_deaf():
    child = serve("deaf", "time.sleep(600)")
    client = socket.create_connection(("127.0.0.1", 4321))
    try: client.recv(1)
    except ConnectionResetError: pass
    child.wait()
`;

test(
  "hang and tree see the sockets of an isolated run: nothing connects, nothing accepts",
  async (user) => {
    await using suite = await UsersSuite.of(user, { "test_a.py": SERVES });
    // All in one network, and all the user's. A verdict needs a moment in which all sleep.
    const script = '"$@" run --no-preflight --isolate -s & run=$!; for name in lonely deaf; do ' +
      'until [ -e "$SUITE/$name.inspects" ]; do sleep 0.05; done; ' +
      'for try in 1 2 3 4 5; do "$@" hang --json >"$SUITE/$name.hang" || exit; ' +
      'grep -q waiting-for "$SUITE/$name.hang" && break; done; ' +
      '"$@" tree --json >"$SUITE/$name.tree"; touch "$SUITE/$name.go"; done; wait $run';
    const running = suite.start([], {}, ["sh", "-c", script, "sh"]);
    for (const name of ["lonely", "deaf"]) {
      await running.until(`${name} waits`);
      await Deno.writeTextFile(join(suite.path, `${name}.inspects`), "");
    }
    const { code, stdout, stderr } = await running.ended;
    assertEquals(code, 0, stdout + stderr);
    const read = async (name: string) =>
      JSON.parse(await Deno.readTextFile(join(suite.path, name)));
    const [lonely, deaf] = [await read("lonely.hang"), await read("deaf.hang")];
    assertEquals([lonely.verdict, deaf.verdict], ["waiting-for-connection", "waiting-for-answer"]);
    assertEquals([lonely.test, deaf.test], [
      "tests/test_a.py::test_lonely",
      "tests/test_a.py::test_deaf",
    ]);
    assertEquals([lonely.unknowns, deaf.unknowns], [[], []]);
    assertIncludes(lonely.evidence[0], "waits for a connection to 127.0.0.1:4321 (fd 3)");
    assertIncludes(deaf.evidence[0], "waits to be accepted by 127.0.0.1:4321 (fd ");
    assertIncludes(deaf.evidence[1], "has not accepted 1 connection");
    for (const name of ["lonely.tree", "deaf.tree"]) {
      assertIncludes(JSON.stringify(await read(name)), '["tcp 127.0.0.1:4321"]');
    }
    await untilGone(suite.path);
  },
);

test(
  "a test that takes too long is ended, and the others run in a fresh isolation",
  async (user) => {
    await using suite = await UsersSuite.of(user, {
      "test_a.py": `${WAITS}\ndef test_b(): pass\n`,
    });
    const { code, stdout } = await suite.tractest([
      ...ISOLATE,
      "--no-defaults",
      "--test-timeout",
      "1",
      "--grace",
      "0.3",
    ]);
    assertEquals(code, 1, stdout);
    assertIncludes(stdout, "1 failed, 1 passed in ");
    await untilGone(suite.path);
  },
);

test(
  "fault 42: Ctrl-C at a terminal reaches pytest as exactly one SIGINT; it finishes " +
    "its report, and the exit code is 130",
  async (user) => {
    await using suite = await UsersSuite.of(user, { "test_a.py": WAITS });
    const running = await suite.atTerminal([...ISOLATE, "-s"]);
    await running.until("waiting");
    await running.type("\x03");
    await Deno.writeTextFile(join(suite.path, "go"), "");
    const { code, stdout } = await running.ended;
    assertEquals(code, 130, stdout);
    assertIncludes(stdout, "SIGINTs: 1");
    assertIncludes(stdout, "interrupted: ");
    await untilGone(suite.path);
  },
);

test(
  "fault 42: a second Ctrl-C ends a pytest that ignores the first, " +
    "and all below it",
  async (user) => {
    await using suite = await UsersSuite.of(user, { "test_a.py": WAITS });
    const running = await suite.atTerminal([...ISOLATE, "-s"]);
    await running.until("waiting");
    await running.type("\x03");
    await running.until("interrupt again");
    await running.type("\x03");
    const { code, stdout } = await running.ended;
    assertEquals(code, 130, stdout);
    await untilGone(suite.path);
  },
);

test("fault 44: at a terminal a debugger gets the keyboard and Ctrl-C", async (user) => {
  await using suite = await UsersSuite.of(user, {
    "test_a.py": "import os\ndef test_a(): assert not all(os.isatty(fd) for fd in (0, 1, 2))\n",
  });
  const running = await suite.atTerminal([...ISOLATE, "--pdb", "-s"]);
  await running.until("(Pdb) ");
  await running.type("\x03");
  await running.typeUntil("p 'an' + 'swer'\n", "'answer'");
  await running.type("q\n");
  const { code, stdout } = await running.ended;
  assert(code !== 130, stdout);
});

test("two runs in one project, on one network, do not notice each other", async (user) => {
  await using suite = await UsersSuite.of(user, {
    "test_a.py":
      INSPECTS.replace("test_inspects(tmp_path):", "test_inspects(tmp_path):\n    import time") +
      HOLDS,
  });
  // The second is started by the same shell, so that both are in the network of the first.
  const running = suite.start([...ISOLATE, "-s"], {}, [
    "sh",
    "-c",
    '"$@" & "$@"; code=$?; wait $! && exit $code',
    "sh",
  ]);
  while (running.stdout.split("holds the registry").length <= 2) await running.more();
  await Deno.writeTextFile(join(suite.path, "go"), "");
  const { code, stdout, stderr } = await running.ended;
  assertEquals(code, 0, stdout + stderr);
});

/** Holds the registry until `go`. */
const HOLDS = `
    print("holds the registry", flush=True)
    while not os.path.exists(os.environ["SUITE"] + "/go"): time.sleep(0.02)
`;

test(
  "a configured socket directory is private, but shares all files " +
    "that are no sockets",
  async (user) => {
    await using suite = await UsersSuite.of(user, {
      "test_a.py": `
import os, socket
def test_a():
    assert sorted(os.listdir("run")) == ["directory", "file", "link"]
    assert (open("run/file").read(), open("run/link").read()) == ("outside", "outside")
    open("run/directory/new", "w").close()
    open("run/file", "a").write(", and inside")
    socket.socket(socket.AF_UNIX).bind("run/registry@1616.sock")
`,
    }, 'socket-directories = ["run"]\nisolate = true\n');
    await suite.write({ "run/file": "outside", "run/directory/old": "" });
    await Deno.symlink("file", join(suite.root, "run/link"));
    const listener = Deno.listen({
      transport: "unix",
      path: join(suite.root, "run/registry@1616.sock"),
    });
    await suite.give();
    try {
      // The configuration asks for it.
      const { code, stdout, stderr } = await suite.tractest(["run", "--no-preflight"]);
      assertEquals(code, 0, stdout + stderr);
    } finally {
      listener.close();
    }
    assertEquals(await Deno.readTextFile(join(suite.root, "run/file")), "outside, and inside");
    assertEquals(
      (await Array.fromAsync(Deno.readDir(join(suite.root, "run/directory")))).length,
      2,
    );
  },
);

test(
  "pytest gets the default action of SIGINT even if tractest " +
    "inherited it ignored",
  async (user) => {
    await using suite = await UsersSuite.of(user, {
      "test_a.py": "import signal\ndef test_a(): assert signal.getsignal(signal.SIGINT) is " +
        "signal.default_int_handler\n",
    });
    const { code, stdout, stderr } = await suite.start(ISOLATE, {}, [
      "sh",
      "-c",
      'trap "" INT; exec "$@"',
      "sh",
    ]).ended;
    assertEquals(code, 0, stdout + stderr);
  },
);

/** No user can create a namespace in here. */
const REFUSED = [
  "unshare",
  "-U",
  "-r",
  "sh",
  "-c",
  'echo 0 >/proc/sys/user/max_user_namespaces && exec setpriv --bounding-set=-all "$@"',
  "sh",
];

test(
  "if the system refuses, --isolate exits with 83, reason and remedy; --isolate=auto " +
    "runs without isolation",
  async (user) => {
    await using suite = await UsersSuite.of({ ...user, as: [] }, {
      "test_a.py": "import os\ndef test_a(): assert os.getppid() != 1\n",
    });
    const { code, stdout, stderr } = await suite.start([...ISOLATE, "--json"], {}, REFUSED).ended;
    assertEquals(code, 83, stderr);
    assertEquals(JSON.parse(stdout).error, {
      code: "isolation",
      message:
        "Cannot isolate the run: user namespaces are switched off (user.max_user_namespaces is 0)",
      hint: "sudo sysctl -w user.max_user_namespaces=10000",
    });
    const auto = await suite.start(["run", "--no-preflight", "--isolate=auto"], {}, REFUSED).ended;
    assertEquals(auto.code, 0, auto.stdout + auto.stderr);
    assertIncludes(auto.stderr, "warning: not isolated: user namespaces are switched off");
    const doctor = await suite.start(["doctor", "--json"], {}, REFUSED).ended;
    const row = JSON.parse(doctor.stdout).checks.find((check: { id: string }) =>
      check.id === "isolation"
    );
    assertEquals([row.status, row.fix], ["warn", "sudo sysctl -w user.max_user_namespaces=10000"]);
  },
);

test("a missing unshare is named with its package", async (user) => {
  if (user.uid !== 0) return;
  await using suite = await UsersSuite.of(user, { "test_a.py": "" });
  const hide = [
    "unshare",
    "--mount",
    "sh",
    "-c",
    'mount --bind /dev/null /usr/bin/unshare && exec "$@"',
    "sh",
  ];
  const { code, stderr } = await suite.start(ISOLATE, {}, hide).ended;
  assertEquals(code, 83);
  assertIncludes(
    stderr,
    'error: Cannot isolate the run: "unshare" is not installed in any standard directory\n' +
      "hint: install the package util-linux\n",
  );
});

/** What a process inherits, and how long orphans that ended stay in the list of processes. */
const INHERITS = `
import json, os, random, statistics, subprocess, time
KEYS = ("SigBlk", "SigIgn", "SigCgt", "CapEff", "CapPrm", "CapInh", "CapAmb", "NoNewPrivs", "Umask")
def test_inherits():
    status = [line for line in open("/proc/self/status") if line.startswith(KEYS)]
    limits = open("/proc/self/limits").read()
    print("<" + json.dumps([status, limits, os.nice(0), sorted(os.sched_getaffinity(0))]) + ">")
def test_orphans():
    chosen, waits = random.Random(7), []
    for _ in range(15):
        ends, many = chosen.choice(("exit", 15, 9)), chosen.choice((1, 5, 20))
        seconds = chosen.uniform(0, 0.1) if ends == "exit" else 600
        starts = "for n in $(seq %d); do sleep %.3f >/dev/null & echo $!; done" % (many, seconds)
        pids = [int(pid) for pid in subprocess.check_output(["sh", "-c", starts]).split()]
        for pid in pids if ends != "exit" else ():
            os.kill(pid, ends)
        began = time.monotonic()
        while any(os.path.exists("/proc/%d" % pid) for pid in pids):
            time.sleep(0.001)
        waits.append(time.monotonic() - began)
    print("[%.3f]" % statistics.median(waits))
`;

test(
  "a test has the signals, rights and limits that it has outside, and orphans that end are " +
    "collected at once",
  async (user) => {
    await using suite = await UsersSuite.of(user, { "test_a.py": INHERITS });
    const seen = async (how: string, test: string) => {
      const words = ["run", "--no-preflight", how, "-s", "-k", test];
      const { code, stdout, stderr } = await suite.tractest(words);
      assertEquals(code, 0, stdout + stderr);
      return stdout;
    };
    const inherited = (stdout: string) => /<(.*)>/.exec(stdout)![1];
    const inside = await seen("--isolate", "inherits or orphans");
    assertEquals(inherited(inside), inherited(await seen("--no-isolate", "inherits")));
    // Outside it depends on the system's first process, which takes 2 s on some.
    const [, median] = /\[(\d+\.\d+)\]/.exec(inside)!;
    assert(Number(median) < 0.5, inside);
  },
);

/** The application holds the registry of the network that all of them are in. */
const AT_ONCE = `
env --default-signal=INT py310/bin/python -m sample_actors & application=$!
until ss -tlnH | grep -q :1616; do sleep 0.05; done
"$@" --isolate test_registrar test_rpc & first=$!
"$@" --isolate test_local; second=$?
wait $first; echo "isolated: $? $second"
"$@" test_local; echo "not isolated: $?"
kill -INT $application; wait $application; echo "application: $?"
`;

test(
  "two runs of the sample pass at once, next to an application on the registry's port, " +
    "which keeps running",
  async (user) => {
    await using suite = await UsersSuite.sample(user);
    const { stdout, stderr } = await suite.start(["run"], {}, ["sh", "-c", AT_ONCE, "sh"]).ended;
    assertIncludes(stdout, "isolated: 0 0\n");
    assertIncludes(
      stderr,
      "does not affect this run, which has a registry and sockets of its own\n",
    );
    assertIncludes(stdout, "not isolated: 81\n");
    assertIncludes(stdout, "application: 130\n");
  },
);
