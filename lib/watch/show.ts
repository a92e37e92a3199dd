import { unicodeWidth } from "@std/cli";
import type { Cause, Change } from "../affected/affected_targets.ts";
import { becauseOf } from "../affected/because_line.ts";
import { escapeText } from "../base/escape.ts";
import { plural } from "../base/plural.ts";
import { TractestError } from "../errors.ts";
import { EXIT, type ExitCode, PYTEST_EXIT } from "../tables/exit_codes.ts";
import { shownId } from "../terminal/wrap.ts";
import type { Colour, Printer } from "../terminal/printer.ts";
import { wrap } from "../terminal/wrap.ts";
import type { Plan, Wish } from "./wish.ts";

/** The keys, and what each does. */
export const KEYS = [
  ["Enter", "all"],
  ["f", "failed"],
  ["a", "affected"],
  ["r", "again"],
  ["q", "quit"],
] as const;

const KEYS_TEXT = KEYS.map(([key, does]) => `${key} ${does}`).join(" · ");

/** How many files a title names, of few and of many, and how many reasons are shown. */
const NAMED = 3;
const MANY = 10;
const SHOWN = 10;

/** The sentences of `watch`. */
export const say = {
  /** Why a run starts: `store/cart.py changed`. */
  title(wish: Wish, changes: readonly Change[]): string {
    const files = changes.length === 0 ? "" : changesText(changes);
    if (wish.kind === "failed") return "the tests that failed last time";
    if (wish.kind === "changes") return files === "" ? "nothing changed" : files;
    const wanted = wish.kind === "all"
      ? "all tests"
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
    if (isLimited) return "none of these tests is among the typed targets: nothing to run";
    if (wish.kind === "failed") return "no test is recorded as failed: nothing to run";
    if (changes.length === 0) return "nothing changed: nothing to run";
    const why = unmapped.length === 1 ? ` (${unmapped[0]!.because})` : "";
    return `no test is known to be affected${why}: nothing to run`;
  },
  written(paths: readonly string[]): string {
    const [first, ...others] = paths;
    const [it, changes] = others.length === 0 ? ["it", "changes"] : ["them", "change"];
    const more = others.length === 0 ? "" : ` and ${plural(others.length, "other file")}`;
    return `${first}${more} ${changes} whenever tests run, so the tests seem to write ${it}: ` +
      "only a change while no tests run starts a run";
  },
  failedLast: (count: number): string => `${plural(count, "test")} failed last time`,
  restarts: (title: string): string => `${title}: ending this run to start again`,
  polling: "reading all files every second instead",
  noKeys: "SIGINT or SIGTERM ends it",
} as const;

function changesText(changes: readonly Change[]): string {
  const [first] = changes;
  const did = (status: Change["status"]) => status === "modified" ? "changed" : status;
  if (changes.length === 1) return `${first!.path} ${did(first!.status)}`;
  const names = changes.slice(0, changes.length > MANY ? 1 : NAMED).map(({ path, status }) =>
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

/** Where and when something is shown. */
export interface Moment {
  readonly time: string;
  /** Columns of the terminal. */
  readonly width: number;
  readonly hasKeys: boolean;
}

/** Shows why a run starts. */
export function showTitle(printer: Printer, title: string, { time, width }: Moment): void {
  const head = `── ${time}  ${escapeText(title)} `;
  const line = "─".repeat(Math.max(2, Math.min(width, 100) - unicodeWidth(head) - 1));
  printer.note();
  printer.note(printer.paint("bold", `${head}${line}`, "stderr"));
}

/** Shows why these tests run, or why there is no plan. */
export function showPlan(printer: Printer, plan: Plan | TractestError): void {
  if (plan instanceof TractestError) {
    printer.note(`${printer.paint("red", "error:", "stderr")} ${escapeText(plan.message)}`);
    if (plan.hint) printer.hint(escapeText(plan.hint));
    return;
  }
  const { reasons, notes } = plan;
  const rows = reasons.slice(0, SHOWN).map((reason) =>
    ["  " + shownId(reason.target), escapeText(becauseOf(reason))] as const
  );
  printer.rows(rows, { stream: "stderr" });
  if (reasons.length > SHOWN) printer.note(`  and ${reasons.length - SHOWN} more`);
  for (const note of notes) printer.note(`  ${escapeText(note)}`);
}

/** Shows how a run ended, and that changes are awaited. */
export function showWaiting(
  printer: Printer,
  code: ExitCode | null,
  { time, width, hasKeys }: Moment,
): void {
  const keys = hasKeys ? KEYS_TEXT : say.noKeys;
  const ended = code === null ? "" : `${resultText(code).text}, `;
  const isOneLine = unicodeWidth(`── ${time}  ${ended}waiting for changes  ${keys}`) < width;
  const lines = isOneLine
    ? [`  ${keys}`]
    : ["", ...wrap(keys, width - 4).map((row) => `   ${row}`)];
  const result = code === null ? "" : `${painted(printer, code)}, `;
  printer.note(
    `── ${time}  ${result}waiting for changes` + printer.paint("dim", lines.join("\n"), "stderr"),
  );
}

function painted(printer: Printer, code: ExitCode): string {
  const { colour, text } = resultText(code);
  return printer.paint(colour, text, "stderr");
}

/** How a run with this exit code ended. */
export function resultText(code: ExitCode): { readonly colour: Colour; readonly text: string } {
  if (code === EXIT.ok) return { colour: "green", text: "PASSED" };
  if (code === EXIT.testsFailed) return { colour: "red", text: "FAILED" };
  if (code === PYTEST_EXIT.noTests) return { colour: "yellow", text: "no tests ran" };
  if (code === EXIT.leakedButPassed) return { colour: "yellow", text: "PASSED, not clean (84)" };
  if (code <= PYTESTS_OWN) return { colour: "red", text: `ERROR (exit code ${code})` };
  const isCut = code >= EXIT.timeLimit;
  return { colour: "red", text: `${isCut ? "cut short" : "not run"} (exit code ${code})` };
}

/** Exit codes up to this one are pytest's. */
const PYTESTS_OWN = 6;
