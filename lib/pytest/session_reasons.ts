import { oneLine } from "../base/last_lines.ts";
import { plural } from "../base/plural.ts";
import { EXIT, PYTEST_EXIT } from "../tables/exit_codes.ts";
import type { Reason } from "./run_exit_code.ts";
import type { Interruption } from "./session_model.ts";

/** How one pytest ended. */
export interface SessionCode {
  readonly session: string;
  /** Which of several pytests it is: `worker 2`; null: the only one of its kind. */
  readonly label: string | null;
  /** Its process's; 128 + n when signal n ended it. */
  readonly code: number;
  readonly signal: string | null;
  /** The status that the session itself reported; null if it did not get that far. */
  readonly exitStatus: number | null;
  /** Whether its session began. */
  readonly began: boolean;
  /** It ended in a test, which is red therefore. */
  readonly isBroken: boolean;
  /** Whether failed tests or collections explain that it failed. */
  readonly hasFailures: boolean;
  /** The test that ran when it ended; null: none. */
  readonly test: string | null;
  readonly interruption: Interruption | null;
  /** Its last words: an error that nothing caught, or the end of its output; null: unknown. */
  readonly said: string | null;
}

/** The code of one pytest. A process that exits with 0 does not take back its session's status. */
export function sessionCode(
  { code, exitStatus }: Pick<SessionCode, "code" | "exitStatus">,
): number {
  return code === 0 ? exitStatus ?? 0 : code;
}

/**
 * Why all pytests of a run together do not end with 0. Failed tests count by their last attempt,
 * and a shard without tests does not count.
 *
 * @param failed how many tests and collections are red after all
 */
export function sessionReasons(ends: readonly SessionCode[], failed: number): Reason[] {
  const [only] = ends;
  if (ends.length === 1) return reasonsAlone(only!, failed);
  const bad = ends.filter((end) => sessionCode(end) !== 0 && !end.isBroken && !isExplained(end));
  const full = bad.filter((end) => sessionCode(end) !== PYTEST_EXIT.noTests);
  const areEmpty = full.length === 0 && bad.length > 0 && bad.length === ends.length;
  return [
    ...failureReasons(failed),
    ...(areEmpty ? bad.slice(0, 1) : full).map((end) => reasonOf(end, failed)),
  ];
}

/** The code of a single pytest is that of the run, whatever failed in it. */
function reasonsAlone(end: SessionCode, failed: number): Reason[] {
  const failures = failureReasons(failed);
  if (sessionCode(end) === 0 || (failed > 0 && isExplained(end))) return failures;
  const reason = reasonOf(end, failed);
  const { code, pytest } = reason;
  return [reason, ...failures.map((one) => ({ ...one, code, pytest }))];
}

/** Whether its failed tests explain how it ended. */
function isExplained(end: SessionCode): boolean {
  return sessionCode(end) === EXIT.testsFailed && end.signal === null && end.hasFailures;
}

function failureReasons(failed: number): Reason[] {
  const code = EXIT.testsFailed;
  const text = `${plural(failed, "test or file", "tests or files")} failed`;
  const given = { session: null, label: null };
  return failed === 0 ? [] : [{ kind: "failures", code, pytest: code, text, ...given }];
}

function reasonOf(end: SessionCode, failed: number): Reason {
  const pytest = sessionCode(end);
  const code = end.signal === null ? passedOn(pytest) : pytest;
  const given = { code, pytest, session: end.session, label: end.label };
  if (pytest === PYTEST_EXIT.noTests) return { kind: "no-tests", text: "no tests ran", ...given };
  // pytest runs no tests after errors in the collection, nor after a failure with --stepwise.
  const isStopped = pytest === PYTEST_EXIT.interrupted && failed > 0 && isOwnStop(end);
  // A conftest.py that can't be imported is shown as such.
  const isShown = isStopped || (pytest === PYTEST_EXIT.usage && end.hasFailures);
  return { kind: isShown ? "failures" : "session", text: textOf(end, failed), ...given };
}

/** Whether pytest stopped in its own way, or does not say why. */
function isOwnStop({ interruption }: SessionCode): boolean {
  return interruption === null || isPytestsOwn(interruption.error);
}

/** How a session ended, in one line, to be read after its name. */
function textOf(end: SessionCode, failed: number): string {
  const { signal, test, interruption, exitStatus } = end;
  const code = sessionCode(end);
  if (signal !== null) {
    return `was ended by ${signal}${inTest(test) || when(end)}${why(end)}`;
  }
  if (code === exitStatus && interruption !== null) {
    return isPytestsOwn(interruption.error)
      ? `stopped: ${oneLine(interruption.message)}`
      : interruptedText(interruption);
  }
  if (code === PYTEST_EXIT.usage) {
    return `did not accept its command line or its configuration${why(end)}`;
  }
  if (code === PYTEST_EXIT.internalError && exitStatus === code) {
    return `had an internal error${why(end)}`;
  }
  if (!end.began) return `exited with ${code}${when(end)}${why(end)}`;
  const cause = failed === 0 ? " although no test failed" : ", and not only for failed tests";
  const reasons = ": see its output (a coverage limit, warnings as errors, a plugin)";
  return `exited with ${code}${cause}${when(end)}${why(end) || reasons}`;
}

/** When it ended, where that is unusual. */
function when(end: SessionCode): string {
  const { exitStatus } = end;
  if (!end.began) return " before its session began";
  if (exitStatus === null) return ", before its session was over";
  return exitStatus === sessionCode(end) ? "" : `, after its session had ended with ${exitStatus}`;
}

function why({ said }: SessionCode): string {
  return said === null ? "" : `: ${oneLine(said)}`;
}

function inTest(id: string | null): string {
  return id === null ? "" : ` in ${id}`;
}

/** That something interrupted a pytest, in one line, to be read after its name. */
export function interruptedText(interruption: Interruption): string {
  return `was interrupted by ${interruptionText(interruption)}` +
    inTest(interruption.test);
}

/** What interrupted pytest, in one line: `KeyboardInterrupt`, `Exit: enough`. */
export function interruptionText(
  { error, message }: Pick<Interruption, "error" | "message">,
): string {
  const name = error.slice(error.lastIndexOf(".") + 1);
  return message === "" ? name : `${name}: ${oneLine(message)}`;
}

/**
 * Whether an interruption is pytest's own way to stop: after errors in the collection, or where a
 * plugin asked for it.
 */
export function isPytestsOwn(error: string): boolean {
  return error === "" || /(?:^|\.)Interrupted$/.test(error);
}

/** The codes with a meaning of tractest's own. */
const OURS: ReadonlySet<number> = new Set(Object.values(EXIT).filter((code) => code > 6));

/** The code of a run by pytest's: 1 for one that would be mistaken for tractest's own. */
function passedOn(code: number): number {
  return code < 0 || code > 128 || OURS.has(code) ? EXIT.testsFailed : code;
}
