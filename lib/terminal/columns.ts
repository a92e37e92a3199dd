import { fold, visibleWidth, widestWord, withCommands, wrap } from "./wrap.ts";

/** How rows are laid out. */
export interface ColumnOptions {
  /** Columns of the terminal; null: as wide as the rows are, for a file or a program. */
  readonly width?: number | null;
  /** The least width of each column. */
  readonly least?: readonly number[];
}

/** Columns between two cells. */
const GAP = 2;
/** The narrowest room in which the last cell is wrapped beside the others. */
const NARROWEST_LAST = 20;
/** By how many columns lines are indented that belong to the one above. */
const FURTHER = 4;

/**
 * Formats rows as lines, each column as wide as its widest cell; the last is not padded, but
 * wrapped at the terminal's width. Where there is no room for that, the cells follow each other,
 * and as many share a line as fit. Words stay whole.
 */
export function columns(
  rows: readonly (readonly string[])[],
  { width = null, least = [] }: ColumnOptions = {},
): string[] {
  const widths = [...least];
  for (const row of rows) {
    row.slice(0, -1).forEach((cell, index) =>
      widths[index] = Math.max(widths[index] ?? 0, visibleWidth(cell))
    );
  }
  const padded = (row: readonly string[]) =>
    row.slice(0, -1).map((cell, index) =>
      cell + " ".repeat(widths[index]! - visibleWidth(cell) + GAP)
    ).join("");
  if (width === null) return rows.map((row) => (padded(row) + (row.at(-1) ?? "")).trimEnd());
  return rows.flatMap((row) => {
    if (row.length === 1) return fold(row[0]!, width);
    const before = padded(row);
    const room = width - visibleWidth(before);
    return visibleWidth(row.at(-1) ?? "") > room && room < NARROWEST_LAST
      ? stacked(row, width)
      : beside(before, row.at(-1) ?? "", width);
  });
}

/** The last cell wrapped in its column, or below the others if only there its words fit. */
function beside(before: string, last: string, width: number): string[] {
  const column = visibleWidth(before);
  const text = withCommands(last);
  const widest = widestWord(text);
  const helps = widest <= width - FURTHER || !text.includes(" ");
  const isBelow = widest > width - column && helps;
  const indent = " ".repeat(isBelow ? FURTHER : column);
  const [first = "", ...more] = wrap(text, width - indent.length);
  const fits = !isBelow && column + visibleWidth(first) <= width;
  const lines = fits ? [before + first] : [before, indent + first];
  return [...lines, ...more.map((line) => indent + line)].flatMap(notBlank);
}

function stacked(row: readonly string[], width: number): string[] {
  const [first = "", ...others] = row;
  const indent = " ".repeat(FURTHER);
  const lines = fold(first.trimEnd(), width).flatMap(notBlank);
  for (const cell of others.filter((one) => one.trim() !== "")) {
    const last = lines.at(-1);
    if (last !== undefined && visibleWidth(last) + GAP + visibleWidth(cell) <= width) {
      lines[lines.length - 1] = `${last}${" ".repeat(GAP)}${cell}`;
    } else {
      const parts = wrap(withCommands(cell.trim()), width - FURTHER);
      lines.push(...parts.map((part) => indent + part));
    }
  }
  return lines;
}

/** The line, unless there is nothing on it. */
function notBlank(line: string): string[] {
  return line.trim() === "" ? [] : [line.trimEnd()];
}
