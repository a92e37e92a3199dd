import { segmentLine } from "../../lib/leaks/rules_ledger.ts";
import { digest } from "../../lib/project/directories.ts";
import { assertEquals, assertIncludes } from "../assert.ts";
import { isRoot, Scene } from "../leaks/scene.ts";
import { tractest } from "./tractest.ts";

Deno.test(
  "zombies --shm: lists segments that a run left, removes them with --kill, and gives " +
    "reasons for those kept",
  { ignore: !isRoot },
  async () => {
    await using scene = await Scene.make();
    const [left, other] = [
      `/dev/shm/psm_${crypto.randomUUID().slice(0, 8)}`,
      `/dev/shm/psm_${crypto.randomUUID().slice(0, 8)}`,
    ];
    try {
      for (const path of [left, other]) {
        await Deno.writeTextFile(path, "not empty", { mode: 0o600 });
      }
      const directory = `${scene.base}/state/tractest/projects/${await digest(scene.root)}/ledger`;
      await Deno.mkdir(directory, { recursive: true });
      for (let up = directory; up !== scene.base; up = up.slice(0, up.lastIndexOf("/"))) {
        await Deno.chmod(up, 0o700);
      }
      const { dev: device, ino: inode } = await Deno.lstat(left);
      const bootId = (await Deno.readTextFile("/proc/sys/kernel/random/boot_id")).trim();
      const line = segmentLine({
        runId: "r-1",
        bootId,
        name: left.slice("/dev/shm/".length),
        device,
        inode: inode!,
      });
      await Deno.writeTextFile(`${directory}/r-1.jsonl`, line, { mode: 0o600 });
      // In a namespace of its own it can inspect every process that it sees.
      const wrap = [
        "unshare",
        "--pid",
        "--fork",
        "--kill-child",
        "--mount-proc",
        "sh",
        "-c",
        '"$@"; exit $?',
        "sh",
      ];
      const env = { XDG_STATE_HOME: `${scene.base}/state`, XDG_RUNTIME_DIR: `${scene.base}/run` };
      const zombies = (...args: string[]) =>
        tractest(["zombies", ...args], { cwd: scene.root, env, wrap });
      const plain = JSON.parse((await zombies("--json")).stdout);
      assertEquals("sharedMemory" in plain, false);
      const listed = await zombies("--shm", "--json");
      const of = (text: string, path: string) =>
        JSON.parse(text).sharedMemory.find((one: { path: string }) => one.path === path);
      assertEquals(of(listed.stdout, left), {
        path: left,
        verdict: "stale",
        evidence: ["recorded by run r-1", "no process maps it"],
      }, listed.stderr);
      assertEquals([listed.code, of(listed.stdout, other).verdict], [81, "unknown"]);
      const dry = await zombies("--shm", "--kill", "--dry-run");
      assertIncludes(dry.stdout, `would remove ${left}\n`);
      assertIncludes(
        dry.stdout,
        `1 leaked segment of shared memory:\n  ${left}\n    recorded by run r-1; no process ` +
          "maps it\n",
      );
      const { code, stdout, stderr } = await zombies("--shm", "--kill");
      assertEquals(code, 0, stdout + stderr);
      assertIncludes(stdout, "no leaked shared memory\n");
      assertIncludes(stderr, `removed ${left}\n`);
      assertIncludes(stderr, `left alone: ${other}: no run of this project recorded it\n`);
      assertEquals(
        await Promise.all(
          [left, other].map((path) => Deno.lstat(path).then(() => true, () => false)),
        ),
        [false, true],
      );
    } finally {
      for (const path of [left, other]) await Deno.remove(path).catch(() => {});
    }
  },
);
