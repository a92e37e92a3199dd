import { plural } from "../../base/plural.ts";
import type { FirstScan } from "../../leaks/first_scan.ts";
import type { HangReport } from "../../pytest/hang_event.ts";
import { type Cut, cutReason, type Reason, Verdict } from "../../pytest/run_exit_code.ts";
import type { RunModel } from "../../pytest/run_model.ts";
import type { Interruption } from "../../pytest/session_model.ts";
import { interruptedText, type SessionCode, sessionReasons } from "../../pytest/session_reasons.ts";
import { EXIT } from "../../tables/exit_codes.ts";

/** How a run ended. */
export interface EngineOutcome {
  readonly run: RunModel;
  /**
   * The exit code of all sessions together, with the reasons: 128 + n if signal n ended the run,
   * otherwise pytest's, or 1 where pytest's would be mistaken for one of tractest's own codes.
   */
  readonly verdict: Verdict;
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
  /** How many sessions were started. */
  readonly sessions: number;
  /** Tests came from a queue: then pytest itself has not recorded the failures. */
  readonly queued: boolean;
  /** The names of the sessions of each shard, if there were several jobs. */
  readonly shards: readonly (readonly string[])[];
}

/** What decides {@linkcode verdictOf}. */
export interface RunEnd {
  readonly ends: readonly SessionCode[];
  /** How many tests and collections failed after all. */
  readonly failed: number;
  readonly cut: Cut | null;
  /** Seconds for the whole run; 0: no limit. */
  readonly limit: number;
  readonly stoppedAt: string | null;
  /** What interrupted a pytest, and the test running at the time; null: nothing did. */
  readonly interrupted: Interruption | null;
  /**
   * Tests that never ran although nothing stopped the run, including those that only some of the
   * sessions collected.
   */
  readonly missed: readonly string[];
  /** A full disk prevented further sessions, so missed tests may also have run unrecorded. */
  readonly diskFailed: boolean;
  /** The session that ended with code 0 before it was over or had begun, and in no test. */
  readonly vanished: string | null;
}

/** The exit code of all sessions of a run together, with the reasons. */
export function verdictOf(end: RunEnd): Verdict {
  const { ends, failed, cut, interrupted } = end;
  const cuts = cut === null ? [] : [cutReason(cut, cutText(cut, end.limit, end.stoppedAt))];
  const reasons = [...cuts, ...sessionReasons(ends, failed)];
  const areEnded = reasons.some(({ kind }) => kind === "session");
  // pytest.exit() may ask for the code 0.
  const remark = interrupted === null ? null : `pytest ${interruptedText(interrupted)}`;
  return Verdict.of([...reasons, ...incompleteReasons(end, areEnded)], remark);
}

/**
 * How a run was cut short, in words.
 *
 * @param limit seconds for the whole run
 * @param stoppedAt the test whose own limit did it; null: none
 */
export function cutText(cut: Cut, limit: number, stoppedAt: string | null): string {
  if (cut === "SIGINT") return "interrupted";
  if (cut !== "time-limit") return `ended by ${cut}`;
  return stoppedAt === null ? `time limit of ${limit} s` : `time limit of one test, ${stoppedAt}`;
}

/**
 * Tests that did not run have not passed, and a process may end itself with any code.
 *
 * @param areEnded whether sessions ended that would have run them
 */
function incompleteReasons({ vanished, missed, diskFailed }: RunEnd, areEnded: boolean): Reason[] {
  const reason = (text: string, session: string | null): Reason[] => [
    { kind: "incomplete", code: EXIT.testsFailed, pytest: 0, text, session, label: null },
  ];
  if (vanished !== null) {
    return reason("ended with exit code 0 before its session was over", vanished);
  }
  if (missed.length === 0) return [];
  const first = `${missed[0]} first`;
  const why = areEnded ? "" : ": another pytest did not collect them";
  const text = diskFailed
    ? `${plural(missed.length, "test")} without a result, ${first}: the disk is full`
    : `${plural(missed.length, "collected test")} never ran, ${first}${why}`;
  return reason(text, null);
}
