import { unicodeWidth } from "@std/cli";

/** The narrowest and the widest text that is laid out for a terminal, in columns. */
const [NARROWEST, WIDEST] = [40, 100];

/** The columns to lay a text out for, of a terminal's own. */
export function textWidth(columns: number): number {
  return Math.min(WIDEST, Math.max(NARROWEST, columns));
}

/** Breaks a text between words, into lines of at most `width` columns where words allow that. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const last = lines.at(-1);
    if (last !== undefined && unicodeWidth(last) + 1 + unicodeWidth(word) <= width) {
      lines[lines.length - 1] = `${last} ${word}`;
    } else lines.push(word);
  }
  return lines;
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
  const widths = rows.map(([term]) => unicodeWidth(term)).filter((each) => each <= longest);
  const column = Math.max(0, ...widths);
  const isNarrow = width - column < 30;
  const indent = isNarrow ? 6 : column + 4;
  return rows.flatMap(([term, description]) => {
    const below = wrap(description, width - indent).map((line) => " ".repeat(indent) + line);
    if (isNarrow || unicodeWidth(term) > longest) return [`  ${term}`, ...below];
    const first = `  ${term}`.padEnd(indent) + (below[0] ?? "").trimStart();
    return [first.trimEnd(), ...below.slice(1)];
  });
}
