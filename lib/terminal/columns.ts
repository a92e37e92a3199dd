import { unicodeWidth } from "@std/cli";

/**
 * Rows of cells as lines, each column as wide as its widest cell; the last column is left as it is.
 */
export function columns(rows: readonly (readonly string[])[], gap = 2): string[] {
  const widths: number[] = [];
  for (const row of rows) {
    row.slice(0, -1).forEach((cell, index) =>
      widths[index] = Math.max(widths[index] ?? 0, visibleWidth(cell))
    );
  }
  return rows.map((row) =>
    row.map((cell, index) =>
      index === row.length - 1 ? cell : cell + " ".repeat(widths[index]! - visibleWidth(cell) + gap)
    ).join("").trimEnd()
  );
}

/** Columns that text takes on a terminal, colour codes not counted. */
function visibleWidth(text: string): number {
  // deno-lint-ignore no-control-regex
  return unicodeWidth(text.replace(/\x1b\[[0-9;]*m/g, ""));
}
