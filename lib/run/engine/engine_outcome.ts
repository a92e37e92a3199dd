import type { FirstScan } from "../../leaks/first_scan.ts";
import type { HangReport } from "../../pytest/hang_event.ts";
import type { RunModel } from "../../pytest/run_model.ts";
import {
  type Cut,
  type Interruption,
  isUnexplained,
  passedOn,
  pytestCode,
  type SessionCode,
  sessionCode,
} from "../../pytest/run_exit_code.ts";

/** How a run ended. */
export interface EngineOutcome {
  readonly run: RunModel;
  /**
   * The exit code for all sessions together: 128 + n if signal n ended the run, otherwise pytest's,
   * or 1 where pytest's would be mistaken for one of tractest's own codes.
   */
  readonly code: number;
  /** The same code as pytest gave it. */
  readonly pytestExitCode: number;
  /** A session that failed although no test did, and its code; null if there is none. */
  readonly unexplained: { readonly session: string; readonly code: number } | null;
  /** What interrupted pytest, and the test running at the time; null: nothing did. */
  readonly interrupted: Interruption | null;
  readonly signal: string | null;
  readonly cut: Cut | null;
  /** The test whose time limit or crash stopped the run; null: none did. */
  readonly stoppedAt: string | null;
  /** Duration of the run. */
  readonly seconds: number;
  /**
   * The scan of all processes after the run; null if there was none, or if processes may have ended
   * since.
   */
  readonly scan: FirstScan | null;
  readonly hang: HangReport | null;
  /** A pytest had finished and did not exit. */
  readonly hungAtExit: boolean;
  /**
   * Tests that never ran although nothing stopped the run, including those that only some of the
   * sessions collected.
   */
  readonly missed: readonly string[];
  /** A full disk prevented further sessions, so missed tests may also have run unrecorded. */
  readonly diskFailed?: boolean;
  /** A pytest ended with exit code 0 before its session was over or had begun, and in no test. */
  readonly vanished: boolean;
  /** How many sessions were started. */
  readonly sessions: number;
  /** Tests came from a queue: then pytest itself has not recorded the failures. */
  readonly queued: boolean;
  /** The names of the sessions of each shard, if there were several jobs. */
  readonly shards: readonly (readonly string[])[];
}

/** What interrupted pytest, in one line: `KeyboardInterrupt`, `Exit: enough`. */
export function interruptionText(
  { error, message }: Pick<Interruption, "error" | "message">,
): string {
  const name = error.slice(error.lastIndexOf(".") + 1);
  return message === "" ? name : `${name}: ${message.split("\n", 1)[0]}`;
}

/**
 * The exit codes of a run, from those of its sessions.
 *
 * @param isRed whether a test or a collection failed after all
 * @param isBad whether the run must not end with 0
 */
export function exitOf(
  ends: readonly (SessionCode & { readonly session: string })[],
  { isRed, isBad }: { readonly isRed: boolean; readonly isBad: boolean },
): Pick<EngineOutcome, "code" | "pytestExitCode" | "unexplained" | "signal"> {
  const pytestExitCode = pytestCode(isRed, ends);
  const ended = ends.find((end) =>
    end.signal !== null && end.code === pytestExitCode && (ends.length === 1 || !end.isBroken)
  );
  const code = ended === undefined ? passedOn(pytestExitCode) : pytestExitCode;
  const unexplained = isRed ? undefined : ends.find(isUnexplained);
  return {
    code: code === 0 && isBad ? 1 : code,
    pytestExitCode,
    unexplained: unexplained === undefined
      ? null
      : { session: unexplained.session, code: sessionCode(unexplained) },
    signal: ended?.signal ?? null,
  };
}
