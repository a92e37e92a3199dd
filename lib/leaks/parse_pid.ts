import { UsageError } from "../errors.ts";

/** The largest pid that Linux can give. */
const PID_MAX = 4_194_304;

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
