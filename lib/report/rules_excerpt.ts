import type { Failure } from "../pytest/failure.ts";

/** A line of a traceback: the code that failed, what the error says, or anything else. */
export interface ExcerptLine {
  readonly kind: "failing" | "error" | "plain";
  readonly text: string;
}

/** The part of a failure to read first. */
export interface Excerpt {
  readonly lines: readonly ExcerptLine[];
  /** Lines of the traceback that say more, and are not in it. */
  readonly hidden: number;
  /** Whether the traceback has all of its lines. */
  readonly isPart: boolean;
}

/** Lines of code before the one that failed, and lines of the error, at most. */
const SHOWN = { before: 6, errors: 30 } as const;

/**
 * The line that failed, with the code before it and the error after it. In pytest's long style the
 * line begins with `>` and the error with `E`, in its short style the line is the one before. Other
 * styles have no such lines: there it is the end of the traceback, or the message without one.
 */
export function excerptOf({ message, traceback }: Pick<Failure, "message" | "traceback">): Excerpt {
  const lines = traceback.replace(/\n+$/, "").split("\n");
  const error = lastBlock(lines);
  if (error === null) return endOf(message, traceback === "" ? [] : lines);
  const marked = lines[error.from - 1] ?? "";
  const isCode = marked.startsWith(">") || /^ {4}\S/.test(marked);
  const failing = isCode ? error.from - 1 : error.from;
  const before = marked.startsWith(">") ? codeBefore(lines, failing) : failing;
  const end = Math.min(error.to, error.from + SHOWN.errors);
  const shown = lines.slice(before, end).map((text, index): ExcerptLine => {
    const at = before + index;
    return { kind: at < failing ? "plain" : at < error.from ? "failing" : "error", text };
  });
  const others = [...lines.slice(0, before), ...lines.slice(end).filter((line) => !isPlace(line))];
  return { lines: shown, hidden: others.filter(hasText).length, isPart: true };
}

/** The last lines in a row that begin with `E`. */
function lastBlock(
  lines: readonly string[],
): { readonly from: number; readonly to: number } | null {
  const last = lines.findLastIndex(isError);
  if (last < 0) return null;
  let from = last;
  while (from > 0 && isError(lines[from - 1]!)) from--;
  return { from, to: last + 1 };
}

function isError(line: string): boolean {
  return /^E(?: {3}|$)/.test(line);
}

/** The first of the lines of code before a line, without empty ones at the beginning. */
function codeBefore(lines: readonly string[], failing: number): number {
  let first = failing;
  // The traceback's first line has lost its indentation.
  const isCode = (index: number) => index === 0 || /^ {4}/.test(lines[index]!);
  while (first > 0 && failing - first < SHOWN.before && isCode(first - 1)) first--;
  while (first < failing && !hasText(lines[first]!)) first++;
  return first;
}

function endOf(message: string, lines: readonly string[]): Excerpt {
  const said = message.split("\n").slice(0, SHOWN.errors);
  const shown = said.map((text): ExcerptLine => ({ kind: "error", text }));
  const isWhole = lines.every((line) => !hasText(line) || said.includes(line));
  return { lines: shown, hidden: isWhole ? 0 : lines.filter(hasText).length, isPart: false };
}

/** `test_a.py:7: AssertionError`, after an error: the page shows it above. */
function isPlace(line: string): boolean {
  return /^[^\s:][^:]*:\d+: [\w.]+$/.test(line);
}

function hasText(line: string): boolean {
  return line.trim() !== "";
}
