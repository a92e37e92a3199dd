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
import type { RunSettings } from "./settings.ts";
import { endLeftBehind } from "./tidy.ts";
import { quietSeconds } from "./time_limit.ts";

/** One fresh pytest for exactly some tests. */
export interface ExactRequest {
  /** Tells it apart from the others of the run. */
  readonly name: string;
  /** Tells it apart from those that run at the same time. */
  readonly lane: string;
  /** What is collected. */
  readonly targets: readonly string[];
  /** What of the collected tests is run, in which order. */
  readonly choose: (ids: readonly string[]) => readonly string[];
  /** Seconds for all of it, and for each test; 0: none. */
  readonly limit: number;
  readonly testLimit: number;
}

/** How {@linkcode ExactRequest} ended. */
export interface ExactOutcome extends EngineOutcome {
  /** All that was collected, in pytest's order. */
  readonly collected: readonly string[];
  /** The ids that were to run. */
  readonly chosen: readonly string[];
  /** The pytest that ran them in one go; what a later one ran did not have the others before it. */
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

/** What makes pytest go on after failures and broken files, whatever its configuration says. */
const GOING_ON = ["--maxfail=0", "--continue-on-collection-errors"] as const;

/**
 * The command of a pytest for some targets, as a person would type it, without the default flags
 * that stop at a failure.
 */
export function exactCommand(
  { context, project, prepared, intent }: Omit<ExactScene, "settings" | "places">,
  targets: readonly string[],
): string[] {
  const defaultFlags = withoutStopping(project.configuration.defaultFlags);
  return pytestCommand({
    python: prepared.interpreter.argv,
    defaultFlags,
    line: context.line,
    intent,
    targets,
  });
}

/**
 * Runs exactly the chosen tests, in their order, in one fresh pytest, whose output goes to a log.
 * Nothing is recorded beside that.
 */
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
  const goingOn = { ...intent, passed: [...GOING_ON, ...intent.passed] };
  const outcome = await prepared.launch(log, directory, {
    sessions: {
      prefix: `${name}-`,
      command: () => exactCommand({ ...scene, intent: goingOn }, targets),
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
