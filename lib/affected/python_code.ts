/** One name that a Python file imports. */
export interface PythonImport {
  /** The number of leading dots: 0 for an absolute import. */
  readonly level: number;
  /** Dotted; empty for `from . import x`. */
  readonly module: string;
  /** The name taken from the module, `*` for all; null for `import a.b`; or {@linkcode BELOW}. */
  readonly name: string | null;
  /** Its name in the file: `a` after `import a.b`; null where no name is bound. */
  readonly bound: string | null;
  /** Only for type checkers: in `if TYPE_CHECKING`. */
  readonly typing: boolean;
}

/** Every module below a package, as {@linkcode PythonImport.name}: which one is not known. */
export const BELOW = "**";

/** Python's text with strings apart. */
export interface PythonCode {
  /** Without comments and continued lines; a string is its quoted index in `strings`. */
  readonly code: string;
  /** The contents of the strings, as written. */
  readonly strings: readonly string[];
}

/** An import and its place in the code. */
export type Placed = readonly [at: number, imported: Omit<PythonImport, "typing">];

/**
 * Separates code from strings and comments.
 *
 * @param enough the place of the last statement that is wanted; all unless given
 */
export function pythonCode(text: string, enough = Infinity): PythonCode {
  const strings: string[] = [];
  const parts: string[] = [];
  let at = 0;
  const skip = (start: number) => {
    const mark = text[start]!;
    if (mark === "#") {
      parts.push(text.slice(at, start));
      return lineEnd(text, start);
    }
    if (mark === "\\") {
      // A backslash within a line is not Python.
      const [line] = /^\\\r?\n/.exec(text.slice(start, start + 3)) ?? [];
      parts.push(
        text.slice(at, line === undefined ? start + 1 : start),
        line === undefined ? "" : " ",
      );
      return start + (line ?? mark).length;
    }
    const quote = text.startsWith(mark.repeat(3), start) ? mark.repeat(3) : mark;
    const [end, closed] = endOfString(text, start, quote);
    parts.push(text.slice(at, start), `"${strings.length}"`);
    strings.push(text.slice(start + quote.length, closed ? end - quote.length : end));
    return end;
  };
  MARKS.lastIndex = 0;
  while (at < enough && MARKS.test(text)) {
    const start = MARKS.lastIndex - 1;
    if (start >= enough) break;
    MARKS.lastIndex = at = skip(start);
  }
  if (at >= text.length || enough === Infinity) {
    return { code: parts.join("") + text.slice(at), strings };
  }
  // The rest of the statement ends with its line, or with a parenthesis that begins on it.
  let inParenthesis = false;
  MARKS_AND_ENDS.lastIndex = Math.max(at, enough);
  while (MARKS_AND_ENDS.test(text)) {
    const start = MARKS_AND_ENDS.lastIndex - 1;
    const mark = text[start]!;
    if (mark === "(") inParenthesis = true;
    else if (mark === ")" || mark === "\n") {
      if (inParenthesis === (mark === ")")) {
        return { code: parts.join("") + text.slice(at, start + 1), strings };
      }
    } else MARKS_AND_ENDS.lastIndex = at = skip(start);
  }
  return { code: parts.join("") + text.slice(at), strings };
}

const MARKS = /["'#\\]/g;
const MARKS_AND_ENDS = /["'#\\\n()]/g;
/**
 * A dotted name. All characters beyond ASCII count as letters: Unicode classes take longer to build
 * than a whole project takes to read.
 */
export const DOTTED =
  /^[A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*(?:\.[A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*)*$/;

/** Where a string ends, and whether it is closed there; one without triple quotes ends its line. */
function endOfString(text: string, start: number, quote: string): [end: number, closed: boolean] {
  const first = start + quote.length;
  let line = quote.length === 3 ? Infinity : lineEnd(text, first);
  for (let from = first;;) {
    const end = text.indexOf(quote, from);
    if (end >= 0 && end < line) {
      if (!isEscaped(text, end, first)) return [end + quote.length, true];
      from = end + 1;
    } else if (line < text.length && isEscaped(text, line, first)) {
      from = text.indexOf("\n", line) + 1;
      line = lineEnd(text, from);
    } else {
      return [Math.min(line, text.length), false];
    }
  }
}

/** Where the line of a place ends. */
function lineEnd(text: string, from: number): number {
  const end = text.indexOf("\n", from);
  return end < 0 ? text.length : text[end - 1] === "\r" ? end - 1 : end;
}

/** Whether an odd number of backslashes precedes a place. */
function isEscaped(text: string, at: number, first: number): boolean {
  let count = 0;
  while (at - 1 - count >= first && text[at - 1 - count] === "\\") count++;
  return count % 2 === 1;
}
