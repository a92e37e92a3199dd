import { endLeaks } from "../../lib/leaks/end_leaks.ts";
import { findLeaks } from "../../lib/leaks/gather.ts";
import type { LeakReport } from "../../lib/leaks/leak_report.ts";
import { assert, assertEquals, assertIncludes } from "../assert.ts";
import { children, isAlive, isRoot, job, msgspec, Scene, STAND_IN } from "./scene.ts";

const NEEDS_ROOT = isRoot ? "" : " (needs root)";

/** Lists and ends leaks; returns those that were listed. */
async function cleanUp(
  scene: Scene,
): Promise<{ found: LeakReport; leaked: number[]; killed: number[] }> {
  const project = await scene.found();
  const found = await findLeaks(scene.host, project);
  const { killed } = await endLeaks(scene.host, scene.printer, project, found, {
    graceSeconds: 1,
    dryRun: false,
  });
  const leaked = found.actors.filter((actor) => actor.verdict === "leaked").map((actor) =>
    actor.pid
  );
  return { found, leaked, killed: killed.map(({ pid }) => pid) };
}

const SYSTEM_PYTHON = STAND_IN.PYTHON!;

for (const how of ["spawn", "forkserver"]) {
  Deno.test(`fault 57: workers of a live program are kept (${how})`, async () => {
    await using scene = await Scene.make();
    await Deno.mkdir(`${scene.root}/py311/bin`);
    const venv = `${scene.root}/py311/bin/python`;
    await Deno.symlink(SYSTEM_PYTHON, venv);
    await Deno.symlink(`${scene.root}/py311`, `${scene.base}/link`);
    const pids = (await Promise.all([
      job(scene, SYSTEM_PYTHON, how),
      job(scene, venv, how),
      job(scene, `${scene.base}/link/bin/python`, how, { cwd: "/" }),
      job(scene, venv, how, { cwd: "/" }),
    ])).flat();
    assert(pids.length >= 4 * 3, "each has two workers");
    const { found, leaked, killed } = await cleanUp(scene);
    assertEquals([found.clean, leaked, killed, pids.filter((pid) => !isAlive(pid))], [
      true,
      [],
      [],
      [],
    ]);
  });
}

Deno.test("fault 58: a self-reloading development server in its own venv is kept", async () => {
  await using scene = await Scene.make();
  await Deno.mkdir(`${scene.base}/srv/.venv/bin`, { recursive: true });
  await Deno.symlink(SYSTEM_PYTHON, `${scene.base}/srv/.venv/bin/python`);
  const pids = await job(scene, `${scene.base}/srv/.venv/bin/python`, "spawn", {
    script: "srv/.venv/bin/uvicorn",
  });
  const { found, killed } = await cleanUp(scene);
  assertEquals([found.clean, killed, pids.filter((pid) => !isAlive(pid))], [true, [], []]);
});

Deno.test("a worker whose program is gone is unknown, and ended only when named", async () => {
  await using scene = await Scene.make();
  const pids = await job(scene, SYSTEM_PYTHON, "spawn");
  Deno.kill(pids[0]!, "SIGKILL");
  const workers = pids.slice(1).filter((pid) =>
    Deno.readTextFileSync(`/proc/${pid}/cmdline`).includes("spawn_main")
  );
  const { found, killed } = await cleanUp(scene);
  assertEquals([found.clean, killed], [null, []]);
  assertEquals(
    found.actors.map(({ pid, verdict }) => [pid, verdict]).toSorted(),
    workers.map((pid) => [pid, "unknown"]).toSorted(),
  );
  const project = await scene.found();
  const options = { pid: workers[0]!, graceSeconds: 1, dryRun: false };
  const ended = await endLeaks(
    scene.host,
    scene.printer,
    project,
    await findLeaks(scene.host, project, options),
    options,
  );
  assertEquals([ended.killed.map(({ pid }) => pid), isAlive(workers[1]!)], [[workers[0]!], true]);
});

Deno.test(
  "fault 59: a live application with msgspec outside site-packages keeps its actors",
  async () => {
    await using scene = await Scene.make();
    const target = `${scene.base}/target/msgspec`;
    await Deno.mkdir(target, { recursive: true });
    await Deno.writeTextFile(`${target}/_core.so`, "not empty");
    const pids: number[] = [];
    for (const argv of [["python3", "-"], ["pikerd", "-"], ["/usr/bin/python3.11", "-"]]) {
      const fifo = await scene.fifo();
      const env = {
        MAPS: `${target}/_core.so`,
        ...children({
          argv: ["_subactor[w0@77]"],
          env: { READY: fifo, MAPS: `${target}/_core.so` },
        }),
      };
      pids.push(await scene.start({ argv, env }), await scene.ready(fifo));
    }
    const { found, killed } = await cleanUp(scene);
    assertEquals([found.clean, killed, pids.filter((pid) => !isAlive(pid))], [true, [], []]);
    assertEquals(found.actors.map((actor) => actor.verdict), ["in-use", "in-use", "in-use"]);
  },
);

Deno.test(
  `fault 61: an actor is in use below another user's live pytest${NEEDS_ROOT}`,
  { ignore: !isRoot },
  async () => {
    await using scene = await Scene.make();
    const start = async (argv: string[]) => {
      const fifo = await scene.fifo();
      const child = { argv: ["_subactor[w0@77]"], env: { READY: fifo, MAPS: msgspec(scene.root) } };
      const env = { PYTHONPATH: await scene.modules(), ...children(child), BECOME: "65534" };
      const parent = await scene.start({ argv, cwd: "/", env });
      return [parent, await scene.ready(fifo)] as const;
    };
    const [pytest, below] = await start(["python3", "-m", "pytest"]);
    const [harness, doubtful] = await start(["harness"]);
    const { found, killed } = await cleanUp(scene);
    const verdicts = Object.fromEntries(found.actors.map(({ pid, verdict }) => [pid, verdict]));
    assertEquals([verdicts, killed], [{ [below]: "in-use", [doubtful]: "unknown" }, []]);
    assertIncludes(
      found.actors.find(({ pid }) => pid === below)!.evidence.join("; "),
      `in use by pytest pid ${pytest}`,
    );
    assert([pytest, below, harness, doubtful].every(isAlive));
  },
);

Deno.test(
  "fault 64: tractor's fork server and actors of a killed plain pytest are ended",
  async () => {
    await using scene = await Scene.make();
    const modules = await scene.modules();
    await Deno.mkdir(`${modules}/tractor/spawn`);
    await Deno.writeTextFile(`${modules}/tractor/__init__.py`, "");
    const fifo = await scene.fifo();
    const server = `
import os, signal
def main(*_, **__):
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if os.fork() == 0:
        open(os.environ["ACTOR"], "w").write(f"{os.getpid()}\\n")
    else:
        open(os.environ["READY"], "w").write(f"{os.getpid()}\\n")
    while True:
        signal.pause()
`;
    await Deno.writeTextFile(`${modules}/tractor/spawn/_forkserver_override.py`, server);
    const code = "from tractor.spawn._forkserver_override import main; main(9, 11, ['__main__'], " +
      "**{'sys_path': ['/x']})";
    const actorReady = await scene.fifo();
    const env = { PYTHONPATH: modules, READY: fifo, ACTOR: actorReady };
    const pytest = await scene.start({
      argv: ["python3", "-m", "pytest"],
      env: { PYTHONPATH: modules, ...children({ argv: ["python3", "-c", code], env }) },
    });
    const pids = [await scene.ready(fifo), await scene.ready(actorReady)];
    assertEquals((await cleanUp(scene)).killed, [], "while pytest lives");
    Deno.kill(pytest, "SIGKILL");
    while (isAlive(pytest)) await new Promise((resolve) => setTimeout(resolve, 10));
    const { found, leaked, killed } = await cleanUp(scene);
    assertEquals([found.clean, leaked.toSorted(), killed.toSorted()], [
      false,
      pids.toSorted(),
      pids.toSorted(),
    ]);
    assert(!pids.some(isAlive));
  },
);

Deno.test("an orphaned actor in the process group of a live pytest is in use", async () => {
  await using scene = await Scene.make();
  const fifo = await scene.fifo();
  const orphan = children({ argv: ["_subactor[w0@77]"], env: { READY: fifo }, orphan: true });
  const modules = await scene.modules();
  const env = { PYTHONPATH: modules, ...orphan };
  const pytest = await scene.start({
    argv: ["python3", "-m", "pytest"],
    env,
    under: ["setsid"],
    ownChild: true,
  });
  const pid = await scene.ready(fifo);
  const { found, leaked } = await cleanUp(scene);
  assertEquals([leaked, isAlive(pid)], [[], true]);
  assertIncludes(found.actors[0]!.evidence.join("; "), `in use by pytest pid ${pytest}`);
});

Deno.test("--pid ends the descendants of a process too, but no test run among them", async () => {
  await using scene = await Scene.make();
  const modules = await scene.modules();
  const fifos = [await scene.fifo(), await scene.fifo(), await scene.fifo()] as const;
  const kept = children({ argv: ["_subactor[mine@78]"], env: { READY: fifos[2] } });
  const root = await scene.start({
    argv: ["python3", "-"],
    env: {
      MAPS: msgspec(scene.root),
      ...children(
        { argv: ["_subactor[w0@77]"], env: { READY: fifos[0] } },
        {
          argv: ["python3", "-m", "pytest"],
          env: { READY: fifos[1], PYTHONPATH: modules, ...kept },
        },
      ),
    },
  });
  const [actor, pytest, mine] = [
    await scene.ready(fifos[0]),
    await scene.ready(fifos[1]),
    await scene.ready(fifos[2]),
  ];
  const project = await scene.found();
  const options = { pid: root, graceSeconds: 2, dryRun: false };
  const found = await findLeaks(scene.host, project, options);
  assertEquals([found.named?.verdict, found.tree?.map(({ pid }) => pid)], ["unknown", [actor]]);
  const { killed } = await endLeaks(scene.host, scene.printer, project, found, options);
  assertEquals(killed.map(({ pid }) => pid).toSorted(), [root, actor].toSorted());
  assertEquals([root, actor, pytest, mine].map(isAlive), [false, false, true, true]);
});

Deno.test({
  name: `what another user's live pytest may have started as root is kept${NEEDS_ROOT}`,
  ignore: !isRoot,
  fn: async () => {
    await using scene = await Scene.make();
    const env = { PYTHONPATH: await scene.modules() };
    await scene.start({
      argv: ["python3", "-m", "pytest"],
      cwd: "/",
      env: { ...env, BECOME: "65534" },
    });
    const pid = await scene.start({
      argv: ["server", "-"],
      env: { PYTEST_CURRENT_TEST: "tests/t.py::x (call)" },
    });
    assertEquals(
      (await findLeaks(scene.host, await scene.found(), { pid })).named?.verdict,
      "unknown",
    );
  },
});
