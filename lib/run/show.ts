import { escapeText, shellCommand } from "../base/escape.ts";
import { portsOf } from "../leaks/show.ts";
import { describeLeft } from "../pytest/describe_left.ts";
import { countsLine } from "../pytest/counts.ts";
import type { LeftBehind } from "../pytest/events.ts";
import { RED, type TestResult } from "../pytest/results.ts";
import { type Failure, gist } from "../pytest/failure.ts";
import type { RunModel } from "../pytest/run_model.ts";
import type { LeakReport } from "../leaks/leak_report.ts";
import type { Cascade } from "../pytest/cascade.ts";
import { isFlakyAgain, rateText, recordText, type TestRecord } from "../base/rates.ts";
import type { Paint, Printer } from "../terminal/printer.ts";

/** A changed file that may be the cause of a failure, and what shows the change. */
export interface NamedCause {
  readonly file: string;
  readonly because: string;
  /**
   * The changed line that is nearest to where the failure came through; null where that is unknown.
   */
  readonly line: number | null;
  /** A command that shows the change; null where git has nothing to show. */
  readonly see: readonly string[] | null;
}

/** A failure with what is known about it. */
export interface JudgedFailure extends Failure {
  /** Why it is most likely no fault of the current changes; null when it deserves a look. */
  readonly known: string | null;
  /**
   * Whether that is so because the known-flaky list names it, and not by the rule of thumb for
   * missed time limits.
   */
  readonly isListed: boolean;
  /** The changed file that may be its cause, and why; null when none is known. */
  readonly related: NamedCause | null;
  /** What earlier runs recorded of the test; null when nothing is on record. */
  readonly record: TestRecord | null;
}

/** What the verdict of a run shows. */
export interface VerdictView {
  readonly run: RunModel;
  /**
   * How the run ended, when not by itself: `interrupted`, `time limit of 120 s`, `pytest was ended
   * by SIGSEGV`.
   */
  readonly ending: string | null;
  readonly seconds: number;
  readonly failures: readonly JudgedFailure[];
  /** Evidence that a held registry breaks the run; null when nothing points there. */
  readonly collision: string | null;
  /** All tests, in the order in which they began. */
  readonly tests: readonly TestResult[];
  /** What was left behind, nobody knows by which test. */
  readonly leaked: readonly LeftBehind[];
  /** Those that failed beside others and passed alone. */
  readonly contended: ReadonlySet<string>;
  /** Failures that an earlier test has caused. */
  readonly cascades: readonly Cascade[];
  /** How often a test was to be run at most. */
  readonly tries: number;
  /** How well pytests at once shared the work; null where there was one. */
  readonly balance: string | null;
  /** Commands to type next. */
  readonly next: readonly string[];
}

/** Failures that are shown one by one, at most: pytest has shown them all. */
const SHOWN_FAILURES = 20;

/** Where the verdict goes: standard error when standard output streams events. */
export type VerdictStream = "stdout" | "stderr";

/**
 * Shows the verdict: what looks like a cause of everything first, then the failures, then the
 * counts.
 */
export function showVerdict(printer: Printer, stream: VerdictStream, view: VerdictView): void {
  const paint: Paint = (colour, text) => printer.paint(colour, text, stream);
  const outlived = printer.verbose
    ? view.tests.flatMap((test) => outlivedLines(escapeText(test.id), test.left))
    : [];
  for (const line of [...outlived, ...verdictLines(view, paint)]) {
    stream === "stdout" ? printer.line(line) : printer.note(line);
  }
  for (const command of view.next) printer.hint(`next: ${escapeText(command)}`);
}

function verdictLines(view: VerdictView, paint: Paint): string[] {
  const poisoned = new Set(view.cascades.flatMap((cascade) => cascade.poisoned));
  const own = view.failures.filter((failure) => !poisoned.has(failure.id));
  const outcomes = new Map(view.tests.map((test) => [test.id, test]));
  const more = own.length - SHOWN_FAILURES;
  return [
    "",
    ...(view.collision === null ? [] : [
      `${paint("red", "all tests broken?")} this looks like a held registry, not like the tests: ${
        escapeText(view.collision)
      }`,
      "  look at the registry before the test code: tractest zombies",
      "  or run with a registry of its own: tractest run --isolate",
    ]),
    ...own.slice(0, SHOWN_FAILURES).flatMap((failure) =>
      failureLines(failure, outcomes.get(failure.id), paint)
    ),
    ...(more > 0 ? [`… and ${more} more; all of them: tractest failed`] : []),
    ...view.cascades.flatMap((cascade) => cascadeLines(cascade, paint)),
    ...view.tests.filter((test) => test.flaky).flatMap((test) => flakyLines(test, view, paint)),
    ...view.tests.flatMap((test) => leakLines(escapeText(test.id), test.leaked, paint)),
    ...leakLines("a test that can't be told", view.leaked, paint),
    ...cutLines(view.tests, paint),
    ...(view.balance === null ? [] : [view.balance]),
    summary(view, paint),
  ];
}

/** Words for outcomes that pytest has none for. */
const WORDS: Readonly<Record<string, string>> = { timeout: "TIMEOUT", crash: "CRASH" };

function failureLines(
  failure: JudgedFailure,
  test: TestResult | undefined,
  paint: Paint,
): string[] {
  const word = WORDS[endedBy(failure, test) ?? ""] ??
    (failure.phase === "call" ? "FAILED" : "ERROR");
  const where = failure.phase === "call" ? "" : ` (${failure.phase})`;
  const marks = [
    ...(failure.known === null ? [] : [failure.isListed ? "[known flaky]" : "[likely timing]"]),
    ...(failure.record && isFlakyAgain(failure.record) ? ["[flaky by record]"] : []),
  ];
  const record = failure.record && recordText(failure.record);
  const tries = (test?.attempts.length ?? 0) > 1 ? ` ${test!.attempts.length} times` : "";
  return [
    `${paint("red", word)}${tries} ${escapeText(failure.id)}${where}${
      marks.map((mark) => ` ${paint("yellow", mark)}`).join("")
    }`,
    ...gist(failure).map((line) => `    ${escapeText(line)}`),
    ...(failure.known === null ? [] : [`    ${escapeText(failure.known)}`]),
    ...(record === null ? [] : [`    ${record}`]),
    ...(failure.related === null ? [] : causeLines(failure.related, paint)),
  ];
}

function causeLines({ file, because, line, see }: NamedCause, paint: Paint): string[] {
  const place = escapeText(line === null ? file : `${file}:${line}`);
  return [
    `    ${paint("bold", "changed:")} ${place}, a likely cause: ${escapeText(because)}`,
    ...(see === null ? [] : [
      `    try: look at the change: ${
        escapeText(shellCommand(see))
      }; after a fix: tractest run --lf`,
    ]),
  ];
}

/**
 * What ended a test from outside, where a failure says that and nothing that the test said before.
 */
function endedBy({ phase, message }: JudgedFailure, test: TestResult | undefined): string | null {
  const last = test?.failures.at(-1);
  return last?.phase === phase && last.message === message ? test!.attempts.at(-1)!.ended : null;
}

/** Many failures, one cause. */
function cascadeLines({ culprit, poisoned }: Cascade, paint: Paint): string[] {
  const after = culprit === null ? "a test that can't be told" : escapeText(culprit);
  return [
    `${
      paint("red", "POISONED")
    } ${poisoned.length} test(s) found trio still running in their process, left so by ${after}`,
    `    no failures of their own; the first: ${escapeText(poisoned[0]!)}`,
  ];
}

function flakyLines(test: TestResult, { contended, tries }: VerdictView, paint: Paint): string[] {
  const reds = test.attempts.filter((attempt) => RED.has(attempt.outcome)).length;
  const first = test.attempts.find((attempt) => RED.has(attempt.outcome))!.failure;
  const why = first === null ? "" : `: ${escapeText(first.message.split("\n", 1)[0]!)}`;
  if (contended.has(test.id)) {
    return [
      `${paint("yellow", "CONTENTION")} ${
        escapeText(test.id)
      } failed beside others, passed alone${why}`,
      `    ${evidenceOf(reds, test.attempts.length)}`,
      `    alone it also came in another order: if a test before it is the cause, this finds it: ${
        escapeText(shellCommand(["tractest", "bisect", test.id]))
      }`,
    ];
  }
  return [
    `${paint("yellow", `FLAKY ${reds + 1}/${Math.max(tries, reds + 1)}`)} ${
      escapeText(test.id)
    } failed, then passed in a fresh process${why}`,
    `    ${evidenceOf(reds, test.attempts.length)}`,
  ];
}

/** `failed 1 of 2 tries in this run, 50% (9-91%)` */
function evidenceOf(failures: number, trials: number): string {
  return `failed ${failures} of ${trials} tries in this run, ${rateText({ failures, trials })}`;
}

/** Tests that are named as running when the run ended, at most. */
const SHOWN_CUT = 5;

function cutLines(tests: readonly TestResult[], paint: Paint): string[] {
  const running = tests.flatMap(({ id, attempts }) =>
    attempts.at(-1)?.cut == null ? [] : [{ id, cut: attempts.at(-1)!.cut! }]
  );
  const more = running.length - SHOWN_CUT;
  return [
    ...running.slice(0, SHOWN_CUT).map(({ id, cut }) =>
      `${paint("yellow", "CUT SHORT")} ${escapeText(id)}: ${escapeText(cut)}`
    ),
    ...(more > 0 ? [`… and ${more} more`] : []),
  ];
}

/** Processes of one test that are named, at most. */
const SHOWN_LEFT = 5;

function leakLines(whose: string, leaked: readonly LeftBehind[], paint: Paint): string[] {
  if (leaked.length === 0) return [];
  const more = leaked.length - SHOWN_LEFT;
  return [
    `${paint("yellow", "LEAK")} ${whose} left ${leaked.length} process${
      leaked.length === 1 ? "" : "es"
    } behind`,
    ...leaked.slice(0, SHOWN_LEFT).map((left) =>
      `    ${escapeText(describeLeft({ ...left, title: left.title.slice(0, 100) }))}`
    ),
    ...(more > 0 ? [`    … and ${more} more`] : []),
  ];
}

/** What outlived its test and went before pytest did: worth a word to those who want every word. */
function outlivedLines(whose: string, left: readonly LeftBehind[]): string[] {
  return left.slice(0, SHOWN_LEFT).map((one) => {
    const title = one.title.slice(0, 100);
    return `left ${whose}: ${
      escapeText(describeLeft({ ...one, title }))
    }, gone when pytest had ended`;
  });
}

function summary({ run, ending, seconds, failures }: VerdictView, paint: Paint): string {
  const counts = run.began ? countsLine(run.counts, run) : "pytest reported nothing";
  const bad = ending !== null || failures.length > 0 || !run.began;
  return paint(
    bad ? "red" : "green",
    `${ending === null ? "" : `${escapeText(ending)}: `}${counts} in ${seconds.toFixed(2)} s`,
  );
}

/**
 * Shows what a run left behind; nothing when it left nothing.
 *
 * @param named pids that the verdict has named as a test's LEAK
 */
export function showLeaksLeft(
  printer: Printer,
  leaks: LeakReport,
  named: ReadonlySet<number>,
): void {
  const actors = leaks.actors.filter((actor) => actor.verdict === "leaked");
  const sockets = leaks.sockets.filter((socket) => socket.verdict === "stale");
  const others = actors.filter((actor) => actor.kind !== "actor");
  for (const actor of actors.filter((one) => one.kind === "actor" || !named.has(one.pid))) {
    printer.warn(
      `leaked ${actor.kind}: pid ${actor.pid} ${escapeText(actor.title)}${portsOf(actor)}`,
    );
  }
  // LEAK has said the rest of these.
  for (const { pid, ports } of others.filter((one) => named.has(one.pid))) {
    for (const port of ports) printer.warn(`port ${port} is still held by pid ${pid}`);
  }
  for (const { path } of sockets) printer.warn(`stale socket: ${escapeText(path)}`);
  const held = leaks.liveRun ? [] : leaks.registries.filter((registry) => registry.bound);
  for (const { address, holders } of held) {
    const who = holders.length === 0
      ? "a process that can't be seen"
      : holders.map(({ pid, title }) => `pid ${pid} ${escapeText(title)}`).join(", ");
    printer.warn(`the registry ${escapeText(address)} is still held by ${who}`);
  }
  if (held.length > 0 && actors.length + sockets.length === 0) {
    printer.hint("what it is and how to end it: tractest zombies");
  }
  if (actors.length + sockets.length > 0) printer.hint("clean up: tractest zombies --kill");
  else if (leaks.clean === null) {
    const doubtful = leaks.actors.filter((actor) => actor.verdict === "unknown").map((
      { pid, title },
    ) => `pid ${pid} ${title}`);
    printer.note(
      `whether actors are left can't be told: ${
        escapeText([...leaks.unknowns, ...doubtful].join("; "))
      }`,
    );
    if (doubtful.length > 0) printer.hint("tractest zombies");
  }
}
