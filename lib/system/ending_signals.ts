import { ENDING_SIGNAL_NAMES, type EndingSignal } from "../tables/exit_codes.ts";
import type { Host } from "./host.ts";

/** Takes each signal that would end this program, until the returned function is called. */
export function onEndingSignal(
  host: Pick<Host, "onSignal">,
  take: (signal: EndingSignal) => void,
  names: readonly EndingSignal[] = ENDING_SIGNAL_NAMES,
): () => void {
  const removals = names.map((name) => host.onSignal(name, () => take(name)));
  return () => {
    for (const remove of removals) remove();
  };
}

/**
 * Waits for work, or for a signal that would end this program; the programs that the work has
 * started are ended then, too.
 */
export async function untilSignal<T>(
  host: Pick<Host, "onSignal" | "abandon">,
  work: () => Promise<T>,
): Promise<{ readonly value: T } | { readonly signal: EndingSignal }> {
  const interrupted = Promise.withResolvers<{ readonly signal: EndingSignal }>();
  const stop = onEndingSignal(host, (signal) => interrupted.resolve({ signal }));
  try {
    const done = work().then((value) => ({ value }));
    const end = await Promise.race([done, interrupted.promise]);
    if ("signal" in end) await host.abandon();
    return end;
  } finally {
    stop();
  }
}
