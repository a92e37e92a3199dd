import { unicodeWidth } from "@std/cli";
import type { Cause, Change } from "../affected/affected_targets.ts";
import { becauseOf } from "../affected/because_line.ts";
import { escapeText } from "../base/escape.ts";
import { plural } from "../base/plural.ts";
import { EXIT, type ExitCode } from "../tables/exit_codes.ts";
import { columns } from "../terminal/columns.ts";
import type { Printer } from "../terminal/printer.ts";
import { NO_TESTS } from "./rules.ts";
import type { Plan, Wish } from "./wish.ts";

/** The keys, and what each does. */
export const KEYS = [
  ["Enter", "all tests"],
  ["f", "failed"],
  ["a", "affected"],
  ["r", "again"],
  ["q", "quit"],
] as const;

const KEYS_TEXT = KEYS.map(([key, does]) => `${key}: ${does}`).join(", ");

/** How many files a title names, and how many reasons are shown. */
const NAMED = 3;
const SHOWN = 10;

/** The sentences of `watch`. */
export const say = {
  /** Why a run starts: `store/cart.py changed`. */
  title(wish: Wish, changes: readonly Change[]): string {
    const files = changes.length === 0 ? "" : changesText(changes);
    if (wish.kind === "changes") return files;
    const wanted = wish.kind === "all"
      ? "all tests"
      : wish.kind === "failed"
      ? "the tests that failed last time"
      : wish.changes === "uncommitted"
      ? "affected by what is not committed"
      : "affected by the changes of this branch";
    return files === "" ? wanted : `${wanted}; ${files}`;
  },
  /** Why there is nothing to run. */
  nothing(
    wish: Wish,
    changes: readonly Change[],
    { unmapped, isLimited }: { unmapped: readonly Cause[]; isLimited: boolean },
  ): string {
    if (isLimited) return "no test of the typed targets is affected: nothing to run";
    if (wish.kind === "failed") return "no test is recorded as failed: nothing to run";
    if (changes.length === 0) return "nothing changed: nothing to run";
    const why = unmapped.length === 1 ? ` (${unmapped[0]!.because})` : "";
    return `no test is known to be affected${why}: nothing to run`;
  },
  written: (path: string): string =>
    `${path} changes whenever tests run, so they seem to write it: it starts no run until it ` +
    "changes while no tests run",
  restarts: (title: string): string => `${title}: ending this run to start again`,
  polling: "reading all files every second instead",
  noKeys: "SIGINT or SIGTERM ends it",
} as const;

function changesText(changes: readonly Change[]): string {
  const [first] = changes;
  const did = (status: Change["status"]) => status === "modified" ? "changed" : status;
  if (changes.length === 1) return `${first!.path} ${did(first!.status)}`;
  const names = changes.slice(0, NAMED).map(({ path, status }) =>
    status === "modified" ? path : `${path} (${status})`
  );
  const more = changes.length - names.length;
  const rest = more > 0 ? ` and ${more} more` : "";
  return `${plural(changes.length, "file")} changed: ${names.join(", ")}${rest}`;
}

/** Shows what is watched. */
export function showBeginning(printer: Printer, root: string, files: number): void {
  printer.note(`watching ${plural(files, "file")} below ${escapeText(root)}`);
}

/** Shows why a run starts, and why these tests. */
export function showPlan(
  printer: Printer,
  { title, reasons, notes }: Plan,
  { time, width }: { time: string; width: number },
): void {
  const head = `── ${time}  ${escapeText(title)} `;
  const line = "─".repeat(Math.max(2, Math.min(width, 100) - unicodeWidth(head) - 1));
  printer.note();
  printer.note(printer.paint("bold", `${head}${line}`, "stderr"));
  const rows = reasons.slice(0, SHOWN).map((reason) =>
    ["  " + escapeText(reason.target), escapeText(becauseOf(reason))] as const
  );
  for (const row of columns(rows)) printer.note(row);
  if (reasons.length > SHOWN) printer.note(`  and ${reasons.length - SHOWN} more`);
  for (const note of notes) printer.note(`  ${escapeText(note)}`);
}

/** Shows how a run ended, and that changes are awaited. */
export function showWaiting(
  printer: Printer,
  code: ExitCode | null,
  { time, hasKeys }: { time: string; hasKeys: boolean },
): void {
  const result = code === null ? "" : `${resultText(printer, code)}, `;
  const keys = printer.paint("dim", `  ${hasKeys ? KEYS_TEXT : say.noKeys}`, "stderr");
  printer.note(`── ${time}  ${result}waiting for changes${keys}`);
}

function resultText(printer: Printer, code: ExitCode): string {
  if (code === EXIT.ok) return printer.paint("green", "PASSED", "stderr");
  if (code === EXIT.testsFailed) return printer.paint("red", "FAILED", "stderr");
  if (code === NO_TESTS) return printer.paint("yellow", "no tests ran", "stderr");
  if (code === EXIT.leakedButPassed) {
    return printer.paint("yellow", "passed, but not clean (84)", "stderr");
  }
  return printer.paint("red", `ended with exit code ${code}`, "stderr");
}
