import { withoutAnsi } from "../../lib/base/escape.ts";

/** Runs shell commands, one after another, at a terminal; prints a line of JSON for each line. */
const RECORDER = new URL("../../scripts/record_terminal.py", import.meta.url).pathname;

/** A shell command that runs others at a terminal; see {@linkcode shownLines}. */
export function atTerminal(
  python: string,
  columns: number,
  commands: readonly string[],
): string {
  // A command that waits for a key is ended, and those after it print nothing.
  const words = ["timeout", "240", python, RECORDER, String(columns), "30", ...commands];
  return words.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(" ");
}

/** The lines that a terminal showed at last, without colours, and of which command each is. */
export function shownLines(printed: string): { readonly index: number; readonly text: string }[] {
  return printed.trim().split("\n").map((line) => JSON.parse(line))
    .flatMap(([index, , text]: [number, number, string]) =>
      // Lines that are drawn again begin where the first of them was.
      // deno-lint-ignore no-control-regex
      text.split(/\r\x1b\[\d+A/).map((part) => ({ index, text: lastDrawn(part) }))
    );
}

/** What stays of a line that was drawn over. */
function lastDrawn(line: string): string {
  // deno-lint-ignore no-control-regex
  const text = line.split(/\x1b\[\d*[JK]|\r/).findLast((part) => part !== "") ?? "";
  return withoutAnsi(text).trimEnd();
}
