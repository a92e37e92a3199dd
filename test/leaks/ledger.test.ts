import { ledgerLine, parseLedger } from "../../lib/leaks/rules_ledger.ts";
import { findLeaks } from "../../lib/leaks/gather.ts";
import { readLedger, RunLedger, surroundingsOf } from "../../lib/leaks/ledger.ts";
import { digest } from "../../lib/project/directories.ts";
import { assert, assertEquals } from "../assert.ts";
import { children, isAlive, msgspec, Scene, STAND_IN, startOf } from "./scene.ts";

/** A scene with a state directory of its own, and where its ledger is. */
async function make(): Promise<{ scene: Scene; directory: string }> {
  const scene = await Scene.make();
  scene.host.variables = { ...scene.host.variables, XDG_STATE_HOME: `${scene.base}/state` };
  return {
    scene,
    directory: `${scene.base}/state/tractest/projects/${await digest(scene.root)}/ledger`,
  };
}

/** Writes what a finished run would have recorded about a process. */
async function record(
  { scene, directory }: { scene: Scene; directory: string },
  pid: number,
  changes: Record<string, unknown> = {},
): Promise<void> {
  const here = (await surroundingsOf(scene.host))!;
  const entry = {
    runId: "20260801-1",
    role: "process",
    pid,
    uid: Deno.uid()!,
    startTicks: Number(startOf(pid)),
    ...here,
    test: "tests/t.py::x",
    title: "",
  };
  await Deno.mkdir(directory, { recursive: true, mode: 0o700 });
  for (let up = directory; up !== scene.base; up = up.slice(0, up.lastIndexOf("/"))) {
    await Deno.chmod(up, 0o700);
  }
  await Deno.writeTextFile(
    `${directory}/20260801-1.jsonl`,
    `garbage\n${ledgerLine({ ...entry, ...changes } as never)}`,
    { mode: 0o600 },
  );
}

/**
 * An untitled Python on tractor whose directory is the checkout: by itself it might be an
 * application.
 */
async function untitled(scene: Scene): Promise<number> {
  return await scene.start({ argv: ["python3", "-"], env: { MAPS: msgspec(scene.root) } });
}

async function verdictOf(scene: Scene, pid: number): Promise<[string | undefined, string]> {
  const { named } = await findLeaks(scene.host, await scene.found(), { pid });
  return [named?.verdict, named?.evidence.join("; ") ?? ""];
}

Deno.test(
  "An untitled root is leaked only if a run recorded it; run and test are evidence",
  async () => {
    const made = await make();
    await using scene = made.scene;
    const pid = await untitled(scene);
    assertEquals((await verdictOf(scene, pid))[0], "unknown");
    await record(made, pid);
    const [verdict, evidence] = await verdictOf(scene, pid);
    assertEquals(verdict, "leaked");
    assert(evidence.includes("recorded by run 20260801-1 (test tests/t.py::x)"), evidence);
    const report = await findLeaks(scene.host, await scene.found());
    assertEquals(report.actors.map((actor) => actor.pid), [pid]);
  },
);

Deno.test("Any program that a run recorded is found by the ledger alone", async () => {
  const made = await make();
  await using scene = made.scene;
  const pid = await scene.start({ argv: ["server", "-"], cwd: "/" });
  assertEquals((await findLeaks(scene.host, await scene.found())).actors, []);
  await record(made, pid);
  const report = await findLeaks(scene.host, await scene.found());
  assertEquals(report.actors.map((actor) => [actor.pid, actor.verdict]), [[pid, "leaked"]]);
});

Deno.test("fault 55: entries of another boot, namespace or user prove nothing", async () => {
  const made = await make();
  await using scene = made.scene;
  const pid = await untitled(scene);
  const doctored = [
    { bootId: "00000000-0000-4000-8000-000000000000" },
    { pidNamespace: "pid:[1]" },
    { uid: Deno.uid()! + 1 },
    { startTicks: Number(startOf(pid)) + 1 },
  ];
  for (const changes of doctored) {
    await record(made, pid, changes);
    assertEquals((await verdictOf(scene, pid))[0], "unknown", JSON.stringify(changes));
  }
  await record(made, pid);
  assertEquals((await verdictOf(scene, pid))[0], "leaked");
});

Deno.test("A ledger that others could have written is refused and named", async () => {
  const made = await make();
  await using scene = made.scene;
  const pid = await untitled(scene);
  await record(made, pid);
  const path = `${made.directory}/20260801-1.jsonl`;
  await Deno.chmod(path, 0o622);
  assertEquals((await verdictOf(scene, pid))[0], "unknown");
  const { refused } = await findLeaks(scene.host, await scene.found());
  assert(
    refused.some((refusal) => refusal.path === path && refusal.reason.includes("mode 622")),
    JSON.stringify(refused),
  );
  await Deno.remove(path);
  await Deno.symlink("/dev/null", path);
  assertEquals(
    (await readLedger(scene.host, scene.root)).refused[0]?.reason,
    "the ledger is not used: it is a symlink, not a file",
  );
  await Deno.chmod(made.directory, 0o777);
  assert(
    (await readLedger(scene.host, scene.root)).refused[0]!.reason.includes("others may enter it"),
  );
});

const isRoot = Deno.uid() === 0;
const NEEDS_ROOT = isRoot ? "" : " (needs root)";

/** A program that records the actor `recorded` as a finished run's and prints all verdicts. */
function scanWithLedger(lib: string, directory: string): string {
  return `import { RealHost } from "${lib}system/real_host.ts";
import { findLeaks } from "${lib}leaks/gather.ts";
import { surroundingsOf } from "${lib}leaks/ledger.ts";
import { ledgerLine } from "${lib}leaks/rules_ledger.ts";
import { readProcessFiles } from "${lib}system/programs/proc.ts";
import { listProcesses } from "${lib}system/programs/ps.ts";
import { findProject } from "${lib}project/project.ts";
const host = new RealHost();
const project = await findProject(host);
const { pid } = (await listProcesses(host)).processes
  .find((row) => row.args.startsWith("_subactor[recorded"))!;
const { rows } = await readProcessFiles(host, [pid], { mapped: false, why: "" });
const { uid, startTicks } = rows.get(pid)!;
const here = (await surroundingsOf(host))!;
const known = { runId: "r-1", role: "process", pid, uid, startTicks, test: null, title: "" };
const directory = ${JSON.stringify(directory)};
Deno.mkdirSync(directory, { recursive: true, mode: 0o700 });
const line = ledgerLine({ ...known, ...here });
Deno.writeTextFileSync(directory + "/r-1-0.jsonl", line, { mode: 0o600 });
const report = await findLeaks(host, project);
console.log(JSON.stringify(report.actors.map(({ title, verdict }) => [title, verdict]).sort()));
`;
}

Deno.test(
  `fault 54: a child of pytest as pid 1 is in use unless a finished run has it${NEEDS_ROOT}`,
  {
    ignore: !isRoot,
  },
  async () => {
    const made = await make();
    await using scene = made.scene;
    const fifos = [await scene.fifo(), await scene.fifo()] as const;
    // The survey sees its own namespace only, so it runs in there too.
    const script = `${scene.base}/survey.ts`;
    const lib = new URL("../../lib/", import.meta.url).href;
    await Deno.writeTextFile(script, scanWithLedger(lib, made.directory));
    const map = new URL("../../scripts/offline/import_map.json", import.meta.url).pathname;
    const run = `${Deno.execPath()} run --quiet --no-lock --import-map ${map} -A ${script} > ` +
      `${scene.base}/result 2> ${scene.base}/errors`;
    const orphan = (name: string, fifo: string) => ({
      argv: [`_subactor[${name}@7]`],
      env: { READY: fifo },
      orphan: true,
    });
    const done = await scene.fifo();
    const child = new Deno.Command("unshare", {
      args: [
        "--pid",
        "--fork",
        "--kill-child",
        "--mount-proc",
        "bash",
        "-c",
        `exec -a pytest "$PYTHON" < "$SCRIPT"`,
      ],
      cwd: scene.root,
      clearEnv: true,
      env: {
        ...STAND_IN,
        PATH: "/usr/bin:/bin",
        HOME: scene.base,
        XDG_STATE_HOME: `${scene.base}/state`,
        DENO_DIR: Deno.env.get("DENO_DIR") ?? `${Deno.env.get("HOME")}/.cache/deno`,
        ...children(orphan("recorded", fifos[0]), orphan("other", fifos[1])),
        RUN: `read -r _ < ${fifos[0]}; read -r _ < ${fifos[1]}; ${run}`,
        READY: done,
      },
    }).spawn();
    try {
      await Deno.readTextFile(done);
      const said = await Deno.readTextFile(`${scene.base}/result`);
      assertEquals(
        said.trim(),
        '[["_subactor[other@7]","in-use"],["_subactor[recorded@7]","leaked"]]',
        await Deno.readTextFile(`${scene.base}/errors`),
      );
    } finally {
      child.kill("SIGKILL");
      await child.status;
    }
  },
);

Deno.test("A run's ledger has each descendant once, with its test, and orphans too", async () => {
  const made = await make();
  await using scene = made.scene;
  await Deno.mkdir(`${scene.base}/state/tractest/projects/${await digest(scene.root)}`, {
    recursive: true,
    mode: 0o700,
  });
  for (const up of ["state", "state/tractest", "state/tractest/projects"]) {
    await Deno.chmod(`${scene.base}/${up}`, 0o700);
  }
  const fifo = await scene.fifo();
  const root = await scene.start({
    argv: ["root"],
    ownChild: true,
    env: children({ argv: ["_subactor[w@7]"], env: { READY: fifo } }),
  });
  const actor = await scene.ready(fifo);
  const stranger = await scene.actor();
  const ledger = await RunLedger.open(scene.host, scene.root, "r-1", "0");
  assertEquals((await ledger.begin(root))?.startTicks, Number(startOf(root)));
  await ledger.scan(() => Promise.resolve(() => "tests/t.py::x"));
  await ledger.scan(() => Promise.resolve(() => null));
  const entries = async () => parseLedger(await Deno.readTextFile(`${made.directory}/r-1-0.jsonl`));
  const recorded = (await entries()).map(({ pid, role, test }) => [pid, role, test]);
  assertEquals(recorded, [[Deno.pid, "runner", null], [root, "root", null], [
    actor,
    "process",
    "tests/t.py::x",
  ]]);
  assertEquals((await Deno.lstat(`${made.directory}/r-1-0.jsonl`)).mode! & 0o777, 0o600);
  assertEquals((await verdictOf(scene, actor))[1].includes("recorded by"), false, "its root lives");
  Deno.kill(root, "SIGKILL");
  await scene.ended();
  ledger.rootIsGone();
  await ledger.scan(() => Promise.resolve(() => null));
  assertEquals((await entries()).length, 3);
  assertEquals(
    (await verdictOf(scene, actor))[1].includes("recorded by run r-1 (test tests/t.py::x)"),
    true,
  );
  assert(!(await entries()).some((entry) => entry.pid === stranger) && isAlive(stranger));
});

Deno.test("A run's ledger has descendants of an orphan that have their own session", async () => {
  const made = await make();
  await using scene = made.scene;
  await Deno.mkdir(`${scene.base}/state/tractest/projects/${await digest(scene.root)}`, {
    recursive: true,
    mode: 0o700,
  });
  for (const up of ["state", "state/tractest", "state/tractest/projects"]) {
    await Deno.chmod(`${scene.base}/${up}`, 0o700);
  }
  const [ofOrphan, ofChild] = [await scene.fifo(), await scene.fifo()];
  const argv = ["python3", "-c", "import os; os.setsid(); exec(open(os.environ['SCRIPT']).read())"];
  const { CHILDREN } = children({ argv, env: { READY: ofChild } });
  const env = {
    INNER: CHILDREN!,
    FIFO: ofOrphan,
    RUN: `CHILDREN=$INNER READY=$FIFO RUN= "$PYTHON" - < "$SCRIPT" &`,
  };
  const starting = scene.start({ argv: ["root", "-"], ownChild: true, under: ["setsid"], env });
  const [root, orphan, child] = await Promise.all([
    starting,
    scene.ready(ofOrphan),
    scene.ready(ofChild),
  ]);
  const ledger = await RunLedger.open(scene.host, scene.root, "r-1", "0");
  await ledger.begin(root);
  await ledger.scan(() => Promise.resolve(() => null));
  const entries = parseLedger(await Deno.readTextFile(`${made.directory}/r-1-0.jsonl`));
  assertEquals(entries.map((entry) => entry.pid), [Deno.pid, root, orphan, child]);
});

Deno.test("The ledgers of the oldest runs are removed when a new one begins", async () => {
  const made = await make();
  await using scene = made.scene;
  const pid = await scene.actor();
  await record(made, pid);
  for (let run = 10; run < 90; run++) {
    await Deno.writeTextFile(`${made.directory}/20260802-${run}.jsonl`, "", { mode: 0o600 });
  }
  const ledger = await RunLedger.open(scene.host, scene.root, "20260803-1", "0");
  await ledger.begin(pid);
  const names = [...Deno.readDirSync(made.directory)].map((entry) => entry.name).sort();
  assertEquals([names.length, names[0], names.at(-1)], [
    60,
    "20260802-31.jsonl",
    "20260803-1-0.jsonl",
  ]);
});
