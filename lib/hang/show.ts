import type { HangProcess, HangReport, HangTest, HangVerdict } from "../pytest/hang_event.ts";
import type { Profile } from "../project/rules_profile.ts";
import { escapeText } from "../base/escape.ts";
import type { Printer } from "../terminal/printer.ts";
import { shownId } from "../terminal/wrap.ts";

/** Processes of a tree that are shown, at most. */
const SHOWN_PROCESSES = 30;
/** Stacks that are shown with the output of a run, at most: its events and report have all. */
const NOTED_STACKS = 3;
/** Characters of a title that are shown. */
const SHOWN_TITLE = 120;

const HEADLINES: Readonly<Record<Exclude<HangVerdict, "no-verdict">, string>> = {
  "blocked-write": "a write to a full pipe that is not read",
  "waiting-for-registry": "waiting for the registry",
  "child-ignores-sigint": "waiting for a child that SIGINT can't end",
  "terminal-wanted": "waiting for a terminal",
  "stopped": "a process is stopped",
  "exit-waits-for-child": "pytest has finished and waits for a child before it exits",
  "waiting-for-connection": "a server waits for a connection, and nothing connects",
  "waiting-for-answer": "a connection gets no answer",
  "child-not-reaped": "a child is dead, and its parent has not reaped it",
  "closed-wait": "processes wait for each other, and nothing else can end that",
};

/** Verdicts that leave open whether full capture pipes are the cause. */
const ABOUT_CAPTURE: ReadonlySet<HangVerdict> = new Set(["blocked-write", "no-verdict"]);

type PointNames = Readonly<Record<HangReport["signature"][number]["point"], string>>;

const POINT_NAMES: Readonly<Record<Profile, PointNames>> = {
  tractor: {
    "fork-backend": "a fork-based backend",
    "error-tracebacks": "several tracebacks of RemoteActorError or ExceptionGroup",
    "passes-with-s": "passes with -s",
    "actors-blocked-in-write": "actors blocked in write to an inherited descriptor",
  },
  plain: {
    "fork-backend": "processes that were forked",
    "error-tracebacks": "several tracebacks of ExceptionGroup",
    "passes-with-s": "passes with -s",
    "actors-blocked-in-write": "processes blocked in write to an inherited descriptor",
  },
};

/** Shows the signature of full capture pipes, point by point. */
export function showSignature(printer: Printer, report: HangReport, profile: Profile): void {
  for (const line of signatureLines(report, profile)) printer.line(line);
}

function signatureLines({ signature }: HangReport, profile: Profile): string[] {
  if (signature.length === 0) return [];
  const points = signature.map(({ point, answer, evidence }) =>
    `  ${answer.padEnd(7)}  ${POINT_NAMES[profile][point]}: ${escapeText(evidence)}`
  );
  return ["signature of full capture pipes:", ...points];
}

/** Shows what a stuck tree waits for, as data on stdout. */
export function showHang(printer: Printer, report: HangReport, profile: Profile): void {
  for (const line of linesOf(printer, report, profile, { stream: "stdout" })) printer.line(line);
  showRecipe(printer, report);
}

/**
 * Shows the same on stderr, with the output of a run.
 *
 * @param brief only the test, the verdict and its evidence: for a coding agent
 */
export function noteHang(
  printer: Printer,
  report: HangReport,
  profile: Profile,
  brief = false,
): void {
  const how = { stream: "stderr", mostStacks: NOTED_STACKS, brief } as const;
  for (const line of linesOf(printer, report, profile, how)) printer.note(line);
  showRecipe(printer, report);
}

function showRecipe(printer: Printer, { recipe }: HangReport): void {
  for (const step of recipe) printer.hint(escapeText(step));
}

function linesOf(
  printer: Printer,
  report: HangReport,
  profile: Profile,
  { stream, mostStacks = Infinity, brief = false }: {
    readonly stream: "stdout" | "stderr";
    readonly mostStacks?: number;
    readonly brief?: boolean;
  },
): string[] {
  const { verdict, processes, evidence, unknowns } = report;
  const more = processes.length - SHOWN_PROCESSES;
  return [
    ...runningLines(report),
    ...(brief ? [] : processes.slice(0, SHOWN_PROCESSES).flatMap(processLines)),
    ...(more > 0 && !brief ? [`  … and ${more} more`] : []),
    ...stackLines(report, mostStacks),
    verdict === "no-verdict"
      ? printer.paint("yellow", "cause not determined", stream) + (evidence[0] ? "; observed:" : "")
      : `${printer.paint("red", `${verdict}:`, stream)} ${HEADLINES[verdict]}`,
    ...evidence.map((line) => `  ${escapeText(line)}`),
    ...(isAboutCapture(report, profile) && !brief ? signatureLines(report, profile) : []),
    ...unknowns.map((line) => `  not inspected: ${escapeText(line)}`),
  ];
}

/** Whether to show the signature: it is tractor's; elsewhere only where a point of it holds. */
function isAboutCapture({ verdict, signature }: HangReport, profile: Profile): boolean {
  return ABOUT_CAPTURE.has(verdict) &&
    (profile === "tractor" || signature.some(({ answer }) => answer === "yes"));
}

function runningLines({ running, verdict }: HangReport): string[] {
  if (running === null) return ["the running test is not known"];
  if (running.length === 0 && verdict !== "exit-waits-for-child") {
    return ["no test was running: it hangs before, between or after the tests"];
  }
  return running.map((test) => `${howItRuns(test)}: ${shownId(test.id)}`);
}

function howItRuns({ seconds, teardownSeconds }: HangTest): string {
  if (teardownSeconds !== undefined) {
    return `in teardown for ${teardownSeconds.toFixed(0)} s (its fixtures, or wider ones)`;
  }
  // A later test may be the one that waits.
  if (seconds === null) return "the running test is not recorded; pytest waits for a child of";
  return `running for ${seconds.toFixed(0)} s`;
}

function stackLines({ stacks }: HangReport, most: number): string[] {
  const shown = stacks.slice(0, most).flatMap(({ pid, text }) => [
    `stack of pid ${pid}:`,
    ...text.trimEnd().split("\n").map((line) => `  ${escapeText(line)}`),
  ]);
  const more = stacks.length - most;
  return more > 0
    ? [...shown, `  … and ${more} more stacks: in --json, --events and the report`]
    : shown;
}

function processLines(process: HangProcess): string[] {
  const { pid, ppid, state, waitsIn, threads, sigint, cpuSeconds, asleepSeconds, title } = process;
  const shown = title.length > SHOWN_TITLE ? `${title.slice(0, SHOWN_TITLE)}…` : title;
  const asleep = asleepSeconds ?? 0;
  const facts = [
    process.call ?? "system call unknown",
    ...(threads > 1 ? [`${threads} threads`] : []),
    ...(sigint === null ? [] : [`SIGINT ${sigint}`]),
    ...(cpuSeconds > 0 ? [`${cpuSeconds.toFixed(2)} s of CPU time`] : []),
    ...(asleep >= 1 ? [`asleep for ${asleep.toFixed(0)} s`] : []),
  ];
  const files = process.standardFiles?.map((target, fd) => `${fd} ${target ?? "closed"}`);
  const lines = [
    `pid ${pid} (parent ${ppid}) ${state} in ${waitsIn ?? "-"}: ${shown}`,
    `  ${facts.join(", ")}; ${files?.join(", ") ?? "files unknown"}`,
  ];
  return lines.map((line) => `  ${escapeText(line)}`);
}
