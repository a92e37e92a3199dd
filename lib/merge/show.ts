import { escapeText } from "../base/escape.ts";
import { plural } from "../base/plural.ts";
import { countsLine } from "../pytest/counts.ts";
import { type Failure, gist } from "../pytest/failure.ts";
import { RED, type TestResult } from "../pytest/results.ts";
import type { Printer } from "../terminal/printer.ts";
import type { Merged, MergedPart } from "./rules.ts";

/** Tests that are named, at most. */
const SHOWN = 10;

/** How the merged run ended, in words, or why it is doubtful; null when by itself. */
export function endingOf(merged: Merged): string | null {
  const { missing, unfinished, duplicates, problems, endings } = merged;
  if (endings.length > 0) return endings.join("; ");
  if (missing.length > 0) return `shard ${missing.join(", ")} missing`;
  if (unfinished.length > 0) return `${plural(unfinished.length, "test")} without a result`;
  if (problems.length > 0) return problems.join("; ");
  const twice = duplicates.length;
  return twice > 0 ? `${plural(twice, "test")} ran on several machines` : null;
}

/** A merge for `--json`. */
export function documentOf(merged: Merged): Record<string, unknown> {
  const { exitCode, missing, unfinished, duplicates, problems, seconds, run } = merged;
  return {
    exitCode,
    ending: endingOf(merged),
    shards: merged.parts,
    missing,
    unfinished,
    duplicates,
    problems,
    counts: run.counts,
    failures: run.failures.map(({ id, phase, message }) => ({ id, phase, message })),
    flaky: run.finished.filter((test) => test.flaky).map((test) => test.id),
    seconds,
  };
}

/** Shows each part, the failures, contradictions between parts, and the verdict. */
export function showMerged(printer: Printer, merged: Merged, ending: string | null): void {
  const { parts, missing, unfinished, duplicates, problems, run, exitCode } = merged;
  for (const part of parts) printer.line(partLine(part));
  for (const failure of run.failures) showFailure(printer, failure);
  for (const test of run.finished) if (test.flaky) showFlaky(printer, test);
  for (const problem of problems) printer.warn(escapeText(problem));
  const count = parts.find((part) => part.shard)?.shard?.count;
  if (missing.length > 0) printer.warn(`no file from shard ${missing.join(", ")} of ${count}`);
  const repeated = duplicates.map(({ id, files }) => `${id}  (${files.join(", ")})`);
  showTests(printer, unfinished, (count) => `${plural(count, "collected test")} without a result`);
  showTests(printer, repeated, (count) => `${plural(count, "test")} ran on several machines`);
  printer.line(
    printer.paint(exitCode === 0 ? "green" : "red", escapeText(verdictText(merged, ending))),
  );
}

function showFailure(printer: Printer, failure: Failure): void {
  const word = printer.paint("red", failure.phase === "call" ? "FAILED" : "ERROR");
  printer.line(`${word} ${escapeText(failure.id)}`);
  for (const line of gist(failure)) printer.line(`    ${escapeText(line)}`);
}

function showFlaky(printer: Printer, { id, attempts }: TestResult): void {
  const reds = attempts.filter(({ outcome }) => RED.has(outcome)).length;
  const word = printer.paint("yellow", "FLAKY");
  printer.line(`${word} ${escapeText(id)} failed ${plural(reds, "time")}, then passed`);
}

function showTests(
  printer: Printer,
  names: readonly string[],
  what: (count: number) => string,
): void {
  if (names.length === 0) return;
  printer.warn(`${what(names.length)}:`);
  for (const name of names.slice(0, SHOWN)) printer.note(`  ${escapeText(name)}`);
  if (names.length > SHOWN) printer.note(`  … and ${names.length - SHOWN} more`);
}

/** `shard 3 missing: 5 passed on 2 machines, the slowest in 1.00 s`; not escaped. */
export function verdictText({ parts, run, seconds }: Merged, ending: string | null): string {
  const why = ending === null ? "" : `${ending}: `;
  const counts = countsLine(run.counts, run);
  const machines = `${plural(parts.length, "machine")}, the slowest in ${seconds.toFixed(2)} s`;
  return `${why}${counts} on ${machines}`;
}

function partLine(part: MergedPart): string {
  const { which, end, tests, file } = partWords(part);
  return `${which.padEnd(7)} ${end.padEnd(8)} ${tests}  ${escapeText(file)}`;
}

/** Which part a file has, how its run ended, and how many tests it ran; not escaped. */
export function partWords(
  { file, shard, exitCode, tests }: MergedPart,
): Record<"which" | "end" | "tests" | "file", string> {
  return {
    which: shard === null ? "all" : `${shard.index}/${shard.count}`,
    end: exitCode === null ? "killed" : `exit ${exitCode}`,
    tests: plural(tests, "test"),
    file,
  };
}
