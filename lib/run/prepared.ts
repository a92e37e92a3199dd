import { type Revision, revisionOf } from "../affected/changes.ts";
import type { SharedOptions } from "../command_line/session_options.ts";
import type { IsolationWish } from "../project/configuration_keys.ts";
import type { Interpreter } from "../system/programs/python.ts";
import type { Cut } from "../pytest/run_exit_code.ts";
import { escapeText } from "../base/escape.ts";
import type { PreflightResult } from "../preflight/rules.ts";
import { stopText } from "../preflight/show.ts";
import { EXIT, type ExitCode } from "../tables/exit_codes.ts";
import type { Context } from "../command_line/context.ts";
import type { Isolation } from "../isolation/isolate.ts";
import type { FirstScan } from "../leaks/first_scan.ts";
import type { Project } from "../project/project.ts";
import { withWords } from "../pytest/pytest_command.ts";
import { Engine } from "./engine/engine.ts";
import type { EngineOutcome } from "./engine/engine_outcome.ts";
import type {
  RunHooks,
  RunLimits,
  RunPlan,
  RunPolicy,
  RunScene,
  SessionKind,
  SessionOptions,
} from "./engine/engine_request.ts";
import type { EventLog } from "./event_log.ts";
import { type RunLock, takeLock } from "../background/project_lock.ts";
import { isolationFor } from "../isolation/choose.ts";
import { readyToRun } from "./ready.ts";
import { recorded, type RunRecorder } from "../background/run_file.ts";
import { checkSpawnBackend } from "./spawn_backends.ts";
import type { RunState } from "../background/run_directory.ts";

/** A run that is ready to start. */
export interface Prepared {
  readonly state: RunState;
  readonly interpreter: Interpreter;
  readonly preflight: PreflightResult;
  /** Gives each session its own namespaces; null: sessions share those of tractest. */
  readonly isolation: Isolation | null;
  /** The same for tests that ask for it, where others are not isolated. */
  readonly isolationOfSome: Isolation | null;
  readonly facts: RunFacts;
  /** Marks the tests as finished: the first signal from now on is returned, not obeyed. */
  conclude(): { readonly cut: Cut | null };
  /** Records how the run ended, once all is known. */
  noteEnding(ending: string | null): void;
  /** Runs pytest, in as many sessions as it takes; its output goes into a private directory. */
  launch(
    log: EventLog,
    directory: string,
    request: LaunchRequest,
    options?: LaunchOptions,
  ): Promise<EngineOutcome>;
}

/** The conditions that results depend on. Null: unknown, or pytest's default. */
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

/** How one launch of several differs from a single one. */
export interface LaunchOptions {
  /** Another Python than the preflight's. */
  readonly python?: Interpreter;
  /** How its processes are ended is shown only with `-v`. */
  readonly quiet?: boolean;
}

/** How {@linkcode prepareAndRun} prepares a run. */
export interface PrepareOptions {
  readonly state: RunState;
  /** A search for leaks that was started already. */
  readonly firstScan?: FirstScan | undefined;
  /** The command, as shown to another run that finds the project locked. */
  readonly command: string;
  /** Seconds between SIGINT and SIGKILL of a clean-up. */
  readonly grace: number;
  /** What pytest will collect; the whole suite by default. */
  readonly targets?: readonly string[];
  /** Whether the checks may collect as the run will; true by default. */
  readonly collects?: boolean;
  /** Whether checks that are ok are not shown. */
  readonly brief?: boolean;
  /** Stop after the checks. */
  readonly checksOnly: boolean;
  /** Whether to isolate the run if neither options nor configuration say so; default: never. */
  readonly isolate?: IsolationWish;
  /** How to isolate tests that ask for it, if the run is not isolated; default: never. */
  readonly isolateSome?: IsolationWish | undefined;
  /** Does the checks in a group of a log; default: plainly. */
  readonly around?: (checks: () => Promise<PreflightResult>) => Promise<PreflightResult>;
  /** Called when a check failed, or only checks were requested. */
  readonly onStop: (preflight: PreflightResult, exitCode: ExitCode) => void;
}

/** What starts the tests of a prepared run, and returns its exit code. */
export type Work = (prepared: Prepared) => Promise<ExitCode>;

/**
 * Locks the project, checks what a run needs, and does the work. All of it is on record, so that
 * other processes can ask for its progress.
 *
 * @throws {PreflightError} while another run has the lock
 * @throws {TractestError} 83 when isolation is required and not possible
 */
export async function prepareAndRun(
  context: Context<SharedOptions>,
  project: Project,
  options: PrepareOptions,
  work: Work,
): Promise<ExitCode> {
  return await recorded(context, options.state, project.root, async (recorder) => {
    const { directory } = options.state;
    const isolation = await isolationFor(context, project, directory, options.isolate);
    const ofSome = isolation === null && options.isolateSome !== undefined
      ? await isolationFor(context, withIsolation(project, options.isolateSome), directory)
      : null;
    const isolated = isolation !== null;
    return await withProjectLock(
      context,
      options,
      recorder,
      isolated,
      async (lock, hasWaited) => {
        const isolations = { isolation, isolationOfSome: ofSome };
        // What was scanned before may have been the other run's.
        const own = hasWaited ? { ...options, firstScan: undefined } : options;
        return await new Preparation(context, project, own, recorder, lock, isolations).run(work);
      },
    );
  });
}

/** The project with another wish for isolation; options still count first. */
export function withIsolation(project: Project, isolate: IsolationWish): Project {
  return { ...project, configuration: { ...project.configuration, isolate } };
}

/** Does the work while no other run of the project can start, and unlocks the project after it. */
async function withProjectLock<T>(
  { host, printer, line }: Context<SharedOptions>,
  { state, command }: PrepareOptions,
  recorder: RunRecorder,
  isolated: boolean,
  work: (lock: RunLock, hasWaited: boolean) => Promise<T>,
): Promise<T> {
  let hasWaited = false;
  const onWait = () => {
    hasWaited = true;
    recorder.recordWaiting();
  };
  const wait = line.options.wait;
  const lock = await takeLock(host, printer, state, { command, wait, isolated, onWait });
  recorder.recordBegin();
  try {
    return await work(lock, hasWaited);
  } finally {
    await lock.release();
  }
}

/** The checks before a run, and the launches of its pytests, of a project that is locked. */
class Preparation {
  constructor(
    private readonly context: Context<SharedOptions>,
    private readonly project: Project,
    private readonly options: PrepareOptions,
    private readonly recorder: RunRecorder,
    private readonly lock: RunLock,
    private readonly isolations: Pick<Prepared, "isolation" | "isolationOfSome">,
  ) {}

  async run(work: Work): Promise<ExitCode> {
    const { context, project, lock, isolations } = this;
    const { state, grace, targets, collects, brief, checksOnly, firstScan } = this.options;
    const revision = revisionOf(context.host, project);
    const isolated = isolations.isolation !== null;
    const ready = { lock, grace, isolated, targets, collects, brief, firstScan };
    const checks = () => readyToRun(context, project, ready);
    const preflight = await (this.options.around?.(checks) ?? checks());
    const { interpreter } = preflight;
    if (interpreter === null || preflight.exitCode !== 0 || checksOnly) {
      return this.#stop(preflight);
    }
    await checkSpawnBackend(context, project, interpreter.venv);
    return await work({
      state,
      interpreter,
      preflight,
      ...isolations,
      facts: {
        ...await revision,
        transport: context.line.options.tptProto.at(-1) ?? null,
        backend: context.line.options.spawnBackend,
        python: preflight.pythonVersion,
      },
      noteEnding: (ending) => this.recorder.noteEnd({ ending }),
      conclude: () => this.recorder.afterTests = { cut: null },
      launch: async (log, directory, request, { python = interpreter, quiet = false } = {}) => {
        const { inherited, sigint } = preflight;
        const scene = { interpreter: python, inherited, sigint, directory, log };
        return await this.#launch(scene, request, quiet);
      },
    });
  }

  /** Nothing is run: a check failed, or only the checks were requested. */
  #stop(preflight: PreflightResult): ExitCode {
    const isUsable = preflight.exitCode !== 0 || preflight.interpreter !== null;
    const exitCode = isUsable ? preflight.exitCode : EXIT.preflight;
    this.recorder.noteEnd({
      ending: exitCode === 0 ? null : "stopped by the checks before the tests",
    });
    const why = exitCode === 0 ? null : stopText(preflight.checks);
    if (why !== null) this.context.printer.note(escapeText(why));
    this.options.onStop(preflight, exitCode);
    return exitCode;
  }

  async #launch(
    scene: Pick<RunScene, "interpreter" | "inherited" | "sigint" | "directory" | "log">,
    { sessions, plan, limits, policy, hooks }: LaunchRequest,
    quiet: boolean,
  ): Promise<EngineOutcome> {
    const { context: { host, printer }, options: { state }, project, recorder } = this;
    const { isBackground } = recorder;
    const outcome = await recorder.delegateSignals(() =>
      new Engine(host, quiet ? printer.silenced() : printer, {
        scene: {
          ...scene,
          runId: state.runId,
          root: project.root,
          ...this.isolations,
          profile: project.profile,
          registries: project.configuration.registries,
        },
        sessions: {
          ...sessions,
          command: (kind, session) =>
            withWords(sessions.command(kind), sessions.extraWords(kind, session)),
          output: isBackground && sessions.output === "shown" ? "inherited" : sessions.output,
        },
        plan,
        limits,
        policy: { ...policy, cut: recorder.cut, survivesHangup: isBackground },
        hooks: {
          ...hooks,
          onSessionStart: (child) => this.lock.noteChild(child),
          onFirstSession: () => {
            void state.prune();
            hooks?.onFirstSession?.();
          },
        },
      }).run()
    );
    recorder.noteEnd({
      ending: outcome.verdict.ending,
      counts: outcome.run.began ? outcome.run.counts : null,
    });
    return outcome;
  }
}
