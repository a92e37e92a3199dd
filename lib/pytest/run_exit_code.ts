import { ENDING_SIGNALS, type EndingSignal, EXIT } from "../tables/exit_codes.ts";

/** What cut a run short. */
export type Cut = "time-limit" | EndingSignal;

/** What decides {@linkcode runExitCode}. */
export interface ExitInput {
  readonly cut: Cut | null;
  /** pytest's own code, see {@linkcode pytestCode}. */
  readonly pytest: number;
  /** Whether leaked actors remain; null when unknown. */
  readonly leaked: boolean | null;
  /** Whether a test left processes or passed only in a retry, or pytest hung at its exit. */
  readonly blemished: boolean;
  readonly strict: boolean;
}

/**
 * The exit code of a run: of what cut it short, else pytest's own unless that is 0, else, under
 * `--strict`, 84 for leaks, a hang at the exit and tests that passed only in a retry, and 82 when
 * it is unknown whether there are leaks.
 */
export function runExitCode({ cut, pytest, leaked, blemished, strict }: ExitInput): number {
  if (cut === "time-limit") return 124;
  if (cut !== null) return ENDING_SIGNALS[cut];
  if (pytest !== 0 || !strict) return pytest;
  if (leaked === true || blemished) return 84;
  return leaked === false ? 0 : 82;
}

/** How one pytest ended. */
export interface SessionCode {
  /** Its process's; 128 + n when signal n ended it. */
  readonly code: number;
  readonly signal: string | null;
  /** The status that the session itself reported; null if it did not get that far. */
  readonly exitStatus: number | null;
  /** It ended in a test, which is red therefore. */
  readonly isBroken: boolean;
  /** Whether failed tests or collections explain that it failed. */
  readonly hasFailures: boolean;
}

/** pytest's code for tests that failed, and for a session without any test. */
const [FAILED, NO_TESTS] = [1, 5];

/** The code of one pytest. A process that exits with 0 does not take back its session's status. */
export function sessionCode(
  { code, exitStatus }: Pick<SessionCode, "code" | "exitStatus">,
): number {
  return code === 0 ? exitStatus ?? 0 : code;
}

/** Whether one pytest ended with a code that neither its tests nor pytest explain. */
export function isUnexplained(end: SessionCode): boolean {
  if (end.isBroken || end.signal !== null) return false;
  const code = sessionCode(end);
  return code === FAILED ? !end.hasFailures : code > 6 || code < 0;
}

/**
 * The code of all pytests of a run together: the worst. Failed tests count by their last attempt.
 *
 * @param red whether a test or a collection is red after all
 */
export function pytestCode(red: boolean, ends: readonly SessionCode[]): number {
  const [only] = ends;
  if (ends.length === 1) return sessionCode(only!) || (red ? FAILED : 0);
  const codes = ends.map((end) =>
    end.isBroken || (sessionCode(end) === FAILED && !isUnexplained(end)) ? 0 : sessionCode(end)
  );
  // A shard without tests does not count.
  if (codes.length > 0 && codes.every((code) => code === NO_TESTS)) return NO_TESTS;
  return [red ? FAILED : 0, ...codes].reduce((worst, code) =>
    code !== NO_TESTS && rankOf(code) > rankOf(worst) ? code : worst
  );
}

/**
 * How bad a code is, from the worst: a signal, an internal error, the command line, an
 * interruption, a plugin's own code, failed tests.
 */
function rankOf(code: number): number {
  const ranks = [0, 6, FAILED, null, 2, 4, 3];
  if (code > 128) return ranks.length;
  return ranks.includes(code) ? ranks.indexOf(code) : ranks.indexOf(null);
}

/** The codes with a meaning of tractest's own. */
const OURS: ReadonlySet<number> = new Set(Object.values(EXIT).filter((code) => code > 6));

/** The code of a run by pytest's: 1 for one that would be mistaken for tractest's own. */
export function passedOn(code: number): number {
  return code < 0 || code > 128 || OURS.has(code) ? FAILED : code;
}

/** What interrupted pytest: the error's class and text, and the test that ran then. */
export interface Interruption {
  readonly error: string;
  readonly message: string;
  readonly test: string | null;
}

/**
 * Whether an interruption is pytest's own way to stop: after errors in the collection, or where a
 * plugin asked for it.
 */
export function isPytestsOwn(error: string | undefined): boolean {
  return error === undefined || /(?:^|\.)Interrupted$/.test(error);
}
