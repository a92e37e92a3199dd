import { segmentLine } from "../../lib/leaks/rules_ledger.ts";
import { RunLedger, surroundingsOf } from "../../lib/leaks/ledger.ts";
import { findSharedMemory, removeSharedMemory } from "../../lib/leaks/shared_memory.ts";
import { digest } from "../../lib/project/directories.ts";
import { assert, assertEquals } from "../assert.ts";
import { isAlive, isRoot, Scene, startOf } from "./scene.ts";

const NEEDS_ROOT = isRoot ? "" : " (needs root)";

/** A scene with a private state, and segments that are removed at the end. */
class Memory extends AsyncDisposableStack {
  constructor(readonly scene: Scene, readonly directory: string) {
    super();
  }

  static async make(): Promise<Memory> {
    const scene = await Scene.make();
    scene.host.variables = { ...scene.host.variables, XDG_STATE_HOME: `${scene.base}/state` };
    const project = `${scene.base}/state/tractest/projects/${await digest(scene.root)}`;
    await Deno.mkdir(project, { recursive: true, mode: 0o700 });
    for (let up = project; up !== scene.base; up = up.slice(0, up.lastIndexOf("/"))) {
      await Deno.chmod(up, 0o700);
    }
    const memory = new Memory(scene, `${project}/ledger`);
    memory.use(scene);
    // In some sandboxes the first process can't be inspected; then nothing could ever be found
    // stale.
    if (await Deno.readTextFile("/proc/1/maps").then(() => true, () => false)) return memory;
    scene.host.afterwards = (program, result) => {
      if (program !== "ps") return result;
      const rows = new TextDecoder().decode(result.stdout).replace(/^ *1 .*\n/m, "");
      return { ...result, stdout: new TextEncoder().encode(rows) };
    };
    return memory;
  }

  async segment(prefix = "psm_"): Promise<string> {
    const path = `/dev/shm/${prefix}${crypto.randomUUID().slice(0, 8)}`;
    await Deno.writeTextFile(path, "not empty", { mode: 0o600, createNew: true });
    this.defer(() => Deno.remove(path).catch(() => {}));
    return path;
  }

  /** The verdict on one segment; the test ignores others of this machine. */
  async verdict(path: string): Promise<[string | undefined, string | undefined]> {
    const found = (await findSharedMemory(this.scene.host, await this.scene.found())).find((one) =>
      one.path === path
    );
    return [found?.verdict, found?.evidence.join("; ")];
  }

  /** Writes what a finished run would have recorded about a segment. */
  async record(path: string, changes: Record<string, unknown> = {}): Promise<void> {
    const { dev: device, ino: inode } = await Deno.lstat(path);
    const { bootId } = (await surroundingsOf(this.scene.host))!;
    const entry = {
      runId: "r-0",
      bootId,
      name: path.slice("/dev/shm/".length),
      device,
      inode: inode!,
      ...changes,
    };
    await Deno.mkdir(this.directory, { recursive: true, mode: 0o700 });
    await Deno.writeTextFile(`${this.directory}/r-0.jsonl`, segmentLine(entry as never), {
      mode: 0o600,
    });
  }
}

Deno.test(
  `Only new segments that a run's own processes map are recorded and removed${NEEDS_ROOT}`,
  {
    ignore: !isRoot,
  },
  async () => {
    await using memory = await Memory.make();
    const { scene } = memory;
    const [older, stranger, own] = [
      await memory.segment(),
      await memory.segment(),
      `/dev/shm/key-${crypto.randomUUID().slice(0, 8)}`,
    ];
    memory.defer(() => Deno.remove(own).catch(() => {}));
    const root = await scene.start({ argv: ["root"], ownChild: true });
    const ledger = await RunLedger.open(scene.host, scene.root, "r-1", "0");
    await ledger.begin(root);
    await Deno.writeTextFile(own, "not empty", { mode: 0o600 });
    const actor = await scene.start({
      argv: ["_subactor[w@7]"],
      env: { MAPS: `${own}:${older}` },
      ownChild: true,
    });
    const unmapped = await memory.segment();
    await ledger.add(
      [{ pid: actor, uid: Deno.uid()!, startTicks: Number(startOf(actor)), args: "" }],
      () => Promise.resolve(() => null),
    );
    await ledger.recordSegments([actor]);
    assertEquals(await memory.verdict(own), [
      "live",
      `recorded by run r-1; mapped by pid ${actor}`,
    ]);
    assertEquals((await removeSharedMemory(scene.host, await scene.found())).removed, []);
    Deno.kill(actor, "SIGKILL");
    while (isAlive(actor)) await new Promise((done) => setTimeout(done, 5));
    assertEquals(await memory.verdict(own), ["live", "recorded by run r-1; that run is not over"]);
    Deno.kill(root, "SIGKILL");
    await scene.ended();
    assertEquals(await memory.verdict(own), ["stale", "recorded by run r-1; no process maps it"]);
    assertEquals((await removeSharedMemory(scene.host, await scene.found())).removed, [own]);
    for (const path of [older, stranger, unmapped]) {
      assertEquals(await memory.verdict(path), ["unknown", "no run of this project recorded it"]);
      assert((await Deno.lstat(path)).isFile);
    }
  },
);

Deno.test(
  `fault 31: a replaced, older, or another user's or boot's segment is kept${NEEDS_ROOT}`,
  { ignore: !isRoot },
  async () => {
    await using memory = await Memory.make();
    const { scene } = memory;
    const path = await memory.segment();
    await memory.record(path);
    assertEquals((await memory.verdict(path))[0], "stale");
    for (
      const changes of [{ bootId: "00000000-0000-4000-8000-000000000000" }, { inode: 1 }, {
        device: 1,
      }]
    ) {
      await memory.record(path, changes);
      assertEquals(await memory.verdict(path), ["unknown", "no run of this project recorded it"]);
    }
    await memory.record(path);
    await Deno.chown(path, 65534, 65534);
    assertEquals(await memory.verdict(path), ["unknown", "belongs to uid 65534; not touched"]);
    assertEquals((await removeSharedMemory(scene.host, await scene.found())).removed, []);
  },
);

Deno.test(`fault 31: where a process can't be inspected, nothing is removed${NEEDS_ROOT}`, {
  ignore: !isRoot,
}, async () => {
  await using memory = await Memory.make();
  const { scene } = memory;
  const path = await memory.segment();
  await memory.record(path);
  scene.host.instead = (program, args) =>
    program === "cat" && args.some((arg) => arg.endsWith("/maps"))
      ? { outcome: "timed-out", code: -1 }
      : null;
  assertEquals(await memory.verdict(path), ["unknown", '"cat" timed out']);
  assertEquals((await removeSharedMemory(scene.host, await scene.found())).removed, []);
});
