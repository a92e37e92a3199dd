import type { RunOptions } from "../command_line/options.ts";
import type { KnownSeconds } from "../history/durations_file.ts";
import { resolve } from "@std/path";
import { escapeText } from "../base/escape.ts";
import { type Conflict, type Parallel, parallelOf } from "./rules_parallel.ts";
import { type Dimension, parseMatrix } from "../matrix/rules.ts";
import { configurationOf, looksLikeTarget, type Targets } from "../project/rules_targets.ts";
import { optionNames } from "../command_line/run_words.ts";
import { fileOf } from "../pytest/lastfailed.ts";
import {
  pytestCommand,
  type RunIntent,
  runIntent,
  withoutRerun,
  withoutStopping,
} from "../pytest/pytest_command.ts";
import { type OwnPlaces, ownPlaces, refusal } from "./rules_unseen_options.ts";
import { UsageError } from "../errors.ts";
import type { Context } from "../command_line/context.ts";
import { findProject, type Project } from "../project/project.ts";
import type { Chosen } from "./chosen.ts";
import { givenSeconds } from "./parallel.ts";
import type { SessionKind } from "./engine/engine_request.ts";
import { EventsFile } from "./events_file.ts";
import { JunitFile } from "./junit_file.ts";
import { type RunSettings, runSettings } from "./settings.ts";
import { unseenIn } from "./unseen_options.ts";
import { targetsOf, testTree } from "../project/targets.ts";

/** What was typed for a run, understood. */
export interface RunRequest {
  readonly project: Project;
  readonly intent: RunIntent;
  readonly settings: RunSettings;
  readonly parallel: Parallel;
  /** How long tests take, as given for a cut into shards. */
  readonly givenSeconds: KnownSeconds | null;
  readonly scope: Targets["scope"];
  /** What is going to be collected, without the names of tests; undefined: the whole suite. */
  readonly collected: readonly string[] | undefined;
  readonly junit: JunitFile | null;
  readonly events: EventsFile | null;
  /** What runs first; null where nothing was asked to. */
  readonly chosen: Chosen | null;
  /** What varies between the cells of a matrix; empty for a single run. */
  readonly dimensions: readonly Dimension[];
  /** What is done about options that nobody typed. */
  readonly places: OwnPlaces;
  /** The command of one of its pytests, with more words for pytest. */
  command(python: readonly string[], kind: SessionKind, words?: readonly string[]): string[];
}

/**
 * Understands what was typed. What is wrong with it is said before anything is shown or started.
 *
 * @throws {UsageError} for what makes no sense
 */
export async function understand(context: Context<RunOptions>): Promise<RunRequest> {
  const { host, printer, line } = context;
  const project = await findProject(host);
  if (line.options.events === "-" && printer.json) {
    throw new UsageError(
      '"--events -" and "--json" both want standard output',
      "write the events to a file",
    );
  }
  const intent = await intentOf(context, project);
  if (
    intent.debugging && !line.options.dryRun &&
    !(host.terminal.stdinIsTerminal && host.terminal.stdout.isTerminal)
  ) {
    throw new UsageError(
      "A debugger needs a terminal, and standard input or output is none",
      "run it from a terminal, not through a pipe",
    );
  }
  refuseSameFile(context);
  const chosen = await chosenOf(context, project);
  const named = intent.targetWords.length > 0
    ? intent.targetWords
    : chosen?.only
    ? chosen.targets
    : [];
  const targets = intent.collectsByItself && named.length === 0
    ? null
    : await targetsOf(host, project, named);
  for (const note of targets?.notes ?? []) printer.warn(escapeText(note));
  // The recipe's `pytest --lf` names nothing: pytest's own testpaths do.
  const bare = intent.targetWords.length === 0 && intent.rerunsFailed &&
    (project.pytest?.testPaths.length ?? 0) > 0;
  const first = bare ? [] : targets?.targets ?? [];
  // Some of the tests again: with the same configuration, so that their files are named only where
  // pytest takes no other one for them.
  const again = (tests: readonly string[]) => {
    const files = filesOf(tests);
    // pytest takes a bracket in an argument for the beginning of parameters, whatever file there
    // is.
    if (files.some((file) => file.includes("["))) return first;
    return targets === null ||
        configurationOf(files, targets.tree) === configurationOf(first, targets.tree)
      ? files
      : first;
  };
  const scope = targets?.scope ?? "many";
  const settings = runSettings(line.options, intent);
  const { jobs } = project.configuration;
  const unseen = await unseenIn(host, project, intent.passed);
  const excluded = refusal(unseen);
  const parallel = parallelOf(line.options, intent, jobs, excluded);
  if (excluded !== null && jobs !== null && jobs !== 1 && line.options.jobs === null) {
    printer.note(
      escapeText(`one pytest at a time, because of ${excluded.option}: ${excluded.because}`),
    );
  }
  const dimensions = matrixOf(context, intent, parallel, excluded);
  // Cells are compared by all of their tests.
  const defaultFlags = dimensions.length > 0
    ? withoutStopping(project.configuration.defaultFlags)
    : project.configuration.defaultFlags;
  return {
    project,
    intent,
    settings,
    parallel,
    givenSeconds: await givenSeconds(host, project, parallel.durations),
    scope,
    collected: scope === "full" || targets === null || choosesConfiguration(intent)
      ? undefined
      : filesOf(targets.targets),
    junit: line.options.junit !== null ? await JunitFile.at(host, line.options.junit) : null,
    events: line.options.events !== null ? await EventsFile.at(host, line.options.events) : null,
    chosen,
    dimensions,
    places: ownPlaces(unseen),
    command: (python, { tests }, words = []) => {
      const cell = { ...intent, passed: [...words, ...intent.passed] };
      if (tests === null) {
        return pytestCommand({ python, defaultFlags, line, intent: cell, targets: first });
      }
      return pytestCommand({
        python,
        defaultFlags,
        line,
        intent: withoutRerun(cell),
        targets: again(tests),
      });
    },
  };
}

/** Whether pytest's configuration is named: what is collected without that is something else. */
function choosesConfiguration({ passed }: RunIntent): boolean {
  const names = optionNames(passed);
  return ["-c", "--config-file", "--rootdir"].some((option) => names.has(option));
}

function filesOf(targets: readonly string[]): string[] {
  return [...new Set(targets.map(fileOf))];
}

/** Two kinds of text in one file would be neither. What is a device takes both. */
function refuseSameFile({ host, line }: Context<RunOptions>): void {
  const { events, junit } = line.options;
  if (events === null || junit === null || events === "-") return;
  const path = resolve(host.cwd, events);
  if (path !== resolve(host.cwd, junit) || path.startsWith("/dev/")) return;
  throw new UsageError(
    `"--events" and "--junit" both name "${junit}"`,
    "give each a file of its own",
  );
}

/** What `--affected` puts first; null without it. */
async function chosenOf(context: Context<RunOptions>, project: Project): Promise<Chosen | null> {
  const { line } = context;
  if (line.options.affected) {
    return await (await import("./chosen.ts")).chosenFirst(context, project);
  }
  const alone = (["only", "base", "staged", "uncommitted"] as const).find((name) => line.has(name));
  if (alone !== undefined) {
    throw new UsageError(
      `"--${alone}" needs "--affected"`,
      `add it: tractest run --affected --${alone}`,
    );
  }
  return null;
}

/** What `--matrix` varies; empty when it was not given. What makes no sense beside it is said. */
function matrixOf(
  { line }: Context<RunOptions>,
  intent: RunIntent,
  parallel: Parallel,
  unseen: Conflict | null,
): readonly Dimension[] {
  const dimensions = parseMatrix(line.options.matrix, (key) => line.has(key));
  if (dimensions.length === 0) {
    if (line.options.diff) {
      throw new UsageError(
        '"--diff" compares the cells of a matrix',
        "tractest run --matrix tpt-proto=tcp,uds --diff",
      );
    }
    return [];
  }
  if (intent.debugging) {
    throw new UsageError('"--matrix" does not go with a debugger', "debug one of the cells");
  }
  if (unseen !== null) {
    throw new UsageError(
      `"--matrix" does not go with ${unseen.option}: ${unseen.because}`,
      unseen.instead,
    );
  }
  if (parallel.shard !== null) {
    throw new UsageError(
      '"--matrix" does not go with "--shard"',
      "give each machine some of the cells",
    );
  }
  return dimensions;
}

async function intentOf({ host, line }: Context<RunOptions>, project: Project): Promise<RunIntent> {
  const doubtful = (line.words ?? []).some((item) => item.kind === "target-or-value");
  const tree = doubtful ? await testTree(host, project) : null;
  return runIntent(line, (word) => tree !== null && looksLikeTarget(word, tree));
}
