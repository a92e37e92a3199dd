import { isolate, isRefusal, parseOutlived } from "../../lib/isolation/isolate.ts";
import { findProject } from "../../lib/project/project.ts";
import { assert, assertEquals, assertIncludes } from "../assert.ts";
import { pytestSuite } from "../cli/suites.ts";
import { HostAt } from "../host_at.ts";

const BOOT = "0e7cdbc4-6b3d-4a43-9d0c-5f1d2a3b4c5d\n";
const stats = (await Deno.readTextFile(
  new URL("../fixtures/captures/proc-pid-stat-orphans.txt", import.meta.url),
)).split("\n");
const files = (stat: string) => `${stat}\nUid:\t0\t0\t0\t0\n${BOOT}x\0${BOOT}${BOOT}`;

Deno.test(
  "what outlived a session is read from its report; a truncated or invalid report says " +
    "nothing",
  () => {
    const report = ` 14911 14915\n${BOOT}${files(stats[0]!)}${files(stats[1]!)}`;
    assertEquals(parseOutlived(report).map((row) => row.pid), [14911, 14915]);
    assertEquals(
      parseOutlived(report.replace(") S ", ") Z ")).map((row) => row.pid),
      [14915],
      "one that only waits to be collected has ended",
    );
    for (
      const text of [
        "",
        "\n",
        report.slice(0, -1),
        report.slice(0, 30),
        report.replace("14915", "1"),
      ]
    ) assertEquals(parseOutlived(text), []);
  },
);

Deno.test("on systems other than Linux isolation is refused with the reason", async () => {
  await using suite = await pytestSuite({});
  const host = new HostAt(suite.root);
  const project = await findProject(host);
  Object.defineProperty(host, "platform", { value: "darwin" });
  const answer = await isolate(host, project, { directory: suite.path });
  assert(isRefusal(answer));
  assertIncludes(answer.reason, "namespaces are Linux's");
  assertEquals(host.notices, [], "nothing is started");
});

Deno.test("what a command left is awaited after its exit code is known", async () => {
  await using suite = await pytestSuite({});
  const host = new HostAt(suite.root);
  const isolation = await isolate(host, await findProject(host), { directory: suite.path });
  assert(!isRefusal(isolation), JSON.stringify(isolation));
  const leave = async (session: string) => {
    const args = isolation.wrap(["sh", "-c", "sleep 60 & exit 3"], session);
    using watcher = Deno.watchFs(suite.path);
    const child = new Deno.Command("env", { args, stdout: "null", stderr: "null" }).spawn();
    const isKnown = (async () => {
      for await (const { paths } of watcher) {
        if (paths.some((path) => path.endsWith("-code"))) return true;
      }
      return false;
    })();
    const wasEarly = await Promise.race([isKnown, child.status.then(() => false)]);
    assertEquals((await child.status).code, 3);
    assertEquals(await isolation.exitCode(session), 3);
    const { processes } = await isolation.outlived(session);
    assertEquals(processes.map(({ argv }) => argv), [["sleep", "60"]]);
    return wasEarly;
  };
  // A busy machine may show both at once.
  for (let attempt = 0; !await leave(String(attempt)); attempt++) assert(attempt < 5);
});
