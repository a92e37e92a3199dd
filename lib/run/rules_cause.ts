import type { Failure } from "../pytest/failure.ts";
import type { TestResult } from "../pytest/results.ts";
import { decisiveErrors, decisiveLine, isCarrier } from "../pytest/decisive.ts";

/** The line of a failure that says most: the original error, else the first of its message. */
export function reasonOf({ message }: Pick<Failure, "message">): string {
  const lines = message.split("\n");
  return decisiveLine(lines) ?? lines.find((line) => line.trim() !== "")?.trim() ?? "";
}

/**
 * Groups failures that have the same cause by all that they say: the same class of error, the same
 * reason but for numbers and addresses, and, for assertions, which are alike in many tests, the
 * same place. Groups and their failures keep their order.
 */
export function groupByCause<Each extends Failure>(failures: readonly Each[]): Each[][] {
  const groups = new Map<string, Each[]>();
  for (const failure of failures) {
    const key = causeOf(failure) ?? `alone ${groups.size}`;
    groups.set(key, [...groups.get(key) ?? [], failure]);
  }
  return [...groups.values()];
}

/** Failures of one cause from which on it is worth to try one of them before the others. */
const LEAST_ALIKE = 3;

/** Tests whose latest failures have the same cause: one of them stands for all. */
export interface Alike {
  readonly first: TestResult;
  readonly others: readonly TestResult[];
}

/**
 * Groups failed tests that one of them may stand for when they are tried again: the shortest. Tests
 * that were ended from outside stand for none, nor do a few of one cause.
 */
export function alike(tests: readonly TestResult[]): Alike[] {
  const failures = tests.flatMap((test) => {
    const { failure, ended } = test.attempts.at(-1)!;
    return failure === null || ended !== null ? [] : [{ ...failure, test }];
  });
  return groupByCause(failures).filter((group) => group.length >= LEAST_ALIKE).map((group) => {
    const all = group.map(({ test }) => test);
    const first = all.reduce((least, one) => one.seconds < least.seconds ? one : least);
    return { first, others: all.filter((test) => test !== first) };
  });
}

/** Whether a test's last attempt failed for the cause of the one before. */
export function failedAgain({ attempts }: TestResult): boolean {
  const [before, now] = attempts.slice(-2).map(({ failure }) => failure);
  return before != null && now != null && groupByCause([before, now]).length === 1;
}

/** How Python reports an unknown host name (EAI_NONAME), and an unreachable network on Linux. */
const OTHER_MACHINE = /\[Errno (?:-2|101)\]/;

/**
 * Whether a failure says that a test needs another machine. Isolated pytests have no network to
 * reach it, and each its own, so that none of them can be the cause for another one.
 */
export function needsOtherMachine(failure: Failure): boolean {
  const reason = reasonOf(failure);
  return OTHER_MACHINE.test(reason) && !isPlain(errorOf(failure, reason));
}

function causeOf(failure: Failure): string | null {
  const reason = reasonOf(failure);
  const error = errorOf(failure, reason);
  if (reason === "" || error === "") return null;
  const place = isPlain(error) || reason === error ? failure.where ?? failure.id : "";
  return JSON.stringify([error, plainReason(reason), place]);
}

/** The class of the error behind a failure; empty where unknown. */
function errorOf(failure: Failure, reason: string): string {
  return decisiveErrors(failure)[0] ?? originalError(reason);
}

/** Whether errors of a class are alike in many tests. */
function isPlain(error: string): boolean {
  return error === "AssertionError" || error === "Failed";
}

/** The class at the start of a reason, where the errors only wrap others; else empty. */
function originalError(reason: string): string {
  const [name = ""] = /^(?:[A-Za-z_]\w*\.)*[A-Za-z_]\w*(?=: )/.exec(reason) ?? [];
  return isCarrier(name) ? "" : name;
}

/** A reason without what differs from one process to the next. */
function plainReason(reason: string): string {
  return reason.replace(/0x[0-9a-fA-F]+|\d+/g, "0").replace(/ {2,}/g, " ");
}
