import { unicodeWidth } from "@std/cli";
import { escapeText } from "../base/escape.ts";

/** The narrowest and the widest text that is laid out for a terminal, in columns. */
const [NARROWEST, WIDEST] = [40, 100];

/** The columns to lay a text out for, of a terminal's own. */
export function textWidth(columns: number): number {
  return Math.min(WIDEST, Math.max(NARROWEST, columns));
}

/** Stands for a space at which no line may end. `escapeText` removes it from foreign text. */
const JOINT = "\x1f";

/** Keeps a text on one line, since it is copied as a whole: an id with spaces, a command. */
export function unbroken(text: string): string {
  return text.replaceAll(" ", JOINT);
}

/** A test id to copy. */
export function shownId(id: string): string {
  return unbroken(escapeText(id));
}

/** A text as it is written: what {@linkcode unbroken} joined has spaces again. */
export function asWritten(text: string): string {
  return text.replaceAll(JOINT, " ");
}

/** The width of a text on a terminal, without colour codes. */
export function visibleWidth(text: string): number {
  // deno-lint-ignore no-control-regex
  return unicodeWidth(text.replace(/\x1b\[[0-9;]*m/g, "").replaceAll(JOINT, " "));
}

/** The widest part of a text that stays on one line. */
export function widestWord(text: string): number {
  return Math.max(0, ...text.split(" ").map(visibleWidth));
}

/**
 * Breaks a text between words, into lines of at most `width` columns where words allow that;
 * `first`: the same for the first line.
 */
export function wrap(text: string, width: number, first = width): string[] {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const last = lines.at(-1);
    if (
      last !== undefined &&
      visibleWidth(last) + 1 + visibleWidth(word) <= (lines.length > 1 ? width : first)
    ) {
      lines[lines.length - 1] = `${last} ${word}`;
    } else if (word !== "" || last === undefined) lines.push(word);
  }
  return lines.map((line) => line.trimEnd());
}

/** Programs whose command lines are copied. */
const PROGRAMS = [
  "(uv|uvx) [a-z]+",
  "git (add|branch|config|diff|fetch|init|log|push|remote|show|stash|status|worktree)",
  "(kill|ps|rm) -",
  "(env|unset|pip install) [\\w-]+",
  "(chmod|sudo|cd) ",
];
/** A command after a colon, up to the end or a semicolon, and one of tractest anywhere. */
const [COMMAND, OWN_COMMAND] = [
  new RegExp(
    "(?<=^|: |:\\x1b\\[\\d+m )(\\w+=\\S+ )*" +
      `(${PROGRAMS.join("|")})\\S*( \\S*[^\\s;:,.])*(?=$|; )`,
    "g",
  ),
  /\btractest (hooks )?[a-z-]+( (--?\S+|\d\S*|[A-Z]{2,}|(pre|post)-\S+))*/g,
];

/** Keeps the commands of a text on one line each. */
export function withCommands(text: string): string {
  return text.replace(COMMAND, unbroken).replace(OWN_COMMAND, unbroken);
}

/** Columns by which the further lines of a folded line are indented. */
const FURTHER = 2;

/**
 * Breaks a line that is wider than a terminal, between words; what follows is indented. A command
 * or an id that is wider than the terminal has a line of its own.
 */
export function fold(line: string, width: number): string[] {
  if (visibleWidth(line) <= width) return [line];
  // deno-lint-ignore no-control-regex
  const [, before = "", own = ""] = /^((?:\x1b\[[0-9;]*m)*)( *)/.exec(line) ?? [];
  const indent = own + " ".repeat(FURTHER);
  const text = withCommands(line.slice(before.length + own.length));
  const [first = "", ...more] = wrap(text, width - indent.length, width - own.length);
  return [before + own + first, ...more.map((each) => indent + each)];
}

/**
 * Lays out terms with their descriptions, wrapped at `width` columns. A term that is longer than
 * `longest` columns stands on a line of its own; on a narrow terminal every term does.
 */
export function definitions(
  rows: readonly (readonly [term: string, description: string])[],
  width: number,
  longest = 26,
): string[] {
  const widths = rows.map(([term]) => visibleWidth(term)).filter((each) => each <= longest);
  const column = Math.max(0, ...widths);
  const isNarrow = width - column < 30;
  const indent = isNarrow ? 6 : column + 4;
  return rows.flatMap(([term, description]) => {
    const below = wrap(description, width - indent).map((line) => " ".repeat(indent) + line);
    if (isNarrow || visibleWidth(term) > longest) return [`  ${term}`, ...below];
    const first = `  ${term}`.padEnd(indent) + (below[0] ?? "").trimStart();
    return [first.trimEnd(), ...below.slice(1)];
  });
}

/** The lines of a text as they are written to a stream, folded at the width of a terminal. */
export function foldFor(
  { isTerminal, columns }: { readonly isTerminal: boolean; readonly columns: number },
  text: string,
): string {
  if (!isTerminal) return asWritten(text);
  return asWritten(text.split("\n").flatMap((line) => fold(line, columns)).join("\n"));
}
