import { escapeText, shellCommand } from "../base/escape.ts";
import { plural } from "../base/plural.ts";
import type { Printer } from "../terminal/printer.ts";
import { shownId, unbroken } from "../terminal/wrap.ts";
import type { Affected, AffectedTarget, Change } from "./affected_targets.ts";
import type { ChangeKind, ChangeSet } from "./changes.ts";
import { becauseOf, mostText } from "./because_line.ts";

/** `12 tests, 3.4 s` for the recorded tests of targets; empty without any. */
export type TotalsOf = (targets: readonly string[]) => string;

/** Shows the changes, and the tests to run first for them. */
export function showAffected(
  printer: Printer,
  set: ChangeSet,
  kind: ChangeKind,
  found: Affected,
  totalsOf: TotalsOf,
): void {
  const { changes } = set;
  if (changes.length === 0) return printer.line(nothingChanged(set, kind));
  const { targets, further, missing, unmapped, mostOfSuite } = found;
  const indented = (rows: readonly (readonly [string, string])[]) =>
    rows.map(([name, text]) => [`  ${shownId(name)}`, escapeText(text)]);
  const isAll = targets.some(({ relation }) => relation === "all");
  const parts: readonly (readonly [title: string | null, rows: readonly (readonly string[])[]])[] =
    [
      [
        `${plural(changes.length, "changed file")} ${basisOf(set, kind)}:`,
        indented(changes.map((change) => [change.path, stateOf(change)])),
      ],
      [titleOf(targets, totalsOf), indented(targets.map((target) => rowOf(target, totalsOf)))],
      ["Farther away, not included:", indented(further.map((target) => rowOf(target, totalsOf)))],
      [null, mostOfSuite === null || isAll ? [] : [[escapeText(mostText(mostOfSuite))]]],
      [
        "In the change map, but not in the tests:",
        missing.map(({ test, row }) => [`  ${escapeText(test)} (row ${escapeText(row)})`]),
      ],
      [
        "No tests are known for these; the full suite covers them:",
        indented(unmapped.map(({ file, because }) => [file, because])),
      ],
    ];
  parts.filter(([, rows], index) => index < 2 || rows.length > 0).forEach(
    ([title, rows], index) => {
      if (index > 0) printer.line();
      if (title !== null) printer.line(title);
      printer.rows(rows);
    },
  );
  showHints(printer, found);
}

function nothingChanged({ base, unknown }: ChangeSet, kind: ChangeKind): string {
  if (unknown !== null) {
    return "Nothing is uncommitted, and what the commits changed is not known: " +
      "affected --run runs all tests.";
  }
  if (base) return `Nothing changed: no file is changed ${basisOf({ base }, kind)}.`;
  return `Nothing changed: ${kind === "staged" ? "no file is staged" : "all is committed"}.`;
}

function basisOf({ base }: Pick<ChangeSet, "base">, kind: ChangeKind): string {
  if (kind === "staged") return "staged";
  return base ? `since ${escapeText(base.name)} (${base.commit.slice(0, 12)})` : "not committed";
}

function stateOf({ status, where }: Change): string {
  return where === "untracked" ? "new, untracked" : `${status}, ${where}`;
}

function titleOf(targets: readonly AffectedTarget[], totalsOf: TotalsOf): string {
  if (targets.length === 0) return "No test is known to be affected.";
  const totals = totalsOf(targets.map(({ target }) => target));
  const recorded = totals === "" ? "" : `, ${totals} on record`;
  return `${plural(targets.length, "target")} to run first${recorded}:`;
}

function rowOf(target: AffectedTarget, totalsOf: TotalsOf): [string, string] {
  const { distance = 1 } = target;
  const away = distance > 1 ? `${distance} imports away` : "";
  const facts = [away, totalsOf([target.target])].filter((fact) => fact !== "").join("; ");
  return [target.target, becauseOf(target) + (facts === "" ? "" : ` (${facts})`)];
}

function showHints(printer: Printer, { targets, unmapped, options }: Affected): void {
  if (targets.length > 0) printer.hint("tractest affected --run");
  else if (unmapped.length > 0) printer.hint("tractest run");
  for (const { file, options: words, because } of options) {
    const command = shellCommand(["tractest", "run", "--affected", "--only", ...words]);
    printer.hint(`${unbroken(command)} (${escapeText(file)}: ${because})`);
  }
}
