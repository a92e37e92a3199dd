import type { Verb } from "../command_line/verb.ts";
import type { OptionsOf, OptionTable } from "../command_line/options.ts";
import { RUNS_PYTEST } from "../command_line/session_options.ts";
import { longestFullRun } from "../background/full_runs.ts";
import { asTyped, pasteable } from "../base/typed_command.ts";
import type { Bisected } from "./rules.ts";
import { shellCommand } from "../base/escape.ts";
import { fileOf, plainId } from "../pytest/lastfailed.ts";
import { runIntent } from "../pytest/pytest_command.ts";
import { timeLimit } from "../run/time_limit.ts";
import { placesFor } from "../run/rules_unseen_options.ts";
import { UsageError } from "../errors.ts";
import { EXIT, type ExitCode } from "../tables/exit_codes.ts";
import { showBisected, stepLine } from "./show.ts";
import { Progress } from "../terminal/progress.ts";
import type { Context } from "../command_line/context.ts";
import { findProject, type Project } from "../project/project.ts";
import { targetsOf, wholeSuiteOf } from "../project/targets.ts";
import { Bisection, type Scope } from "./bisection.ts";
import { exactCommand } from "../run/exact.ts";
import { prepareAndRun, type Prepared } from "../run/prepared.ts";
import { newestRecorded, recordedInFile, type RecordedRun } from "./recorded.ts";
import { runSettings } from "../run/settings.ts";
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
    doc: "search only the tests of TARGET, in collection order; may be repeated",
  },
} as const satisfies OptionTable;

/** Their values. */
export type BisectOptions = OptionsOf<typeof OPTIONS>;

/** `tractest bisect`: finds the earlier test that makes one fail, hang or leak. */
export async function bisect(context: Context<BisectOptions>): Promise<ExitCode> {
  const { host, printer, line } = context;
  const project = await findProject(host);
  const test = await testOf(context, project);
  const symptom = line.options.symptom;
  const repeat = line.options.repeat;
  const targets = line.options.in.length > 0
    ? (await targetsOf(host, project, line.options.in)).targets
    : null;
  const from = line.options.from;
  const given = from === null ? null : await recordedInFile(host, from, test, symptom);
  if (from !== null && given === null) {
    throw new UsageError(
      `"${test}" did not go wrong in "${from}"`,
      "name it as the events do, or leave --from out: then collection's order is taken",
    );
  }
  const settings = runSettings(line.options, { debugging: false });
  const stepTimeout = line.options.timeout;
  const state = await openRunState(host, printer, project.root);
  const recorded = given ??
    (targets === null ? await newestRecorded(host, project.root, test, symptom) : null);
  const limits = {
    full: project.configuration.timeLimitFull,
    file: project.configuration.timeLimitFile,
  };
  const stepLimit = stepTimeout ?? timeLimit({
    given: null,
    debugging: false,
    scope: "full",
    limits,
    longestFull: await longestFullRun(host, state),
  });
  const intent = sameAs(recorded, context, runIntent(line, () => false));
  const places = placesFor("bisect", await unseenIn(host, project, intent.passed));
  return await prepareAndRun(
    context,
    project,
    {
      state,
      command: shellCommand(["tractest", "bisect", test]),
      grace: settings.limits.grace,
      checksOnly: false,
      isolate: "auto",
      onStop: ({ checks, leaks }, exitCode) => {
        if (printer.json) {
          printer.document("tractest.bisect/1", {
            exitCode,
            found: null,
            verdict: null,
            leaks,
            preflight: checks,
          });
        }
      },
    },
    async (prepared) => {
      const began = host.clock.monotonic();
      const scene = { context, project, prepared, intent, settings, places };
      const progress = new Progress(host, printer);
      const bisection = new Bisection(scene, {
        test,
        scopes: await scopesOf(context, project, { test, recorded, targets }),
        symptom: symptom ?? recorded?.symptom ?? null,
        repeat,
        stepLimit,
        testLimit: line.options.testTimeout !== null
          ? settings.limits.test
          : recorded === null
          ? 0
          : limitOf(recorded, limits.file),
        limitTells: stepTimeout !== null || recorded !== null || symptom === "hang",
        fixedLimit: line.options.testTimeout !== null || recorded?.limit != null,
      }, (step) => {
        progress.clear();
        printer.note(stepLine(step));
      });
      const found = await progress.during("bisecting", bisection.run());
      return tell(context, {
        project,
        prepared,
        found,
        seconds: (host.clock.monotonic() - began) / 1000,
        command: commandOf(scene, found),
      });
    },
  );
}

/** Seconds that each test of a recorded run may take. */
function limitOf({ limit, longest }: RecordedRun, usual: number): number {
  return limit ?? Math.max(usual, 2 * longest);
}

/** The test that was typed, its file resolved. */
async function testOf({ host, line }: Context<BisectOptions>, project: Project): Promise<string> {
  const [word, ...more] = line.operands;
  if (word === undefined) {
    throw new UsageError('"bisect" needs a test', "tractest bisect test_rpc.py::test_x");
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
      "a test's name comes after its file's: test_rpc.py::test_x",
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

async function scopesOf(
  { host }: Context,
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

/** What the recorded run was given is given again, unless the user says otherwise. */
function sameAs(
  recorded: RecordedRun | null,
  { line }: Context<BisectOptions>,
  intent: ReturnType<typeof runIntent>,
): ReturnType<typeof runIntent> {
  const again = [["tpt-proto", recorded?.transport], ["spawn-backend", recorded?.backend]] as const;
  const words = again.flatMap(([option, value]) =>
    value == null || line.has(option) ? [] : [`--${option}=${value}`]
  );
  return { ...intent, passed: [...words, ...intent.passed] };
}

/** The command that shows it, to paste; null when nothing was found. */
function commandOf(
  scene: Parameters<typeof exactCommand>[0],
  { verdict, culprits, test }: Bisected,
): string[] | null {
  const { root } = scene.project;
  if (verdict === "polluter") return asTyped(exactCommand(scene, [...culprits, test]), root);
  if (verdict === "by-itself") return asTyped(exactCommand(scene, [test]), root);
  if (verdict !== "import") return null;
  const unrun = culprits.map((file) => `--deselect=${file}`);
  return asTyped(
    exactCommand({
      ...scene,
      intent: { ...scene.intent, passed: [...scene.intent.passed, ...unrun] },
    }, [...culprits, test]),
    root,
  );
}

const FOUND: Readonly<Record<Bisected["verdict"], boolean | null>> = {
  polluter: true,
  import: true,
  "by-itself": false,
  "not-reproduced": null,
  "not-deterministic": null,
  interrupted: null,
};

interface Told {
  readonly project: Project;
  readonly prepared: Prepared;
  readonly found: Bisected;
  readonly seconds: number;
  readonly command: readonly string[] | null;
}

function tell(
  { host, printer }: Context,
  { project, prepared, found, seconds, command }: Told,
): ExitCode {
  const exitCode = exitCodeOf(found);
  const { environment } = prepared.interpreter;
  showBisected(printer, {
    found,
    seconds,
    command: command && pasteable(command, environment, project.root, host.cwd),
  });
  if (printer.json) {
    const { test, verdict, symptom, culprits, failure, scope, before, steps, notes } = found;
    printer.document("tractest.bisect/1", {
      exitCode,
      test,
      found: FOUND[verdict],
      verdict,
      symptom,
      culprits,
      command,
      env: environment,
      with: found.with,
      without: found.without,
      failure: failure &&
        {
          phase: failure.phase,
          message: failure.message,
          where: failure.where,
          traceback: failure.traceback,
        },
      order: scope === null ? null : { from: scope, before },
      steps,
      seconds: Math.round(seconds * 1000) / 1000,
      isolated: prepared.isolation !== null,
      notes,
    });
  }
  return exitCode;
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
  summary: "find the earlier test that makes this one fail, hang or leak",
  usage: "tractest bisect TEST [OPTIONS] [-- PYTEST…]",
  options: OPTIONS,
  examples: [
    [
      "tractest bisect 'test_rpc.py::test_x[a -> b]'",
      "search the tests that ran before its last failure",
    ],
    ["tractest bisect test_rpc.py::test_x --in test_rpc.py --in ipc/", "search only these"],
    [
      "tractest bisect test_rpc.py::test_x --symptom hang --test-timeout 5",
      "find the test that makes it hang",
    ],
    [
      "tractest bisect test_rpc.py::test_x --repeat 5",
      "for a symptom that does not occur each time",
    ],
  ],
  exits: [0, 1, 69, 80, 81, 82, 83, 124, 130, 131, 143],
  row: "bisect",
  operands: { words: [], paths: "files" },
  run: bisect,
};
