import { singleBlock } from "./blocks.ts";
import type { RunState } from "../background/run_directory.ts";
import type { Printer } from "../terminal/printer.ts";
import { endTree, treeOf } from "../processes/kill_ladder.ts";
import { readLedger } from "../leaks/ledger.ts";
import type { Host } from "../system/host.ts";
import type { RunModel } from "../pytest/run_model.ts";
import type { SharedOptions } from "../command_line/session_options.ts";
import { join } from "@std/path";
import type { PytestEvent } from "../pytest/events.ts";
import type { Item } from "../pytest/work.ts";
import { pytestCommand, type RunIntent, withoutStopping } from "../pytest/pytest_command.ts";
import type { OwnPlaces } from "./rules_unseen_options.ts";
import type { Context } from "../command_line/context.ts";
import type { Project } from "../project/project.ts";
import type { EngineOutcome } from "./engine/engine_outcome.ts";
import { EventLog } from "./event_log.ts";
import type { Prepared } from "./prepared.ts";
import { quietSeconds, type RunSettings } from "./settings.ts";

/** What one fresh pytest runs. */
export interface ExactRequest {
  /** Unique in the run. */
  readonly name: string;
  /** Unique among those that run at the same time. */
  readonly lane: string;
  /** What pytest collects. */
  readonly targets: readonly string[];
  /** Chooses the tests to run, in order, from the collected ids. */
  readonly choose: (ids: readonly string[]) => readonly string[];
  /** Seconds for the whole pytest; 0: no limit. */
  readonly limit: number;
  /** Seconds for each test; 0: no limit. */
  readonly testLimit: number;
}

/** How an {@linkcode ExactRequest} ended. */
export interface ExactOutcome extends EngineOutcome {
  /** All collected ids, in pytest's order. */
  readonly collected: readonly string[];
  /** The ids chosen to run. */
  readonly chosen: readonly string[];
  /** The first pytest: in a later one, tests did not run after the same others. */
  readonly firstSession: string;
}

/** What every pytest of {@linkcode runExactly} has in common. */
export interface ExactScene {
  readonly context: Context<SharedOptions>;
  readonly project: Project;
  readonly prepared: Prepared;
  readonly intent: RunIntent;
  readonly settings: RunSettings;
  /** How options from configuration files and the environment are handled. */
  readonly places: OwnPlaces;
}

/** Continue after failures and broken files, whatever pytest's configuration says. */
const KEEP_GOING = ["--maxfail=0", "--continue-on-collection-errors"] as const;

/**
 * The command of a pytest for some targets, as a person would type it, without the default flags
 * that stop at a failure.
 */
export function exactCommand(
  { context, project, prepared, intent }: Omit<ExactScene, "settings" | "places">,
  targets: readonly string[],
): string[] {
  return pytestCommand({
    python: prepared.interpreter.argv,
    defaultFlags: withoutStopping(project.configuration.defaultFlags),
    line: context.line,
    intent,
    targets,
  });
}

/** Runs the chosen tests, in order, in one fresh pytest. Records only its output and events. */
export async function runExactly(
  scene: ExactScene,
  { name, lane, targets, choose, limit, testLimit }: ExactRequest,
): Promise<ExactOutcome> {
  const { context, project, prepared, settings, intent, places } = scene;
  const { host } = context;
  const directory = join(prepared.state.directory, name);
  await host.files.makeDirectory(directory);
  const log = await EventLog.open(host, directory, null);
  let firstSession = "";
  log.on((event: PytestEvent) => {
    if (event.event === "session-begin" && firstSession === "") firstSession = event.session ?? "";
  });
  let collected: readonly string[] = [];
  let chosen: readonly string[] = [];
  const keepsGoing = { ...intent, passed: [...KEEP_GOING, ...intent.passed] };
  const outcome = await prepared.launch(log, directory, {
    sessions: {
      prefix: `${name}-`,
      command: () => exactCommand({ ...scene, intent: keepsGoing }, targets),
      extraWords: () => [...places.words(lane, directory), ...places.withoutWorkers],
      output: "log",
    },
    plan: {
      jobs: 1,
      order: (items: readonly Item[]) => {
        collected = items.map((item) => item.id);
        chosen = choose(collected);
        return [chosen];
      },
      blocks: (groups) => groups.map(singleBlock),
      runsAlone: () => false,
    },
    limits: {
      ...settings.limits,
      run: limit,
      quiet: quietSeconds(context.line.options, project),
      test: testLimit,
    },
    policy: { debugging: false, exitFirst: false, resume: false, retries: 0 },
  }, { quiet: true });
  if (prepared.isolation === null) {
    await endLeftBehind(host, context.printer.silenced(), project, prepared.state, outcome.run);
  }
  return { ...outcome, collected, chosen, firstSession };
}

/** Seconds that leftover processes get to end by themselves. */
const GRACE_SECONDS = 1;

/**
 * Ends the processes that this run left behind, so that each pytest starts from the same state.
 * Only processes recorded by this run, and their descendants, are touched.
 */
export async function endLeftBehind(
  host: Host,
  printer: Printer,
  project: Project,
  state: RunState,
  results: RunModel,
): Promise<void> {
  const leaked = [...[...results.tests.values()].flatMap((test) => test.leaked), ...results.leaked];
  const { entries } = await readLedger(host, project.root);
  const isOurs = (runId: string, role: string) => runId === state.runId && role === "process";
  const known = [...entries.filter(({ runId, role }) => isOurs(runId, role)), ...leaked];
  if (known.length === 0) return;
  const alive = await treeOf(host, null, known);
  if (alive.length > 0) await endTree(host, printer, alive, { graceSeconds: GRACE_SECONDS });
}
