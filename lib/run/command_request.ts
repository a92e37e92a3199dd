import type { RunOptions } from "./run_options.ts";
import { dirname, resolve } from "@std/path";
import { providerOf } from "../ci/providers.ts";
import type { CiLog } from "../ci/ci_log.ts";
import { escapeText } from "../base/escape.ts";
import { type Conflict, type Parallel, parallelOf } from "./rules_parallel.ts";
import { type Dimension, parseMatrix } from "../matrix/rules.ts";
import type { Matrix } from "../matrix/run_matrix.ts";
import { configurationOf, looksLikeTarget } from "../project/rules_targets.ts";
import { optionNames } from "../command_line/run_words.ts";
import { fileOf } from "../pytest/lastfailed.ts";
import {
  pytestCommand,
  type RunIntent,
  runIntent,
  withoutRerun,
  withoutStopping,
} from "../pytest/pytest_command.ts";
import { maySplit, ownPlaces, refusal, shardNotes } from "./rules_unseen_options.ts";
import { UsageError } from "../errors.ts";
import type { Context } from "../command_line/context.ts";
import type { Project } from "../project/project.ts";
import type { Chosen } from "./chosen.ts";
import { givenSeconds } from "./parallel.ts";
import { EventsFile } from "./events_file.ts";
import type { KeptDurations } from "./kept_durations.ts";
import { JunitFile } from "./junit_file.ts";
import type { RunRequest } from "./run_request.ts";
import { runSettings } from "./settings.ts";
import { uiOf } from "./ui.ts";
import { unseenIn } from "./unseen_options.ts";
import { targetsOf, testTree } from "../project/targets.ts";

/**
 * Reads and checks the command line of `tractest run`, before anything is shown or started.
 *
 * @throws {UsageError} for invalid or conflicting words
 */
export async function readRunRequest(
  context: Context<RunOptions>,
  project: Project,
): Promise<Matrix> {
  const { host, printer, line } = context;
  refuseTwoDocuments(context);
  const intent = await intentOf(context, project);
  refuseDebuggerWithoutTerminal(context, intent);
  refuseSameFile(context);
  const chosen = await chosenOf(context, project);
  const collection = await collectionOf(context, project, intent, chosen);
  const settings = runSettings(line.options, intent, project.configuration);
  const { jobs, defaultFlags } = project.configuration;
  const unseen = await unseenIn(host, project, intent.passed);
  const excluded = refusal(unseen);
  const shard = await shardOf(context);
  const parallel = parallelOf({ ...line.options, shard }, intent, jobs, excluded);
  if (excluded !== null && jobs !== null && jobs !== 1 && line.options.jobs === null) {
    const { option, because } = excluded;
    printer.note(escapeText(`one pytest at a time, because of ${option}: ${because}`));
  }
  for (const note of shardNotes(shard, intent, unseen)) printer.note(escapeText(note));
  const kept = await keptDurations(context);
  const ui = uiOf(context, intent);
  const dimensions = matrixOf(context, intent, parallel, excluded);
  // The cells of a matrix are compared by all tests: none may stop early.
  const flags = dimensions.length > 0 ? withoutStopping(defaultFlags) : defaultFlags;
  return {
    project,
    intent,
    settings,
    parallel,
    maySplit: dimensions.length === 0 && maySplit(intent, unseen),
    kept: parallel.shard === null ? kept : null,
    givenSeconds: kept?.seconds ?? await givenSeconds(host, project, parallel.durations),
    scope: collection.scope,
    collected: collection.collected,
    stream: line.options.events === "-" ? "stderr" : "stdout",
    junit: await junitOf(context),
    events: line.options.events !== null ? await EventsFile.at(host, line.options.events) : null,
    chosen,
    ci: intent.debugging ? null : await ciLogOf(context, ui === "agent"),
    ui,
    dimensions,
    places: ownPlaces(unseen),
    command: (python, { tests }, words = []) => {
      const typed = { ...intent, passed: [...words, ...intent.passed] };
      return pytestCommand({
        python,
        defaultFlags: flags,
        line,
        intent: tests === null ? typed : withoutRerun(typed),
        targets: tests === null ? collection.targets : collection.targetsOf(tests),
      });
    },
  };
}

/** The JUnit report that was asked for; the directory of a configured one is made. */
async function junitOf({ host, line }: Context<RunOptions>): Promise<JunitFile | null> {
  const { junit, dryRun } = line.options;
  if (junit === null) return null;
  if (!line.has("junit") && !dryRun) {
    const directory = dirname(junit);
    if (await host.files.stat(directory) === null) await host.files.makeDirectory(directory);
  }
  return await JunitFile.at(host, junit);
}

/** The file of `--durations-file`. */
async function keptDurations(
  { host, printer, line }: Context<RunOptions>,
): Promise<KeptDurations | null> {
  if (line.options.durationsFile === null) return null;
  const { KeptDurations } = await import("./kept_durations.ts");
  return await KeptDurations.at(host, printer, line.options.durationsFile);
}

/**
 * The log of the CI service that `--ci` or the environment names. That of a run in the background
 * is what `tractest logs` shows.
 *
 * @param brief for a coding agent, which reads all of it
 */
async function ciLogOf(
  { host, printer, line }: Context<RunOptions>,
  brief: boolean,
): Promise<CiLog | null> {
  if (line.options.bg) return null;
  const provider = providerOf(line.options.ci, (name) => host.env(name));
  if (provider === null) return null;
  const { CiLog } = await import("../ci/ci_log.ts");
  const isData = printer.json || line.options.events === "-";
  return new CiLog(host, printer, provider, {
    stream: isData || brief ? "stderr" : "stdout",
    brief,
  });
}

/** The typed `--shard`; for `auto` the part that CI's variables name. */
async function shardOf({ host, printer, line }: Context<RunOptions>): Promise<string | null> {
  const { shard } = line.options;
  if (!shard?.startsWith("auto")) return shard;
  const { autoShard } = await import("../ci/rules_shard.ts");
  const auto = autoShard(shard, (name) => host.env(name));
  if (auto === null) return shard;
  printer.note(escapeText(`part ${auto.text} of the suite, by ${auto.because}`));
  return auto.text;
}

/** What pytest collects. */
interface Collection extends Pick<RunRequest, "scope" | "collected"> {
  /** The targets of the first session. */
  readonly targets: readonly string[];
  /** The targets of a later session for some of the tests. */
  readonly targetsOf: (tests: readonly string[]) => readonly string[];
}

async function collectionOf(
  { host, printer }: Context<RunOptions>,
  project: Project,
  intent: RunIntent,
  chosen: Chosen | null,
): Promise<Collection> {
  const { targetWords } = intent;
  const named = targetWords.length === 0 && chosen?.only ? chosen.targets : targetWords;
  const resolved = intent.collectsByItself && named.length === 0
    ? null
    : await targetsOf(host, project, named);
  for (const note of resolved?.notes ?? []) printer.warn(escapeText(note));
  // `pytest --lf` without targets collects its own testpaths.
  const isBare = targetWords.length === 0 && intent.rerunsFailed &&
    (project.pytest?.testPaths.length ?? 0) > 0;
  const targets = isBare ? [] : resolved?.targets ?? [];
  return {
    scope: resolved?.scope ?? "many",
    collected: resolved === null || resolved.scope === "full" || choosesConfiguration(intent)
      ? undefined
      : filesOf(resolved.targets),
    targets,
    targetsOf: (tests) => {
      // pytest gets the words after `--` anyway: a file below one of them would be collected twice.
      if (resolved === null) return targets;
      const files = filesOf(tests);
      // pytest reads a bracket in an argument as the start of parameters, even in a file's name.
      if (files.some((file) => file.includes("["))) return targets;
      // Other targets must not make pytest choose another configuration file.
      const { tree } = resolved;
      return configurationOf(files, tree) === configurationOf(targets, tree) ? files : targets;
    },
  };
}

function refuseTwoDocuments({ printer, line }: Context<RunOptions>): void {
  if (line.options.events !== "-" || !printer.json) return;
  const message = '"--events -" and "--json" both write to standard output';
  throw new UsageError(message, "write the events to a file");
}

function refuseDebuggerWithoutTerminal(
  { host, line }: Context<RunOptions>,
  { debugging }: RunIntent,
): void {
  const isInteractive = host.terminal.stdinIsTerminal && host.terminal.stdout.isTerminal;
  if (!debugging || line.options.dryRun || isInteractive) return;
  throw new UsageError(
    "A debugger needs a terminal, but standard input or output is not one",
    "run it from a terminal, not through a pipe",
  );
}

/** Whether pytest's configuration was typed: without it pytest would collect other tests. */
function choosesConfiguration({ passed }: RunIntent): boolean {
  const names = optionNames(passed);
  return ["-c", "--config-file", "--rootdir"].some((option) => names.has(option));
}

function filesOf(targets: readonly string[]): string[] {
  return [...new Set(targets.map(fileOf))];
}

/** Events and a JUnit report cannot share a file, but can share a device. */
function refuseSameFile({ host, line }: Context<RunOptions>): void {
  const { events, junit } = line.options;
  if (events === null || junit === null || events === "-") return;
  const path = resolve(host.cwd, events);
  if (path !== resolve(host.cwd, junit) || path.startsWith("/dev/")) return;
  const message = `"--events" and "--junit" both name "${junit}"`;
  throw new UsageError(message, "give each its own file");
}

/** The tests that `--affected` runs first; null without it. */
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

/** What `--matrix` varies; empty without it. Refuses options that exclude it. */
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
    const message = '"--matrix" does not go with "--shard"';
    throw new UsageError(message, "give each machine some of the cells");
  }
  return dimensions;
}

async function intentOf({ host, line }: Context<RunOptions>, project: Project): Promise<RunIntent> {
  const doubtful = (line.words ?? []).some((item) => item.kind === "target-or-value");
  const tree = doubtful ? await testTree(host, project) : null;
  return runIntent(line, (word) => tree !== null && looksLikeTarget(word, tree));
}
