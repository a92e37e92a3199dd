import { unicodeWidth } from "@std/cli";

/** Formats rows as lines, each column as wide as its widest cell; the last is not padded. */
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

/** The width of a text on a terminal, without colour codes. */
function visibleWidth(text: string): number {
  // deno-lint-ignore no-control-regex
  return unicodeWidth(text.replace(/\x1b\[[0-9;]*m/g, ""));
}
