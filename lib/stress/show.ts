import { escapeText } from "../base/escape.ts";
import { plural } from "../base/plural.ts";
import { rateText, type Tries } from "../base/rates.ts";
import { gist } from "../pytest/failure.ts";
import type { Printer } from "../terminal/printer.ts";
import { shownId } from "../terminal/wrap.ts";
import { fromContention, type Stressed, type Trial, triesOf } from "./rules.ts";

/** What {@linkcode showStressed} shows. */
export interface StressView {
  readonly tests: readonly Stressed[];
  /** The same tests alone; null without a baseline. */
  readonly alone: readonly Stressed[] | null;
  /** Why copies did not run to their end, and how many. */
  readonly problems: readonly { readonly message: string; readonly times: number }[];
  readonly copies: number;
  /** Finished rounds. */
  readonly rounds: number;
  readonly seconds: number;
  readonly interrupted: boolean;
  /** The file with the output of the first copy that failed; null if none did. */
  readonly log: string | null;
}

/** How many tests are shown. */
const SHOWN_TESTS = 20;
/** How many lines of a traceback are shown, the last ones. */
const SHOWN_LINES = 25;
/** How many different failures of a test are shown. */
const SHOWN_KINDS = 5;

/** The result of one round: `1 of 2 tries failed (3.1 s); so far 3 of 4 failed, 75% (30-95%)`. */
export function roundText({ trials, all, broken, copies, seconds }: {
  readonly trials: readonly Trial[];
  /** The trials of all rounds so far. */
  readonly all: readonly Trial[];
  /** Copies that did not finish. */
  readonly broken: number;
  readonly copies: number;
  readonly seconds: number;
}): string {
  const tries = `${triesOf(trials).failures} of ${plural(trials.length, "try", "tries")} failed`;
  const pytests = broken === 0 ? "" : `, ${broken} of ${copies} pytests did not finish`;
  return `${tries}${pytests} (${seconds.toFixed(1)} s); so far ${triesText(triesOf(all))}`;
}

/** The result of copies that ran alone so far. */
export function aloneText(trials: readonly Trial[]): string {
  return triesText(triesOf(trials));
}

/** `1 of 12 failed, 8% (1-35%)` */
function triesText(tries: Tries): string {
  const rate = rateText(tries);
  return `${tries.failures} of ${tries.trials} failed${rate === null ? "" : `, ${rate}`}`;
}

/** Shows how often each test failed, with others and alone, and how the first failure happened. */
export function showStressed(printer: Printer, view: StressView): void {
  const { tests, alone, problems, copies, log } = view;
  const failing = tests.filter((test) => test.failures > 0);
  const shown = [...failing, ...tests.filter((test) => test.failures === 0)].slice(0, SHOWN_TESTS);
  for (const test of shown) {
    showTest(printer, test, alone?.find((other) => other.id === test.id) ?? null, copies);
  }
  if (tests.length > shown.length) printer.line(`… and ${tests.length - shown.length} more tests`);
  const firsts = failing.flatMap((test) => test.first ?? []);
  const [first] = firsts.sort((a, b) => a.round - b.round || a.copy - b.copy);
  if (first) showFirst(printer, first);
  for (const { message, times } of problems) {
    const broken = printer.paint("red", "BROKEN");
    printer.line(`${broken} ${plural(times, "copy", "copies")}: ${escapeText(message)}`);
  }
  const bad = failing.length > 0 || problems.length > 0 || view.interrupted;
  printer.line(printer.paint(bad ? "red" : "green", totalText(view, failing.length)));
  if (log !== null) printer.note(`the output of the first copy that failed: ${escapeText(log)}`);
}

function showTest(printer: Printer, test: Stressed, alone: Stressed | null, copies: number): void {
  const { id, failures, messages, leaking, leaked, trials, slowest, median } = test;
  const word = failures > 0 ? printer.paint("red", "FAILED") : printer.paint("green", "passed");
  const how = copies === 1 ? "alone" : `${copies} at once`;
  printer.line(`${word} ${shownId(id)}: ${triesText(test)}, ${how}`);
  if (alone) printer.line(`    alone: ${triesText(alone)}${comparison(test, alone)}`);
  for (const { message, times } of messages.slice(0, SHOWN_KINDS)) {
    printer.line(`    ${times} x ${escapeText(message)}`);
  }
  if (leaking > 0) {
    const leak = printer.paint("yellow", "LEAK");
    const title = leaked[0]?.title.slice(0, 100) ?? "";
    printer.line(`    ${leak} in ${leaking} of ${trials}: ${escapeText(title)}`);
  }
  printer.line(`    slowest ${slowest.toFixed(2)} s, median ${(median ?? 0).toFixed(2)} s`);
}

function showFirst(printer: Printer, { round, copy, failure }: Trial): void {
  if (failure === null) return;
  printer.line(`the first failure, in round ${round}, copy ${copy}:`);
  const lines = failure.traceback.trimEnd().split("\n").slice(-SHOWN_LINES);
  for (const line of failure.traceback === "" ? gist(failure) : lines) {
    printer.line(`    ${escapeText(line)}`);
  }
}

function totalText(
  { tests, problems, copies, rounds, seconds, interrupted }: StressView,
  failing: number,
): string {
  const broken = problems.reduce((sum, { times }) => sum + times, 0);
  const pytests = broken > 0 ? `, ${plural(broken, "pytest")} did not run to the end,` : "";
  const failed = `${failing} of ${plural(tests.length, "test")} failed${pytests}`;
  const amount = `${plural(rounds, "round")} of ${plural(copies, "copy", "copies")}`;
  const total = `${failed} in ${amount}, ${seconds.toFixed(1)} s`;
  return interrupted ? `interrupted, so far: ${total}` : total;
}

function comparison(together: Tries, alone: Tries): string {
  const verdict = fromContention(together, alone);
  if (verdict === true) return "; contention makes it fail";
  if (verdict === false) return "; it fails less often with others";
  if (together.failures + alone.failures === 0) return "";
  return "; the intervals overlap: more --rounds would show whether contention matters";
}
