import { assert, assertEquals, assertIncludes } from "../assert.ts";
import { isAlive, isRoot } from "../leaks/scene.ts";
import { ISOLATED, sampleSuite } from "./suites.ts";

const NEEDS_ROOT = isRoot ? "" : " (needs root)";

Deno.test({
  name:
    `the ledger proves that an untitled root left by a test leaked, and it is ended${NEEDS_ROOT}`,
  // Its actors bind the registry address, so they need a network of their own. Without root that is
  // a user namespace for each command, from which processes in another one can't be inspected.
  ignore: !isRoot || ISOLATED === null,
  fn: async () => {
    await using suite = await sampleSuite();
    const run = await suite.tractest(["run", "--json", "test_leak"], {
      SAMPLE_LEAK: "1",
      SAMPLE_LEAK_REGISTRY: "1",
    });
    try {
      assertEquals(run.code, 0, run.stderr);
      const left = JSON.parse(run.stdout).leaks.actors as {
        pid: number;
        title: string;
        verdict: string;
        evidence: string[];
      }[];
      const pids = left.map((actor) => actor.pid);
      const root = left.find((actor) => actor.title.includes("leave_actors.py"));
      assertEquals([left.length, root?.verdict], [2, "leaked"], run.stdout);
      assert(
        root!.evidence.some((text) =>
          /^recorded by run \d{8}-\d{6}-\w{4} \(test tests\/test_leak\.py::test_leaves_actors\)$/
            .test(text)
        ),
        `${root!.evidence}`,
      );
      const { code, stderr } = await suite.tractest(["zombies", "--kill"]);
      assertEquals([code, pids.map(isAlive)], [0, [false, false]]);
      assertIncludes(stderr, `SIGINT ${root!.pid} `);
    } finally {
      // Whatever was found: processes that use files of this suite belong to this test.
      for (const { name } of Deno.readDirSync("/proc")) {
        const command = /^\d+$/.test(name)
          ? await Deno.readTextFile(`/proc/${name}/cmdline`).catch(() => "")
          : "";
        if (command.includes(`${suite.root}/`) && isAlive(Number(name))) {
          Deno.kill(Number(name), "SIGKILL");
        }
      }
    }
  },
});
