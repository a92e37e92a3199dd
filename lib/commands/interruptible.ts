import type { Context } from "../command_line/context.ts";
import { TractestError } from "../errors.ts";
import { ownProcess } from "../system/programs/own_process.ts";
import {
  ENDING_SIGNAL_NAMES,
  ENDING_SIGNALS,
  type EndingSignal,
  type ExitCode,
} from "../tables/exit_codes.ts";

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
  const interrupted = Promise.withResolvers<EndingSignal>();
  const removals = ENDING_SIGNAL_NAMES.map((signal) =>
    host.onSignal(signal, () => interrupted.resolve(signal))
  );
  try {
    const end = await Promise.race([work(), interrupted.promise]);
    if (typeof end === "number") return end;
    await host.abandon();
    const message = `"${line.command}" was ended by ${end}`;
    throw new TractestError("interrupted", message, ENDING_SIGNALS[end]);
  } finally {
    for (const remove of removals) remove();
  }
}
