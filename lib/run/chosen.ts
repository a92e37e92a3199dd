import type { RunOptions } from "./run_options.ts";
import { becauseOf } from "../affected/because_line.ts";
import type { Affected, AffectedTarget } from "../affected/affected_targets.ts";
import { TargetOrder, withoutContained } from "../project/target_order.ts";
import { escapeText } from "../base/escape.ts";
import { fileOf } from "../pytest/lastfailed.ts";
import type { Group } from "../pytest/work.ts";
import { recentFailures } from "../history/project_history.ts";
import { runFirst } from "../affected/gather.ts";
import { changeKindOf, type ChangeSet, changesSince, SET_MAIN } from "../affected/changes.ts";
import type { Project } from "../project/project.ts";
import type { Context } from "../command_line/context.ts";

/** The tests that `--affected` runs first. */
export interface Chosen {
  /** Files and directories, none inside another; empty if no test is known to be affected. */
  readonly targets: readonly string[];
  /** No other tests run. */
  readonly only: boolean;
  /** Moves the chosen tests to the front, in order; with `only` it drops all others. */
  readonly arrange: (groups: readonly Group[]) => readonly Group[];
}

/** How many reasons are shown. */
const SHOWN = 10;

/**
 * Finds the affected tests and shows why they run first. If the changes are unknown, `--only` drops
 * no tests.
 */
export async function chosenFirst(context: Context<RunOptions>, project: Project): Promise<Chosen> {
  const { host, line, printer } = context;
  const ask = () =>
    changesSince(host, project, { kind: changeKindOf(line.options), base: line.options.base });
  const { set, found } = await runFirst(host, project, ask, () => recentFailures(host, project));
  const only = line.options.only && set.unknown === null;
  const all = line.options.only && set.unknown !== null ? set.unknown : null;
  // Replaces the note that only uncommitted changes count.
  const notes = all === null
    ? set.notes
    : [allRun(all), ...set.notes.filter((note) => !note.startsWith(all))];
  for (const note of notes) printer.warn(escapeText(note));
  showChosen(context, set, found, only);
  const chosen = [...found.targets, ...only ? [] : found.further];
  const order = new TargetOrder(chosen.flatMap(({ target, files = [] }) => [...files, target]));
  return {
    only,
    targets: withoutContained(found.targets.map(({ target }) => fileOf(target))),
    arrange: (groups) => order.sort(groups, only),
  };
}

function allRun(unknown: string): string {
  const advice = `give a base with --base REV, or set the main branch: ${SET_MAIN}`;
  return `${unknown}: what the commits changed is not known, so all tests run; ${advice}`;
}

function showChosen(
  { printer }: Context,
  { changes, unknown }: ChangeSet,
  found: Affected,
  only: boolean,
): void {
  const { targets, further, unmapped, options } = found;
  const rest = only ? "nothing to run" : "running all tests in the usual order";
  if (changes.length === 0) {
    const nothing = unknown === null ? "Nothing changed" : "No uncommitted changes";
    return printer.note(`${nothing}: ${rest}.`);
  }
  if (targets.length === 0) printer.note(`No test is known to be affected: ${rest}.`);
  const describe = (target: AffectedTarget) =>
    printer.note(escapeText(`first: ${target.target}  ${becauseOf(target)}`));
  targets.slice(0, SHOWN).forEach(describe);
  if (targets.length > SHOWN) printer.note(`and ${targets.length - SHOWN} more: tractest affected`);
  for (const { file, options: words, because } of options) {
    printer.note(escapeText(`also with ${words.join(" ")}: ${file}: ${because}`));
  }
  if (!only) return;
  for (const target of further) {
    printer.note(escapeText(`not covered: ${target.target}  ${becauseOf(target)}`));
  }
  for (const { file, because } of unmapped) {
    printer.note(escapeText(`not covered: ${file}: ${because}`));
  }
}
