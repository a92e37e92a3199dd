import type { RunOptions } from "../command_line/options.ts";
import { longestFullRun, recordFullRun } from "../background/full_runs.ts";
import { asTyped, pasteable } from "../base/typed_command.ts";
import { escapeText } from "../base/escape.ts";
import { activation } from "../system/programs/activation.ts";
import { captureNote, type RunIntent, stopsAtFirst } from "../pytest/pytest_command.ts";
import { strainText } from "../base/strain.ts";
import { timeLimit } from "./time_limit.ts";
import { extraWords } from "./rules_unseen_options.ts";
import { groupsOf, type Item } from "../pytest/work.ts";
import { EXIT, type ExitCode } from "../tables/exit_codes.ts";
import type { Context } from "../command_line/context.ts";
import { RunDraft } from "../history/record.ts";
import { inheritedEnvironment } from "../system/programs/env.ts";
import { watchCpu } from "../system/programs/cpu_counts.ts";
import { endingOf, exitCodeAfter, leaksAfter, recordFailures } from "./after.ts";
import { isQuietOrVerbose, refuseWithBackground, startInBackground } from "../background/start.ts";
import { balanceOf, jobsOf, Plan } from "./parallel.ts";
import { type Prepared, whenPrepared } from "./prepared.ts";
import type { Project } from "../project/project.ts";
import { plannedSync, quickInterpreter } from "./ready.ts";
import { findLeaks, type LeakReport } from "../leaks/gather.ts";
import { surroundingsOf } from "../leaks/ledger.ts";
import { EventLog } from "./event_log.ts";
import { unseenJunit } from "./unseen_options.ts";
import { checkSpawnBackend } from "./spawn_backends.ts";
import { openRunState } from "../background/run_directory.ts";
import type { EngineOutcome } from "./engine/engine_outcome.ts";
import { WHOLE } from "./engine/engine_request.ts";
import { type RunRequest, understand } from "./command_request.ts";

/** The schema of the document of a run. */
const RUN_SCHEMA = "tractest.run/1";
/** The document of a run that did not begin. */
const NOT_RUN = {
  exitCode: 0,
  command: null,
  env: null,
  seconds: null,
  counts: null,
  failures: [],
  leaks: null,
  preflight: null,
};

/** `tractest run`: preflight, pytest, verdict. */
export async function run(context: Context<RunOptions>): Promise<ExitCode> {
  const { host, printer, line } = context;
  // Asked long before it is needed: a program takes longer to answer than all the rest. Whoever
  // needs it hears of what is wrong.
  if (!line.options.dryRun && !line.options.bg) surroundingsOf(host).catch(() => {});
  const request = await understand(context);
  const { project, intent, settings, parallel, scope, chosen } = request;
  if (chosen?.only && chosen.targets.length === 0) {
    if (printer.json) printer.document(RUN_SCHEMA, NOT_RUN);
    return EXIT.ok;
  }
  const { dimensions } = request;
  const matrix = dimensions.length > 0 ? await import("../matrix/run_matrix.ts") : null;
  if (line.options.dryRun) {
    return await (matrix ? matrix.dryMatrix(context, request) : dryRun(context, request));
  }

  if (line.options.bg) {
    refuseWithBackground(context, intent.debugging);
    return await startInBackground(
      context,
      scope === "full" &&
        !isQuietOrVerbose([...project.configuration.defaultFlags, ...intent.passed]),
    );
  }

  await request.junit?.begin();
  await request.events?.begin();
  const state = await openRunState(host, printer, project.root, line.options.backgroundRun);
  const limits = {
    full: project.configuration.timeLimitFull,
    file: project.configuration.timeLimitFile,
  };
  const longestFull = await longestFullRun(host, state);
  const limit = timeLimit({
    given: line.options.timeout,
    debugging: intent.debugging,
    scope,
    limits,
    longestFull,
  });
  return await whenPrepared(
    context,
    project,
    {
      state,
      command: `tractest run ${scope === "full" ? "" : intent.targetWords.join(" ")}`.trim(),
      grace: settings.limits.grace,
      targets: request.collected,
      checksOnly: line.options.preflightOnly,
      isolate: parallel.jobs === 1 ? "never" : parallel.jobs === "auto" ? "auto" : "always",
      onStop: ({ checks, leaks }, exitCode) => {
        if (!printer.json) return;
        if (matrix) {
          printer.document(matrix.MATRIX_SCHEMA, {
            exitCode,
            dimensions,
            cells: [],
            leaks,
            preflight: checks,
          });
        } else printer.document(RUN_SCHEMA, { ...NOT_RUN, exitCode, leaks, preflight: checks });
      },
    },
    async (prepared) => {
      hintBackground(context, scope, longestFull);
      if (matrix) return await runCells(context, request, prepared, limit);
      return runTests(context, request, prepared, limit);
    },
  );
}

/** Runs the cells of a matrix, as many at once as can be kept apart. */
async function runCells(
  context: Context<RunOptions>,
  request: RunRequest,
  prepared: Prepared,
  limit: number,
): Promise<ExitCode> {
  const { host } = context;
  const { settings, parallel, chosen } = request;
  const jobs = prepared.isolation === null
    ? 1
    : parallel.jobs === "auto"
    ? host.processors
    : parallel.jobs;
  const exitFirst = stopsAtFirst(request.command(prepared.interpreter.argv, WHOLE));
  const { runMatrix } = await import("../matrix/run_matrix.ts");
  return await runMatrix(context, request, {
    prepared,
    jobs,
    launch: {
      extraWords: extraWords(request.places, { several: true, handsOut: chosen !== null }),
      order: chosen && ((items) => chosen.arrange(groupsOf(items))),
      limits: { ...settings.limits, run: limit, quiet: quietOf(context, request) },
      policy: {
        debugging: false,
        exitFirst,
        resume: !exitFirst,
        retries: settings.retries,
      },
    },
  });
}

/**
 * Whether a live view takes the place of pytest's own output: not where a person talks to pytest,
 * or asks for something that it prints.
 */
function usesBar({ printer, line }: Context<RunOptions>, intent: RunIntent): boolean {
  if (line.options.ui !== "bar") return false;
  if (intent.debugging || intent.printsOnly) {
    printer.warn(
      `--ui bar is left out: ${
        intent.debugging ? "a debugger needs the terminal" : "this is about what pytest prints"
      }`,
    );
    return false;
  }
  return true;
}

/** Prints the command and starts nothing. */
async function dryRun(
  context: Context<RunOptions>,
  { project, command, parallel, chosen }: RunRequest,
): Promise<ExitCode> {
  const { host, printer, line } = context;
  const sync = line.options.sync ? await plannedSync(context, project) : null;
  if (sync) printer.line(sync.shown);
  const interpreter = sync?.interpreter ?? await quickInterpreter(context, project);
  const argv = asTyped(command(interpreter.argv, WHOLE), project.root);
  printer.line(pasteable(argv, interpreter.environment, project.root, host.cwd));
  noteCapture(context, argv);
  if (interpreter.venv === null && line.options.python === null && !line.options.noPreflight) {
    printer.note(
      "there is no venv yet: the run itself asks for one, or stops; tractest run --sync makes it",
    );
  }
  const { shard, jobs } = parallel;
  if (shard !== null) {
    printer.note(`of what this collects, part ${shard.index} of ${shard.count} runs`);
  }
  if (jobs !== 1) {
    printer.note(
      `up to ${jobs === "auto" ? host.processors : jobs} of these pytests share what each collects`,
    );
  }
  if (chosen !== null) {
    printer.note(
      chosen.only
        ? "of what this collects, the affected tests run"
        : "the affected tests run first",
    );
  }
  await checkSpawnBackend(context, project, interpreter.venv);
  if (printer.json) {
    const { set } = activation(interpreter, await inheritedEnvironment(host));
    printer.document(RUN_SCHEMA, {
      ...NOT_RUN,
      command: argv,
      env: { ...interpreter.environment, ...set },
    });
  }
  return EXIT.ok;
}

function noteCapture({ printer, line }: Context<RunOptions>, argv: readonly string[]): void {
  const note = captureNote(argv, line);
  if (note !== null) printer.note(note);
}

async function runTests(
  context: Context<RunOptions>,
  request: RunRequest,
  prepared: Prepared,
  limit: number,
): Promise<ExitCode> {
  const { host, printer, line } = context;
  const { project, intent, settings, parallel, scope, chosen } = request;
  const { state, interpreter, facts } = prepared;
  const jobs = jobsOf(context, project, parallel, prepared);
  const argv = request.command(interpreter.argv, WHOLE);
  const shown = asTyped(argv, project.root);
  printer.note(pasteable(shown, interpreter.environment, project.root, host.cwd));
  noteCapture(context, shown);

  const stream = line.options.events === "-" ? "stderr" : "stdout";
  const log = await EventLog.open(host, state.directory, request.events?.sink ?? null);
  await log.append({
    event: "run-start",
    runId: state.runId,
    root: project.root,
    command: shown,
    pid: host.pid,
    ...facts,
    shard: parallel.shard,
  });
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
  let cpu = null as ReturnType<typeof watchCpu> | null;
  // What several pytests write at once nobody can read.
  const bar = jobs.count > 1 || usesBar(context, intent);
  const redraws = !(stream === "stderr" && host.terminal.stdout.isTerminal);
  const tellsSlow = !bar && line.options.slowAfter !== null && !intent.debugging;
  const view = bar || tellsSlow ? await import("./live_view.ts") : null;
  const live = bar && view
    ? await view.LiveView.open(host, printer, log, {
      root: project.root,
      slow: settings.slow,
      tries,
      redraws,
    })
    : null;
  const stopTelling = tellsSlow && view ? view.tellSlow(host, printer, log, settings.slow) : null;
  const choose = plan?.make ??
    (chosen && ((items: readonly Item[]) => chosen.arrange(groupsOf(items))));
  const draft = new RunDraft(host, project);
  const sharing = { several: jobs.count > 1, handsOut: choose !== null };
  for (
    const note of sharing.several
      ? request.places.notes
      : sharing.handsOut
      ? request.places.workerNotes
      : []
  ) printer.note(escapeText(note));
  const unseenReport = sharing.several ? await unseenJunit(host, project, request.places) : null;
  await unseenReport?.begin();
  const ran = await prepared.launch(log, state.directory, {
    sessions: {
      command: (kind) => request.command(interpreter.argv, kind),
      extraWords: extraWords(request.places, sharing),
      environment: jobs.environment,
      output: bar ? "log" : printer.json || stream === "stderr" ? "stderr" : "shown",
    },
    plan: {
      jobs: jobs.count,
      order: choose && (async (items) => {
        const groups = await choose(items);
        live?.plan(groups.flat());
        return groups;
      }),
      runsAlone: plan?.alone ?? (() => false),
    },
    limits: { ...settings.limits, run: limit, quiet: quietOf(context, request) },
    policy: {
      debugging: intent.debugging,
      exitFirst: stopsAtFirst(argv),
      resume: line.options.resume || (scope === "full" && !stopsAtFirst(argv)),
      retries: settings.retries,
    },
    hooks: {
      onFirstSession: () => {
        cpu = watchCpu(host);
        loadEnd();
      },
      onSessionsFinished: (run) => draft.begin(run),
    },
  }).catch(async (error) => {
    await draft.drop();
    throw error;
  }).finally(() => {
    live?.stop();
    stopTelling?.();
  });
  const afterwards = prepared.conclude();
  if (bar && view) await view.showLog(host, printer, state.directory, ran);
  // What is left outside of an isolation is none of its doing: it is told to programs alone.
  const isolated = prepared.isolation !== null;
  const looking = isolated
    ? printer.json ? findLeaks(host, project) : Promise.resolve(null)
    : leaksAfter(host, project, ran);
  const [leaks, strain, failures] = await Promise.all([
    looking,
    cpu?.then((sinceThen) => sinceThen()) ?? null,
    judged(context, project, ran, isolated ? null : looking),
    recordFailures(host, ran),
  ]);
  const outcome: EngineOutcome = { ...ran, cut: ran.cut ?? afterwards.cut };
  const left = isolated ? null : leaks;
  const isFull = scope === "full" && parallel.shard === null && !intent.selects &&
    !intent.debugging;
  if (isFull && outcome.cut === null && outcome.code <= 1) {
    await recordFullRun(host, state, outcome.seconds);
  }
  const { runDocument, secondsOf, showEnd } = await import("./end.ts");
  const exitCode = exitCodeAfter(outcome, left, line.options.strict);
  await log.append({
    event: "run-finish",
    exitCode,
    ending: endingOf(outcome, limit),
    seconds: secondsOf(outcome),
    strained: strain?.strained ?? null,
  });
  await log.drain();
  request.events?.end(printer);
  await request.junit?.write(printer, outcome.run);
  // What the first pytest has written lacks the tests of the others.
  const report = unseenReport ??
    (outcome.sessions > 1 ? await unseenJunit(host, project, request.places) : null);
  await report?.write(printer, outcome.run);
  if (log.isCut) {
    printer.warn(
      `the disk took not all that was reported: counts are incomplete (${escapeText(log.path)})`,
    );
  }
  const balance = balanceOf(outcome, plan ?? { predicted: null, known: 0 });
  showEnd(context, {
    command: shown,
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
    printer.document(
      RUN_SCHEMA,
      runDocument({
        exitCode,
        command: shown,
        prepared,
        outcome,
        failures,
        leaks,
        strain,
        balance,
        parallel,
        jobs: jobs.count,
      }),
    );
  }
  // Last: whoever holds the history for long keeps nobody from the verdict.
  await draft.record(printer, outcome.run);
  return exitCode;
}

/**
 * The failures of a run with what is known of each. `leaks`: what is there after it; null for a run
 * with a registry of its own.
 */
async function judged(
  context: Context<RunOptions>,
  project: Project,
  { run }: EngineOutcome,
  leaks: Promise<LeakReport | null> | null,
) {
  if (run.failures.length === 0) return [];
  const [{ judgeFailures }, { registryCollision }] = await Promise.all([
    import("./judge_failures.ts"),
    import("../pytest/collision.ts"),
  ]);
  const isHeld = registryCollision(run.failures, run.finished.length) !== null;
  return await judgeFailures(
    context,
    project,
    run.failures,
    isHeld ||
      (leaks?.then((found) => found?.registries.some((registry) => registry.bound) ?? false) ??
        false),
  );
}

/**
 * Seconds without an end of anything, after which the run is cut at its limit; 0: one that was
 * typed is hard.
 */
function quietOf({ line }: Context<RunOptions>, { project }: RunRequest): number {
  return line.options.timeout !== null ? 0 : project.configuration.timeLimitQuiet;
}

/**
 * Seconds of the longest full run from which on it is worth a hint that one can go on working
 * meanwhile.
 */
const LONG_RUN_SECONDS = 60;

function hintBackground(
  { printer, line }: Context<RunOptions>,
  scope: string,
  longestFull: number | null,
): void {
  if (
    scope !== "full" || (longestFull ?? 0) < LONG_RUN_SECONDS || printer.json ||
    line.options.backgroundRun !== null
  ) return;
  printer.hint(
    `the full suite took up to ${
      Math.round(longestFull!)
    } s; to go on working meanwhile: tractest run --bg`,
  );
}

/**
 * Loads what a run needs only at its end while the tests run: until then what was unpacked may be
 * cleaned up or lost.
 */
function loadEnd(): void {
  void Promise.allSettled([
    import("./end.ts"),
    import("../pytest/collision.ts"),
    import("./judge_failures.ts"),
    import("../hang/examine.ts"),
    import("../hang/stacks.ts"),
    import("../system/sqlite.ts"),
  ]);
}
