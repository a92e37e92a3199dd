/** The first line of a Python traceback. The error at its end begins in the same column. */
const TRACEBACK = /(?:Exception Group )?Traceback \(most recent call last\):/;
/** The line between two errors of a group. The next one is two columns right of its cross. */
const BETWEEN = /\+-{8,} (?:\d+|\.\.\.) -{8,}/;
/** A line of a traceback whose first line was cut out of a long message. */
const FRAME = /(?<=^[ |]*)(?= {2}File ")/;
/** What stands for the lines that were cut out. */
const CUT = "…";
/** An error's class and message. */
const ERROR = /^(?:[A-Za-z_]\w*\.)*[A-Za-z_]\w*(?::.*)?$/;
/** An error within other text, such as the output of a child. */
const NAMED = /\b(?:[A-Za-z_]\w*\.)*[A-Z]\w*(?:Error|Exception|TIMEOUT|Interrupt)\b: ?\S/;

/**
 * The last lines of all tracebacks in a text, in order. The last one is the original error, however
 * many processes it came through.
 */
export function errorLines(text: string): string[] {
  const found: string[] = [];
  let column: number | null = null;
  let isCut = false;
  for (const line of text.split("\n")) {
    if (line === CUT) isCut = true;
    const frame: number = isCut ? line.search(FRAME) : -1;
    if (frame >= 0) [column, isCut] = [frame, false];
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
 * The most useful line about a failure: the error of the last traceback, else the last error
 * that is named; null if none is.
 */
export function decisiveLine(lines: readonly string[]): string | null {
  return errorLines(lines.join("\n")).at(-1) ??
    lines.findLast((line) => NAMED.test(line))?.trim() ?? null;
}

/** Errors that only wrap others. */
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

/** The classes of the actual errors of a failure, without those that only wrap others. */
export function decisiveErrors(
  { errors, message }: { readonly errors: readonly string[]; readonly message: string },
): string[] {
  // Of a worker of pytest-xdist only the message is known, which begins with the class.
  const names = errors.length > 0
    ? errors
    : /^(?:[A-Za-z_]\w*\.)*[A-Z]\w*(?=:|\n|$)/.exec(message)?.slice(0, 1) ?? [];
  return names.filter((name) => !isCarrier(name));
}

/** Whether errors of a class only wrap others. */
export function isCarrier(name: string): boolean {
  return CARRIERS.has(classOf(name));
}

/** `trio.TooSlowError` → `TooSlowError` */
export function classOf(name: string): string {
  return name.slice(name.lastIndexOf(".") + 1);
}
