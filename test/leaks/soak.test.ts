import { endLeaks } from "../../lib/leaks/end_leaks.ts";
import { findLeaks } from "../../lib/leaks/gather.ts";
import type { CleanupReport } from "../../lib/leaks/leak_report.ts";
import type { Project } from "../../lib/project/project.ts";
import { assert, assertEquals } from "../assert.ts";
import { tractest } from "../cli/tractest.ts";
import { ledgerLine } from "../../lib/leaks/rules_ledger.ts";
import { surroundingsOf } from "../../lib/leaks/ledger.ts";
import { digest } from "../../lib/project/directories.ts";
import { children, isRoot, job, msgspec, Scene, STAND_IN, startOf } from "./scene.ts";

const ROUNDS = 200;
/** In which rounds the built binary cleans up instead of the functions of this process. */
const BINARY_EVERY = 20;
const STUBBORN_EVERY = 10;
const TREE_EVERY = 7;
/**
 * The least number of kinds of bystanders, without those that need root. Each is named where it is
 * made.
 */
const KINDS = 40;
const SAMPLE_STAND_IN = new URL("../sample/support/stand_in.py", import.meta.url).pathname;

/** A process that must survive: what it is, and its identity. */
interface Bystander {
  readonly what: string;
  readonly pid: number;
  readonly start: string | null;
}

/** Processes that look like leaked actors of the scene's project, each in all but one respect. */
async function makeBystanders(scene: Scene): Promise<Bystander[]> {
  const bystanders: Bystander[] = [];
  const add = (what: string, pid: number) =>
    void bystanders.push({ what, pid, start: startOf(pid) });
  await addOfCheckouts(scene, add);
  await addOfLivePrograms(scene, add);
  await addLookalikes(scene, add);
  await addPrograms(scene, add);
  await addOfLiveRuns(scene, add);
  await addOfOrigin(scene, add);
  return bystanders;
}

type Add = (what: string, pid: number) => void;

/** Actors of other checkouts. */
async function addOfCheckouts(scene: Scene, add: Add): Promise<void> {
  const modules = await scene.modules();
  const child = (venv: string) => ({
    argv: [`${venv}/py311/bin/python3`, "-m", "tractor._child", "--uid", "('w0', '7f3a')"],
    env: { PYTHONPATH: modules, MAPS: msgspec(venv) },
  });

  for (const name of ["tractor-fork", "piker"]) await scene.project(`${scene.base}/${name}`);
  const [fork, piker] = [`${scene.base}/tractor-fork`, `${scene.base}/piker`];
  add(
    "a titled actor of a second checkout",
    await scene.actor({ cwd: fork, env: { MAPS: msgspec(fork) } }),
  );
  add(
    "an actor of a second checkout with this venv's files",
    await scene.actor({ cwd: fork, env: { MAPS: msgspec(scene.root) } }),
  );
  add(
    "an actor of a second checkout by its command line",
    await scene.start({ cwd: fork, ...child(fork) }),
  );
  add(
    "an actor titled as piker's",
    await scene.actor({ name: "brokerd", cwd: piker, env: { MAPS: msgspec(piker) } }),
  );
  add("an actor of piker by its command line", await scene.start({ cwd: piker, ...child(piker) }));

  await Deno.mkdir(`${scene.root}/worktree/.git`, { recursive: true });
  add(
    "an actor of a worktree within the checkout",
    await scene.actor({ cwd: `${scene.root}/worktree` }),
  );
  const stopped = await scene.actor({ cwd: fork });
  Deno.kill(stopped, "SIGSTOP");
  add("a stopped actor of a second checkout", stopped);
}

/** A live pytest and a live application, each with an actor. */
async function addOfLivePrograms(scene: Scene, add: Add): Promise<void> {
  const { pytest, actor } = await scene.livePytest();
  add("a live pytest of this checkout", pytest);
  add("an actor of a live pytest of this checkout", actor);
  const fifo = await scene.fifo();
  const maps = { MAPS: msgspec(scene.root) };
  const applicationEnv = {
    ...maps,
    ...children({ argv: ["_subactor[w0@77]"], env: { READY: fifo, ...maps } }),
  };
  add(
    "a live application from this venv",
    await scene.start({ argv: ["python3", "-"], env: applicationEnv }),
  );
  add("an actor of a live application from this venv", await scene.ready(fifo));
}

/** Programs that only resemble an actor by name, directory or Python. */
async function addLookalikes(scene: Scene, add: Add): Promise<void> {
  const maps = { MAPS: msgspec(scene.root) };
  await Deno.mkdir(`${scene.base}/elsewhere`);
  const python = `${scene.root}/py311/bin/python`;
  add(
    "this venv's Python in another directory",
    await scene.start({ argv: [python, "-"], cwd: `${scene.base}/elsewhere` }),
  );
  add(
    "this venv's Python, on tractor, in another directory",
    await scene.start({ argv: [python, "-"], cwd: `${scene.base}/elsewhere`, env: maps }),
  );
  add("an untitled Python in the checkout", await scene.start({ argv: ["python3", "-"] }));
  add("an editor", await scene.start({ argv: ["vim", "-", "tractor._child", "_subactor[w@1]"] }));
  add("a pager", await scene.start({ argv: ["less", "-", "_actor_child_main"] }));
  add("a grep", await scene.start({ argv: ["grep", "-", "-r", "subint-forkserv"] }));
  add("a tail", await scene.start({ argv: ["tail", "-", "-f", "tractor._child.log"] }));
  add("a shell", await scene.start({ argv: ["bash", "-", "-c", "python -m tractor._child"] }));
  add("a server in the checkout", await scene.start({ argv: ["node", "-", "_subactor[w0@77]"] }));
  if (isRoot) {
    add(
      "an actor in another mount namespace",
      await scene.actor({ under: ["unshare", "--mount"] }),
    );
    add("an actor in another pid namespace", await scene.contained(["--pid", "--mount-proc"]));
    add("another user's actor", await scene.actor({ env: { BECOME: "65534" } }));
    await addOfOtherUser(scene, add);
  }
}

/** Starts a process with one child that is called so; the pids of both. */
async function withChild(
  scene: Scene,
  argv: string[],
  child: string[],
  env: Record<string, string> = {},
  childEnv: Record<string, string> = {},
) {
  const fifo = await scene.fifo();
  const parent = await scene.start({
    argv,
    env: { ...env, ...children({ argv: child, env: { READY: fifo, ...childEnv } }) },
  });
  return [parent, await scene.ready(fifo)] as const;
}

/** What is below another user's process. */
async function addOfOtherUser(scene: Scene, add: Add): Promise<void> {
  const env = { PYTHONPATH: `${scene.base}/modules`, BECOME: "65534" };
  const [pytest, actor] = await withChild(
    scene,
    ["python3", "-m", "pytest"],
    ["_subactor[w0@77]"],
    env,
  );
  add("another user's live pytest", pytest);
  add("an actor below another user's live pytest", actor);
  const [application, below] = await withChild(scene, ["python3", "-"], ["_subactor[w0@77]"], {
    BECOME: "65534",
  });
  add("another user's application", application);
  add("an actor below another user's application", below);
  const socket = { SOCKET: `${scene.base}/run/tractor/x.sock`, SOCKET_ONLY_BOUND: "1" };
  await Deno.mkdir(`${scene.base}/run/tractor`, { recursive: true, mode: 0o700 });
  add(
    "a server of another network that does not listen yet",
    await scene.start({ argv: ["server"], env: socket, under: ["unshare", "--net"] }),
  );
}

/** Live programs, and their workers and actors. */
async function addPrograms(scene: Scene, add: Add): Promise<void> {
  const python = STAND_IN.PYTHON!;
  await Deno.mkdir(`${scene.base}/srv/.venv/bin`, { recursive: true });
  await Deno.symlink(python, `${scene.base}/srv/.venv/bin/python`);
  const linked = `${scene.base}/srv/.venv/bin/python`;
  const spawn = await job(scene, python, "spawn");
  add("a program with multiprocessing", spawn[0]!);
  for (const [index, pid] of spawn.slice(1).entries()) {
    add(`its tracker or worker ${index} (spawn)`, pid);
  }
  for (const [index, pid] of (await job(scene, linked, "forkserver", { cwd: "/" })).entries()) {
    add(`a program through a link, or its process ${index} (fork server)`, pid);
  }
  const uvicorn = await job(scene, linked, "spawn", { script: "srv/.venv/bin/uvicorn" });
  for (const [index, pid] of uvicorn.entries()) {
    add(`a server that reloads itself, or its process ${index}`, pid);
  }

  await Deno.mkdir(`${scene.base}/target/msgspec`, { recursive: true });
  await Deno.writeTextFile(`${scene.base}/target/msgspec/_core.so`, "not empty");
  const vendored = { MAPS: `${scene.base}/target/msgspec/_core.so` };
  for (const name of ["python3", "pikerd"]) {
    const [application, actor] = await withChild(
      scene,
      [name, "-"],
      ["_subactor[w0@77]"],
      vendored,
      vendored,
    );
    add(`an application (${name}) with msgspec in no site-packages`, application);
    add(`its actor (${name})`, actor);
  }
  const [loky, worker] = await withChild(scene, ["python3", "-", "train.py"], [
    "python3",
    "-",
    "-m",
    "loky.backend.popen_loky_posix",
  ]);
  add("a program with loky", loky);
  add("its worker", worker);
  const [shell, byHand] = await withChild(scene, ["bash", "-"], ["_subactor[w0@77]"]);
  add("a shell that runs an actor", shell);
  add("an actor that was started from a shell", byHand);
  const [debugger_, debugged] = await withChild(scene, ["gdb", "-"], ["_subactor[w0@77]"]);
  add("a debugger", debugger_);
  add("an actor in a debugger", debugged);
}

/** What live runs and pytests use. */
async function addOfLiveRuns(scene: Scene, add: Add): Promise<void> {
  const directory = `${scene.base}/state/tractest/projects/${await digest(scene.root)}/ledger`;
  await Deno.mkdir(directory, { recursive: true, mode: 0o700 });
  for (let up = directory; up !== scene.base; up = up.slice(0, up.lastIndexOf("/"))) {
    await Deno.chmod(up, 0o700);
  }
  const runner = await scene.start({ argv: ["tractest", "-", "run"] });
  const orphan = await scene.actor({ name: "orphaned" });
  const here = (await surroundingsOf(scene.host))!;
  const entries = ([[runner, "runner"], [orphan, "process"]] as const).map(([pid, role]) =>
    ledgerLine({
      runId: "20260801-1",
      role,
      pid,
      uid: Deno.uid()!,
      startTicks: Number(startOf(pid)),
      ...here,
      test: "tests/t.py::x",
      title: "",
    })
  );
  await Deno.writeTextFile(`${directory}/20260801-1-0.jsonl`, entries.join(""), { mode: 0o600 });
  add("the tractest of a live run", runner);
  add("an actor that its test orphaned on purpose", orphan);

  const fifo = await scene.fifo();
  const env = {
    PYTHONPATH: `${scene.base}/modules`,
    ...children({ argv: ["_subactor[w0@77]"], env: { READY: fifo }, orphan: true }),
  };
  add(
    "a live pytest that leads a session",
    await scene.start({
      argv: ["python3", "-m", "pytest"],
      env,
      under: ["setsid"],
      ownChild: true,
    }),
  );
  add("an actor that it orphaned", await scene.ready(fifo));
}

/** What tests have started elsewhere, or only woken. */
async function addOfOrigin(scene: Scene, add: Add): Promise<void> {
  const test = { PYTEST_CURRENT_TEST: "tests/test_elsewhere.py::test_a (call)" };
  add(
    "a key agent that a test woke",
    await scene.start({ argv: ["gpg-agent", "-", "--daemon"], cwd: "/", env: test }),
  );
  add(
    "what another project's test started",
    await scene.start({ argv: ["python3", "-"], cwd: `${scene.base}/piker`, env: test }),
  );
}

/** Gives the project's venv what current actors use; false where nothing can be installed. */
async function installTitles(scene: Scene): Promise<boolean> {
  const venv = `${scene.root}/py311`;
  const uv = (...args: string[]) =>
    new Deno.Command("uv", { args, cwd: scene.root, stdin: "null", stdout: "null", stderr: "null" })
      .output();
  try {
    await Deno.remove(venv, { recursive: true });
    if (!(await uv("venv", venv)).success) return false;
    return (await uv("pip", "install", "--python", `${venv}/bin/python`, "msgspec", "setproctitle"))
      .success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  } finally {
    await scene.project(scene.root);
  }
}

/** Leaks an actor that renames itself as current ones do. */
async function titled(scene: Scene, round: number): Promise<number> {
  const fifo = await scene.fifo();
  const words = [
    `${scene.root}/py311/bin/python`,
    SAMPLE_STAND_IN,
    "--title",
    `_subactor[w${round}@{pid}]`,
    "--ready",
    fifo,
  ];
  const command = new Deno.Command("bash", {
    args: ["-c", '"$@" &', "bash", ...words],
    cwd: scene.root,
    stdin: "null",
    stdout: "null",
  });
  await command.spawn().status;
  const { pid } = JSON.parse(await Deno.readTextFile(fifo));
  scene.remember(pid);
  return pid;
}

/** Leaks a few actors, of another kind each round. */
async function leak(
  scene: Scene,
  round: number,
  hasTitles: boolean,
): Promise<{ pids: number[]; stubborn: number[] }> {
  const stubborn: number[] = [];
  const pids: number[] = [];
  const maps = { MAPS: msgspec(scene.root) };
  if (round % TREE_EVERY === 0) {
    const fifo = await scene.fifo();
    pids.push(
      await scene.actor({
        env: {
          ...maps,
          ...children({ argv: ["_subactor[w1@78]"], env: { READY: fifo, ...maps } }),
        },
      }),
      await scene.ready(fifo),
    );
  }
  if (round % STUBBORN_EVERY === 0) {
    stubborn.push(await scene.actor({ env: { SIGINT: "ignore" } }));
    pids.push(...stubborn);
  }
  switch (round % 3) {
    case 0:
      pids.push(hasTitles ? await titled(scene, round) : await scene.actor({ env: maps }));
      break;
    case 1:
      pids.push(
        await scene.start({
          argv: [
            `${scene.root}/py311/bin/python`,
            "-m",
            "tractor._child",
            "--uid",
            `('w${round}', '7f3a')`,
          ],
          env: { PYTHONPATH: `${scene.base}/modules`, ...maps },
        }),
      );
      break;
    default:
      pids.push(await scene.actor({ name: `w${round}`, cwd: "/", env: maps }));
  }
  return { pids, stubborn };
}

Deno.test("200 rounds of leak and clean-up end every leak, and no bystander", async (test) => {
  await using scene = await Scene.make("tractor");
  const hasTitles = await installTitles(scene);
  scene.host.variables = { ...scene.host.variables, XDG_STATE_HOME: `${scene.base}/state` };
  const bystanders = await makeBystanders(scene);
  assertEquals(
    new Set(bystanders.map(({ what }) => what)).size,
    bystanders.length,
    "each is of another kind",
  );
  const project = await scene.found();
  const seconds: number[] = [];
  const count = { leaked: 0, ended: 0, SIGINT: 0, SIGKILL: 0 };

  for (let round = 1; round <= ROUNDS; round++) {
    const { pids, stubborn } = await leak(scene, round, hasTitles);
    const graceSeconds = stubborn.length > 0 ? 0.3 : 3;
    const started = performance.now();
    const killed = round % BINARY_EVERY === 0
      ? await cleanUpByBinary(scene, graceSeconds)
      : await cleanUp(scene, project, graceSeconds);
    seconds.push((performance.now() - started) / 1000);

    assertEquals(killed.map(({ pid }) => pid).toSorted(), pids.toSorted(), `round ${round}`);
    for (const pid of stubborn) {
      assertEquals(killed.find((one) => one.pid === pid)?.by, "SIGKILL", `round ${round}`);
    }
    const survivors = pids.filter((pid) => startOf(pid) !== null);
    assertEquals(survivors, [], `round ${round}`);
    const hurt = bystanders.filter(({ pid, start }) => startOf(pid) !== start);
    assertEquals(hurt.map(({ what }) => what), [], `round ${round}`);
    count.leaked += pids.length;
    count.ended += killed.length;
    for (const { by } of killed) count[by]++;
  }

  const alive =
    bystanders.filter(({ pid, start }) => start !== null && startOf(pid) === start).length;
  const median = seconds.toSorted((a, b) => a - b)[Math.floor(seconds.length / 2)]!;
  const kinds = new Set(bystanders.map(({ what }) => what.replace(/ \d+\b/, ""))).size;
  const figures = `${ROUNDS} rounds, ${count.leaked} leaked, ${count.ended} ended ` +
    `(${count.SIGINT} by SIGINT, ${count.SIGKILL} by SIGKILL), ` +
    `${alive} of ${bystanders.length} bystanders of ${kinds} kinds alive, ` +
    `${median.toFixed(3)} s a clean-up (median)` +
    `${hasTitles ? "" : "; without titles by setproctitle, which can't be installed here"}`;
  // The name of a step is what a quiet test run prints.
  await test.step(figures, () => {
    assertEquals([count.ended, alive], [count.leaked, bystanders.length]);
    assert(count.SIGKILL >= ROUNDS / STUBBORN_EVERY && kinds >= KINDS);
  });
});

async function cleanUp(
  scene: Scene,
  project: Project,
  graceSeconds: number,
): Promise<CleanupReport["killed"]> {
  const found = await findLeaks(scene.host, project);
  const { ok, after, killed } = await endLeaks(scene.host, scene.printer, project, found, {
    graceSeconds,
    dryRun: false,
  });
  const odd = after.actors.filter((actor) => actor.verdict !== "in-use");
  assertEquals(
    [ok, after.clean],
    [true, true],
    `${after.unknowns.join("; ")} ${JSON.stringify(odd)}`,
  );
  return killed;
}

async function cleanUpByBinary(
  scene: Scene,
  graceSeconds: number,
): Promise<CleanupReport["killed"]> {
  const args = ["zombies", "--kill", "--json", "--grace", String(graceSeconds)];
  const env = { XDG_RUNTIME_DIR: `${scene.base}/run`, XDG_STATE_HOME: `${scene.base}/state` };
  const { code, stdout, stderr } = await tractest(args, { cwd: scene.root, env });
  const { clean, killed } = JSON.parse(stdout);
  assertEquals([code, clean], [0, true], stderr);
  return killed;
}
