import { assert, assertEquals, assertIncludes } from "../assert.ts";
import { children, isAlive, isRoot, msgspec, Scene } from "../leaks/scene.ts";
import { type Outcome, scratchState, TRACTEST, tractest } from "./tractest.ts";

const NEEDS_ROOT = isRoot ? "" : " (needs root)";

/** Runs `tractest zombies` in the project of a scene. */
async function zombies(
  scene: Scene,
  args: readonly string[] = [],
  env: Record<string, string> = {},
): Promise<Outcome> {
  return await tractest(["zombies", ...args], {
    cwd: scene.root,
    env: { XDG_RUNTIME_DIR: `${scene.base}/run`, ...env },
  });
}

/** A project whose registry is at a port that is free now. */
async function make(): Promise<{ scene: Scene; port: number }> {
  const probe = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = probe.addr;
  probe.close();
  return { scene: await Scene.make("repo", "", [`127.0.0.1:${port}`]), port };
}

Deno.test(
  "zombies: on a clean machine prints three lines to stdout, none to stderr, and exits " +
    "with 0",
  async () => {
    const { scene, port } = await make();
    await using _ = scene;
    assertEquals(await zombies(scene), {
      code: 0,
      stdout:
        `TCP :${port} free\nno leaked actor procs from this repo\nno leaked UDS registry sockets\n`,
      stderr: "",
    });
  },
);

Deno.test("zombies: leaks exit with 81 and the command that ends them", async () => {
  const { scene } = await make();
  await using _ = scene;
  const pid = await scene.actor();
  const { code, stdout, stderr } = await zombies(scene);
  assertEquals(code, 81);
  assertIncludes(
    stdout,
    `1 leaked actor proc from this repo:\n  ${pid} _subactor[w0@77]\n    titled as a ` +
      `subactor; works in ${scene.root}; `,
  );
  assertEquals(stderr, "hint: tractest zombies --kill\n");
  assert(isAlive(pid));
});

Deno.test(
  "zombies --kill: ends a leaked holder and reports that the registry is now free",
  async () => {
    const { scene, port } = await make();
    await using _ = scene;
    const pid = await scene.actor({ env: { LISTEN: String(port), SIGINT: "ignore" } });
    const { code, stdout, stderr } = await zombies(scene, ["--kill", "--grace", "0.1"]);
    assertEquals([code, isAlive(pid)], [0, false]);
    assertEquals(
      stdout,
      `TCP :${port} now free\nno leaked actor procs from this repo\nno leaked UDS registry ` +
        "sockets\n",
    );
    assertIncludes(
      stderr,
      `SIGINT ${pid} _subactor[w0@77]\ngraceful teardown timed out — escalating to ` +
        `SIGKILL\nSIGKILL ${pid} _subactor[w0@77]\n`,
    );
  },
);

Deno.test("zombies --kill --dry-run: names what it would end and ends nothing", async () => {
  const { scene } = await make();
  await using _ = scene;
  const pid = await scene.actor();
  const { code, stdout } = await zombies(scene, ["--kill", "--dry-run"]);
  assertEquals([code, isAlive(pid)], [81, true]);
  assertIncludes(stdout, `would end pid ${pid} _subactor[w0@77]\n`);
});

Deno.test("zombies --json: the documented keys, before and after a clean-up", async () => {
  const { scene, port } = await make();
  await using _ = scene;
  const pid = await scene.actor({ env: { LISTEN: String(port) } });
  const found = await zombies(scene, ["--json"]);
  const before = JSON.parse(found.stdout);
  assertEquals([found.code, Object.keys(before)[0], before.schema, before.clean], [
    81,
    "schema",
    "tractest.zombies/1",
    false,
  ]);
  assertEquals(before.registries.map((row: Record<string, unknown>) => [row.address, row.bound]), [[
    `127.0.0.1:${port}`,
    true,
  ]]);
  assertEquals([before.registries[0].holders[0].pid, before.registries[0].holders[0].verdict], [
    pid,
    "leaked",
  ]);
  const [actor] = before.actors;
  assertEquals([actor.pid, actor.title, actor.verdict], [pid, "_subactor[w0@77]", "leaked"]);
  assert(Number.isInteger(actor.startTicks) && actor.evidence.length > 0);
  assertEquals([before.sockets, before.refused, "killed" in before], [[], [], false]);
  const ended = await zombies(scene, ["--kill", "--json"]);
  const after = JSON.parse(ended.stdout);
  assertEquals([ended.code, after.clean, after.killed, after.removed], [0, true, [{
    pid,
    by: "SIGINT",
  }], []]);
});

Deno.test(
  "zombies --kill: a foreign holder of the registry is named and kept, exit 81",
  async () => {
    const { scene, port } = await make();
    await using _ = scene;
    const pid = await scene.start({ argv: ["postgres"], cwd: "/", env: { LISTEN: String(port) } });
    const { code, stdout, stderr } = await zombies(scene, ["--kill"]);
    assertEquals([code, isAlive(pid)], [81, true]);
    assertIncludes(
      stdout,
      `TCP :${port} bound: held by ${pid} postgres\n    not of this repo: works in /, maps ` +
        "nothing of this project\n",
    );
    assertIncludes(stderr, `hint: it is left alone; kill -INT ${pid} if it is not needed\n`);
  },
);

Deno.test(
  "zombies --hook: silent when clean, one line for a clean-up or for unknowns, exit 0",
  async () => {
    const { scene } = await make();
    await using _ = scene;
    assertEquals(await zombies(scene, ["--kill", "--hook"]), { code: 0, stdout: "", stderr: "" });
    const pid = await scene.actor();
    const cleaned = await zombies(scene, ["--kill", "--hook"]);
    assertEquals([cleaned.code, cleaned.stdout, isAlive(pid)], [0, "", false]);
    assertIncludes(cleaned.stderr, "tractest: ended 1 leaked actor\n");
    const cwd = `${scene.root}/gone`;
    await Deno.mkdir(cwd);
    const unknown = await scene.actor({ cwd });
    await Deno.remove(cwd);
    assertEquals((await zombies(scene)).code, 82);
    const hook = await zombies(scene, ["--kill", "--hook"]);
    assertEquals([hook.code, hook.stdout, hook.stderr], [
      0,
      "",
      `warning: not verified whether actors leaked: pid ${unknown}: its directory is gone\n`,
    ]);
  },
);

Deno.test(
  "zombies --kill: a registry held by a live application exits with 81, and with 0 " +
    "under --hook",
  async () => {
    const { scene, port } = await make();
    await using _ = scene;
    const env = { LISTEN: String(port), MAPS: msgspec(scene.root) };
    const pid = await scene.start({
      argv: ["python3", "-"],
      env,
      under: ["bash", "-c", '"$@"; exit', "bash"],
      ownChild: true,
    });
    const { code, stdout, stderr } = await zombies(scene, ["--kill", "--hook"]);
    assertEquals([code, stdout, stderr.split("\n").length], [0, "", 2], stderr);
    assertIncludes(stderr, `warning: TCP :${port} is held by pid ${pid} python3 -; left alone: `);
    assertEquals([
      (await zombies(scene, ["--hook"])).code,
      (await zombies(scene, ["--kill"])).code,
      isAlive(pid),
    ], [0, 81, true]);
    // The hook also reports it together with a leak.
    const socket = await scene.actor({ env: { SIGINT: "ignore" } });
    assertEquals([(await zombies(scene, ["--hook"])).code, isAlive(socket)], [81, true]);
  },
);

Deno.test(
  `fault 14: zombies --hook names unknowns, not another user's processes${NEEDS_ROOT}`,
  { ignore: !isRoot },
  async () => {
    const { scene } = await make();
    await using _ = scene;
    await scene.actor({ env: { BECOME: "65534" } });
    const cwd = `${scene.root}/gone`;
    await Deno.mkdir(cwd);
    const unknown = await scene.actor({ cwd });
    await Deno.remove(cwd);
    const { code, stderr } = await zombies(scene, ["--kill", "--hook"]);
    assertEquals([code, stderr], [
      0,
      `warning: not verified whether actors leaked: pid ${unknown}: its directory is gone\n`,
    ]);
  },
);

Deno.test(
  "zombies --kill --hook: a leak that survives is named in one line, " +
    `and exits with 81${NEEDS_ROOT}`,
  { ignore: !isRoot },
  async () => {
    const { scene } = await make();
    await using _ = scene;
    const directory = `${scene.base}/run/tractor`;
    await Deno.mkdir(directory, { recursive: true });
    const pid = await scene.start({
      argv: ["server"],
      cwd: "/",
      env: { SOCKET: `${directory}/a.sock` },
    });
    Deno.kill(pid, "SIGKILL");
    while (isAlive(pid)) await new Promise((done) => setTimeout(done, 5));
    // A directory that nothing can be removed from, as a read-only file system is.
    const wrap = [
      "unshare",
      "--mount",
      "sh",
      "-c",
      `mount --bind "${directory}" "${directory}" && mount -o remount,bind,ro ` +
      `"${directory}" && exec "$@"`,
      "sh",
    ];
    const { code, stdout, stderr } = await tractest(["zombies", "--kill", "--hook"], {
      cwd: scene.root,
      env: { XDG_RUNTIME_DIR: `${scene.base}/run` },
      wrap,
    });
    assertEquals([code, stdout], [81, ""], stderr);
    assertIncludes(stderr, `warning: leaked and still there: ${directory}/a.sock: `);
    assertEquals(stderr.trimEnd().split("\n").length, 1, stderr);
  },
);

Deno.test("fault 13: an invalid pid, or one never to be signalled, is a usage error", async () => {
  const { scene } = await make();
  await using _ = scene;
  for (const pid of ["0", "1", "-1", "12 13", "99999999999", "x"]) {
    const { code, stdout } = await zombies(scene, ["--kill", `--pid=${pid}`]);
    assertEquals([code, stdout], [64, ""], pid);
  }
});

Deno.test("zombies --pid: ends only the named process", async () => {
  const { scene } = await make();
  await using _ = scene;
  const [named, other] = [await scene.actor(), await scene.actor()];
  const { code } = await zombies(scene, ["--kill", "--pid", String(named)]);
  assertEquals([code, isAlive(named), isAlive(other)], [81, false, true]);
});

Deno.test("zombies --parent: ends only leaks below that process", async () => {
  const { scene } = await make();
  await using _ = scene;
  const fifo = await scene.fifo();
  // It is leaked itself, whatever the first process here is, but not below itself.
  const env = { MAPS: msgspec(scene.root) };
  const parent = await scene.actor({
    env: { ...env, ...children({ argv: ["_subactor[below@7]"], env: { ...env, READY: fifo } }) },
  });
  const below = await scene.ready(fifo);
  const other = await scene.actor();
  const listed = JSON.parse((await zombies(scene, ["--parent", String(parent), "--json"])).stdout);
  assertEquals(listed.actors.map((actor: { pid: number }) => actor.pid), [below]);
  const { code } = await zombies(scene, ["--kill", "--parent", String(parent)]);
  assertEquals([code, isAlive(below), isAlive(parent), isAlive(other)], [0, false, true, true]);
  assertEquals((await zombies(scene, ["--parent", String(other)])).code, 0);
  for (const pid of ["0", "1", "-1", "x"]) {
    assertEquals((await zombies(scene, [`--parent=${pid}`])).code, 64, pid);
  }
  assertEquals((await zombies(scene, ["--parent=77", "--pid=77"])).code, 64);
});

Deno.test("zombies --pid: refuses another user's process, with the reason", async () => {
  const { scene } = await make();
  await using _ = scene;
  const pid = await scene.start({ argv: ["postgres"], cwd: "/" });
  const { stdout } = await zombies(scene, ["--kill", "--pid", String(pid)]);
  assertIncludes(stdout, `${pid} postgres\n    not of this repo: `);
  assert(isAlive(pid));
});

Deno.test("fault 8: the shell that runs it and its ancestors are never signalled", async () => {
  const { scene } = await make();
  await using _ = scene;
  const result = `${scene.base}/result`;
  const command = `"${TRACTEST}" zombies --kill > "${result}" 2>&1; echo $? >> "${result}"`;
  // An orphaned "actor" of this checkout that itself runs the clean-up, through a shell.
  const pid = await scene.actor({ env: { RUN: command, ...scratchState() } });
  assertIncludes(await Deno.readTextFile(result), "no leaked actor procs from this repo\n");
  assert(isAlive(pid));
});

Deno.test(
  `fault 32: a stale socket is kept if another's name has a newline${NEEDS_ROOT}`,
  { ignore: !isRoot },
  async () => {
    const { scene } = await make();
    await using _ = scene;
    const directory = `${scene.base}/run/tractor`;
    await Deno.mkdir(directory, { recursive: true, mode: 0o700 });
    const stale = `${directory}/registry@1616.sock`;
    // In a network of its own, so that no other list of sockets has that row; the very process that
    // lists sockets holds it.
    const hold = `import os, socket, sys
for name in sys.argv[1:3]:
    kept = socket.socket(socket.AF_UNIX)
    kept.bind(name)
kept.listen()
os.set_inheritable(kept.fileno(), True)
os.execv(sys.argv[3], sys.argv[3:])`;
    const wrap = [
      "unshare",
      "--net",
      "python3",
      "-c",
      hold,
      stale,
      `${scene.base}/x\nu_str LISTEN.sock`,
    ];
    const env = { XDG_RUNTIME_DIR: `${scene.base}/run` };
    const { code, stdout } = await tractest(["zombies", "--kill", "--json"], {
      cwd: scene.root,
      env,
      wrap,
    });
    const { clean, sockets, removed } = JSON.parse(stdout);
    assertEquals([
      code,
      clean,
      removed,
      sockets.map((socket: Record<string, unknown>) => [socket.path, socket.verdict]),
    ], [82, null, [], [[
      stale,
      "unknown",
    ]]]);
    assert((await Deno.lstat(stale)).isSocket);
  },
);

Deno.test("fault 33: control characters in a title are escaped, in text and in JSON", async () => {
  const { scene } = await make();
  await using _ = scene;
  const hostile = "\x1b]0;x\x07\r\u009b31m\u202e\n";
  const pid = await scene.actor({ name: hostile });
  const text = await zombies(scene, [], { NO_COLOR: "1" });
  // deno-lint-ignore no-control-regex
  assert(!/[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]/.test(text.stdout + text.stderr));
  assertIncludes(text.stdout, `${pid} _subactor[\\e]0;x\\x07\\r\\x9b31m\\u202e\\n@77]\n`);
  const json = await zombies(scene, ["--json"]);
  // deno-lint-ignore no-control-regex
  assert(!/[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]/.test(json.stdout));
  assertEquals(JSON.parse(json.stdout).actors[0].title, `_subactor[${hostile}@77]`);
  const killed = await zombies(scene, ["--kill"]);
  // deno-lint-ignore no-control-regex
  assert(!/[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]/.test(killed.stdout + killed.stderr));
  assertEquals([killed.code, isAlive(pid)], [0, false]);
});

Deno.test(
  "fault 34: a closed output pipe does not stop the clean-up or print a stack trace",
  async () => {
    const { scene } = await make();
    await using _ = scene;
    const pids = await Promise.all(["a", "b", "c"].map((name) => scene.actor({ name })));
    const wrap = ["bash", "-c", '"$@" 2>&1 | head -1; exit "${PIPESTATUS[0]}"', "bash"];
    const { code, stderr } = await tractest(["zombies", "--kill"], { cwd: scene.root, wrap });
    assertEquals([code, stderr, pids.map(isAlive)], [0, "", [false, false, false]]);
  },
);

Deno.test(
  "fault 35: same-named programs in the venv, repo or PATH are never executed",
  async () => {
    const { scene } = await make();
    await using _ = scene;
    await scene.actor();
    const places = [`${scene.root}/py311/bin`, scene.root, `${scene.base}/bin`];
    for (const place of places) {
      await Deno.mkdir(place, { recursive: true });
      for (const program of ["ss", "ps", "pgrep", "lsof", "cat", "readlink", "stat", "kill"]) {
        await Deno.writeTextFile(
          `${place}/${program}`,
          `#!/bin/sh\ntouch ${scene.base}/executed\n`,
          {
            mode: 0o755,
          },
        );
      }
    }
    const { code } = await zombies(scene, ["--kill"], {
      PATH: `${places.join(":")}:.:/usr/bin:/bin`,
      VIRTUAL_ENV: `${scene.root}/py311`,
    });
    assertEquals(code, 0);
    await assertMissing(`${scene.base}/executed`);
  },
);

Deno.test("fault 36: the probes run although LD_LIBRARY_PATH is set", async () => {
  const { scene } = await make();
  await using _ = scene;
  const pid = await scene.actor();
  const { code } = await zombies(scene, ["--kill"], {
    LD_LIBRARY_PATH: "/nonexistent",
    LD_PRELOAD: "",
  });
  assertEquals([code, isAlive(pid)], [0, false]);
});

Deno.test("fault 52: on the built binary a live application and its actor are kept", async () => {
  const { scene } = await make();
  await using _ = scene;
  const fifo = await scene.fifo();
  const maps = { MAPS: `${scene.root}/py311/lib/python3.11/site-packages/msgspec/_core.so` };
  const application = await scene.start({
    argv: ["python3", "-"],
    env: { ...maps, ...children({ argv: ["_subactor[w0@77]"], env: { READY: fifo, ...maps } }) },
  });
  const actor = await scene.ready(fifo);
  const { code, stderr } = await zombies(scene, ["--kill"]);
  assertEquals([code, isAlive(application), isAlive(actor)], [0, true, true]);
  assertIncludes(stderr, "1 actor proc of this repo is in use; left alone\n");
});

async function assertMissing(path: string): Promise<void> {
  assertEquals(await Deno.stat(path).then(() => "there", () => "missing"), "missing");
}
