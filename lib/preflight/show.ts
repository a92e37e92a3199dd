import type { CheckResult, CheckStatus } from "./rules.ts";
import { escapeText } from "../base/escape.ts";
import type { Colour, Printer } from "../terminal/printer.ts";

const COLOURS: Readonly<Record<CheckStatus, Colour>> = {
  ok: "green",
  warn: "yellow",
  fail: "red",
  unknown: "yellow",
  skipped: "dim",
};
const STATUS_WIDTH = "unknown".length;

/**
 * One check as lines: status, id, what was found, and what to do about it.
 *
 * @param shown where the lines go, for their colours
 * @param width columns of the ids
 * @param silent leaves out what was found where nothing is wrong
 */
export function checkLines(
  check: CheckResult,
  printer: Printer,
  { shown, width, silent }: {
    readonly shown: "stdout" | "stderr";
    readonly width: number;
    readonly silent: boolean;
  },
): string[] {
  const status = printer.paint(COLOURS[check.status], check.status.padEnd(STATUS_WIDTH), shown);
  const quiet = silent && (check.status === "ok" || check.status === "skipped");
  const [first = "", ...more] = quiet ? [] : check.detail.split("\n");
  const indent = " ".repeat(STATUS_WIDTH + width + 4);
  return [
    `${status}  ${check.id.padEnd(width)}  ${escapeText(first)}`.trimEnd(),
    ...more.map((line) => `${indent}${escapeText(line)}`),
    ...(check.fix === null || quiet
      ? []
      : check.fix.split("\n").map((line) =>
        `${indent}${printer.paint("blue", "fix:", shown)} ${escapeText(line)}`
      )),
  ];
}
