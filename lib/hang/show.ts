import type { HangProcess, HangReport, HangVerdict } from "../pytest/hang_event.ts";
import { escapeText } from "../base/escape.ts";
import { POINT_NAMES } from "./rules_signature.ts";
import type { Printer } from "../terminal/printer.ts";

/** Processes of a tree that are shown, at most. */
const SHOWN_PROCESSES = 30;
/**
 * Stacks that are shown beside the output of a run, at most: all are in its events and its report.
 */
const NOTED_STACKS = 3;
/** Characters of a title that are shown. */
const SHOWN_TITLE = 120;

const HEADLINES: Readonly<Record<HangVerdict, string>> = {
  "blocked-write": "a write to a full pipe that nobody reads",
  "waiting-for-registry": "waiting for the registry",
  "child-ignores-sigint": "waiting for a child that SIGINT can't end",
  "terminal-wanted": "a terminal is wanted",
  "stopped": "a stopped process",
  "exit-waits-for-child": "pytest has finished, and waits for a child before it exits",
  "child-not-reaped": "a child is dead, and its parent never waited for it",
  "no-verdict": "nothing is proven; this is what was seen",
};

/** Verdicts that leave it open whether full capture pipes are the cause. */
const ABOUT_CAPTURE: ReadonlySet<HangVerdict> = new Set(["blocked-write", "no-verdict"]);

/** Shows the signature of the hang of full capture pipes, point by point. */
export function showSignature(printer: Printer, report: HangReport): void {
  for (const line of signatureLines(report)) printer.line(line);
}

function signatureLines({ signature }: HangReport): string[] {
  if (signature.length === 0) return [];
  return [
    "is it the hang of full capture pipes? its signature, point by point:",
    ...signature.map(({ point, answer, evidence }) =>
      `  ${answer.padEnd(7)}  ${POINT_NAMES[point]}: ${escapeText(evidence)}`
    ),
  ];
}

/** A line of a report, and where it belongs. */
interface Line {
  readonly kind: "data" | "hint";
  readonly text: string;
}

/** Shows what a stuck tree waits for: as data of `hang`. */
export function showHang(printer: Printer, report: HangReport): void {
  for (const { kind, text } of lines(printer, report, "stdout")) {
    kind === "hint" ? printer.hint(text) : printer.line(text);
  }
}

/** The same as talk, beside the output of a run. */
export function noteHang(printer: Printer, report: HangReport): void {
  for (const { kind, text } of lines(printer, report, "stderr", NOTED_STACKS)) {
    kind === "hint" ? printer.hint(text) : printer.note(text);
  }
}

function lines(
  printer: Printer,
  report: HangReport,
  stream: "stdout" | "stderr",
  mostStacks = Infinity,
): Line[] {
  const { verdict, running, processes, evidence, recipe, stacks, unknowns } = report;
  const more = processes.length - SHOWN_PROCESSES;
  const data = [
    ...(running ?? []).map(({ id, seconds }) =>
      `${seconds === null ? "running" : `running for ${seconds.toFixed(0)} s`}: ${escapeText(id)}`
    ),
    ...(running === null ? ["which test runs can't be told from outside"] : []),
    ...(running?.length === 0 && verdict !== "exit-waits-for-child"
      ? ["no test was running: it hung before the first one, between two, or at exit"]
      : []),
    ...processes.slice(0, SHOWN_PROCESSES).flatMap((process) => processLines(process)),
    ...(more > 0 ? [`  … and ${more} more`] : []),
    ...stacks.slice(0, mostStacks).flatMap((
      { pid, text },
    ) => [
      `stack of pid ${pid}:`,
      ...text.trimEnd().split("\n").map((line) => `  ${escapeText(line)}`),
    ]),
    ...(stacks.length > mostStacks
      ? [`  … and ${stacks.length - mostStacks} more stacks: in --json, --events and the report`]
      : []),
    `${printer.paint(verdict === "no-verdict" ? "yellow" : "red", `${verdict}:`, stream)} ${
      HEADLINES[verdict]
    }`,
    ...evidence.map((line) => `  ${escapeText(line)}`),
    ...(ABOUT_CAPTURE.has(verdict) ? signatureLines(report) : []),
    ...unknowns.map((line) => `  could not be looked at: ${escapeText(line)}`),
  ];
  return [
    ...data.map((text) => ({ kind: "data" as const, text })),
    ...recipe.map((text) => ({ kind: "hint" as const, text: escapeText(text) })),
  ];
}

function processLines(process: HangProcess): string[] {
  const {
    pid,
    ppid,
    state,
    waitsIn,
    call,
    threads,
    standardFiles,
    sigint,
    cpuSeconds,
    asleepSeconds,
    title,
  } = process;
  const shown = title.length > SHOWN_TITLE ? `${title.slice(0, SHOWN_TITLE)}…` : title;
  const facts = [
    call ?? "its call can't be read",
    ...(threads > 1 ? [`${threads} threads`] : []),
    ...(sigint === null ? [] : [`SIGINT ${sigint}`]),
    ...(cpuSeconds > 0 ? [`${cpuSeconds.toFixed(2)} s of processor time`] : []),
    ...(asleepSeconds !== null && asleepSeconds >= 1
      ? [`asleep for ${asleepSeconds.toFixed(0)} s`]
      : []),
  ];
  const files = standardFiles === null
    ? "its files can't be read"
    : standardFiles.map((target, fd) => `${fd} ${target ?? "closed"}`).join(", ");
  return [
    `  pid ${pid} (parent ${ppid}) ${escapeText(state)} in ${escapeText(waitsIn ?? "-")}: ${
      escapeText(shown)
    }`,
    `    ${escapeText(facts.join(", "))}; ${escapeText(files)}`,
  ];
}
