import { plural } from "../base/plural.ts";
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
 * Shows a check as rows: status, id, evidence and fix.
 *
 * @param width columns of the id
 * @param silent whether checks that are ok or skipped are shown without evidence
 */
export function showCheck(
  check: CheckResult,
  printer: Printer,
  { shown, width, silent }: {
    readonly shown: "stdout" | "stderr";
    readonly width: number;
    readonly silent: boolean;
  },
): void {
  const status = printer.paint(COLOURS[check.status], check.status, shown);
  const brief = silent && (check.status === "ok" || check.status === "skipped");
  const [first = "", ...more] = brief ? [] : check.detail.split("\n");
  const fixes = brief || check.fix === null ? [] : check.fix.split("\n");
  const label = printer.paint("blue", "fix:", shown);
  const rows = [
    [status, check.id, escapeText(first)],
    ...more.map((line) => ["", "", escapeText(line)]),
    ...fixes.map((line) => ["", "", `${label} ${escapeText(line)}`]),
  ];
  printer.rows(rows, { stream: shown, least: [STATUS_WIDTH, width] });
}

/** Number of characters of the evidence that {@linkcode stopText} repeats. */
const EVIDENCE_LIMIT = 120;

/**
 * The last line of a preflight that stops a run: the failed check, and the next command to type.
 * Null if no check failed.
 */
export function stopText(checks: readonly CheckResult[]): string | null {
  const failed = checks.find((check) => check.status === "fail");
  if (!failed) return null;
  const [found = ""] = failed.detail.split("\n");
  const next = failed.fix?.split("\n")[0] ?? "tractest doctor";
  const evidence = found.length > EVIDENCE_LIMIT ? `${found.slice(0, EVIDENCE_LIMIT)}…` : found;
  return `stopped by "${failed.id}": ${evidence}. No test was started. Next: ${next}`;
}

/** `23 checks: 20 ok, 2 warn, 1 skipped` */
export function summaryText(checks: readonly CheckResult[]): string {
  const statuses = Object.keys(COLOURS) as CheckStatus[];
  const counts = statuses.map((status) => {
    const count = checks.filter((check) => check.status === status).length;
    return count > 0 ? [`${count} ${status}`] : [];
  });
  return `${plural(checks.length, "check")}: ${counts.flat().join(", ")}`;
}

/** The question when there is no virtual environment; `command` makes one. */
export function venvQuestion(command: string): string {
  return `No uv venv is active. Should I activate one via \`${command}\`, ` +
    "or would you prefer to activate your shell venv first?";
}

/** The answers to {@linkcode venvQuestion}. */
export const VENV_CHOICES = [
  { value: "sync", name: "Create/sync venv" },
  { value: "self", name: "I'll activate it myself" },
] as const;
