import { UsageError } from "../errors.ts";
import { GRACE_SECONDS } from "../tables/defaults.ts";

/** The largest pid that Linux can give. */
const PID_MAX = 4_194_304;
/** Longer than anybody waits; a number with a slip in it shall not hang a hook. */
const GRACE_MAX_SECONDS = 3_600;

/**
 * The pid that a user named: one plain number of a process that may be signalled.
 *
 * @param own the pid of this program
 * @param option the option that it was given with
 * @throws {UsageError} for anything else
 */
export function parsePid(text: string, own: number, option = "pid"): number {
  const pid = /^[1-9]\d{0,6}$/.test(text) ? Number(text) : NaN;
  if (!(pid <= PID_MAX)) {
    throw new UsageError(`"${text}" is no pid`, `--${option} takes one number, as ps shows it`);
  }
  if (pid === 1) {
    throw new UsageError(
      option === "pid" ? "pid 1 is never signalled" : "pid 1 is above everything",
    );
  }
  if (pid === own) throw new UsageError(`pid ${pid} is this program`);
  return pid;
}

/**
 * Seconds between SIGINT and SIGKILL.
 *
 * @throws {UsageError} for what is no number from 0 to 3600
 */
export function parseGrace(text: string | undefined): number {
  if (text === undefined) return GRACE_SECONDS;
  const seconds = /^\d+(\.\d+)?$/.test(text) ? Number(text) : NaN;
  if (!(seconds <= GRACE_MAX_SECONDS)) {
    throw new UsageError(
      `"${text}" is no number of seconds`,
      `--grace takes seconds, 0 to ${GRACE_MAX_SECONDS}; ${GRACE_SECONDS} unless given`,
    );
  }
  return seconds;
}
