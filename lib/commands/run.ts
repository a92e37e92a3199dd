import { isAbsolute, resolve } from "@std/path";
import { findCascades } from "../core/cascade.ts";
import { escapeText } from "../core/escape.ts";
import { looksLikeTarget } from "../core/targets.ts";
import { hangHints } from "../core/hang.ts";
import type { PreflightResult } from "../core/preflight.ts";
import { pytestCommand, type RunIntent, runIntent, stopsAtFirst, withoutRerun } from "../core/run_command.ts";
import { asTyped, nextCommand, pasteable } from "../core/run_shown.ts";
import { parseCount, parseSeconds, timeLimit } from "../core/time_limit.ts";
import { registryCollision, runExitCode } from "../core/verdict.ts";
import type { Results } from "../core/results.ts";
import { UsageError } from "../errors.ts";
import type { Host } from "../host/host.ts";
import { EXIT_SECONDS, GRACE_SECONDS } from "../tables/defaults.ts";
import { EXIT, type ExitCode } from "../tables/exit_codes.ts";
import { type JudgedFailure, showHang, showLeaksLeft, showVerdict, type VerdictStream } from "../ui/verdict.ts";
import type { Context } from "../context.ts";
import { findLeaks, type LeakReport } from "../leaks/leaks.ts";
import { findProject, type Project } from "../project/project.ts";
import { judgeFailures } from "../run/judge.ts";
import { takeLock } from "../run/lock.ts";
import { plannedSync, quickInterpreter, readyToRun } from "../run/ready.ts";
import { Engine, type EngineOutcome } from "../run/engine.ts";
import { EventLog, type EventSink } from "../run/event_log.ts";
import { writeLastFailed } from "../run/last_failed.ts";
import { revisionOf } from "../run/revision.ts";
import { checkSpawnBackend } from "../run/spawn_backends.ts";
import { longestFullRun, openRunState, recordFullRun } from "../run/state.ts";
import { targetsOf, testTree } from "../project/targets.ts";

/** `tractest run`: preflight, pytest, verdict. */
export async function run(context: Context): Promise<ExitCode> {
  const { host, printer, line } = context;
  const project = await findProject(host);
  const grace = line.has("grace") ? parseSeconds("grace", line.value("grace")!) : GRACE_SECONDS;
  const eventsTo = line.value("events");
  if (eventsTo === "-" && printer.json) throw new UsageError('"--events -" and "--json" both want standard output', "write the events to a file");

  const intent = await intentOf(context, project);
  if (intent.debugging && !line.has("dry-run") && !(host.stdinIsTerminal && host.stdout.isTerminal)) {
    throw new UsageError("A debugger needs a terminal, and standard input or output is none", "run it from a terminal, not through a pipe");
  }
  const targets = intent.collectsByItself && intent.targetWords.length === 0 ? null : await targetsOf(host, project, intent.targetWords);
  for (const note of targets?.notes ?? []) printer.warn(escapeText(note));
  // The recipe's `pytest --lf` names nothing: pytest's own testpaths do.
  const bare = intent.targetWords.length === 0 && intent.rerunsFailed && (project.pytest?.testPaths.length ?? 0) > 0;
  const scope = targets?.scope ?? "many";
  const command = (python: readonly string[]) =>
    pytestCommand({ python, defaultFlags: project.configuration.defaultFlags, line, intent, targets: bare ? [] : targets?.targets ?? [] });

  const commandOfOne = (python: readonly string[], id: string) =>
    pytestCommand({ python, defaultFlags: project.configuration.defaultFlags, line, intent: withoutRerun(intent), targets: [id.split("::", 1)[0]!] });

  // What was typed wrong is said before anything is shown or started.
  const testLimit = intent.debugging ? 0 : line.has("test-timeout") ? parseSeconds("test-timeout", line.value("test-timeout")!) : 0;
  const exitLimit = line.has("exit-timeout") ? parseSeconds("exit-timeout", line.value("exit-timeout")!) : EXIT_SECONDS;
  const retries = line.has("retries") ? parseCount("retries", line.value("retries")!) : 0;
  timeLimit({ given: line.value("timeout"), debugging: intent.debugging, scope, limits: { full: 0, file: 0 }, longestFull: null });

  if (line.has("dry-run")) {
    const sync = line.has("sync") ? await plannedSync(context, project) : null;
    if (sync) printer.line(sync.shown);
    const interpreter = sync?.interpreter ?? await quickInterpreter(context, project);
    const argv = asTyped(command(interpreter.argv), project.root);
    printer.line(pasteable(argv, interpreter.environment, project.root, host.cwd));
    await checkSpawnBackend(context, project, interpreter.venv);
    if (printer.json) {
      printer.document("tractest.run/1", {
        exitCode: EXIT.ok,
        command: argv,
        env: interpreter.environment,
        seconds: null,
        counts: null,
        failures: [],
        leaks: null,
        preflight: null,
      });
    }
    return EXIT.ok;
  }

  const state = await openRunState(host, printer, project.root);
  const limits = { full: project.configuration.timeLimitFull, file: project.configuration.timeLimitFile };
  const longestFull = await longestFullRun(host, state);
  const limit = timeLimit({ given: line.value("timeout"), debugging: intent.debugging, scope, limits, longestFull });
  const lock = await takeLock(host, printer, state, {
    command: `tractest run ${scope === "full" ? "" : intent.targetWords.join(" ")}`.trim(),
    wait: line.has("wait"),
  });
  try {
    const revision = revisionOf(host, project);
    const ready = await readyToRun(context, project, { lock, grace });
    if (ready.interpreter === null || ready.exitCode !== 0 || line.has("preflight-only")) return stopBefore(context, ready);
    const { interpreter } = ready;
    await checkSpawnBackend(context, project, interpreter.venv);
    const argv = command(interpreter.argv);
    const shown = asTyped(argv, project.root);
    const resume = line.has("resume") || (scope === "full" && !stopsAtFirst(argv));
    printer.note(pasteable(shown, interpreter.environment, project.root, host.cwd));
    hintBackground(context, scope, longestFull);

    const sink = await eventsSink(host, eventsTo);
    const log = await EventLog.open(host, state.directory, sink);
    const { commit, dirty } = await revision;
    const [transport = null, backend = null] = [line.value("tpt-proto"), line.value("spawn-backend")];
    const facts = { commit, dirty, transport, backend, python: ready.pythonVersion };
    await log.append({ event: "run-start", runId: state.runId, root: project.root, command: shown, pid: host.pid, ...facts });
    const outcome = await new Engine(host, printer, {
      scene: { interpreter, inherited: ready.inherited, sigint: ready.sigint, cwd: project.root, directory: state.directory, log },
      root: project.root,
      runId: state.runId,
      command: ({ test }) => test === null ? argv : commandOfOne(interpreter.argv, test),
      jobs: 1,
      plan: null,
      alone: () => false,
      limit,
      testLimit,
      exitLimit,
      grace,
      debugging: intent.debugging,
      exitFirst: stopsAtFirst(argv),
      resume,
      retries,
      output: printer.json || eventsTo === "-" ? "stderr" : "shown",
      wrap: null,
      onStart: (child) => lock.noteChild(child),
    }).run();
    if (outcome.sessions > 1 || outcome.stoppedAt !== null || outcome.tally.exitStatus === null) {
      await writeLastFailed(host, outcome.tally.cache, outcome.results);
    }
    const leaks = await leaksAfter(host, project);
    const isFull = scope === "full" && !intent.selects && !intent.debugging;
    if (isFull && outcome.cut === null && outcome.code <= 1) await recordFullRun(host, state, outcome.seconds);
    const exitCode = runExitCode({
      cut: outcome.cut,
      pytest: outcome.code,
      leaked: leaks.clean === null ? null : !leaks.clean,
      blemished: outcome.hungAtExit || [...outcome.results.tests.values()].some((test) => test.flaky || test.leaked.length > 0),
      strict: line.has("strict"),
    });
    await log.append({ event: "run-finish", exitCode, ending: endingOf(outcome, limit), seconds: Math.round(outcome.seconds * 1000) / 1000 });
    await log.drain();
    const failures = await judgeFailures(context, project, outcome.tally.failures);
    showEnd(context, { outcome, failures, leaks, limit, intent, retries, stream: eventsTo === "-" ? "stderr" : "stdout" });
    if (printer.json) {
      printer.document("tractest.run/1", {
        exitCode,
        command: shown,
        env: interpreter.environment,
        seconds: Math.round(outcome.seconds * 1000) / 1000,
        counts: outcome.tally.began ? outcome.tally.counts : null,
        failures: failures.map(({ id, phase, message, known, related }) => ({ id, phase, message, known, related })),
        ...describeTests(outcome.results),
        leaks,
        preflight: ready.checks,
      });
    }
    return exitCode;
  } finally {
    await lock.release();
  }
}

async function intentOf({ host, line }: Context, project: Project): Promise<RunIntent> {
  const doubtful = (line.words ?? []).some((item) => item.kind === "target-or-value");
  const tree = doubtful ? await testTree(host, project) : null;
  return runIntent(line, (word) => tree !== null && looksLikeTarget(word, tree));
}

/** What a run says of single tests besides their failures. */
function describeTests(results: Results) {
  const tests = [...results.tests.values()];
  return {
    timeouts: tests.filter((test) => test.outcome === "timeout").map((test) => test.id),
    flaky: tests.filter((test) => test.flaky).map(({ id, attempts }) => ({ id, attempts: attempts.map((attempt) => attempt.outcome) })),
    leftBehind: tests.filter((test) => test.leaked.length > 0).map(({ id, leaked }) => ({ id, processes: leaked })),
    cascades: findCascades(tests),
  };
}

/** The run does not begin: something is in its way, or only the checks were asked for. */
function stopBefore({ printer }: Context, ready: PreflightResult): ExitCode {
  const exitCode = ready.exitCode === 0 && ready.interpreter === null ? EXIT.preflight : ready.exitCode;
  if (printer.json) {
    printer.document("tractest.run/1", {
      exitCode,
      command: null,
      env: null,
      seconds: null,
      counts: null,
      failures: [],
      leaks: ready.leaks,
      preflight: ready.checks,
    });
  }
  return exitCode;
}

/** Seconds of the longest full run from which on it is worth a hint that one can go on working meanwhile. */
const LONG_RUN_SECONDS = 60;

function hintBackground({ printer }: Context, scope: string, longestFull: number | null): void {
  if (scope !== "full" || (longestFull ?? 0) < LONG_RUN_SECONDS || printer.json) return;
  printer.hint(
    `the full suite took up to ${Math.round(longestFull!)} s; to go on working meanwhile: tractest run -q > run.log 2>&1 &`,
  );
}

async function eventsSink(host: Host, to: string | undefined): Promise<EventSink | null> {
  if (to === undefined) return null;
  if (to === "-") return (lines) => host.stdout.write(lines.map((text) => `${text}\n`).join(""));
  const path = isAbsolute(to) ? to : resolve(host.cwd, to);
  const status = await host.stat(path);
  // A pipe or a device is written to as it is.
  if (status === null || status.kind === "file") await host.writeFile(path, "");
  return (lines) => host.appendFile(path, lines.map((text) => `${text}\n`).join(""));
}

/** Milliseconds that actors of a run get to end after it: they are told to, and it takes them a moment. */
const SETTLE_MS = 500;

async function leaksAfter(host: Host, project: Project): Promise<LeakReport> {
  const first = await findLeaks(host, project);
  if (first.clean !== false) return first;
  await host.sleep(SETTLE_MS);
  return await findLeaks(host, project);
}

interface End {
  readonly outcome: EngineOutcome;
  readonly failures: readonly JudgedFailure[];
  readonly leaks: LeakReport;
  /** Seconds. */
  readonly limit: number;
  readonly intent: RunIntent;
  readonly retries: number;
  /** Where the verdict goes. */
  readonly stream: VerdictStream;
}

function showEnd({ printer, line }: Context, { outcome, failures, leaks, limit, intent, retries, stream }: End): void {
  const { tally, evidence, results } = outcome;
  const tests = [...results.tests.values()];
  if (evidence) showHang(printer, evidence, hangHints({ captured: !intent.uncaptured, logLevel: line.value("ll") ?? null, evidence }));
  const keep = ["tpt-proto", "spawn-backend"].flatMap((option) => line.values(option).map((value) => `--${option}=${value}`));
  const next = nextCommand({ recorded: tally.exitStatus !== null, failedIds: failures.map((failure) => failure.id), keep });
  showVerdict(printer, stream, {
    tally,
    ending: endingOf(outcome, limit),
    seconds: outcome.seconds,
    failures,
    collision: registryCollision(tally.failures),
    tests,
    cascades: findCascades(tests),
    tries: retries + 1,
    next: next === null ? [] : [next],
  });
  showLeaksLeft(printer, leaks);
}

/** pytest's exit code for options that it does not know. */
const PYTEST_USAGE = 4;

/** How it ended when that was not by itself. */
function endingOf({ cut, code, signal, tally, stoppedAt }: EngineOutcome, limit: number): string | null {
  if (stoppedAt !== null && cut === "time-limit") return `time limit of one test, ${stoppedAt}`;
  if (cut === "time-limit") return `time limit of ${limit} s`;
  if (cut === "SIGINT") return "interrupted";
  if (cut !== null) return `ended by ${cut}`;
  if (code === PYTEST_USAGE && !tally.began) return "pytest did not accept its command line";
  if (signal !== null) {
    return `pytest was ended by ${signal}${
      tally.running.size > 0 ? ` in ${[...tally.running.keys()][0]}` : stoppedAt === null ? "" : ` in ${stoppedAt}`
    }`;
  }
  return null;
}
