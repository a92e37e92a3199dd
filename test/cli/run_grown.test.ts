import { join } from "@std/path";
import { assert, assertEquals } from "../assert.ts";
import { grownSample } from "./grown_sample.ts";
import { processesWith, untilGone, USERS, type UsersSuite } from "./isolated_users.ts";
import { ISOLATED } from "./suites.ts";

const here = ISOLATED !== null;
const needs = here ? "" : " (needs namespaces)";
/**
 * How often it runs in parallel and is compared with a serial run; TRACTEST_ROUNDS sets another
 * number.
 */
const ROUNDS = Number(Deno.env.get("TRACTEST_ROUNDS") ?? 1);

for (const user of USERS) {
  Deno.test({
    name: "the sample grown to 300 tests has the same outcomes serial and with --jobs 2, as " +
      `${user.name}${needs}`,
    ignore: !here,
    fn: async () => {
      await using suite = await grownSample(user);
      const serial = await outcomes(suite, ["--isolate"]);
      assertEquals(serial.ids.length, 300);
      assertEquals(serial.counts, {
        passed: 287,
        failed: 3,
        skipped: 5,
        errors: 0,
        xfailed: 5,
        xpassed: 0,
        subtestsPassed: 0,
        notRun: 0,
      });
      for (let round = 0; round < ROUNDS; round++) {
        const { ids, counts, seconds, balance } = await outcomes(suite, ["--jobs", "2"]);
        const longest = balance.longest.toFixed(3);
        console.log(
          `serial ${serial.seconds} s, --jobs 2 ${seconds} s; ` +
            `longest shard ${longest}x of the mean`,
        );
        assertEquals(counts, serial.counts);
        assertEquals(ids, serial.ids);
        assertEquals(await processesWith(suite.path), []);
      }
      // What pytest itself knows of it.
      const lastFailed = JSON.parse(
        await Deno.readTextFile(join(suite.root, ".pytest_cache/v/cache/lastfailed")),
      );
      assertEquals(Object.keys(lastFailed).length, 3);
      const python = join(suite.root, "py310/bin/python");
      const again = new Deno.Command(user.as[0] ?? python, {
        args: [
          ...user.as.slice(1),
          ...(user.as.length > 0 ? [python] : []),
          "-m",
          "pytest",
          "--lf",
          "-q",
        ],
        cwd: suite.root,
        env: suite.environment(),
        clearEnv: true,
      });
      assert(new TextDecoder().decode((await again.output()).stdout).includes("3 failed"));
    },
  });

  Deno.test({
    name: "--jobs: nothing is left after Ctrl-C once or twice, SIGTERM and SIGKILL at any " +
      `point, as ${user.name}${needs}`,
    ignore: !here,
    fn: async () => {
      await using suite = await grownSample(user, { files: 4, testsPerFile: 15 });
      for (
        const signals of [["SIGINT"], ["SIGINT", "SIGINT"], ["SIGTERM"], ["SIGKILL"], [
          "SIGKILL",
        ]] as const
      ) {
        const running = suite.start([
          "run",
          "--no-preflight",
          "--no-defaults",
          "--jobs",
          "2",
          "--events",
          "-",
        ]);
        const tests = 1 + Math.floor(Math.random() * 30);
        await running.until('"event": "test-start"');
        while (
          running.stdout.split('"event": "test-start"').length < tests && running.stdout.length > 0
        ) {
          await new Promise((done) => setTimeout(done, 10));
        }
        for (const signal of signals) running.child.kill(signal);
        const { code, stderr } = await running.ended;
        const expected = { SIGINT: [130], SIGTERM: [143], SIGKILL: [137] }[signals[0]];
        assert(expected.includes(code), `${signals} after ${tests} tests: ${code}\n${stderr}`);
        await untilGone(suite.path);
      }
      // The next run finds nothing in its way.
      const { code, stdout, stderr } = await suite.tractest([
        "run",
        "--no-defaults",
        "--jobs",
        "2",
        "-k",
        "not fails",
      ]);
      assertEquals(code, 0, stdout + stderr);
    },
  });
}

interface Outcomes {
  readonly ids: readonly string[];
  readonly counts: Readonly<Record<string, number>>;
  readonly seconds: number;
  readonly balance: { readonly longest: number };
}

async function outcomes(suite: UsersSuite, options: readonly string[]): Promise<Outcomes> {
  const events = join(suite.path, "events.jsonl");
  const { stdout, stderr } = await suite.tractest([
    "run",
    "--no-preflight",
    "--no-defaults",
    "--json",
    "--events",
    events,
    ...options,
  ]);
  const { exitCode, counts, seconds, balance, contended } = JSON.parse(stdout);
  assertEquals([exitCode, contended], [1, []], stderr);
  const last = new Map<string, string>();
  for (const line of (await Deno.readTextFile(events)).trim().split("\n")) {
    const event = JSON.parse(line);
    if (event.event === "report" && event.category !== "") last.set(event.id, event.category);
  }
  return {
    ids: [...last].map(([id, category]) => `${id} ${category}`).sort(),
    counts,
    seconds,
    balance,
  };
}
