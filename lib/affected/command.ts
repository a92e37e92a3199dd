import { type OptionsOf, type OptionTable, SHARED, WITH_JSON } from "../command_line/options.ts";
import type { Verb } from "../command_line/verb.ts";
import type { Affected, AffectedTarget } from "./affected_targets.ts";
import { becauseOf } from "./because_line.ts";
import { showAffected } from "./show.ts";
import { registryName } from "../leaks/registry.ts";
import { TractestError } from "../errors.ts";
import { totalsOf, totalsText } from "../history/totals.ts";
import { escapeText } from "../base/escape.ts";
import { plural } from "../base/plural.ts";
import { EXIT, type ExitCode } from "../tables/exit_codes.ts";
import { runFirst } from "./gather.ts";
import { CHANGE_KINDS, changeKindOf, type ChangeSet, changesSince } from "./changes.ts";
import type { Context } from "../command_line/context.ts";
import { durationsOf, recentFailures } from "../history/project_history.ts";
import { findProject } from "../project/project.ts";

/** The options of `affected`. */
export const OPTIONS = {
  ...WITH_JSON,
  yes: SHARED.yes,
  "dry-run": SHARED["dry-run"],
  hook: {
    kind: "flag",
    doc: "for git hooks, with --run: run the work tree, isolated if tractor's registry is held",
  },
  run: SHARED.run,
  base: SHARED.base,
  staged: SHARED.staged,
  uncommitted: SHARED.uncommitted,
} as const satisfies OptionTable;

/** Their values. */
export type AffectedOptions = OptionsOf<typeof OPTIONS>;

/** `tractest affected`: the tests to run first for the current changes, each with its reason. */
export async function affected(context: Context<AffectedOptions>): Promise<ExitCode> {
  const { host, line, printer } = context;
  const kind = changeKindOf(line.options);
  const project = await findProject(host);
  const ask = () => changesSince(host, project, { kind, base: line.options.base });
  const { set, found } = await runFirst(host, project, ask, () => recentFailures(host, project));
  // The run shows the notes itself.
  if (line.options.run && runs(set, found)) return await runThem(context, set);
  for (const note of set.notes) printer.warn(escapeText(note));
  if (line.options.run) return nothingToRun(context, set, found);
  const durations = found.targets.length > 0 ? await durationsOf(host, project) : NO_DURATIONS;
  if (printer.json) printer.document("tractest.affected/1", documentOf(set, found, durations));
  else {
    const totals = (targets: readonly string[]) => totalsText(totalsOf(durations, targets));
    showAffected(printer, set, kind, found, totals);
  }
  return EXIT.ok;
}

/** Seconds of each recorded test, by its id. */
type Durations = ReadonlyMap<string, number>;

const NO_DURATIONS: Durations = new Map();

function documentOf(
  { changes, base, unknown, notes }: ChangeSet,
  { targets, further, mostOfSuite, options, unmapped, missing }: Affected,
  durations: Durations,
): Record<string, unknown> {
  return {
    base,
    unknown,
    changed: changes.map((change) => change.path),
    targets: targets.map((target) => describeTarget(target, durations)),
    further: further.map((target) => describeTarget(target, durations)),
    changes,
    mostOfSuite,
    options,
    unmapped,
    missing,
    notes,
  };
}

function describeTarget(affected: AffectedTarget, durations: Durations): Record<string, unknown> {
  const { target, relation, distance = null, causes, files = null } = affected;
  const recorded = totalsOf(durations, [target]);
  return { target, because: becauseOf(affected), relation, distance, causes, files, recorded };
}

/** Whether there is something to run: all tests where the changes are unknown. */
function runs({ unknown }: ChangeSet, { targets }: Affected): boolean {
  return unknown !== null || targets.length > 0;
}

/** A hook reports on the checkout: what is pushed may be another branch. */
function nothingToRun(
  { line, printer }: Context<AffectedOptions>,
  set: ChangeSet,
  found: Affected,
): ExitCode {
  const what = set.changes.length === 0 ? "Nothing changed" : "No test is known to be affected";
  printer.note(`${what}${line.options.hook ? " in the checkout" : ""}: nothing to run.`);
  if (printer.json) {
    printer.document("tractest.affected/1", {
      ...documentOf(set, found, NO_DURATIONS),
      ran: false,
    });
  }
  return EXIT.ok;
}

/** Runs them as `run --affected --only` does; a hook does not fail because of the machine. */
async function runThem(context: Context<AffectedOptions>, set: ChangeSet): Promise<ExitCode> {
  const { line, printer } = context;
  const kinds = CHANGE_KINDS.filter((kind) => line.options[kind]).map((kind) => `--${kind}`);
  const base = line.options.base !== null ? [`--base=${line.options.base}`] : [];
  const { rerun } = await import("../commands/rerun.ts");
  const words = ["--affected", "--only", ...kinds, ...base];
  if (!line.options.hook) return await rerun(context, [], words);
  const uncommitted = set.changes.filter(({ where }) => where !== "committed").length;
  if (uncommitted > 0) {
    const files = plural(uncommitted, "uncommitted file");
    printer.note(`the tests run on the work tree, including ${files}`);
  }
  const held = await heldRegistry(context);
  if (held === null) return await rerun(context, [], words);
  try {
    printer.note(escapeText(`${held}: the tests run isolated`));
    return await rerun(context, [], ["--isolate", ...words]);
  } catch (error) {
    if (!(error instanceof TractestError) || error.exitCode !== EXIT.isolationUnavailable) {
      throw error;
    }
    printer.warn(escapeText(`the tests were not run: ${error.message}`));
    return EXIT.ok;
  }
}

/** `127.0.0.1:1616 is held`; null while the registry is free. */
async function heldRegistry({ host }: Context): Promise<string | null> {
  const { findLeaks } = await import("../leaks/gather.ts");
  const { registries } = await findLeaks(host, await findProject(host));
  const held = registries.find((registry) => registry.bound === true);
  return held ? `${registryName(held.address)} is held` : null;
}

/** `tractest affected`, described. */
export const VERB: Verb<typeof OPTIONS> = {
  name: "affected",
  group: "run",
  summary: "the tests to run first for the current changes",
  usage: "tractest affected [OPTIONS]",
  options: OPTIONS,
  examples: [
    ["tractest affected", "targets, each with the change that affects it"],
    ["tractest affected --run", "run these tests only"],
  ],
  exits: [0, 69, 80],
  row: ({ options }) => options.run ? "run" : "affected",
  run: affected,
};
