import { plural } from "../base/plural.ts";
import { escapeText, shellCommand, withoutAnsi } from "../base/escape.ts";
import { endOfLines, linesWithText } from "../base/last_lines.ts";
import type { Failure } from "../pytest/failure.ts";
import type { TestResult } from "../pytest/results.ts";
import type { Paint } from "../terminal/printer.ts";
import { groupByCause } from "./rules_cause.ts";
import { failureHead, type JudgedFailure, knowledgeLines, shortReason } from "./show_failures.ts";

/** Lines of the error and of the test's output that are shown of a failure. */
const [SHOWN_ERROR, SHOWN_OUTPUT] = [10, 4];
/** Characters of one line: an agent reads them all. */
const LINE_LENGTH = 240;
/** Characters that are kept for the lines after the failures. */
const RESERVED = 160;

/** What an agent reads of a run, and how much. */
export interface AgentView {
  readonly failures: readonly JudgedFailure[];
  readonly byId: ReadonlyMap<string, TestResult>;
  /** Lines that come before the failures, and after them: the last one is the verdict. */
  readonly before: readonly string[];
  readonly after: readonly string[];
  /** The most characters of the whole report. */
  readonly limit: number;
}

/**
 * The report of a run for a coding agent: each failure once, those of one cause together, at most
 * so many characters. What there was no room for is named.
 */
export function agentReport({ failures, byId, before, after, limit }: AgentView): string[] {
  const tail = size(after) + RESERVED;
  const lines: string[] = [];
  const add = (more: readonly string[]) => {
    if (size(lines) + size(more) + tail > limit) return false;
    lines.push(...more);
    return true;
  };
  const beforeShown = before.every((line) => add([line]));
  let hidden = 0;
  for (const group of groupByCause(failures)) {
    if (add(groupLines(group, byId))) continue;
    for (const failure of group) if (!add([headLine(failure, byId)])) hidden++;
  }
  const cut = [
    ...(beforeShown ? [] : ["some lines at the beginning"]),
    ...(hidden === 0
      ? []
      : [`${hidden} of ${plural(failures.length, "failure")} (tractest failed)`]),
  ];
  const note = cut.length === 0 ? [] : [`not shown, for --limit ${limit}: ${cut.join(", ")}`];
  return fitted([...lines, ...note], after, limit);
}

/** The last lines are the most important: without room for all, the first of them go. */
function fitted(lines: readonly string[], after: readonly string[], limit: number): string[] {
  const shown = [...after];
  while (shown.length > 1 && size(lines) + size(shown) > limit) shown.shift();
  return [...lines, ...shown];
}

function groupLines(
  group: readonly JudgedFailure[],
  byId: ReadonlyMap<string, TestResult>,
): string[] {
  const [first] = group;
  const rerun = shellCommand(["tractest", "run", ...group.slice(0, 3).map(({ id }) => id)]);
  const more = group.length > 3 ? `  # and ${group.length - 3} more` : "";
  const isFile = /(^|\/)conftest\.py$/.test(first!.id);
  return [
    ...group.map((failure) => headLine(failure, byId)),
    ...(group.length > 1 ? [`    all ${group.length} of one cause: ${shortReason(first!)}`] : []),
    ...errorLines(first!).map((line) => `    ${line}`),
    ...new Set(group.flatMap((failure) => knowledgeLines(failure, PLAIN))),
    ...(isFile ? [] : [`    rerun: ${clip(rerun)}${more}`]),
  ];
}

const PLAIN: Paint = (_, text) => text;

/** `FAILED tests/test_a.py::test_a at tests/test_a.py:3` */
function headLine(failure: JudgedFailure, byId: ReadonlyMap<string, TestResult>): string {
  const { where } = failure;
  const head = failureHead(failure, byId.get(failure.id), PLAIN);
  return where === null ? head : `${head} at ${escapeText(where)}`;
}

/** The end of a traceback, which ends with the error, else the message; then the test's output. */
function errorLines({ traceback, message, output = "" }: Failure): string[] {
  const error = linesOf(traceback === "" ? message : traceback);
  const shown = error.filter(isDecisive);
  return [
    ...endOfLines((shown.length > 0 ? shown : error).map(clip), SHOWN_ERROR),
    ...endOfLines(linesOf(output).map(clip), SHOWN_OUTPUT),
  ];
}

/** Whether a line of a traceback is where it failed, why, or its place: not source around that. */
function isDecisive(line: string): boolean {
  return /^(>|E +\S)|^\S.*:\d+:( |$)/.test(line);
}

function linesOf(text: string): string[] {
  return linesWithText(withoutAnsi(text));
}

function clip(line: string): string {
  const escaped = escapeText(line);
  return escaped.length > LINE_LENGTH ? `${escaped.slice(0, LINE_LENGTH)}…` : escaped;
}

/** The characters of lines, with the ends of the lines. */
function size(lines: readonly string[]): number {
  return lines.reduce((sum, line) => sum + line.length + 1, 0);
}
