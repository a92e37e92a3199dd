import type { SharedOptions } from "../command_line/session_options.ts";
import type { Interpreter } from "../system/programs/python.ts";
import { escapeText } from "../base/escape.ts";
import type { PreflightResult } from "../preflight/rules.ts";
import { describeLock } from "../background/rules_project_lock.ts";
import { PreflightError, TractestError } from "../errors.ts";
import { inheritedEnvironment, sigintMethod } from "../system/programs/env.ts";
import { EXIT } from "../tables/exit_codes.ts";
import { canAsk, confirm } from "../terminal/prompt.ts";
import {
  namedPython,
  planSync,
  pythonOf,
  uvRunPython,
  type VenvScene,
} from "../preflight/interpreter.ts";
import { pythonOfPytest } from "../preflight/path_pytest.ts";
import { noVenvText } from "../preflight/venv_checks.ts";
import { findVenvs } from "../project/venvs.ts";
import type { Venv } from "../project/rules_venv.ts";
import type { Context } from "../command_line/context.ts";
import type { FirstScan } from "../leaks/first_scan.ts";
import { findLeaks } from "../leaks/gather.ts";
import { preflight } from "../preflight/gather.ts";
import type { RunLock } from "../background/project_lock.ts";
import { endTree, treeOf } from "../processes/kill_ladder.ts";
import type { Project } from "../project/project.ts";

/** How {@linkcode readyToRun} checks a project. */
export interface ReadyOptions {
  /** Knows the process that a killed run of this project left. */
  readonly lock: RunLock;
  /** Seconds between SIGINT and SIGKILL of a clean-up. */
  readonly grace: number;
  /** Whether the run has its own namespaces. */
  readonly isolated: boolean;
  /** Whether checks that are ok are not shown. */
  readonly brief?: boolean;
  /** What pytest will collect; the whole suite by default. */
  readonly targets?: readonly string[];
  /** Whether a check may collect as the run will; true by default. */
  readonly collects?: boolean;
  /** A search for leaks that was started already. */
  readonly firstScan?: FirstScan | undefined;
}

/** Runs the checks before pytest. Leaks are cleaned up only with the user's consent. */
export async function readyToRun(
  context: Context<SharedOptions>,
  project: Project,
  options: ReadyOptions,
): Promise<PreflightResult> {
  const { host, line } = context;
  const { left } = options.lock;
  if (left) {
    await endLeftover(context, left, options);
    options.lock.leftIsGone();
  }
  if (line.options.noPreflight) {
    const [interpreter, inherited, sigint] = await Promise.all([
      uncheckedInterpreter(context, project),
      inheritedEnvironment(host),
      sigintMethod(host),
    ]);
    return {
      checks: [],
      exitCode: 0,
      interpreter,
      pythonVersion: null,
      inherited,
      sigint,
      leaks: null,
    };
  }
  // An older run's processes have been ended since.
  let firstScan = left === null ? options.firstScan : undefined;
  for (;; firstScan = undefined) {
    const result = await preflight(context, project, {
      ask: true,
      show: true,
      brief: options.brief,
      leaks: true,
      firstScan,
      isolated: options.isolated,
      collects: project.profile === "tractor" && (options.collects ?? true),
      targets: options.targets,
      python: line.options.python,
      sync: line.options.sync,
      uvRun: line.options.uvRun,
      yes: line.options.yes,
      clean: line.options.clean,
      graceSeconds: options.grace,
      whileAsking: options.lock.whileAsking,
    });
    const heldByRun = result.exitCode === EXIT.preflight && result.leaks?.liveRun != null &&
      result.checks.every((check) => check.status !== "fail" || check.id === "registry");
    if (!heldByRun || !line.options.wait) return result;
    await untilFree(context, project, result.leaks!.liveRun!);
  }
}

/** Milliseconds between scans while a live run holds the registry. */
const SCAN_MS = 1_000;

/** Waits until the run that holds the registry has ended. */
async function untilFree(
  { host, printer }: Context,
  project: Project,
  liveRun: { readonly pid: number; readonly title: string },
): Promise<void> {
  printer.note(escapeText(`waiting until pid ${liveRun.pid} has ended: ${liveRun.title}`));
  while ((await findLeaks(host, project)).liveRun !== null) await host.clock.sleep(SCAN_MS);
}

async function endLeftover(
  context: Context<SharedOptions>,
  left: NonNullable<RunLock["left"]>,
  { lock, grace }: ReadyOptions,
): Promise<void> {
  const { host, printer, line } = context;
  const run = describeLock(left.record, host.clock.now());
  const what = `${run} was killed, and its pytest (pid ${left.child.pid}) still runs`;
  const ask = () => confirm(host, printer, "End it?", { yes: line.options.yes });
  const clean = line.options.clean ||
    (canAsk(host, printer) && (printer.note(escapeText(what)), await lock.whileAsking(ask)));
  if (!clean) {
    throw new TractestError(
      "run-left-over",
      what,
      EXIT.leaksFound,
      "end it and what it started: tractest run --clean …",
    );
  }
  printer.note(escapeText(`${what}; ending it`));
  const ended = await endTree(host, printer, await treeOf(host, left.child.pid), {
    graceSeconds: grace,
  });
  if (ended.survivors) {
    throw new TractestError(
      "run-left-over",
      "It could not be ended",
      EXIT.unverified,
      ended.refused[0]?.reason,
    );
  }
}

/** The command that `--sync` would run first, and the Python that it would make. */
export async function plannedSync(
  { host, printer, line }: Context<SharedOptions>,
  project: Project,
): Promise<{ shown: string; interpreter: Interpreter }> {
  const { scene, best } = await venvScene({
    host,
    printer,
    project,
    inherited: await inheritedEnvironment(host),
  });
  const named = line.options.python;
  const plan = await planSync(scene, best, named === null ? null : await namedPython(scene, named));
  return { shown: plan.shown, interpreter: pythonOf(plan.venv) };
}

/** The options that decide which Python runs pytest. */
export type PythonOptions = Pick<SharedOptions, "python"> & Partial<Pick<SharedOptions, "uvRun">>;

/** Finds the Python that a run would use without starting it. */
export async function quickInterpreter(
  { host, printer, line }: Context<PythonOptions>,
  project: Project,
): Promise<Interpreter> {
  const { scene, best } = await venvScene({ host, printer, project, inherited: new Map() });
  const named = line.options.python;
  if (line.options.uvRun) return await uvRunPython(scene, best);
  if (named !== null) return await namedPython(scene, named);
  if (best !== null) return pythonOf(best);
  const onPath = await pythonOfPytest(host, project, scene.venvs);
  if (onPath !== null) return await namedPython(scene, onPath);
  return UNKNOWN_PYTHON;
}

/** Shown where there is none to run with. */
const UNKNOWN_PYTHON: Interpreter = { argv: ["python"], environment: {}, venv: null, minor: null };

/**
 * {@linkcode quickInterpreter}, for a run without a preflight.
 *
 * @throws {PreflightError} if there is none
 */
async function uncheckedInterpreter(
  context: Context<SharedOptions>,
  project: Project,
): Promise<Interpreter> {
  const interpreter = await quickInterpreter(context, project);
  if (interpreter !== UNKNOWN_PYTHON) return interpreter;
  const { names } = await findVenvs(context.host, project);
  throw new PreflightError(
    "no-venv",
    noVenvText(project.root, names),
    "tractest run --sync (creates it), or --python PATH",
  );
}

/** The virtual environments found without git or a Python, and the one to use. */
async function venvScene(
  around: Omit<VenvScene, "venvs">,
): Promise<{ scene: VenvScene; best: Venv | null }> {
  const venvs = await findVenvs(around.host, around.project);
  return { scene: { ...around, venvs }, best: venvs.ranked[0] ?? null };
}
