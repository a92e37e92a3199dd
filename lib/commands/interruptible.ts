import type { Context } from "../command_line/context.ts";
import { TractestError } from "../errors.ts";
import { untilSignal } from "../system/ending_signals.ts";
import { ownProcess } from "../system/programs/own_process.ts";
import { ENDING_SIGNALS, type ExitCode } from "../tables/exit_codes.ts";

/**
 * Runs the work of a command, and ends its programs when a signal ends the command: a pytest that
 * collects would run on alone.
 *
 * @throws {TractestError} when a signal has ended it
 */
export async function interruptible(
  { host, line }: Context,
  work: () => Promise<ExitCode>,
): Promise<ExitCode> {
  // First, since a listener hides whether this program was started with SIGINT ignored.
  await ownProcess(host);
  const end = await untilSignal(host, work);
  if ("value" in end) return end.value;
  const message = `"${line.command}" was ended by ${end.signal}`;
  throw new TractestError("interrupted", message, ENDING_SIGNALS[end.signal]);
}
