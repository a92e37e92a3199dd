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
 * Does the work of a command that starts programs which take long, and ends these when a signal
 * ends the command: a pytest that collects would go on alone.
 *
 * @throws {TractestError} when a signal has ended it
 */
export async function interruptible(
  { host, line }: Context,
  work: () => Promise<ExitCode>,
): Promise<ExitCode> {
  // Listening to a signal takes away the sign that this program was started with it ignored.
  await ownProcess(host);
  const interrupted = Promise.withResolvers<EndingSignal>();
  const off = ENDING_SIGNAL_NAMES.map((signal) =>
    host.onSignal(signal, () => interrupted.resolve(signal))
  );
  try {
    const end = await Promise.race([work(), interrupted.promise]);
    if (typeof end === "number") return end;
    await host.abandon();
    throw new TractestError(
      "interrupted",
      `"${line.command}" was ended by ${end}`,
      ENDING_SIGNALS[end],
    );
  } finally {
    for (const stop of off) stop();
  }
}
