import type { SharedOptions } from "../command_line/options.ts";
import type { IsolationWish } from "../project/configuration.ts";
import type { Interpreter } from "../system/programs/python.ts";
import type { Cut } from "../pytest/verdict.ts";
import { escapeText } from "../base/escape.ts";
import { type PreflightResult, stopText } from "../preflight/rules.ts";
import { EXIT, type ExitCode } from "../tables/exit_codes.ts";
import type { Context } from "../command_line/context.ts";
import type { Isolation } from "../isolation/isolate.ts";
import type { Project } from "../project/project.ts";
import { endingOf } from "./after.ts";
import { withWords } from "../pytest/pytest_command.ts";
import { Engine } from "./engine/engine.ts";
import type { EngineOutcome } from "./engine/engine_outcome.ts";
import type {
  RunHooks,
  RunLimits,
  RunPlan,
  RunPolicy,
  SessionKind,
  SessionOptions,
} from "./engine/engine_request.ts";
import type { EventLog } from "./event_log.ts";
import { takeLock } from "../background/project_lock.ts";
import { isolationFor } from "../isolation/choose.ts";
import { readyToRun } from "./ready.ts";
import { recorded, type RunRecorder } from "../background/run_file.ts";
import { type Revision, revisionOf } from "./revision.ts";
import { checkSpawnBackend } from "./spawn_backends.ts";
import type { RunState } from "../background/run_directory.ts";

/** What a run is told about the machine and the project once nothing stands in its way. */
export interface Prepared {
  readonly state: RunState;
  readonly interpreter: Interpreter;
  readonly preflight: PreflightResult;
  /** Namespaces of its own for each pytest; null for none. */
  readonly isolation: Isolation | null;
  /** What the tests run on. */
  readonly facts: RunFacts;
  /**
   * The tests are over. Returns what tells which signal has come since: only a second one ends the
   * run at once.
   */
  conclude(): { readonly cut: Cut | null };
  /** Runs pytest, as often as it takes; what it writes goes into a private directory. */
  launch(
    log: EventLog,
    directory: string,
    request: LaunchRequest,
    options?: LaunchOptions,
  ): Promise<EngineOutcome>;
}

/**
 * What the results of a run depend on besides the tests. Null where it is unknown, or pytest's
 * default.
 */
export interface RunFacts extends Revision {
  readonly transport: string | null;
  readonly backend: string | null;
  /** `3.13.0`. */
  readonly python: string | null;
}

/** What differs between the launches of a project, see {@linkcode EngineRequest}. */
export interface LaunchRequest {
  readonly sessions: Omit<SessionOptions, "command"> & {
    /** The command of a session, as a person would type it. */
    readonly command: (kind: SessionKind) => readonly string[];
    /** Words added to it so that sessions share no files. */
    readonly extraWords: (kind: SessionKind, session: string) => readonly string[];
  };
  readonly plan: RunPlan;
  readonly limits: RunLimits;
  readonly policy: Omit<RunPolicy, "cut" | "survivesHangup">;
  readonly hooks?: Omit<RunHooks, "onSessionStart">;
}

/** How a launch of several differs from a single one. */
export interface LaunchOptions {
  /** Another Python than that of the preflight. */
  readonly python?: Interpreter;
  /** It is one step of many: how its processes are ended is told only with `-v`. */
  readonly quiet?: boolean;
}

/** What {@linkcode whenPrepared} is told. */
export interface PrepareOptions {
  readonly state: RunState;
  /** The command, as another run names it while this one holds the project. */
  readonly command: string;
  /** Seconds between SIGINT and SIGKILL of a clean-up. */
  readonly grace: number;
  /** What is going to be collected, as pytest takes it; the whole suite unless given. */
  readonly targets?: readonly string[];
  /** Only the checks were asked for. */
  readonly checksOnly: boolean;
  /**
   * Whether it is isolated where neither the command line nor the configuration says so; not,
   * unless given.
   */
  readonly isolate?: IsolationWish;
  /**
   * Called when something is in the way, or only the checks were asked for, with the exit code of
   * that.
   */
  readonly onStop: (preflight: PreflightResult, exitCode: ExitCode) => void;
}

/**
 * Takes the hold on the project, does the checks before a run, then the work; gives the project
 * free again, however that ends. All of it is on record, for those who ask from elsewhere how it
 * goes.
 *
 * @throws {PreflightError} while another run holds the project
 * @throws {TractestError} 83 when it is to be isolated and can't be
 */
export async function whenPrepared(
  context: Context<SharedOptions>,
  project: Project,
  options: PrepareOptions,
  work: (prepared: Prepared) => Promise<ExitCode>,
): Promise<ExitCode> {
  return await recorded(
    context,
    options.state,
    project.root,
    (recorder) => whileHeld(context, project, options, recorder, work),
  );
}

async function whileHeld(
  context: Context<SharedOptions>,
  project: Project,
  { state, command, grace, checksOnly, isolate, targets, onStop }: PrepareOptions,
  recorder: RunRecorder,
  work: (prepared: Prepared) => Promise<ExitCode>,
): Promise<ExitCode> {
  const { host, printer, line } = context;
  const isolation = await isolationFor(context, project, state.directory, isolate);
  const isolated = isolation !== null;
  const lock = await takeLock(host, printer, state, {
    command,
    wait: line.options.wait,
    isolated,
    onWait: () => recorder.recordWaiting(),
  });
  recorder.recordBegin();
  try {
    const revision = revisionOf(host, project);
    const preflight = await readyToRun(context, project, { lock, grace, isolated, targets });
    const { interpreter, inherited, sigint } = preflight;
    if (interpreter === null || preflight.exitCode !== 0 || checksOnly) {
      const exitCode = preflight.exitCode === 0 && interpreter === null
        ? EXIT.preflight
        : preflight.exitCode;
      recorder.noteEnd({
        ending: exitCode === 0 ? null : "stopped by the checks before the tests",
      });
      const why = exitCode === 0 ? null : stopText(preflight.checks);
      if (why !== null) printer.note(escapeText(why));
      onStop(preflight, exitCode);
      return exitCode;
    }
    await checkSpawnBackend(context, project, interpreter.venv);
    const { tptProto, spawnBackend: backend } = line.options;
    const transport = tptProto.at(-1) ?? null;
    const launch = async (
      log: EventLog,
      directory: string,
      { sessions, plan, limits, policy, hooks }: LaunchRequest,
      options: LaunchOptions = {},
    ): Promise<EngineOutcome> => {
      const { python = interpreter, quiet = false } = options;
      const outcome = await recorder.delegateSignals(() =>
        new Engine(host, quiet ? printer.silenced() : printer, {
          scene: {
            runId: state.runId,
            root: project.root,
            interpreter: python,
            inherited,
            sigint,
            directory,
            log,
            isolation,
            registries: project.configuration.registries,
          },
          sessions: {
            ...sessions,
            command: (kind, session) =>
              withWords(sessions.command(kind), sessions.extraWords(kind, session)),
            output: recorder.isBackground && sessions.output === "shown"
              ? "inherited"
              : sessions.output,
          },
          plan,
          limits,
          policy: { ...policy, cut: recorder.cut, survivesHangup: recorder.isBackground },
          hooks: {
            ...hooks,
            onSessionStart: (child) => lock.noteChild(child),
            onFirstSession: () => {
              void state.prune();
              hooks?.onFirstSession?.();
            },
          },
        }).run()
      );
      recorder.noteEnd({
        ending: endingOf(outcome, limits.run),
        counts: outcome.run.began ? outcome.run.counts : null,
      });
      return outcome;
    };
    const facts = { ...await revision, transport, backend, python: preflight.pythonVersion };
    const conclude = () => recorder.afterTests = { cut: null };
    return await work({ state, interpreter, preflight, isolation, facts, conclude, launch });
  } finally {
    await lock.release();
  }
}
