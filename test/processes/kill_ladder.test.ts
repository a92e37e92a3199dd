import type { Process } from "../../lib/processes/process.ts";
import { endTree, treeOf } from "../../lib/processes/kill_ladder.ts";
import { killTakesInode } from "../../lib/system/programs/kill.ts";
import { assert, assertEquals, assertIncludes } from "../assert.ts";
import { children, isAlive, isRoot, Scene } from "../leaks/scene.ts";

const NEEDS_ROOT = isRoot ? "" : " (needs root)";
const FREEZER = "/sys/fs/cgroup/freezer";
const hasFreezer = isRoot && await Deno.stat(`${FREEZER}/tasks`).then(() => true, () => false);

const encode = (text: string) => new TextEncoder().encode(text);

async function identityOf(scene: Scene, pid: number): Promise<Process> {
  const [identity] = await treeOf(scene.host, pid);
  return identity!;
}

Deno.test("a tree is the root, all below it, and earlier members that still live", async () => {
  await using scene = await Scene.make();
  const [first, second] = [await scene.fifo(), await scene.fifo()];
  const root = await scene.start({
    argv: ["root"],
    env: {
      ...children({
        argv: ["middle"],
        env: { READY: first, ...children({ argv: ["leaf"], env: { READY: second } }) },
      }),
    },
  });
  const middle = await scene.ready(first);
  const leaf = await scene.ready(second);
  const before = await treeOf(scene.host, root);
  assertEquals(before.map(({ pid }) => pid), [root, middle, leaf]);
  assertEquals(before[2]?.ppid, middle);
  Deno.kill(middle, "SIGKILL");
  const after = await treeOf(scene.host, root, before);
  assertEquals(after.map(({ pid }) => pid).toSorted(), [root, leaf].toSorted());
  const { killed, survivors } = await endTree(scene.host, scene.printer, after, {
    graceSeconds: 3,
  });
  assertEquals([killed.length, survivors, isAlive(root), isAlive(leaf)], [2, false, false, false]);
});

Deno.test("a tree whose root is gone is empty", async () => {
  await using scene = await Scene.make();
  assertEquals(await treeOf(scene.host, 4194304), []);
});

Deno.test("fault 1: a pid that is another process by now gets no signal", async () => {
  await using scene = await Scene.make();
  const pid = await scene.start({ argv: ["bystander"] });
  const stale = { ...await identityOf(scene, pid), startTicks: 1 };
  const { refused, killed } = await endTree(scene.host, scene.printer, [stale], {
    graceSeconds: 0,
  });
  assertEquals(refused, [{ pid, reason: `pid ${pid} is now another process; skipped` }]);
  assertEquals(
    [killed, isAlive(pid), scene.host.ran.filter((line) => line.startsWith("kill -s"))],
    [[], true, []],
  );
});

/**
 * Starts a process with exactly this pid, by setting the pid that the kernel assigned last; null if
 * other processes were always faster.
 */
async function recycled(scene: Scene, pid: number): Promise<number | null> {
  for (let attempt = 0; attempt < 50; attempt++) {
    const child = new Deno.Command("bash", {
      args: ["-c", `echo ${pid - 1} > /proc/sys/kernel/ns_last_pid; sleep 60 & echo $!; disown`],
      stdout: "piped",
      stdin: "null",
    }).spawn();
    const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
    const started = Number((await reader.read()).value);
    await reader.cancel();
    await child.status;
    scene.remember(started);
    if (started === pid) return started;
    Deno.kill(started, "SIGKILL");
  }
  return null;
}

for (
  const [fault, name] of [
    [1, "fault 1: a pid that is really given to another process between listing and SIGINT"],
    [2, "fault 2: a pid that is really given to another process between SIGINT and SIGKILL"],
  ] as const
) {
  Deno.test(`${name}${NEEDS_ROOT}`, { ignore: !isRoot }, async () => {
    await using scene = await Scene.make();
    const pid = await scene.start({ argv: ["target"], env: { SIGINT: "ignore" }, ownChild: true });
    const identity = await identityOf(scene, pid);
    const replace = async () => {
      Deno.kill(pid, "SIGKILL");
      await scene.ended();
      assertEquals(await recycled(scene, pid), pid);
    };
    if (fault === 1) await replace();
    else {
      let replaced: Promise<void> | null = null;
      scene.host.clock.sleep = () => replaced ??= replace();
    }
    const { refused } = await endTree(scene.host, scene.printer, [identity], { graceSeconds: 5 });
    assert(isAlive(pid), "the other process lives");
    if (fault === 1) {
      assertEquals(refused, [{ pid, reason: `pid ${pid} is now another process; skipped` }]);
    }
    assertEquals(
      scene.host.ran.filter((line) => line.startsWith("kill -s")).map((line) => line.split(" ")[2]),
      fault === 1 ? [] : ["INT"],
    );
  });
}

Deno.test("fault 3: a process whose start can't be read gets no signal", async () => {
  await using scene = await Scene.make();
  const pid = await scene.actor();
  const identity = await identityOf(scene, pid);
  const unknown = await endTree(scene.host, scene.printer, [{ ...identity, startTicks: null }], {
    graceSeconds: 0,
  });
  assertEquals(unknown.refused, [{ pid, reason: "identity unknown" }]);
  scene.host.instead = (program) =>
    program === "cat" ? { stdout: encode("nothing that fits") } : null;
  const unreadable = await endTree(scene.host, scene.printer, [identity], { graceSeconds: 0 });
  assertIncludes(unreadable.refused[0]!.reason, "identity unknown");
  assertEquals([unreadable.survivors, isAlive(pid)], [true, true]);
});

Deno.test("fault 4: an identity is ticks since boot: the wall clock has no part", async () => {
  await using scene = await Scene.make();
  const pid = await scene.actor();
  const before = await identityOf(scene, pid);
  scene.host.clock.now = () => Date.now() + 86_400_000;
  assertEquals(await identityOf(scene, pid), before);
});

Deno.test("fault 4: the start of a process is read on the clock since boot", async () => {
  await using scene = await Scene.make();
  const uptime = () => Number(Deno.readTextFileSync("/proc/uptime").split(" ")[0]);
  const ticksPerSecond = Number(
    new TextDecoder().decode(
      (await new Deno.Command("getconf", { args: ["CLK_TCK"] }).output()).stdout,
    ),
  );
  const before = uptime();
  const { startTicks } = await identityOf(scene, await scene.actor());
  const seconds = startTicks! / ticksPerSecond;
  assert(
    before - 0.1 <= seconds && seconds <= uptime() + 0.1,
    `${seconds} s after boot is not after ${before}`,
  );
});

Deno.test("fault 8: this program itself is never signalled", async () => {
  await using scene = await Scene.make();
  const identity = await identityOf(scene, (await treeOf(scene.host, Deno.ppid))[0]!.pid);
  assert(!(await treeOf(scene.host, Deno.ppid)).some(({ pid }) => pid === Deno.pid));
  const { refused } = await endTree(scene.host, scene.printer, [{ ...identity, pid: Deno.pid }, {
    ...identity,
    pid: 1,
  }], { graceSeconds: 0 });
  assertEquals(refused.map(({ reason }) => reason), ["never signalled", "never signalled"]);
});

Deno.test("fault 14: a process that changed its user gets no signal", async () => {
  await using scene = await Scene.make();
  const pid = await scene.actor();
  scene.host.uid = () => 4242;
  const { refused } = await endTree(scene.host, scene.printer, [await identityOf(scene, pid)], {
    graceSeconds: 0,
  });
  assertEquals(refused, [{ pid, reason: `belongs to uid ${Deno.uid()}; not touched` }]);
  assert(isAlive(pid));
});

Deno.test("fault 15: a refused signal is reported, and SIGKILL is not tried", async () => {
  await using scene = await Scene.make();
  const pid = await scene.actor();
  const denied = { code: 1, stderr: encode(`kill: (${pid}): Operation not permitted\n`) };
  scene.host.instead = (program) => program === "kill" ? denied : null;
  const { refused, survivors } = await endTree(scene.host, scene.printer, [
    await identityOf(scene, pid),
  ], { graceSeconds: 0 });
  assertEquals([refused, survivors], [
    [{ pid, reason: "no permission to signal it" }],
    true,
  ]);
  assertEquals(scene.host.ran.filter((line) => line.startsWith("kill -s")), [`kill -s INT ${pid}`]);
});

Deno.test("fault 16: a process that ignores SIGINT is killed after the grace", async () => {
  await using scene = await Scene.make();
  const pid = await scene.actor({ env: { SIGINT: "ignore" } });
  const { killed } = await endTree(scene.host, scene.printer, [await identityOf(scene, pid)], {
    graceSeconds: 0.2,
  });
  assertEquals([killed, isAlive(pid)], [[{ pid, by: "SIGKILL" }], false]);
  assertIncludes(
    scene.host.terminal.stderr.text,
    "graceful teardown timed out — escalating to SIGKILL",
  );
});

Deno.test("fault 17: a stopped process ends by SIGINT and SIGCONT, without SIGKILL", async () => {
  await using scene = await Scene.make();
  const pid = await scene.actor();
  Deno.kill(pid, "SIGSTOP");
  const { killed } = await endTree(scene.host, scene.printer, [await identityOf(scene, pid)], {
    graceSeconds: 3,
  });
  assertEquals([killed, isAlive(pid)], [[{ pid, by: "SIGINT" }], false]);
});

Deno.test("fault 18: a zombie counts as gone, and its parent is named", async () => {
  await using scene = await Scene.make();
  const fifo = await scene.fifo();
  const parent = await scene.start({
    argv: ["careless"],
    env: children({ argv: ["_subactor[w0@77]"], env: { READY: fifo } }),
  });
  const pid = await scene.ready(fifo);
  const { killed, survivors } = await endTree(scene.host, scene.printer, [
    await identityOf(scene, pid),
  ], { graceSeconds: 3 });
  assertEquals([killed, survivors], [[{ pid, by: "SIGINT" }], false]);
  assertIncludes(
    scene.host.terminal.stderr.text,
    `pid ${pid} has ended; the parent, pid ${parent}, has not collected it yet`,
  );
});

Deno.test("fault 19: what stays in D after SIGKILL is given up in bounded time", async () => {
  await using scene = await Scene.make();
  const pid = await scene.actor();
  const identity = await identityOf(scene, pid);
  scene.host.instead = (program) => program === "kill" ? {} : null;
  scene.host.afterwards = (program, result) =>
    program === "cat"
      ? {
        ...result,
        stdout: encode(new TextDecoder().decode(result.stdout).replace(/\) S /, ") D ")),
      }
      : result;
  const { refused, survivors } = await endTree(scene.host, scene.printer, [identity], {
    graceSeconds: 0.1,
  });
  assertEquals([refused, survivors], [[{ pid, reason: "still in D after SIGKILL" }], true]);
});

const NEEDS_FREEZER = hasFreezer ? "" : isRoot ? " (needs a cgroup freezer)" : " (needs root)";

Deno.test(
  `fault 19: a process that is really in D is given up in bounded time${NEEDS_FREEZER}`,
  { ignore: !hasFreezer },
  async () => {
    await using scene = await Scene.make();
    const pid = await scene.start({ argv: ["_subactor[w0@77]"], ownChild: true });
    const group = `${FREEZER}/tractest-${pid}`;
    await Deno.mkdir(group);
    try {
      await Deno.writeTextFile(`${group}/cgroup.procs`, String(pid));
      await Deno.writeTextFile(`${group}/freezer.state`, "FROZEN");
      const identity = await identityOf(scene, pid);
      assertEquals(identity.state, "D");
      const { killed, refused, survivors } = await endTree(scene.host, scene.printer, [identity], {
        graceSeconds: 0.1,
      });
      assertEquals([killed, refused, survivors], [
        [],
        [{ pid, reason: "still in D after SIGKILL" }],
        true,
      ]);
    } finally {
      await Deno.writeTextFile(`${group}/freezer.state`, "THAWED");
      await scene.ended();
      await Deno.remove(group);
    }
  },
);

Deno.test("fault 21: a process that is gone before SIGINT is a success", async () => {
  await using scene = await Scene.make();
  const pid = await scene.start({ argv: ["short"], ownChild: true });
  const identity = await identityOf(scene, pid);
  Deno.kill(pid, "SIGKILL");
  await scene.ended();
  const { killed, refused, survivors } = await endTree(scene.host, scene.printer, [identity], {
    graceSeconds: 3,
  });
  assertEquals([killed, refused, survivors], [[], [], false]);
});

Deno.test("the wait ends as soon as all are gone", async () => {
  await using scene = await Scene.make();
  const pid = await scene.actor();
  const identity = await identityOf(scene, pid);
  const started = performance.now();
  await endTree(scene.host, scene.printer, [identity], { graceSeconds: 600 });
  assert(performance.now() - started < 30_000 && !isAlive(pid));
});

Deno.test("where kill takes PID:INODE, the inode is read before the identity", async () => {
  await using scene = await Scene.make();
  const pid = await scene.actor();
  const asked: string[] = [];
  scene.host.instead = (program, args) => {
    if (program === "kill" && args[0] === "--version") {
      return {
        stdout: new TextEncoder().encode("kill from util-linux 2.42.1 (with: sigqueue, pidfd)\n"),
      };
    }
    if (program === "getino") {
      return asked.push("getino"), { stdout: new TextEncoder().encode(`${args[1]}:4711\n`) };
    }
    if (program === "cat" && args.includes(`/proc/${pid}/stat`)) return asked.push("cat"), null;
    if (program !== "kill") return null;
    asked.push(args.join(" "));
    Deno.kill(pid, "SIGKILL");
    return {};
  };
  const [target] = await treeOf(scene.host, pid);
  asked.length = 0;
  const ended = await endTree(scene.host, scene.printer, [target!], { graceSeconds: 5 });
  assertEquals(asked.slice(0, 3), ["getino", "cat", `-s INT ${pid}:4711`]);
  assertEquals(ended.killed, [{ pid, by: "SIGINT" }]);
});

Deno.test("only a kill of util-linux from 2.42 on takes PID:INODE", () => {
  for (
    const [version, takes] of [
      ["kill from util-linux 2.42 (with: sigqueue, pidfd)", true],
      ["kill from util-linux 3.0.1", true],
      ["kill from util-linux 2.41.3 (with: sigqueue, pidfd)", false],
      ["kill from procps-ng 4.0.2", false],
      ["", false],
    ] as const
  ) assertEquals(killTakesInode(version), takes, version);
});
