import { UsageError } from "../errors.ts";
import type { Host } from "../system/host.ts";

/**
 * The path of this program, which starts itself for runs of their own.
 *
 * @param what it is needed for: `a background run`
 * @throws {UsageError} if it does not know it
 */
export function ownExecutable(host: Host, what: string): string {
  const { executable, kind } = host.build();
  if (executable !== undefined) return executable;
  throw new UsageError(
    `Cannot start ${what}: this tractest (${kind}) does not know its own executable`,
    "scripts/build makes one that does; call it by its path",
  );
}
