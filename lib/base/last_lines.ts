import { plural } from "./plural.ts";

/** The lines of a text that have more than blanks, without blanks at their ends. */
export function linesWithText(text: string): string[] {
  return text.split("\n").map((line) => line.trimEnd()).filter((line) => line !== "");
}

/** The last lines, after one that says how many are left out. */
export function endOfLines(lines: readonly string[], most: number): string[] {
  const hidden = lines.length - most;
  return hidden > 0 ? [`… ${plural(hidden, "line")} before`, ...lines.slice(-most)] : [...lines];
}
