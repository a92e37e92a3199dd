import type { Failure } from "./failure.ts";

/** Where a traceback of Python begins: the error that it ends with stands in the same column. */
const TRACEBACK = /(?:Exception Group )?Traceback \(most recent call last\):/;
/**
 * The line between two errors of a group: two columns after its cross the next one begins, which
 * may have no traceback.
 */
const BETWEEN = /\+-{8,} (?:\d+|\.\.\.) -{8,}/;
/** An error's class, and what it says. */
const ERROR = /^(?:[A-Za-z_]\w*\.)*[A-Za-z_]\w*(?::.*)?$/;
/** An error that is named in the middle of a text: in what a child has printed, say. */
const NAMED = /\b(?:[A-Za-z_]\w*\.)*[A-Z]\w*(?:Error|Exception|TIMEOUT|Interrupt)\b: ?\S/;

/**
 * The lines of a text that name the errors that its tracebacks end with, in their order: the last
 * one is where it all began, however many processes the error has come through.
 */
export function errorLines(text: string): string[] {
  const found: string[] = [];
  let column: number | null = null;
  for (const line of text.split("\n")) {
    const [begins, between] = [line.search(TRACEBACK), line.search(BETWEEN)];
    if (begins >= 0 || between >= 0) column = begins >= 0 ? begins : between + 2;
    else if (column !== null && ERROR.test(line.slice(column))) {
      found.push(line.slice(column).trimEnd());
      column = null;
    }
  }
  return found;
}

/**
 * The line among these that says most about what went wrong: the error that the last traceback ends
 * with, else the last error that is named; null if none is.
 */
export function decisiveLine(lines: readonly string[]): string | null {
  return errorLines(lines.join("\n")).at(-1) ??
    lines.findLast((line) => NAMED.test(line))?.trim() ?? null;
}

/** Errors that only carry others: what they carry says what went wrong. */
const CARRIERS: ReadonlySet<string> = new Set([
  "ExceptionGroup",
  "BaseExceptionGroup",
  "MultiError",
  "NonBaseMultiError",
  "RemoteActorError",
  "ContextCancelled",
  "MessagingError",
  "Cancelled",
]);

/**
 * The classes of the errors that say what went wrong in a failure: those that are no mere carriers
 * of others. Empty where only carriers are known.
 */
export function decisiveErrors({ errors, message }: Pick<Failure, "errors" | "message">): string[] {
  // A worker of pytest-xdist says no more than the message does, which begins with the class.
  const names = errors.length > 0
    ? errors
    : /^(?:[A-Za-z_]\w*\.)*[A-Z]\w*(?=:|\n|$)/.exec(message)?.slice(0, 1) ?? [];
  return names.filter((name) => !isCarrier(name));
}

/** Whether errors of a class only carry others. */
export function isCarrier(name: string): boolean {
  return CARRIERS.has(classOf(name));
}

/** `trio.TooSlowError` → `TooSlowError` */
export function classOf(name: string): string {
  return name.slice(name.lastIndexOf(".") + 1);
}
