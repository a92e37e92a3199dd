import type { OptionsOf } from "../command_line/options.ts";
import { type Affected, type AffectedTarget, becauseOf, type Change, mostText } from "./rules.ts";
import { registryName } from "../leaks/registry.ts";
import { TractestError } from "../errors.ts";
import { totalsOf, totalsText } from "../history/totals.ts";
import { escapeText, shellCommand } from "../base/escape.ts";
import { EXIT, type ExitCode } from "../tables/exit_codes.ts";
import { columns } from "../terminal/columns.ts";
import { runFirst } from "./gather.ts";
import {
  CHANGE_KINDS,
  type ChangeKind,
  changeKindOf,
  type ChangeSet,
  changesSince,
} from "./changes.ts";
import type { Context } from "../command_line/context.ts";
import { durationsOf, recentFailures } from "../history/project_history.ts";
import { findProject } from "../project/project.ts";

/** The options of `affected`. */
export type AffectedOptions = OptionsOf<"affected">;

/** `tractest affected`: the tests to run first for the current changes, each with its reason. */
export async function affected(context: Context<AffectedOptions>): Promise<ExitCode> {
  const { host, line, printer } = context;
  const kind = changeKindOf(line.options);
  const project = await findProject(host);
  const ask = () => changesSince(host, project, { kind, base: line.options.base });
  const { set, found } = await runFirst(host, project, ask, () => recentFailures(host, project));
  // The run says them itself, once.
  if (line.options.run && runs(set, found)) return await runThem(context, set);
  for (const note of set.notes) printer.warn(escapeText(note));
  if (line.options.run) return nothingToRun(context, set, found);
  const durations = found.targets.length > 0
    ? await durationsOf(host, project)
    : new Map<string, number>();
  if (printer.json) printer.document("tractest.affected/1", documentOf(set, found, durations));
  else show(context, set, found, kind, durations);
  return EXIT.ok;
}

function documentOf(
  { changes, base, unknown, notes }: ChangeSet,
  found: Affected,
  durations: ReadonlyMap<string, number>,
): Record<string, unknown> {
  return {
    base,
    unknown,
    changed: changes.map((change) => change.path),
    targets: found.targets.map((target) => describeTarget(target, durations)),
    further: found.further.map((target) => describeTarget(target, durations)),
    changes,
    mostOfSuite: found.mostOfSuite,
    options: found.options,
    unmapped: found.unmapped,
    missing: found.missing,
    notes,
  };
}

function describeTarget(
  target: AffectedTarget,
  durations: ReadonlyMap<string, number>,
): Record<string, unknown> {
  const { relation, distance = null, causes, files = null } = target;
  const recorded = totalsOf(durations, [target.target]);
  return {
    target: target.target,
    because: becauseOf(target),
    relation,
    distance,
    causes,
    files,
    recorded,
  };
}

function show(
  { printer }: Context,
  { changes, base, unknown }: ChangeSet,
  found: Affected,
  kind: ChangeKind,
  durations: ReadonlyMap<string, number>,
): void {
  const what = kind === "staged"
    ? "staged"
    : base
    ? `since ${escapeText(base.name)} (${base.commit.slice(0, 12)})`
    : "not committed";
  if (changes.length === 0) {
    if (unknown !== null) {
      return printer.line(
        "Nothing uncommitted; what the commits changed is not known: affected --run runs all tests.",
      );
    }
    return printer.line(
      `Nothing changed: ${
        base
          ? `no file is changed ${what}`
          : kind === "staged"
          ? "no file is staged"
          : "all is committed"
      }.`,
    );
  }
  printer.line(`${changes.length} changed file(s), ${what}:`);
  for (
    const row of columns(
      changes.map((change) => [`  ${escapeText(change.path)}`, describe(change)]),
    )
  ) printer.line(row);
  printer.line();
  if (found.targets.length === 0) printer.line("No test is known to be affected.");
  else {
    const together = totalsText(totalsOf(durations, found.targets.map((target) => target.target)));
    printer.line(
      `${found.targets.length} target(s) to run first${
        together === "" ? "" : `, ${together} on record`
      }:`,
    );
  }
  const rowsOf = (targets: readonly AffectedTarget[]) =>
    columns(targets.map((target) => {
      const { distance = 1 } = target;
      const facts = [
        distance > 1 ? `${distance} imports away` : "",
        totalsText(totalsOf(durations, [target.target])),
      ].filter((fact) => fact !== "");
      return [
        `  ${escapeText(target.target)}`,
        `${escapeText(becauseOf(target))}${facts.length === 0 ? "" : ` (${facts.join("; ")})`}`,
      ];
    }));
  for (const row of rowsOf(found.targets)) printer.line(row);
  if (found.further.length > 0) {
    printer.line();
    printer.line("Farther away, not among them:");
    for (const row of rowsOf(found.further)) printer.line(row);
  }
  if (found.mostOfSuite !== null && found.targets.every(({ relation }) => relation !== "all")) {
    printer.line();
    printer.line(escapeText(mostText(found.mostOfSuite)));
  }
  if (found.missing.length > 0) {
    printer.line();
    printer.line("Named by the change map, but nowhere in the tests:");
    for (const { test, row } of found.missing) {
      printer.line(`  ${escapeText(test)} (row ${escapeText(row)})`);
    }
  }
  if (found.unmapped.length > 0) {
    printer.line();
    printer.line("Nothing is known about these; the full suite covers them:");
    for (
      const row of columns(
        found.unmapped.map((one) => [`  ${escapeText(one.file)}`, escapeText(one.because)]),
      )
    ) printer.line(row);
  }
  if (found.targets.length > 0) printer.hint("tractest affected --run");
  else if (found.unmapped.length > 0) printer.hint("tractest run");
  for (const { file, options, because } of found.options) {
    printer.hint(
      `${shellCommand(["tractest", "run", "--affected", "--only", ...options])} (${
        escapeText(file)
      }: ${because})`,
    );
  }
}

function describe({ status, where }: Change): string {
  return where === "untracked" ? "new, untracked" : `${status}, ${where}`;
}

/** Whether there is something to run: where nobody knows what changed, all is. */
function runs({ unknown }: ChangeSet, { targets }: Affected): boolean {
  return unknown !== null || targets.length > 0;
}

/** A hook names what it went by: what is pushed may be another branch. */
function nothingToRun(
  { line, printer }: Context<AffectedOptions>,
  set: ChangeSet,
  found: Affected,
): ExitCode {
  const what = set.changes.length === 0 ? "Nothing changed" : "No test is known to be affected";
  printer.note(`${what}${line.options.hook ? " in what is checked out" : ""}: nothing to run.`);
  if (printer.json) {
    printer.document("tractest.affected/1", { ...documentOf(set, found, new Map()), ran: false });
  }
  return EXIT.ok;
}

/** What a hook says of a work tree that holds more than its commits. */
function uncommittedText({ changes }: ChangeSet): string | null {
  const count = changes.filter(({ where }) => where !== "committed").length;
  return count === 0
    ? null
    : `the tests run on the work tree as it is, with ${count} changed file(s) that are not committed`;
}

/** As `run --affected --only` does. */
async function runThem(context: Context<AffectedOptions>, set: ChangeSet): Promise<ExitCode> {
  const { line, printer } = context;
  const kinds = CHANGE_KINDS.filter((kind) => line.options[kind]).map((kind) => `--${kind}`);
  const base = line.options.base !== null ? [`--base=${line.options.base}`] : [];
  const { rerun } = await import("../commands/rerun.ts");
  const words = ["--affected", "--only", ...kinds, ...base];
  if (!line.options.hook) return await rerun(context, [], words);
  const uncommitted = uncommittedText(set);
  if (uncommitted !== null) printer.note(uncommitted);
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

/**
 * What a hook says of a registry that is held: that is no fault of the change that is pushed. Null
 * while it is free.
 */
async function heldRegistry({ host }: Context): Promise<string | null> {
  const { findLeaks } = await import("../leaks/gather.ts");
  const { registries } = await findLeaks(host, await findProject(host));
  const held = registries.find((registry) => registry.bound === true);
  return held ? `${registryName(held.address)} is held` : null;
}
