import type { Verb } from "../command_line/verb.ts";
import type { OptionsOf, OptionTable } from "../command_line/options.ts";
import { RUNS_PYTEST } from "../command_line/session_options.ts";
import { longestFullRun } from "../background/full_runs.ts";
import { asTyped, pasteable } from "../base/typed_command.ts";
import type { Bisected } from "./rules.ts";
import { shellCommand } from "../base/escape.ts";
import { fileOf, plainId } from "../pytest/lastfailed.ts";
import { type RunIntent, runIntent } from "../pytest/pytest_command.ts";
import { placesFor } from "../run/rules_unseen_options.ts";
import { UsageError } from "../errors.ts";
import { EXIT, type ExitCode } from "../tables/exit_codes.ts";
import { showBisected, stepLine } from "./show.ts";
import { Progress } from "../terminal/progress.ts";
import type { Context } from "../command_line/context.ts";
import { guardLog } from "../ci/guard_log.ts";
import { findProject, type Project } from "../project/project.ts";
import { targetsOf, wholeSuiteOf } from "../project/targets.ts";
import { Bisection, type BisectionRequest, type Scope } from "./bisection.ts";
import { secondsOf } from "../run/after.ts";
import { exactCommand, type ExactScene } from "../run/exact.ts";
import type { Host } from "../system/host.ts";
import { prepareAndRun } from "../run/prepared.ts";
import { newestRecorded, recordedInFile, type RecordedRun } from "./recorded.ts";
import { runSettings, timeLimit } from "../run/settings.ts";
import { unseenIn } from "../run/unseen_options.ts";
import { openRunState } from "../background/run_directory.ts";

/** The options of `bisect`. */
export const OPTIONS = {
  ...RUNS_PYTEST,
  symptom: {
    kind: "choice",
    choices: ["fail", "hang", "leak"],
    doc:
      "what the test does after the other one (default: as in the recorded run, else the first " +
      "one that occurs)",
  },
  repeat: {
    kind: "count",
    default: 1,
    least: 1,
    doc: "run each step up to N times; the symptom must occur once",
  },
  from: {
    kind: "file",
    doc:
      "take the order from these events (run --events FILE) instead of the newest recorded run " +
      "in which the test failed, hung or leaked",
  },
  in: {
    kind: "texts",
    metavar: "TARGET",
    source: "tests",
    doc: "search only the tests of TARGET, in collection order; may be repeated",
  },
} as const satisfies OptionTable;

/** Their values. */
export type BisectOptions = OptionsOf<typeof OPTIONS>;

/** The schema of the JSON document of a bisection. */
const SCHEMA = "tractest.bisect/1";

/** `tractest bisect`: finds the earlier test that makes one fail, hang or leak. */
export async function bisect(context: Context<BisectOptions>): Promise<ExitCode> {
  const { host, printer, line } = context;
  guardLog(host, printer);
  const { symptom, timeout, in: words } = line.options;
  const project = await findProject(host, line.options.profile, line.options.python);
  const test = await testOf(context, project);
  const targets = words.length > 0 ? (await targetsOf(host, project, words)).targets : null;
  const given = await givenRun(context, test);
  const settings = runSettings(line.options, { debugging: false }, null);
  const state = await openRunState(host, printer, project.root);
  const newest = targets === null && given === null;
  const recorded = newest ? await newestRecorded(host, project.root, test, symptom) : given;
  const { timeLimitFull: full, timeLimitFile: file } = project.configuration;
  const stepLimit = timeLimit({
    given: timeout,
    debugging: false,
    scope: "full",
    limits: { full, file },
    longestFull: await longestFullRun(host, state),
  });
  const intent = sameAs(recorded, context, runIntent(line, () => false));
  const places = placesFor("bisect", await unseenIn(host, project, intent.passed));
  return await prepareAndRun(context, project, {
    state,
    command: shellCommand(["tractest", "bisect", test]),
    grace: settings.limits.grace,
    checksOnly: false,
    isolate: "auto",
    onStop: ({ checks: preflight, leaks }, exitCode) => {
      if (!printer.json) return;
      printer.document(SCHEMA, { exitCode, found: null, verdict: null, leaks, preflight });
    },
  }, async (prepared) => {
    const scene = { context, project, prepared, intent, settings, places };
    const scopes = await scopesOf(host, project, { test, recorded, targets });
    const testLimit = testLimitOf(context, recorded, file);
    return await search(context, scene, {
      test,
      scopes,
      symptom: symptom ?? recorded?.symptom ?? null,
      repeat: line.options.repeat,
      stepLimit,
      ...testLimit,
      limitTells: timeout !== null || recorded !== null || symptom === "hang",
    });
  });
}

/** The run of `--from`; null without it. */
async function givenRun(
  { host, line }: Context<BisectOptions>,
  test: string,
): Promise<RecordedRun | null> {
  const { from, symptom } = line.options;
  if (from === null) return null;
  const given = await recordedInFile(host, from, test, symptom);
  if (given !== null) return given;
  throw new UsageError(
    `"${test}" did not go wrong in "${from}"`,
    "use its id in the events, or leave --from out to search in the order of collection",
  );
}

/** Seconds for each test: as typed, else as the recorded run suggests. */
function testLimitOf(
  { line }: Context<BisectOptions>,
  recorded: RecordedRun | null,
  usual: number,
): Pick<BisectionRequest, "testLimit" | "fixedLimit"> {
  const { testTimeout } = line.options;
  if (testTimeout !== null) return { testLimit: testTimeout, fixedLimit: true };
  if (recorded === null) return { testLimit: 0, fixedLimit: false };
  const { limit, longest } = recorded;
  return { testLimit: limit ?? Math.max(usual, 2 * longest), fixedLimit: limit !== null };
}

/** Runs the bisection and shows what it found. */
async function search(
  { host, printer }: Context<BisectOptions>,
  scene: ExactScene,
  request: BisectionRequest,
): Promise<ExitCode> {
  const began = host.clock.monotonic();
  const progress = new Progress(host, printer);
  const bisection = new Bisection(scene, request, (step) => {
    progress.clear();
    printer.note(stepLine(step));
  });
  const found = await progress.during("bisecting", bisection.run());
  const seconds = (host.clock.monotonic() - began) / 1000;
  const exitCode = exitCodeOf(found);
  const { project: { root }, prepared: { interpreter: { environment }, isolation } } = scene;
  const command = commandOf(scene, found);
  const pasted = command && pasteable(command, environment, root, host.cwd);
  showBisected(printer, { found, seconds, command: pasted });
  if (printer.json) {
    const isolated = isolation !== null;
    printer.document(SCHEMA, {
      exitCode,
      ...describeBisected(found),
      command,
      env: environment,
      isolated,
      seconds: secondsOf({ seconds }),
    });
  }
  return exitCode;
}

/** The test that was typed, its file resolved. */
async function testOf({ host, line }: Context<BisectOptions>, project: Project): Promise<string> {
  const [word, ...more] = line.operands;
  if (word === undefined) {
    throw new UsageError('"bisect" needs a test', "tractest bisect test_server.py::test_x");
  }
  if (more.length > 0) {
    throw new UsageError(
      `"bisect" takes one test, and "${more[0]}" is another word`,
      "other tests to look among: --in TARGET",
    );
  }
  if (!word.includes("::")) {
    throw new UsageError(
      `"${word}" names no single test`,
      "a test's name comes after its file's: test_server.py::test_x",
    );
  }
  const { targets } = await targetsOf(host, project, [word]);
  if (targets.length !== 1) {
    throw new UsageError(
      `"${word}" fits ${targets.length} tests`,
      `name one: ${targets.join(", ")}`,
    );
  }
  return plainId(targets[0]!);
}

/** Where to search for the culprits, most likely first. */
async function scopesOf(
  host: Host,
  project: Project,
  { test, recorded, targets }: {
    test: string;
    recorded: RecordedRun | null;
    targets: readonly string[] | null;
  },
): Promise<Scope[]> {
  if (recorded !== null) return [{ name: recorded.name, targets: null, before: recorded.before }];
  if (targets !== null) return [{ name: targets.join(", "), targets, before: null }];
  const file = fileOf(test);
  return [
    { name: file, targets: [file], before: null },
    { name: "the whole suite", targets: await wholeSuiteOf(host, project), before: null },
  ];
}

/** Adds the transport and the backend of the recorded run, unless others were typed. */
function sameAs(
  recorded: RecordedRun | null,
  { line }: Context<BisectOptions>,
  intent: RunIntent,
): RunIntent {
  const again = [["tpt-proto", recorded?.transport], ["spawn-backend", recorded?.backend]] as const;
  const words = again.flatMap(([option, value]) =>
    value == null || line.has(option) ? [] : [`--${option}=${value}`]
  );
  return { ...intent, passed: [...words, ...intent.passed] };
}

/** The command that reproduces the symptom; null if nothing was found. */
function commandOf(
  scene: ExactScene,
  { verdict, culprits, test }: Bisected,
): readonly string[] | null {
  const { project: { root }, intent } = scene;
  if (verdict === "by-itself") return asTyped(exactCommand(scene, [test]), root);
  if (verdict !== "polluter" && verdict !== "import") return null;
  const unrun = verdict === "import" ? culprits.map((file) => `--deselect=${file}`) : [];
  const passed = [...intent.passed, ...unrun];
  const imported = { ...scene, intent: { ...intent, passed } };
  return asTyped(exactCommand(imported, [...culprits, test]), root);
}

const FOUND: Readonly<Record<Bisected["verdict"], boolean | null>> = {
  polluter: true,
  import: true,
  "by-itself": false,
  "not-reproduced": null,
  "not-deterministic": null,
  interrupted: null,
};

function describeBisected(found: Bisected): Readonly<Record<string, unknown>> {
  const { test, verdict, symptom, culprits, failure, scope, before, steps, notes } = found;
  const { phase, message, where, traceback } = failure ?? {};
  return {
    test,
    found: FOUND[verdict],
    verdict,
    symptom,
    culprits,
    with: found.with,
    without: found.without,
    failure: failure && { phase, message, where, traceback },
    order: scope === null ? null : { from: scope, before },
    steps,
    notes,
  };
}

function exitCodeOf({ verdict, cut }: Bisected): ExitCode {
  if (verdict === "polluter" || verdict === "import") return EXIT.ok;
  if (verdict === "by-itself") return EXIT.testsFailed;
  if (verdict === "interrupted") return cut === "SIGINT" ? EXIT.interrupted : EXIT.terminated;
  return EXIT.unverified;
}

/** `tractest bisect`, described. */
export const VERB: Verb<typeof OPTIONS> = {
  name: "bisect",
  group: "understand",
  summary: "find the earlier test that makes this one fail, hang or leak",
  usage: "tractest bisect TEST [OPTIONS] [-- PYTEST…]",
  options: OPTIONS,
  examples: [
    [
      "tractest bisect 'test_server.py::test_x[a -> b]'",
      "search the tests that ran before its last failure",
    ],
    ["tractest bisect test_server.py::test_x --in test_server.py --in net/", "search only these"],
    [
      "tractest bisect test_server.py::test_x --symptom hang --test-timeout 5",
      "find the test that makes it hang",
    ],
    [
      "tractest bisect test_server.py::test_x --repeat 5",
      "for a symptom that does not occur each time",
    ],
  ],
  exits: [0, 1, 69, 80, 81, 82, 83, 124, 130, 131, 143],
  row: "bisect",
  operands: { words: [], paths: null, sources: ["tests"] },
  run: bisect,
};
