import type { Verb } from "../command_line/verb.ts";
import { DEFAULT_TARGETS } from "../tables/defaults.ts";
import type { OptionsOf, OptionTable } from "../command_line/options.ts";
import { RUNS_PYTEST } from "../command_line/session_options.ts";
import { longestFullRun } from "../background/full_runs.ts";
import { asTyped, pasteable } from "../base/typed_command.ts";
import { fileOf } from "../pytest/lastfailed.ts";
import { join } from "@std/path";
import { escapeText, shellCommand } from "../base/escape.ts";
import { describeTries } from "../base/rates.ts";
import { RED } from "../pytest/results.ts";
import type { Cut } from "../pytest/verdict.ts";
import { runIntent } from "../pytest/pytest_command.ts";
import { fromContention, stressed, type Trial, trialsOf } from "./rules.ts";
import { timeLimit } from "../run/time_limit.ts";
import { placesFor } from "../run/rules_unseen_options.ts";
import { TractestError, UsageError } from "../errors.ts";
import { EXIT, type ExitCode } from "../tables/exit_codes.ts";
import { Progress } from "../terminal/progress.ts";
import { showStressed, triesText } from "./show.ts";
import type { Context } from "../command_line/context.ts";
import { findProject, type Project } from "../project/project.ts";
import { targetsOf } from "../project/targets.ts";
import { endingOf } from "../run/after.ts";
import { exactCommand, type ExactOutcome, type ExactScene, runExactly } from "../run/exact.ts";
import { prepareAndRun, type Prepared } from "../run/prepared.ts";
import { runSettings } from "../run/settings.ts";
import { openRunState, removeDirectory } from "../background/run_directory.ts";
import { endLeftBehind } from "../run/tidy.ts";
import { unseenIn } from "../run/unseen_options.ts";

/** The options of `stress`. */
export const OPTIONS = {
  ...RUNS_PYTEST,
  copies: {
    kind: "count",
    default: 4,
    least: 1,
    // More copies need more processes than a machine has.
    most: 64,
    doc: "pytests at once, each isolated",
  },
  rounds: { kind: "count", default: 10, least: 1, doc: "how often that is done" },
  "until-fail": { kind: "flag", doc: "stop after the first round with a failure" },
  baseline: {
    kind: "flag",
    doc: "then as often alone, one after another: does contention make it fail?",
  },
} as const satisfies OptionTable;

/** Their values. */
export type StressOptions = OptionsOf<typeof OPTIONS>;

interface Request {
  readonly targets: readonly string[];
  readonly copies: number;
  readonly rounds: number;
  /** The first round with a failure is the last. */
  readonly untilFail: boolean;
  /** As many trials alone, one after another. */
  readonly baseline: boolean;
  /** Seconds for each copy. */
  readonly limit: number;
}

/**
 * `tractest stress`: the same tests in many isolated pytests at once, round after round, to bring
 * out what only contention breaks.
 */
export async function stress(context: Context<StressOptions>): Promise<ExitCode> {
  const { host, printer, line } = context;
  const project = await findProject(host);
  if (line.operands.length === 0) {
    throw new UsageError('"stress" needs a test', "tractest stress test_rpc.py::test_x");
  }
  const { targets, scope, notes } = await targetsOf(host, project, line.operands);
  for (const note of notes) printer.warn(escapeText(note));
  const { copies, rounds } = line.options;
  const settings = runSettings(line.options, { debugging: false });
  const intent = runIntent(line, () => false);
  const places = placesFor("stress", await unseenIn(host, project, intent.passed));
  const limits = {
    full: project.configuration.timeLimitFull,
    file: project.configuration.timeLimitFile,
  };
  const limit = timeLimit({
    given: line.options.timeout,
    debugging: false,
    scope,
    limits,
    longestFull: null,
  });
  const state = await openRunState(host, printer, project.root);
  const longest = await longestFullRun(host, state);
  return await prepareAndRun(
    context,
    project,
    {
      state,
      command: shellCommand(["tractest", "stress", ...targets]),
      targets: [...new Set(targets.map(fileOf))],
      grace: settings.limits.grace,
      checksOnly: false,
      isolate: copies > 1 ? "always" : "auto",
      onStop: ({ checks, leaks }, exitCode) => {
        if (printer.json) {
          printer.document("tractest.stress/1", {
            exitCode,
            tests: null,
            leaks,
            preflight: checks,
          });
        }
      },
    },
    async (prepared) => {
      if (copies > 1 && prepared.isolation === null) throw notIsolated(copies);
      const scene = { context, project, prepared, settings, intent, places };
      const request = {
        targets,
        copies,
        rounds,
        untilFail: line.options.untilFail,
        baseline: line.options.baseline && copies > 1,
        limit: scope === "full" && line.options.timeout === null
          ? Math.max(limit, copies * (longest ?? 0))
          : limit,
      };
      return await new Stress(scene, request).run();
    },
  );
}

function notIsolated(copies: number): TractestError {
  return new TractestError(
    "isolation",
    `${copies} copies at once would fight for the registry: they have to be isolated`,
    EXIT.isolationUnavailable,
    "leave --no-isolate out, or run one copy after another: --copies 1",
  );
}

class Stress {
  readonly #trials: Trial[] = [];
  readonly #alone: Trial[] = [];
  /** What kept copies from running their tests to the end, and how many. */
  readonly #problems = new Map<string, number>();
  #rounds = 0;
  #cut: Cut | null = null;
  #log: string | null = null;
  readonly #context: Context;
  readonly #prepared: Prepared;
  readonly #project: Project;

  constructor(private readonly scene: ExactScene, private readonly request: Request) {
    this.#context = scene.context;
    this.#prepared = scene.prepared;
    this.#project = scene.project;
  }

  async run(): Promise<ExitCode> {
    const { host, printer } = this.#context;
    const { copies, rounds, untilFail, baseline } = this.request;
    const began = host.clock.monotonic();
    const progress = new Progress(host, printer);
    while (this.#rounds < rounds && this.#cut === null) {
      const round = this.#rounds + 1;
      const from = host.clock.monotonic();
      const work = Promise.all(
        Array.from(
          { length: copies },
          (_, index) => this.#copy(`round-${round}-copy-${index + 1}`, round, index + 1),
        ),
      );
      const ended = await progress.during(`round ${round} of ${rounds}`, work);
      this.#trials.push(...ended.flatMap((end) => end.trials));
      if (this.#cut === null) this.#rounds = round;
      if (this.#trials.length === 0 && this.#cut === null) {
        throw noTests(this.request.targets, ended[0]?.code ?? 0);
      }
      const trials = ended.flatMap((end) => end.trials);
      const broken = ended.filter((end) => end.problem !== null).length;
      const took = ((host.clock.monotonic() - from) / 1000).toFixed(1);
      const pytests = broken === 0 ? "" : `, ${broken} of ${copies} pytests broke off`;
      printer.note(
        `round ${round} of ${rounds}: ${roundText(trials)}${pytests} (${took} s); so far ${
          triesText(triesOf(this.#trials))
        }`,
      );
      if (untilFail && (broken > 0 || trials.some(isRed))) break;
    }
    const count = this.#rounds * copies;
    for (let number = 1; baseline && number <= count && this.#cut === null; number++) {
      const { trials } = await progress.during(
        `alone, ${number} of ${count}`,
        this.#copy(`alone-${number}`, number, 1),
      );
      this.#alone.push(...trials);
      if (number === count || number % copies === 0) {
        printer.note(`alone, ${number} of ${count}: ${triesText(triesOf(this.#alone))}`);
      }
    }
    return this.#tell((host.clock.monotonic() - began) / 1000);
  }

  /** One pytest with all of the tests. */
  async #copy(
    name: string,
    round: number,
    copy: number,
  ): Promise<{ trials: Trial[]; code: number; problem: string | null }> {
    const { context: { host, printer }, project, prepared, settings } = this.scene;
    const { targets, limit } = this.request;
    const outcome = await runExactly(this.scene, {
      name,
      lane: `copy-${copy}`,
      targets,
      choose: (ids) => ids,
      limit,
      testLimit: settings.limits.test,
    });
    const { run, cut } = outcome;
    if (prepared.isolation === null) {
      await endLeftBehind(host, printer.silenced(), project, prepared.state, run);
    }
    if (cut !== null && cut !== "time-limit") this.#cut ??= cut;
    const hung = cut === "time-limit" ? run.running.map(({ id }) => ({ id, seconds: limit })) : [];
    const trials = trialsOf(run.tests.values(), { round, copy, hung });
    const problem = this.#cut === null ? problemOf(outcome, trials, limit) : null;
    if (problem !== null) this.#problems.set(problem, (this.#problems.get(problem) ?? 0) + 1);
    const directory = join(prepared.state.directory, name);
    if (!trials.some(isRed) && problem === null) await removeDirectory(host, directory);
    else if (this.#log === null && !name.startsWith("alone")) {
      this.#log = join(directory, `output-${outcome.firstSession}.log`);
    }
    return { trials, code: outcome.code, problem };
  }

  #tell(seconds: number): ExitCode {
    const { host, printer } = this.#context;
    const { targets, copies, baseline } = this.request;
    const tests = stressed(this.#trials);
    const alone = baseline ? stressed(this.#alone) : null;
    const exitCode = this.#cut === null
      ? tests.some((test) => test.failures > 0) || this.#problems.size > 0
        ? EXIT.testsFailed
        : EXIT.ok
      : this.#cut === "SIGINT"
      ? EXIT.interrupted
      : EXIT.terminated;
    const command = asTyped(exactCommand(this.scene, targets), this.#project.root);
    const { environment } = this.#prepared.interpreter;
    printer.note(`each copy: ${pasteable(command, environment, this.#project.root, host.cwd)}`);
    const problems = [...this.#problems].map(([message, times]) => ({ message, times }));
    showStressed(printer, {
      tests,
      alone,
      problems,
      copies,
      rounds: this.#rounds,
      seconds,
      interrupted: this.#cut !== null,
      log: this.#log,
    });
    if (!printer.json) return exitCode;
    printer.document("tractest.stress/1", {
      exitCode,
      command,
      env: environment,
      copies,
      rounds: this.#rounds,
      interrupted: this.#cut !== null,
      isolated: this.#prepared.isolation !== null,
      tests: tests.map((test) => {
        const { id, messages, first, leaking, leaked, slowest, median } = test;
        const by = alone?.find((other) => other.id === id);
        return {
          id,
          ...describeTries(test),
          alone: by ? describeTries(by) : null,
          contention: by ? fromContention(test, by) : null,
          messages,
          leaks: { trials: leaking, processes: leaked },
          slowest,
          median,
          first: first && describeFirst(first),
        };
      }),
      problems,
      log: this.#log,
      seconds: Math.round(seconds * 1000) / 1000,
    });
    return exitCode;
  }
}

/**
 * What kept a copy from running all of its tests; null when nothing did, or when a test of it that
 * failed says so.
 */
function problemOf(outcome: ExactOutcome, trials: readonly Trial[], limit: number): string | null {
  const [broken] = outcome.run.collectionErrors;
  if (broken !== undefined) {
    return `${broken.id} could not be collected: ${broken.message.split("\n", 1)[0]}`;
  }
  if (trials.some(isRed)) return null;
  return endingOf(outcome, limit) ??
    (outcome.code > 1 && outcome.code !== NO_TESTS
      ? `pytest ended with exit code ${outcome.code}`
      : null);
}

/** pytest's exit code where it had nothing to run. */
const NO_TESTS = 5;

function isRed(trial: Trial): boolean {
  return RED.has(trial.outcome);
}

/** `2 of 8 tries failed`: of all tests of all copies. */
function roundText(trials: readonly Trial[]): string {
  const { failures, trials: count } = triesOf(trials);
  return `${failures} of ${count} ${count === 1 ? "try" : "tries"} failed`;
}

function triesOf(trials: readonly Trial[]) {
  return { failures: trials.filter(isRed).length, trials: trials.length };
}

function noTests(targets: readonly string[], code: number): UsageError {
  return new UsageError(
    `pytest ran no test of ${targets.join(", ")} (exit code ${code})`,
    shellCommand(["tractest", "run", ...targets]),
  );
}

function describeFirst({ round, copy, outcome, failure }: Trial) {
  const { id: _id, ...rest } = failure ?? { id: "" };
  return { round, copy, outcome, ...rest };
}

/** `tractest stress`, described. */
export const VERB: Verb<typeof OPTIONS> = {
  name: "stress",
  summary:
    "the same test in many isolated pytests at once, to bring out what only contention breaks",
  usage: "tractest stress TEST… [OPTIONS] [-- PYTEST…]",
  options: OPTIONS,
  examples: [
    [
      "tractest stress test_rpc.py::test_x",
      "4 copies at once, 10 times: how often does it fail?",
    ],
    [
      "tractest stress test_rpc.py::test_x --copies 8 --rounds 50 --until-fail",
      "until it fails, with its traceback",
    ],
    ["tractest stress test_rpc.py::test_x --baseline", "and how often alone"],
  ],
  exits: [0, 1, 69, 80, 81, 82, 83, 130, 131, 143],
  row: "stress",
  operands: { words: Object.keys(DEFAULT_TARGETS), paths: "files" },
  run: stress,
};
