import { decisiveLine, errorLines } from "./decisive.ts";
import type { Failure, PytestEvent } from "./pytest_events.ts";

/** How many tests ended in which way, by pytest's words. */
export interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  readonly errors: number;
  readonly xfailed: number;
  readonly xpassed: number;
}

/** A test or a collection that failed. */
export interface FailedReport extends Failure {
  readonly id: string;
  readonly phase: "collection" | "setup" | "call" | "teardown";
}

/** What is known of a session, or of all sessions of a run, from the events so far: built up one by one, so that one that is cut short loses nothing. */
export class Tally {
  readonly failures: FailedReport[] = [];
  /** Tests to run; null before collection ended. */
  collected: number | null = null;
  deselected = 0;
  warnings = 0;
  /** Tests that ended. */
  finished = 0;
  /** Tests that began and did not end, with the time at which they began, in seconds since the epoch. */
  readonly running = new Map<string, number>();
  /** The test that left a child of pytest behind, by the pid under which pytest knows it. */
  readonly leftBy = new Map<number, string>();
  /** The test that began last. */
  latest: string | null = null;
  /** The process that runs the session; null before it began. */
  pid: number | null = null;
  /** pytest's exit status as the session itself gave it; null if it did not get that far. */
  exitStatus: number | null = null;
  /** pytest's cache directory; null while that is unknown, or when there is none. */
  cache: string | null = null;
  interrupted = false;
  /** Ids that were there, where pytest did not find one that it was given. */
  offered: readonly string[] = [];
  /** What each test was counted as: one that runs again counts anew. */
  readonly #categories = new Map<string, string[]>();

  /** Takes one more event. */
  add(event: PytestEvent): void {
    switch (event.event) {
      case "session-start":
        this.pid = event.pid;
        this.exitStatus = null;
        this.cache = event.cache ?? null;
        break;
      case "collected":
        this.collected = Math.max(this.collected ?? 0, event.count);
        this.deselected = Math.max(this.deselected, event.deselected);
        break;
      case "collection-error":
        if (this.#categories.has(event.id)) break;
        this.#count(event.id, "error");
        this.failures.push(failed(event.id, "collection", event));
        break;
      case "test-start":
        this.#forget(event.id);
        this.running.set(event.id, event.time);
        this.latest = event.id;
        break;
      case "report":
        if (event.category !== "") this.#count(event.id, event.category);
        if (event.outcome === "failed") this.failures.push(failed(event.id, event.phase, event));
        if (event.phase === "teardown") {
          this.running.delete(event.id);
          this.finished++;
        }
        break;
      case "timeout":
      case "crash":
        this.#forget(event.id);
        this.#count(event.id, "failed");
        this.failures.push(failed(event.id, "call", event));
        this.running.delete(event.id);
        this.finished++;
        break;
      case "children":
        for (const pid of event.pids) this.leftBy.set(pid, event.id);
        break;
      case "interrupted":
        this.interrupted = true;
        break;
      case "session-finish":
        this.exitStatus = event.exitStatus;
        this.offered = event.offered ?? this.offered;
        this.warnings += event.warnings;
        break;
    }
  }

  /** How many tests ended in which way. */
  get counts(): Counts {
    const all = [...this.#categories.values()].flat();
    const of = (category: string) => all.filter((other) => other === category).length;
    return {
      passed: of("passed"),
      failed: of("failed"),
      skipped: of("skipped"),
      errors: of("error"),
      xfailed: of("xfailed"),
      xpassed: of("xpassed"),
    };
  }

  /** Whether pytest told anything at all. */
  get began(): boolean {
    return this.pid !== null || this.failures.length > 0;
  }

  #count(id: string, category: string): void {
    const before = this.#categories.get(id);
    if (before) before.push(category);
    else this.#categories.set(id, [category]);
  }

  /** A test that runs again is as if it had not run before. */
  #forget(id: string): void {
    if (this.#categories.delete(id)) this.finished = Math.max(0, this.finished - 1);
    for (let index = this.failures.length - 1; index >= 0; index--) if (this.failures[index]!.id === id) this.failures.splice(index, 1);
  }
}

function failed(id: string, phase: FailedReport["phase"], failure: Partial<Failure>): FailedReport {
  const { message = "", where = null, traceback = "", errors = [] } = failure;
  return { id, phase, message, where, traceback, errors };
}

/** The counts on one line, in pytest's words and order: `1 failed, 12 passed, 2 skipped`. */
export function countsLine(counts: Counts, { deselected = 0, warnings = 0 } = {}): string {
  const { failed, passed, skipped, xfailed, xpassed, errors } = counts;
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
  return words.length > 0 ? words.join(", ") : "no tests ran";
}

/** All that a failure says about itself and that a known-flaky row may match: its message and the classes of its errors. */
export function failureText(failure: FailedReport): string {
  return [failure.message, ...failure.errors].join("\n");
}

/**
 * The gist of a failure in a few lines: the first of its message, the one that says what went wrong if that is another, and where it was
 * raised.
 */
export function gist(failure: FailedReport, lines = 3): string[] {
  const message = failure.message.split("\n").map((line) => line.trimEnd()).filter((line) => line !== "");
  const inner = failure.errors.slice(1).filter((name) => !failure.message.includes(name));
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
  const grouped = GROUP.test(message[0] ?? "") ? errorLines(traceback).filter((line) => !GROUP.test(line)).slice(0, SHOWN_ERRORS) : [];
  const decisive = rest.length === 0 ? null : decisiveLine(message);
  const last = [...new Set([...(decisive === null ? [] : [decisive]), ...grouped])].filter((line) => !shown.some((other) => other.includes(line)));
  const hidden = rest.length - (decisive !== null && last.includes(decisive) ? 1 : 0);
  return [...shown, ...(hidden > 0 ? [`… ${hidden} more line${hidden === 1 ? "" : "s"}`] : []), ...last];
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
 * The failures by which not the tests but a held registry breaks the run; none when it does not look like it. Most have to carry the
 * signature: address in use or connection refused, or `TooSlowError`. The latter alone says so only over several unrelated files, and
 * where most tests fail: a slow machine is more frequent.
 *
 * @param tests how many tests have ended; null where that is unknown
 */
export function collidedWith(failures: readonly FailedReport[], tests: number | null = null): readonly FailedReport[] {
  const collided = failures.filter(isCollision);
  const alike = failures.filter((failure) => collided.includes(failure) || TOO_SLOW.test(failureText(failure)));
  if (alike.length * 2 <= failures.length) return [];
  if (collided.length > 0) return alike;
  const isMost = tests === null ? alike.length === failures.length : failures.length * 2 > tests;
  return filesOf(alike).size >= UNRELATED_FILES && isMost ? alike : [];
}

/** The evidence of {@linkcode collidedWith} as one sentence; null when there is none. */
export function registryCollision(failures: readonly FailedReport[], tests: number | null = null): string | null {
  const alike = collidedWith(failures, tests);
  if (alike.length === 0) return null;
  const collided = alike.filter(isCollision).length;
  const what = [
    ...(collided > 0 ? [`address in use or connection refused in ${collided}`] : []),
    ...(alike.length > collided ? [`TooSlowError in ${alike.length - collided}`] : []),
  ];
  const files = filesOf(alike).size;
  return `${what.join(", ")} of ${failures.length} failure${failures.length === 1 ? "" : "s"}, in ${files} file${files === 1 ? "" : "s"}`;
}

function isCollision(failure: FailedReport): boolean {
  return COLLISION.test(errorText(failure));
}

function filesOf(failures: readonly FailedReport[]): ReadonlySet<string> {
  return new Set(failures.map((failure) => failure.id.split("::", 1)[0]!));
}

/** All that a failure says about its errors, those in its traceback included; not the source lines there, which only talk about some. */
function errorText(failure: FailedReport): string {
  return [failureText(failure), ...errorLines(failure.traceback)].join("\n");
}

/** What cut a run short. */
export type Cut = "time-limit" | "SIGINT" | "SIGTERM" | "SIGHUP";

/** What {@linkcode runExitCode} weighs. */
export interface ExitInput {
  readonly cut: Cut | null;
  /** pytest's own code: 0 to 6, or 128 + n when signal n ended it. */
  readonly pytest: number;
  /** Whether leaked actors are left; null when that can't be told. */
  readonly leaked: boolean | null;
  /** Whether a test left processes behind, passed only when it was tried again, or pytest hung at its exit. */
  readonly blemished: boolean;
  readonly strict: boolean;
}

/**
 * The exit code of a run: that of what cut it short, else pytest's own when it is not 0, else, under `--strict`, 84 for leaks, a hang at
 * the exit and tests that passed only when tried again, and 82 when it can't be told whether there are leaks.
 */
export function runExitCode({ cut, pytest, leaked, blemished, strict }: ExitInput): number {
  if (cut === "time-limit") return 124;
  if (cut === "SIGINT") return 130;
  if (cut !== null) return 143;
  if (pytest !== 0 || !strict) return pytest;
  if (leaked === true || blemished) return 84;
  return leaked === false ? 0 : 82;
}

/**
 * pytest's exit code for several sessions together: 1 if a test is red after all; else what a session had to say beside its tests.
 *
 * @param codes of the sessions, in any order
 */
export function joinedCode(red: boolean, codes: readonly number[]): number {
  if (red) return 1;
  // 1 is about tests that another session has settled since; 5 is about a share without tests.
  return codes.find((code) => code !== 0 && code !== 1 && code !== 5) ?? (codes.every((code) => code === 5) ? 5 : 0);
}
