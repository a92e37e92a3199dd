import { timeLimit } from "./settings.ts";
import { RUN_OPTIONS, type RunOptions } from "./run_options.ts";
import { DECIDE_COLLECTION } from "../tables/pytest_options.ts";
import { optionNames } from "../command_line/run_words.ts";
import type { Verb } from "../command_line/verb.ts";
import type { Context } from "../command_line/context.ts";
import { isQuietOrVerbose, refuseWithBackground, startInBackground } from "../background/start.ts";
import { findProject } from "../project/project.ts";
import { longestFullRun } from "../background/full_runs.ts";
import { openRunState } from "../background/run_directory.ts";
import { type FirstScan, startFirstScan } from "../leaks/first_scan.ts";
import { surroundingsOf } from "../leaks/ledger.ts";
import { EXIT, type ExitCode } from "../tables/exit_codes.ts";
import { configured } from "./configured.ts";
import { readRunRequest } from "./command_request.ts";
import { dryRun } from "./dry_run.ts";
import { prepareAndRun, withIsolation } from "./prepared.ts";
import { isolationOfTests, withExemptions } from "./rules_overrides.ts";
import { NOT_RUN, RUN_SCHEMA, type RunRequest } from "./run_request.ts";
import { stopText } from "../preflight/show.ts";
import { TestRun } from "./test_run.ts";

/** `tractest run`: preflight, pytest, verdict. */
export async function run(typed: Context<RunOptions>): Promise<ExitCode> {
  const { host, printer } = typed;
  const firstScan = startEarly(typed);
  const { profile, python } = typed.line.options;
  const found = await findProject(host, profile, python);
  const project = { ...found, configuration: withExemptions(found.configuration) };
  const context = configured(typed, project);
  const { line } = context;
  const request = await readRunRequest(context, project);
  if (line.slips?.length) {
    await (await import("./slips.ts")).refuseSlips(context, project);
  }
  const { intent, settings, parallel, scope, dimensions, ci } = request;
  if (choosesNothing(request)) {
    if (printer.json) printer.document(RUN_SCHEMA, NOT_RUN);
    return EXIT.ok;
  }
  const matrix = dimensions.length > 0 ? await import("../matrix/run_matrix.ts") : null;
  if (line.options.dryRun) return await (matrix?.dryMatrix ?? dryRun)(context, request);
  if (line.options.bg) return await goToBackground(context, request);
  await request.junit?.begin();
  await request.events?.begin();
  const state = await openRunState(host, printer, project.root, line.options.backgroundRun);
  const { timeLimitFull: full, timeLimitFile: file } = project.configuration;
  const longestFull = await longestFullRun(host, state);
  const { debugging } = intent;
  const given = line.options.timeout;
  const limit = timeLimit({ given, debugging, scope, limits: { full, file }, longestFull });
  const asked = isolationOfTests(project.configuration.overrides, request.collected);
  const isOfAll = asked?.isOfAll || !request.maySplit;
  const isolated = asked && isOfAll ? withIsolation(project, asked.wish) : project;
  return await prepareAndRun(context, isolated, {
    state,
    firstScan,
    command: `tractest run ${scope === "full" ? "" : intent.targetWords.join(" ")}`.trim(),
    grace: settings.limits.grace,
    targets: request.collected,
    collects: !DECIDE_COLLECTION.some((option) => optionNames(intent.passed).has(option)),
    brief: request.ui === "agent" && !printer.verbose && !line.options.preflightOnly,
    checksOnly: line.options.preflightOnly,
    isolateSome: isOfAll ? undefined : asked?.wish,
    isolate: parallel.jobs === 1 ? "never" : parallel.jobs === "auto" ? "auto" : "always",
    around: ci ? (checks) => ci.checks(checks) : undefined,
    onStop: ({ checks: preflight, leaks }, exitCode) => {
      const why = stopText(preflight);
      if (why !== null) ci?.annotateRun("no test was started", why);
      if (!printer.json) return;
      const stopped = { exitCode, leaks, preflight };
      if (matrix) printer.document(matrix.MATRIX_SCHEMA, { ...stopped, dimensions, cells: [] });
      else printer.document(RUN_SCHEMA, { ...NOT_RUN, ...stopped });
    },
  }, async (prepared) => {
    if (scope === "full") hintBackground(context, longestFull ?? 0);
    if (matrix) return await matrix.runMatrix(context, request, prepared, limit);
    return await (await TestRun.prepare(context, request, prepared, limit)).run();
  });
}

/**
 * Starts the programs that take longer than everything else; returns the search for leaks, if any.
 * Whoever awaits their answers reports errors.
 */
function startEarly({ host, line: { options } }: Context<RunOptions>): FirstScan | undefined {
  if (options.dryRun || options.bg) return undefined;
  surroundingsOf(host).catch(() => {});
  return options.noPreflight || host.platform !== "linux" ? undefined : startFirstScan(host);
}

/** Whether `--affected --only` has found no test. */
function choosesNothing({ chosen }: RunRequest): boolean {
  return chosen !== null && chosen.only && chosen.targets.length === 0;
}

/** `--bg`: starts the same run in the background. */
async function goToBackground(
  context: Context<RunOptions>,
  { project, intent, scope }: RunRequest,
): Promise<ExitCode> {
  refuseWithBackground(context, intent.debugging);
  const words = [...project.configuration.defaultFlags, ...intent.passed];
  return await startInBackground(context, scope === "full" && !isQuietOrVerbose(words));
}

/** A full run that ever took so many seconds is worth a hint that it could be in the background. */
const LONG_RUN_SECONDS = 60;

function hintBackground({ printer, line }: Context<RunOptions>, longestFull: number): void {
  if (longestFull < LONG_RUN_SECONDS || printer.json || line.options.backgroundRun !== null) return;
  const seconds = Math.round(longestFull);
  printer.hint(
    `the full suite took up to ${seconds} s; to keep working meanwhile: tractest run --bg`,
  );
}

/** `tractest run`, described. */
export const VERB: Verb<typeof RUN_OPTIONS> = {
  name: "run",
  group: "run",
  summary: "preflight, pytest, verdict",
  usage: "tractest run [TARGET…] [OPTIONS] [-- PYTEST…]",
  options: RUN_OPTIONS,
  examples: [
    ["tractest run", "the full suite"],
    ["tractest run tests/test_server.py", "a single file"],
    ["tractest run test_server -v", "a file by its bare name, wherever it is, verbose"],
    ["tractest run test_server.py::test_restart", "a single test"],
    ["tractest run -k cancel", "tests that match a keyword"],
    ["tractest run smoke", "a named target of the configuration"],
    ["tractest run --matrix python=3.11,3.13", "with several Pythons, compared"],
    ["tractest run --affected", "all tests, first those that the current changes affect"],
    ["tractest run --jobs auto", "share the tests among isolated pytests"],
    [
      "tractest run --shard 2/3 --events shard-2.jsonl",
      "the second of three parts, on the second of three machines",
    ],
    ["tractest run --isolate", "in its own namespaces, whatever else runs"],
    ["tractest run --bg", "the full suite, while you work"],
    ["tractest run core --tpt-proto uds", "tractor: the core subset, over Unix sockets"],
  ],
  exits: [0, 1, 69, 80, 81, 82, 83, 84, 124, 130, 131, 143],
  row: "run",
  passesToPytest: true,
  operands: { words: [], paths: "files", sources: ["targets", "tests"] },
  run: run,
};
