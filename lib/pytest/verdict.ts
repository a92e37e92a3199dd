import { ENDING_SIGNALS, type EndingSignal, EXIT } from "../tables/exit_codes.ts";
import { decisiveLine, errorLines, isCarrier } from "./decisive.ts";
import type { Failure } from "./events.ts";

/** How many tests ended in which way, by pytest's words. */
export interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  readonly errors: number;
  readonly xfailed: number;
  readonly xpassed: number;
  readonly subtestsPassed: number;
  /** Tests that were to run and have no result. */
  readonly notRun: number;
}

/** What pytest's words count as. */
const COUNTED: ReadonlyMap<string, keyof Counts> = new Map([
  ["passed", "passed"],
  ["failed", "failed"],
  ["skipped", "skipped"],
  ["error", "errors"],
  ["xfailed", "xfailed"],
  ["xpassed", "xpassed"],
  ["subtests passed", "subtestsPassed"],
]);

/**
 * Counts what pytest's summary counts, by its words; a word that it does not know it leaves out.
 */
export class Counter {
  readonly #counts: { -readonly [Key in keyof Counts]: number } = {
    passed: 0,
    failed: 0,
    skipped: 0,
    errors: 0,
    xfailed: 0,
    xpassed: 0,
    subtestsPassed: 0,
    notRun: 0,
  };

  /** Adds what each word stands for so many times. */
  add(words: Iterable<string>, times = 1): void {
    for (const word of words) {
      const key = COUNTED.get(word);
      if (key !== undefined) this.#counts[key] += times;
    }
  }

  /** What it has counted, besides so many tests without a result. */
  counts(notRun = 0): Counts {
    return { ...this.#counts, notRun };
  }
}

/** A test or a collection that failed. */
export interface FailedReport extends Failure {
  readonly id: string;
  readonly phase: "collection" | "setup" | "call" | "teardown";
}

/** The counts on one line, in pytest's words and order: `1 failed, 12 passed, 2 skipped`. */
export function countsLine(counts: Counts, { deselected = 0, warnings = 0 } = {}): string {
  const { failed, passed, skipped, xfailed, xpassed, errors, subtestsPassed, notRun } = counts;
  const words: string[] = [];
  const say = (count: number, word: string) => count > 0 && words.push(`${count} ${word}`);
  say(failed, "failed");
  say(passed, "passed");
  say(skipped, "skipped");
  say(deselected, "deselected");
  say(xfailed, "xfailed");
  say(xpassed, "xpassed");
  say(warnings, warnings === 1 ? "warning" : "warnings");
  say(errors, errors === 1 ? "error" : "errors");
  say(subtestsPassed, "subtests passed");
  say(notRun, "not run");
  return words.length > 0 ? words.join(", ") : "no tests ran";
}

/**
 * All that a failure says about itself and that a known-flaky row may match: its message and the
 * classes of its errors.
 */
export function failureText(failure: FailedReport): string {
  return [failure.message, ...failure.errors].join("\n");
}

/**
 * The gist of a failure in a few lines: the first of its message, the one that says what went wrong
 * if that is another, and where it was raised.
 */
export function gist(failure: FailedReport, lines = 3): string[] {
  const message = failure.message.split("\n").map((line) => line.trimEnd()).filter((line) =>
    line !== ""
  );
  const inner = failure.errors.slice(1).filter((name) =>
    !isCarrier(name) && !failure.message.includes(name)
  );
  return [
    ...cut(message, lines, failure.traceback),
    ...(inner.length > 0 ? [`from ${inner.slice(0, 4).join(", ")}`] : []),
    ...(failure.where ? [`at ${failure.where}`] : []),
  ];
}

/** What a group says of itself: what it groups stands in the traceback alone. */
const GROUP = /Group\b.*\(\d+ sub-exceptions?\)/;
/** Errors of a group that are shown, at most. */
const SHOWN_ERRORS = 3;

/** The first lines of a message, and of the rest the one that decides. */
function cut(message: readonly string[], lines: number, traceback: string): string[] {
  const shown = message.slice(0, lines);
  const rest = message.slice(lines);
  const grouped = GROUP.test(message[0] ?? "")
    ? errorLines(traceback).filter((line) => !GROUP.test(line)).slice(0, SHOWN_ERRORS)
    : [];
  const decisive = rest.length === 0 ? null : decisiveLine(message);
  const last = [...new Set([...(decisive === null ? [] : [decisive]), ...grouped])].filter((line) =>
    !shown.some((other) => other.includes(line))
  );
  const hidden = rest.length - (decisive !== null && last.includes(decisive) ? 1 : 0);
  return [
    ...shown,
    ...(hidden > 0 ? [`… ${hidden} more line${hidden === 1 ? "" : "s"}`] : []),
    ...last,
  ];
}

/** Something else holds the registry address: nothing but a collision says so. */
const COLLISION = new RegExp(
  [
    "address already in use|EADDRINUSE|\\bErrno (?:98|48)\\b|OSError\\((?:98|48),|connection refused|ConnectionRefusedError|ECONNREFUSED",
    "Registry address\\(es\\) are occupied|registry socket\\(s\\) already bound",
  ].join("|"),
  "i",
);
const TOO_SLOW = /TooSlowError/;

/** Files that have to fail alike before timing errors look like one cause. */
const UNRELATED_FILES = 3;

/**
 * The failures by which not the tests but a held registry breaks the run; none when it does not
 * look like it. Most have to carry the signature: address in use or connection refused, or
 * `TooSlowError`. The latter alone says so only over several unrelated files, and where most tests
 * fail: a slow machine is more frequent.
 *
 * @param tests how many tests have ended; null where that is unknown
 */
export function collidedWith(
  failures: readonly FailedReport[],
  tests: number | null = null,
): readonly FailedReport[] {
  const collided = failures.filter(isCollision);
  const alike = failures.filter((failure) =>
    collided.includes(failure) || TOO_SLOW.test(failureText(failure))
  );
  if (alike.length * 2 <= failures.length) return [];
  if (collided.length > 0) return alike;
  const isMost = tests === null ? alike.length === failures.length : failures.length * 2 > tests;
  return filesOf(alike).size >= UNRELATED_FILES && isMost ? alike : [];
}

/** The evidence of {@linkcode collidedWith} as one sentence; null when there is none. */
export function registryCollision(
  failures: readonly FailedReport[],
  tests: number | null = null,
): string | null {
  const alike = collidedWith(failures, tests);
  if (alike.length === 0) return null;
  const collided = alike.filter(isCollision).length;
  const what = [
    ...(collided > 0 ? [`address in use or connection refused in ${collided}`] : []),
    ...(alike.length > collided ? [`TooSlowError in ${alike.length - collided}`] : []),
  ];
  const files = filesOf(alike).size;
  return `${what.join(", ")} of ${failures.length} failure${
    failures.length === 1 ? "" : "s"
  }, in ${files} file${files === 1 ? "" : "s"}`;
}

function isCollision(failure: FailedReport): boolean {
  return COLLISION.test(errorText(failure));
}

function filesOf(failures: readonly FailedReport[]): ReadonlySet<string> {
  return new Set(failures.map((failure) => failure.id.split("::", 1)[0]!));
}

/**
 * All that a failure says about its errors, those in its traceback included; not the source lines
 * there, which only talk about some.
 */
function errorText(failure: FailedReport): string {
  return [failureText(failure), ...errorLines(failure.traceback)].join("\n");
}

/** What cut a run short. */
export type Cut = "time-limit" | EndingSignal;

/** What {@linkcode runExitCode} weighs. */
export interface ExitInput {
  readonly cut: Cut | null;
  /** pytest's own code, see {@linkcode pytestCode}. */
  readonly pytest: number;
  /** Whether leaked actors are left; null when that can't be told. */
  readonly leaked: boolean | null;
  /**
   * Whether a test left processes behind, passed only when it was tried again, or pytest hung at
   * its exit.
   */
  readonly blemished: boolean;
  readonly strict: boolean;
}

/**
 * The exit code of a run: that of what cut it short, else pytest's own when it is not 0, else,
 * under `--strict`, 84 for leaks, a hang at the exit and tests that passed only when tried again,
 * and 82 when it can't be told whether there are leaks.
 */
export function runExitCode({ cut, pytest, leaked, blemished, strict }: ExitInput): number {
  if (cut === "time-limit") return 124;
  if (cut !== null) return ENDING_SIGNALS[cut];
  if (pytest !== 0 || !strict) return pytest;
  if (leaked === true || blemished) return 84;
  return leaked === false ? 0 : 82;
}

/** How one pytest ended, as far as it says something about exit codes. */
export interface SessionCode {
  /** Its process's; 128 + n when signal n ended it. */
  readonly code: number;
  readonly signal: string | null;
  /** What the session itself said at its end; null if it did not get that far. */
  readonly exitStatus: number | null;
  /** It ended in a test, which is red for it. */
  readonly isBroken: boolean;
  /** Whether tests that failed in it, or collections, explain that it failed. */
  readonly hasFailures: boolean;
}

/** pytest's code for tests that failed, and for a session without any test. */
const [FAILED, NO_TESTS] = [1, 5];

/**
 * The code of one pytest: a process that ends itself with 0 takes nothing back that its session has
 * said.
 */
export function sessionCode(
  { code, exitStatus }: Pick<SessionCode, "code" | "exitStatus">,
): number {
  return code === 0 ? exitStatus ?? 0 : code;
}

/**
 * Whether one pytest ended with a code that none of its tests is the reason of, and that is no word
 * of pytest's own.
 */
export function isUnexplained(end: SessionCode): boolean {
  if (end.isBroken || end.signal !== null) return false;
  const code = sessionCode(end);
  return code === FAILED ? !end.hasFailures : code > 6 || code < 0;
}

/**
 * The code of all pytests of a run together: the worst of theirs. What their tests failed with is
 * settled by how those ended at last.
 *
 * @param red whether a test or a collection is red after all
 */
export function pytestCode(red: boolean, ends: readonly SessionCode[]): number {
  const [only] = ends;
  if (ends.length === 1) return sessionCode(only!) || (red ? FAILED : 0);
  const codes = ends.map((end) =>
    end.isBroken || (sessionCode(end) === FAILED && !isUnexplained(end)) ? 0 : sessionCode(end)
  );
  // A share without tests is none of a run.
  if (codes.length > 0 && codes.every((code) => code === NO_TESTS)) return NO_TESTS;
  return [red ? FAILED : 0, ...codes].reduce((worst, code) =>
    code !== NO_TESTS && rankOf(code) > rankOf(worst) ? code : worst
  );
}

/**
 * How bad a code of pytest's is: a signal, an error of pytest itself, its command line, an
 * interruption, a plugin's own, failed tests.
 */
function rankOf(code: number): number {
  const ranks = [0, 6, FAILED, null, 2, 4, 3];
  if (code > 128) return ranks.length;
  return ranks.includes(code) ? ranks.indexOf(code) : ranks.indexOf(null);
}

/** The codes that mean something of tractest's own, whoever ends with them. */
const OURS: ReadonlySet<number> = new Set(Object.values(EXIT).filter((code) => code > 6));

/**
 * What a run passes on of a pytest's code that no signal has made: 1 for what would be taken for a
 * word of tractest's.
 */
export function passedOn(code: number): number {
  return code < 0 || code > 128 || OURS.has(code) ? FAILED : code;
}
