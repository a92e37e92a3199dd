import { endLeaks } from "../../lib/leaks/end_leaks.ts";
import { findLeaks } from "../../lib/leaks/gather.ts";
import type { CleanupReport, LeakReport } from "../../lib/leaks/leak_report.ts";
import { assert, assertEquals, assertIncludes } from "../assert.ts";
import { scratchState, TRACTEST } from "../cli/tractest.ts";
import { children, isAlive, isRoot, msgspec, Scene } from "./scene.ts";

const NEEDS_ROOT = isRoot ? "" : " (needs root)";

/** Finds leaks and ends them; returns both reports. */
async function cleanUp(
  scene: Scene,
  options: { graceSeconds?: number; pid?: number } = {},
): Promise<{ found: LeakReport; cleanup: CleanupReport }> {
  const project = await scene.found();
  const asked = { ...(options.pid === undefined ? {} : { pid: options.pid }) };
  const found = await findLeaks(scene.host, project, asked);
  const settings = { graceSeconds: options.graceSeconds ?? 3, dryRun: false, ...asked };
  return { found, cleanup: await endLeaks(scene.host, scene.printer, project, found, settings) };
}

function verdicts(report: LeakReport): Record<number, string> {
  return Object.fromEntries(report.actors.map(({ pid, verdict }) => [pid, verdict]));
}

Deno.test("a leaked actor is found, ended by SIGINT, and gone", async () => {
  await using scene = await Scene.make();
  const pid = await scene.actor();
  const { found, cleanup } = await cleanUp(scene);
  assertEquals([found.clean, verdicts(found)], [false, { [pid]: "leaked" }]);
  assertEquals([cleanup.killed, cleanup.after.clean, cleanup.ok], [
    [{ pid, by: "SIGINT" }],
    true,
    true,
  ]);
  assert(!isAlive(pid));
});

Deno.test("nothing leaked: three programs run once, and the report is clean", async () => {
  await using scene = await Scene.make();
  const rows = "1 0 0 Ss /sbin/init\n50 1 1000 S bash\n60 50 1000 S vim tests/test_x.py\n";
  scene.host.instead = (program) =>
    program === "ps" ? { stdout: new TextEncoder().encode(rows) } : null;
  const report = await findLeaks(scene.host, await scene.found());
  assertEquals([report.clean, report.unknowns, report.actors], [true, [], []]);
  assertEquals(scene.host.ran.map((line) => line.split(" ")[0]), ["ps", "ss", "grep"]);
});

Deno.test("a dry run ends nothing", async () => {
  await using scene = await Scene.make();
  const pid = await scene.actor();
  const project = await scene.found();
  const found = await findLeaks(scene.host, project);
  const { killed, after } = await endLeaks(scene.host, scene.printer, project, found, {
    graceSeconds: 0,
    dryRun: true,
  });
  assertEquals([killed, after.clean], [[], false]);
  assertIncludes(scene.host.terminal.stdout.text, `would end pid ${pid} _subactor[w0@77]`);
  assert(isAlive(pid));
});

Deno.test("fault 5: cleaning one checkout leaves its neighbours alone", async () => {
  await using scene = await Scene.make("tractor");
  await scene.project(`${scene.base}/tractor-fork`);
  await Deno.mkdir(`${scene.root}/worktree/.git`, { recursive: true });
  const ours = await scene.actor();
  const others = [
    await scene.actor({
      cwd: `${scene.base}/tractor-fork`,
      env: { MAPS: msgspec(`${scene.base}/tractor-fork`) },
    }),
    await scene.actor({ cwd: `${scene.base}/tractor-fork`, env: { MAPS: msgspec(scene.root) } }),
    await scene.actor({ cwd: `${scene.root}/worktree` }),
    await scene.actor({ cwd: "/" }),
  ];
  const { found } = await cleanUp(scene);
  assertEquals(verdicts(found), { [ours]: "leaked" });
  assertEquals([isAlive(ours), ...others.map(isAlive)], [false, true, true, true, true]);
});

for (
  const name of [
    "re.po+(x)[1]",
    "with a space",
    "a\nline",
    "ünïcode",
    "quote'\"\\012",
    "x (deleted)",
  ]
) {
  Deno.test(`fault 6: a checkout called ${JSON.stringify(name)} is matched exactly`, async () => {
    await using scene = await Scene.make(name);
    const near = `${scene.base}/rexpo+(x)[1]`;
    await scene.project(near);
    const [ours, other] = [
      await scene.actor({ cwd: scene.root, env: { MAPS: msgspec(scene.root) } }),
      await scene.actor({ cwd: near }),
    ];
    const { cleanup } = await cleanUp(scene);
    assertEquals([isAlive(ours), isAlive(other), cleanup.ok], [false, true, true]);
  });
}

Deno.test("fault 7: an editor, a pager and a grep for an actor's name are kept", async () => {
  await using scene = await Scene.make();
  const others = [
    await scene.start({ argv: ["vim", "-", "tractor._child", "_subactor[w@1]"] }),
    await scene.start({ argv: ["less", "-", "_actor_child_main"] }),
    await scene.start({ argv: ["grep", "-", "subint-forkserv"] }),
  ];
  const { found } = await cleanUp(scene);
  assertEquals([found.clean, found.actors], [true, []]);
  assert(others.every(isAlive));
});

Deno.test(
  "fault 9: an actor in another directory is ours if it maps files of this venv",
  async () => {
    await using scene = await Scene.make();
    await Deno.mkdir(`${scene.base}/elsewhere`);
    const pid = await scene.actor({
      cwd: `${scene.base}/elsewhere`,
      env: { MAPS: msgspec(scene.root) },
    });
    const { found } = await cleanUp(scene);
    assertEquals(verdicts(found), { [pid]: "leaked" });
    assertIncludes(found.actors[0]!.evidence.join("; "), `maps files of ${scene.root}/py311`);
    assert(!isAlive(pid));
  },
);

Deno.test("a venv that is a symlink to a directory elsewhere ties as well", async () => {
  await using scene = await Scene.make();
  await Deno.rename(`${scene.root}/py311`, `${scene.base}/venv`);
  await Deno.symlink(`${scene.base}/venv`, `${scene.root}/py311`);
  const pid = await scene.actor({ cwd: "/", env: { MAPS: msgspec(scene.root) } });
  assertEquals(verdicts((await cleanUp(scene)).found), { [pid]: "leaked" });
});

Deno.test("fault 10: an actor whose directory is gone is ended only when named", async () => {
  await using scene = await Scene.make();
  const cwd = `${scene.root}/gone`;
  await Deno.mkdir(cwd);
  const pid = await scene.actor({ cwd });
  await Deno.remove(cwd);
  const { found, cleanup } = await cleanUp(scene);
  assertEquals([found.clean, verdicts(found), found.actors[0]?.evidence[0]], [null, {
    [pid]: "unknown",
  }, "its directory is gone"]);
  assertEquals([cleanup.killed, isAlive(pid)], [[], true]);
  assertEquals((await cleanUp(scene, { pid })).cleanup.killed, [{ pid, by: "SIGINT" }]);
  assert(!isAlive(pid));
});

Deno.test(
  "fault 11: an orphan that a subreaper adopted is ended; the subreaper is kept",
  async () => {
    await using scene = await Scene.make();
    const fifo = await scene.fifo();
    const reaper = await scene.start({
      argv: ["/lib/systemd/systemd", "-", "--user"],
      env: {
        SUBREAPER: "1",
        ...children({ argv: ["_subactor[w0@77]"], env: { READY: fifo }, orphan: true }),
      },
    });
    const pid = await scene.ready(fifo);
    const { found } = await cleanUp(scene);
    assertEquals(verdicts(found), { [pid]: "leaked" });
    assertIncludes(found.actors[0]!.evidence.join("; "), `its parent is pid ${reaper}`);
    assertEquals([isAlive(pid), isAlive(reaper)], [false, true]);
  },
);

Deno.test(
  "fault 12: an actor of this repo's live pytest is in use, and refused when named",
  async () => {
    await using scene = await Scene.make();
    const { pytest, actor } = await scene.livePytest();
    const { found, cleanup } = await cleanUp(scene, { pid: actor });
    assertEquals([found.clean, verdicts(found), found.named?.verdict], [
      true,
      { [actor]: "in-use" },
      "in-use",
    ]);
    assertIncludes(found.named!.evidence.join("; "), `in use by pytest pid ${pytest}`);
    assertEquals([cleanup.killed, isAlive(actor), isAlive(pytest)], [[], true, true]);
  },
);

Deno.test("fault 56: a registry that a live run of this repo holds is no leak", async () => {
  await using scene = await Scene.make();
  const port = scene.freePort();
  const { pytest } = await scene.livePytest({ LISTEN: String(port) });
  const report = await findLeaks(scene.host, await scene.found(), {
    registries: [`127.0.0.1:${port}`],
  });
  assertEquals([report.clean, report.liveRun?.pid, report.registries[0]?.holders[0]?.verdict], [
    true,
    pytest,
    "in-use",
  ]);
});

Deno.test("a leaked holder is named and ended, and the registry is free", async () => {
  await using scene = await Scene.make();
  const port = scene.freePort();
  const pid = await scene.actor({ env: { LISTEN: String(port) } });
  const project = await scene.found();
  const options = { registries: [`127.0.0.1:${port}`], graceSeconds: 3, dryRun: false };
  const found = await findLeaks(scene.host, project, options);
  assertEquals(found.registries[0]?.holders.map((holder) => [holder.pid, holder.verdict]), [[
    pid,
    "leaked",
  ]]);
  const { after } = await endLeaks(scene.host, scene.printer, project, found, options);
  assertEquals([after.clean, after.registries[0]?.bound], [true, false]);
});

Deno.test("a registry that a foreign program holds is named and left", async () => {
  await using scene = await Scene.make();
  const port = scene.freePort();
  const pid = await scene.start({ argv: ["postgres"], cwd: "/", env: { LISTEN: String(port) } });
  const project = await scene.found();
  const options = { registries: [`127.0.0.1:${port}`], graceSeconds: 3, dryRun: false };
  const found = await findLeaks(scene.host, project, options);
  assertEquals(found.registries[0]?.holders.map((holder) => [holder.pid, holder.verdict]), [[
    pid,
    "foreign",
  ]]);
  const { after, survivors } = await endLeaks(scene.host, scene.printer, project, found, options);
  assertEquals([after.clean, survivors, isAlive(pid)], [false, false, true]);
});

Deno.test("fault 52: a live application started by hand and its actors are kept", async () => {
  await using scene = await Scene.make();
  const fifo = await scene.fifo();
  const port = scene.freePort();
  const application = await scene.start({
    argv: ["python3", "-"],
    env: {
      MAPS: msgspec(scene.root),
      LISTEN: String(port),
      ...children({ argv: ["_subactor[w0@77]"], env: { READY: fifo, MAPS: msgspec(scene.root) } }),
    },
  });
  const actor = await scene.ready(fifo);
  const { found } = await cleanUp(scene);
  assertEquals([found.clean, verdicts(found)], [true, { [actor]: "in-use" }]);
  assertEquals([isAlive(application), isAlive(actor)], [true, true]);
  const held = await findLeaks(scene.host, await scene.found(), {
    registries: [`127.0.0.1:${port}`],
  });
  assertEquals(
    [held.clean, held.registries[0]?.holders[0]?.verdict],
    [false, "unknown"],
    "it stands in the way of a run",
  );
});

Deno.test(
  "fault 51: a fixture's untitled server of a killed pytest is ended, with its actors",
  async () => {
    await using scene = await Scene.make();
    const cwd = `${scene.base}/pytest-of-dev/pytest-0/test_x0`;
    await Deno.mkdir(cwd, { recursive: true });
    scene.host.variables.TMPDIR = scene.base;
    const fifo = await scene.fifo();
    const root = await scene.start({
      argv: [`${scene.root}/py311/bin/python`, "-"],
      cwd,
      env: {
        MAPS: msgspec(scene.root),
        ...children({
          argv: ["_subactor[w0@77]"],
          env: { READY: fifo, MAPS: msgspec(scene.root) },
        }),
      },
    });
    await Deno.mkdir(`${scene.root}/py311/bin`);
    const actor = await scene.ready(fifo);
    const { found, cleanup } = await cleanUp(scene);
    assertEquals(verdicts(found), { [root]: "leaked", [actor]: "leaked" });
    assertEquals([isAlive(root), isAlive(actor), cleanup.ok], [false, false, true]);
  },
);

Deno.test(`fault 53: the same path in another mount namespace is not ours${NEEDS_ROOT}`, {
  ignore: !isRoot,
}, async () => {
  await using scene = await Scene.make();
  const pid = await scene.actor({ under: ["unshare", "--mount"] });
  const { found } = await cleanUp(scene);
  assertEquals([found.clean, found.actors, isAlive(pid)], [true, [], true]);
});

for (
  const [what, namespaces] of [["pid namespace", ["--pid"]], ["container", [
    "--pid",
    "--mount-proc",
  ]]] as const
) {
  Deno.test(`fault 53: the same path in another ${what} is not ours${NEEDS_ROOT}`, {
    ignore: !isRoot,
  }, async () => {
    await using scene = await Scene.make();
    const pid = await scene.contained(namespaces, { env: { MAPS: msgspec(scene.root) } });
    const { found } = await cleanUp(scene);
    assertEquals([found.clean, found.actors, isAlive(pid)], [true, [], true]);
  });
}

Deno.test(
  `fault 54: what a pytest that is pid 1 of its namespace adopted is in use by it${NEEDS_ROOT}`,
  { ignore: !isRoot },
  async () => {
    await using scene = await Scene.make();
    const [adopted, result] = [await scene.fifo(), `${scene.base}/result`];
    const env = {
      PYTHONPATH: await scene.modules(),
      ...scratchState(),
      ...children({ argv: ["_subactor[w0@77]"], env: { READY: adopted }, orphan: true }),
      RUN: `read pid < "${adopted}"; "${TRACTEST}" zombies --kill --json > "${result}"; echo " ` +
        `$pid" >> "${result}"`,
    };
    await scene.contained(["--pid", "--mount-proc"], {
      argv: ["python3", "-m", "pytest", "tests/"],
      env,
    });
    const [, document, pid] = /^(.*) (\d+)\s*$/s.exec(await Deno.readTextFile(result))!;
    const { clean, actors, killed } = JSON.parse(document!);
    assertEquals([
      clean,
      killed,
      actors.map((actor: Record<string, unknown>) => [actor.pid, actor.verdict]),
    ], [true, [], [[Number(pid), "in-use"]]]);
    assertIncludes(actors[0].evidence.join("; "), "in use by pytest pid 1");
  },
);

Deno.test(`fault 14: another user's actor is refused, the others are ended${NEEDS_ROOT}`, {
  ignore: !isRoot,
}, async () => {
  await using scene = await Scene.make();
  const theirs = await scene.actor({ env: { BECOME: "65534" } });
  const ours = await scene.actor();
  const { found, cleanup } = await cleanUp(scene);
  assertEquals(found.refused, [{ pid: theirs, reason: "belongs to uid 65534; not touched" }]);
  assertEquals([cleanup.killed.map(({ pid }) => pid), isAlive(theirs)], [[ours], true]);
});

Deno.test(
  "fault 20: an actor that respawns when ended is given up after a few rounds",
  async () => {
    await using scene = await Scene.make();
    const copies = `${scene.base}/copies`;
    await scene.actor({ env: { SIGINT: "fork", COPIES: copies } });
    const { cleanup } = await cleanUp(scene);
    for (const line of (await Deno.readTextFile(copies)).trim().split("\n")) {
      scene.remember(Number(line));
    }
    assertEquals([cleanup.ok, cleanup.survivors, cleanup.after.clean], [false, true, false]);
    assert(cleanup.refused.some(({ reason }) => reason === "still respawning"));
    assertEquals(cleanup.killed.length, 3);
  },
);

Deno.test(
  "fault 22: another application's actor elsewhere is never listed or touched",
  async () => {
    await using scene = await Scene.make();
    const piker = `${scene.base}/repos/piker`;
    await scene.project(piker);
    const ours = await scene.actor();
    const theirs = [
      await scene.actor({ name: "w0", cwd: piker, env: { MAPS: msgspec(piker) } }),
      await scene.start({
        argv: [
          `${piker}/py311/bin/python3`,
          "-m",
          "tractor._child",
          "--uid",
          "('brokerd', '7f3a')",
        ],
        cwd: piker,
        env: { PYTHONPATH: await scene.modules(), MAPS: msgspec(piker) },
      }),
    ];
    const { found, cleanup } = await cleanUp(scene);
    assertEquals([verdicts(found), found.refused, cleanup.refused], [{ [ours]: "leaked" }, [], []]);
    assertEquals([cleanup.killed.map(({ pid }) => pid), theirs.map(isAlive)], [[ours], [
      true,
      true,
    ]]);
  },
);

Deno.test("fault 24: a process that listens on IPv4 and IPv6 is one holder", async () => {
  await using scene = await Scene.make();
  const port = scene.freePort();
  const pid = await scene.actor({ env: { LISTEN: String(port), LISTEN6: "1" } });
  const found = await findLeaks(scene.host, await scene.found(), {
    registries: [`localhost:${port}`],
  });
  assertEquals(
    found.registries.map(({ bound, holders }) => [bound, holders.map((holder) => holder.pid)]),
    [[true, [pid]]],
  );
  assertEquals(verdicts(found), { [pid]: "leaked" });
});

Deno.test("fault 23: a registry whose holder can't be seen is never free", async () => {
  await using scene = await Scene.make();
  const row = "LISTEN 0 128 127.0.0.1:1616 0.0.0.0:*\n";
  scene.host.instead = (program) =>
    program === "ss" ? { stdout: new TextEncoder().encode(row) } : null;
  const report = await findLeaks(scene.host, await scene.found(), {
    registries: ["127.0.0.1:1616"],
  });
  assertEquals([report.clean, report.registries], [false, [{
    address: "127.0.0.1:1616",
    bound: true,
    holders: [],
  }]]);
});

for (const program of ["ss", "ps", "cat", "readlink", "stat"] as const) {
  Deno.test(`fault 37: without "${program}" nothing is clean and nothing is ended`, async () => {
    await using scene = await Scene.make();
    const pid = await scene.actor();
    scene.host.instead = (name) => name === program ? { outcome: "missing", code: -1 } : null;
    const { found, cleanup } = await cleanUp(scene, { graceSeconds: 0 });
    const isNamed = found.unknowns.some((unknown) =>
      unknown.includes(`"${program}" is not installed in any standard directory (package `)
    );
    assertEquals([isNamed, found.clean !== true, cleanup.ok], [
      true,
      true,
      program === "ss" ? null : cleanup.ok,
    ]);
    assert(program === "ss" || isAlive(pid));
  });

  Deno.test(`fault 39: "${program}" that hangs is bounded, and nothing is clean`, async () => {
    await using scene = await Scene.make();
    const pid = await scene.actor();
    scene.host.instead = (name) => name === program ? { outcome: "timed-out", code: -1 } : null;
    const { found } = await cleanUp(scene, { graceSeconds: 0 });
    assert(found.clean !== true);
    assertIncludes(found.unknowns.join("\n"), `"${program}" timed out`);
    assert(program === "ss" || isAlive(pid));
  });
}

Deno.test('fault 37: without "kill" the leak is named and survives', async () => {
  await using scene = await Scene.make();
  const pid = await scene.actor();
  scene.host.instead = (name) => name === "kill" ? { outcome: "missing", code: -1 } : null;
  const { cleanup } = await cleanUp(scene);
  assertEquals([cleanup.survivors, cleanup.ok, isAlive(pid)], [true, false, true]);
  assertIncludes(cleanup.refused[0]!.reason, '"kill" is not installed');
});

Deno.test("fault 38: on another platform the result is unknown, with the reason", async () => {
  await using scene = await Scene.make();
  scene.host.platform = "darwin";
  const report = await findLeaks(scene.host, await scene.found(), {
    registries: ["127.0.0.1:1616"],
  });
  assertEquals([report.clean, report.unknowns, report.registries[0]?.bound], [null, [
    "not supported on this platform",
  ], null]);
  assertEquals(scene.host.ran, []);
});
