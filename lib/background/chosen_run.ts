import { inWords } from "../base/durations.ts";
import { escapeText } from "../base/escape.ts";
import type { Context } from "../command_line/context.ts";
import { nullForTractestError, UsageError } from "../errors.ts";
import { findProject } from "../project/project.ts";
import type { Host } from "../system/host.ts";
import { type KnownRun, knownRuns } from "./known_runs.ts";
import { namedRun, unnamedRun } from "./rules_run_file.ts";
import { stateText } from "./show.ts";

/** `--all`, of the commands that have it. */
export interface ScopeOptions {
  readonly all?: boolean;
  readonly verbose: boolean;
}

/**
 * The run that a command line names: by its id, by a beginning or end of it, or as `last`; else the
 * newest of this repo that is under way, else the newest of all. With `--all` every repo counts; an
 * id may be of any repo.
 *
 * @throws {UsageError} when there is none
 */
export async function chosenRun(context: Context<ScopeOptions>): Promise<KnownRun> {
  const { host, printer, line: { operands: [word, more] } } = context;
  if (more !== undefined) {
    throw new UsageError(
      `Only one run can be named, and "${more}" is a second`,
      "tractest status lists the runs",
    );
  }
  const runs = await knownRuns(host);
  if (word !== undefined && word !== "last") {
    const runId = namedRun(word, runs.map((run) => run.record.runId));
    const chosen = runs.find((run) => run.record.runId === runId);
    if (chosen === undefined) {
      throw noSuchRun(word, runs, { root: await projectRoot(host), now: host.clock.now() });
    }
    return chosen;
  }
  const inScope = await runsInScope(context, runs);
  const [newest] = inScope;
  if (newest === undefined) {
    throw new UsageError(
      "No run of this repo is on record",
      "tractest status --all lists those of other repos",
    );
  }
  if (word === "last") return newest;
  const chosen = unnamedRun(inScope)!;
  if (newest.state === "unknown" && chosen !== newest) {
    const { runId } = newest.record;
    printer.note(`can't see from here whether the newer run ${runId} lives; name it to choose it`);
  }
  return chosen;
}

/** The runs of the repo at hand; all runs with `--all`. */
export async function runsInScope(
  { host, line }: Context<ScopeOptions>,
  runs: readonly KnownRun[],
): Promise<readonly KnownRun[]> {
  if (line.options.all) return runs;
  const { root } = await findProject(host);
  return runs.filter((run) => run.record.root === root);
}

/** The root of the project at hand; null outside of any. */
async function projectRoot(host: Host): Promise<string | null> {
  return (await findProject(host).catch(nullForTractestError))?.root ?? null;
}

/** Runs that an error lists, at most. */
const MOST_LISTED = 5;

/**
 * The error for a name that no run has, with the latest runs: their ids, results and commands.
 *
 * @param runs all, the newest first
 * @param where `root` of the project whose runs are listed, null: those of all; `now` in
 *     milliseconds since the epoch
 */
export function noSuchRun(
  word: string,
  runs: readonly KnownRun[],
  { root, now }: { readonly root: string | null; readonly now: number },
): UsageError {
  const own = runs.filter(({ record }) => root === null || record.root === root);
  return unknownRun(word, own.map((run) => ({ ...run.record, state: stateText(run, now) })), now);
}

/** A run that an error lists. */
export interface ListedRun {
  readonly runId: string;
  /** Milliseconds since the epoch. */
  readonly began: number;
  /** Whether it runs, or how it ended; missing where that is not known. */
  readonly state?: string;
  readonly command: string;
}

/** The error for a name that no run has, where its runs, the newest first, are known. */
export function unknownRun(word: string, runs: readonly ListedRun[], now: number): UsageError {
  const lines = runs.slice(0, MOST_LISTED).map(({ runId, began, state, command }) => {
    const age = `${inWords((now - began) / 1000)} ago`;
    return escapeText(`  ${[runId, age, state ?? [], command].flat().join("  ")}`);
  });
  const hint = lines.length === 0 ? "no run is on record" : `the latest runs:\n${lines.join("\n")}`;
  return new UsageError(`There is no run "${word}"`, hint);
}
