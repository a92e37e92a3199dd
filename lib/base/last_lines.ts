import { withoutAnsi } from "./escape.ts";
import { plural } from "./plural.ts";

/** The first line of a text that has more than blanks, without colours and not too long. */
export function oneLine(text: string, most = 240): string {
  const line = linesWithText(withoutAnsi(text))[0]?.trimStart() ?? "";
  return line.length > most ? `${line.slice(0, most)}…` : line;
}

/** The lines of a text that have more than blanks, without blanks at their ends. */
export function linesWithText(text: string): string[] {
  return text.split("\n").map((line) => line.trimEnd()).filter((line) => line !== "");
}

/** Lines at the end of an output in which an error is searched for. */
const LAST_LINES = 8;

/** The last of the lines that is about an error, near their end; null if none is. */
export function lastError(lines: readonly string[]): string | null {
  const isAboutError = /\b(error|fail(ed|ure)?|fatal|exceeded)\b|[a-z](Error|Exception|Warning)\b/i;
  // A rule of pytest, or a failed test in its summary.
  const isSummary = /^(=.*=|-.*-|(FAILED|ERROR) .*)$/;
  const found = lines.slice(-LAST_LINES).findLast((line) =>
    isAboutError.test(line) && !isSummary.test(line)
  );
  // As pytest marks the lines of an error.
  return found?.replace(/^E +/, "") ?? null;
}

/** The last lines, after one that says how many are left out. */
export function endOfLines(lines: readonly string[], most: number): string[] {
  const hidden = lines.length - most;
  return hidden > 0 ? [`… ${plural(hidden, "line")} before`, ...lines.slice(-most)] : [...lines];
}
