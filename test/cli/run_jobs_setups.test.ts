import { join } from "@std/path";
import { assert, assertEquals } from "../assert.ts";
import { fixtureSuite } from "./fixture_suite.ts";
import { ISOLATED, pytestSuite, type Suite } from "./suites.ts";

// Several pytests at once are isolated from each other.
const ignore = ISOLATED === null;

/** Seeds of the generated suites: SETUP_SEEDS=1-200 tries more of them. */
const [from = 1, to = from] = (Deno.env.get("SETUP_SEEDS") ?? "1-3").split("-").map(Number);

interface Ran {
  /** `passed` and so on, by the id of the test. */
  readonly outcomes: Readonly<Record<string, string>>;
  /** How often each fixture was made with each parameter. */
  readonly made: ReadonlyMap<string, number>;
}

for (let seed = from; seed <= to; seed++) {
  Deno.test({
    name: `--jobs makes no fixture more often than pytest-xdist, with the outcomes of one ` +
      `pytest: suite ${seed}`,
    ignore,
    fn: async () => {
      await using suite = await pytestSuite(fixtureSuite(seed), "8.*", ["pytest-xdist"]);
      const serial = await ran(suite, "serial");
      const spread = [await ran(suite, "xdist"), await ran(suite, "xdist")];
      const own = await ran(suite, "jobs");
      const text = JSON.stringify({
        own: [...own.made],
        xdist: spread.map((one) => [...one.made]),
      });
      assertEquals(own.outcomes, serial.outcomes, text);
      assert(total(own) <= Math.max(...spread.map(total)), `${total(own)}: ${text}`);
    },
  });
}

function total({ made }: Ran): number {
  return made.values().reduce((sum, times) => sum + times, 0);
}

async function ran(suite: Suite, how: "serial" | "xdist" | "jobs"): Promise<Ran> {
  const made = join(suite.path, "made");
  const junit = join(suite.path, "junit.xml");
  const events = join(suite.path, "events.jsonl");
  let retried = Infinity;
  await Deno.writeTextFile(made, "");
  if (how === "jobs") {
    const words = ["run", "--no-preflight", "--no-defaults", "--jobs", "2", "--junit", junit];
    words.push("--events", events);
    await suite.tractest(words, { MADE: made });
    // Failed tests run again, alone.
    const said = (await Deno.readTextFile(events)).trim().split("\n").map((line) =>
      JSON.parse(line)
    );
    retried = said.find(({ purpose }) => purpose === "retry")?.time ?? Infinity;
  } else {
    const python = join(suite.root, "py310/bin/python");
    const words = ["-m", "pytest", "-q", "-p", "no:cacheprovider", `--junitxml=${junit}`];
    await new Deno.Command(python, {
      args: [...words, ...(how === "xdist" ? ["-n", "2"] : [])],
      cwd: suite.root,
      env: { MADE: made },
      stdout: "null",
      stderr: "null",
    }).output();
  }
  const lines = (await Deno.readTextFile(made)).trim().split("\n").map((line) => line.split(" "))
    .filter(([time, scope]) => scope !== "function" && Number(time) < retried)
    .map(([, ...words]) => words.join(" "));
  return {
    outcomes: outcomesOf(await Deno.readTextFile(junit)),
    made: new Map([...Map.groupBy(lines, (line) => line)].map(([line, all]) => [line, all.length])),
  };
}

function outcomesOf(junit: string): Record<string, string> {
  const outcomes: Record<string, string> = {};
  for (
    const [, head = "", body = ""] of junit.matchAll(
      /<testcase ([^>]*?)(?:\/>|>(.*?)<\/testcase>)/gs,
    )
  ) {
    const [, name] = /(?:^| )name="([^"]*)"/.exec(head) ?? [];
    const [, place] = /classname="([^"]*)"/.exec(head) ?? [];
    outcomes[`${place}::${name}`] = /<failure/.test(body)
      ? "failed"
      : /<error/.test(body)
      ? "error"
      : /<skipped/.test(body)
      ? "skipped"
      : "passed";
  }
  return outcomes;
}
