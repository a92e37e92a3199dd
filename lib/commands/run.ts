import { findCascades } from "../core/results/cascade.ts";
import { escapeText } from "../core/escape.ts";
import { type Parallel, parallelOf } from "../core/run/parallel.ts";
import { isContended } from "../core/results/results.ts";
import type { KnownSeconds } from "../core/run/schedule.ts";
import { type Dimension, parseMatrix } from "../core/run/matrix.ts";
import { looksLikeTarget, type Targets } from "../core/project/targets.ts";
import { hangDocument } from "../core/hang/hang.ts";
import { captureNote, pytestCommand, type RunIntent, runIntent, stopsAtFirst, withoutRerun, withoutStopping } from "../core/run/command.ts";
import { describeRecord } from "../core/history/rate.ts";
import { asTyped, nextCommand, pasteable } from "../core/run/shown.ts";
import { strainText } from "../core/results/strain.ts";
import { timeLimit } from "../core/run/time_limit.ts";
import { groupsOf } from "../core/results/work.ts";
import { registryCollision } from "../core/results/verdict.ts";
import { UsageError } from "../errors.ts";
import { EXIT, type ExitCode } from "../tables/exit_codes.ts";
import { noteHang } from "../ui/hang.ts";
import { type JudgedFailure, showLeaksLeft, showVerdict, type VerdictStream } from "../ui/verdict.ts";
import type { Context } from "../context.ts";
import { recordRun } from "../history/record.ts";
import type { LeakReport } from "../leaks/leaks.ts";
import { findProject, type Project } from "../project/project.ts";
import { watchCpu } from "../programs/cpu_counts.ts";
import { describeTests, endingOf, exitCodeAfter, leaksAfter, recordFailures } from "../run/after.ts";
import { isQuietOrVerbose, refuseWithBackground, startInBackground } from "../runs/background.ts";
import { judgeFailures } from "../run/judge.ts";
import { type Chosen, chosenFirst } from "../run/chosen.ts";
import { type Balance, balanceOf, describeBalance, givenSeconds, jobsOf, Plan } from "../run/parallel.ts";
import { type Prepared, whenPrepared } from "../run/prepared.ts";
import { plannedSync, quickInterpreter } from "../run/ready.ts";
import type { EngineOutcome, SessionKind } from "../engine/engine.ts";
import { EventLog } from "../engine/event_log.ts";
import { LiveView, showLog } from "../run/live_view.ts";
import { EventsFile } from "../run/events_file.ts";
import { JunitFile } from "../run/junit_file.ts";
import { type RunSettings, runSettings } from "../run/settings.ts";
import { checkSpawnBackend } from "../run/spawn_backends.ts";
import { longestFullRun, openRunState, recordFullRun } from "../runs/state.ts";
import { targetsOf, testTree } from "../project/targets.ts";
import { dryMatrix, MATRIX_SCHEMA, runMatrix } from "./run_matrix.ts";

/** What was typed for a run, understood. */
interface Request {
  readonly project: Project;
  readonly intent: RunIntent;
  readonly settings: RunSettings;
  readonly parallel: Parallel;
  /** How long tests take, as given for a cut into shards. */
  readonly givenSeconds: KnownSeconds | null;
  readonly scope: Targets["scope"];
  readonly junit: JunitFile | null;
  readonly events: EventsFile | null;
  /** What runs first; null where nothing was asked to. */
  readonly chosen: Chosen | null;
  /** What varies between the cells of a matrix; empty for a single run. */
  readonly dimensions: readonly Dimension[];
  /** The command of one of its pytests, with more words for pytest. */
  command(python: readonly string[], kind: SessionKind, words?: readonly string[]): string[];
}

const WHOLE: SessionKind = { purpose: "tests", tests: null };

/** `tractest run`: preflight, pytest, verdict. */
export async function run(context: Context): Promise<ExitCode> {
  const { host, printer, line } = context;
  const request = await understand(context);
  const { project, intent, settings, parallel, scope, chosen } = request;
  if (chosen?.only && chosen.targets.length === 0) {
    if (printer.json) printer.document("tractest.run/1", NOT_RUN);
    return EXIT.ok;
  }
  const { dimensions } = request;
  if (line.has("dry-run")) return await (dimensions.length > 0 ? dryMatrix(context, request) : dryRun(context, request));

  if (line.has("bg")) {
    refuseWithBackground(context, intent.debugging);
    return await startInBackground(context, scope === "full" && !isQuietOrVerbose([...project.configuration.defaultFlags, ...intent.passed]));
  }

  await request.junit?.clear();
  await request.events?.clear();
  const state = await openRunState(host, printer, project.root, line.value("background-run"));
  const limits = { full: project.configuration.timeLimitFull, file: project.configuration.timeLimitFile };
  const longestFull = await longestFullRun(host, state);
  const limit = timeLimit({ given: line.value("timeout"), debugging: intent.debugging, scope, limits, longestFull });
  return await whenPrepared(
    context,
    project,
    {
      state,
      command: `tractest run ${scope === "full" ? "" : intent.targetWords.join(" ")}`.trim(),
      grace: settings.grace,
      checksOnly: line.has("preflight-only"),
      isolate: parallel.jobs === 1 ? "never" : parallel.jobs === "auto" ? "auto" : "always",
      onStop: ({ checks, leaks }, exitCode) => {
        if (!printer.json) return;
        if (dimensions.length > 0) printer.document(MATRIX_SCHEMA, { exitCode, dimensions, cells: [], leaks, preflight: checks });
        else printer.document("tractest.run/1", { ...NOT_RUN, exitCode, leaks, preflight: checks });
      },
    },
    async (prepared) => {
      hintBackground(context, scope, longestFull);
      if (dimensions.length > 0) return await runCells(context, request, prepared, limit);
      return runTests(context, request, prepared, limit);
    },
  );
}

/** The document of a run that did not begin. */
const NOT_RUN = { exitCode: 0, command: null, env: null, seconds: null, counts: null, failures: [], leaks: null, preflight: null };

/** What was typed wrong is said before anything is shown or started. */
async function understand(context: Context): Promise<Request> {
  const { host, printer, line } = context;
  const project = await findProject(host);
  if (line.value("events") === "-" && printer.json) {
    throw new UsageError('"--events -" and "--json" both want standard output', "write the events to a file");
  }
  const intent = await intentOf(context, project);
  if (intent.debugging && !line.has("dry-run") && !(host.stdinIsTerminal && host.stdout.isTerminal)) {
    throw new UsageError("A debugger needs a terminal, and standard input or output is none", "run it from a terminal, not through a pipe");
  }
  const chosen = await chosenFirst(context, project);
  const named = intent.targetWords.length > 0 ? intent.targetWords : chosen?.only ? chosen.targets : [];
  const targets = intent.collectsByItself && named.length === 0 ? null : await targetsOf(host, project, named);
  for (const note of targets?.notes ?? []) printer.warn(escapeText(note));
  // The recipe's `pytest --lf` names nothing: pytest's own testpaths do.
  const bare = intent.targetWords.length === 0 && intent.rerunsFailed && (project.pytest?.testPaths.length ?? 0) > 0;
  const scope = targets?.scope ?? "many";
  const settings = runSettings(line, intent);
  timeLimit({ given: line.value("timeout"), debugging: intent.debugging, scope, limits: { full: 0, file: 0 }, longestFull: null });
  const { jobs } = project.configuration;
  const parallel = parallelOf(line, intent, jobs);
  const dimensions = matrixOf(context, intent, parallel);
  // Cells are compared by all of their tests.
  const defaultFlags = dimensions.length > 0 ? withoutStopping(project.configuration.defaultFlags) : project.configuration.defaultFlags;
  return {
    project,
    intent,
    settings,
    parallel,
    givenSeconds: await givenSeconds(host, project, parallel.durations),
    scope,
    junit: line.has("junit") ? await JunitFile.at(host, line.value("junit")!) : null,
    events: line.has("events") ? await EventsFile.at(host, line.value("events")!) : null,
    chosen,
    dimensions,
    command: (python, { tests }, words = []) => {
      const cell = { ...intent, passed: [...words, ...intent.passed] };
      return tests === null
        ? pytestCommand({ python, defaultFlags, line, intent: cell, targets: bare ? [] : targets?.targets ?? [] })
        : pytestCommand({ python, defaultFlags, line, intent: withoutRerun(cell), targets: [...new Set(tests.map((id) => id.split("::", 1)[0]!))] });
    },
  };
}

/** What `--matrix` varies; empty when it was not given. What makes no sense beside it is said. */
function matrixOf({ line }: Context, intent: RunIntent, parallel: Parallel): readonly Dimension[] {
  const dimensions = parseMatrix(line.values("matrix"), (key) => line.has(key));
  if (dimensions.length === 0) {
    if (line.has("diff")) throw new UsageError('"--diff" compares the cells of a matrix', "tractest run --matrix tpt-proto=tcp,uds --diff");
    return [];
  }
  if (intent.debugging) throw new UsageError('"--matrix" does not go with a debugger', "debug one of the cells");
  if (parallel.shard !== null) throw new UsageError('"--matrix" does not go with "--shard"', "give each machine some of the cells");
  return dimensions;
}

/** Runs the cells of a matrix, as many at once as can be kept apart. */
async function runCells(context: Context, request: Request, prepared: Prepared, limit: number): Promise<ExitCode> {
  const { host } = context;
  const { settings, parallel, chosen } = request;
  const jobs = prepared.isolation === null ? 1 : parallel.jobs === "auto" ? host.processors : parallel.jobs;
  const exitFirst = stopsAtFirst(request.command(prepared.interpreter.argv, WHOLE));
  return await runMatrix(context, request, {
    prepared,
    jobs,
    launch: {
      ...settings,
      plan: chosen && ((items) => chosen.arrange(groupsOf(items))),
      alone: () => false,
      limit,
      debugging: false,
      exitFirst,
      resume: !exitFirst,
    },
  });
}

async function intentOf({ host, line }: Context, project: Project): Promise<RunIntent> {
  const doubtful = (line.words ?? []).some((item) => item.kind === "target-or-value");
  const tree = doubtful ? await testTree(host, project) : null;
  return runIntent(line, (word) => tree !== null && looksLikeTarget(word, tree));
}

/** Whether a live view takes the place of pytest's own output: not where a person talks to pytest, or asks for something that it prints. */
function usesBar({ printer, line }: Context, intent: RunIntent): boolean {
  if (line.value("ui") !== "bar") return false;
  if (intent.debugging || intent.printsOnly) {
    printer.warn(`--ui bar is left out: ${intent.debugging ? "a debugger needs the terminal" : "this is about what pytest prints"}`);
    return false;
  }
  return true;
}

/** Prints the command and starts nothing. */
async function dryRun(context: Context, { project, command }: Request): Promise<ExitCode> {
  const { host, printer, line } = context;
  const sync = line.has("sync") ? await plannedSync(context, project) : null;
  if (sync) printer.line(sync.shown);
  const interpreter = sync?.interpreter ?? await quickInterpreter(context, project);
  const argv = asTyped(command(interpreter.argv, WHOLE), project.root);
  printer.line(pasteable(argv, interpreter.environment, project.root, host.cwd));
  noteCapture(context, argv);
  await checkSpawnBackend(context, project, interpreter.venv);
  if (printer.json) printer.document("tractest.run/1", { ...NOT_RUN, command: argv, env: interpreter.environment });
  return EXIT.ok;
}

function noteCapture({ printer, line }: Context, argv: readonly string[]): void {
  const note = captureNote(argv, line);
  if (note !== null) printer.note(note);
}

async function runTests(context: Context, request: Request, prepared: Prepared, limit: number): Promise<ExitCode> {
  const { host, printer, line } = context;
  const { project, intent, settings, parallel, scope, chosen } = request;
  const { state, interpreter, facts, preflight } = prepared;
  const jobs = jobsOf(context, project, parallel, prepared);
  const argv = request.command(interpreter.argv, WHOLE);
  const shown = asTyped(argv, project.root);
  printer.note(pasteable(shown, interpreter.environment, project.root, host.cwd));
  noteCapture(context, shown);

  const stream = line.value("events") === "-" ? "stderr" : "stdout";
  const log = await EventLog.open(host, state.directory, request.events?.sink ?? null);
  await log.append({ event: "run-start", runId: state.runId, root: project.root, command: shown, pid: host.pid, ...facts, shard: parallel.shard });
  const tries = 1 + Math.max(settings.retries, jobs.count > 1 ? 1 : 0);
  const plan = jobs.count === 1 && parallel.shard === null ? null : new Plan({
    host,
    project,
    parallel,
    jobs: jobs.count,
    given: request.givenSeconds,
    arrange: chosen?.arrange ?? null,
    facts,
    log,
  });
  const cpu = watchCpu(host);
  // What several pytests write at once nobody can read.
  const bar = jobs.count > 1 || usesBar(context, intent);
  const redraws = !(stream === "stderr" && host.stdout.isTerminal);
  const live = bar ? await LiveView.open(host, printer, log, { root: project.root, slow: settings.slow, tries, redraws }) : null;
  const outcome = await prepared.launch(log, state.directory, {
    ...settings,
    command: (kind) => request.command(interpreter.argv, kind),
    jobs: jobs.count,
    environment: jobs.environment,
    plan: plan?.make ?? (chosen && ((items) => chosen.arrange(groupsOf(items)))),
    alone: plan?.alone ?? (() => false),
    limit,
    debugging: intent.debugging,
    exitFirst: stopsAtFirst(argv),
    resume: line.has("resume") || (scope === "full" && !stopsAtFirst(argv)),
    output: bar ? "log" : printer.json || stream === "stderr" ? "stderr" : "shown",
  }).finally(() => live?.stop());
  if (bar) await showLog(host, printer, state.directory, outcome);
  const strain = await (await cpu)();
  await recordFailures(host, outcome);
  const leaks = await leaksAfter(host, project);
  // What is left outside of an isolation is none of its doing.
  const left = prepared.isolation === null ? leaks : null;
  const isFull = scope === "full" && parallel.shard === null && !intent.selects && !intent.debugging;
  if (isFull && outcome.cut === null && outcome.code <= 1) await recordFullRun(host, state, outcome.seconds);
  const exitCode = exitCodeAfter(outcome, left, line.has("strict"));
  const seconds = Math.round(outcome.seconds * 1000) / 1000;
  await log.append({ event: "run-finish", exitCode, ending: endingOf(outcome, limit), seconds, strained: strain?.strained ?? null });
  await log.drain();
  request.events?.tellTrouble(printer);
  await request.junit?.write(printer, outcome.results);
  if (log.isCut) printer.warn(`the disk took not all that was reported: counts are incomplete (${escapeText(log.path)})`);
  const failures = await judgeFailures(context, project, outcome.tally.failures);
  const balance = balanceOf(outcome, plan?.predicted ?? null);
  showEnd(context, {
    outcome,
    failures,
    leaks: left,
    strain: strainText(strain, failures.length > 0 || outcome.cut !== null),
    limit,
    tries,
    stream,
    balance,
  });
  if (printer.json) {
    printer.document("tractest.run/1", {
      exitCode,
      command: shown,
      env: interpreter.environment,
      seconds,
      counts: outcome.tally.began ? outcome.tally.counts : null,
      failures: failures.map(({ id, phase, message, known, related, record }) => {
        return { id, phase, message, known, related, rate: record && describeRecord(record) };
      }),
      ...describeTests(outcome.results),
      hang: outcome.hang && hangDocument(outcome.hang),
      shard: parallel.shard,
      jobs: jobs.count,
      balance,
      leaks,
      strained: strain?.strained ?? null,
      preflight: preflight.checks,
    });
  }
  // Last: whoever holds the history for long keeps nobody from the verdict.
  await recordRun(host, printer, project, outcome.results);
  return exitCode;
}

/** Seconds of the longest full run from which on it is worth a hint that one can go on working meanwhile. */
const LONG_RUN_SECONDS = 60;

function hintBackground({ printer, line }: Context, scope: string, longestFull: number | null): void {
  if (scope !== "full" || (longestFull ?? 0) < LONG_RUN_SECONDS || printer.json || line.has("background-run")) return;
  printer.hint(`the full suite took up to ${Math.round(longestFull!)} s; to go on working meanwhile: tractest run --bg`);
}

interface End {
  readonly outcome: EngineOutcome;
  readonly failures: readonly JudgedFailure[];
  /** Null where what is left is none of this run's doing. */
  readonly leaks: LeakReport | null;
  /** That the machine was short of CPU; null if it was not, or if that is unknown. */
  readonly strain: string | null;
  /** Seconds. */
  readonly limit: number;
  /** How often a test was to be run at most. */
  readonly tries: number;
  /** Where the verdict goes. */
  readonly stream: VerdictStream;
  /** How well pytests at once shared the work; null where there was one. */
  readonly balance: Balance | null;
}

function showEnd({ printer, line }: Context, { outcome, failures, leaks, strain, limit, tries, stream, balance }: End): void {
  const { tally, hang, results } = outcome;
  const tests = [...results.tests.values()];
  if (hang) noteHang(printer, hang);
  const keep = ["tpt-proto", "spawn-backend"].flatMap((option) => line.values(option).map((value) => `--${option}=${value}`));
  const next = nextCommand({ recorded: tally.exitStatus !== null, failedIds: failures.map((failure) => failure.id), keep });
  showVerdict(printer, stream, {
    tally,
    ending: endingOf(outcome, limit),
    seconds: outcome.seconds,
    failures,
    collision: registryCollision(tally.failures),
    tests,
    contended: new Set(tests.filter((test) => isContended(test, results)).map((test) => test.id)),
    leaked: results.leaked,
    cascades: findCascades(tests),
    tries,
    balance: balance && describeBalance(balance),
    next: next === null ? [] : [next],
  });
  if (strain !== null) printer.note(strain);
  if (leaks !== null) showLeaksLeft(printer, leaks);
}
