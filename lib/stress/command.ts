import type { Profile } from "../project/rules_profile.ts";
import type { OptionsOf, OptionTable } from "../command_line/options.ts";
import { RUNS_PYTEST } from "../command_line/session_options.ts";
import type { Verb } from "../command_line/verb.ts";
import { longestFullRun } from "../background/full_runs.ts";
import { openRunState } from "../background/run_directory.ts";
import { escapeText, shellCommand } from "../base/escape.ts";
import type { Context } from "../command_line/context.ts";
import { TractestError, UsageError } from "../errors.ts";
import { guardLog } from "../ci/guard_log.ts";
import { findProject } from "../project/project.ts";
import { targetsOf } from "../project/targets.ts";
import { fileOf } from "../pytest/lastfailed.ts";
import { runIntent } from "../pytest/pytest_command.ts";
import { prepareAndRun } from "../run/prepared.ts";
import { placesFor } from "../run/rules_unseen_options.ts";
import { runSettings, timeLimit } from "../run/settings.ts";
import { unseenIn } from "../run/unseen_options.ts";
import { EXIT, type ExitCode } from "../tables/exit_codes.ts";
import { STRESS_SCHEMA, StressRun } from "./stress_run.ts";

/** The options of `stress`. */
export const OPTIONS = {
  ...RUNS_PYTEST,
  copies: {
    kind: "count",
    default: 4,
    least: 1,
    // More copies need more processes than a machine has.
    most: 64,
    doc: "number of isolated pytests at once",
  },
  rounds: { kind: "count", default: 10, least: 1, doc: "how often the copies run" },
  "until-fail": { kind: "flag", doc: "stop after the first round with a failure" },
  baseline: { kind: "flag", doc: "then run as many copies alone: does contention make it fail?" },
} as const satisfies OptionTable;

/** Their values. */
export type StressOptions = OptionsOf<typeof OPTIONS>;

/**
 * `tractest stress`: runs the same tests in many isolated pytests at once, round after round, to
 * find failures that need contention.
 */
export async function stress(context: Context<StressOptions>): Promise<ExitCode> {
  const { host, printer, line } = context;
  guardLog(host, printer);
  const { copies, rounds, untilFail, baseline, timeout } = line.options;
  const project = await findProject(host, line.options.profile, line.options.python);
  if (line.operands.length === 0) {
    throw new UsageError('"stress" needs a test', "tractest stress test_server.py::test_x");
  }
  const { targets, scope, notes } = await targetsOf(host, project, line.operands);
  for (const note of notes) printer.warn(escapeText(note));
  const settings = runSettings(line.options, { debugging: false }, project.configuration);
  const intent = runIntent(line, () => false);
  const places = placesFor("stress", await unseenIn(host, project, intent.passed));
  const { timeLimitFull: full, timeLimitFile: file } = project.configuration;
  const state = await openRunState(host, printer, project.root);
  const longestFull = await longestFullRun(host, state);
  const usual = timeLimit({
    given: timeout,
    debugging: false,
    scope,
    limits: { full, file },
    longestFull: null,
  });
  const isOpen = scope === "full" && timeout === null;
  const limit = isOpen ? Math.max(usual, copies * (longestFull ?? 0)) : usual;
  return await prepareAndRun(context, project, {
    state,
    command: shellCommand(["tractest", "stress", ...targets]),
    targets: [...new Set(targets.map(fileOf))],
    grace: settings.limits.grace,
    checksOnly: false,
    isolate: copies > 1 ? "always" : "auto",
    onStop: ({ checks: preflight, leaks }, exitCode) => {
      if (!printer.json) return;
      printer.document(STRESS_SCHEMA, { exitCode, tests: null, leaks, preflight });
    },
  }, async (prepared) => {
    if (copies > 1 && prepared.isolation === null) throw notIsolated(copies, project.profile);
    const scene = { context, project, prepared, settings, intent, places };
    return await new StressRun(scene, {
      targets,
      copies,
      rounds,
      untilFail,
      baseline: baseline && copies > 1,
      limit,
    }).run();
  });
}

function notIsolated(copies: number, profile: Profile): TractestError {
  const need = profile === "tractor" ? "one registry each" : "ports of their own";
  return new TractestError(
    "isolation",
    `${copies} copies at once need ${need}: isolate them`,
    EXIT.isolationUnavailable,
    "leave --no-isolate out, or run one copy after another: --copies 1",
  );
}

/** `tractest stress`, described. */
export const VERB: Verb<typeof OPTIONS> = {
  name: "stress",
  group: "run",
  summary: "run tests in many isolated pytests at once, to find failures that need contention",
  usage: "tractest stress TEST… [OPTIONS] [-- PYTEST…]",
  options: OPTIONS,
  examples: [
    ["tractest stress test_server.py::test_x", "4 copies at once, 10 times: its failure rate"],
    [
      "tractest stress test_server.py::test_x --copies 8 --rounds 50 --until-fail",
      "until it fails, with its traceback",
    ],
    ["tractest stress test_server.py::test_x --baseline", "also its failure rate alone"],
  ],
  exits: [0, 1, 69, 80, 81, 82, 83, 130, 131, 143],
  row: "stress",
  operands: { words: [], paths: "files", sources: ["targets", "tests"] },
  run: stress,
};
