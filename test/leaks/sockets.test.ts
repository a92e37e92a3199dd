import { endLeaks } from "../../lib/leaks/end_leaks.ts";
import { findLeaks } from "../../lib/leaks/gather.ts";
import type { CleanupReport, LeakReport } from "../../lib/leaks/leak_report.ts";
import { assert, assertEquals, assertIncludes } from "../assert.ts";
import { isAlive, isRoot, Scene } from "./scene.ts";

const NEEDS_ROOT = isRoot ? "" : " (needs root)";

/** A project, and a directory of sockets as tractor's runtime directory is one. */
async function make(): Promise<{ scene: Scene; directory: string }> {
  const scene = await Scene.make();
  const directory = `${scene.base}/run/tractor`;
  await Deno.mkdir(directory, { recursive: true, mode: 0o700 });
  return { scene, directory };
}

/** A socket without a listener: its owner is gone. */
async function stale(scene: Scene, path: string): Promise<void> {
  const pid = await scene.start({ argv: ["owner"], env: { SOCKET: path }, ownChild: true });
  Deno.kill(pid, "SIGKILL");
  await scene.ended();
}

async function cleanUp(scene: Scene): Promise<{ found: LeakReport; cleanup: CleanupReport }> {
  const project = await scene.found();
  const found = await findLeaks(scene.host, project);
  return {
    found,
    cleanup: await endLeaks(scene.host, scene.printer, project, found, {
      graceSeconds: 3,
      dryRun: false,
    }),
  };
}

function verdicts(report: LeakReport): string[] {
  return report.sockets.map(({ path, verdict }) => `${path.split("/").at(-1)} ${verdict}`)
    .toSorted();
}

function exists(path: string): boolean {
  try {
    return Deno.lstatSync(path) !== null;
  } catch {
    return false;
  }
}

Deno.test("a socket that its killed owner left behind is stale, and is removed", async () => {
  const { scene, directory } = await make();
  await using _ = scene;
  await stale(scene, `${directory}/registry@1616.sock`);
  const { found, cleanup } = await cleanUp(scene);
  assertEquals([found.clean, verdicts(found)], [false, ["registry@1616.sock stale"]]);
  assertEquals([cleanup.removed, cleanup.after.clean], [[`${directory}/registry@1616.sock`], true]);
  assert(!exists(`${directory}/registry@1616.sock`));
});

Deno.test("a leaked actor's socket is live, and removed once the actor is ended", async () => {
  const { scene, directory } = await make();
  await using _ = scene;
  const pid = await scene.actor({ env: { SOCKET: `${directory}/w0@77.sock` } });
  const { found, cleanup } = await cleanUp(scene);
  assertEquals([verdicts(found), isAlive(pid)], [["w0@77.sock live"], false]);
  assertEquals([cleanup.removed.length, cleanup.after.clean], [1, true]);
});

Deno.test("a live socket, and one that is bound and does not listen yet, are kept", async () => {
  const { scene, directory } = await make();
  await using _ = scene;
  await scene.start({ argv: ["server"], cwd: "/", env: { SOCKET: `${directory}/a.sock` } });
  await scene.start({
    argv: ["starting"],
    cwd: "/",
    env: { SOCKET: `${directory}/b.sock`, SOCKET_ONLY_BOUND: "1" },
  });
  await scene.start({ argv: ["relative"], cwd: directory, env: { SOCKET: "c d.sock" } });
  const { found, cleanup } = await cleanUp(scene);
  assertEquals([found.clean, verdicts(found), cleanup.removed], [true, [
    "a.sock live",
    "b.sock live",
    "c d.sock live",
  ], []]);
});

Deno.test("a configured directory is searched, whatever its sockets are called", async () => {
  await using scene = await Scene.make("repo", 'socket-directories = ["sockets"]\n');
  await Deno.mkdir(`${scene.root}/sockets`, { mode: 0o700 });
  await stale(scene, `${scene.root}/sockets/x.sock`);
  assertEquals((await cleanUp(scene)).cleanup.removed, [`${scene.root}/sockets/x.sock`]);
});

Deno.test(
  `fault 25: a live socket whose owner is in another network namespace is kept${NEEDS_ROOT}`,
  { ignore: !isRoot },
  async () => {
    const { scene, directory } = await make();
    await using _ = scene;
    await scene.start({
      argv: ["server"],
      cwd: "/",
      env: { SOCKET: `${directory}/a.sock` },
      under: ["unshare", "--net"],
    });
    const { found, cleanup } = await cleanUp(scene);
    assertEquals([verdicts(found), cleanup.removed], [["a.sock live"], []]);
  },
);

Deno.test(
  `fault 62: a socket bound in another network namespace is kept${NEEDS_ROOT}`,
  { ignore: !isRoot },
  async () => {
    const { scene, directory } = await make();
    await using _ = scene;
    const env = { SOCKET: `${directory}/a.sock`, SOCKET_ONLY_BOUND: "1" };
    await scene.start({ argv: ["server"], cwd: "/", env, under: ["unshare", "--net"] });
    await stale(scene, `${directory}/b.sock`);
    const { found, cleanup } = await cleanUp(scene);
    assertEquals([verdicts(found), cleanup.removed], [["a.sock live", "b.sock stale"], [
      `${directory}/b.sock`,
    ]]);
    scene.host.instead = (program, args) =>
      program === "readlink" && args.some((word) => word.endsWith("/ns/net"))
        ? { outcome: "timed-out" }
        : null;
    await stale(scene, `${directory}/b.sock`);
    assertEquals(
      verdicts((await cleanUp(scene)).found),
      ["a.sock unknown", "b.sock unknown"],
      "what can't be seen is not stale",
    );
  },
);

Deno.test("a plain file named like a registry's socket is refused and blocks nothing", async () => {
  const { scene, directory } = await make();
  await using _ = scene;
  await Deno.writeTextFile(`${directory}/registry@9.sock`, "x");
  const { found, cleanup } = await cleanUp(scene);
  const reason = "is a file, no socket";
  assertEquals([found.clean, found.sockets, found.refused], [true, [], [{
    path: `${directory}/registry@9.sock`,
    reason,
  }]]);
  assertEquals([cleanup.ok, exists(`${directory}/registry@9.sock`)], [true, true]);
});

Deno.test("fault 26: a stale socket with a listening old owner is removed by inode", async () => {
  const { scene, directory } = await make();
  await using _ = scene;
  const path = `${directory}/a.sock`;
  const old = await scene.start({ argv: ["server"], cwd: "/", env: { SOCKET: path } });
  await Deno.remove(path);
  await stale(scene, path);
  const { cleanup } = await cleanUp(scene);
  assertEquals([cleanup.removed, isAlive(old)], [[path], true]);
});

for (const kind of ["symlink", "file", "directory", "live socket"] as const) {
  Deno.test(`fault 27: a socket replaced by a ${kind} before removal is kept`, async () => {
    const { scene, directory } = await make();
    await using _ = scene;
    const path = `${directory}/a.sock`;
    const target = `${scene.base}/precious`;
    await Deno.writeTextFile(target, "x");
    await stale(scene, path);
    const project = await scene.found();
    const found = await findLeaks(scene.host, project);
    assertEquals(verdicts(found), ["a.sock stale"]);
    const connect = scene.host.files.connectUnix.bind(scene.host);
    scene.host.files.connectUnix = async (asked) => {
      const outcome = await connect(asked);
      scene.host.files.connectUnix = connect;
      await Deno.remove(path);
      if (kind === "symlink") await Deno.symlink(target, path);
      else if (kind === "file") await Deno.writeTextFile(path, "x");
      else if (kind === "directory") await Deno.mkdir(path);
      else await scene.start({ argv: ["server"], cwd: "/", env: { SOCKET: path } });
      return outcome;
    };
    const { removed, refused } = await endLeaks(scene.host, scene.printer, project, found, {
      graceSeconds: 0,
      dryRun: false,
    });
    assertEquals([removed, refused], [[], [{
      path,
      reason: "was replaced in the meantime; kept",
    }]]);
    assert(exists(path) && exists(target));
  });
}

Deno.test("fault 28: a runtime directory that is a symlink is refused by name", async () => {
  const { scene, directory } = await make();
  await using _ = scene;
  await Deno.rename(directory, `${scene.base}/elsewhere`);
  await Deno.symlink(`${scene.base}/elsewhere`, directory);
  await stale(scene, `${scene.base}/elsewhere/a.sock`);
  const { found, cleanup } = await cleanUp(scene);
  assertEquals([found.clean, found.refused], [null, [{
    path: directory,
    reason: "is a symbolic link",
  }]]);
  assertEquals([cleanup.removed, exists(`${scene.base}/elsewhere/a.sock`)], [[], true]);
});

Deno.test("fault 28: a runtime directory where others may write is refused by name", async () => {
  const { scene, directory } = await make();
  await using _ = scene;
  await stale(scene, `${directory}/a.sock`);
  await Deno.chmod(directory, 0o777);
  assertEquals((await cleanUp(scene)).found.refused, [{
    path: directory,
    reason: "others may write there",
  }]);
});

Deno.test(
  `fault 28: someone else's runtime directory is refused by name, as root too${NEEDS_ROOT}`,
  { ignore: !isRoot },
  async () => {
    const { scene, directory } = await make();
    await using _ = scene;
    await stale(scene, `${directory}/a.sock`);
    await Deno.chown(directory, 65534, 65534);
    assertEquals((await cleanUp(scene)).found.refused, [{
      path: directory,
      reason: "belongs to uid 65534",
    }]);
  },
);

Deno.test(
  "fault 28: a relative runtime directory is skipped with a reason, an unset one silently",
  async () => {
    const { scene } = await make();
    await using _ = scene;
    scene.host.variables = { XDG_RUNTIME_DIR: "run" };
    const relative = await findLeaks(scene.host, await scene.found());
    assertEquals([relative.clean, relative.refused], [true, [{
      path: "run",
      reason: "XDG_RUNTIME_DIR is not absolute; skipped",
    }]]);
    scene.host.variables = {};
    assertEquals((await findLeaks(scene.host, await scene.found())).refused, []);
  },
);

Deno.test(`fault 29: someone else's socket in /tmp is skipped, as root too${NEEDS_ROOT}`, {
  ignore: !isRoot,
}, async () => {
  const { scene } = await make();
  await using _ = scene;
  const path = `/tmp/registry@${scene.base.split("/").at(-1)}.sock`;
  try {
    await stale(scene, path);
    await Deno.chown(path, 65534, 65534);
    const { found, cleanup } = await cleanUp(scene);
    assertEquals(found.refused.filter((refusal) => refusal.path === path), [{
      path,
      reason: "belongs to uid 65534; not touched",
    }]);
    assertEquals([cleanup.removed.includes(path), exists(path)], [false, true]);
  } finally {
    await Deno.remove(path);
  }
});

Deno.test("fault 30: a name that is no UTF-8 is skipped", async () => {
  const { scene, directory } = await make();
  await using _ = scene;
  const code =
    `import socket, os; socket.socket(socket.AF_UNIX).bind(os.environb[b"D"] + b"/a\\xff.sock")`;
  assert(
    (await new Deno.Command("python3", { args: ["-c", code], env: { D: directory } }).output())
      .success,
  );
  const { found, cleanup } = await cleanUp(scene);
  assertEquals([found.clean, cleanup.removed], [null, []]);
  assertIncludes(found.refused[0]!.reason, "unprintable name, skipped");
});

Deno.test('fault 32: an unreadable row of "ss" makes a stale socket unknown', async () => {
  const { scene, directory } = await make();
  await using _ = scene;
  await stale(scene, `${directory}/a.sock`);
  await scene.start({ argv: ["odd"], cwd: "/", env: { SOCKET: `${scene.base}/new\nline.sock` } });
  const { found, cleanup } = await cleanUp(scene);
  assertEquals([found.clean, verdicts(found), cleanup.removed], [null, ["a.sock unknown"], []]);
});

Deno.test('fault 39: while "ss" hangs no socket is removed', async () => {
  const { scene, directory } = await make();
  await using _ = scene;
  await stale(scene, `${directory}/a.sock`);
  scene.host.instead = (program, args) =>
    program === "ss" && args[0] === "-xaneH" ? { outcome: "timed-out", code: -1 } : null;
  const { found, cleanup } = await cleanUp(scene);
  assertEquals([found.clean, verdicts(found), cleanup.removed], [null, ["a.sock unknown"], []]);
});
