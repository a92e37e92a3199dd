import fc from "fast-check";
import { lifeOf } from "../../lib/background/rules_recorded_process.ts";
import { expiredRuns } from "../../lib/background/rules_retention.ts";
import {
  namedRun,
  phaseOf,
  readRunFile,
  type RunFile,
  runFileText,
  type RunPhase,
  timeOfRunId,
  unnamedRun,
} from "../../lib/background/rules_run_file.ts";
import { wordsOf } from "../../lib/command_line/parse.ts";
import { UsageError } from "../../lib/errors.ts";
import { assert, assertEquals, assertThrows } from "../assert.ts";
import { runLine } from "../run_line.ts";

const here = { bootId: "0f3c1d2e-0000-4000-8000-000000000001", pidNamespace: "pid:[4026531836]" };
const COUNTS = {
  passed: 2,
  failed: 1,
  skipped: 0,
  errors: 0,
  xfailed: 0,
  xpassed: 0,
  subtestsPassed: 0,
  notRun: 0,
};
const RUNNING: RunFile = {
  runId: "20261124-135525-8a60",
  root: "/repo",
  command: "tractest run 'a b'",
  background: true,
  waiting: false,
  pid: 42,
  identity: { pid: 42, startTicks: 1000, ...here },
  began: 1_795_528_525_140,
  end: null,
};
const FINISHED: RunFile = {
  ...RUNNING,
  end: { exitCode: 1, ending: "interrupted", seconds: 4.5, counts: COUNTS },
};

Deno.test("run.json is read as it was written, and anything else is null", () => {
  for (const record of [RUNNING, FINISHED, { ...RUNNING, identity: null, waiting: true }]) {
    assertEquals(readRunFile(runFileText(record)), record);
  }
  const text = runFileText(RUNNING);
  const wrong = [{ runId: "../x" }, { pid: 1 }, { pid: "42" }, { root: 7 }, { began: null }, {
    schema: "tractest.record/2",
  }];
  const broken = [
    null,
    "",
    "{",
    "null",
    "[]",
    text.slice(0, -9),
    ...wrong.map((change) => JSON.stringify({ ...JSON.parse(text), ...change })),
  ];
  for (const each of broken) assertEquals(readRunFile(each), null, String(each));
  assertEquals(
    readRunFile(JSON.stringify({ ...JSON.parse(text), identity: { ...RUNNING.identity, pid: 43 } }))
      ?.identity,
    null,
  );
});

Deno.test("a recorded process lives only with the same start, boot and pid namespace", () => {
  const recorded = RUNNING.identity!;
  const process = { startTicks: 1000, state: "S" };
  assertEquals(lifeOf(recorded, here, process), "alive");
  assertEquals(lifeOf(recorded, here, null), "gone");
  assertEquals(lifeOf(recorded, here, { ...process, state: "Z" }), "gone");
  assertEquals(lifeOf(recorded, here, { ...process, startTicks: 1001 }), "gone");
  assertEquals(lifeOf(recorded, { ...here, bootId: "other" }, process), "gone");
  assertEquals(lifeOf(recorded, { ...here, pidNamespace: "pid:[1]" }, null), "unknown");
  assertEquals(lifeOf(recorded, null, null), "unknown");
});

Deno.test("a run without an end is unknown, not dead, while its process can't be seen", () => {
  assertEquals(phaseOf(RUNNING, "alive"), "running");
  assertEquals(phaseOf({ ...RUNNING, waiting: true }, "alive"), "waiting");
  assertEquals(phaseOf(FINISHED, "alive"), "finished");
  assertEquals(phaseOf(RUNNING, "gone"), "died");
  assertEquals(phaseOf(RUNNING, "unknown"), "unknown");
});

Deno.test("a run is named by its id or a unique part", () => {
  const ids = ["20261124-135525-8a60", "20261124-120000-8a61", "20261123-120000-0b61"];
  assertEquals(namedRun(ids[1]!, ids), ids[1]);
  assertEquals(namedRun("20261123", ids), ids[2]);
  assertEquals(namedRun("8a61", ids), ids[1]);
  assertEquals(
    assertThrows(() => namedRun("20261124", ids), UsageError).hint,
    `newest first: ${ids[0]}, ${ids[1]}`,
  );
  assertEquals(namedRun("20261123-120000-0b62", ids), null);
  assertEquals(namedRun("x", []), null);
});

Deno.test("runs expire by count, age and size, the oldest first, but never the newest", () => {
  const runs = ["20261101-000000-0001", "20261102-000000-0001", "20261103-000000-0001"].map((
    runId,
  ) => ({ runId, bytes: 10 }));
  const now = timeOfRunId("20261103-000000-0001") + 1000;
  const all = { count: 10, days: 10, bytes: 100 };
  assertEquals(expiredRuns(runs, all, now), []);
  assertEquals(expiredRuns(runs, { ...all, count: 1 }, now), [runs[0]!.runId, runs[1]!.runId]);
  assertEquals(expiredRuns(runs, { ...all, days: 1.5 }, now), [runs[0]!.runId]);
  assertEquals(expiredRuns(runs, { ...all, bytes: 20 }, now), [runs[0]!.runId]);
  assertEquals(expiredRuns(runs, { ...all, bytes: 1 }, now), [runs[0]!.runId, runs[1]!.runId]);
  assertEquals(
    expiredRuns([{ runId: "mine", bytes: 1e9 }], { count: 0, days: 0, bytes: 0 }, now),
    [],
  );
});

Deno.test("the words of a parsed command line parse to the same command line", () => {
  const typed =
    "test_a.py tests/ -x -vxk -v -vv --tb=long --maxfail 3 --unknown value --timeout 7 " +
    "--retries=2 --tpt-proto=tcp --tpt-proto uds --clean --strict --ll=debug -n4 -- -k";
  const word = fc.constantFrom("a and b", ...typed.split(" "));
  const facts = (words: readonly string[]) => {
    const line = runLine(words);
    return [
      line.words,
      line.afterDashes,
      line.has("verbose"),
      line.options.tptProto,
      line.options.timeout,
      line.options.ll,
      line.has("clean"),
    ];
  };
  let compared = 0;
  fc.assert(
    fc.property(fc.array(word, { maxLength: 12 }), (words) => {
      let expected;
      try {
        expected = facts(words);
      } catch {
        return; // Refused options never start a run.
      }
      compared++;
      assertEquals(
        facts(wordsOf(runLine(words), [], ["--background-run=x"])),
        expected,
        words.join(" "),
      );
    }),
    { numRuns: 2000 },
  );
  assert(compared > 500, `${compared}`);
  assertEquals(
    wordsOf(runLine(["--isolate", "--isolate=auto", "test_a"])),
    ["--isolate", "--isolate=auto", "test_a"],
    "an option without a value stays without",
  );
  assertEquals(
    wordsOf(runLine(["--bg", "-v", "test_a", "--json", "--", "-q"]), [
      "bg",
      "json",
    ]),
    ["-v", "test_a", "--", "-q"],
  );
});

Deno.test(
  "without a name the newest running run is chosen, one of unknown " +
    "state comes last",
  () => {
    const runs = (...states: RunPhase[]) => states.map((state, number) => ({ state, number }));
    const chosen = (...states: RunPhase[]) => unnamedRun(runs(...states))?.number;
    assertEquals(chosen("unknown", "running", "finished"), 1);
    assertEquals(chosen("finished", "waiting", "running"), 1);
    assertEquals(chosen("unknown", "unknown", "died", "finished"), 2);
    assertEquals(chosen("unknown", "unknown"), 0);
    assertEquals(chosen(), undefined);
  },
);
