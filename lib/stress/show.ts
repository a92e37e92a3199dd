import { escapeText } from "../base/escape.ts";
import { rateText, type Tries } from "../base/rates.ts";
import { fromContention, type Stressed } from "./rules.ts";
import { gist } from "../pytest/failure.ts";
import type { Printer } from "../terminal/printer.ts";

/** What {@linkcode showStressed} shows. */
export interface StressView {
  readonly tests: readonly Stressed[];
  /** The same tests, alone; null when that was not asked for. */
  readonly alone: readonly Stressed[] | null;
  /** What kept copies from running their tests to the end, and how many. */
  readonly problems: readonly { readonly message: string; readonly times: number }[];
  readonly copies: number;
  /** Rounds that are over. */
  readonly rounds: number;
  readonly seconds: number;
  readonly interrupted: boolean;
  /** Where the output of the first copy that failed is kept; null if none did. */
  readonly log: string | null;
}

/** Tests that are shown one by one, at most. */
const SHOWN_TESTS = 20;
/** Lines of a traceback that are shown, its last ones. */
const SHOWN_LINES = 25;
/** Kinds of failures of one test that are shown, at most. */
const SHOWN_KINDS = 5;

/** `1 of 12 failed, 8% (1-35%)` */
export function triesText(tries: Tries): string {
  const rate = rateText(tries);
  return `${tries.failures} of ${tries.trials} failed${rate === null ? "" : `, ${rate}`}`;
}

/**
 * Shows how often which test failed, beside others and alone, and how the first failure came about.
 */
export function showStressed(
  printer: Printer,
  { tests, alone, problems, copies, rounds, seconds, interrupted, log }: StressView,
): void {
  const failing = tests.filter((test) => test.failures > 0);
  const shown = [...failing, ...tests.filter((test) => test.failures === 0)].slice(0, SHOWN_TESTS);
  for (const test of shown) {
    const word = test.failures > 0
      ? printer.paint("red", "FAILED")
      : printer.paint("green", "passed");
    printer.line(
      `${word} ${escapeText(test.id)}: ${triesText(test)}, ${
        copies === 1 ? "alone" : `${copies} at once`
      }`,
    );
    const before = alone?.find((other) => other.id === test.id);
    if (before) printer.line(`    alone: ${triesText(before)}${besides(test, before)}`);
    for (const { message, times } of test.messages.slice(0, SHOWN_KINDS)) {
      printer.line(`    ${times} x ${escapeText(message)}`);
    }
    if (test.leaking > 0) {
      const [{ title = "" } = {}] = test.leaked;
      printer.line(
        `    ${printer.paint("yellow", "LEAK")} in ${test.leaking} of ${test.trials}: ${
          escapeText(title.slice(0, 100))
        }`,
      );
    }
    printer.line(
      `    slowest ${test.slowest.toFixed(2)} s, median ${(test.median ?? 0).toFixed(2)} s`,
    );
  }
  if (tests.length > shown.length) printer.line(`… and ${tests.length - shown.length} more tests`);
  const [first] = failing.flatMap((test) => test.first ?? []).sort((a, b) =>
    a.round - b.round || a.copy - b.copy
  );
  if (first?.failure) {
    printer.line(`the first failure, in round ${first.round}, copy ${first.copy}:`);
    const lines = first.failure.traceback.trimEnd().split("\n");
    const text = first.failure.traceback === "" ? gist(first.failure) : lines.slice(-SHOWN_LINES);
    for (const line of text) printer.line(`    ${escapeText(line)}`);
  }
  for (const { message, times } of problems) {
    printer.line(
      `${printer.paint("red", "BROKEN")} ${times} cop${times === 1 ? "y" : "ies"}: ${
        escapeText(message)
      }`,
    );
  }
  const broken = problems.reduce((sum, { times }) => sum + times, 0);
  const what = interrupted ? "interrupted, so far: " : "";
  const count = `${failing.length} of ${tests.length} test${tests.length === 1 ? "" : "s"} failed`;
  printer.line(printer.paint(
    failing.length > 0 || problems.length > 0 || interrupted ? "red" : "green",
    `${what}${count}${
      broken > 0 ? `, ${broken} pytest${broken === 1 ? "" : "s"} did not run to the end,` : ""
    } in ${rounds} round${rounds === 1 ? "" : "s"} of ${copies} cop${copies === 1 ? "y" : "ies"}, ${
      seconds.toFixed(1)
    } s`,
  ));
  if (log !== null) printer.note(`the output of the first copy that failed: ${escapeText(log)}`);
}

function besides(beside: Tries, alone: Tries): string {
  const verdict = fromContention(beside, alone);
  if (verdict === true) return "; contention makes it fail";
  if (verdict === false) return "; it fails less beside others";
  return beside.failures + alone.failures === 0
    ? ""
    : "; the intervals overlap: more --rounds would tell whether contention matters";
}
