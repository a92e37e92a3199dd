import { escapeText, shellCommand } from "../base/escape.ts";
import { plural } from "../base/plural.ts";
import { portsOf } from "../leaks/show.ts";
import { describeLeft } from "../pytest/describe_left.ts";
import { countsLine } from "../pytest/counts.ts";
import type { LeftBehind } from "../pytest/events.ts";
import { RED, type TestResult } from "../pytest/results.ts";
import type { Verdict } from "../pytest/run_exit_code.ts";
import type { RunModel } from "../pytest/run_model.ts";
import type { LeakReport } from "../leaks/leak_report.ts";
import type { Cascade } from "../pytest/cascade.ts";
import type { Profile } from "../project/rules_profile.ts";
import { rateText } from "../base/rates.ts";
import type { Paint, Printer } from "../terminal/printer.ts";
import { shownId, unbroken } from "../terminal/wrap.ts";
import { agentReport } from "./agent_report.ts";
import { failureLines, type JudgedFailure, shownGroups } from "./show_failures.ts";

/** What the verdict of a run shows. */
export interface VerdictView {
  readonly run: RunModel;
  readonly verdict: Verdict;
  readonly seconds: number;
  readonly failures: readonly JudgedFailure[];
  /** Evidence that a held registry broke the run; null: there is none. */
  readonly collision: string | null;
  /** Who holds the ports that failures found in use. */
  readonly portHolders: readonly string[];
  readonly profile: Profile;
  /** All tests in the order in which they started. */
  readonly tests: readonly TestResult[];
  /** Processes left behind by unknown tests. */
  readonly leaked: readonly LeftBehind[];
  /** Ids of tests that failed with others and passed alone. */
  readonly contended: ReadonlySet<string>;
  /** Failures caused by an earlier test. */
  readonly cascades: readonly Cascade[];
  /** How often a test could run. */
  readonly tries: number;
  /** How evenly the tests were distributed; null for a single session. */
  readonly balance: string | null;
  /** Commands to type next. */
  readonly next: readonly string[];
  /** The most characters of a report for a coding agent; null: the verdict is for people. */
  readonly agentLimit: number | null;
}

/** Where the verdict goes: standard error if standard output carries the events. */
export type VerdictStream = "stdout" | "stderr";

/** Shows the verdict: a common cause of all failures first, then the failures, then counts. */
export function showVerdict(printer: Printer, stream: VerdictStream, view: VerdictView): void {
  const paint: Paint = (colour, text) => printer.paint(colour, text, stream);
  const outlived = printer.verbose
    ? view.tests.flatMap((test) => outlivedLines(shownId(test.id), test.left))
    : [];
  const lines = view.agentLimit === null
    ? verdictLines(view, paint)
    : agentLines(view, view.agentLimit);
  for (const line of [...outlived, ...lines]) {
    stream === "stdout" ? printer.line(line) : printer.note(line);
  }
  if (view.agentLimit !== null) return;
  for (const command of view.next) printer.hint(`next: ${unbroken(escapeText(command))}`);
}

function verdictLines(view: VerdictView, paint: Paint): string[] {
  const { balance } = view;
  const own = ownFailures(view);
  const byId = new Map(view.tests.map((test) => [test.id, test]));
  const shown = shownGroups(own);
  return [
    "",
    ...collisionLines(view, paint),
    ...shown.flatMap((group) => failureLines(group, byId, paint)),
    ...moreLine(own.length - shown.flat().length, "; all of them: tractest failed"),
    ...otherLines(view, paint),
    ...(balance === null ? [] : [balance]),
    summary(view, paint),
  ];
}

function agentLines(view: VerdictView, limit: number): string[] {
  const paint: Paint = (_, text) => text;
  return agentReport({
    failures: ownFailures(view),
    byId: new Map(view.tests.map((test) => [test.id, test])),
    before: collisionLines(view, paint),
    after: [...otherLines(view, paint), summary(view, paint)],
    limit,
  });
}

/** The failures that were not caused by an earlier test. */
function ownFailures({ failures, cascades }: VerdictView): JudgedFailure[] {
  const poisoned = new Set(cascades.flatMap((cascade) => cascade.poisoned));
  return failures.filter((failure) => !poisoned.has(failure.id));
}

/** What else there is to know about the tests. */
function otherLines(view: VerdictView, paint: Paint): string[] {
  const { cascades, tests, leaked } = view;
  return [
    ...cascades.flatMap((cascade) => cascadeLines(cascade, paint)),
    ...tests.filter((test) => test.flaky).flatMap((test) => flakyLines(test, view, paint)),
    ...tests.flatMap((test) => leakLines(test.id, test.leaked, paint)),
    ...leakLines(null, leaked, paint),
    ...cutLines(tests, paint),
  ];
}

function moreLine(more: number, where = ""): string[] {
  return more > 0 ? [`… and ${more} more${where}`] : [];
}

const WHO_LISTENS = "  or what else listens: ss -tlnp";
const COLLISION_LINES: Readonly<Record<Profile, readonly string[]>> = {
  tractor: [
    "the registry seems to be held, not the tests broken:",
    "  check the registry before the test code: tractest zombies",
    "  or run with a registry of its own: tractest run --isolate",
  ],
  plain: [
    "a port seems to be held, not the tests broken:",
    "  check what an earlier run left before the test code: tractest zombies",
    WHO_LISTENS,
    "  or run with ports of its own: tractest run --isolate",
  ],
};

function collisionLines(
  { collision, portHolders, profile, tests }: VerdictView,
  paint: Paint,
): string[] {
  if (collision === null) return [...portHolders];
  const [evidence, ...hints] = COLLISION_LINES[profile];
  const leaking = tests.filter(({ leaked }) => leaked.some(({ listens }) => listens?.length));
  return [
    `${paint("red", "all tests broken?")} ${evidence} ${escapeText(collision)}`,
    ...leaking.slice(0, 1).map(({ id }) =>
      `  ${shownId(id)} left a process that listens: see LEAK below`
    ),
    ...portHolders.map((line) => `  ${line}`),
    ...hints.filter((hint) => portHolders.length === 0 || hint !== WHO_LISTENS),
  ];
}

/** Many failures, one cause. */
function cascadeLines({ culprit, poisoned }: Cascade, paint: Paint): string[] {
  const by = culprit === null ? "an unknown test" : shownId(culprit);
  const tests = plural(poisoned.length, "test");
  return [
    `${paint("red", "POISONED")} ${tests} found trio still running in their process, left by ${by}`,
    `    no failures of their own; the first: ${shownId(poisoned[0]!)}`,
  ];
}

function flakyLines(test: TestResult, { contended, tries }: VerdictView, paint: Paint): string[] {
  const id = shownId(test.id);
  const red = test.attempts.filter((attempt) => RED.has(attempt.outcome));
  const [failures, trials] = [red.length, test.attempts.length];
  const first = red[0]!.failure;
  const why = first === null ? "" : `: ${escapeText(first.message.split("\n", 1)[0]!)}`;
  const rate = rateText({ failures, trials });
  const evidence = `    failed ${failures} of ${trials} tries in this run, ${rate}`;
  if (!contended.has(test.id)) {
    const word = paint("yellow", `FLAKY ${failures + 1}/${Math.max(tries, failures + 1)}`);
    return [`${word} ${id} failed, then passed in a new process${why}`, evidence];
  }
  const bisect = shownId(shellCommand(["tractest", "bisect", test.id]));
  return [
    `${paint("yellow", "CONTENTION")} ${id} failed with others, passed alone${why}`,
    evidence,
    `    alone it also ran in another order: if an earlier test is the cause, try ${bisect}`,
  ];
}

/** How many tests that were running when the run ended are listed. */
const SHOWN_CUT = 5;

function cutLines(tests: readonly TestResult[], paint: Paint): string[] {
  const word = paint("yellow", "CUT SHORT");
  const lines = tests.flatMap(({ id, attempts }) => {
    const cut = attempts.at(-1)?.cut ?? null;
    return cut === null ? [] : [`${word} ${shownId(id)}: ${escapeText(cut)}`];
  });
  return [...lines.slice(0, SHOWN_CUT), ...moreLine(lines.length - SHOWN_CUT)];
}

/** How many processes of a test are listed. */
const SHOWN_LEFT = 5;

/** The processes that a test left behind; `id` is null if the test is unknown. */
function leakLines(id: string | null, leaked: readonly LeftBehind[], paint: Paint): string[] {
  if (leaked.length === 0) return [];
  const processes = plural(leaked.length, "process", "processes");
  const what = id === null
    ? `${processes} left behind (test unknown)`
    : `${shownId(id)} left ${processes} behind`;
  return [
    `${paint("yellow", "LEAK")} ${what}`,
    ...leaked.slice(0, SHOWN_LEFT).map((left) => `    ${leftText(left)}`),
    ...moreLine(leaked.length - SHOWN_LEFT).map((line) => `    ${line}`),
  ];
}

/** Processes that outlived their test, but not pytest: for `--verbose`. */
function outlivedLines(id: string, left: readonly LeftBehind[]): string[] {
  return left.slice(0, SHOWN_LEFT).map((one) =>
    `left ${id}: ${leftText(one)}, gone when pytest had ended`
  );
}

function leftText(left: LeftBehind): string {
  return escapeText(describeLeft({ ...left, title: left.title.slice(0, 100) }));
}

/** A result of at most so many characters stays on one line. */
const KEPT_RESULT = 36;

function summary({ run, verdict: { ending, code }, seconds }: VerdictView, paint: Paint): string {
  const counts = run.began ? countsLine(run.counts, run) : "pytest reported nothing";
  const bad = code !== 0 || ending !== null || !run.began;
  const how = ending === null ? "" : `${escapeText(ending)}: `;
  const result = `${counts} in ${seconds.toFixed(2)} s`;
  const kept = result.length <= KEPT_RESULT ? unbroken(result) : result;
  return paint(bad ? "red" : "green", how + kept);
}

/**
 * Shows what a run left behind.
 *
 * @param named pids that the verdict has listed as the LEAK of a test
 */
export function showLeaksLeft(
  printer: Printer,
  leaks: LeakReport,
  named: ReadonlySet<number>,
  profile: Profile,
): void {
  const actors = leaks.actors.filter((actor) => actor.verdict === "leaked");
  const sockets = leaks.sockets.filter((socket) => socket.verdict === "stale");
  for (const actor of actors) {
    const { pid, title, kind } = actor;
    // The verdict has shown the others.
    if (kind === "actor" || !named.has(pid)) {
      printer.warn(`leaked ${kind}: pid ${pid} ${escapeText(title)}${portsOf(actor)}`);
    }
  }
  for (const { path } of sockets) printer.warn(`stale socket: ${escapeText(path)}`);
  const held = leaks.liveRun ? [] : leaks.registries.filter((registry) => registry.bound);
  for (const { address, holders } of held) {
    const processes = holders.map(({ pid, title }) => `pid ${pid} ${escapeText(title)}`).join(", ");
    const who = processes === "" ? "an invisible process" : processes;
    printer.warn(`the registry ${escapeText(address)} is still held by ${who}`);
  }
  const isLeaking = actors.length + sockets.length > 0;
  if (held.length > 0 && !isLeaking) {
    printer.hint("what it is and how to end it: tractest zombies");
  }
  if (isLeaking) printer.hint("clean up: tractest zombies --kill");
  else if (leaks.clean === null) showDoubts(printer, leaks, profile);
}

function showDoubts(
  printer: Printer,
  { actors, unknowns }: LeakReport,
  profile: Profile,
): void {
  const doubtful = actors.filter((actor) => actor.verdict === "unknown");
  const processes = doubtful.map(({ pid, title }) => `pid ${pid} ${title}`);
  const reasons = escapeText([...unknowns, ...processes].join("; "));
  const what = profile === "tractor" ? "actors" : "processes";
  printer.note(`unknown whether ${what} are left: ${reasons}`);
  if (doubtful.length > 0) printer.hint("tractest zombies");
}
