import { escapeText, shellCommand } from "../base/escape.ts";
import { isFlakyAgain, recordText, type TestRecord } from "../base/rates.ts";
import { type Failure, gist } from "../pytest/failure.ts";
import type { TestResult } from "../pytest/results.ts";
import type { Paint } from "../terminal/printer.ts";
import { shownId } from "../terminal/wrap.ts";
import { groupByCause, reasonOf } from "./rules_cause.ts";

/** A changed file that may have caused a failure, and the command that shows the change. */
export interface NamedCause {
  readonly file: string;
  readonly because: string;
  /** The changed line nearest to the traceback; null: unknown. */
  readonly line: number | null;
  /** A command that shows the change; null if git has none. */
  readonly see: readonly string[] | null;
}

/** A failure with its likely explanations. */
export interface JudgedFailure extends Failure {
  /** Why the current changes most likely did not cause it; null: they may have. */
  readonly known: string | null;
  /** Whether `known` comes from the known-flaky list, not from the rule for missed limits. */
  readonly isListed: boolean;
  /** The changed file that may have caused it; null: none is known. */
  readonly related: NamedCause | null;
  /** The record of the test in earlier runs; null: none. */
  readonly record: TestRecord | null;
}

/** Failures of one cause that have a line of their own, at most. */
const SHOWN_ALIKE = 5;
/** Failures that have a line of their own, at most: pytest has shown all. */
const SHOWN_FAILURES = 20;
/** Characters of a reason on a line. */
const REASON_LENGTH = 160;

/** How a failure came about: pytest says the first two, the others ended a test from outside. */
export type FailureOutcome = "failed" | "error" | "timeout" | "crash";

/** The words that begin the lines of failures. */
export const FAILURE_WORDS: Readonly<Record<FailureOutcome, string>> = {
  failed: "FAILED",
  error: "ERROR",
  timeout: "TIMEOUT",
  crash: "CRASH",
};

/** The failures that are shown, by cause: the first causes, each with all that it has. */
export function shownGroups(failures: readonly JudgedFailure[]): JudgedFailure[][] {
  let lines = 0;
  return groupByCause(failures).filter(({ length }) => {
    return (lines += Math.min(length, SHOWN_ALIKE)) <= SHOWN_FAILURES;
  });
}

/**
 * The failures of one cause: a line for each with its reason, then what is known about them. Where
 * pytest has not printed a failure, since it was ended from outside, its gist follows.
 */
export function failureLines(
  group: readonly JudgedFailure[],
  byId: ReadonlyMap<string, TestResult>,
  paint: Paint,
): string[] {
  const [first] = group;
  const alike = group.length - 1;
  const wasEnded = endedBy(first!, byId.get(first!.id)) !== null;
  return [
    ...group.slice(0, SHOWN_ALIKE).map((failure, index) => {
      const head = failureHead(failure, byId.get(failure.id), paint);
      return index > 0 || wasEnded ? head : `${head}${reasonText(failure)}`;
    }),
    ...(group.length > SHOWN_ALIKE ? [`… and ${group.length - SHOWN_ALIKE} more`] : []),
    ...(alike > 0 ? [`    all ${group.length} of one cause: ${shortReason(first!)}`] : []),
    ...(wasEnded ? gist(first!).map((line) => `    ${escapeText(line)}`) : []),
    ...groupKnowledge(group.slice(0, SHOWN_FAILURES), paint),
  ];
}

/** What is known about the failures of one cause; records that differ stand with their tests. */
function groupKnowledge(group: readonly JudgedFailure[], paint: Paint): Iterable<string> {
  const records = new Set(group.map(pastText));
  if (records.size < 2) return new Set(group.flatMap((failure) => knowledgeLines(failure, paint)));
  return new Set([
    ...group.flatMap((failure) => knowledgeLines({ ...failure, record: null }, paint)),
    ...group.slice(0, SHOWN_ALIKE).flatMap((failure) => {
      const past = pastText(failure);
      return past === null ? [] : [`    ${shownId(nameOf(failure.id))}: ${past}`];
    }),
  ]);
}

function pastText({ record }: JudgedFailure): string | null {
  return record && recordText(record);
}

/** The part of an id that names the test in its file. */
function nameOf(id: string): string {
  return id.split("::").slice(1).join("::") || id;
}

/** `FAILED 2 times tests/test_a.py::test_a (setup) [known flaky]` */
export function failureHead(
  failure: JudgedFailure,
  test: TestResult | undefined,
  paint: Paint,
): string {
  const { id, phase, known, isListed, record } = failure;
  const word = paint("red", FAILURE_WORDS[outcomeOfFailure(failure, test)]);
  const attempts = test?.attempts.length ?? 0;
  const times = attempts > 1 ? ` ${attempts} times` : "";
  const where = phase === "call" ? "" : ` (${phase})`;
  const marks = [
    ...(known === null ? [] : [isListed ? "[known flaky]" : "[likely timing]"]),
    ...(record && isFlakyAgain(record) ? ["[flaky by record]"] : []),
  ];
  const painted = marks.map((mark) => ` ${paint("yellow", mark)}`).join("");
  return `${word}${times} ${shownId(id)}${where}${painted}`;
}

/** What is known about a failure besides its own text. */
export function knowledgeLines(failure: JudgedFailure, paint: Paint): string[] {
  const { known, related } = failure;
  const past = pastText(failure);
  return [
    ...(known === null ? [] : [`    ${escapeText(known)}`]),
    ...(past === null ? [] : [`    ${past}`]),
    ...(related === null ? [] : causeLines(related, paint)),
  ];
}

/** The reason of a failure and its place, after its id. */
function reasonText(failure: JudgedFailure): string {
  const reason = shortReason(failure);
  const place = failure.where === null ? "" : ` (${escapeText(failure.where)})`;
  return (reason === "" ? "" : `: ${reason}`) + place;
}

/** The reason of a failure on one line. */
export function shortReason(failure: Pick<Failure, "message">): string {
  const reason = reasonOf(failure);
  const isLong = reason.length > REASON_LENGTH;
  return escapeText(isLong ? `${reason.slice(0, REASON_LENGTH)}…` : reason);
}

function causeLines({ file, because, line, see }: NamedCause, paint: Paint): string[] {
  const place = escapeText(line === null ? file : `${file}:${line}`);
  const lines = [
    `    ${paint("bold", "changed:")} ${place}, a likely cause: ${escapeText(because)}`,
  ];
  if (see === null) return lines;
  const command = escapeText(shellCommand(see));
  return [...lines, `    to see the change: ${command}; after a fix: tractest run --lf`];
}

/** How a failure of a test came about. */
export function outcomeOfFailure(
  failure: JudgedFailure,
  test: TestResult | undefined,
): FailureOutcome {
  return endedBy(failure, test) ?? (failure.phase === "call" ? "failed" : "error");
}

/** What ended a test from outside, if this failure says so and not an earlier one of the test. */
function endedBy(
  { phase, message }: JudgedFailure,
  test: TestResult | undefined,
): "timeout" | "crash" | null {
  const last = test?.failures.at(-1);
  return last?.phase === phase && last.message === message ? test!.attempts.at(-1)!.ended : null;
}
